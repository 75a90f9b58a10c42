"""Which functions the objects of a cluster are for: near misses beside the hits."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.model.claimed import claimed
from remediator.model.placement import Placement
from remediator.model.resource import Ref
from tests.builders import ARN, decoded, function, other

HERE = Placement(account="123456789012", region="us-east-1")
UNSEEN: dict[str, Any] = {"status": {"ackResourceMetadata": None}}


def claimant(arn: str, placement: Placement = HERE, name: str = "checkout", **more: Any) -> Ref | None:
    return claimed([(decoded(function(name, **more)), placement)])(arn)


def elsewhere(region: str = "us-east-1", account: str = "123456789012", name: str = "checkout") -> str:
    return f"arn:aws:lambda:{region}:{account}:function:{name}"


@pytest.mark.parametrize(
    ("arn", "more"),
    [
        pytest.param(ARN, {}, id="by the ARN that it recorded"),
        pytest.param(
            ARN, {"status": {"ackResourceMetadata": {"arn": ARN}}, "spec": {"name": "new"}}, id="renamed since"
        ),
        pytest.param(elsewhere(name="new"), {"spec": {"name": "new"}}, id="by the new name, where the old one is"),
        pytest.param(ARN, UNSEEN, id="by its name where ACK looks"),
        pytest.param(ARN, {"metadata": {"deletionTimestamp": "2026-11-21T11:00:00Z"}}, id="while it is being deleted"),
        pytest.param(ARN, {"metadata": {"annotations": {"services.k8s.aws/deletion-policy": "retain"}}}, id="retained"),
        pytest.param(ARN, {"metadata": {"annotations": {"services.k8s.aws/adopted": "true"}}}, id="adopted"),
        pytest.param(
            elsewhere(name="old"),
            {"metadata": {"annotations": {"services.k8s.aws/adoption-fields": '{"name": "old"}'}}, **UNSEEN},
            id="by what it is to adopt",
        ),
    ],
)
def test_an_object_claims(arn: str, more: dict[str, Any]) -> None:
    found = claimant(arn, **more)
    assert found is not None
    assert found.name == "checkout"


@pytest.mark.parametrize(
    ("arn", "more"),
    [
        pytest.param(elsewhere(region="eu-west-1"), {}, id="of the same name in another region"),
        pytest.param(elsewhere(account="999999999999"), {}, id="of the same name in another account"),
        pytest.param(elsewhere(region="eu-west-1"), UNSEEN, id="that ACK does not look for there"),
        pytest.param(elsewhere(name="checkout2"), {}, id="of a longer name"),
        pytest.param(f"{ARN}:live", {}, id="with a qualifier"),
        pytest.param("arn:aws:sqs:us-east-1:123456789012:checkout", {}, id="that is none"),
        pytest.param(
            elsewhere(name="old"),
            {"metadata": {"annotations": {"services.k8s.aws/adoption-fields": "{broken"}}, **UNSEEN},
            id="that it names in a way that cannot be read",
        ),
    ],
)
def test_an_object_does_not_claim_a_function(arn: str, more: dict[str, Any]) -> None:
    assert claimant(arn, **more) is None


@pytest.mark.parametrize(
    "placement",
    [
        pytest.param(Placement(), id="which account and region"),
        pytest.param(Placement(account="1", region="x-1", unsure="the namespace was not read"), id="for sure"),
        pytest.param(Placement(account="1", region="x-1", suspected="another region"), id="without fear"),
    ],
)
def test_where_it_is_not_known_every_function_of_that_name_is_claimed(placement: Placement) -> None:
    assert claimant(elsewhere("eu-west-1", "999999999999"), placement, **UNSEEN) is not None
    assert claimant(elsewhere("eu-west-1", "999999999999"), placement) is None, "but a recorded ARN is certain"


def test_what_is_no_function_claims_none() -> None:
    alias = decoded(other("Alias", name="checkout", spec={"name": "checkout", "functionName": "checkout"}))
    assert claimed([(alias, HERE)])(ARN) is None


def test_what_names_no_function_claims_none() -> None:
    assert claimant(ARN, spec={"name": None}, **UNSEEN) is None
