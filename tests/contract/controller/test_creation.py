"""How a function comes to be: what AWS is asked, what is written into the object, and what a refusal leaves."""

from datetime import datetime

import pytest

from remediator.sandbox.cloud import Cloud
from tests.bed.controllers import Handle
from tests.bed.functions import FINALIZER, READS, condition, error_text, is_ready, synced
from tests.bed.plane import Plane
from tests.bed.plugin import Create

pytestmark = pytest.mark.usefixtures("controller")

NOT_ASSUMABLE = "InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda."


def test_it_reads_creates_and_reads_and_then_looks_once_more(settled: Create, controller: Handle, cloud: Cloud) -> None:
    function = settled()
    # After the create, and to end the pass; writing the defaults back makes a second pass, which reads twice too.
    assert function.asked() == ["GetFunction", "CreateFunction", *READS * 4]
    assert {call.access_key for call in function.calls()} == {controller.access_key}
    assert {call.region for call in function.calls()} == {cloud.region}


def test_it_holds_the_object_and_writes_defaults_back(settled: Create) -> None:
    seen = settled().read()
    assert seen["metadata"]["finalizers"] == [FINALIZER]
    assert seen["metadata"]["generation"] == 2
    defaults = {
        "architectures": ["x86_64"],
        "description": "",
        "ephemeralStorage": {"size": 512},
        "packageType": "Zip",
        "snapStart": {"applyOn": "None"},
        "tracingConfig": {"mode": "PassThrough"},
    }
    assert {field: seen["spec"].get(field) for field in defaults} == defaults


def test_the_status_tells_what_aws_answered(settled: Create, cloud: Cloud) -> None:
    function = settled()
    live, status = function.live(), function.read()["status"]
    assert live is not None
    assert status["ackResourceMetadata"] == {
        "arn": live["FunctionArn"],
        "ownerAccountID": cloud.account,
        "partition": "aws",
        "region": cloud.region,
    }
    assert status["codeSHA256"] == cloud.code_sha256
    assert {field: status[field] for field in ("state", "lastUpdateStatus", "revisionID", "lastModified")} == {
        "state": "Active",
        "lastUpdateStatus": "Successful",
        "revisionID": live["RevisionId"],
        "lastModified": live["LastModified"],
    }


def test_it_writes_under_the_name_of_its_binary(settled: Create) -> None:
    # `./bin/controller`, in ACK's image; a user may see it in `kubectl get --show-managed-fields`.
    written = {entry.get("subresource") for entry in settled().read()["metadata"]["managedFields"] if is_its(entry)}
    assert written == {None, "status"}


def is_its(entry: dict[str, object]) -> bool:
    return entry["manager"] == "controller"


def test_it_writes_no_events(settled: Create, control_plane: Plane, namespace: str) -> None:
    settled().resync()
    assert control_plane.admin.get(f"/api/v1/namespaces/{namespace}/events")["items"] == []


def test_its_own_tags_stay_out_of_the_spec(settled: Create) -> None:
    function = settled(tags={"team": "a"})
    assert function.read()["spec"]["tags"] == {"team": "a"}
    function.edit(tags={"team": "b"})
    function.gets_asked(lambda calls: "TagResource" in calls, "it is tagged anew")
    function.falls_silent()
    seen = function.read()
    assert seen["spec"]["tags"] == {"team": "b"}
    assert is_ready(seen)


def test_a_refused_create_is_tried_again_and_leaves_no_finalizer(create: Create, cloud: Cloud) -> None:
    function = create(role=f"{cloud.role_arn}-not")
    first = function.becomes(lambda seen: error_text(seen) == NOT_ASSUMABLE, "says why")
    assert synced(first) == "Unknown"
    assert condition(first, "ACK.Terminal") == {}
    version = first["metadata"]["resourceVersion"]
    function.becomes(lambda seen: seen["metadata"]["resourceVersion"] != version, "is written at each try")
    function.backs_off(0)
    assert "finalizers" not in function.read()["metadata"]
    assert function.asked().count("CreateFunction") > 2
    function.delete()
    assert function.find() is None
    assert "DeleteFunction" not in function.asked()


def test_code_that_is_not_there_is_recoverable_too(create: Create, cloud: Cloud) -> None:
    function = create(code={**cloud.code, "s3Key": "nowhere.zip"})
    seen = function.becomes(error_text, "says why")
    assert error_text(seen).startswith("InvalidParameterValueException: Error occurred while GetObject.")
    assert condition(seen, "ACK.Terminal") == {}


def test_a_create_that_is_refused_for_a_while_heals_by_itself(create: Create) -> None:
    function = create()
    function.refuse("CreateFunction", times=5)
    function.becomes(is_ready, "is created in the end")
    assert function.asked().count("CreateFunction") == 6


def test_a_heartbeat_is_the_time_of_the_pass_in_whole_seconds(settled: Create) -> None:
    function = settled()
    written = condition(function.read(), "ACK.ResourceSynced")["lastTransitionTime"]
    assert written.endswith("Z")
    assert "." not in written
    last = function.looks()[-1].at
    assert -1 < (datetime.fromisoformat(written) - last).total_seconds() < 10
