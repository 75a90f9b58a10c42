"""The other kinds, and who waits for whom, as the real controller writes it.

With the sandbox's controller in its place, which looks at Functions only, what it would write is written by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from remediator.cli.wiring import Wired
from remediator.model.finding import FindingName, Remedy
from remediator.model.kind import KINDS
from remediator.model.reference import LinkState
from remediator.model.scan import Judged
from remediator.sandbox.cloud import Cloud
from tests.bed.api import Refused
from tests.bed.controllers import Handle, RealController
from tests.bed.plane import Plane
from tests.bed.plugin import Create
from tests.bed.waiting import eventually
from tests.cluster.records import Json, Records
from tests.cluster.runner import Runner

pytestmark = pytest.mark.usefixtures("controller", "identity")

GROUP = "/apis/lambda.services.k8s.aws/v1alpha1"
PENDING = {"type": "ACK.ReferencesResolved", "status": "Unknown", "message": "Reference resolution failed"}

Add = Callable[..., str]


@pytest.fixture
def add(control_plane: Plane, namespace: str, controller: Handle) -> Any:
    """Create a resource of another kind and wait until it shows what the controller makes of it; answer its path."""
    made: list[str] = []

    def make(kind: str, called: str, reason: str, **spec: Any) -> str:
        collection = f"{GROUP}/namespaces/{namespace}/{KINDS[kind].plural}"
        path = f"{collection}/{called}"
        body = {
            "apiVersion": "lambda.services.k8s.aws/v1alpha1",
            "kind": kind,
            "metadata": {"name": called},
            "spec": spec,
        }
        control_plane.admin.post(collection, body)
        made.append(path)
        if not isinstance(controller, RealController):
            conditions = [PENDING | {"reason": by_hand(reason)}]
            control_plane.admin.merge(f"{path}/status", {"status": {"conditions": conditions}})
        eventually(lambda: said(control_plane, path), lambda each: reason in each, reason, control_plane.clock)
        return path

    yield make
    for path in made:
        discard(control_plane, path)


def by_hand(reason: str) -> str:
    """Write out what the real controller says where a test names a part of it."""
    return f"functions.lambda.services.k8s.aws {reason}" if reason == ABSENT else reason


def said(control_plane: Plane, path: str) -> str:
    """Return what a resource says of its references."""
    conditions = control_plane.admin.get(path).get("status", {}).get("conditions", [])
    found = [each.get("reason", "") for each in conditions if each["type"] == "ACK.ReferencesResolved"]
    return found[0] if found else ""


def discard(control_plane: Plane, path: str) -> None:
    """Delete one, whatever holds it."""
    with suppress(Refused):  # it is gone
        control_plane.admin.delete(path)
        control_plane.admin.merge(path, {"metadata": {"finalizers": None}})


def to(name: str) -> Json:
    return {"from": {"name": name}}


def judged(wired: Wired, kind: str, name: str) -> Judged:
    scan = wired.work.scan(healthy=True)
    assert scan.partial == ()
    return next(
        each for each in scan.results if (each.seen.resource.kind, each.seen.resource.metadata.name) == (kind, name)
    )


def waits(function: Any, text: str) -> None:
    """Wait until a Function says why it waits for what it refers to."""
    function.becomes(lambda seen: text in str(seen.get("status", {}).get("conditions", [])), text)


ABSENT = '"nowhere" not found'
NOT_SYNCED = "the referenced resource is not synced yet. resource:Function"
NO_ROLES = 'no matches for kind "Role" in version "iam.services.k8s.aws/v1alpha1"'


def test_a_function_waits_for_a_role_of_a_kind_that_is_not_installed(create: Create, runner: Runner) -> None:
    function = create(role=None, roleRef=to("app"))
    waits(function, NO_ROLES)
    each = judged(runner.wire(), "Function", function.name)
    assert each.finding is not None
    assert (each.finding.name, each.finding.remedy) == (FindingName.REFERENCES_UNRESOLVED, Remedy.WAIT)
    assert each.finding.summary == (
        f"roleRef refers to Role {function.namespace}/app, and roles.iam.services.k8s.aws is not installed in this "
        "cluster."
    )
    assert each.finding.evidence["references"] == NO_ROLES


def test_an_alias_waits_for_a_function_that_is_not_synced(
    create: Create, runner: Runner, add: Add, cloud: Cloud
) -> None:
    cloud.refuse("CreateFunction", "InvalidParameterValueException", "The role cannot be assumed by Lambda.")
    function = create()
    function.becomes(lambda seen: "cannot be assumed" in str(seen.get("status")), "fails")
    reason = f"{NOT_SYNCED}, namespace:{function.namespace}, name:{function.name}"
    add("Alias", "live", reason, name="live", functionVersion="1", functionRef=to(function.name))
    each = judged(runner.wire(), "Alias", "live")
    assert each.finding is not None
    assert (each.finding.name, each.plan) == (FindingName.REFERENCES_UNRESOLVED, None)
    assert each.finding.summary.startswith(f"functionRef refers to Function {function.namespace}/{function.name}, ")
    assert "which is not synced: InvalidParameterValueException: The role cannot be assumed" in each.finding.summary
    (upstream,) = (other.finding for other in runner.wire().work.scan().results if other.seen.resource.is_function)
    assert upstream is not None
    assert each.finding.summary.endswith(f"It is itself {upstream.name}; look there first.")


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Version", {}),
        ("FunctionURLConfig", {"authType": "NONE"}),
        ("EventSourceMapping", {"eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:q"}),
    ],
)
def test_of_a_chain_the_root_is_told(create: Create, runner: Runner, add: Add, kind: str, spec: Json) -> None:
    function = create(role=None, roleRef=to("app"))
    waits(function, NO_ROLES)
    reason = f"{NOT_SYNCED}, namespace:{function.namespace}, name:{function.name}"
    add(kind, "live", reason, functionRef=to(function.name), **spec)
    each = judged(runner.wire(), kind, "live")
    assert each.finding is not None
    assert each.finding.evidence["root"] == f"Role {function.namespace}/app"
    assert each.finding.evidence["rootState"] == "kind not installed"
    assert "which waits for Role" in each.finding.summary
    (link,) = runner.wire().work.examine(function.namespace, "live", kind).seen.references
    assert (link.state, [beneath.state for beneath in link.beneath]) == (
        LinkState.NOT_SYNCED,
        [LinkState.KIND_MISSING],
    )


def test_a_function_that_is_not_there_is_told(runner: Runner, add: Add, namespace: str) -> None:
    add("Alias", "live", ABSENT, name="live", functionVersion="1", functionRef=to("nowhere"))
    each = judged(runner.wire(), "Alias", "live")
    assert each.finding is not None
    assert each.finding.summary == f"functionRef refers to Function {namespace}/nowhere, which does not exist."


def test_a_record_is_kept_of_each_kind_and_nothing_is_written_to_it(
    runner: Runner, home: Records, add: Add, control_plane: Plane
) -> None:
    path = add("Alias", "live", ABSENT, name="live", functionVersion="1", functionRef=to("nowhere"))
    wired = runner.wire()
    scan = wired.work.scan()
    assert wired.work.record(scan) == ()
    seen = control_plane.admin.get(path)
    record = control_plane.admin.get(
        f"/apis/ack-remediator.dev/v1alpha1/namespaces/{home.home}/remediations/alias-{seen['metadata']['uid']}"
    )
    assert record["spec"]["target"]["kind"] == "Alias"
    assert record["status"]["finding"] == "ReferencesUnresolved"
    assert list(wired.work.proceed(scan)) == []
    managers = {each["manager"] for each in control_plane.admin.get(path)["metadata"]["managedFields"]}
    assert "ack-remediator" not in managers
