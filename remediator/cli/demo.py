"""`remediator demo`: the main job on a sandbox, told as a story. Ends by itself."""

from __future__ import annotations

import importlib.util
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from remediator.cli.render import Page, console
from remediator.errors import RemediatorError

if TYPE_CHECKING:
    from remediator.sandbox.scenarios import Stage

_SPEED = 30.0


@click.command("demo")
def command() -> int:
    """Show all of it on a sandbox: a cluster, a controller and a Lambda in this process. Touches nothing else."""
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("flask") is None:
        raise RemediatorError("the demo needs its extra", hint="pip install 'ack-remediator[demo]'")
    from remediator.sandbox.scenarios import Stage

    page = console()
    page.line("ack-remediator: a demo on a sandbox", style="bold")
    page.line(
        "A Kubernetes API, a small ACK controller and a Lambda run in this process, on loopback. Nothing else is "
        f"touched. The sandbox's clock runs {_SPEED:.0f} times as fast as yours, so that minutes of waiting pass in "
        "seconds; all times below are its own."
    )
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="ack-remediator-demo-") as directory,
        Stage(Path(directory), speed=_SPEED) as stage,
    ):
        _Story(page, stage, Path(directory)).tell()
    page.line("")
    page.line(
        f"That was all, in {time.monotonic() - started:.0f} seconds. On a cluster of yours, start with: "
        "remediator scan -A"
    )
    return 0


class _Story:
    """The scenes, in order. Each types a command and runs it."""

    def __init__(self, page: Page, stage: Stage, directory: Path) -> None:
        self._page = page
        self._stage = stage
        self._directory = directory

    def tell(self) -> None:
        """Scan, explain, show what a run would do, approve, and look again."""
        self._say("1. What is stuck? Healthy functions cost no AWS call and are not shown.")
        self._type("scan", "-A")
        self._say(
            "2. Why? One resource, both sides' evidence. Its password is in its environment; no output ever shows it."
        )
        self._type("explain", "function/checkout", "-n", "shop")
        self._say(
            "3. Hands off. 'legacy' carries an annotation, 'exports' is in an account that we cannot ask (NotFound "
            "from another account is not gone), and 'ledger' still exists: its finalizer stays."
        )
        self._type("explain", "function/legacy", "-n", "shop")
        self._say("4. What would a run do? Without --approve it changes nothing.")
        self._type("run", "-A")
        self._say(
            "5. Approve on the terminal. Both get a Resync. 'checkout' heals. 'archive' does not: a wrong region on "
            "the object keeps the controller from looking at all. So the finalizer is next: AWS must say gone twice, "
            "a minute apart, and the object is saved first."
        )
        self._approve()
        self._say("6. And now? What waited for AWS has healed by itself, as announced.")
        self._stage.heal()
        self._type("scan", "-A")

    def _say(self, text: str) -> None:
        self._page.line("")
        self._page.line(text, style="bold cyan")

    def _prompt(self, *words: str) -> None:
        self._page.line("")
        self._page.line(f"$ remediator {' '.join(words)}", style="bold green")

    def _type(self, *words: str) -> None:
        from remediator.cli import cli

        self._prompt(*words)
        cli.main(
            args=[words[0], "--policy", str(self._stage.policy), *words[1:]],
            obj=self._stage.clock,
            standalone_mode=False,
        )

    def _approve(self) -> None:
        from remediator.cli.session import Session
        from remediator.cli.wiring import wire

        self._prompt("run", "-A", "--approve")
        wired = wire(
            all_namespaces=True,
            policy=self._stage.policy,
            backups=self._directory / "backups",
            clock=self._stage.clock,
        )
        Session(wired, ask=self._answer).approve(frozenset())

    def _answer(self, question: str) -> str:
        from remediator.sandbox.scenarios import CONTEXT

        self._page.line(f"{question}: {CONTEXT}", style="bold")
        return CONTEXT
