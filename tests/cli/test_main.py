"""The door: help, usage, errors and exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import NoReturn

import click
import pytest

from remediator import __version__, cli
from remediator.errors import ClusterError, Forbidden, PolicyError, RemediatorError, UsageError
from tests.cli.conftest import Remediator
from tests.cli.shop import Shop

RECORDS = ("list", "approve", "reject", "history", "quarantine")
COMMANDS = (
    *("scan", "explain", "run", *RECORDS, "pause", "resume", "rollout", "wait", "orphans", "doctor", "collect"),
    *("diagnose", "checksum", "restart-controller", "lint", "validate", "policy", "findings"),
    *("completion", "demo", "version"),
)
HEAVY = ("kubernetes", "boto3", "botocore", "pydantic", "rich", "msgspec", "ruamel.yaml", "structlog", "jinja2", "moto")


def imported_by(*args: str) -> set[str]:
    """Run a command in a process of its own, and tell which heavy libraries it loaded."""
    script = (
        "import sys\n"
        "from remediator.cli import main\n"
        "try:\n"
        f"    main({list(args)!r})\n"
        "except SystemExit as ended:\n"
        "    assert ended.code == 0, ended.code\n"
        f"print(*[each for each in {HEAVY!r} if each in sys.modules], file=sys.stderr)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(ran.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["version"]], ids=" ".join)
def test_help_is_quick_because_it_imports_nothing(args: list[str]) -> None:
    assert imported_by(*args) == set()


@pytest.mark.parametrize(
    "command",
    [
        *("scan", "run", "explain", "collect", "diagnose", "orphans", "checksum", "lint", "rollout", "wait", "pause"),
        *("resume", "restart-controller", *RECORDS),
    ],
)
def test_the_help_of_a_command_asks_for_no_client(command: str) -> None:
    assert not imported_by(command, "--help") & {"kubernetes", "boto3", "botocore", "pydantic"}


def test_where_all_is_well_nothing_is_loaded_that_asks_aws(empty_shop: Shop) -> None:
    """Nor anything that writes documents: a scan is short, and loading is most of it."""
    shop = empty_shop
    shop.function("checkout")
    loaded = imported_by("scan", "-A", "--kubeconfig", str(shop.kubeconfig), "--policy", str(shop.policy))
    assert loaded >= {"kubernetes", "pydantic"}
    assert not loaded & {"boto3", "botocore", "jinja2", "moto"}


def test_help_lists_every_command_and_exit_code(remediator: Remediator) -> None:
    ran = remediator("--help")
    assert ran.code == 0
    assert all(f"  {each}  " in ran.out for each in COMMANDS)
    assert "Exit codes: 0 done; 1 error; 2 usage" in " ".join(ran.out.split())


@pytest.mark.parametrize("command", [each for each in COMMANDS if each != "demo"])
def test_every_command_has_help(remediator: Remediator, command: str) -> None:
    ran = remediator(command, "-h")
    assert ran.code == 0
    assert ran.out.startswith("Usage: ")


def test_without_a_command_there_is_help_and_2(remediator: Remediator) -> None:
    ran = remediator()
    assert ran.code == 2
    assert "Usage: " in ran.err


@pytest.mark.parametrize("args", [["scam"], ["scan", "--bogus"], ["scan", "-o", "xml"], ["explain"]], ids=" ".join)
def test_wrong_usage_is_2(remediator: Remediator, args: list[str]) -> None:
    ran = remediator(*args)
    assert (ran.code, ran.out) == (2, "")
    assert "Usage: " in ran.err


def test_the_version(remediator: Remediator) -> None:
    assert remediator("version").out.startswith(f"ack-remediator {__version__} (Python ")
    assert __version__ in remediator("--version").out


# -- run and explain, before any cluster is asked -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["run", "--approve"], "--approve needs a terminal to ask on, or the proposals that you approve"),
        (["run", "--proposal", "p-1"], "--proposal approves nothing without --approve"),
        (["run", "--approve", "--dry-run"], "--dry-run and --approve exclude each other"),
        (["run", "-n", "shop", "-A"], "-n and -A exclude each other"),
        (["scan", "-n", "shop", "-A"], "-n and -A exclude each other"),
        (["explain", "pod/web"], "cannot explain a 'pod'"),
        (["scan", "--policy", "/absent/policy.yaml"], "/absent/policy.yaml: cannot read the policy"),
        (["scan", "--kubeconfig", "/absent/kubeconfig"], "/absent/kubeconfig"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_what_cannot_start_is_2(remediator: Remediator, args: list[str], said: str) -> None:
    ran = remediator(*args)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


# -- the boundary ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (RemediatorError("broken", hint="Mend it."), 1, "error: broken\nMend it.\n"),
        (ClusterError("odd answer"), 1, "error: odd answer\n"),
        (Forbidden("may not list"), 1, "error: may not list\n"),
        (UsageError("no such flag"), 2, "error: no such flag\n"),
        (PolicyError("policy.yaml:1:1: bad"), 2, "error: policy.yaml:1:1: bad\n"),
        (KeyboardInterrupt(), 130, "interrupted: "),
        (click.Abort(), 130, "interrupted: "),
        (click.ClickException("plain"), 1, "Error: plain\n"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_every_error_becomes_a_sentence_and_a_code(
    remediator: Remediator, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    monkeypatch.setattr(cli.cli, "invoke", fail)
    ran = remediator("version")
    assert ran.code == code
    assert ran.err.lstrip().startswith(said)
    assert "Traceback" not in ran.err


def test_a_reader_that_leaves_early_is_told_nothing() -> None:
    command = [sys.executable, "-c", "from remediator.cli import main; main(['findings'])"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 1  # click's choice; what matters is that there is no traceback
    assert said == b""


# -- in a container -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pid", [1, 4711])
def test_as_the_first_process_it_is_ended_by_sigterm_too(
    remediator: Remediator, monkeypatch: pytest.MonkeyPatch, pid: int
) -> None:
    """The kernel lets the first process have no signal that it has no handler for; others die of SIGTERM anyway."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        monkeypatch.setattr(os, "getpid", lambda: pid)
        monkeypatch.setattr(cli.cli, "main", lambda **_: signal.raise_signal(signal.SIGTERM) if pid == 1 else None)
        ran = remediator("version")
        assert (ran.code, signal.getsignal(signal.SIGTERM) is signal.SIG_DFL) == (
            (130, False) if pid == 1 else (0, True)
        )
    finally:
        signal.signal(signal.SIGTERM, before)
