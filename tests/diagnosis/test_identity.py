"""What goes along with a drift and a missing role: what is known, and no more."""

from __future__ import annotations

import pytest

from remediator.diagnosis import diagnose
from remediator.model.finding import Finding, FindingName
from remediator.model.placement import Placement
from tests.builders import Json, active, at, function, observe

OWN = {"drift", "because", "account", "region", "recordedAccount", "recordedRegion", "roleMissing", "map", "key"}


def no_role(reason: str | None) -> list[Json]:
    return [
        {
            "type": "ACK.ResourceSynced",
            "status": "Unknown",
            "lastTransitionTime": at(seconds=5),
            "message": "IAM Role is not available",
            "reason": reason,
        }
    ]


def found(raw: Json, placement: Placement | None, name: FindingName) -> Finding:
    finding = diagnose(observe(raw, active(), placement=placement))
    assert finding is not None
    assert finding.name is name
    return finding


@pytest.mark.parametrize("status", [None, {"conditions": []}, {"ackResourceMetadata": {}}])
def test_of_a_drift_to_nobody_knows_where_the_drift_alone_is_told(status: Json | None) -> None:
    raw = {**function(), "status": status}
    told = found(raw, Placement(drift="somewhere else."), FindingName.IDENTITY_DRIFT)
    assert {key: told.evidence[key] for key in OWN & told.evidence.keys()} == {"drift": "somewhere else."}
    assert told.summary == (
        "ACK would look for the function elsewhere than where it made it: somewhere else. Set back what was changed."
    )


def test_of_a_drift_both_places_are_told() -> None:
    there = Placement(account="444455556666", region="eu-west-1", because="the flag says so", drift="elsewhere")
    told = found(function(), there, FindingName.IDENTITY_DRIFT).evidence
    assert {key: told[key] for key in OWN & told.keys()} == {
        "drift": "elsewhere",
        "because": "the flag says so",
        "account": "444455556666",
        "region": "eu-west-1",
        "recordedAccount": "123456789012",
        "recordedRegion": "us-east-1",
    }


def test_of_a_missing_role_that_nobody_names_nothing_goes_along() -> None:
    told = found(function(conditions=no_role(None)), None, FindingName.ROLE_UNAVAILABLE)
    assert not OWN & told.evidence.keys()


def test_what_the_map_was_read_to_lack_comes_first() -> None:
    missing = Placement(role_missing="ack-role-team-map has no key payments.")
    told = found(function(conditions=no_role(None)), missing, FindingName.ROLE_UNAVAILABLE)
    assert told.evidence["roleMissing"] == "ack-role-team-map has no key payments"
    assert told.summary == (
        "The controller has no role to work with: ack-role-team-map has no key payments. It goes on by itself within "
        "15 s of the entry."
    )
