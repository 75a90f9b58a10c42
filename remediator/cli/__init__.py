"""The command line. One module per command, imported only when it is called: `--help` stays quick.

Exit codes: 0 done, findings or not · 1 error · 2 usage, configuration or refused prompt · 3 findings present, with
--exit-code, and always of lint; or what `checksum` compared is not the same, or waiting does not help · 4 --approve was
given and a gate held everything back · 5 partial: not everything was seen, or an outcome is unknown · 124 time-out of
`wait` and `rollout` · 130 interrupted.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import click

from remediator import __version__
from remediator.errors import RemediatorError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["INTERRUPTED", "cli", "main"]

_COMMANDS = {
    "scan": "Show what is stuck or waiting, since when, why, and what would help.",
    "explain": "Show one resource: both sides' evidence, the findings, every gate.",
    "run": "Make one pass under the policy; with --approve, act on what you approve.",
    "daemon": "Make one pass after the other, on a schedule, as the one that leads.",
    "list": "List what runs recorded: proposals, who approved, what is in quarantine.",
    "approve": "Approve what is proposed for one resource; the next run acts on it.",
    "reject": "Reject what is proposed for one resource.",
    "history": "Show what was tried: when, on whose word, and what came of it.",
    "pause": "Have nothing done for a while, or list who has; looking goes on.",
    "resume": "End a pause.",
    "quarantine": "List what is in quarantine, or let it be tried again.",
    "release": "Let an object go that is stuck in its deletion, and keep its function.",
    "clear-finalizer": "Let an object go that is stuck in its deletion, and whose function is gone.",
    "restart-controller": "Restart ACK's controller where it hangs: shows what, waits, and asks.",
    "restore": "Create an object again from its backup: shows what, and asks.",
    "rollout": "Apply a function's manifest so that nothing of it is lost: code, wait, configuration.",
    "wait": "Wait until a function is synced, settled or deleted, on both sides.",
    "orphans": "Show functions in AWS that this cluster has no object for.",
    "doctor": "Check an install: rights, approvals, AWS, controller, clocks, metrics.",
    "collect": "Collect what is known of one resource for a bug report, without secrets.",
    "diagnose": "Diagnose dumps of a support case: no cluster, no AWS.",
    "checksum": "Print the checksum that a manifest needs for its package, or write it there.",
    "lint": "Judge manifests of Functions before they are applied.",
    "validate": "Check policy files, and say what they would allow, and when.",
    "policy": "Print the policy file's JSON Schema, or a commented sample.",
    "findings": "List the findings, or show the runbook of one.",
    "completion": "Print the script by which a shell completes commands and names.",
    "demo": "Show all of it on a sandbox: nothing outside this process is touched.",
    "version": "Print the version.",
}

# A module named `list` would stand in this package for the builtin as soon as it is imported.
_MODULES = {"list": "listing", "clear-finalizer": "clear_finalizer", "restart-controller": "restart_controller"}

INTERRUPTED = 130
_PREFIX = "REMEDIATOR"
_OBJECTS_MORE = 10_000
_FIRST = 1  # in a container: for it the kernel drops signals that have no handler, and SIGTERM would do nothing


def _name_variables(command: click.Command, prefix: str) -> None:
    """Let each flag's environment variable have the flag's own name; click names it after our parameter."""
    for option in command.params:
        if isinstance(option, click.Option) and option.envvar is None:
            flag = max(option.opts, key=len).lstrip("-")
            option.envvar = f"{prefix}_{flag.replace('-', '_').upper()}"
            option.allow_from_autoenv = False
    for name, inner in getattr(command, "commands", {}).items():
        _name_variables(inner, f"{prefix}_{name.upper()}")


class _LazyGroup(click.Group):
    """Import a command's module when it is called, not when it is listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = _MODULES.get(cmd_name, cmd_name)
        command: click.Command = importlib.import_module(f"remediator.cli.{module}").command
        _name_variables(command, f"{_PREFIX}_{cmd_name.replace('-', '_').upper()}")
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[Any]]:
        from click.shell_completion import CompletionItem

        named = [CompletionItem(name, help=gist) for name, gist in _COMMANDS.items() if name.startswith(incomplete)]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": _PREFIX},
    epilog="Exit codes: 0 done; 1 error; 2 usage, configuration, a refused prompt; 3 findings, with --exit-code or of "
    "lint, or no help in waiting; 4 held back by a gate; 5 partial or unknown outcome; 124 time-out; 130 interrupted.",
)
@click.version_option(__version__, prog_name="ack-remediator")
@click.option("-v", "--verbose", count=True, help="Say more on stderr; twice for still more.")
@click.pass_context
def cli(ctx: click.Context, verbose: int) -> None:
    """Find, explain and free stuck AWS resources managed by AWS Controllers for Kubernetes (ACK).

    Reads only, unless you approve, or roll out a manifest: `remediator scan` and `remediator explain` are safe to type
    at any time.
    """
    if ctx.invoked_subcommand not in ("version", "findings", "policy", "validate", "completion"):
        from remediator.telemetry.logs import configure, for_machines

        configure(verbose, machine=for_machines())


def _typed_as() -> str | None:
    """Tell how the program is called in its usage lines; None: as its file is.

    What to type next is told as `remediator ...` even so: the same is said in records, runbooks and alerts, which
    others read, and whoever has the plugin has the command.
    """
    return "kubectl remediator" if PurePath(sys.argv[0]).stem == "kubectl-remediator" else None


def main(args: list[str] | None = None) -> None:
    """Run a command; the one place where errors become messages and exit codes."""
    if shell := os.environ.get("_REMEDIATOR_COMPLETE"):
        from remediator.cli import completing

        completing.shell(shell)
        return
    # What is loaded at the start stays, and there is much of it: to look through it for garbage at each 700 objects
    # more takes a twentieth of a scan.
    gc.set_threshold(_OBJECTS_MORE, 20, 20)
    if os.getpid() == _FIRST:
        from remediator.cli.interrupt import take_sigterm_as_interrupt

        take_sigterm_as_interrupt()
    try:
        code: Any = cli.main(args=args, prog_name=_typed_as(), standalone_mode=False)
    except RemediatorError as error:
        from remediator.cli.render import printable, shortened

        said = printable(shortened(error.message, elsewhere=""))
        click.echo("\n".join(filter(None, (f"error: {said}", printable(error.hint)))), err=True)
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted: nothing is left half done that the next run does not undo", err=True)
        code = INTERRUPTED
    sys.exit(code if isinstance(code, int) else 0)
