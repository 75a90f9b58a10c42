"""What is told of a resource by Kubernetes Events, for who types `kubectl describe`: what is new in its episode. Pure.

An episode as it was and as it is say it all, so that a CronJob's next run, which begins from what is stored, tells
nothing twice. Their texts are masked, and so are these.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum

from msgspec import Struct

from remediator.model.attempt import Attempt
from remediator.model.decision import GateName, Ruling
from remediator.model.episode import Episode, Judgement, ResolvedBy, Sighted
from remediator.model.finding import State
from remediator.model.masking import one_line
from remediator.model.plan import Result, proposal_id
from remediator.model.resource import Ref

# What the API server takes, in bytes.
LONGEST_NOTE = 1024
# The API server forgets an Event after an hour, unless it was told otherwise; what still holds is to be seen.
TOLD_AGAIN_EVERY = timedelta(minutes=30)
# Shorter spells of nothing but waiting are a deployment's daily life: nobody was told that they began.
_SHORTEST_TOLD = timedelta(minutes=10)
_LONGEST_NAME = 253

# What a person can lift by their word comes after what holds back in fact.
_ASKS = frozenset({GateName.MODE, GateName.APPROVAL, GateName.GUARD, GateName.SIGHTINGS, GateName.PERMISSION})

_BY = {
    ResolvedBy.US: "by what was done here",
    ResolvedBy.ITSELF: "by itself",
    ResolvedBy.USER: "by a change of the spec",
    ResolvedBy.DELETED: "the object is gone",
}


class EventReason(StrEnum):
    """Why an Event is told, the most urgent first."""

    ACTED = "Acted"
    RESOLVED = "Resolved"
    FOUND = "Found"
    PROPOSED = "Proposed"
    BLOCKED = "Blocked"


class EventAction(StrEnum):
    """What the remediator was at, where that is no action of its own."""

    DIAGNOSE = "Diagnose"
    DECIDE = "Decide"


class EventType(StrEnum):
    """Whether somebody should care."""

    NORMAL = "Normal"
    WARNING = "Warning"


class Event(Struct, frozen=True, kw_only=True):
    """One thing to be told. `about` is what makes two of a reason, on one resource, the same thing told again.

    `again`: it was told before, and still holds.
    """

    ref: Ref
    reason: EventReason
    action: str
    type: EventType
    note: str
    about: tuple[str, ...]
    again: bool = False

    @property
    def name(self) -> str:
        """Name its object: the same thing has the same name, in every process."""
        mark = hashlib.sha256("\n".join((self.ref.uid, self.reason, *self.about)).encode()).hexdigest()[:16]
        return f"{self.ref.name[: _LONGEST_NAME - 1 - len(mark)].rstrip('.-')}.{mark}"


def events(ref: Ref, before: Episode | None, after: Episode) -> tuple[Event, ...]:
    """Say what is new in an episode. `before` is None where nothing was known of the resource."""
    tellers = (_found, _decided, _acted, _resolved)
    return tuple(event for each in tellers for event in each(ref, before, after))


def _found(ref: Ref, before: Episode | None, after: Episode) -> Iterator[Event]:
    """Tell a finding once it is more than a wait: a deployment waits every day."""
    found = _at_present(after)
    if found is None or found.state in (None, State.WAITING):
        return
    known = _at_present(before)
    again = known is not None and (known.name, known.state) == (found.name, found.state)
    if again and not _due_again(before, after):
        return
    warns = found.state is not State.ADVISORY
    note = f"{found.name}: {found.summary}"
    yield _event(ref, EventReason.FOUND, EventAction.DIAGNOSE, note, found.name, warns=warns, again=again)


def _decided(ref: Ref, before: Episode | None, after: Episode) -> Iterator[Event]:
    """Tell what waits for a person, or is held back beside; not what goes by itself: that is told when it is done."""
    found, proposal, held = _at_present(after), after.proposal, _held(after)
    if found is None or not held or _standing(before) == _standing(after):
        return
    if proposal is not None:
        ident = proposal_id(proposal.digest)
        note = f"{proposal.action} {ident} would help with {found.name}, and waits for a person: {proposal.summary}"
        yield _event(ref, EventReason.PROPOSED, proposal.action, note, found.name, ident)
        return
    why = "; ".join(f"{each.gate}: {each.reason}" for each in held)
    note = f"What would help with {found.name} is held back by {why}"
    gates = [each.gate for each in held]
    yield _event(ref, EventReason.BLOCKED, EventAction.DECIDE, note, found.name, *gates, warns=True)


def _acted(ref: Ref, before: Episode | None, after: Episode) -> Iterator[Event]:
    """Tell what came of an action; not of one that wrote nothing."""
    known = {each.id for each in before.attempts if each.result is not None} if before else set()
    for each in after.attempts:
        if each.result not in (None, Result.SKIPPED) and each.id not in known:
            yield _of_attempt(ref, each, each.result)


def _of_attempt(ref: Ref, attempt: Attempt, result: Result) -> Event:
    note = f"{attempt.action}: {result}: {attempt.detail}"
    return _event(
        ref, EventReason.ACTED, attempt.action, note, attempt.action, result, warns=result is not Result.RESOLVED
    )


def _resolved(ref: Ref, before: Episode | None, after: Episode) -> Iterator[Event]:
    """Tell the end of a spell that somebody was told of."""
    if before is None or before.resolved_at is not None or after.resolved_at is None or after.resolved_by is None:
        return
    found = before.finding
    told = (
        any(each.state not in (None, State.WAITING) for each in before.findings)
        or any(each.intended >= after.first_seen for each in after.attempts)
        or after.resolved_at - after.unhealthy_since >= _SHORTEST_TOLD
    )
    if found is not None and told:
        note = f"{found.name} is over: {_BY[after.resolved_by]}"
        yield _event(ref, EventReason.RESOLVED, EventAction.DIAGNOSE, note, found.name, after.resolved_by)


def _at_present(episode: Episode | None) -> Sighted | None:
    return episode.finding if episode is not None and episode.resolved_at is None else None


def _due_again(before: Episode | None, after: Episode) -> bool:
    """Whether another half hour of the spell has passed, and it still holds."""
    if before is None or after.clean:
        return False
    begun = after.first_seen
    return (before.last_seen - begun) // TOLD_AGAIN_EVERY < (after.last_seen - begun) // TOLD_AGAIN_EVERY


def _held(episode: Episode) -> tuple[Judgement, ...]:
    """List what holds back what would help. Where a person is not all that is missing, they are not mentioned."""
    held = tuple(each for each in episode.verdicts if each.ruling == Ruling.HELD)
    return tuple(each for each in held if each.gate not in _ASKS) or held


def _standing(episode: Episode | None) -> tuple[str, ...]:
    """Say what is proposed, or else what holds it back; nothing where nothing does."""
    if episode is None or episode.resolved_at is not None or not (held := _held(episode)):
        return ()
    return (episode.proposal.digest,) if episode.proposal else tuple(each.gate for each in held)


def _event(
    ref: Ref, reason: EventReason, action: str, note: str, *about: str, warns: bool = False, again: bool = False
) -> Event:
    return Event(
        ref=ref,
        reason=reason,
        action=str(action),
        type=EventType.WARNING if warns else EventType.NORMAL,
        note=_cut(note),
        about=tuple(map(str, about)),
        again=again,
    )


def _cut(text: str) -> str:
    """Put a text into one line that steers no terminal, and that the API server takes."""
    shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in one_line(text))
    if len(shown.encode()) <= LONGEST_NOTE:
        return shown
    return f"{shown.encode()[: LONGEST_NOTE - len('…'.encode())].decode(errors='ignore')}…"
