"""What Lambda's reason codes mean, and that none breaks anything: the enums are open."""

from __future__ import annotations

import botocore.session
import pytest

from remediator.diagnosis import diagnose
from remediator.diagnosis.reason_codes import REASON_CODES, Reason, ReasonClass, reason_of
from tests.builders import active, function, observe

CLASSES = {
    ReasonClass.NORMAL: "Idle",
    ReasonClass.TRANSIENT: "Creating Restoring DrainingDurableExecutions InternalError EFSIOError "
    "EFSMountConnectivityError EFSMountFailure EFSMountTimeout FunctionError.InitTimeout InsufficientCapacity "
    "EC2RequestLimitExceeded",
    ReasonClass.CAPACITY: "EniLimitExceeded SubnetOutOfIPAddresses VcpuLimitExceeded "
    "CapacityProviderScalingLimitExceeded ServiceQuotaExceededException",
    ReasonClass.PERMANENT: "InvalidSubnet InvalidSecurityGroup InsufficientRolePermissions InvalidConfiguration "
    "ImageDeleted ImageAccessDenied InvalidImage KMSKeyAccessDenied KMSKeyNotFound InvalidStateKMSKey DisabledKMSKey "
    "InvalidRuntime InvalidZipFileException FunctionError FunctionError.RuntimeInitError "
    "FunctionError.ExtensionInitError FunctionError.InitResourceExhausted FunctionError.TooManyExtensions "
    "FunctionError.InvalidEntryPoint FunctionError.InvalidWorkingDirectory FunctionError.PermissionDenied "
    "DisallowedByVpcEncryptionControl IncompatibleAcceleratorInstanceTypes",
}
# In the API's model, and explained nowhere.
UNEXPLAINED = {"DependencyError"}


def test_every_code_has_its_class() -> None:
    expected = {code: kind for kind, codes in CLASSES.items() for code in codes.split()}
    assert {code: each.kind for code, each in REASON_CODES.items()} == expected


def test_every_code_says_what_helps_in_a_few_words() -> None:
    for code, each in REASON_CODES.items():
        assert each.code == code
        assert 0 < len(each.advice.split()) < 16, code
        assert not each.advice.endswith(".") and not each.advice[0].isupper(), code


@pytest.mark.parametrize("enum", ["StateReasonCode", "LastUpdateStatusReasonCode"])
def test_the_codes_of_the_api_are_known(enum: str) -> None:
    shape = botocore.session.get_session().get_service_model("lambda").shape_for(enum)
    assert set(shape.metadata["enum"]) - REASON_CODES.keys() <= UNEXPLAINED


@pytest.mark.parametrize("code", ["QuantumLimitExceeded", "creating", "FunctionError.", "DependencyError"])
def test_a_code_that_is_not_known_is_shown_as_it_is(code: str) -> None:
    found = reason_of(code)
    assert (found.code, found.kind) == (code, ReasonClass.UNKNOWN)
    assert found.advice == "this code is not known here; see what AWS documents of it"
    assert not found.takes_a_person
    assert found.of_update(young=True) is ReasonClass.UNKNOWN


@pytest.mark.parametrize("code", [None, ""])
def test_no_code_says_nothing(code: str | None) -> None:
    assert reason_of(code) == Reason("", ReasonClass.UNKNOWN, "")


@pytest.mark.parametrize("young", [True, False])
def test_a_role_is_not_known_everywhere_in_the_first_minutes(young: bool) -> None:
    expected = ReasonClass.TRANSIENT if young else ReasonClass.PERMANENT
    assert reason_of("InsufficientRolePermissions").of_update(young=young) is expected
    assert reason_of("InvalidSubnet").of_update(young=young) is ReasonClass.PERMANENT
    assert reason_of("InternalError").of_update(young=young) is ReasonClass.TRANSIENT


def test_people_are_asked_for_what_takes_one() -> None:
    asked = {each.kind for each in REASON_CODES.values() if each.takes_a_person}
    assert asked == {ReasonClass.CAPACITY, ReasonClass.PERMANENT}


@pytest.mark.parametrize(("code", "asked"), [("InternalError", False), ("ImageDeleted", True), ("Quantum", False)])
def test_a_summary_says_what_helps_where_it_takes_a_person(code: str, asked: bool) -> None:
    found = diagnose(observe(function(status={"state": "Failed"}), active(state="Failed", state_reason_code=code)))
    assert found is not None
    assert ("What helps" in found.summary) is asked
    assert found.evidence["reasonAdvice"] == reason_of(code).advice
