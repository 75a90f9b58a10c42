"""The tables of `list` and `history`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from remediator.cli.names import named
from remediator.cli.record_events import Event
from remediator.cli.records import Records
from remediator.cli.render import STATE_STYLES, Row, console
from remediator.cli.report import OUTCOME_STYLES, WORST_FIRST
from remediator.cli.standing import approval_now, phase_now, proposal_id, said
from remediator.errors import ClusterError
from remediator.kubernetes import words
from remediator.kubernetes.remediation_object import Stored
from remediator.model.finding import State
from remediator.model.times import format_duration, format_time
from remediator.model.word import Approval

_HEADER = ("NAMESPACE", "NAME", "FINDING", "STUCK-FOR", "ACTION", "PHASE", "PROPOSAL", "APPROVED-BY")
_EVENTS_HEADER = ("WHEN", "NAMESPACE", "NAME", "EVENT", "RESULT")
_FEWEST = 4
_NOTHING = "-"
# For whom `kubectl auth whoami` has to be asked.
_YOU = "YOU"


def worst_first(records: Sequence[Stored]) -> list[Stored]:
    """Order by state, then by how long; what is well again comes last."""
    return sorted(records, key=_rank)


def _rank(record: Stored) -> tuple[bool, int, datetime, str]:
    episode = record.episode
    assert episode is not None
    return (
        episode.resolved_at is not None,
        WORST_FIRST.index(_state(record) or State.ADVISORY),
        episode.unhealthy_since,
        record.name,
    )


def table(records: Sequence[Stored], now: datetime, *, wide: bool = False) -> None:
    """Print one row a record, its sentence beneath; columns that the terminal has no room for go beneath, too."""
    if not records:
        return
    page = console(whole=wide)
    rows = [Row(_cells(each, now), _style(each), tuple(_beneath(each, now, wide=wide))) for each in records]
    count = len(_HEADER)
    while count > _FEWEST and not page.fits(_HEADER[:count], [_narrow(row, count) for row in rows]):
        count -= 1
    page.columns(_HEADER[:count], [_narrow(row, count) for row in rows])


def commands(records: Sequence[Stored], home: Records) -> None:
    """Print the commands by which kubectl approves, in the name by which the API server knows us."""
    proposed = [each for each in records if proposal_id(each)]
    if not proposed:
        return
    try:
        by = words.whoami(home.transport)
    except ClusterError:
        by = _YOU
    page = console(whole=True)
    page.heading("Approve with kubectl" + (" (YOU: what `kubectl auth whoami` says)" if by == _YOU else ""))
    for each in proposed:
        approval = Approval(by, words.proposed_digest(each), nonce=_nonce(each))
        page.line(f"  # {proposal_id(each)}: function/{each.ref.name} in {each.ref.namespace}")
        page.verbatim(f"  {words.kubectl(home.home, each, approval)}")


def events(told: Sequence[Event], *, wide: bool = False) -> None:
    """Print what happened, as it is given, what is known of each beneath."""
    if not told:
        return
    page = console(whole=wide)
    rows = [
        Row(
            (
                format_time(each.at) or _NOTHING,
                each.ref.namespace,
                named(each.ref),
                each.action.value if each.action else each.what.value,
                each.result.value if each.result else _NOTHING,
            ),
            OUTCOME_STYLES[each.result] if each.result else "",
            tuple(each.sentences),
        )
        for each in told
    ]
    page.columns(_EVENTS_HEADER, rows)


def _cells(record: Stored, now: datetime) -> tuple[str, ...]:
    episode = record.episode
    assert episode is not None
    approval = approval_now(record, now)
    return (
        record.ref.namespace,
        named(record.ref),
        episode.finding.name.value if episode.finding else _NOTHING,
        format_duration((episode.resolved_at or now) - episode.unhealthy_since),
        episode.proposal.action.value if episode.proposal else _NOTHING,
        phase_now(record, now).value,
        proposal_id(record) or _NOTHING,
        approval.approved_by if approval else _NOTHING,
    )


def _narrow(row: Row, count: int) -> Row:
    """Put the cells beyond so many beneath the row, each with its column's name."""
    named = zip(_HEADER[count:], row.cells[count:], strict=True)
    told = "; ".join(f"{name.lower()} {cell}" for name, cell in named if cell != _NOTHING)
    return Row(row.cells[:count], row.style, (*([told] if told else []), *row.beneath))


def _beneath(record: Stored, now: datetime, *, wide: bool) -> list[str]:
    episode = record.episode
    assert episode is not None
    lines = [episode.finding.summary] if episode.finding and episode.finding.summary else []
    if episode.resolved_at is not None:
        by = f" ({episode.resolved_by})" if episode.resolved_by else ""
        lines.append(f"Well again since {format_time(episode.resolved_at)}{by}.")
    word = said(record, now)
    if word and (wide or approval_now(record, now) is None):
        lines.append(f"{word[0].upper()}{word[1:]}.")
    if wide:
        lines += [f"{episode.proposal.action}: {episode.proposal.summary}"] if episode.proposal else []
        lines.append(
            f"unwell since {format_time(episode.unhealthy_since)}; last looked at {format_time(episode.last_seen)}; "
            f"{len(episode.attempts)} tried; record {record.name}"
        )
    return lines


def _state(record: Stored) -> State | None:
    return record.episode.finding.state if record.episode and record.episode.finding else None


def _style(record: Stored) -> str:
    state = _state(record)
    return STATE_STYLES[state.value] if state else ""


def _nonce(record: Stored) -> str:
    """Make it another approval than the one that stands: the API server writes nothing that is the same."""
    return f"after-{record.resource_version}" if record.approval else ""
