"""The stories of the demo: each scene types a command on a sandbox, and runs it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from remediator.cli.render import Page
from remediator.sandbox.scenarios import Ending, Scenario

if TYPE_CHECKING:
    from remediator.sandbox.scenarios.stage import Stage


class Teller:
    """Tell on a page what happens on a stage; what is saved goes to `directory`."""

    def __init__(self, page: Page, stage: Stage, directory: Path) -> None:
        self._page = page
        self._stage = stage
        self._directory = directory

    def tour(self) -> None:
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

    def one(self, scenario: Scenario) -> None:
        """Tell one story: scan, explain, and what ends it; then what to take home."""
        self._say(f"1. {scenario.title} Here is what a scan says.")
        self._type("scan", "-A")
        self._say("2. Why, and what would help?")
        self._type("explain", f"function/{scenario.function}", "-n", "shop")
        if scenario.ending is Ending.APPROVAL:
            self._say("3. Approve on the terminal, and see what comes of it.")
            self._approve()
        elif scenario.ending is Ending.TIME:
            self._say("3. So wait, and look again.")
            self._stage.heal()
        if scenario.ending is not Ending.PERSON:
            self._type("scan", "-A")
        self._say("What to take home")
        self._page.line(scenario.lesson)

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
        from remediator.sandbox.scenarios.stage import CONTEXT

        self._page.line(f"{question}: {CONTEXT}", style="bold")
        return CONTEXT
