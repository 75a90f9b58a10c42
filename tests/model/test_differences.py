"""What the next pass would do: ACK's own comparison, one field at a time, and the one call that comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from remediator.model.controller import ControllerFacts
from remediator.model.differences import Call, Difference, NextPass, Variables, next_pass, shown
from remediator.model.live import LiveState, unreadable
from remediator.model.namespace import Namespace
from remediator.model.placement import Placement
from remediator.model.settings import from_answer
from tests.builders import GONE, SHA, UNPROVEN_GONE, active, deleting, function, observe
from tests.model.test_settings import ANSWER, SPEC

SPEC_OF_IMAGE = SPEC | {"packageType": "Image", "code": {"imageURI": "shop/checkout:2"}}
READ_ONLY = "services.k8s.aws/read-only"


def answer(environment: dict[str, str] | None = None, **changes: Any) -> LiveState:
    """Let AWS have what the spec asks for, but for some changes, by the spec's paths; None takes one away."""
    changed = dict(from_answer(ANSWER)) | changes.pop("settings", {})
    pairs = tuple((path, text) for path, text in changed.items() if text is not None)
    return active(configuration=pairs, environment=environment or {}, **changes)


def coming(live: LiveState | None = None, spec: dict[str, Any] | None = None, **more: Any) -> NextPass:
    raw = function(
        spec=SPEC | (spec or {}), **{key: more.pop(key) for key in ("metadata", "conditions") if key in more}
    )
    told = next_pass(observe(raw, answer() if live is None else live, **more))
    assert told is not None
    return told


def differing(
    settings: Mapping[str, str | None] | None = None, spec: dict[str, Any] | None = None
) -> tuple[Difference, ...]:
    return coming(answer(settings=settings or {}), spec).differences


# ---- what differs ----------------------------------------------------------------------------------------------------


def test_nothing_differs() -> None:
    told = coming()
    assert (told.call, told.why, told.differences) == (Call.NONE, "ACK finds no difference: it only reads.", ())


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("deadLetterConfig.targetARN", "arn:other"),
        ("description", "by hand"),
        ("durableConfig.executionTimeout", "61"),
        ("durableConfig.retentionPeriodInDays", "8"),
        ("ephemeralStorage.size", "1024"),
        ("fileSystemConfigs", "arn:x at /mnt/x"),
        ("handler", "other.handler"),
        ("kmsKeyARN", "arn:other"),
        ("layers", "arn:a:1"),
        ("loggingConfig.applicationLogLevel", "DEBUG"),
        ("loggingConfig.logFormat", "Text"),
        ("loggingConfig.logGroup", "other"),
        ("loggingConfig.systemLogLevel", "DEBUG"),
        ("memorySize", "512"),
        ("role", "arn:other"),
        ("runtime", "python3.12"),
        ("snapStart.applyOn", "PublishedVersions"),
        ("timeout", "9"),
        ("tracingConfig.mode", "PassThrough"),
        ("vpcConfig.securityGroupIDs", "sg-2"),
        ("vpcConfig.subnetIDs", "subnet-3"),
    ],
)
def test_each_field_of_the_configuration(path: str, there: str) -> None:
    told = coming(answer(settings={path: there}))
    [found] = told.differences
    assert (found.field, found.live, found.note) == (path, there, "")
    assert told.call is Call.CONFIGURATION
    assert told.why == f"ACK updates the configuration ({path})."


def test_empty_and_absent_are_one_in_lists_and_two_elsewhere() -> None:
    lists = {"layers": "", "fileSystemConfigs": "", "vpcConfig.securityGroupIDs": ""}
    assert (
        differing(
            lists, {"layers": [], "fileSystemConfigs": None, "vpcConfig": {"subnetIDs": SPEC["vpcConfig"]["subnetIDs"]}}
        )
        == ()
    )
    assert differing({}, {"description": None}) == (Difference("description", None, ""),)
    assert differing({"description": None}) == (Difference("description", "", None),)


def test_a_structure_on_one_side_is_one_difference() -> None:
    assert differing({"tracingConfig.mode": None}) == (Difference("tracingConfig", "mode Active", None),)
    assert differing({}, {"ephemeralStorage": None}) == (Difference("ephemeralStorage", None, "size 512"),)
    assert differing({"deadLetterConfig.targetARN": None, "deadLetterConfig": "{}"}, {"deadLetterConfig": None}) == (
        Difference("deadLetterConfig", None, "{}"),
    )


