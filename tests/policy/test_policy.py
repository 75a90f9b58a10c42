"""The policy's defaults, and what it takes and refuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from remediator.model.timeouts import Timeouts
from remediator.policy import LambdaCall, Mode, Policy, TimeoutsSection

HEAD = {"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy"}


def policy(**keys: Any) -> Policy:
    return Policy.model_validate(HEAD | keys)


def test_the_defaults_change_nothing() -> None:
    assert Policy().mode is Mode.DRY_RUN
    assert Policy() == policy()


def test_the_defaults_are_those_that_are_documented() -> None:
    defaults = Policy()
    assert defaults.actions_per_run == 5
    assert (defaults.breaker.percent, defaults.breaker.min_population, defaults.breaker.objects) == (20, 5, 25)
    assert (defaults.aws.call, defaults.aws.endpoint_url) == (LambdaCall.GET_FUNCTION_CONFIGURATION, None)


@pytest.mark.parametrize("name", Timeouts.__struct_fields__)
def test_every_timeout_of_the_model_can_be_set_and_defaults_to_it(name: str) -> None:
    field = TimeoutsSection.model_fields[name]
    assert getattr(TimeoutsSection(), name) == getattr(Timeouts(), name)
    assert field.alias is not None
    timeouts = policy(timeouts={field.alias: "1d"}).timeouts
    assert timeouts == msgspec.structs.replace(Timeouts(), **{name: timedelta(days=1)})


def test_there_is_no_timeout_that_the_model_does_not_have() -> None:
    assert set(TimeoutsSection.model_fields) == set(Timeouts.__struct_fields__)
    assert Policy().timeouts == Timeouts()


def test_the_silence_timeout_is_above_the_longest_back_off() -> None:
    assert Timeouts().controller_silent > timedelta(seconds=1000)


@dataclass
class Refused:
    """A policy that is refused, and a part of what is said about it."""

    keys: dict[str, Any]
    says: str


@pytest.mark.parametrize(
    "case",
    [
        Refused({"mode": "auto"}, "auto is refused as long as episodes are kept in memory only"),
        Refused({"mode": "yolo"}, "'dry-run', 'approve' or 'auto'"),
        Refused({"actionsPerRun": -1}, "greater than or equal to 0"),
        Refused({"actionsPerRun": "5"}, "valid integer"),
        Refused({"breaker": {"percent": True}}, "valid integer"),
        Refused({"breaker": {"percent": 0}}, "greater than 0"),
        Refused({"breaker": {"percent": 101}}, "less than or equal to 100"),
        Refused({"breaker": {"minPopulation": 0}}, "greater than or equal to 1"),
        Refused({"breaker": {"objects": 0}}, "greater than or equal to 1"),
        Refused({"aws": {"workers": 33}}, "less than or equal to 32"),
        Refused({"aws": {"endpointURL": "lambda.example"}}, "should match pattern"),
        Refused({"aws": {"call": "ListFunctions"}}, "'GetFunctionConfiguration' or 'GetFunction'"),
        Refused({"timeouts": {"deletion": 600}}, "expected a duration such as 90s, 15m"),
        Refused({"timeouts": {"deletion": "10 minutes"}}, "is no duration"),
        Refused({"timeouts": {"naps": "1m"}}, "not permitted"),
        Refused({"actions_per_run": 3}, "not permitted"),
        Refused({"kind": "Polity"}, "'Policy'"),
    ],
    ids=lambda case: case.says,
)
def test_what_makes_no_sense_is_refused(case: Refused) -> None:
    with pytest.raises(ValidationError) as refused:
        policy(**case.keys)
    assert case.says in str(refused.value)


def test_every_setting_can_be_made() -> None:
    made = policy(
        mode="approve",
        actionsPerRun=0,
        breaker={"percent": 100, "minPopulation": 1, "objects": 1000},
        aws={"call": "GetFunction", "endpointURL": "http://127.0.0.1:4566", "workers": 1},
        timeouts={"stalePending": "0s"},
    )
    assert (made.mode, made.actions_per_run) == (Mode.APPROVE, 0)
    assert (made.aws.call, made.aws.workers) == (LambdaCall.GET_FUNCTION, 1)
    assert made.timeouts.stale_pending == timedelta(0)


def test_a_duration_that_is_one_already_is_taken() -> None:
    assert policy(timeouts={"deletion": timedelta(hours=1)}).timeouts.deletion == timedelta(hours=1)


def test_a_policy_cannot_be_changed_after_it_was_read() -> None:
    with pytest.raises(ValidationError):
        Policy().mode = Mode.AUTO  # type: ignore[misc]
