"""Gate: is there a controller to do what we ask for, and is it not just starting anew?"""

from __future__ import annotations

from remediator.model.controller import Health
from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict
from remediator.model.plan import ActionName


def controller(proposal: Proposal, at: Situation) -> Verdict:
    """Hold while the controller restarts, and what needs it while there is none.

    After a restart ACK looks at every object by itself: whatever we do then, it does a moment later. Resync and Release
    go on where nothing is known of the controller, since an EKS-managed one cannot be seen: where there is none after
    all, nothing comes of them, and they are undone. ClearFinalizer is for where there is none, RestartController for
    one that is there and hangs: whether its pods run is among its own needs.
    """
    action, facts = proposal.plan.action, at.controller
    if facts.restarting:
        reason = f"it is restarting, and then looks at everything by itself: {facts.why}"
        return Verdict(GateName.CONTROLLER, Ruling.HELD, reason)
    if action is ActionName.RESTART_CONTROLLER:
        return Verdict(GateName.CONTROLLER, Ruling.ALLOWED, f"not restarting; {facts.health}: {facts.why}")
    if action is ActionName.CLEAR_FINALIZER:
        return Verdict(GateName.CONTROLLER, Ruling.ALLOWED, f"not restarting; {action} does without it")
    ruling = Ruling.HELD if facts.health is Health.DOWN else Ruling.ALLOWED
    return Verdict(GateName.CONTROLLER, ruling, f"{facts.health}: {facts.why}")
