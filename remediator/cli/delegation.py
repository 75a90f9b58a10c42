"""Beside a live daemon: a person's approval is written down for it, and what comes of it is followed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from remediator.cli import audited
from remediator.errors import ClusterError, RemediatorError
from remediator.kubernetes import words
from remediator.kubernetes.leader import Leaders
from remediator.kubernetes.remediation_object import Stored
from remediator.kubernetes.transport import Transport
from remediator.model.attempt import Attempt
from remediator.model.decision import Overrides
from remediator.model.plan import Outcome, Plan, Result
from remediator.model.word import SKEW, Approval, Override
from remediator.ports import Clock
from remediator.trail import Trail

# A daemon looks every few minutes, and an action takes two more.
PATIENCE = timedelta(minutes=10)

_POLL = 2.0


class Delegation:
    """Lets the daemons that lead act on what a person at the terminal approves, each on what it looks after."""

    def __init__(
        self,
        transport: Transport,
        home: str,
        leaders: Leaders,
        clock: Clock,
        say: Callable[[str], None],
        trail: Trail | None = None,
    ) -> None:
        self._transport = transport
        self._home = home
        self._leaders = leaders
        self._clock = clock
        self._say = say
        self._trail = trail

    def approve(self, plans: Iterable[Plan], overrides: Overrides) -> tuple[dict[str, datetime], list[Plan]]:
        """Write the approvals; return when each digest was approved, and the plans for which it could not be done.

        What the daemon has not proposed itself, or a person may not approve there, they can still do themselves.
        """
        known = {each.ref.uid: each for each in words.records(self._transport, self._home).records}
        by = words.whoami(self._transport)
        gates = tuple(Override(each) for each in sorted(overrides.gates))
        approved: dict[str, datetime] = {}
        left: list[Plan] = []
        for plan in plans:
            leader = self._leaders.of(plan.target.uid)
            if not leader:
                left.append(plan)  # it is of a shard that nobody looks after now
                continue
            seen = known.get(plan.target.uid)
            why = "it has not proposed this"
            if seen is not None and words.proposed_digest(seen) == plan.digest:
                try:
                    word = Approval(by, plan.digest, override=gates, reason=overrides.reason)
                    written = audited.say(self._transport, self._home, seen, word, self._trail)
                except RemediatorError as error:
                    why = error.message
                else:
                    why = self._not_counted(written)
                    if not why and written.approval and written.approval.at:
                        approved[plan.digest] = written.approval.at
                        self._say(f"{plan.proposal_id}: approved as {by}; {leader} acts on it.")
                        continue
            self._say(f"{plan.proposal_id}: not left to {leader}, but done here: {why}.")
            left.append(plan)
        return approved, left

    def follow(self, plan: Plan, approved: datetime) -> Outcome:
        """Wait until the daemon has acted, and tell what came of it."""
        deadline = self._clock.monotonic() + PATIENCE.total_seconds()
        while self._clock.monotonic() < deadline:
            attempt = self._attempt(plan, approved)
            if attempt is not None and attempt.result is not None:
                return _outcome(plan, attempt)
            self._clock.sleep(_POLL)
        leader = self._leaders.of(plan.target.uid)
        detail = (
            f"approved, and {leader} has told nothing within {PATIENCE.total_seconds() / 60:.0f} min; "
            f"`remediator history {plan.proposal_id}` tells"
        )
        return _outcome(plan, None, detail)

    def _not_counted(self, written: Stored) -> str:
        if words.held_to_rules(self._transport, self._home, written) is False:
            return "this cluster takes forged approvals, too, so it believes none"
        return ""

    def _attempt(self, plan: Plan, approved: datetime) -> Attempt | None:
        """Find what was done with a plan since it was approved; None where nothing was, or it cannot be read now."""
        try:
            episode = words.record(self._transport, self._home, plan.target).episode
        except ClusterError:
            return None
        attempts = episode.attempts if episode else ()
        ours = (each for each in attempts if each.digest == plan.digest and each.intended >= approved - SKEW)
        return next(ours, None)


def _outcome(plan: Plan, attempt: Attempt | None, detail: str = "") -> Outcome:
    told = attempt.result if attempt else None
    return Outcome(
        action=plan.action,
        target=plan.target,
        result=told or Result.UNKNOWN,
        detail=attempt.detail if attempt else detail,
        proposal_id=plan.proposal_id,
        accepted=attempt.accepted if attempt else None,
        backup=(attempt.backup or None) if attempt else None,
        orphan=attempt.orphan if attempt else "",
    )
