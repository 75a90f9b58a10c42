"""Flags, their environment variables, and which of two that disagree is heeded: the same for every command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import click
import pytest

from remediator.cli import cli
from tests.cli.shop import Shop, Typing

# One variable for all commands: these are the installation's, and not a command's.
FOR_ALL = {"--policy": "REMEDIATOR_POLICY", "--audit-log": "REMEDIATOR_AUDIT_LOG"}


def commands(group: click.Command = cli, *before: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command that does something, with what is typed for it."""
    if not isinstance(group, click.Group):
        yield before, group
        return
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield from commands(command, *before, name)


COMMANDS = dict(commands())
OPTIONS = [
    (words, option)
    for words, command in COMMANDS.items()
    for option in command.params
    if isinstance(option, click.Option) and option.expose_value
]


def flag(option: click.Option) -> str:
    return max(option.opts, key=len)


def variable(words: tuple[str, ...], option: click.Option) -> str:
    """Say what the variable of a flag must be called."""
    named = "_".join(("remediator", *words, flag(option).lstrip("-"))).replace("-", "_").upper()
    return FOR_ALL.get(flag(option), named)


@pytest.mark.parametrize(
    ("words", "option"), OPTIONS, ids=[f"{' '.join(words)} {flag(option)}" for words, option in OPTIONS]
)
def test_every_flag_is_read_from_the_variable_of_its_own_name(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], option: click.Option
) -> None:
    """A flag that is read from the variable of another does what nobody asked for."""
    context = click.Context(COMMANDS[words], auto_envvar_prefix="_".join(("REMEDIATOR", *words)).upper())
    for _, other in OPTIONS:
        assert isinstance(other.envvar, str)
        monkeypatch.delenv(other.envvar, raising=False)
    assert option.resolve_envvar_value(context) is None
    monkeypatch.setenv(variable(words, option), "told")
    assert option.resolve_envvar_value(context) == "told"


def test_no_two_flags_share_a_variable() -> None:
    named = Counter(variable(words, option) for words, option in OPTIONS if flag(option) not in FOR_ALL)
    assert len(named) > 60
    assert named.most_common(1)[0][1] == 1


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_flag_that_there_is_not_is_2(typed_anywhere: Typing, words: tuple[str, ...]) -> None:
    told = typed_anywhere(*words, "--bogus")
    assert (told.code, told.out) == (2, "")
    assert "No such option" in told.err


@pytest.mark.parametrize(
    ("typed", "variable", "in_kubeconfig", "looked_in"),
    [
        ("typed", "variable", "kubeconfig", "typed"),
        ("typed", "variable", "", "typed"),
        ("", "variable", "kubeconfig", "variable"),
        ("", "variable", "", "variable"),
        ("", "", "kubeconfig", "kubeconfig"),
        ("", "", "", "default"),
    ],
)
def test_a_flag_goes_before_its_variable_and_that_before_the_file_and_that_before_the_default(
    empty_shop: Shop, monkeypatch: pytest.MonkeyPatch, typed: str, variable: str, in_kubeconfig: str, looked_in: str
) -> None:
    shop = empty_shop
    shop.api.kubeconfig(shop.kubeconfig, context="shop-cluster", namespace=in_kubeconfig or "default")
    if variable:
        monkeypatch.setenv("REMEDIATOR_SCAN_NAMESPACE", variable)
    told = shop("scan", *(("-n", typed) if typed else ()))
    assert f"shop-cluster, namespace {looked_in}: " in told.err


@pytest.mark.parametrize(("words", "lists"), [((), False), (("-o", "table"), True)])
def test_a_flag_with_a_default_goes_before_its_variable_even_where_it_says_the_default(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], *, lists: bool
) -> None:
    monkeypatch.setenv("REMEDIATOR_SCAN_OUTPUT", "json")
    assert shop("scan", *words).out.startswith("NAMESPACE") is lists


def test_a_flag_that_is_repeated_is_a_list_in_its_variable(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMEDIATOR_RUN_PROPOSAL", "p-0000000001 p-0000000002")
    told = shop("run", "-A", "--approve")
    for each in ("p-0000000001", "p-0000000002"):
        assert f"{each}: no such proposal now" in told.err


def test_a_dry_run_is_one_by_its_variable_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMEDIATOR_RUN_DRY_RUN", "true")
    told = shop("run", "-A", "--approve", "--proposal", "p-0000000001")
    assert told.code == 2
    assert "--dry-run and --approve exclude each other" in told.err
