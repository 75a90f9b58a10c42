"""Every finding that a running controller can be driven into, by its own words.

What took part in other stories already (`test_stories.py`) is not told again. Rows that no controller of today shows
(`FunctionInactive`: 1.6.3 and later call such a function synced) have their cases only.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

import pytest

from remediator.model.finding import Finding, FindingName, Remedy, State
from remediator.sandbox.cloud import Cloud
from tests.bed.controllers import Handle, RealController
from tests.bed.functions import Function, Object, condition, error_text, heartbeat, is_ready, synced
from tests.bed.plane import Plane
from tests.bed.plugin import Create
from tests.cluster.runner import Runner
from tests.cluster.stuck import finding

pytestmark = pytest.mark.usefixtures("controller", "identity")

OTHER_ACCOUNT = "444455556666"
ANOTHER_BUILD = "YDAKGr0Q2SJ4TY3vbGn0zDdHXSCZ5z0sZ1lTEPZlXw0="
PENDING = "function in 'Pending' state, cannot be modified or deleted"

Find = Callable[..., Finding]


@pytest.fixture
def find(runner: Runner) -> Find:
    """What the product says of a Function: `find(function, deletion="1h")` sets timeouts; a deletion has none else."""

    def look(function: Function, **timeouts: str) -> Finding:
        return finding(runner.wire(timeouts={"deletion": "0s"} | timeouts), function)

    return look


def said(found: Finding) -> tuple[str, State, Remedy]:
    return found.name.value, found.state, found.remedy


# ---- an edit that AWS refuses ----------------------------------------------------------------------------------------


class Refused(NamedTuple):
    """What AWS answers to which call, after which edit; what the controller writes, and what it is called."""

    finding: str
    code: str
    message: str
    state: State
    remedy: Remedy = Remedy.REPORT
    operation: str = "UpdateFunctionConfiguration"
    edit: tuple[str, object] = ("memorySize", 256)
    writes: str | None = None

    @property
    def text(self) -> str:
        return self.message if self.writes is None else self.writes


_INVALID = "InvalidParameterValueException"
REFUSALS = {
    "image missing": Refused(
        "ImageMissing",
        _INVALID,
        "Source image 1.dkr.ecr.us-east-1.amazonaws.com/app:1 does not exist. Provide a valid source image.",
        State.WAITING,
        Remedy.WAIT,
        operation="UpdateFunctionCode",
        edit=("architectures", ["arm64"]),
        writes="source image does not exist",
    ),
    "role not assumable": Refused(
        "RoleNotAssumable",
        _INVALID,
        "The role defined for the function cannot be assumed by Lambda.",
        State.WAITING,
        Remedy.WAIT,
    ),
    "permission denied": Refused(
        "PermissionDenied",
        "AccessDeniedException",
        "User: arn:aws:sts::111122223333:assumed-role/ack/1 is not authorized to perform: "
        "lambda:UpdateFunctionConfiguration on resource: arn:aws:lambda:us-east-1:111122223333:function:checkout",
        State.STUCK,
    ),
    "permission denied without a word": Refused("PermissionDenied", "AccessDeniedException", "", State.STUCK),
    "throttled": Refused("Throttled", "TooManyRequestsException", "Rate exceeded", State.WAITING, Remedy.WAIT),
    "concurrency refused": Refused(
        "ConcurrencyRefused",
        _INVALID,
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
        "below its minimum value of [100].",
        State.STUCK,
        operation="PutFunctionConcurrency",
        edit=("reservedConcurrentExecutions", 5),
    ),
    "runtime retired": Refused(
        "RuntimeRetired",
        _INVALID,
        "The runtime parameter of nodejs12.x is no longer supported for creating or updating AWS Lambda functions. "
        "We recommend you use a supported runtime while creating or updating functions.",
        State.STUCK,
    ),
    "validation in AWS": Refused(
        "InvalidRequest",
        "ValidationException",
        "1 validation error detected: Value '20000' at 'memorySize' failed to satisfy constraint: "
        "Member must have value less than or equal to 10240",
        State.STUCK,
    ),
    "another invalid parameter": Refused(
        "InvalidRequest",
        _INVALID,
        "Lambda was unable to configure your environment variables because the environment variables you have "
        "provided contains reserved keys that are currently not supported for modification.",
        State.STUCK,
    ),
    "an error without a name": Refused(
        "UnclassifiedError",
        "CodeVerificationFailedException",
        "The code signature failed the integrity check.",
        State.WAITING,
        Remedy.WAIT,
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_a_refused_edit_is_called_by_its_name(refusal: Refused, settled: Create, find: Find, cloud: Cloud) -> None:
    function = settled()
    cloud.refuse(refusal.operation, refusal.code, refusal.message, name=function.name)
    function.edit(**dict([refusal.edit]))
    seen = function.becomes(lambda seen: synced(seen) == "Unknown", "says why")
    assert refusal.text in error_text(seen)
    found = find(function)
    assert said(found) == (refusal.finding, refusal.state, refusal.remedy)
    assert refusal.text in found.evidence["errorText"]
    # The cause gone, the controller heals it at its next try, and nothing is left to say.
    cloud.allow()
    function.toggle()
    function.becomes(is_ready, "heals", within=60)


# ---- what AWS says of the function -----------------------------------------------------------------------------------


def test_a_digest_is_blamed_only_once_its_code_was_uploaded(settled: Create, find: Find, cloud: Cloud) -> None:
    function = settled(code={**cloud.code, "sha256": cloud.code_sha256})
    cloud.conflict("UpdateFunctionCode", name=function.name)
    since = len(cloud.calls)
    function.edit(code={"sha256": ANOTHER_BUILD})
    function.backs_off(since)
    assert said(find(function)) == ("ConflictBackoff", State.WAITING, Remedy.WAIT)
    cloud.allow()
    function.becomes(is_ready, "it is uploaded")
    assert said(find(function)) == ("ChecksumMismatch", State.ADVISORY, Remedy.REPORT)


def test_a_digest_whose_code_may_not_be_uploaded_is_not_the_cause(settled: Create, find: Find, cloud: Cloud) -> None:
    function = settled(code={**cloud.code, "sha256": cloud.code_sha256})
    function.refuse("UpdateFunctionCode")
    function.edit(code={"sha256": ANOTHER_BUILD})
    function.becomes(error_text, "ACK is refused")
    assert said(find(function)) == ("PermissionDenied", State.STUCK, Remedy.REPORT)


def test_a_function_that_failed_is_not_synced_without_a_word(settled: Create, find: Find, cloud: Cloud) -> None:
    function = settled()
    cloud.set_state(function.name, "Failed", reason_code="SubnetOutOfIPAddresses", reason="No addresses are left.")
    function.toggle()
    seen = function.becomes(lambda seen: synced(seen) == "False", "is not synced")
    assert (error_text(seen), condition(seen, "ACK.ResourceSynced").get("message")) == ("", "Resource not synced")
    found = find(function)
    assert said(found) == ("CreateFailed", State.STUCK, Remedy.REPORT)
    assert "SubnetOutOfIPAddresses" in found.summary


@pytest.mark.parametrize("state", ["Deactivated", "ActiveNonInvocable", "Hibernating"])
def test_a_state_that_nobody_knows_is_shown_as_it_is(state: str, settled: Create, find: Find, cloud: Cloud) -> None:
    function = settled()
    cloud.set_state(function.name, state)
    function.toggle()
    function.becomes(lambda seen: synced(seen) == "False", "is not synced")
    found = find(function)
    assert (found.name, found.state) == (FindingName.NOT_SYNCED_UNEXPLAINED, State.WAITING)
    assert state in found.summary


def test_the_controller_still_says_pending_when_aws_is_done(
    settled: Create, find: Find, cloud: Cloud, controller: Handle
) -> None:
    function = settled()
    cloud.set_state(function.name, "Pending", reason_code="Creating", reason="The function is being created.")
    function.edit(memorySize=256)
    function.becomes(lambda seen: error_text(seen) == PENDING, "says Pending")
    controller.stop()
    cloud.set_state(function.name, "Active")
    found = find(function)
    assert (found.name, found.state) == (FindingName.STALE_PENDING, State.WAITING)
    assert found.self_heals_at is not None
    controller.start()
    function.becomes(is_ready, "is synced", within=60)


# ---- what only another spec, or another object, helps ----------------------------------------------------------------


def test_a_function_that_was_there_before_is_terminal(create: Create, find: Find, cloud: Cloud, namespace: str) -> None:
    name = f"taken-{namespace}"
    cloud.create_function(name)
    function = create(name)
    function.becomes(lambda seen: condition(seen, "ACK.Terminal").get("status") == "True", "is terminal")
    assert said(find(function)) == ("AlreadyExists", State.STUCK, Remedy.REPORT)


def test_an_edit_that_is_never_possible_is_terminal(settled: Create, find: Find) -> None:
    function = settled()
    function.edit(tenancyConfig={"tenantIsolationMode": "PER_TENANT"})
    seen = function.becomes(lambda seen: condition(seen, "ACK.Terminal").get("status") == "True", "is terminal")
    found = find(function)
    assert said(found) == ("TerminalError", State.STUCK, Remedy.REPORT)
    assert condition(seen, "ACK.Terminal")["message"] in found.summary


def test_a_reference_to_a_kind_that_is_not_there(create: Create, find: Find) -> None:
    function = create(role=None, roleRef={"from": {"name": "lambda"}})
    seen = function.becomes(lambda seen: condition(seen, "ACK.ReferencesResolved"), "says why")
    found = find(function)
    assert (found.name, found.state) == (FindingName.REFERENCES_UNRESOLVED, State.WAITING)
    assert "Role" in found.summary
    assert "iam.services.k8s.aws" in condition(seen, "ACK.ReferencesResolved")["reason"]


def test_an_object_that_nobody_looks_at(create: Create, find: Find, controller: Handle) -> None:
    controller.stop()
    function = create()
    assert said(find(function, neverReconciled="0s"))[:2] == ("NeverReconciled", State.STUCK)


def test_an_edit_that_went_with_another_one_is_lost(settled: Create, find: Find, control_plane: Plane) -> None:
    function = settled(environment={"variables": {"STAGE": "old"}})
    wanted = function.read()["spec"] | {
        "architectures": ["arm64"],
        "environment": {"variables": {"STAGE": "new-and-secret"}},
    }
    applied = {"apiVersion": "lambda.services.k8s.aws/v1alpha1", "kind": "Function", "spec": wanted}
    remembered = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(applied)}
    spec = {key: wanted[key] for key in ("architectures", "environment")}
    # As `kubectl apply` does it: what is wanted, and the note of it, at once.
    control_plane.admin.merge(function.path, {"metadata": {"annotations": remembered}, "spec": spec})
    function.becomes(lambda seen: seen["spec"]["environment"]["variables"]["STAGE"] == "old", "lost the edit")
    function.becomes(is_ready, "is green all the same")
    found = find(function)
    assert said(found) == ("LostUpdate", State.ADVISORY, Remedy.REPORT)
    assert "environment" in found.summary + str(found.evidence)
    assert "new-and-secret" not in found.summary + str(found.evidence)


def test_an_adopted_function_that_is_gone_is_not_made_anew(
    create: Create, find: Find, cloud: Cloud, controller: Handle, namespace: str
) -> None:
    if not isinstance(controller, RealController):
        pytest.skip("the sandbox's controller adopts nothing: this takes CONTROLLER=real")
    name = f"adopted-{namespace}"
    cloud.create_function(name)
    function = create(name, {"annotations": {"services.k8s.aws/adoption-policy": "adopt-or-create"}})
    function.becomes(
        lambda seen: is_ready(seen) and seen["metadata"]["annotations"].get("services.k8s.aws/adopted") == "true",
        "is adopted",
        within=40,
    )
    function.falls_silent()
    cloud.set_state(name, "Pending")
    function.toggle()
    function.becomes(lambda seen: synced(seen) == "False", "is looked at while AWS is busy")
    cloud.remove(name)
    function.stays(lambda seen: function.live() is None, "is not made anew", 4)
    assert said(find(function)) == ("AdoptedGone", State.STUCK, Remedy.REPORT)


# ---- where ACK would look elsewhere ----------------------------------------------------------------------------------


def test_another_region_than_the_recorded_one_is_silence(settled: Create, find: Find) -> None:
    function = settled()
    function.annotate({"services.k8s.aws/region": "eu-west-1"})
    function.edit(timeout=9)
    function.stays(is_ready, "is green", 2)
    found = find(function)
    assert said(found) == ("IdentityDrift", State.STUCK, Remedy.REPORT)
    assert "eu-west-1" in found.summary
    function.delete()
    function.stays(is_ready, "is green for ever", 2)
    assert said(find(function)) == ("IdentityDrift", State.STUCK, Remedy.REPORT)


def test_an_account_without_a_role(settled: Create, find: Find, control_plane: Plane, namespace: str) -> None:
    function = settled()
    account = {"services.k8s.aws/owner-account-id": OTHER_ACCOUNT}
    control_plane.admin.merge(f"/api/v1/namespaces/{namespace}", {"metadata": {"annotations": account}})
    function.edit(timeout=9)
    seen = function.becomes(lambda seen: synced(seen) == "False", "says why")
    assert condition(seen, "ACK.ResourceSynced")["message"] == "IAM Role is not available"
    found = find(function)
    assert (found.name.value, found.state) == ("RoleUnavailable", State.WAITING)
    assert OTHER_ACCOUNT in found.summary and "ack-role-account-map" in found.summary
    function.delete()
    function.becomes(lambda now: heartbeat(now) != heartbeat(seen), "is tried again while it is deleted", 40)
    assert find(function).name.value == "RoleUnavailable"


# ---- being deleted ---------------------------------------------------------------------------------------------------


class Kept(NamedTuple):
    """What AWS answers to DeleteFunction, and what that is called once the time is over."""

    finding: str
    code: str
    message: str
    state: State = State.STUCK
    remedy: Remedy = Remedy.REPORT


REFUSED_DELETIONS = {
    "replicated": Kept(
        "ReplicatedFunction",
        _INVALID,
        "Lambda was unable to delete arn:aws:lambda:us-east-1:111122223333:function:edge:1 because it is a replicated "
        "function. Please see our documentation for Deleting Lambda@Edge Functions and Replicas.",
        State.WAITING,
        Remedy.WAIT,
    ),
    "denied": Kept(
        "PermissionDenied",
        "AccessDeniedException",
        "User: arn:aws:sts::111122223333:assumed-role/ack/1 is not authorized to perform: lambda:DeleteFunction",
    ),
    "its role is gone": Kept(
        "DeletionBlocked",
        "ResourceConflictException",
        "The operation cannot be performed at this time. The resource arn:aws:lambda:us-east-1:111122223333:function:a "
        "is currently in the following state: 'Failed'. StateReasonCode: 'InsufficientRolePermissions'",
    ),
}


@pytest.mark.parametrize("kept", REFUSED_DELETIONS.values(), ids=REFUSED_DELETIONS)
def test_a_refused_deletion_is_called_by_its_name(kept: Kept, settled: Create, find: Find, cloud: Cloud) -> None:
    function = settled()
    cloud.refuse("DeleteFunction", kept.code, kept.message, name=function.name)
    function.delete()
    seen = function.becomes(error_text, "says why")
    # The conditions of before stay as they were: only the one more tells.
    assert is_ready(seen)
    found = find(function)
    assert said(found) == (kept.finding, kept.state, kept.remedy)
    assert kept.message in found.evidence["errorText"]


def test_a_deletion_that_met_a_busy_function_waits_for_its_next_try(settled: Create, find: Find, cloud: Cloud) -> None:
    function = settled()
    cloud.conflict("DeleteFunction", name=function.name)
    since = len(cloud.calls)
    function.delete()
    function.backs_off(since)
    found = find(function)
    assert said(found) == ("DeletionBackoff", State.WAITING, Remedy.WAIT)
    assert found.self_heals_at is not None
    cloud.allow()
    function.disappears(60)


def test_a_deletion_under_way_is_waited_for(settled: Create, find: Find, cloud: Cloud) -> None:
    function = settled()
    cloud.delete_takes = 1000
    function.delete()
    function.becomes(lambda seen: "'Deleting' state" in error_text(seen), "is being deleted in AWS")
    assert said(find(function, deletion="1h")) == ("DeletionInProgress", State.WAITING, Remedy.WAIT)


def test_a_name_that_was_changed_would_orphan_the_function(settled: Create, find: Find, controller: Handle) -> None:
    function = settled()
    controller.stop()

    def another(seen: Object) -> bool:
        return bool(seen["spec"]["name"] != function.name)

    function.edit(name=f"{function.name}-2")
    function.becomes(another, "has another name")
    assert said(find(function)) == ("NameChanged", State.STUCK, Remedy.REPORT)
    function.delete()
    assert said(find(function)) == ("NameChanged", State.STUCK, Remedy.REPORT)
    function.edit(name=function.name)
    controller.start()
    function.disappears(60)
