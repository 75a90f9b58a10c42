"""How a Function gets stuck on the real thing, and what the product sees of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from remediator.cli.wiring import Wired
from remediator.model.finding import Finding
from remediator.model.scan import Judged, Scan
from remediator.sandbox.cloud import Cloud
from tests.bed.functions import Function, Object, is_ready
from tests.bed.plane import Plane
from tests.bed.plugin import Create
from tests.cluster.records import Json, shipped

ACCESS_KEY = "AKIAREMEDIATOR000000"
READS = {
    "GetFunction",
    "GetFunctionConcurrency",
    "GetFunctionEventInvokeConfig",
    "GetFunctionCodeSigningConfig",
    "GetFunctionConfiguration",
    "GetCallerIdentity",
}


def rules(*roles: str) -> list[Json]:
    """Read the rules of the roles that we ship."""
    return [rule for role in roles for rule in shipped(f"clusterrole-{role}.yaml")[0]["rules"]]


def judged(wired: Wired, function: Function) -> tuple[Scan, Judged]:
    """Scan, and pick the one."""
    scan = wired.work.scan(healthy=True)
    assert scan.partial == ()
    return scan, next(each for each in scan.results if each.seen.resource.metadata.name == function.name)


def finding(wired: Wired, function: Function) -> Finding:
    """Scan; the one must have a finding."""
    found = judged(wired, function)[1].finding
    assert found is not None, f"{function.name} looks healthy"
    return found


def nobody_wrote(control_plane: Plane, function: Function) -> None:
    """Let nobody have written to it just now: the remediator leaves alone for a minute what somebody is at."""
    control_plane.admin.merge(function.path, {"metadata": {"managedFields": [{}]}})


def rewind(control_plane: Plane, function: Function, minutes: float, **status: str) -> Object:
    """Set the heartbeat back in time, and fields of the status; let nobody have written to it just now."""
    nobody_wrote(control_plane, function)
    seen = function.read()
    past = (datetime.now(UTC) - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    conditions = [
        each | ({"lastTransitionTime": past} if "lastTransitionTime" in each else {})
        for each in seen["status"]["conditions"]
    ]
    return control_plane.admin.merge(f"{function.path}/status", {"status": {"conditions": conditions} | status})


def rolled_back(control_plane: Plane, cloud: Cloud, function: Function) -> None:
    """Let AWS say that the last update failed for a reason that a second try can cure."""
    cloud.set_update(function.name, "Failed", reason_code="InternalError", reason="An internal error occurred.")
    rewind(control_plane, function, 5, lastUpdateStatus="InProgress")


def calls(cloud: Cloud, function: Function, since: int) -> set[str]:
    """List what was asked about a function since, by whomever."""
    return {each.operation for each in cloud.calls_since(since) if each.function in (function.name, None)}


def several_rolled_back(create: Create, control_plane: Plane, cloud: Cloud, count: int) -> list[Function]:
    """Make Functions side by side, all of them so."""
    made = [create() for _ in range(count)]
    for each in made:
        each.becomes(lambda seen: is_ready(seen) and seen["metadata"]["generation"] == 2, "is synced and ready")
    for each in made:
        each.falls_silent()
        rolled_back(control_plane, cloud, each)
    return made
