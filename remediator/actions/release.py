"""Release: let an object go that is being deleted, and keep its function in AWS as an orphan.

ACK drops its own finalizer on an object whose deletion-policy says retain, without asking AWS, but not before its next
pass (runtime, reconciler.go): the annotation alone does nothing, so that the controller is made to look as well.
"""

from __future__ import annotations

from remediator.actions import toggle
from remediator.actions.leftover import remembered
from remediator.model.finding import FindingName
from remediator.model.observation import Observation
from remediator.model.placement import place
from remediator.model.plan import ActionName, Need, Plan, Step, Verification, digest
from remediator.model.resource import DELETION_POLICY, POLICY_BEFORE_ANNOTATION, RESYNC_ANNOTATION, RETAIN


def release(seen: Observation, finding: FindingName) -> Plan:
    """Plan the release of a resource as it was observed.

    The mark and the memory of the old deletion-policy stay until the effect was seen, or undone: as long as the retain
    is there and ACK has not let go, any process can tell that it is ours, and what was there before.
    """
    resource = seen.resource
    fingerprint = digest(resource, finding, ActionName.RELEASE, seen.live_state)
    mark = toggle.mark_of(fingerprint)
    ours = {
        RESYNC_ANNOTATION: mark,
        POLICY_BEFORE_ANNOTATION: remembered(resource),
        DELETION_POLICY: RETAIN,
    }
    function = resource.arn_text or "its function"
    return Plan(
        action=ActionName.RELEASE,
        resource=resource,
        finding=finding,
        digest=fingerprint,
        summary=f"let the object go and keep {function} in AWS, as an orphan",
        needs=(*_needs(seen), *toggle.needs(seen)),
        steps=(
            Step(
                "set deletion-policy to retain and spec.publish to false, under our mark",
                toggle.publish(resource, ours),
            ),
            Step("remove spec.publish again", (*toggle.under(resource.metadata.uid, mark), *toggle.UNPUBLISH)),
        ),
        verification=Verification.RELEASED,
        backup=True,
        notes=(
            f"{function} stays in AWS, billed and managed by nobody; this object goes.",
            "A pass of the controller that is under way may still delete the function.",
        ),
    )


def _needs(seen: Observation) -> tuple[Need, ...]:
    resource, live = seen.resource, seen.live_state
    known = resource.arn is not None
    found = known and live.present and live.arn == resource.arn_text
    elsewhere = (seen.placement or place(resource)).obstacle
    policy = resource.annotations.get(DELETION_POLICY, "delete")
    deletes = policy == "delete" or seen.history.own_retain
    return (
        Need("object is being deleted", resource.deleting, "so" if resource.deleting else "ACK lets go of no other"),
        Need("ACK's finalizer is there", resource.managed, ", ".join(resource.finalizers) or "no finalizers"),
        Need(
            "function is there to be kept",
            found,
            f"AWS says {live.kind_of_state} of {live.arn or 'it'}" if known else "status records no ARN of it",
        ),
        Need("ACK finds its place", not elsewhere, elsewhere or "region and account are as status records them"),
        Need(
            "it does not say retain yet",
            deletes,
            f"deletion-policy is {policy}" + ("" if deletes else ": ACK lets go by itself at its next pass"),
        ),
    )
