"""One restart of a controller on a person's word: scan, show, ask, wait, act, tell."""

from __future__ import annotations

from datetime import timedelta

from remediator.cli import report
from remediator.cli.consent import Ask, confirm
from remediator.cli.render import Page, narration
from remediator.cli.session import Session
from remediator.cli.wiring import Wired
from remediator.deciding import Decider
from remediator.model.decision import Overrides
from remediator.policy import Mode
from remediator.restarting import Restarter, install_of

_HELD_BACK = 4


class RestartSession(Session):
    """A session that is about the controller, and not about resources."""

    def __init__(self, wired: Wired, *, overrides: Overrides, ask: Ask | None = None) -> None:
        super().__init__(wired, overrides=overrides, ask=ask)
        self._page: Page = narration()
        self._context = wired.connection.context
        places = (wired.connection.context, wired.connection.server)
        self._restarter = Restarter(
            wired.means,
            wired.policy,
            wired.work,
            Decider(wired.means, wired.policy, places),
            overrides,
            everything=wired.namespace is None,
        )

    def restart(self, deployment: str, patience: timedelta, context: str | None) -> int:
        """Restart a controller once a person says where; `context` None: ask for it. Returns the exit code."""
        scan = self._scan(tidy=True)
        self._record(scan)
        report.tell_partial(scan, self._page)
        install = install_of(scan, deployment)
        restart = self._restarter.look(scan, install)
        self._tell_plan([restart.judged])
        for each in restart.plan.needs:
            self._page.hanging(f"    {each.name}: ", each.why)
        if restart.held and not (restart.waits and patience):
            for verdict in restart.held:
                self._page.hanging("held back by ", f"{verdict.gate}: {verdict.reason}", style="yellow")
            if restart.waits:
                self._page.line("Wait for that with --wait, such as --wait 10m.")
            if any(each.gate == "mode" for each in restart.held):
                self._page.line("The policy has to allow it: actions: {RestartController: {mode: approve}}.")
            return _HELD_BACK
        self._tell_place("1 restart, which cannot be undone")
        confirm(self._context, context, "nothing was restarted", self._ask_person)
        outcome = self._restarter.attempt(restart, scan, install, self._page.line, patience=patience)
        told = tuple(self._told(self._counted([outcome], Mode.APPROVE)))
        return self._exit_code(scan, told, frozenset({restart.plan.proposal_id}))
