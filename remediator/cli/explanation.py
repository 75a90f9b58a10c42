"""What `explain` prints: the sentence, the evidence of both sides, the times, the gates, the commands."""

from __future__ import annotations

from remediator.cli.render import RULING_MARKS, STATE_STYLES, Page, console
from remediator.cli.report import healthy_summary, sentence
from remediator.model.decision import DecisionKind
from remediator.model.finding import Finding
from remediator.model.plan import Plan
from remediator.model.times import format_duration, format_time
from remediator.scan import Judged

# What the controller and the API server say, what AWS says: in this order, under these headings.
_KUBERNETES = ("deletionTimestamp", "finalizers", "conditions", "errorText", "heartbeat", "controller")
_AWS = ("arn", "aws", "awsReason", "awsUpdateReason", "awsLastModified", "awsIdentity")
_WIDTH = 20


def show(judged: Judged) -> None:
    """Print everything that is known of one resource."""
    page = console()
    ref, finding = judged.seen.resource.ref, judged.finding
    page.line(f"function/{ref.name} in {ref.namespace}", style="bold")
    if finding is None:
        page.hanging("  healthy  ", healthy_summary(judged), style=STATE_STYLES["healthy"])
        return
    page.hanging(f"  {finding.name}, {finding.state}: ", sentence(judged), style=STATE_STYLES[finding.state.value])
    _times(page, judged, finding)
    _evidence(page, finding)
    _decision(page, judged)


def _field(page: Page, name: str, value: str) -> None:
    page.hanging(f"  {name:<{_WIDTH}}", value)


def _times(page: Page, judged: Judged, finding: Finding) -> None:
    page.line("")
    now = judged.seen.now
    age = now - finding.since
    _field(page, "since", f"{format_time(finding.since)} ({format_duration(age)} ago)" if age else "first seen now")
    if finding.stuck_at is not None:
        word = "counts as stuck from" if finding.stuck_at > now else "stuck since"
        _field(page, word, format_time(finding.stuck_at) or "")
    healing = format_time(finding.self_heals_at) if finding.self_heals_at and finding.self_heals_at > now else None
    _field(page, "heals by itself", f"by {healing}" if healing else "nothing says that it will")
    if finding.also:
        _field(page, "also holds", ", ".join(finding.also))


def _evidence(page: Page, finding: Finding) -> None:
    told = {*_KUBERNETES, *_AWS}
    rest = tuple(key for key in finding.evidence if key not in told)
    for heading, keys in (("Kubernetes says", _KUBERNETES), ("AWS says", _AWS), ("Details", rest)):
        present = [key for key in keys if finding.evidence.get(key)]
        if present:
            page.line("")
            page.line(heading, style="bold")
            for key in present:
                _field(page, key, finding.evidence[key])


def _decision(page: Page, judged: Judged) -> None:
    decision, plan = judged.decision, judged.plan
    assert decision is not None and judged.finding is not None
    page.line("")
    page.line(f"Decision: {decision.kind}", style="bold")
    if plan is None:
        what = (
            "wait; nothing needs to be done now" if decision.kind is DecisionKind.WAIT else "a person has to look at it"
        )
        _field(page, "remedy", f"{judged.finding.remedy}: {what} (remediator findings {judged.finding.name})")
        return
    _field(page, "remedy", f"{plan.action}: {plan.summary}")
    _field(page, "proposal", plan.proposal_id)
    for note in plan.notes:
        _field(page, "mind", note)
    page.line("")
    page.line("Gates", style="bold")
    width = max(len(each.gate) for each in decision.verdicts)
    for verdict in decision.verdicts:
        mark, style = RULING_MARKS[verdict.ruling.value]
        page.hanging(f"  {mark:<6}{verdict.gate:<{width}}  ", verdict.reason, style=style)
    _commands(page, plan)


def _commands(page: Page, plan: Plan) -> None:
    page.line("")
    page.line("The same by hand", style="bold")
    for step, command in zip(plan.steps, plan.kubectl(), strict=True):
        page.line(f"  # {step.does}")
        page.verbatim(f"  {command}")
