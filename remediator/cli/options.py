"""Flags that several commands share, spelled as kubectl spells them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from remediator.cli import candidates

if TYPE_CHECKING:
    from remediator.model.shard import Shard

F = TypeVar("F", bound=Callable[..., Any])


class Output(StrEnum):
    """How a command says what it found: for people, or for machines. `html` is for `scan` alone."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    HTML = "html"

    @property
    def for_machines(self) -> bool:
        return self in (Output.JSON, Output.YAML)


class _OneName(click.types.StringParamType):
    """A name that is one even where it is read from a variable and has spaces in it."""

    def split_envvar_value(self, rv: str) -> list[str]:
        return [rv]


def _one_context(_ctx: click.Context, _option: click.Parameter, named: tuple[str, ...]) -> str | None:
    """Take the one context that is named; of two, click would take the last without a word. Raises UsageError."""
    from remediator.errors import UsageError

    if len(set(named)) > 1:
        raise UsageError(
            f"--context is one cluster's here, and {len(set(named))} were named: {', '.join(dict.fromkeys(named))}",
            hint="Type it once for each of them. `remediator scan` alone takes several.",
        )
    return named[0] if named else None


_KUBECONFIG_FILE = click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path),
    help="The kubeconfig file; else KUBECONFIG, else ~/.kube/config.",
)
_KUBECONFIG = (
    _KUBECONFIG_FILE,
    click.option(
        "--context",
        type=_OneName(),
        multiple=True,
        callback=_one_context,
        shell_complete=candidates.live("contexts"),
        help="The context in the kubeconfig; else its current one.",
    ),
)
_KUBECONFIG_SEVERAL = (
    _KUBECONFIG_FILE,
    click.option(
        "--context",
        "contexts",
        multiple=True,
        callback=lambda _ctx, _option, named: tuple(dict.fromkeys(named)),
        shell_complete=candidates.live("contexts"),
        help="The context in the kubeconfig; else its current one. Repeatable: each cluster by itself.",
    ),
)
_HOME = click.option(
    "--home-namespace",
    "home",
    shell_complete=candidates.live("namespaces"),
    help="Where the remediator keeps its records; else its own, else ack-remediator.",
)
_NAMESPACE = click.option(
    "-n",
    "--namespace",
    shell_complete=candidates.live("namespaces"),
    help="The namespace; else the context's.",
)
_TARGET = (
    *_KUBECONFIG,
    _NAMESPACE,
)
_CLUSTER = (
    *_TARGET,
    _HOME,
)
_EVERYWHERE = click.option("-A", "--all-namespaces", is_flag=True, help="Look in every namespace.")
_SCOPE = (
    _EVERYWHERE,
    click.option("-l", "--selector", help="Only resources with these labels, such as team=shop."),
)


def _shard(_ctx: click.Context, option: click.Parameter, text: str | None) -> Shard | None:
    """Read what follows --shard; None where it is not given."""
    from remediator.errors import UsageError
    from remediator.model.shard import MOST, parse_shard

    try:
        return None if text is None else parse_shard(text)
    except ValueError as error:
        hint = f"Write I/N, with I from 0 to N-1, and N no more than {MOST}: {option.opts[0]} 0/4 is the first of four."
        raise UsageError(f"{option.opts[0]}: {error}", hint=hint) from error


_SHARD = click.option(
    "--shard",
    callback=_shard,
    metavar="I/N",
    envvar="REMEDIATOR_SHARD",
    help="Look after the share I of N only, counted from 0, by hash of uid; 0/1 is all. See docs/daemon.md.",
)
_POLICY = click.option(
    "--policy",
    type=click.Path(path_type=Path),
    envvar="REMEDIATOR_POLICY",
    help="The policy file; else REMEDIATOR_POLICY, else read-only defaults.",
)


def _output(choices: list[Output], meaning: str) -> Callable[[F], F]:
    return click.option(
        "-o",
        "--output",
        type=click.Choice([each.value for each in choices]),
        callback=lambda _ctx, _option, value: Output(value),
        default=Output.TABLE.value,
        show_default=True,
        help=meaning,
    )


_MEANING = "table; wide: the same with everything that is known; json or yaml: one document for scripts"
_OUTPUT = _output([each for each in Output if each is not Output.HTML], f"{_MEANING}.")
_OUTPUT_OR_PAGE = _output(list(Output), f"{_MEANING}; html: a page for a browser, in one file.")


_OVERRIDE = (
    click.option(
        "--override",
        "gates",
        multiple=True,
        metavar="GATE",
        shell_complete=candidates.gates,
        help="Pass by a gate that only counts; needs --reason.",
    ),
    click.option("--reason", default="", help="Why; it is kept with what is done."),
)


