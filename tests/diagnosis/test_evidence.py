"""What goes along with every finding: what both sides say, in the order in which a person would look."""

from __future__ import annotations

from remediator.diagnosis import diagnose
from remediator.model.live import LiveState, unreadable
from remediator.model.namespace import Namespace
from tests.builders import ARN, DOWN, NOW, Json, active, at, deleting, failing, function, observe

FINALIZERS = ("finalizers.lambda.services.k8s.aws/Function", "example.com/guard")


def evidence(raw: Json, live: LiveState, namespace: Namespace | None = None) -> Json:
    finding = diagnose(observe(raw, live, controller=DOWN, namespace=namespace))
    assert finding is not None
    return finding.evidence


def test_all_that_is_known_is_told_in_order() -> None:
    live = active(
        state="Failed",
        state_reason_code="InternalError",
        state_reason="An internal error occurred.",
        last_update_status="Failed",
        last_update_status_reason_code="EniLimitExceeded",
        last_update_status_reason="No more interfaces.",
        last_modified=NOW,
        identity="arn:aws:iam::123456789012:role/remediator",
    )
    raw = deleting(conditions=failing("odd", at(hours=3)), metadata={"finalizers": [*FINALIZERS]})
    told = evidence(raw, live, namespace=Namespace("shop", terminating=True))
    assert list(told.items()) == [
        ("namespace", "being deleted"),
        ("deletionTimestamp", at(hours=3)),
        ("finalizers", "finalizers.lambda.services.k8s.aws/Function, example.com/guard"),
        ("conditions", "ACK.Recoverable=True, ACK.ResourceSynced=Unknown"),
        ("errorText", "odd"),
        ("heartbeat", at(hours=3)),
        ("arn", ARN),
        ("aws", "Failed/Failed"),
        ("awsReason", "InternalError: An internal error occurred."),
        ("awsUpdateReason", "EniLimitExceeded: No more interfaces."),
        ("awsLastModified", at()),
        ("awsIdentity", "arn:aws:iam::123456789012:role/remediator"),
        ("controller", "down: its Deployment has 0 of 1 pods ready"),
    ]


def test_of_what_is_not_known_the_least_is_told() -> None:
    raw = function(conditions=[], status={"ackResourceMetadata": None}, metadata={"finalizers": [*FINALIZERS]})
    assert evidence(raw, unreadable("AWS was not asked")) == {
        "conditions": "none",
        "heartbeat": "none",
        "aws": "unreadable",
        "awsReason": "AWS was not asked",
        "controller": "down: its Deployment has 0 of 1 pods ready",
    }


def test_a_reason_without_a_code_and_a_code_without_a_reason_stand_alone() -> None:
    told = evidence(
        function(),
        active(state="Failed", state_reason="It broke.", last_update_status_reason_code="InvalidSubnet"),
    )
    assert (told["awsReason"], told["awsUpdateReason"]) == ("It broke.", "InvalidSubnet")


def test_what_a_rule_found_goes_along_and_its_secrets_do_not() -> None:
    secret = "n0t-f0r-everybody"
    raw = function(spec={"environment": {"variables": {"TOKEN": secret}}, "code": {"sha256": "ab" * 32}})
    told = evidence(raw, active(state_reason=f"it says {secret}"))
    assert told["variant"] == "hex"
    assert secret not in told["awsReason"]
    assert told["awsReason"].startswith("it says ")
