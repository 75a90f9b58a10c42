"""The sentences of a scan, a diagnosis or a run: what is wrong, what was not seen, what to type next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from remediator.cli.names import typed
from remediator.cli.render import STATE_STYLES, Page
from remediator.model.cluster import ClusterFinding, ClusterFindingName
from remediator.model.controller import ControllerFacts, Health
from remediator.model.decision import DecisionKind
from remediator.model.finding import State
from remediator.model.kind import FUNCTION
from remediator.model.pause import Pause
from remediator.model.plan import Outcome, Result
from remediator.model.scan import Judged, Scan
from remediator.model.times import format_duration
from remediator.model.window import Windows

if TYPE_CHECKING:
    from remediator.cli.wiring import Wired

OUTCOME_STYLES = {
    Result.RESOLVED: "green",
    Result.STILL_STUCK: "red",
    Result.UNKNOWN: "magenta",
    Result.SKIPPED: "yellow",
}
# Worst first, so that the top of the screen is what matters.
WORST_FIRST = list(State)


def healthy_summary(each: Judged) -> str:
    """Say why nothing is wrong, where that is not plain."""
    resource = each.seen.resource
    if resource.deleting:
        others = ", ".join(resource.finalizers) or "nothing that we can see"
        return f"Being deleted; ACK is done with it, it waits for {others}."
    if not resource.conditions:
        return "Too young to be judged: no controller has looked at it yet."
    return "Nothing is wrong."


def sentence(each: Judged, now: datetime | None = None) -> str:
    """Say what is wrong, when it passes by itself or counts as stuck, and what holds an action back.

    `now` is when it is read, where that is later than it was seen.
    """
    finding, now = each.finding, now or each.seen.now
    assert finding is not None
    said = finding.summary if finding.summary.endswith((".", "!", "?")) else f"{finding.summary}."
    if finding.state is State.WAITING and (ends := finding.self_heals_at or finding.stuck_at) is not None:
        heals = finding.self_heals_at is not None
        if each.seen.now < ends <= now:  # while nobody looked
            said += " Was to heal by itself by" if heals else " Counts as stuck since"
            return f"{said} {_moment(ends, now)}; the next pass tells."
        return f"{said} {'Should heal by itself by' if heals else 'Counts as stuck from'} {_moment(ends, now)}."
    if each.decision and each.decision.kind is DecisionKind.BLOCKED:
        held = "; ".join(f"{verdict.gate}: {verdict.reason}" for verdict in each.decision.held_by_fact)
        return f"{said} Held back by {held}."
    return said


def place(each: Judged) -> tuple[str | None, str | None]:
    """Say in which account and region the function is: as its ARN has it, else as status or AWS tell."""
    status, live, arn = each.seen.resource.status, each.seen.live_state, each.seen.resource.arn
    noted = status.ack_resource_metadata if status else None
    account = (arn.account if arn else None) or (noted.owner_account_id if noted else None) or live.account
    region = (arn.region if arn else None) or (noted.region if noted else None) or live.region
    return account, region


def _moment(at: datetime, now: datetime) -> str:
    """Write a moment as people on call say it, with its date where that is not today's."""
    form = "%H:%M UTC" if at.date() == now.date() else "%Y-%m-%d %H:%M UTC"
    away = f"in {format_duration(at - now)}" if at >= now else f"{format_duration(now - at)} ago"
    return f"{at.strftime(form)} ({away})"


def totals(scan: Scan) -> str:
    """Sum a scan up in one line."""
    counted = [f"{scan.count(state)} {state.value}" for state in WORST_FIRST if scan.count(state)]
    noun = "resource" if scan.kinds - {FUNCTION} else "function"
    noun = noun if scan.total == 1 else f"{noun}s"
    incomplete = " (partial: not everything was seen)" if scan.partial else ""
    return f"{scan.total} {noun}: {', '.join(counted) or 'none'}{incomplete}."


def has_findings(scan: Scan) -> bool:
    """Whether anything was found that `--exit-code` tells of; what is only advised for the cluster is nothing."""
    return any(each.finding for each in scan.results) or any(each.state is State.STUCK for each in scan.cluster)


def tell_partial(scan: Scan, page: Page) -> None:
    """Say what was not seen: totals must never look complete when they are not."""
    for missing in scan.partial:
        page.hanging("not seen: ", missing, style="bold magenta")


def tell_cluster(findings: Sequence[ClusterFinding], page: Page, *, wide: bool) -> None:
    """Say what is wrong with the cluster, above what is wrong in it; `wide`: with the evidence."""
    for each in findings:
        page.hanging(f"{each.name}, {each.state}: ", each.summary, style=STATE_STYLES[each.state.value])
        if wide:
            about = {"about": each.subject} if each.subject else {}
            page.fields(list((about | each.evidence).items()))
    if findings:
        page.line("")


