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


def _evidence(page: Page, finding: Finding) -> None:
    told = {*_KUBERNETES, *_AWS}
    rest = tuple(key for key in finding.evidence if key not in told)
    for heading, keys in (("Kubernetes says", _KUBERNETES), ("AWS says", _AWS), ("Details", rest)):
        present = [key for key in keys if finding.evidence.get(key)]
        if present:
            page.heading(heading)
            for key in present:
                page.field(key, finding.evidence[key])


def _references(page: Page, seen: Observation) -> None:
    """Draw what it refers to, and beneath what is not ready what that refers to."""
    lines = [(name, mask(said, seen.secrets)) for name, said in _drawn(seen.references)]
    if lines:
        page.heading("References")
        page.fields(lines)


def _drawn(links: Sequence[Link], depth: int = 0) -> Iterator[tuple[str, str]]:
    for each in links:
        found, why = f" ({each.finding})" if each.finding else "", f": {each.why}" if each.why else ""
        yield f"{'  ' * depth}{each.field}", f"{each}: {each.state}{found}{why}"
        yield from _drawn(each.beneath, depth + 1)


def _decision(page: Page, judged: Judged, *, wide: bool) -> None:
    decision, plan = judged.decision, judged.plan
    assert decision is not None and judged.finding is not None
    page.heading(f"Decision: {decision.kind}")
    if plan is None:
        what = (
            "wait; nothing needs to be done now" if decision.kind is DecisionKind.WAIT else "a person has to look at it"
        )
        if not judged.seen.resource.is_function:
            what += "; no action is ever taken on this kind"
        page.field("remedy", f"{judged.finding.remedy}: {what} (remediator findings {judged.finding.name})")
        return
    page.field("remedy", f"{plan.action}: {plan.summary}")
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


def _on_request(page: Page, judged: Judged) -> None:
    """Say what is never proposed, and done where a person asks for it by name."""
    offered = judged.finding.on_request if judged.finding else ()
    restart = judged.finding is not None and judged.finding.name in HELPED and judged.state is State.STUCK
    restart = restart and bool(judged.seen.controller.installs)
    if not (offered or restart):
        return
    ref = judged.seen.resource.ref
    page.heading("Only if you ask for it")
    if restart:
        page.field("on request", "RestartController: remediator restart-controller (where many wait for it, not one)")
    for remedy in offered:
        page.field("on request", f"{remedy}: remediator {_ASKED_BY[remedy]} {typed(ref)} -n {ref.namespace}")


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
