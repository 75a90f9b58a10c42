"""What explain and collect say on the real thing: what a pass would do is what the next pass does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from remediator.cli.bundles import unpack
from remediator.cli.collection import collect
from remediator.cli.wiring import Wired, wire
from remediator.diagnosis import diagnose
from remediator.kubernetes.log_entries import about
from remediator.model.differences import Call, NextPass, next_pass
from remediator.model.plan import Result
from remediator.model.resource import Ref
from remediator.model.scan import Judged
from remediator.sandbox.cloud import Cloud
from tests.bed.controllers import Handle, RealController
from tests.bed.functions import Function, heartbeat
from tests.bed.plane import Plane
from tests.bed.plugin import Create
from tests.cluster.records import shipped
from tests.cluster.stuck import judged, rolled_back, rules

pytestmark = pytest.mark.usefixtures("controller", "identity")

OURS = "correct-horse-battery"
BY_HAND = "set-by-hand-in-aws"
PASS_TIME = 3.0  # seconds: one pass, and what it writes

Look = Callable[[Function], Judged]


@pytest.fixture(scope="session")
def watcher(control_plane: Plane, usual_home: str) -> Path:
    """Someone on call: may read, and patch Functions, and see the controller's log."""
    control_plane.namespace("watching")
    rights = rules("read", "act", "logs") + shipped("role-locks.yaml")[0]["rules"]
    return control_plane.service_account("watching", "ack-remediator", rights)


@pytest.fixture
def wired(watcher: Path, cloud: Cloud, namespace: str, tmp_path: Path) -> Wired:
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        json.dumps(
            {
                "apiVersion": "ack-remediator.dev/v1alpha1",
                "kind": "Policy",
                # GetFunction tells the image, too, and is not held back to one a second.
                "aws": {"endpointURL": cloud.endpoint, "call": "GetFunction"},
            }
        ),
        encoding="utf-8",
    )
    return wire(kubeconfig=watcher, namespace=namespace, policy=policy)


@pytest.fixture
def look(wired: Wired, namespace: str) -> Look:
    return lambda function: wired.work.examine(namespace, function.name)


@pytest.fixture
def aws(cloud: Cloud) -> Any:
    return boto3.client("lambda", endpoint_url=cloud.endpoint, region_name=cloud.region)


def coming(each: Judged) -> NextPass:
    told = next_pass(each.seen)
    assert told is not None
    return told


def passes(function: Function, cloud: Cloud, since: int) -> set[str]:
    """Make the controller run a pass, and list the calls of it that changed something."""
    before = heartbeat(function.read())
    time.sleep(1.1)  # heartbeats have whole seconds
    function.patch({"op": "add", "path": "/spec/publish", "value": False})
    function.patch({"op": "remove", "path": "/spec/publish"})
    function.becomes(lambda seen: heartbeat(seen) != before, "a pass is finished")
    time.sleep(PASS_TIME)
    made = {each.operation for each in cloud.calls_since(since) if each.function == function.name}
    return {each for each in made if each.startswith(("Update", "Create", "Delete"))}


def test_what_ack_made_itself_differs_in_nothing(settled: Create, look: Look, cloud: Cloud) -> None:
    """Whatever AWS adds by itself, ACK writes back: the comparison must not take it for a difference."""
    function = settled(environment={"variables": {"DB_PASSWORD": OURS}})
    told = coming(look(function))
    assert (told.call, told.differences, told.variables.names, told.unknown) == (Call.NONE, (), (), ())
    assert passes(function, cloud, len(cloud.calls)) == set()


def test_drift_in_aws_is_shown_before_a_resync_and_reverted_by_it(
    settled: Create, wired: Wired, look: Look, control_plane: Plane, cloud: Cloud, aws: Any
) -> None:
    function = settled(memorySize=256, timeout=5, environment={"variables": {"DB_PASSWORD": OURS}})
    aws.update_function_configuration(
        FunctionName=function.name,
        MemorySize=512,
        Timeout=9,
        Environment={"Variables": {"DB_PASSWORD": BY_HAND, "EXTRA": "1"}},
    )
    rolled_back(control_plane, cloud, function)
    told = coming(look(function))
    assert told.call is Call.CONFIGURATION
    assert [(each.field, each.spec, each.live) for each in told.differences] == [
        ("memorySize", "256", "512"),
        ("timeout", "5", "9"),
    ]
    assert (told.variables.removed, told.variables.changed) == (("EXTRA",), ("DB_PASSWORD",))
    scan, each = judged(wired, function)
    assert each.plan is not None
    assert each.plan.notes == (
        "memorySize is 512 in AWS and 256 in the spec: the controller will set 256.",
        "timeout is 9 in AWS and 5 in the spec: the controller will set 5.",
        "environment differs in DB_PASSWORD, EXTRA: the controller will set the spec's values.",
    )
    since = len(cloud.calls)
    (outcome,) = wired.work.remediate(scan, frozenset({each.plan.digest}))
    assert outcome.result is Result.RESOLVED, outcome.detail
    changing = {call.operation for call in cloud.calls_since(since) if call.operation.startswith("Update")}
    assert changing == {told.call.value}
    live = cloud.configuration(function.name)
    assert (live["MemorySize"], live["Timeout"]) == (256, 5)
    assert live["Environment"]["Variables"] == {"DB_PASSWORD": OURS}
    assert coming(look(function)).call is Call.NONE