_BACKUPS = click.option(
    "--backups", type=click.Path(path_type=Path), help="Save the object as a file in this directory."
)


_AUDIT = click.option(
    "--audit-log",
    type=click.Path(path_type=Path),
    metavar="FILE",
    envvar="REMEDIATOR_AUDIT_LOG",
    help="Append each decision and write to this file, as JSON lines; - is stderr. See docs/audit.md.",
)


_METRICS = (
    click.option(
        "--metrics-file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE.prom",
        help="Write metrics to this file, for node_exporter's textfile collector.",
    ),
    click.option("--push", metavar="URL", help="Push metrics to this Pushgateway."),
    click.option(
        "--push-job", default="ack-remediator", show_default=True, metavar="NAME", help="The job that they go under."
    ),
    click.option(
        "--push-label",
        "push_labels",
        multiple=True,
        metavar="NAME=VALUE",
        help="A label that they go under, too, such as cluster=eu1; repeatable.",
    ),
)


def _apply(function: F, *decorators: Callable[[F], F]) -> F:
    return reduce(lambda decorated, decorator: decorator(decorated), reversed(decorators), function)


def cluster_options(function: F) -> F:
    """Add --kubeconfig, --context, -n and --policy."""
    return _apply(function, *_CLUSTER, _POLICY)


def several_clusters_options(function: F) -> F:
    """Add --kubeconfig, --context as often as wanted (`contexts`, each once, as typed), -n and --policy."""
    return _apply(function, *_KUBECONFIG_SEVERAL, _NAMESPACE, _HOME, _POLICY)


def whole_cluster_options(function: F) -> F:
    """Add --kubeconfig, --context and --policy, for commands that are about all namespaces or nothing."""
    return _apply(function, *_KUBECONFIG, _HOME, _POLICY)


def home_options(function: F) -> F:
    """Add --kubeconfig, --context and --home-namespace, for commands that are about the remediator's own namespace."""
    return _apply(function, *_KUBECONFIG, _HOME)


def record_options(function: F) -> F:
    """Add --kubeconfig, --context and -n, for commands that only look at records and write to them."""
    return _apply(function, *_CLUSTER)


def target_options(function: F) -> F:
    """Add --kubeconfig, --context and -n, for commands that have nothing to do with records."""
    return _apply(function, *_TARGET)


def everywhere_option(function: F) -> F:
    """Add -A."""
    return _apply(function, _EVERYWHERE)


def scope_options(function: F) -> F:
    """Add -A and -l."""
    return _apply(function, *_SCOPE)


def shard_option(function: F) -> F:
    """Add --shard; the command is given a `Shard`, or None."""
    return _apply(function, _SHARD)


def policy_option(function: F) -> F:
    """Add --policy alone, for commands without a cluster."""
    return _apply(function, _POLICY)


def override_options(function: F) -> F:
    """Add --override and --reason; `parse_override` reads them."""
    return _apply(function, *_OVERRIDE)


def request_options(approval: Callable[[F], F]) -> Callable[[F], F]:
    """Add what a person asks for an action with, `approval` among it; `requesting.session` reads the rest."""
    return lambda function: _apply(function, *_CLUSTER, _POLICY, approval, *_OVERRIDE, _BACKUPS, _AUDIT)


def audit_option(function: F) -> F:
    """Add --audit-log."""
    return _apply(function, _AUDIT)


def metrics_options(function: F) -> F:
    """Add --metrics-file and --push with its labels; `deliver` reads them."""
    return _apply(function, *_METRICS)


def duration(_ctx: click.Context, option: click.Parameter, text: str | None) -> timedelta | None:
    """Read what follows a flag as a duration, such as 90s or 1h30m; a flag that is not given has none."""
    from remediator.errors import UsageError
    from remediator.model.times import parse_duration

    try:
        return None if text is None else parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{option.opts[0]}: {error}") from error


def timeout_option(default: str, meaning: str) -> Callable[[F], F]:
    """Add --timeout; the command is given a timedelta."""
    return click.option(
        "--timeout",
        default=default,
        show_default=True,
        callback=duration,
        metavar="DURATION",
        help=meaning,
    )


def output_option(function: F) -> F:
    """Add -o; the command is given an `Output`."""
    return _apply(function, _OUTPUT)


def output_or_page_option(function: F) -> F:
    """Add -o, with html among what it takes; the command is given an `Output`."""
    return _apply(function, _OUTPUT_OR_PAGE)
