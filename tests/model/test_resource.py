"""Readings of one Function as the API server lists it."""

from __future__ import annotations

import json

import msgspec
import pytest

from remediator.model.resource import (
    FUNCTION_FINALIZER,
    Arn,
    Environment,
    Metadata,
    Ref,
    Resource,
    strip_request_ids,
)
from tests.builders import ARN, decoded, deleting, failing, function, synced

BARE = Resource(metadata=Metadata(name="checkout"))


def test_a_bare_object_has_every_reading() -> None:
    assert BARE.ref == Ref("default", "checkout", "")
    assert str(BARE.ref) == "Function default/checkout"
    assert (BARE.function_name, BARE.arn, BARE.arn_text, BARE.heartbeat) == ("", None, None, None)
    assert (BARE.conditions, BARE.finalizers, BARE.error_text) == ((), (), "")
    assert not (BARE.managed or BARE.deleting or BARE.synced or BARE.terminal or BARE.in_vpc)
    assert (BARE.deleted_at, BARE.created_at, BARE.secrets) == (None, None, frozenset())


def test_null_conditions_are_no_conditions() -> None:
    assert msgspec.convert(function() | {"status": {"conditions": None}}, Resource).conditions == ()


def test_managed_means_just_the_finalizer() -> None:
    assert decoded(function()).managed
    assert not decoded(function(metadata={"finalizers": ["finalizers.lambda.services.k8s.aws/Alias"]})).managed
    assert decoded(function(metadata={"finalizers": ["example.com/audit", FUNCTION_FINALIZER]})).managed


def test_being_deleted_is_told_by_the_timestamp_even_where_it_cannot_be_read() -> None:
    assert decoded(deleting()).deleting
    strange = decoded(function(metadata={"deletionTimestamp": "yesterday"}))
    assert strange.deleting
    assert strange.deleted_at is None


def test_the_arn_is_taken_apart() -> None:
    assert decoded(function()).arn == Arn("us-east-1", "123456789012", "checkout")


@pytest.mark.parametrize(
    "arn",
    [
        None,
        "",
        "checkout",
        ARN + ":live",
        "arn:aws:lambda:us-east-1:123456789012:layer:checkout",
        "arn:aws:s3:us-east-1:123456789012:function:checkout",
    ],
)
def test_what_is_no_function_arn_is_none(arn: str | None) -> None:
    assert decoded(function(status={"ackResourceMetadata": {"arn": arn}})).arn is None


def test_the_error_is_what_recoverable_says() -> None:
    assert decoded(function(conditions=failing("boom"))).error_text == "boom"


def test_the_error_is_the_reason_where_recoverable_is_not_true() -> None:
    conditions = [
        {"type": "ACK.Recoverable", "status": "False", "message": "old"},
        {"type": "ACK.ResourceSynced", "status": "Unknown", "reason": "new"},
    ]
    assert decoded(function(conditions=conditions)).error_text == "new"


@pytest.mark.parametrize(
    "conditions",
    [
        synced(),
        [{"type": "ACK.Recoverable", "status": "True"}],
        [{"type": "ACK.ResourceSynced", "status": "False"}],
        [{"type": "ACK.ResourceSynced", "status": "True", "reason": "left over"}],
    ],
)
def test_there_can_be_no_error(conditions: list[dict[str, str]]) -> None:
    assert decoded(function(conditions=conditions)).error_text == ""


def test_two_retries_of_one_error_read_the_same() -> None:
    text = "StatusCode: 409, RequestID: {}, ResourceConflictException: busy"
    first, second = (text.format(each) for each in ("1d0b6d5b-77c2-4f0e", "ffff0000-1111-2222"))
    assert strip_request_ids(first) == strip_request_ids(second)
    assert "busy" in strip_request_ids(first)
    assert strip_request_ids("request id 12345678 x") == "request id … x"


def test_a_vpc_is_told_by_subnets_or_references_to_them() -> None:
    assert decoded(function(spec={"vpcConfig": {"subnetIDs": ["subnet-1"]}})).in_vpc
    assert decoded(function(spec={"vpcConfig": {"subnetRefs": [{"from": {"name": "a"}}]}})).in_vpc
    assert not decoded(function(spec={"vpcConfig": {"subnetIDs": []}})).in_vpc


LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def test_secrets_are_those_of_the_spec_and_of_what_was_last_applied() -> None:
    applied = json.dumps({"spec": {"environment": {"variables": {"OLD": "was-secret", "EMPTY": "", "NONE": None}}}})
    seen = decoded(
        function(
            metadata={"annotations": {LAST_APPLIED: applied}},
            spec={"environment": {"variables": {"NEW": "is-secret", "EMPTY": "", "NONE": None}}},
        )
    )
    assert seen.secrets == {"is-secret", "was-secret"}


@pytest.mark.parametrize(
    "applied", ["", "{", "[]", '"text"', "{}", '{"spec": null}', '{"spec": {"environment": {}}}', "\ud800"]
)
def test_a_strange_last_applied_hides_nothing_else(applied: str) -> None:
    seen = Resource(metadata=Metadata(name="checkout", annotations={LAST_APPLIED: applied}))
    assert seen.secrets == frozenset()


def test_secrets_are_in_no_repr() -> None:
    assert repr(Environment({"PASSWORD": "hunter2"})) == "Environment(1 variables)"
    assert repr(Environment()) == "Environment(0 variables)"
    raw = function(spec={"environment": {"variables": {"PASSWORD": "hunter2"}}})
    assert "hunter2" not in repr(decoded(raw))


def test_publish_keeps_absent_apart_from_every_value() -> None:
    specs = [decoded(function(spec=each)).spec for each in ({}, {"publish": False}, {"publish": True})]
    assert [each.publish for each in specs if each] == [msgspec.UNSET, False, True]


@pytest.mark.parametrize("depth", [900, 100_000])
def test_a_copy_that_is_nested_without_end_hides_nothing_and_ends_nothing(depth: int) -> None:
    nested = '{"spec":' + '{"x":' * depth + "1" + "}" * (depth + 1)
    raw = function(metadata={"annotations": {LAST_APPLIED: nested}}, spec={"environment": {"variables": {"A": "s3"}}})
    assert decoded(raw).secrets == {"s3"}