def test_code_goes_first_and_what_else_was_changed_is_lost(
    settled: Create, look: Look, controller: Handle, cloud: Cloud, aws: Any
) -> None:
    """With a checksum that never matches, every pass updates the code, and takes every other edit back."""
    function = settled(memorySize=256)
    aws.update_function_configuration(FunctionName=function.name, MemorySize=512)
    controller.stop()  # let nothing happen until it was looked at
    function.patch({"op": "add", "path": "/spec/code/sha256", "value": "9f" * 32})
    told = coming(look(function))
    assert (told.call, told.lost) == (Call.CODE, ("memorySize",))
    since = len(cloud.calls)
    controller.start()
    assert passes(function, cloud, since) == {"UpdateFunctionCode"}
    function.becomes(lambda seen: seen["spec"]["memorySize"] == 512, "AWS's value is written over the object's")


def test_a_deletion_is_said_to_be_tried_again(settled: Create, look: Look, cloud: Cloud) -> None:
    function = settled()
    cloud.deny("DeleteFunction", name=function.name)
    function.delete()
    function.becomes(lambda seen: "deletionTimestamp" in seen["metadata"], "is being deleted")
    told = coming(look(function))
    assert (told.call, told.why) == (Call.DELETE, "DeleteFunction will be tried again.")
    cloud.allow()


def test_the_diagnosis_of_a_bundle_is_that_of_the_resource(
    settled: Create, wired: Wired, look: Look, control_plane: Plane, cloud: Cloud
) -> None:
    function = settled(environment={"variables": {"DB_PASSWORD": OURS}})
    rolled_back(control_plane, cloud, function)
    each = look(function)
    raw = wired.means.cluster.raw(each.seen.resource.ref)
    log = wired.means.cluster.log_lines(each.seen.resource.ref)
    told = collect(each, raw, log)
    bundle = unpack("it", told.content)
    assert told.changed == ""
    assert diagnose(bundle.observed()) == each.finding
    assert OURS not in json.dumps(bundle.object)


def test_the_controllers_own_words_are_understood(settled: Create, controller: Handle, cloud: Cloud, aws: Any) -> None:
    """No pod runs here: the log is read from where the controller writes it."""
    if not isinstance(controller, RealController):
        pytest.skip("the sandbox's controller has a log of its own form: this takes CONTROLLER=real")
    function = settled(environment={"variables": {"DB_PASSWORD": OURS}})
    aws.update_function_configuration(FunctionName=function.name, Environment={"Variables": {"DB_PASSWORD": BY_HAND}})
    passes(function, cloud, len(cloud.calls))
    function.patch({"op": "add", "path": "/spec/tracingConfig", "value": {}})
    time.sleep(PASS_TIME)
    written = controller.log.read_text(encoding="utf-8", errors="replace").splitlines()
    namespace = function.read()["metadata"]["namespace"]
    texts = [each.text for each in about(Ref(namespace, function.name, ""), written)]
    assert "created new resource" in texts
    assert "desired resource state has changed: Spec.Environment.Variables" in texts
    assert any(each.startswith("Observed a panic: runtime error: ") and "hooks.go" in each for each in texts)
    assert not any(secret in each for each in texts for secret in (OURS, BY_HAND))
    function.patch({"op": "remove", "path": "/spec/tracingConfig"})


def test_without_a_deployment_the_log_is_elsewhere(wired: Wired, settled: Create, look: Look) -> None:
    function = settled()
    log = wired.means.cluster.log_lines(look(function).seen.resource.ref)
    assert (log.lines, log.why.startswith("No Deployment of the controller is seen here")) == ((), True)


@pytest.mark.usefixtures("deployment_is_down")
def test_a_deployment_without_pods_has_no_log(wired: Wired, settled: Create, look: Look) -> None:
    function = settled()
    log = wired.means.cluster.log_lines(look(function).seen.resource.ref)
    assert log.why == "The controller's Deployment has no pods now, so that there is no log."
