"""A resource's spell, moment by moment, the oldest first, and what is to come of it: for the page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from remediator.cli.record_events import Event, What, events_of
from remediator.cli.standing import approval_now
from remediator.model.episode import Episode, ResolvedBy, Sighted
from remediator.model.finding import Finding
from remediator.model.plan import Result, proposal_id
from remediator.model.record import Record
from remediator.model.times import format_time
from remediator.model.word import APPROVAL_LASTS
from remediator.page.values import Moment, Tone

_TONES = {What.UNWELL: Tone.BAD, What.ATTEMPTED: Tone.ACT, What.RESOLVED: Tone.GOOD}
_HEADS = {What.UNWELL: "first seen unwell", What.RESOLVED: "well again"}


def past(record: Record) -> list[Moment]:
    """Tell what was found, said and done."""
    told = [_of_event(each) for each in events_of(record)]
    if record.episode is not None:
        told += _found(record.episode)
    # What happened in one second is told in the order of the catalogue of tones: found, said, done.
    return sorted(told, key=lambda each: (each.at, list(Tone).index(each.tone)))


def ahead(record: Record | None, finding: Finding, now: datetime) -> list[Moment]:
    """Tell what is expected: nothing of it is certain."""
    told = [
        (finding.self_heals_at, "should heal by itself"),
        (finding.stuck_at, "counts as stuck, unless it is well by then"),
    ]
    approval = approval_now(record, now) if record else None
    if approval and approval.at:
        told.append((approval.at + APPROVAL_LASTS, "the approval expires"))
    coming = [Moment(at=at, tone=Tone.COMING, head=head) for at, head in told if at is not None and at > now]
    return sorted(coming, key=lambda each: each.at)


def _of_event(event: Event) -> Moment:
    # The findings have moments of their own.
    sentences = () if event.what is What.UNWELL else tuple(event.sentences)
    tone = Tone.GOOD if event.result is Result.RESOLVED else _TONES.get(event.what, Tone.WORD)
    head = _HEADS.get(event.what, event.what.value)
    if event.resolved_by is ResolvedBy.DELETED:
        head = "gone"
    if event.action is not None:
        head = f"{event.action}: {event.result.value if event.result else 'not ended'}"
    return Moment(at=event.at, tone=tone, head=head, sentences=sentences)


def _found(episode: Episode) -> Iterable[Moment]:
    if episode.unhealthy_since < min((each.since for each in episode.findings), default=episode.first_seen):
        yield Moment(at=episode.unhealthy_since, tone=Tone.BAD, head="unwell since then at least")
    for each in episode.findings:
        yield Moment(at=each.since, tone=Tone.BAD, head=each.name.value, sentences=tuple(_of_finding(each)))
    if (proposal := episode.proposal) is not None:
        said = f"{proposal_id(proposal.digest)}: {proposal.action}: {proposal.summary}"
        yield Moment(at=proposal.at, tone=Tone.WORD, head="proposed", sentences=(said,))


def _of_finding(found: Sighted) -> Iterable[str]:
    if found.summary:
        yield found.summary
    if found.missed:
        yield f"Last seen {format_time(found.last_seen)}."
