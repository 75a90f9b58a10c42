"""`remediator daemon` in a process of its own, over the real API server and beside the real controller."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from remediator.kubernetes.lease import ACTION_LEASE, LEADER_LEASE
from remediator.kubernetes.remediation_object import GROUP, object_name, path
from remediator.model.episode import Phase
from remediator.model.plan import Result
from remediator.sandbox.cloud import Cloud
from remediator.sandbox.faults import Faults, hanging, late
from tests.bed.controllers import Handle
from tests.bed.functions import Function, heartbeat
from tests.bed.plane import Plane
from tests.bed.plugin import Create
from tests.bed.waiting import eventually
from tests.cluster.records import Json, Person, Records, approval
from tests.cluster.runner import Elsewhere, Runner
from tests.cluster.stuck import rolled_back
from tests.daemon.process import Process, started

pytestmark = [pytest.mark.usefixtures("controller", "identity"), pytest.mark.timeout(300)]


@pytest.fixture
def stuck(settled: Create, control_plane: Plane, cloud: Cloud) -> Function:
    """A Function that a Resync is for."""
    function = settled()
    rolled_back(control_plane, cloud, function)
    return function


def approves(person: Person, home: Records, runner: Runner, function: Function) -> None:
    """Say yes as `kubectl patch --type=merge` does."""
    record = path(home.home, object_name(function.read()["metadata"]["uid"]))
    person.api.merge(record, approval(person, runner.digest(function)))


def proposed(process: Process) -> None:
    process.told("scanned", lambda each: each["proposed"] == 1)


def writes(front: Faults) -> int:
    """Count what was written to Functions, or was about to be."""
    return sum(
        each.method == "PATCH" and "/functions/" in each.path and "dryRun" not in each.query for each in front.requests
    )


def second_write(front: Faults, plane: Plane) -> None:
    """Wait until the first write to a Function is done, and the second is on its way."""
    eventually(lambda: writes(front), lambda count: count == 2, "the second write is on its way", plane.clock)


def holder(home: Records, name: str) -> Any:
    lease: Json = home.admin.get(f"/apis/coordination.k8s.io/v1/namespaces/{home.home}/leases/{name}")
    return lease["spec"].get("holderIdentity")


def test_what_a_person_approves_with_kubectl_the_daemon_does_in_their_name(
    stuck: Function, runner: Runner, home: Records, alice: Person, words: list[str]
) -> None:
    before = heartbeat(stuck.read())
    with started(*words) as process:
        proposed(process)
        assert process.is_ready()
        assert runner.record(stuck)["status"]["phase"] == Phase.AWAITING_APPROVAL
        approves(alice, home, runner, stuck)
        acted = process.told("acted")
        assert (acted["action"], acted["result"]) == ("Resync", Result.STILL_STUCK), acted
        metrics = process.get("/metrics")[1]
        assert 'remediator_actions_total{action="Resync",mode="approve",outcome="still-stuck"} 1.0' in metrics
        process.terminate()
        assert process.ends() == 0
    (attempt,) = runner.attempts(stuck)
    assert (attempt["result"], attempt["approvedBy"]) == (Result.STILL_STUCK, alice.name)
    after = stuck.read()
    assert heartbeat(after) != before, "the real controller looked again"
    assert (after["metadata"]["generation"], after["spec"].get("publish")) == (4, None)
    assert [holder(home, name) for name in (LEADER_LEASE, ACTION_LEASE)] == [None, None]


def test_told_to_end_while_it_looks_it_begins_nothing_and_the_next_does_what_was_approved(
    stuck: Function,
    runner: Runner,
    home: Records,
    alice: Person,
    words: list[str],
    control_plane: Plane,
    tmp_path: Path,
) -> None:
    runner.run()
    approves(alice, home, runner, stuck)
    before = stuck.read()
    with Faults(control_plane.url, ca=control_plane.certificate) as front:
        front.add(late(4.0), path="/functions$", times=1)
        through = front.kubeconfig(home.kubeconfig, tmp_path / "through")
        with started(*words, "--kubeconfig", str(through)) as process:
            eventually(
                lambda: [each.path for each in front.requests if each.path.endswith("/functions")],
                bool,
                "it looks",
                control_plane.clock,
                60,
            )
            process.terminate()
            assert process.ends() == 0
        assert not [each for each in process.log if each["event"] in ("acting", "acted")]
        assert (runner.attempts(stuck), writes(front)) == ([], 0)
    assert stuck.read()["metadata"]["generation"] == before["metadata"]["generation"]
    with started(*words) as process:
        assert process.told("acted")["result"] == Result.STILL_STUCK
        process.terminate()
        assert process.ends() == 0
    assert [each["approvedBy"] for each in runner.attempts(stuck)] == [alice.name]


def described(control_plane: Plane, function: Function) -> dict[str, Json]:
    """Read what `kubectl describe` shows of a Function, by reason."""
    seen = function.read()["metadata"]
    about = f"involvedObject.kind=Function,involvedObject.name={seen['name']},involvedObject.uid={seen['uid']}"
    path = f"/api/v1/namespaces/{seen['namespace']}/events?fieldSelector={quote(about)}"
    ours = [each for each in control_plane.admin.get(path)["items"] if each["reportingComponent"] == GROUP]
    told = {each["reason"]: each for each in ours}
    assert len(told) == len(ours)
    return told


def test_who_describes_a_stuck_function_sees_what_the_daemon_found_and_did(
    stuck: Function, control_plane: Plane, runner: Runner, home: Records, alice: Person, words: list[str]
) -> None:
    with started(*words) as process:
        proposed(process)
        process.told("scanned", lambda _: sum(each["event"] == "scanned" for each in process.log) > 1)
        before = described(control_plane, stuck)
        assert before.keys() == {"Found", "Proposed"}
        assert before["Found"]["type"] == "Warning"
        assert before["Found"]["message"].startswith("UpdateFailed: ")
        assert f"Resync p-{runner.digest(stuck)[:10]}" in before["Proposed"]["message"]
        assert not [each for each in before.values() if "series" in each], "the second pass had no news"
        approves(alice, home, runner, stuck)
        process.told("acted")
        process.terminate()
        assert process.ends() == 0
    after = described(control_plane, stuck)
    assert (after["Acted"]["type"], after["Acted"]["action"]) == ("Warning", "Resync")
    assert after["Acted"]["message"].startswith("Resync: still-stuck: ")
    assert not [each for each in process.log if "Events" in each["event"]]


def test_told_to_end_during_a_pass_nothing_is_lost(
    stuck: Function, runner: Runner, home: Records, alice: Person, words: list[str]
) -> None:
    before = heartbeat(stuck.read())
    with started(*words, "--grace-period", "2") as process:
        proposed(process)
        approves(alice, home, runner, stuck)
        process.told("acting")
        process.terminate()
        assert process.ends(30) in (0, 130), "seen through, or left to the next"
    (attempt,) = runner.attempts(stuck)
    assert attempt["approvedBy"] == alice.name
    assert "publish" not in stuck.read()["spec"]
    stuck.becomes(lambda seen: heartbeat(seen) != before, "is looked at by the controller")
    # Longer than anybody can still be at it: whoever comes next says what came of it.
    runner.run(runner.wire(clock=Elsewhere(timedelta(minutes=11))))
    (attempt,) = runner.attempts(stuck)
    assert attempt["result"] in (Result.STILL_STUCK, Result.UNKNOWN)
    assert (stuck.read()["metadata"]["generation"], holder(home, ACTION_LEASE)) == (4, None)


def test_told_to_end_between_two_writes_it_makes_the_second_and_sees_the_effect(
    stuck: Function,
    runner: Runner,
    home: Records,
    alice: Person,
    words: list[str],
    control_plane: Plane,
    tmp_path: Path,
) -> None:
    before = heartbeat(stuck.read())
    with Faults(control_plane.url, ca=control_plane.certificate) as front:
        front.add(late(3.0), method="PATCH", path="/functions/", query={"dryRun": None}, after=1, times=1)
        through = front.kubeconfig(home.kubeconfig, tmp_path / "through")
        with started(*words, "--kubeconfig", str(through)) as process:
            proposed(process)
            approves(alice, home, runner, stuck)
            second_write(front, control_plane)
            half = stuck.read()["spec"].get("publish")
            process.terminate()
            assert process.ends() == 0
        assert (half, writes(front)) == (False, 2), "it was told in the middle, and went on to the end"
    (attempt,) = runner.attempts(stuck)
    assert (attempt["result"], attempt["approvedBy"]) == (Result.STILL_STUCK, alice.name)
    after = stuck.read()
    assert heartbeat(after) != before
    assert (after["metadata"]["generation"], after["spec"].get("publish")) == (4, None)
    assert [holder(home, name) for name in (LEADER_LEASE, ACTION_LEASE)] == [None, None]


def test_told_twice_between_two_writes_it_ends_at_once_and_the_next_daemon_makes_good_what_is_half_done(
    stuck: Function,
    runner: Runner,
    home: Records,
    alice: Person,
    words: list[str],
    control_plane: Plane,
    tmp_path: Path,
) -> None:
    whole = stuck.read()["spec"]
    with Faults(control_plane.url, ca=control_plane.certificate) as front:
        front.add(hanging(), method="PATCH", path="/functions/", query={"dryRun": None}, after=1, times=1)
        words += ["--kubeconfig", str(front.kubeconfig(home.kubeconfig, tmp_path / "through"))]
        with started(*words, "--grace-period", "60") as process:
            proposed(process)
            approves(alice, home, runner, stuck)
            second_write(front, control_plane)
            process.terminate()
            time.sleep(1.0)  # two signals at once can be one
            process.terminate()
            assert process.ends(5) == 130
        assert stuck.read()["spec"] == whole | {"publish": False}, "half done"
        (attempt,) = runner.attempts(stuck)
        assert "result" not in attempt, "what it was at is written down"
        with started(*words) as process:
            # Once half a minute has shown that nobody renews the one Lease any more, and another half the other.
            process.told("leading", within=90)
            tidied = process.told("tidied up", within=90)
            assert stuck.name in tidied["what"] and "its process ended half-way" in tidied["what"]
            process.told("scanned")
            process.terminate()
            assert process.ends() == 0
        assert not [each for each in process.log if each["event"] in ("acting", "acted")]
        assert writes(front) == 3, "the first, the second that never arrived, and what took the first back"
    (concluded,) = runner.attempts(stuck)
    assert (concluded["id"], concluded["approvedBy"]) == (attempt["id"], alice.name)
    assert concluded["result"] == Result.UNKNOWN
    after = stuck.read()
    assert (after["metadata"]["generation"], after["spec"]) == (4, whole)
    assert holder(home, ACTION_LEASE) is None


def test_told_to_end_while_nothing_tells_of_an_effect_it_leaves_that_to_the_next_which_acts_no_more(
    stuck: Function,
    runner: Runner,
    home: Records,
    alice: Person,
    words: list[str],
    controller: Handle,
    control_plane: Plane,
) -> None:
    before = heartbeat(stuck.read())
    controller.stop()
    with started(*words, "--grace-period", "3") as process:
        proposed(process)
        approves(alice, home, runner, stuck)
        eventually(
            lambda: runner.attempts(stuck), lambda tried: "accepted" in str(tried), "written", control_plane.clock
        )
        process.terminate()
        assert process.ends(20) == 130, process.log
    (attempt,) = runner.attempts(stuck)
    assert "accepted" in attempt and "result" not in attempt
    assert [holder(home, name) for name in (LEADER_LEASE, ACTION_LEASE)] == [None, None]
    controller.start()
    stuck.becomes(lambda seen: heartbeat(seen) != before, "is looked at by the controller")
    with started(*words) as process:
        process.told("scanned")
        # Longer than anybody can still be at it: whoever comes next says what came of it.
        runner.run(runner.wire(clock=Elsewhere(timedelta(minutes=11))))
        process.terminate()
        assert process.ends() == 0
    assert not [each for each in process.log if each["event"] in ("acting", "acted")]
    (concluded,) = runner.attempts(stuck)
    assert (concluded["id"], concluded["result"]) == (attempt["id"], Result.UNKNOWN), "nobody saw it"
    assert stuck.read()["metadata"]["generation"] == 4


def test_a_standby_takes_over_from_a_daemon_that_is_told_to_end(
    stuck: Function, runner: Runner, home: Records, alice: Person, words: list[str]
) -> None:
    with started(*words) as first:
        proposed(first)
        with started(*words) as second:
            second.told("standing by: another daemon leads")
            assert second.is_ready()
            first.terminate()
            assert first.ends() == 0
            proposed(second)
            approves(alice, home, runner, stuck)
            assert second.told("acted")["result"] == Result.STILL_STUCK
            second.terminate()
            assert second.ends() == 0
    assert not [each for each in first.log if each["event"] == "acted"]
    assert len(runner.attempts(stuck)) == 1
