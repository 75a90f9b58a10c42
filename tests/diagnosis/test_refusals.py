"""What AWS refuses is told of an object that does not say itself what it asked for, too."""

from __future__ import annotations

import pytest

from remediator.diagnosis import diagnose
from tests.builders import Json, active, failing, function, observe

IMAGE = "The image does not exist, or Lambda cannot see it: push it, or name one that is there."


def without_spec(text: str) -> Json:
    return {**function(conditions=failing(text), status={"ackResourceMetadata": None}), "spec": None}


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (without_spec("source image does not exist"), IMAGE),
        (function(conditions=failing("source image does not exist"), spec={"code": None}), IMAGE),
        (
            without_spec("InvalidParameterValueException: The role cannot be assumed by Lambda."),
            "Lambda cannot assume the function's role: it is new, or its trust policy does not name "
            "lambda.amazonaws.com.",
        ),
        (
            without_spec("InvalidParameterValueException: decreases account's UnreservedConcurrentExecution"),
            "AWS refuses the reserved concurrency: some of the account's concurrent executions must stay unreserved. "
            "No other change of the function gets through until then.",
        ),
        (
            without_spec("InvalidParameterValueException: Value 'x' at 'runtime' failed to satisfy constraint"),
            "Lambda creates and updates no function with x any more, or does not know it: set spec.runtime to a "
            "supported one.",
        ),
        (
            without_spec("InvalidParameterValueException: The runtime parameter of"),
            "Lambda creates and updates no function with the runtime any more, or does not know it: set spec.runtime "
            "to a supported one.",
        ),
        (
            function(conditions=[{"type": "ACK.Recoverable", "status": "True", "message": "AccessDenied"}]),
            "AWS refuses an action that is not named to the controller's role: grant it, and the controller goes on by "
            "itself within 17 minutes.",
        ),
    ],
    ids=["image", "image of no code", "role", "concurrency", "runtime", "runtime that is not named", "action"],
)
def test_what_is_not_in_the_spec_is_told_in_general(raw: Json, said: str) -> None:
    found = diagnose(observe(raw, active()))
    assert found is not None
    assert found.summary == said
    assert not {"imageURI", "role", "reservedConcurrentExecutions", "unreservedMinimum"} & found.evidence.keys()