def test_a_vpc_config_of_the_spec_is_taken_for_one_in_aws_too() -> None:
    none = {"vpcConfig.subnetIDs": None, "vpcConfig.securityGroupIDs": None}
    assert differing(none, {"vpcConfig": {}}) == ()
    assert [each.field for each in differing(none)] == ["vpcConfig.securityGroupIDs", "vpcConfig.subnetIDs"]
    assert [each.field for each in differing({}, {"vpcConfig": None})] == ["vpcConfig"]


def test_layers_that_aws_does_not_name_are_not_missed() -> None:
    """ACK keeps those of the spec where the answer has none (sdk.go)."""
    assert differing({"layers": None}) == ()
    assert [each.field for each in differing({"layers": ""})] == ["layers"]


@pytest.mark.parametrize("field", ["layers", "fileSystemConfigs", "loggingConfig", "durableConfig"])
def test_what_no_call_unsets_is_said_to_stay(field: str) -> None:
    [found] = differing({}, {field: None})
    assert found.note == "ACK does not unset it"


def test_a_package_type_stays_as_it_is() -> None:
    [found] = differing({"packageType": None})
    assert found.note == "no call changes it"


def test_what_a_reference_stands_for_is_not_compared() -> None:
    refs = {
        "role": None,
        "roleRef": {"from": {"name": "lambda"}},
        "kmsKeyARN": None,
        "kmsKeyRef": {"from": {"name": "key"}},
        "vpcConfig": {"subnetRefs": [{"from": {"name": "a"}}], "securityGroupRefs": [{"from": {"name": "b"}}]},
    }
    told = coming(answer(), refs)
    assert (told.call, told.differences) == (Call.NONE, ())
    assert told.unknown == (
        "kmsKeyARN (from kmsKeyRef)",
        "role (from roleRef)",
        "vpcConfig.securityGroupIDs (from vpcConfig.securityGroupRefs)",
        "vpcConfig.subnetIDs (from vpcConfig.subnetRefs)",
    )


def test_the_environment_is_told_by_its_names_alone() -> None:
    spec = {"environment": {"variables": {"A": "hunter2", "B": "same", "NEW": "hunter4"}}}
    told = coming(answer({"A": "hunter3", "B": "same", "OLD": "x"}), spec)
    assert told.variables == Variables(added=("NEW",), removed=("OLD",), changed=("A",))
    assert told.variables.names == ("A", "NEW", "OLD")
    assert (told.call, told.why) == (Call.CONFIGURATION, "ACK updates the configuration (environment).")
    assert "hunter" not in repr(told)
    assert coming(answer({"A": "x"}), {"environment": {}}).variables == Variables(removed=("A",))


def test_a_side_is_shown_so_that_empty_is_told_from_absent() -> None:
    assert [shown(each) for each in (None, "", "x")] == ["not set", '""', "x"]


# ---- which call ------------------------------------------------------------------------------------------------------


def test_the_code_is_updated_by_its_checksum() -> None:
    told = coming(spec={"code": {"sha256": "other"}})
    assert told.differences == (Difference("code.sha256", "other", SHA),)
    assert (told.call, told.why, told.lost) == (Call.CODE, "ACK updates the code alone (code.sha256).", ())


@pytest.mark.parametrize(
    "spec",
    [
        {"code": {"sha256": SHA}},
        {"code": {"s3Key": "other.zip"}},
        {"code": None},
        {"packageType": None, "code": {"sha256": "x"}},
    ],
    ids=["equal", "no checksum", "no code", "no package type"],
)
def test_a_checksum_that_is_not_compared(spec: dict[str, Any]) -> None:
    live = answer(settings={"packageType": spec.get("packageType", "Zip")})
    assert coming(live, spec).call is Call.NONE


def test_the_architecture_is_code() -> None:
    told = coming(answer(settings={"architectures": "x86_64"}))
    assert (told.call, told.differences) == (Call.CODE, (Difference("architectures", "arm64", "x86_64"),))


