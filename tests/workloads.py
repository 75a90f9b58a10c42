"""A controller's Deployment, and the ground that its restart is decided on: a test says what is otherwise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from remediator.actions.restart_controller import Ground, Waiting, restart_controller
from remediator.model.controller import ControllerFacts, Health
from remediator.model.decision import Proposal
from remediator.model.finding import FindingName
from remediator.model.limits import Restarts
from remediator.model.resource import Metadata, Resource
from remediator.model.workload import DEPLOYMENT, Workload
from tests.builders import NOW, Json, at, decoded, failing, function

HANGING = ControllerFacts(Health.DOWN, "no pass was finished for 3 d", version="1.14.1", deployment="ack-system/ack")


def workload(**changes: Any) -> Workload:
    """Build one that works as far as Kubernetes knows, and has for a day."""
    metadata = Metadata(
        name="ack", namespace="ack-system", uid="uid-of-ack", resource_version="77", generation=3, annotations={}
    )
    base: dict[str, Any] = {
        "resource": Resource(metadata=metadata, api_version="apps/v1", kind=DEPLOYMENT),
        "current": 1,
        "updated": 1,
        "available": 1,
        "annotated": True,
        "rolled_out": NOW - timedelta(days=1),
        "started": NOW - timedelta(days=1),
    }
    return Workload(**(base | changes))


def silent(name: str) -> Json:
    """Build a Function that the controller has not tried again for hours."""
    return function(name, conditions=failing("ServiceException: try again", at(hours=5)))


def ground(*objects: Json, waiting: int = 2, **changes: Any) -> Ground:
    """Build a ground of these objects, the first so many of which wait for the controller; of three where none are."""
    resources = tuple(decoded(each) for each in objects or (silent("a"), silent("b"), function("well")))
    base: dict[str, Any] = {
        "workload": workload(),
        "controller": HANGING,
        "resources": resources,
        "unseen": (),
        "waiting": tuple(Waiting(each, FindingName.CONTROLLER_SILENT) for each in resources[:waiting]),
        "unwell": waiting,
        "hangs": "",
        "recorded": None,
        "terms": Restarts(),
        "now": NOW,
    }
    return Ground(**(base | changes))


def restart(**changes: Any) -> Proposal:
    """Propose a restart."""
    return Proposal(*restart_controller(ground(**changes)))
