"""Where a record stands at this moment: what is proposed, and what people said of it."""

from __future__ import annotations

import sys
from datetime import datetime

from remediator.cli.render import Page
from remediator.model.attempt import Attempt
from remediator.model.episode import Phase, phase, released
from remediator.model.plan import proposal_id as named
from remediator.model.record import Record
from remediator.model.times import format_duration, format_time
from remediator.model.word import APPROVAL_LASTS, SKEW, Approval, Override

_NOT_COUNTED = "the last run did not count it: is ValidatingAdmissionPolicy ack-remediator-approvals in force here?"


def proposal_id(of: Record) -> str:
    """Return the short name of what is proposed, as `scan` shows it; empty where nothing is."""
    proposal = of.episode.proposal if of.episode else None
    return named(proposal.digest) if proposal else ""


def phase_now(of: Record, now: datetime) -> Phase:
    """Say where an episode stands with the words of this minute in it.

    The stored phase is of the last run; but that what it tells of attempts against their limit stays, as the limit is
    in a policy that only the run knows.
    """
    assert of.episode is not None
    if of.phase == Phase.QUARANTINED and not release_waits(of) and of.episode.resolved_at is None:
        return Phase.QUARANTINED
    noted = released(of.episode, of.release)
    return phase(noted, of.approval, sys.maxsize, _not_before(of.approval, now), rejection=of.rejection)


def release_waits(of: Record) -> bool:
    """Whether somebody released it from quarantine, and no run has looked since."""
    at = of.release.at if of.release else None
    return _release_unnoted(of) and not _looked_since(of, at)


def approval_now(of: Record, now: datetime) -> Approval | None:
    """Return the approval that covers what is proposed."""
    counts = of.episode is not None and of.episode.approved(of.approval, _not_before(of.approval, now))
    return of.approval if counts else None


def until(approval: Approval) -> str:
    """Say when an approval expires."""
    return format_time(approval.at + APPROVAL_LASTS if approval.at else None) or "nobody knows when"


def said(of: Record, now: datetime) -> str:
    """Say in a sentence what a person said last, and what it is worth now; empty where nobody said anything."""
    digest = of.episode.proposal.digest if of.episode and of.episode.proposal else ""
    if of.approval is not None:
        word = of.approval
        head = f"approved by {word.approved_by} at {format_time(word.at)}{_with(word)}"
        if approval_now(of, now):
            ignored = of.phase == Phase.AWAITING_APPROVAL and _looked_since(of, word.at)
            return f"{head}; {_NOT_COUNTED if ignored else f'good until {until(word)}'}"
        if word.digest != digest:
            return f"{head}, for something else than is proposed now: it does not count"
        return f"{head}; that has expired"
    if of.rejection is not None:
        word_against = of.rejection
        because = f": {word_against.reason}" if word_against.reason else ""
        head = f"rejected by {word_against.rejected_by} at {format_time(word_against.at)}{because}"
        return head if word_against.covers(digest) else f"{head}; something else is proposed now, so that is over"
    if of.release is not None:
        because = f": {of.release.reason}" if of.release.reason else ""
        head = f"released from quarantine by {of.release.requested_by} at {format_time(of.release.at)}{because}"
        if not _release_unnoted(of):
            return head
        return f"{head}; {'the next run takes note of it' if release_waits(of) else _NOT_COUNTED}"
    return ""


def show(page: Page, of: Record, now: datetime) -> None:
    """Print what a person is about to have their word on."""
    episode = of.episode
    assert episode is not None
    assert episode.proposal is not None
    proposal, found = episode.proposal, episode.finding
    page.line(f"{proposal.action} function/{of.ref.name} in {of.ref.namespace}", style="bold")
    facts = [("proposal", proposal_id(of))]
    if found is not None:
        state = f", {found.state}" if found.state else ""
        facts.append(("finding", f"{found.name}{state}: {found.summary}"))
    facts.append(("since", f"{format_time(episode.unhealthy_since)} ({_age(episode.unhealthy_since, now)} ago)"))
    facts.append(("last looked at", f"{format_time(episode.last_seen)} ({_age(episode.last_seen, now)} ago)"))
    facts.append(("does", proposal.summary))
    arn = found.evidence.get("arn") if found else None
    if arn:
        facts.append(("function", arn))
    if proposal.action.destructive:
        facts.append(("mind", "it cannot be undone"))
    tried = [each for each in episode.attempts if each.action is proposal.action]
    if tried:
        facts.append(
            ("tried before", f"{_times(len(tried))}, last at {format_time(tried[-1].intended)}: {_end(tried[-1])}")
        )
    if word := said(of, now):
        facts.append(("so far", word))
    page.fields(facts)


def _not_before(word: Approval | None, now: datetime) -> datetime:
    """Take no word for one of the future: our idea of the API server's clock is good to a second."""
    return max(now, word.at) if word and word.at else now


def _release_unnoted(of: Record) -> bool:
    return of.episode is not None and released(of.episode, of.release) != of.episode


def _looked_since(of: Record, at: datetime | None) -> bool:
    """Whether a run wrote down what it saw after somebody had their word; it reads the word before it writes."""
    return of.episode is not None and at is not None and of.episode.last_seen > at + SKEW


def _with(word: Approval) -> str:
    """Say what came with an approval: a ticket, gates passed by, why."""
    parts = [f"ticket {word.ticket}"] * bool(word.ticket)
    parts += [f"passing by {', '.join(Override(each) for each in word.override)}"] * bool(word.override)
    parts += [word.reason] * bool(word.reason)
    return f" ({'; '.join(parts)})" if parts else ""


def _age(at: datetime, now: datetime) -> str:
    return format_duration(now - at)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _end(attempt: Attempt) -> str:
    return attempt.result.value if attempt.result else "not ended"
