"""What `explain` prints: the sentence, the evidence of both sides, the times, the gates, the commands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from remediator.actions.restart_controller import HELPED
from remediator.cli import coming, log_section
from remediator.cli.names import typed
from remediator.cli.particulars import particulars
from remediator.cli.render import RULING_MARKS, STATE_STYLES, Page, console
from remediator.cli.report import healthy_summary, sentence, tell_cluster
from remediator.model.decision import DecisionKind
from remediator.model.finding import Finding, Remedy, State
from remediator.model.log import ControllerLog
from remediator.model.masking import mask
from remediator.model.observation import Observation
from remediator.model.plan import Plan, Verification
from remediator.model.reference import Link
from remediator.model.scan import Judged
from remediator.model.times import format_duration, format_time

# What the controller and the API server say, what AWS says: in this order, under these headings.
_KUBERNETES = ("namespace", "deletionTimestamp", "finalizers", "conditions", "errorText", "heartbeat", "controller")
_AWS = ("arn", "aws", "awsReason", "awsUpdateReason", "awsLastModified", "awsIdentity")
_VERIFIED_BY = {
    Verification.HEARTBEAT: "the controller's heartbeat moves",
    Verification.DELETION_PROGRESS: "the object goes, or the controller complains of something else",
    Verification.OBJECT_GONE: "the object is gone, and AWS still has no function a minute later",
    Verification.RELEASED: "the object is gone, and AWS still has the function",
    Verification.CONTROLLER_PASSES: "its pods are new, and resources are looked at again",
}


_ASKED_BY = {Remedy.RELEASE: "release", Remedy.CLEAR_FINALIZER: "clear-finalizer"}


def show(judged: Judged, *, wide: bool = False, by_hand: bool = True, log: ControllerLog | None = None) -> None:
    """Print what matters of one resource; `wide`: everything that is known of it, and no text is cut.

    `by_hand`: the commands that do the same as the action; not of a dump, whose names nobody has checked. `log`: what
    the controller logged about it, masked, where that was looked for.
    """
    page = console(whole=wide)
    tell_cluster(judged.cluster, page, wide=wide)
    ref, finding = judged.seen.resource.ref, judged.finding
    page.line(f"{typed(ref)} in {ref.namespace}", style="bold")
    if finding is None:
        page.hanging("  healthy  ", healthy_summary(judged), style=STATE_STYLES["healthy"])
        _references(page, judged.seen)
        _around(page, judged, log, wide=wide)
        if wide:
            particulars(page, judged.seen)
        return
    page.hanging(f"  {finding.name}, {finding.state}: ", sentence(judged), style=STATE_STYLES[finding.state.value])
    _times(page, judged, finding)
    _evidence(page, finding)
    _references(page, judged.seen)
    _around(page, judged, log, wide=wide)
    if wide:
        particulars(page, judged.seen)
    _decision(page, judged, wide=wide)
    if by_hand:
        _on_request(page, judged)
    if by_hand and judged.plan is not None:
        _commands(page, judged.plan)


def _around(page: Page, judged: Judged, log: ControllerLog | None, *, wide: bool) -> None:
    coming.tell(page, judged.seen, wide=wide)
    if log is not None:
        log_section.tell(page, log)


def _times(page: Page, judged: Judged, finding: Finding) -> None:
    page.line("")
    now = judged.seen.now
    age = now - finding.since
    page.field("since", f"{format_time(finding.since)} ({format_duration(age)} ago)" if age else "first seen now")
    if finding.stuck_at is not None:
        word = "stuck from" if finding.stuck_at > now else "stuck since"
        page.field(word, format_time(finding.stuck_at) or "")
    healing = format_time(finding.self_heals_at) if finding.self_heals_at and finding.self_heals_at > now else None
    page.field("heals by itself", f"by {healing}" if healing else "nothing says that it will")
    if finding.also:
        page.field("also holds", ", ".join(finding.also))


def sections(finding: Finding) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Order the evidence: what each side says, and what else is known, under its heading."""
    told = {*_KUBERNETES, *_AWS}
    rest = tuple(key for key in finding.evidence if key not in told)
    for heading, keys in (("Kubernetes says", _KUBERNETES), ("AWS says", _AWS), ("Details", rest)):
        present = [(key, finding.evidence[key]) for key in keys if finding.evidence.get(key)]
        if present:
            yield heading, present


