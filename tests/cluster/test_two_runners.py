"""Two remediators over one cluster: never both act, whatever their clocks say and whoever stops answering."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import groupby
from pathlib import Path

import pytest

from remediator.cli import wiring
from remediator.cli.wiring import Wired
from remediator.kubernetes.lease import ACTION_LEASE, Lock
from remediator.kubernetes.transport import Patience
from remediator.model.lease import Terms
from remediator.model.plan import Outcome, Result
from remediator.sandbox.cloud import Cloud
from remediator.sandbox.faults import Faults, hanging, late
from remediator.sandbox.forwarding import Request
from tests.bed.plane import Plane
from tests.bed.plugin import Create
from tests.bed.waiting import eventually
from tests.cluster.records import Person, Records, shipped
from tests.cluster.runner import Elsewhere, Runner
from tests.cluster.stuck import several_rolled_back

pytestmark = pytest.mark.usefixtures("controller", "identity")

PLENTY = {"perRun": 9, "perDay": 9, "perNamespace": 9}
# Those of the product, two fifths as long; what each has to be longer than is checked by Terms.
TERMS = Terms(duration=12, margin=5.0, request=4.0, renew_after=2.4)
IN_TIME = Patience(connect=1.0, read=3.0, answer=3.0, throttled=0.0)


@pytest.fixture
def alice(home: Records, namespace: str) -> Person:
    """May approve in the target's namespace."""
    return home.person("alice", namespace)


@pytest.fixture
def second(home: Records, control_plane: Plane) -> Path:
    """Another ServiceAccount of the same home, so that the two can be told apart by what they send."""
    rules = [rule for role in ("records", "locks", "backups") for rule in shipped(f"role-{role}.yaml")[0]["rules"]]
    home.bind_everywhere("second", home.home, ("read", "act"))
    return control_plane.service_account(home.home, "second", rules, within=home.home)


def writes(front: Faults) -> list[tuple[str, str]]:
    """List what was written to Functions, in the order of its arrival: by whom, and to which."""
    return [
        (each.headers["authorization"], each.path)
        for each in front.requests
        if each.method == "PATCH" and "/functions/" in each.path and "dryRun" not in each.query
    ]


def side_by_side(runner: Runner, *wired: Wired) -> list[Outcome]:
    """Let each make a pass, all of them at once, and list what came of all."""
    ready = threading.Barrier(len(wired))

    def one(each: Wired) -> list[Outcome]:
        ready.wait()
        return runner.run(each)

    with ThreadPoolExecutor(len(wired)) as pool:
        return [outcome for outcomes in pool.map(one, wired) for outcome in outcomes]


def test_two_at_once_spend_one_budget_and_share_the_rest_one_after_the_other(
    create: Create,
    runner: Runner,
    second: Path,
    alice: Person,
    control_plane: Plane,
    cloud: Cloud,
    tmp_path: Path,
) -> None:
    """Their clocks are an hour apart at first; later they agree."""
    stuck = several_rolled_back(create, control_plane, cloud, 3)
    assert runner.run() == []
    runner.approve(alice, *stuck)
    with Faults(control_plane.url, ca=control_plane.certificate) as front:
        ours = front.kubeconfig(runner.home.kubeconfig, tmp_path / "ours")
        theirs = front.kubeconfig(second, tmp_path / "theirs")

        def both(apart: timedelta = timedelta(0), **fewer: int) -> list[Outcome]:
            budgets = PLENTY | fewer
            one = runner.wire(ours, clock=Elsewhere(apart), budgets=budgets)
            return side_by_side(runner, one, runner.wire(theirs, budgets=budgets))

        outcomes = both(timedelta(hours=1), perDay=1)
        (acted,) = [each for each in outcomes if each.result is not Result.SKIPPED]
        assert acted.result is Result.STILL_STUCK, acted.detail  # a pass ran; AWS says Failed until someone updates
        others = [each for each in outcomes if each.target != acted.target]
        assert len(others) == 4
        assert all("budget: 1 of 1 actions of 24 h are used" in each.detail for each in others), others
        assert len(set(writes(front))) == 1
        outcomes = both()
        assert {each.result for each in outcomes} <= {Result.STILL_STUCK, Result.SKIPPED}, outcomes
        turns = [turn for turn, _ in groupby(writes(front))]
    assert len(turns) == len(stuck), "each was written to by one of them, and nobody else wrote in between"
    assert {path for _, path in turns} == {each.path for each in stuck}
    for function in stuck:
        (attempt,) = [each for each in runner.attempts(function) if each["result"] != Result.SKIPPED]
        assert (attempt["result"], attempt["approvedBy"]) == (Result.STILL_STUCK, alice.name)
        seen = function.read()
        assert (seen["metadata"]["generation"], seen["spec"].get("publish")) == (4, None)


def test_who_hears_nothing_from_the_api_server_loses_the_lock_and_writes_nothing_afterwards(
    create: Create,
    runner: Runner,
    second: Path,
    alice: Person,
    control_plane: Plane,
    cloud: Cloud,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has decided, and every gate let it; its intent is on its way when nothing is answered any more."""
    monkeypatch.setattr(wiring, "Lock", partial(Lock, terms=TERMS))
    monkeypatch.setattr(wiring, "IN_TIME", IN_TIME)
    (function,) = several_rolled_back(create, control_plane, cloud, 1)
    assert runner.run() == []
    runner.approve(alice, function)
    with Faults(control_plane.url, ca=control_plane.certificate) as front, ThreadPoolExecutor(1) as pool:
        cut_off = runner.wire(front.kubeconfig(runner.home.kubeconfig, tmp_path / "front"))
        other = runner.wire(second)
        scan, others = cut_off.work.scan(rehearse=True), other.work.scan(rehearse=True)
        assert len(scan.ready) == len(others.ready) == 1
        front.add(late(TERMS.duration + 4), method="PATCH", path="/remediations/", times=1)
        silenced = pool.submit(list, cut_off.work.proceed(scan))
        _arrived(front, "/remediations/", control_plane)
        held_by = _holder(control_plane, runner)
        front.add(hanging())
        (acted,) = other.work.proceed(others)
        assert _holder(control_plane, runner) != held_by
        assert acted.result is Result.STILL_STUCK, acted.detail
        after, asked = function.read(), len(front.requests)
        front.calm()
        (outcome,) = silenced.result(timeout=60)
        assert len(front.requests) > asked, "it was answered again, and went on"
        assert outcome.result is Result.SKIPPED
        assert "nothing was written: the action lock was lost meanwhile" in outcome.detail
        assert writes(front) == []
    assert function.read()["metadata"]["generation"] == after["metadata"]["generation"] == 4
    told = [each["result"] for each in runner.attempts(function)]
    assert sorted(told) == sorted([Result.STILL_STUCK, Result.SKIPPED])


def _arrived(front: Faults, path: str, control_plane: Plane) -> None:
    def patches() -> list[Request]:
        return [each for each in front.requests if each.method == "PATCH" and path in each.path]

    eventually(patches, bool, "the intent is on its way", control_plane.clock)


def _holder(control_plane: Plane, runner: Runner) -> str | None:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{runner.home.home}/leases/{ACTION_LEASE}"
    holder: str | None = control_plane.admin.get(path)["spec"].get("holderIdentity")
    return holder