def of_image(image_uri: str | None, **more: Any) -> NextPass:
    settings = {"packageType": "Image"} | more
    return coming(answer(settings=settings, package_type="Image", image_uri=image_uri), SPEC_OF_IMAGE)


def test_the_image_is_compared_where_aws_tells_it() -> None:
    assert of_image("shop/checkout:2").call is Call.NONE
    told = of_image("shop/checkout:1")
    assert (told.call, told.differences) == (
        Call.CODE,
        (Difference("code.imageURI", "shop/checkout:2", "shop/checkout:1"),),
    )


def test_an_image_that_is_not_known_leaves_the_call_open() -> None:
    told = of_image(None)
    assert (told.call, told.unknown) == (Call.UNKNOWN, ("code.imageURI (GetFunctionConfiguration does not tell it)",))
    assert told.why == "If code.imageURI differs, ACK updates the code alone; else it only reads."
    assert of_image(None, timeout="9").why.endswith("else it updates the configuration (timeout).")
    assert of_image(None, architectures="x86_64").call is Call.CODE


def test_an_image_that_the_spec_does_not_name() -> None:
    live = answer(settings={"packageType": None}, package_type=None, image_uri="shop/checkout:1")
    assert coming(live, {"packageType": None, "code": None}).differences == (
        Difference("code.imageURI", None, "shop/checkout:1"),
    )


@pytest.mark.parametrize(
    ("version", "lost", "said"),
    [
        ("1.14.1", ("timeout", "environment"), "It then writes AWS's values over the object's timeout, environment"),
        ("v1.7.4", ("timeout", "environment"), "It then writes AWS's values over the object's timeout, environment"),
        ("1.14.2", (), "The rest (timeout, environment) follows in the pass after it."),
        ("latest", ("timeout", "environment"), "Up to 1.14.1 it then writes AWS's values over"),
        (None, ("timeout", "environment"), "Up to 1.14.1 it then writes AWS's values over"),
    ],
)
def test_beside_the_code_the_rest_is_lost(version: str | None, lost: tuple[str, ...], said: str) -> None:
    spec = {"code": {"sha256": "other"}, "environment": {"variables": {"A": "x"}}}
    told = coming(answer(settings={"timeout": "9"}), spec, controller=ControllerFacts(version=version))
    assert (told.call, told.lost) == (Call.CODE, lost)
    assert said in told.why


def test_never_both_calls() -> None:
    """Whatever differs: code goes first, and alone."""
    told = coming(answer(settings={"timeout": "9", "architectures": "x86_64"}))
    assert told.call is Call.CODE
    assert "UpdateFunctionConfiguration" not in told.why


def test_an_update_under_way_is_said_to_refuse_it() -> None:
    told = coming(answer(settings={"timeout": "9"}, last_update_status="InProgress"))
    assert told.call is Call.CONFIGURATION
    assert told.why.endswith("AWS is still at an update, and will refuse it until that is over.")


def test_a_pending_function_is_left_alone() -> None:
    differs = answer(settings={"timeout": "9"}, state="Pending")
    assert coming(differs).why == "AWS says Pending: ACK waits, and looks again every 5 s."
    assert coming(answer({"OLD": "x"}, state="Pending")).call is Call.NONE
    assert coming(answer(state="Pending")).why == "ACK finds no difference: it only reads."


def test_a_tenancy_ends_in_terminal() -> None:
    told = coming(answer(settings={"tenancyConfig.tenantIsolationMode": None}))
    assert (told.call, "Terminal" in told.why) == (Call.NONE, True)


@pytest.mark.parametrize("field", ["tracingConfig", "snapStart", "ephemeralStorage"])
def test_an_empty_structure_makes_the_controller_panic(field: str) -> None:
    told = coming(spec={field: {}})
    assert told.call is Call.NONE
    assert told.why.startswith(f"The controller panics on it: {field}.")


# ---- what comes before any comparison --------------------------------------------------------------------------------


def test_other_kinds_are_not_compared() -> None:
    assert next_pass(observe(function() | {"kind": "Alias"}, active())) is None


