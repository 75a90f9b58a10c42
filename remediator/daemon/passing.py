"""One pass of a daemon: what `remediator run` does unattended, told by log and metrics."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import structlog
from msgspec import Struct

from remediator.daemon.ending import Ending
from remediator.model.decision import GateName
from remediator.model.finding import State
from remediator.model.scan import Scan
from remediator.policy import Policy
from remediator.ports import Counters, Means
from remediator.scan import Pass
from remediator.unattended import acts, refusal

_log = structlog.get_logger(__name__)


class Telling(Counters, Protocol):
    """Who counts what a daemon sees and does."""

    def leading(self, leads: bool) -> None:
        """Say whether this daemon makes the passes."""

    def reloaded(self, ok: bool, digest: str) -> None:
        """Say whether the policy file can be used, and the digest of what is in force."""


class Work(Struct, frozen=True):
    """A pass that is ready to be made, again and again, under one policy."""

    work: Pass
    means: Means
    policy: Policy


class Passed(Struct, frozen=True):
    """What a pass came to. `refused`: why it did nothing, although it was to.

    `opens`: when the window opens, or the pause ends, that something waits for; None where nothing does.
    """

    scan: Scan
    refused: str = ""
    opens: datetime | None = None

    def next_deadline(self) -> datetime | None:
        """Find the next moment at which a resource counts as stuck, or should have healed, or what waits may begin.

        None where there is none.

        It can be over by now: a pass that acts takes its time.
        """
        ahead = [
            at
            for each in self.scan.results
            if each.finding
            for at in (each.finding.stuck_at, each.finding.self_heals_at)
            if at is not None and at > each.seen.now
        ]
        return min([*ahead, self.opens] if self.opens else ahead, default=None)


def make_pass(of: Work, *, may_begin: Callable[[], bool], ending: Ending, telling: Telling) -> Passed:
    """Scan, tidy up, record, and act on what nothing holds back, as long as anything new may be begun.

    Raises RemediatorError where nothing could be seen, and Ended where it is broken off.
    """
    acting = acts(of.policy)
    of.means.episodes.anew()
    scan, seconds = _look(of)
    if acting and may_begin():
        with ending.attempt():
            undone = of.work.recover(scan, _progress)
        for each in undone:
            _log.info("tidied up", what=each)
        if undone:
            scan, seconds = _look(of, again=True)
    for trouble in dict.fromkeys((*scan.records, *of.work.record(scan))):
        _log.warning("records", trouble=trouble)
    telling.scanned(scan, of.means.episodes.standing(of.means.clock.now()), of.policy, seconds=seconds)
    _log_scan(scan)
    refused = refusal(of.policy, of.means.episodes) if acting else ""
    if refused:
        _log.error("nothing is done", why=refused)
    elif acting:
        _act(of, scan, may_begin=may_begin, ending=ending, telling=telling)
    return Passed(scan, refused, _opens(of, scan) if acting else None)


def _opens(of: Work, scan: Scan) -> datetime | None:
    """Say when a window opens, or a pause ends, where something waits for nothing else."""
    waits = [each.decision.awaits_time for each in scan.results if each.decision is not None]
    opens = of.policy.windows.next_change(scan.started) if any(GateName.WINDOW in each for each in waits) else None
    ends = scan.pauses.ends(scan.started) if any(GateName.PAUSE in each for each in waits) else None
    return min((each for each in (opens, ends) if each is not None), default=None)


def _look(of: Work, *, again: bool = False) -> tuple[Scan, float]:
    """Scan; also say how many seconds that took."""
    began = of.means.clock.monotonic()
    scan = of.work.scan(rehearse=True, again=again)
    return scan, of.means.clock.monotonic() - began


def _act(of: Work, scan: Scan, *, may_begin: Callable[[], bool], ending: Ending, telling: Telling) -> None:
    outcomes = of.work.proceed(scan, _progress)
    while may_begin():
        with ending.attempt():
            outcome = next(outcomes, None)
        if outcome is None:
            return
        telling.acted(outcome, of.policy.mode)
        _log.info(
            "acted",
            action=outcome.action.value,
            target=str(outcome.target),
            result=outcome.result.value,
            detail=outcome.detail,
            proposal=outcome.proposal_id,
        )


def _progress(sentence: str) -> None:
    _log.info("progress", what=sentence)


def _log_scan(scan: Scan) -> None:
    counts = {state.value: scan.count(state) for state in State}
    log = _log.warning if scan.partial else _log.info
    log("scanned", **counts, ready=len(scan.ready), proposed=len(scan.proposals), missing=list(scan.partial))
