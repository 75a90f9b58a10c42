"""From a person's approval to what comes of it: runs that find it, and those that must not take it for one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from remediator.actions.resync import resync
from remediator.cli.wiring import Wired
from remediator.clock import SystemClock
from remediator.gates import decide
from remediator.kubernetes.lease import LEADER_LEASE, Lock
from remediator.kubernetes.lease_object import KubernetesLease
from remediator.kubernetes.remediation_object import object_name, path
from remediator.model.decision import GateName, Ruling, Verdict
from remediator.model.episode import Phase
from remediator.model.finding import FindingName, Remedy, State
from remediator.model.plan import Plan, Result
from remediator.sandbox.cloud import Cloud
from remediator.situation import situation
from tests.bed.functions import Function, error_text, heartbeat
from tests.bed.plane import Plane
from tests.bed.plugin import Create
from tests.cli.shop import Result as Told
from tests.cli.shop import type_command
from tests.cluster.records import Person, Records
from tests.cluster.runner import Elsewhere, Runner
from tests.cluster.stuck import judged, nobody_wrote, rewind, rolled_back

pytestmark = pytest.mark.usefixtures("controller", "identity")

Typing = Callable[..., Told]
Leading = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def stuck(settled: Create, control_plane: Plane, cloud: Cloud) -> Function:
    """A Function that a Resync is for."""
    function = settled()
    rolled_back(control_plane, cloud, function)
    return function


@pytest.fixture
def alice(home: Records, namespace: str) -> Person:
    """On call: may look, act, and approve in the test's namespace."""
    return home.person("alice", namespace, roles=("role-locks",), everywhere=("read", "act"))


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch, home: Records) -> Typing:
    """Type a command, as somebody or, for nobody, as the remediator's ServiceAccount."""

    def run(person: Person | None, *words: str) -> Told:
        kubeconfig = home.kubeconfig_of(person) if person else home.kubeconfig
        where = ("--kubeconfig", str(kubeconfig), "--home-namespace", home.home)
        return type_command(monkeypatch, *words, *where, columns=300)

    return run


def verdict(wired: Wired, function: Function, gate: GateName) -> Verdict:
    """Ask what a gate says of what is proposed for a Function."""
    decision = judged(wired, function)[1].decision
    assert decision is not None
    return next(each for each in decision.verdicts if each.gate == gate)


def proposal(runner: Runner, function: Function) -> str:
    return f"p-{runner.digest(function)[:10]}"


