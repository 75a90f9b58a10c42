"""Turn what a rule found into a Finding: since, state and remedy follow from the same few lines everywhere."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from remediator.model.finding import Finding, FindingName, Remedy, State
from remediator.model.observation import LONGEST_BACKOFF, Observation

AT_ONCE = timedelta(0)
_SHORTEST_BLOCK = timedelta(seconds=5)
# What is allowed for the pass itself.
MARGIN = timedelta(seconds=60)


def since(seen: Observation, evidence: datetime | None = None) -> datetime:
    """Say since when: as a person gave it; else the first sighting, or earlier where evidence says so.

    A deletionTimestamp always says so: whatever holds the deletion up has done it since then.
    """
    if seen.history.given is not None:
        return seen.history.given
    known = [each for each in (seen.history.since, evidence, seen.resource.deleted_at, seen.now) if each is not None]
    return min(known)


def timed(
    seen: Observation,
    name: FindingName,
    summary: str,
    *,
    timeout: timedelta,
    remedy: Remedy = Remedy.REPORT,
    started: datetime | None = None,
    heals: bool = False,
    evidence: dict[str, str] | None = None,
) -> Finding:
    """Build a finding that is waited for until `timeout` has passed since `started`, and is stuck from then on.

    `heals`: whether it should pass by itself in that time.
    """
    begin = since(seen, started)
    return until(
        seen, name, summary, deadline=begin + timeout, begin=begin, remedy=remedy, heals=heals, evidence=evidence
    )


def retried(
    seen: Observation,
    name: FindingName,
    summary: str,
    *,
    timeout: timedelta,
    evidence: dict[str, str] | None = None,
    next_at: datetime | None = None,
    heals: bool = True,
) -> Finding:
    """Build a finding of an error that ACK retries, and that its next try may find gone, where it `heals` at all.

    While it is waited for, `self_heals_at` is by when that try has been made: at the latest `next_at`, or as the
    back-off has it. What has outlasted its time is not expected to heal any more.
    """
    found = timed(seen, name, summary, timeout=timeout, evidence=evidence)
    if found.state is State.STUCK or not heals:
        return found
    return msgspec.structs.replace(found, self_heals_at=next_at or next_pass(seen))


def until(
    seen: Observation,
    name: FindingName,
    summary: str,
    *,
    deadline: datetime,
    begin: datetime,
    remedy: Remedy,
    heals: bool = True,
    evidence: dict[str, str] | None = None,
) -> Finding:
    """Build a finding that is waited for until a moment that was worked out."""
    waiting = seen.now < deadline
    return Finding(
        name=name,
        state=State.WAITING if waiting else State.STUCK,
        summary=summary,
        since=begin,
        stuck_at=deadline,
        self_heals_at=deadline if heals else None,
        remedy=Remedy.WAIT if waiting else remedy,
        evidence=evidence or {},
    )


def advisory(seen: Observation, name: FindingName, summary: str, evidence: dict[str, str]) -> Finding:
    """Build a finding that a person should know of, though nothing is stuck."""
    return Finding(
        name=name, state=State.ADVISORY, summary=summary, since=since(seen), remedy=Remedy.REPORT, evidence=evidence
    )


def next_pass(seen: Observation) -> datetime:
    """Work out by when ACK tries an object again that it still looks at."""
    return next_try(last_pass(seen), seen.history.given or seen.history.since)


def last_pass(seen: Observation) -> datetime:
    """Say when ACK last tried: as its heartbeat tells, which nobody's clock can have put into the future."""
    return min(seen.resource.heartbeat or seen.now, seen.now)


def next_try(last_try: datetime, trouble_began: datetime | None) -> datetime:
    """Work out by when ACK tries again, once AWS has settled.

    Its back-off doubles, so the next try comes after about as long again as the trouble has lasted, at most 1000 s
    (controller-runtime, controller.go), and a minute is allowed for the pass itself. Where the beginning is not
    known, or is later than the last try, the longest wait is assumed: better late than wrong.
    """
    if trouble_began is None or trouble_began > last_try:
        return last_try + LONGEST_BACKOFF + MARGIN
    return last_try + min(max(last_try - trouble_began, _SHORTEST_BLOCK), LONGEST_BACKOFF) + MARGIN
