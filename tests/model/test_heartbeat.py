"""What heartbeats say of a controller, beside what else is known of it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from remediator.model.controller import ControllerFacts, Health, Install
from remediator.model.heartbeat import Heartbeats, heard, heartbeats
from tests.builders import NOW, at, decoded, deleting, function, other, synced

HOUR = timedelta(hours=1)
UNSEEN = "no Deployment is seen"
NOBODY_TELLS = ControllerFacts(Health.UNKNOWN, UNSEEN, unwitnessed=UNSEEN)


def ago(hours: float) -> datetime:
    return NOW - hours * HOUR


def beats(hours: float | None, count: int = 2) -> Heartbeats:
    return Heartbeats(None if hours is None else ago(hours), count)


def deployed(health: Health = Health.ALIVE, *, since: float | None = 100, **more: object) -> ControllerFacts:
    moment = None if since is None else ago(since)
    install = Install("ack/a", health, "Deployment ack/a is there", moment)
    usual = {"health": health, "why": install.why, "deployment": "ack/a", "installs": (install,)}
    return ControllerFacts(**(usual | more))  # type: ignore[arg-type]


# ---- summed up -------------------------------------------------------------------------------------------------------


def test_the_latest_of_all_that_move_is_kept_and_the_latest_of_any_in_each_namespace() -> None:
    found = heartbeats(
        decoded(each)
        for each in (
            function("a", conditions=synced(at(hours=3))),
            function("b", conditions=synced(at(hours=2))),
            function("c", conditions=synced(at(hours=4))),
            function("d", namespace="post", conditions=synced(at(hours=5))),
            function("new", conditions=[]),
            deleting("going", conditions=synced(at(hours=1))),
            other("Alias", "live", conditions=synced(at(minutes=1))),
        )
    )
    assert (found.latest, found.count) == (ago(2), 4)
    assert found.in_namespace == {"shop": ago(1), "post": ago(5)}
    assert heartbeats([]) == Heartbeats()


# ---- where nothing else tells ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "everywhere", "health", "why"),
    [
        (None, True, Health.UNKNOWN, f"there is no heartbeat to judge it by ({UNSEEN})"),
        (0.1, True, Health.ALIVE, f"a pass was finished 6m ago ({UNSEEN}; judged by heartbeats)"),
        (-1, False, Health.ALIVE, f"a pass was finished -1h 0m ago ({UNSEEN}; judged by heartbeats)"),
        (9, True, Health.UNKNOWN, f"the last pass was finished 9h ago ({UNSEEN}; judged by heartbeats)"),
        (12, True, Health.DOWN, f"no pass was finished anywhere for 12h ({UNSEEN}; judged by heartbeats)"),
        (12, False, Health.UNKNOWN, f"the last pass was finished 12h ago ({UNSEEN}; judged by heartbeats)"),
    ],
)
def test_heartbeats_alone(hours: float | None, everywhere: bool, health: Health, why: str) -> None:
    found = heard(NOBODY_TELLS, beats(hours), NOW, everywhere=everywhere)
    assert found.health is health
    if hours != -1:
        assert found.why == why


def test_silence_is_no_evidence_where_a_better_witness_could_not_be_heard() -> None:
    facts = ControllerFacts(Health.UNKNOWN, UNSEEN, unwitnessed=UNSEEN, unheard=True)
    assert heard(facts, beats(12), NOW, everywhere=True).health is Health.UNKNOWN
    assert heard(facts, beats(0), NOW, everywhere=True).health is Health.ALIVE


def test_a_lease_that_is_fresh_is_enough() -> None:
    facts = ControllerFacts(Health.ALIVE, "its Lease is fresh")
    assert heard(facts, beats(1000), NOW, everywhere=True) == facts


# ---- beside a Deployment ---------------------------------------------------------------------------------------------


def test_passes_that_go_on_without_its_deployment_are_somebodys() -> None:
    found = heard(deployed(Health.DOWN, since=3), beats(1), NOW, everywhere=False)
    assert found.health is Health.ALIVE
    assert found.why == f"Deployment ack/a is not available, but a pass was finished at {at(hours=1)}"


@pytest.mark.parametrize(
    ("facts", "hours"),
    [
        pytest.param(deployed(Health.DOWN, since=3), 3, id="the last pass was its own"),
        pytest.param(deployed(Health.DOWN, since=3), None, id="no pass was ever finished"),
        pytest.param(deployed(Health.DOWN, since=None), 1, id="nobody knows since when"),
        pytest.param(deployed(Health.DOWN, since=3, restarting=True), 1, id="it restarts"),
    ],
)
def test_one_that_is_down_stays_so(facts: ControllerFacts, hours: float | None) -> None:
    assert heard(facts, beats(hours), NOW, everywhere=True) == facts


def test_one_that_is_there_and_looks_at_nothing_is_down() -> None:
    found = heard(deployed(), beats(12), NOW, everywhere=True)
    assert found.health is Health.DOWN
    assert found.why.endswith("but no pass was finished anywhere for 12h, and one is due every 10h")


@pytest.mark.parametrize(
    ("facts", "seen", "everywhere"),
    [
        pytest.param(deployed(), beats(12), False, id="one namespace can be quiet"),
        pytest.param(deployed(), beats(12, count=1), True, id="one object can be left alone"),
        pytest.param(deployed(), beats(10.5), True, id="it may rest"),
        pytest.param(deployed(resync=40 * HOUR), beats(12), True, id="it rests for longer"),
        pytest.param(deployed(since=0.1), beats(12), True, id="it has just come"),
        pytest.param(deployed(since=None), beats(12), True, id="nobody knows since when"),
        pytest.param(deployed(restarting=True), beats(12), True, id="it restarts"),
        pytest.param(deployed(watched_namespaces=("shop",)), beats(12), True, id="it does not watch all"),
        pytest.param(deployed(watch_selector="a=b"), beats(12), True, id="nor all labels"),
        pytest.param(deployed(unsure="two differ"), beats(12), True, id="its flags are not known"),
        pytest.param(deployed(), beats(None), True, id="there is nothing to look at"),
    ],
)
def test_one_that_is_there_stays_so(facts: ControllerFacts, seen: Heartbeats, everywhere: bool) -> None:
    assert heard(facts, seen, NOW, everywhere=everywhere) == facts
