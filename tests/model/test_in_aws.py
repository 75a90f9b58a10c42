"""Each kind is something else in AWS, and found by something else."""

from __future__ import annotations

import pytest

from remediator.model.in_aws import function_of, in_aws
from tests.builders import Json, decoded, function, other

FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:checkout"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (function(), "function 'checkout'"),
        (other("Alias"), "alias 'live' of function 'checkout'"),
        (other("Alias", spec={"functionName": None, "name": None}), "alias ''"),
        (other("Version"), "version (not published yet) of function 'checkout'"),
        (other("Version", status={"version": "7"}), "version 7 of function 'checkout'"),
        (other("FunctionURLConfig"), "URL of function 'checkout'"),
        (other("FunctionURLConfig", spec={"qualifier": "live"}), "URL of function 'checkout', qualifier live"),
        (other("EventSourceMapping"), "event source mapping (without a UUID yet) of function 'checkout'"),
        (other("EventSourceMapping", status={"uuid": "u"}), "event source mapping u of function 'checkout'"),
        (other("LayerVersion", spec={"layerName": "shared"}), "a version of layer 'shared'"),
        (
            other("LayerVersion", spec={"layerName": "shared"}, status={"versionNumber": 0}),
            "version 0 of layer 'shared'",
        ),
        (other("LayerVersion"), "a version of layer ''"),
        (other("CodeSigningConfig"), "code signing config (without an ARN yet)"),
    ],
)
def test_in_words(raw: Json, said: str) -> None:
    assert in_aws(decoded(raw)) == said


@pytest.mark.parametrize(
    ("named", "name"),
    [
        ("checkout", "checkout"),
        ("checkout:live", "checkout"),
        ("123456789012:function:checkout", "checkout"),
        ("123456789012:function:checkout:live", "checkout"),
        (FUNCTION_ARN, "checkout"),
        (f"{FUNCTION_ARN}:live", "checkout"),
        ("arn:aws:lambda:us-east-1:123456789012:layer:shared:3", ""),
    ],
)
def test_a_function_goes_by_many_names(named: str, name: str) -> None:
    assert function_of(decoded(other("Alias", spec={"functionName": named}))) == name


def test_what_the_controller_recorded_tells_where_the_spec_only_refers() -> None:
    spec = {"functionName": None}
    assert function_of(decoded(other("Version", spec=spec, status={"functionARN": FUNCTION_ARN}))) == "checkout"
    place = {"arn": f"{FUNCTION_ARN}:live", "ownerAccountID": "123456789012", "region": "us-east-1"}
    assert function_of(decoded(other("Alias", spec=spec, status={"ackResourceMetadata": place}))) == "checkout"
    bare = other("Alias", spec=spec)
    del bare["status"]
    assert function_of(decoded(bare)) == ""
    assert function_of(decoded(function(spec={"name": None}))) == ""


def test_no_other_kind_is_taken_for_its_function() -> None:
    place = {"arn": FUNCTION_ARN, "ownerAccountID": "123456789012", "region": "us-east-1"}
    found = decoded(other("Version", status={"ackResourceMetadata": place}))
    assert (found.function_name, found.arn, found.is_function) == ("", None, False)
    assert found.managed
    assert not decoded(other("Version", metadata={"finalizers": ["finalizers.lambda.services.k8s.aws/Alias"]})).managed


def test_the_environment_of_a_version_is_secret() -> None:
    found = decoded(other("Version", status={"environment": {"variables": {"PASSWORD": "hunter22", "EMPTY": None}}}))
    assert found.secrets == {"hunter22"}