def process(home: Records, runner: Runner, person: Person | None, *words: str, **policy: Any) -> dict[str, Any]:
    """Run a command in a process of its own, and read what it prints."""
    kubeconfig = home.kubeconfig_of(person) if person else home.kubeconfig
    where = ["--kubeconfig", str(kubeconfig), "--home-namespace", home.home, "-n", runner.namespace]
    ended = subprocess.run(
        [
            *(sys.executable, "-c", "from remediator.cli import main; main()", "run", *words, "-o", "json"),
            *(*where, "--policy", str(runner.policy(**policy))),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | {"COLUMNS": "300"},
    )
    assert ended.returncode == 0, ended.stderr
    printed: dict[str, Any] = json.loads(ended.stdout) | {"said": ended.stderr}
    return printed


def test_what_a_person_approved_by_command_the_next_run_does_in_their_name(
    stuck: Function, runner: Runner, alice: Person, types: Typing
) -> None:
    run = ("run", "-n", runner.namespace, "--policy", str(runner.policy()), "-o", "json")
    first = types(None, *run)
    assert (first.code, json.loads(first.out)["outcomes"]) == (0, []), first.err
    assert runner.record(stuck)["status"]["phase"] == Phase.AWAITING_APPROVAL
    told = types(alice, "approve", proposal(runner, stuck), "--ticket", "OPS-4")
    assert told.code == 0, told.err
    second = types(None, *run)
    (outcome,) = json.loads(second.out)["outcomes"]
    assert (second.code, outcome["result"]) == (0, Result.STILL_STUCK), second.err
    (attempt,) = runner.attempts(stuck)
    assert (attempt["result"], attempt["approvedBy"]) == (Result.STILL_STUCK, f"{alice.name}, ticket OPS-4")
    assert (stuck.read()["metadata"]["generation"], stuck.read()["spec"].get("publish")) == (4, None)
    assert runner.run() == [], "it was for that situation, and once"


def test_an_approval_of_yesterday_lets_nothing_go(stuck: Function, runner: Runner, alice: Person) -> None:
    runner.run()
    runner.approve(alice, stuck)
    tomorrow = runner.wire(clock=Elsewhere(timedelta(hours=24, minutes=1)))
    assert runner.run(tomorrow) == []
    assert verdict(tomorrow, stuck, GateName.APPROVAL).ruling is Ruling.HELD
    assert runner.attempts(stuck) == []
    late = runner.wire(clock=Elsewhere(timedelta(hours=23, minutes=58)))
    assert verdict(late, stuck, GateName.APPROVAL).reason.endswith(f"is approved by {alice.name}")
    (outcome,) = runner.run(late)
    assert outcome.result is Result.STILL_STUCK, outcome.detail


def test_an_approval_of_another_situation_lets_nothing_go(
    stuck: Function, runner: Runner, alice: Person, control_plane: Plane
) -> None:
    runner.run()
    runner.approve(alice, stuck)
    approved = runner.digest(stuck)
    before = heartbeat(stuck.read())
    stuck.toggle()  # whatever somebody does to it
    stuck.becomes(lambda seen: heartbeat(seen) != before, "is looked at")
    stuck.falls_silent()
    rewind(control_plane, stuck, 5)
    assert runner.run() == []
    assert runner.attempts(stuck) == []
    record = runner.record(stuck)
    assert record["status"]["proposal"]["digest"] != approved == record["spec"]["approval"]["digest"]
    assert record["status"]["phase"] == Phase.AWAITING_APPROVAL


def test_without_the_admission_policy_a_run_says_that_approvals_are_off_and_acts_on_none(
    stuck: Function, runner: Runner, home: Records, alice: Person, types: Typing
) -> None:
    runner.run()
    bob = home.person("bob")
    record = path(home.home, object_name(stuck.read()["metadata"]["uid"]))
    forged = {"spec": {"approval": {"approvedBy": alice.name, "digest": runner.digest(stuck)}}}
    with home.without_policy():
        bob.api.merge(record, forged)
        ran = types(None, "run", "-n", runner.namespace, "--policy", str(runner.policy()), "-o", "json")
        home.admin.merge(record, {"spec": {"approval": None}})
    assert (ran.code, json.loads(ran.out)["outcomes"]) == (0, [])
    assert "approvals are off: the API server takes a forged one" in ran.err
    assert runner.attempts(stuck) == []
    assert stuck.read()["metadata"]["generation"] == 2


def test_an_approval_forged_while_the_policy_was_away_does_not_count_once_it_is_back(
    stuck: Function, runner: Runner, home: Records, alice: Person, types: Typing
) -> None:
    runner.run()
    bob = home.person("bob")
    record = path(home.home, object_name(stuck.read()["metadata"]["uid"]))
    with home.without_policy():
        bob.api.merge(record, {"spec": {"approval": {"approvedBy": alice.name, "digest": runner.digest(stuck)}}})
    run = ("run", "-n", runner.namespace, "--policy", str(runner.policy()), "-o", "json")
    ran = types(None, *run)
    assert (ran.code, json.loads(ran.out)["outcomes"]) == (0, [])
    assert "does not count: it is older than the admission policy, changed at " in ran.err
    assert runner.attempts(stuck) == []
    runner.approve(alice, stuck)
    again = types(None, *run)
    assert len(json.loads(again.out)["outcomes"]) == 1, again.err


@pytest.fixture
def leading(home: Records, runner: Runner) -> Leading:
    """Let a daemon lead, in effect: the leader Lease is held and renewed, and passes are made meanwhile."""

    @contextmanager
    def daemon() -> Iterator[None]:
        ended, lease = threading.Event(), KubernetesLease(home.transport, home.home, LEADER_LEASE)
        lock = Lock(lease, SystemClock(), "daemon@somewhere/1/abc")
        assert lock.campaign()

        def lead() -> None:
            while not ended.wait(0.2):
                assert lock.campaign()
                runner.run()

        thread = threading.Thread(target=lead)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            lock.release()

    return daemon


def test_a_person_beside_a_daemon_that_leads_writes_the_approval_and_follows_what_it_does(
    stuck: Function, runner: Runner, home: Records, alice: Person, leading: Leading
) -> None:
    runner.run()
    with leading():
        told = process(home, runner, alice, "--approve", "--proposal", proposal(runner, stuck))
    (outcome,) = told["outcomes"]
    assert outcome["result"] == Result.STILL_STUCK
    assert f"approved as {alice.name}; daemon@somewhere/1/abc acts on it." in told["said"]
    assert runner.record(stuck)["spec"]["approval"]["approvedBy"] == alice.name
    (attempt,) = runner.attempts(stuck)
    assert (attempt["approvedBy"], attempt["detail"]) == (alice.name, outcome["detail"])
    assert f"/{os.getpid()}/" in attempt["by"], "the daemon did it, and not the person's own process"


def test_runs_of_a_cronjob_share_what_they_saw(stuck: Function, runner: Runner, home: Records, alice: Person) -> None:
    """One process after the other: it has to be seen twice in a row, and the second has seen it but once."""
    assert process(home, runner, None, sightings=2)["outcomes"] == []
    status = runner.record(stuck)["status"]
    assert (status["phase"], status.get("sightings", 1)) == (Phase.AWAITING_APPROVAL, 1)
    runner.approve(alice, stuck)
    (outcome,) = process(home, runner, None, sightings=2)["outcomes"]
    assert outcome["result"] == Result.STILL_STUCK
    (attempt,) = runner.attempts(stuck)
    assert (attempt["result"], attempt["approvedBy"]) == (Result.STILL_STUCK, alice.name)


def test_an_approval_is_as_good_at_the_next_heartbeat(
    settled: Create, runner: Runner, alice: Person, control_plane: Plane, cloud: Cloud
) -> None:
    """A Function that ACK looks at every five seconds, Pending all the while.

    No action of ours is for it: ACK is at it, and a Resync would change nothing. So this plans one by hand.
    """
    function = settled()
    cloud.set_state(function.name, "Pending", reason_code="Creating", reason="The function is being created.")
    function.edit(memorySize=256)
    function.becomes(lambda seen: "Pending" in error_text(seen), "says Pending")
    nobody_wrote(control_plane, function)
    wired = runner.wire(timeouts={"functionPending": "0s"})

    def planned() -> Plan:
        each = judged(wired, function)[1]
        assert each.finding is not None
        assert (each.finding.name, each.finding.state) == (FindingName.FUNCTION_PENDING, State.STUCK)
        assert (each.finding.remedy, each.plan) == (Remedy.REPORT, None)
        return resync(each.seen, each.finding.name)

    plan, before = planned(), heartbeat(function.read())
    wired.means.episodes.proposed(plan.resource, plan, wired.means.clock.now())
    assert wired.means.episodes.save(wired.means.clock.now()) == ()
    runner.approve(alice, function)
    function.becomes(lambda seen: heartbeat(seen) != before and "Pending" in error_text(seen), "is tried again", 15)
    again = planned()
    assert again.digest == plan.digest
    assert again.resource.metadata.resource_version != plan.resource.metadata.resource_version
    each = judged(wired, function)[1]
    assert each.finding is not None
    at = situation(wired.policy, wired.means.clock.now(), None)
    decision = decide(each.finding, again, msgspec.structs.replace(at, history=each.seen.history))
    verdicts = {each.gate: each for each in decision.verdicts}
    assert verdicts[GateName.APPROVAL].ruling is Ruling.ALLOWED
    assert alice.name in verdicts[GateName.APPROVAL].reason
    assert verdicts["AWS has settled"].ruling is verdicts["controller not at it right now"].ruling is Ruling.HELD
