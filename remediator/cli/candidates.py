"""What may stand at the cursor: the words that completion offers for an argument or a flag.

What a person types to consent (`--confirm`, `--orphan`) is offered nowhere: it is asked so that it is typed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Complete = Callable[[click.Context, click.Parameter, str], "list[CompletionItem[str]]"]

SECONDS = "REMEDIATOR_COMPLETION_SECONDS"
_USUAL_SECONDS = 2.0  # people wait no longer for a TAB
_LOOKUP_FLAGS = ("kubeconfig", "context", "namespace", "home", "all_namespaces")


def live(what: str) -> Complete:
    """Offer names that only the kubeconfig or the cluster knows; `what` is one of `lookup.LOOKUPS`.

    Where several contexts are named, the last one's cluster is asked, and none of them is offered again.
    """

    def complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        flags = {each: str(ctx.params[each]) for each in _LOOKUP_FLAGS if ctx.params.get(each)}
        named = ctx.params.get("contexts") or ()
        if named:
            flags["context"] = named[-1]
        fitting = _fitting(_looked_up(what, flags, incomplete), incomplete)
        return [each for each in fitting if what != "contexts" or each.value not in named]

    return complete


def file(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Leave it to the shell, which knows the files."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def findings(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Offer the findings by name, in upper or lower case."""
    from remediator.cli.findings import groups

    return _fitting((each for group in groups() for each in group.entries), incomplete)


def gates(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Offer the gates that a person may pass by."""
    from remediator.gates import OVERRIDABLE

    return _fitting(((str(each), "") for each in OVERRIDABLE), incomplete)


def goals(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Offer what can be waited for."""
    return _fitting(
        (
            ("synced", "Kubernetes and AWS agree, and nothing is left to do"),
            ("settled", "AWS is at rest and well"),
            ("deleted", "the object is gone"),
            ("generation=", "synced, at this generation or a later one"),
        ),
        incomplete,
    )


def scenarios(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Offer the stories of the demo."""
    from remediator.sandbox.scenarios import SCENARIOS

    return _fitting(((each.name, each.title) for each in SCENARIOS), incomplete)


def _fitting(words: Iterable[tuple[str, str]], incomplete: str) -> list[CompletionItem[str]]:
    from click.shell_completion import CompletionItem

    wanted = incomplete.lower()
    return [CompletionItem(word, help=gist or None) for word, gist in words if word.lower().startswith(wanted)]


def _looked_up(what: str, flags: dict[str, str], incomplete: str) -> list[tuple[str, str]]:
    """Look names up in a process of its own; return what it found in time.

    A login plugin may ask for a password, open a browser or hang, and a server may not answer: the process has no
    terminal, and ends with all that it started. What the client writes beside it, a key of the kubeconfig among it,
    is gone with the directory.
    """
    asked = json.dumps({"what": what, "incomplete": incomplete, "flags": flags})
    with tempfile.TemporaryDirectory(prefix="ack-remediator-") as scratch:
        found = Path(scratch) / "found"
        with found.open("wb") as sink:
            process = subprocess.Popen(  # noqa: S603 - this very program
                [sys.executable, "-P", "-m", "remediator.cli.lookup", asked],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "TMPDIR": scratch},
                start_new_session=True,
            )
        try:
            process.wait(_seconds())
        except subprocess.TimeoutExpired:
            pass
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        *whole, _broken_off = found.read_text(encoding="utf-8", errors="replace").split("\n")
    words = (each.partition("\t") for each in whole)
    return [(word, gist) for word, _, gist in words if word.isprintable() and gist.isprintable()]


def _seconds() -> float:
    try:
        return float(os.environ[SECONDS])
    except (KeyError, ValueError):
        return _USUAL_SECONDS
