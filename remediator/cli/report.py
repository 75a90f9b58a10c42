"""The report of a scan, a diagnosis or a run: one JSON document, or a table. Both from the same values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from remediator.cli.render import STATE_STYLES, Page, console
from remediator.model.decision import DecisionKind
from remediator.model.finding import State
from remediator.model.plan import Outcome, Result
from remediator.model.times import format_duration, format_time
from remediator.scan import Judged, Scan

SCHEMA_VERSION = "1"
_OUTCOME_STYLES = {
    Result.RESOLVED: "green",
    Result.STILL_STUCK: "red",
    Result.UNKNOWN: "magenta",
    Result.SKIPPED: "yellow",
}
# Worst first, so that the top of the screen is what matters.
_ORDER = list(State)


def as_json(scan: Scan, *, healthy: bool, outcomes: Sequence[Outcome] | None = None) -> str:
    """Write the document of `-o json`, for machines; its shape is part of the interface."""
    document: dict[str, Any] = {
        "schemaVersion": SCHEMA_VERSION,
        "results": [_result(each) for each in scan.results if healthy or each.finding],
        "partial": list(scan.partial),
        "summary": {"total": len(scan.results)} | {state.value: scan.count(state) for state in State},
    }
    if outcomes is not None:
        document["outcomes"] = [_outcome(each) for each in outcomes]
    return msgspec.json.format(msgspec.json.encode(document)).decode()


def _result(each: Judged) -> dict[str, Any]:
    resource, finding, live = each.seen.resource, each.finding, each.seen.live_state
    place = resource.status.ack_resource_metadata if resource.status else None
    arn = resource.arn
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "namespace": resource.metadata.namespace,
        "name": resource.metadata.name,
        "uid": resource.metadata.uid,
        "account": (arn.account if arn else None) or (place.owner_account_id if place else None) or live.account,
        "region": (arn.region if arn else None) or (place.region if place else None) or live.region,
        "heartbeat": format_time(resource.heartbeat),
        "finding": finding.name.value if finding else None,
        "state": each.state.value,
        "summary": finding.summary if finding else healthy_summary(each),
        "since": format_time(finding.since) if finding else None,
        "stuckAt": format_time(finding.stuck_at) if finding else None,
        "selfHealsAt": format_time(finding.self_heals_at) if finding else None,
        "remedy": finding.remedy.value if finding else None,
        "proposalId": each.plan.proposal_id if each.plan else None,
        "decision": each.decision.kind.value if each.decision else None,
        "also": [name.value for name in finding.also] if finding else [],
        "evidence": finding.evidence if finding else {},
    }


def _outcome(each: Outcome) -> dict[str, Any]:
    return {
        "namespace": each.target.namespace,
        "name": each.target.name,
        "uid": each.target.uid,
        "action": each.action.value,
        "proposalId": each.proposal_id,
        "result": each.result.value,
        "detail": each.detail,
        "accepted": format_time(each.accepted),
        "backup": each.backup,
    }


def healthy_summary(each: Judged) -> str:
    """Say why nothing is wrong, where that is not plain."""
    resource = each.seen.resource
    if resource.deleting:
        others = ", ".join(resource.finalizers) or "nothing that we can see"
        return f"Being deleted; ACK is done with it, it waits for {others}."
    if not resource.conditions:
        return "Too young to be judged: no controller has looked at it yet."
    return "Nothing is wrong."


def table(scan: Scan, *, healthy: bool = False, actionable: bool = False) -> None:
    """Print what was found, worst first, each with its sentence beneath.

    `healthy`: the others, too; `actionable`: only what an action would help, held back or not.
    """
    shown = sorted(
        (each for each in scan.results if (each.plan if actionable else healthy or each.finding)),
        key=lambda each: (_ORDER.index(each.state), each.seen.resource.ref),
    )
    if shown:
        header = ("NAMESPACE", "NAME", "FINDING", "STATE", "FOR", "REMEDY", "DECISION")
        console().columns(header, [_row(each) for each in shown])


def _row(each: Judged) -> tuple[tuple[str, ...], str, str]:
    metadata, finding = each.seen.resource.metadata, each.finding
    state = each.state.value
    if finding is None:
        cells = (metadata.namespace, metadata.name, "-", state, "-", "-", "-")
        return cells, STATE_STYLES[state], healthy_summary(each)
    decision = each.decision.kind.value if each.decision else "-"
    age = format_duration(each.seen.now - finding.since) if finding.since < each.seen.now else "new"
    cells = (metadata.namespace, metadata.name, finding.name.value, state, age, finding.remedy.value, decision)
    return cells, STATE_STYLES[state], sentence(each)


def sentence(each: Judged) -> str:
    """Say what is wrong, when it passes by itself or counts as stuck, and what holds an action back."""
    finding, now = each.finding, each.seen.now
    assert finding is not None
    said = finding.summary if finding.summary.endswith((".", "!", "?")) else f"{finding.summary}."
    if finding.state is State.WAITING and finding.self_heals_at is not None:
        return f"{said} Should heal by itself by {_moment(finding.self_heals_at, now)}."
    if finding.state is State.WAITING and finding.stuck_at is not None:
        return f"{said} Counts as stuck from {_moment(finding.stuck_at, now)}."
    if each.decision and each.decision.kind is DecisionKind.BLOCKED:
        held = "; ".join(f"{verdict.gate}: {verdict.reason}" for verdict in each.decision.held_by_fact)
        return f"{said} Held back by {held}."
    return said


def _moment(at: datetime, now: datetime) -> str:
    """Write a coming moment as people on call say it, with its date where that is not today's."""
    form = "%H:%M UTC" if at.date() == now.date() else "%Y-%m-%d %H:%M UTC"
    return f"{at.strftime(form)} (in {format_duration(at - now)})"