def test_a_read_only_resource_is_looked_at_only() -> None:
    metadata = {"annotations": {READ_ONLY: "true"}}
    told = coming(answer(settings={"timeout": "9"}), metadata=metadata)
    assert (told.call, [each.field for each in told.differences]) == (Call.NONE, ["timeout"])
    assert coming(GONE, metadata=metadata).why == f"{READ_ONLY} is set: ACK only looks."
    assert (
        coming(answer(settings={"timeout": "9"}), metadata={"annotations": {READ_ONLY: "no"}}).call
        is Call.CONFIGURATION
    )


def test_where_ack_does_nothing_nothing_comes() -> None:
    drifted = Placement(drift="annotation services.k8s.aws/region says eu-west-1, status says us-east-1")
    told = coming(answer(settings={"timeout": "9"}), placement=drifted)
    assert (told.call, "ACK does nothing: annotation" in told.why) == (Call.NONE, True)
    assert coming(placement=Placement(region="us-east-1")).why.endswith("it only reads.")


def test_a_function_that_is_gone_is_created_anew() -> None:
    assert coming(GONE).why == "AWS has no such function: ACK creates it anew."
    told = coming(UNPROVEN_GONE)
    assert told.call is Call.CREATE
    assert told.why.endswith("if that is so (nobody checked account and region).")


def test_without_one_side_it_cannot_be_told() -> None:
    told = coming(unreadable("AccessDenied"))
    assert (told.call, told.why) == (Call.UNKNOWN, "AWS's side is not known: AccessDenied.")
    assert coming(active()).call is Call.UNKNOWN
    bare = next_pass(observe(function() | {"spec": None}, answer()))
    assert bare is not None and bare.call is Call.UNKNOWN


def test_what_ack_did_not_make_is_left_alone_or_taken_over() -> None:
    differs = answer(settings={"timeout": "9"})
    assert coming(differs, metadata={"finalizers": None}).call is Call.NONE
    adopting = {"finalizers": None, "annotations": {"services.k8s.aws/adoption-policy": "adopt-or-create"}}
    told = coming(differs, metadata=adopting)
    assert (told.call, len(told.differences)) == (Call.UNKNOWN, 1)


@pytest.mark.parametrize(
    ("status", "call"), [("Unknown", Call.UNKNOWN), ("False", Call.UNKNOWN), ("True", Call.CONFIGURATION)]
)
def test_references_come_first(status: str, call: Call) -> None:
    conditions = [{"type": "ACK.ReferencesResolved", "status": status}]
    assert coming(answer(settings={"timeout": "9"}), conditions=conditions).call is call


# ---- being deleted ---------------------------------------------------------------------------------------------------


def of_deletion(live: LiveState, metadata: dict[str, Any] | None = None, **more: Any) -> NextPass:
    told = next_pass(observe(deleting(metadata=metadata or {}), live, **more))
    assert told is not None
    return told


def test_a_deletion_will_be_tried_again() -> None:
    assert of_deletion(answer()) == NextPass(call=Call.DELETE, why="DeleteFunction will be tried again.")
    assert of_deletion(unreadable("AccessDenied")).call is Call.DELETE


@pytest.mark.parametrize("state", ["Pending", "Deleting"])
def test_a_deletion_waits_for_aws(state: str) -> None:
    told = of_deletion(answer(state=state))
    assert (told.call, told.why) == (Call.NONE, f"AWS says {state}: ACK waits, and looks again every 5 s.")


def test_a_deletion_of_what_is_gone_or_let_go() -> None:
    assert of_deletion(GONE).why == "ACK finds no function, and lets the object go."
    assert of_deletion(answer(), {"finalizers": ["other"]}).why.startswith("ACK is done with this object")


@pytest.mark.parametrize(
    ("own", "namespace", "flag", "call"),
    [
        ("retain", "delete", "delete", Call.NONE),
        ("delete", "retain", "retain", Call.DELETE),
        (None, "retain", "delete", Call.NONE),
        (None, None, "retain", Call.NONE),
        (None, None, "delete", Call.DELETE),
    ],
)
def test_a_deletion_that_keeps_the_function(own: str | None, namespace: str | None, flag: str, call: Call) -> None:
    told = of_deletion(
        answer(),
        {"annotations": {"services.k8s.aws/deletion-policy": own} if own else None},
        namespace=Namespace("shop", {"lambda.services.k8s.aws/deletion-policy": namespace}) if namespace else None,
        controller=ControllerFacts(deletion_policy=flag),
    )
    assert told.call is call
