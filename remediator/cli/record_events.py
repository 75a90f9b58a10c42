"""What happened to a resource, as its record tells it: unwell, tried, well again, and what people said."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from remediator.model.attempt import Attempt
from remediator.model.episode import Episode, ResolvedBy
from remediator.model.plan import ActionName, Result, proposal_id
from remediator.model.record import Record
from remediator.model.resource import Ref

_HEALERS = {
    ResolvedBy.US: "After what we did.",
    ResolvedBy.ITSELF: "By itself.",
    ResolvedBy.USER: "After somebody changed it.",
    ResolvedBy.DELETED: "It was deleted.",
}


class What(StrEnum):
    """What an event is of."""

    UNWELL = "unwell"
    ATTEMPTED = "attempted"
    RESOLVED = "resolved"
    APPROVED = "approved"
    REJECTED = "rejected"
    RELEASED = "released"


class Event(Struct, frozen=True, kw_only=True):
    """One thing that happened. `by` is the process that acted, `on_word_of` the person who said so."""

    at: datetime
    what: What
    ref: Ref
    record: str
    digest: str = ""
    action: ActionName | None = None
    result: Result | None = None
    on_word_of: str = ""
    by: str = ""
    detail: str = ""
    backup: str = ""
    orphan: str = ""
    resolved_by: ResolvedBy | None = None
    ended: datetime | None = None

    @property
    def sentences(self) -> Iterable[str]:
        """Say what is known of it, a paragraph each."""
        if self.detail:
            yield self.detail
        whose = f"on the word of {self.on_word_of}" if self.action else f"by {self.on_word_of}"
        told = [whose] * bool(self.on_word_of) + [f"by {self.by}"] * bool(self.by)
        told += [proposal_id(self.digest)] * bool(self.digest)
        if told:
            yield "; ".join(told)
        if self.backup:
            yield f"The object as it was: {self.backup}"
        if self.orphan:
            yield f"Left in AWS, with no object that manages it: {self.orphan}"


def newest_first(records: Iterable[Record], since: datetime | None = None) -> list[Event]:
    """Tell what happened, newest first; `since` leaves out what was before."""
    told = [event for each in records for event in events_of(each) if since is None or event.at >= since]
    return sorted(told, key=lambda each: (each.at, list(What).index(each.what)), reverse=True)


def events_of(record: Record) -> Iterable[Event]:
    """Tell what happened to one resource, in no order."""
    episode = record.episode
    if episode is not None:
        yield _unwell(record, episode)
        for each in episode.attempts:
            yield _attempted(record, each)
        if episode.resolved_at is not None:
            by = episode.resolved_by
            yield Event(
                at=episode.resolved_at,
                what=What.RESOLVED,
                ref=record.ref,
                record=record.name,
                resolved_by=by,
                detail=_HEALERS[by] if by else "",
            )
    yield from _said(record)


def _unwell(record: Record, episode: Episode) -> Event:
    found = episode.finding
    detail = f"{found.name}: {found.summary}" if found else ""
    return Event(at=episode.first_seen, what=What.UNWELL, ref=record.ref, record=record.name, detail=detail)


def _attempted(record: Record, attempt: Attempt) -> Event:
    return Event(
        at=attempt.intended,
        what=What.ATTEMPTED,
        ref=record.ref,
        record=record.name,
        digest=attempt.digest,
        action=attempt.action,
        result=attempt.result,
        on_word_of=attempt.approved_by,
        by=attempt.by,
        detail=attempt.detail or ("" if attempt.result else "Not ended, as far as is recorded."),
        backup=attempt.backup,
        orphan=attempt.orphan,
        ended=attempt.concluded,
    )


def _said(record: Record) -> Iterable[Event]:
    """Tell the word that stands. One that nobody dated is told at no time, so not at all."""
    if (yes := record.approval) is not None:
        noted = [f"Ticket {yes.ticket}."] * bool(yes.ticket)
        noted += [f"Passing by {', '.join(yes.override)}: {yes.reason}"] * bool(yes.override)
        yield from _word(record, What.APPROVED, yes.at, yes.approved_by, " ".join(noted), yes.digest)
    if (no := record.rejection) is not None:
        yield from _word(record, What.REJECTED, no.at, no.rejected_by, no.reason, no.digest)
    if (anew := record.release) is not None:
        yield from _word(record, What.RELEASED, anew.at, anew.requested_by, anew.reason)


def _word(
    record: Record, what: What, at: datetime | None, person: str, detail: str, digest: str = ""
) -> Iterable[Event]:
    if at is not None:
        yield Event(
            at=at, what=what, ref=record.ref, record=record.name, digest=digest, on_word_of=person, detail=detail
        )