def totals(scan: Scan) -> str:
    """Sum a scan up in one line."""
    counted = [f"{scan.count(state)} {state.value}" for state in _ORDER if scan.count(state)]
    noun = "function" if len(scan.results) == 1 else "functions"
    incomplete = " (partial: not everything was seen)" if scan.partial else ""
    return f"{len(scan.results)} {noun}: {', '.join(counted) or 'none'}{incomplete}."


def tell_partial(scan: Scan, page: Page) -> None:
    """Say what was not seen: totals must never look complete when they are not."""
    for missing in scan.partial:
        page.hanging("not seen: ", missing, style="bold magenta")


def tell_outcomes(outcomes: Sequence[Outcome], page: Page) -> None:
    """Say what became of each action."""
    for each in outcomes:
        head = f"{each.result.value:<11} {each.action.value} {each.target.namespace}/{each.target.name}: "
        page.hanging(head, each.detail, style=_OUTCOME_STYLES[each.result])
        if each.backup:
            page.hanging(" " * 12, f"The object as it was: {each.backup}")


def tell_foreign(scan: Scan, page: Page) -> None:
    """Name what is being deleted and waits for a finalizer that is not ACK's: no finding, but a question on call."""
    for each in scan.results:
        resource = each.seen.resource
        if resource.deleting and not resource.managed and resource.finalizers:
            page.line(f"{resource.ref}: {healthy_summary(each)}")


def tell_leftovers(scan: Scan, page: Page) -> None:
    """Say where an interrupted Resync left something; a scan does not touch it."""
    for each in scan.leftovers:
        page.line(f"{each.ref}: an interrupted Resync left its mark; `remediator run --approve` removes it.")


def tell_next(scan: Scan, flags: str, page: Page) -> None:
    """Say what to type next."""
    worst = min(
        (each for each in scan.results if each.finding), key=lambda each: _ORDER.index(each.state), default=None
    )
    if worst is None:
        return
    ref = worst.seen.resource.ref
    page.line(f"Next: remediator explain function/{ref.name} -n {ref.namespace}")
    if scan.proposals:
        page.line(f"      remediator run {flags} --approve   ({len(scan.proposals)} proposed)")


def one_as_json(judged: Judged) -> str:
    """Write one result with its verdicts and its commands, for machines."""
    document = {"schemaVersion": SCHEMA_VERSION, **_result(judged)}
    decision, plan = judged.decision, judged.plan
    document["gates"] = [
        {"gate": each.gate, "ruling": each.ruling.value, "reason": each.reason}
        for each in (decision.verdicts if decision else ())
    ]
    document["commands"] = list(plan.kubectl()) if plan else []
    return msgspec.json.format(msgspec.json.encode(document)).decode()