def controller_sentence(facts: ControllerFacts) -> str:
    """Say how the controller is, and of which version, where it works."""
    version = f", version {facts.version}" if facts.version else ""
    watched = f", watching {', '.join(facts.watched_namespaces)} only" if facts.watched_namespaces else ""
    return f"Controller {facts.health.value}: {facts.why}{version}{watched}."


def tell_controller(scan: Scan, page: Page, *, wide: bool) -> None:
    """Say how the controller is, and what of the cluster nobody could look at.

    Without `wide` the first only where something is wrong, and that may be why (a finding says so where the controller
    is down), and of the second how much there is.
    """
    facts = scan.controller
    told = any(each.name is ClusterFindingName.CONTROLLER_DOWN for each in scan.cluster)
    if wide or not (facts.health is Health.ALIVE or told or not any(each.finding for each in scan.results)):
        page.line(controller_sentence(facts))
    if wide:
        for each in scan.unknown:
            page.hanging("not known: ", each)
    elif scan.unknown:
        things = "1 thing" if len(scan.unknown) == 1 else f"{len(scan.unknown)} things"
        page.line(f"{things} about the cluster could not be read; -o wide says which, `remediator doctor` why.")


def held_off(scan: Scan, windows: Windows) -> Iterator[str]:
    """Say that nothing is begun now: where the policy's windows are closed, and who paused it, until when."""
    closed = windows.closed(scan.started)
    if closed:
        change = windows.next_change(scan.started)
        opens = f"they open {windows.local(change)}" if change else "nothing opens them"
        yield f"Windows: {closed}; {opens}. Until then nothing is begun."
    for each in scan.pauses.standing(scan.started):
        yield f"{each.said[0].upper()}{each.said[1:]}. Until then nothing is begun{_there(each)}."


def tell_held_off(scan: Scan, windows: Windows, page: Page) -> None:
    """Tell it line by line."""
    for each in held_off(scan, windows):
        page.line(each)


def _there(pause: Pause) -> str:
    return " there" if pause.namespace else ""


def tell_outcome(outcome: Outcome, page: Page) -> None:
    """Say what became of an action."""
    head = f"{outcome.result.value:<11} {outcome.action.value} {outcome.target.namespace}/{outcome.target.name}: "
    page.hanging(head, outcome.detail, style=OUTCOME_STYLES[outcome.result])
    if outcome.backup:
        page.hanging(" " * 12, f"The object as it was: {outcome.backup}")


def foreign(scan: Scan) -> list[str]:
    """Name what is being deleted and waits for a finalizer that is not ACK's: no finding, but a question on call."""
    resources = [(each, each.seen.resource) for each in scan.results]
    return [
        f"{resource.ref}: {healthy_summary(each)}"
        for each, resource in resources
        if resource.deleting and not resource.managed and resource.finalizers
    ]


def tell_foreign(scan: Scan, page: Page) -> None:
    """Print what waits for somebody else's finalizer."""
    for each in foreign(scan):
        page.line(each)


def leftovers(scan: Scan) -> list[str]:
    """Say where an interrupted action left something; a scan does not touch it."""
    said = "an interrupted action left its mark; the next `remediator run` that may act undoes it."
    return [f"{each.ref}: {said}" for each in scan.leftovers]


def tell_leftovers(scan: Scan, page: Page) -> None:
    """Print where an interrupted action left something."""
    for each in leftovers(scan):
        page.line(each)


def tell_next(scan: Scan, flags: str, page: Page, context: str | None = None) -> None:
    """Say what to type next; a `context` that was typed has to be typed again."""
    there = f" --context {shlex.quote(context)}" if context else ""
    worst = min(
        (each for each in scan.results if each.finding), key=lambda each: WORST_FIRST.index(each.state), default=None
    )
    if worst is None:
        return
    ref = worst.seen.resource.ref
    page.line(f"Next: remediator explain {typed(ref)} -n {ref.namespace}{there}")
    if scan.proposals:
        page.line(f"      remediator run {flags}{there} --approve   ({len(scan.proposals)} proposed)")


def tell_scan(scan: Scan, wired: Wired, aside: Page, context: str | None, *, wide: bool) -> None:
    """Tell beside the data what one scan came to, and what to type next; `context`: the one that was typed."""
    aside.line(f"{wired.connection.context}, {wired.scope}: {totals(scan)}")
    tell_partial(scan, aside)
    tell_foreign(scan, aside)
    tell_leftovers(scan, aside)
    tell_held_off(scan, wired.policy.windows, aside)
    tell_controller(scan, aside, wide=wide)
    tell_next(scan, wired.scope_flags, aside, context)
