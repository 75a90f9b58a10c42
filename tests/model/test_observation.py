"""What follows from everything known about one resource."""

from __future__ import annotations

from datetime import timedelta

import pytest

from remediator.model.controller import ControllerFacts
from remediator.model.live import unreadable
from remediator.model.observation import LiveStateNeeded
from tests.builders import GONE, active, at, deleting, failing, function, observe, synced


def test_no_list_of_namespaces_means_all() -> None:
    assert ControllerFacts().watches("shop")
    assert ControllerFacts(watched_namespaces=("shop",)).watches("shop")
    assert not ControllerFacts(watched_namespaces=("shop",)).watches("billing")


def test_silence_of_aws_is_no_answer() -> None:
    assert observe(function(), GONE).live is GONE
    with pytest.raises(LiveStateNeeded):
        _ = observe(function(), unreadable("not asked")).live


def test_silent_after_more_than_the_timeout() -> None:
    assert observe(function(conditions=failing("x", at(minutes=20, seconds=1))), GONE).silent
    assert not observe(function(conditions=failing("x", at(minutes=20))), GONE).silent


@pytest.mark.parametrize(
    "raw",
    [
        function(conditions=[]),
        function(conditions=synced(at(hours=9))),
        function(conditions=[{"type": "ACK.Terminal", "status": "True"}, *failing("x", at(hours=9))]),
        deleting(conditions=failing("x", at(hours=9))),
    ],
    ids=["no heartbeat", "synced", "terminal", "deleting"],
)
def test_an_old_heartbeat_is_not_always_silence(raw: dict[str, object]) -> None:
    assert not observe(raw, GONE).silent


def test_secrets_are_those_of_both_sides() -> None:
    raw = function(spec={"environment": {"variables": {"A": "from-spec"}}})
    seen = observe(raw, active(environment={"A": "from-aws", "B": ""}))
    assert seen.secrets == {"from-spec", "from-aws"}


def test_the_longest_back_off_is_within_the_silence_timeout() -> None:
    assert observe(function(), GONE).timeouts.controller_silent > timedelta(seconds=1000)