def _evidence(page: Page, finding: Finding) -> None:
    for heading, present in sections(finding):
        page.heading(heading)
        for key, value in present:
            page.field(key, value)


def _references(page: Page, seen: Observation) -> None:
    """Draw what it refers to, and beneath what is not ready what that refers to."""
    lines = linked(seen)
    if lines:
        page.heading("References")
        page.fields(lines)


def linked(seen: Observation) -> list[tuple[str, str]]:
    """Tell what it refers to, and how that is, masked."""
    return [(name, mask(said, seen.secrets)) for name, said in _drawn(seen.references)]


def _drawn(links: Sequence[Link], depth: int = 0) -> Iterator[tuple[str, str]]:
    for each in links:
        found, why = f" ({each.finding})" if each.finding else "", f": {each.why}" if each.why else ""
        yield f"{'  ' * depth}{each.field}", f"{each}: {each.state}{found}{why}"
        yield from _drawn(each.beneath, depth + 1)


def _decision(page: Page, judged: Judged, *, wide: bool) -> None:
    decision, plan = judged.decision, judged.plan
    assert decision is not None and judged.finding is not None
    page.heading(f"Decision: {decision.kind}")
    page.field("remedy", remedy(judged))
    if plan is None:
        return
    page.field("proposal", plan.proposal_id)
    if wide:
        _means(page, plan)
    for note in plan.notes:
        page.field("mind", note)
    page.heading("Gates")
    width = max(len(each.gate) for each in decision.verdicts)
    for verdict in decision.verdicts:
        mark, style = RULING_MARKS[verdict.ruling.value]
        page.hanging(f"  {mark:<6}{verdict.gate:<{width}}  ", verdict.reason, style=style)


def remedy(judged: Judged) -> str:
    """Say what would help, and what that does."""
    finding, decision, plan = judged.finding, judged.decision, judged.plan
    assert finding is not None and decision is not None
    if plan is not None:
        return f"{plan.action}: {plan.summary}"
    what = "wait; nothing needs to be done now" if decision.kind is DecisionKind.WAIT else "a person has to look at it"
    if not judged.seen.resource.is_function:
        what += "; no action is ever taken on this kind"
    return f"{finding.remedy}: {what} (remediator findings {finding.name})"


def on_request(judged: Judged) -> list[tuple[str, str]]:
    """List what is never proposed, and done where a person asks for it by name, each with its command."""
    ref, finding = judged.seen.resource.ref, judged.finding
    if finding is None:
        return []
    offered = [
        (str(each), f"remediator {_ASKED_BY[each]} {typed(ref)} -n {ref.namespace}") for each in finding.on_request
    ]
    if finding.name in HELPED and judged.state is State.STUCK and judged.seen.controller.installs:
        offered.insert(0, ("RestartController, where many wait for it and not one", "remediator restart-controller"))
    return offered


def _on_request(page: Page, judged: Judged) -> None:
    offered = on_request(judged)
    if offered:
        page.heading("Only if you ask for it")
    for each, command in offered:
        page.field("on request", f"{each}: {command}")


def _means(page: Page, plan: Plan) -> None:
    """Say what the action asks for, and how its effect is looked for."""
    page.field("digest", plan.digest)
    proofs = f"AWS must say gone {plan.proofs} times" if plan.proofs else "none needed"
    page.field("proofs", proofs)
    page.field("backup", "the whole object" if plan.backup else "none needed: the action undoes itself")
    page.field("verified by", _VERIFIED_BY[plan.verification])


def _commands(page: Page, plan: Plan) -> None:
    page.heading("The same by hand")
    for step, command in zip(plan.steps, plan.kubectl(), strict=True):
        page.line(f"  # {step.does}")
        page.verbatim(f"  {command}")
