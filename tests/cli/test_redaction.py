"""Masks: one per secret, wherever and however it is spelled; and nothing else is touched."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.cli.redaction import Masks, account_masks, secrets_of, without_accounts
from remediator.model.resource import LAST_APPLIED
from tests.builders import ARN, function

SECRET = 'pa"ss <w>ö\\rd&/+'
OLD = "last-years-password"
LIVE = "password-of-aws"
ZIP = base64.b64encode(b"PK code of the shop").decode()


def spelled(secret: str) -> dict[str, str]:
    quoted = json.dumps(secret)[1:-1]
    return {
        "plain": secret,
        "json": quoted,
        "json, not ascii": json.dumps(secret, ensure_ascii=False)[1:-1],
        "json in json": json.dumps(quoted)[1:-1],
        "as go writes json": quoted.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"),
        "base64": base64.b64encode(secret.encode()).decode(),
        "base64 for urls": base64.urlsafe_b64encode(secret.encode()).decode(),
        "url": quote(secret, safe=""),
        "a url's path": quote(secret),
        "a form": quote_plus(secret),
        "url in lower case": re.sub("%..", lambda found: found[0].lower(), quote(secret, safe="")),
    }


def planted() -> dict[str, Any]:
    """A Function with secrets wherever one can be."""
    applied = {"spec": {"environment": {"variables": {"PASSWORD": OLD}}, "code": {"zipFile": ZIP}}}
    return function(
        metadata={
            "annotations": {
                LAST_APPLIED: json.dumps(applied),
                "services.k8s.aws/region": "us-east-1",
                "tool.example.invalid/original": f"gzipped {OLD}",
            },
            "labels": {"name": "sesame"},
            "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {"v:" + OLD: {}}}}],
        },
        spec={
            "environment": {
                "variables": {"PASSWORD": SECRET, "SAME": SECRET, "REGION": "us-east-1", "N": "7", "E": ""}
            },
            "code": {"zipFile": ZIP},
            "description": f"uses {SECRET}",
        },
        conditions=[{"type": "ACK.Recoverable", "status": "True", "message": f"{OLD} is no stage"}],
    )


def masks(*secrets: str) -> Masks:
    return Masks(secrets)


# ---- texts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", spelled(SECRET))
def test_a_secret_is_found_however_it_is_spelled(how: str) -> None:
    assert masks(SECRET).text(f"before {spelled(SECRET)[how]} after") == "before <masked-1> after"


@given(before=st.binary(max_size=7), secret=st.text(min_size=12, max_size=30), after=st.binary(max_size=7))
def test_a_secret_is_found_in_the_midst_of_base64(before: bytes, secret: str, after: bytes) -> None:
    whole = base64.b64encode(before + secret.encode() + after).decode()
    assert "<masked-1>" in masks(secret).text(whole)


def test_equal_secrets_have_equal_masks_and_others_other_ones() -> None:
    both = masks("hunter2", "swordfish", "hunter2")
    assert both.text("hunter2, swordfish, hunter2") == "<masked-1>, <masked-2>, <masked-1>"
    assert (both.of("hunter2"), both.of("new"), both.of(""), len(both)) == ("<masked-1>", "<masked-3>", "", 3)


def test_a_secret_that_is_a_word_of_a_mask_breaks_none() -> None:
    assert masks("masked", "hunter2").text("hunter2 masked") == "<masked-2> <masked-1>"


def test_the_longest_goes_first() -> None:
    assert masks("pass", "password").text("password pass") == "<masked-2> <masked-1>"


def test_what_is_too_short_to_be_a_secret_stays_in_texts() -> None:
    assert masks("7", "on").text("7 on") == "7 on"
    assert masks().text("nothing") == "nothing"


def test_a_link_to_code_is_taken_out() -> None:
    link = "https://bucket.example.invalid/code?versionId=1&X-Amz-Signature=5ec7e7"
    assert masks().text(f"see {link}.") == "see <masked-link>"
    assert masks().within({"name": link}) == {"name": "<masked-link>"}


def test_people_are_masked_apart_and_only_where_they_are_named() -> None:
    named = Masks(["hunter2"], ["jo", "O'Neil\\ops", "jo"])
    assert (
        named.text("jo approved it, major; O'Neil\\ops did not") == "<person-1> approved it, major; <person-2> did not"
    )
    assert named.text(json.dumps("O'Neil\\ops: hunter2")) == '"<person-2>: <masked-1>"'
    assert len(named) == 1


def test_names_and_states_are_not_taken_for_secrets() -> None:
    """REGION=us-east-1 is a variable of half the functions there are."""
    found = {
        "arn": ARN,
        "region": "us-east-1",
        "message": "not in us-east-1",
        "labels": {"region": "us-east-1"},
        "n": 1,
    }
    assert masks("us-east-1").within(found) == {
        "arn": ARN,
        "region": "us-east-1",
        "message": "not in <masked-1>",
        "labels": {"region": "<masked-1>"},
        "n": 1,
    }


# ---- objects ---------------------------------------------------------------------------------------------------------


def redacted() -> Any:
    found = planted()
    return Masks(secrets_of(found, {"PASSWORD": LIVE})).object(found)


def test_no_secret_of_an_object_is_left() -> None:
    said = json.dumps(redacted(), ensure_ascii=False)
    for secret in (SECRET, OLD, ZIP):
        for how, text in spelled(secret).items():
            assert text not in said, how


def test_the_variables_are_masked_by_value() -> None:
    variables = redacted()["spec"]["environment"]["variables"]
    assert variables["PASSWORD"] == variables["SAME"]
    assert variables["N"].startswith("<masked-")
    assert (variables["E"], len(set(variables.values()))) == ("", 4)


def test_copies_of_the_spec_are_masked_alike() -> None:
    metadata = redacted()["metadata"]
    applied = json.loads(metadata["annotations"][LAST_APPLIED])
    message = redacted()["status"]["conditions"][0]["message"]
    assert message == f"{applied['spec']['environment']['variables']['PASSWORD']} is no stage"
    assert applied["spec"]["code"]["zipFile"] == redacted()["spec"]["code"]["zipFile"]
    assert metadata["annotations"]["tool.example.invalid/original"].startswith("<masked-")
    assert metadata["annotations"]["services.k8s.aws/region"] == "us-east-1"
    assert metadata["managedFields"] == [{"manager": "kubectl", "fieldsV1": {"f:spec": {}}}]


@pytest.mark.parametrize("remembered", ["{", "[1]", "7", '{"a":' * 100_000, f"spec: {OLD}"])
def test_a_copy_that_cannot_be_read_is_masked_whole(remembered: str) -> None:
    found = function(metadata={"annotations": {LAST_APPLIED: remembered}})
    assert Masks(secrets_of(found, {})).object(found)["metadata"]["annotations"] == {LAST_APPLIED: "<masked-1>"}


@pytest.mark.parametrize("depth", [300, 500, 900, 960])
def test_a_copy_that_is_nested_as_deep_as_can_be_read_is_masked(depth: int) -> None:
    remembered = '{"a":' * depth + f'"{OLD}"' + "}" * depth
    found = function(metadata={"annotations": {LAST_APPLIED: remembered}})
    masked = Masks([OLD]).object(found)["metadata"]["annotations"][LAST_APPLIED]
    assert OLD not in masked
    assert "<masked-" in masked


def test_what_is_not_secret_stays() -> None:
    found = function()
    assert Masks(secrets_of(found, {})).object(found) == found


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"metadata": None, "spec": None},
        {"metadata": {"annotations": None, "managedFields": None}, "spec": {"environment": None, "code": None}},
        {"spec": {"environment": {"variables": {"A": None, "B": 7}}}},
    ],
)
def test_an_object_of_another_shape_is_borne(found: dict[str, Any]) -> None:
    kept = Masks(secrets_of(found, {})).object(found)
    assert kept.keys() == found.keys()


def test_aws_is_masked_with_the_same_masks() -> None:
    found = planted()
    both = Masks(secrets_of(found, {"PASSWORD": SECRET, "OTHER": LIVE}))
    answer = {
        "state": "Active",
        "state_reason": f"{LIVE} is no stage",
        "configuration": [
            ["description", f"uses {SECRET}"],
            ["memorySize", "256"],
            ["tracingConfig.mode", "us-east-1"],
        ],
        "environment": {"PASSWORD": SECRET, "OTHER": LIVE},
    }
    told = both.live(answer)
    assert told["environment"]["PASSWORD"] == both.object(found)["spec"]["environment"]["variables"]["PASSWORD"]
    assert told["state_reason"] == f"{told['environment']['OTHER']} is no stage"
    assert told["configuration"][0][1] == both.object(found)["spec"]["description"]
    assert told["configuration"][1:] == [["memorySize", "256"], ["tracingConfig.mode", "us-east-1"]]


# ---- accounts --------------------------------------------------------------------------------------------------------


def test_account_ids_are_replaced_wherever_they_are() -> None:
    text = (
        f'{{"arn": "{ARN}", "ownerAccountID": "123456789012", "account": "210987654321", "bucket": "b-123456789012", '
        '"image": "210987654321.dkr.example.invalid/x", "other": "999999999999", "longer": "1234567890123"}'
    )
    chosen = account_masks(text)
    assert chosen == {"123456789012": "000000000001", "210987654321": "000000000002"}
    told = json.loads(without_accounts(text, chosen))
    assert told["arn"] == ARN.replace("123456789012", "000000000001")
    assert (told["bucket"], told["image"]) == ("b-000000000001", "000000000002.dkr.example.invalid/x")
    assert (told["other"], told["longer"]) == ("999999999999", "1234567890123")


def test_an_account_that_only_an_image_names_is_replaced() -> None:
    image = "444455556666.dkr.ecr.eu-west-1.example.invalid/shop:1"
    longer = f"7{image}"
    assert without_accounts(image, account_masks(image)) == "000000000001.dkr.ecr.eu-west-1.example.invalid/shop:1"
    assert account_masks(longer) == {}


def test_without_an_account_nothing_is_replaced() -> None:
    assert without_accounts("arn", account_masks("arn")) == "arn"
