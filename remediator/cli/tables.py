"""The tables of `-o table` and `-o wide`: one row for each resource, worst first, its sentence beneath."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from remediator.cli.render import STATE_STYLES, Page, Row, console
from remediator.cli.report import WORST_FIRST, healthy_summary, place, sentence, tell_cluster
from remediator.model.decision import Ruling
from remediator.model.kind import FUNCTION
from remediator.model.live import LiveState
from remediator.model.scan import Judged, Scan
from remediator.model.times import format_duration
from remediator.observing import NOT_ASKED

_HEADER = ("NAMESPACE", "NAME", "FINDING", "STATE", "FOR", "REMEDY", "DECISION")
# What is asked next on call: what AWS said, whether the controller still looks, how long to wait, what to approve,
# and which account to log in to.
_WIDE_HEADER = ("AWS", "HEARTBEAT", "HEALS-IN", "PROPOSAL", "ACCOUNT", "REGION")
_NOTHING = "-"


def table(scan: Scan, *, healthy: bool = False, actionable: bool = False, wide: bool = False) -> None:
    """Print what is wrong with the cluster, then what was found in it, worst first, each with its sentence beneath.

    `healthy`: the others, too; `actionable`: only what an action would help, held back or not; `wide`: more columns,
    which go beneath their row where the terminal is too narrow for them, and texts that are not cut.
    """
    page = console(whole=wide)
    tell_cluster(scan.cluster, page, wide=wide)
    shown = sorted(
        (each for each in scan.results if (each.plan if actionable else healthy or each.finding)),
        key=lambda each: (WORST_FIRST.index(each.state), *each.seen.resource.ref[:2], each.seen.resource.kind),
    )
    if not shown:
        return
    header: tuple[str, ...] = _HEADER
    rows = [Row(_cells(each), _style(each), (_said(each),)) for each in shown]
    if wide:
        rows = [Row(_cells(each) + _wide_cells(each), _style(each), (_said(each), *_more(each))) for each in shown]
        header += _WIDE_HEADER
        if not page.fits(header, rows):
            header, rows = _HEADER, [_narrow(row) for row in rows]
    kinds = [each.seen.resource.kind for each in shown]
    if set(kinds) != {FUNCTION}:
        header, rows = _with_kinds(page, header, rows, kinds)
    page.columns(header, rows)


def _with_kinds(
    page: Page, header: tuple[str, ...], rows: Sequence[Row], kinds: Sequence[str]
) -> tuple[tuple[str, ...], list[Row]]:
    """Tell kinds apart where there is more than Functions: in a column, or with the sentence where none has room."""
    told = list(zip(rows, kinds, strict=True))
    wider = [row._replace(cells=(row.cells[0], kind, *row.cells[1:]), styled=row.styled + 1) for row, kind in told]
    if page.fits((header[0], "KIND", *header[1:]), wider):
        return (header[0], "KIND", *header[1:]), wider
    return header, [row._replace(beneath=(f"{kind}: {row.beneath[0]}", *row.beneath[1:])) for row, kind in told]


def _narrow(row: Row) -> Row:
    """Put the cells that are too many beneath the row, each with its column's name."""
    count = len(_HEADER)
    named = zip(_WIDE_HEADER, row.cells[count:], strict=True)
    told = "; ".join(f"{name.lower()} {cell}" for name, cell in named if cell != _NOTHING)
    return Row(row.cells[:count], row.style, (row.beneath[0], told, *row.beneath[1:]))


def _style(each: Judged) -> str:
    return STATE_STYLES[each.state.value]


def _said(each: Judged) -> str:
    return sentence(each) if each.finding else healthy_summary(each)


def _cells(each: Judged) -> tuple[str, ...]:
    metadata, finding = each.seen.resource.metadata, each.finding
    if finding is None:
        return (metadata.namespace, metadata.name, _NOTHING, each.state.value, *[_NOTHING] * 3)
    decision = each.decision.kind.value if each.decision else _NOTHING
    age = format_duration(each.seen.now - finding.since) if finding.since < each.seen.now else "new"
    return (
        metadata.namespace,
        metadata.name,
        finding.name.value,
        each.state.value,
        age,
        finding.remedy.value,
        decision,
    )


def _wide_cells(each: Judged) -> tuple[str, ...]:
    account, region = place(each)
    return (
        _aws(each.seen.live_state),
        _heartbeat(each),
        _heals_in(each),
        each.plan.proposal_id if each.plan else _NOTHING,
        account or _NOTHING,
        region or _NOTHING,
    )


def _aws(live: LiveState) -> str:
    if live.why == NOT_ASKED:
        return "not asked"
    return "gone (unproven)" if live.gone and not live.proven_gone else live.kind_of_state


def _heartbeat(each: Judged) -> str:
    """Say how long ago the controller finished a pass; a time that is yet to come is a clock that is wrong."""
    heartbeat, now = each.seen.resource.heartbeat, each.seen.now
    if heartbeat is None:
        return "none"
    return (
        f"{format_duration(now - heartbeat)} ago" if heartbeat <= now else f"{format_duration(heartbeat - now)} ahead"
    )


def _heals_in(each: Judged) -> str:
    at, now = each.finding.self_heals_at if each.finding else None, each.seen.now
    if at is None:
        return _NOTHING
    return format_duration(at - now) if at > now else "overdue"


def _more(each: Judged) -> Iterable[str]:
    """Name the other findings that hold, and the gates; `explain` has the reason of each."""
    if each.finding and each.finding.also:
        yield f"also: {', '.join(each.finding.also)}"
    verdicts = each.decision.verdicts if each.decision else ()
    if verdicts:
        named = {ruling: [verdict.gate for verdict in verdicts if verdict.ruling is ruling] for ruling in Ruling}
        held = ", ".join(named[Ruling.HELD]) or "none"
        later = f"; later: {', '.join(named[Ruling.LATER])}" if named[Ruling.LATER] else ""
        yield f"gates: held by {held}{later}; {len(named[Ruling.ALLOWED])} passed"
