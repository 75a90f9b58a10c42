"""Waiting on the real thing: `wait` returns within two seconds of the truth, and early where waiting does not help.

The test sets the moment of truth itself, or sees it with eyes of its own, and measures from there, on one clock. What
waits is a ServiceAccount that may only read.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from remediator.cli.wiring import wire
from remediator.model.finding import FindingName
from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Cloud
from remediator.waiting import Ending, Goal, GoalKind, Waited, goal_called, wait_for
from tests.bed.controllers import Handle
from tests.bed.functions import Function, error_text, heartbeat, is_ready, is_synced
from tests.bed.plane import Plane
from tests.bed.plugin import Create
from tests.cluster.stuck import rules

pytestmark = pytest.mark.usefixtures("controller", "identity")

SYNCED, SETTLED, DELETED = Goal(GoalKind.SYNCED), Goal(GoalKind.SETTLED), Goal(GoalKind.DELETED)
PROMISE = 2.0  # seconds from the truth to the last word
PATIENCE = 120.0


class Vigil:
    """Somebody who waits, in a thread of their own."""

    def __init__(self, future: Future[tuple[Waited, float]], said: list[str], told: threading.Event) -> None:
        self._future = future
        self.said = said
        self._told = told

    def is_waiting(self) -> bool:
        """Wait for the first word: from then on it goes on, unless it ends."""
        self._told.wait(PATIENCE)
        return not self._future.done()

    def ends(self) -> tuple[Waited, float]:
        """Wait for the end, and answer it with its time on the bed's clock."""
        return self._future.result(PATIENCE)


Wait = Callable[..., Vigil]


@pytest.fixture(scope="session")
def reader(control_plane: Plane, usual_home: str) -> Path:
    """The pipeline: may read."""
    control_plane.namespace("pipelines")
    return control_plane.service_account("pipelines", "ack-remediator", rules("read"))


@pytest.fixture
def wait(reader: Path, cloud: Cloud, namespace: str, tmp_path: Path, clock: SandboxClock) -> Iterator[Wait]:
    """Begin to wait for a Function: `wait(function, goal)`."""
    policy = tmp_path / "policy.yaml"
    document = {
        "apiVersion": "ack-remediator.dev/v1alpha1",
        "kind": "Policy",
        "aws": {"endpointURL": cloud.endpoint},
    }
    policy.write_text(json.dumps(document), encoding="utf-8")
    with ThreadPoolExecutor() as pool:

        def begin(function: Function, goal: Goal, seconds: float = PATIENCE) -> Vigil:
            wired = wire(kubeconfig=reader, namespace=namespace, policy=policy, clock=clock, asks_again=True)
            said: list[str] = []
            told = threading.Event()

            def say(sentence: str) -> None:
                said.append(sentence)
                told.set()

            def until_it_ends() -> tuple[Waited, float]:
                try:
                    ended = wait_for(
                        wired.means, wired.observer, namespace, function.name, goal, seconds=seconds, say=say
                    )
                    return ended, clock.monotonic()
                finally:
                    told.set()

            return Vigil(pool.submit(until_it_ends), said, told)

        yield begin


def test_settled_is_told_in_time(settled: Create, wait: Wait, cloud: Cloud, clock: SandboxClock) -> None:
    function = settled()
    cloud.set_update(function.name, "InProgress")
    vigil = wait(function, SETTLED)
    assert vigil.is_waiting(), vigil.ends()
    clock.sleep(3)
    cloud.set_update(function.name, "Successful")
    truth = clock.monotonic()
    ended, at = vigil.ends()
    assert ended.ending is Ending.REACHED
    assert at - truth < PROMISE


def test_synced_is_told_in_time_where_kubernetes_is_last(
    create: Create, wait: Wait, cloud: Cloud, clock: SandboxClock
) -> None:
    """A new function is there in AWS before ACK has written that it is."""
    function = create()
    vigil = wait(function, SYNCED)
    function.becomes(is_ready, "is synced and ready", 60)
    truth = clock.monotonic()
    ended, at = vigil.ends()
    assert ended.ending is Ending.REACHED
    assert is_synced(function.read())
    assert at - truth < PROMISE


def test_synced_is_told_in_time_where_aws_is_last(
    settled: Create, wait: Wait, cloud: Cloud, clock: SandboxClock
) -> None:
    """The object is green as soon as AWS accepts the update."""
    function = settled()
    cloud.update_takes = 3600
    try:
        function.edit(memorySize=512)
        vigil = wait(function, SYNCED)
        function.becomes_live(lambda live: live and live["LastUpdateStatus"] == "InProgress", "the update is under way")
        function.becomes(is_ready, "is green all the same")
        clock.sleep(3)
        assert vigil.is_waiting(), vigil.ends()
        cloud.set_update(function.name, "Successful")
        truth = clock.monotonic()
    finally:
        cloud.update_takes = 0.0
    ended, at = vigil.ends()
    assert ended.ending is Ending.REACHED
    assert at - truth < PROMISE
    live = function.live()
    assert live is not None
    assert live["MemorySize"] == 512


def test_a_generation_is_told_in_time(settled: Create, wait: Wait, clock: SandboxClock) -> None:
    function = settled()
    before = function.read()
    vigil = wait(function, goal_called("generation=3"))
    assert vigil.is_waiting(), vigil.ends()
    function.edit(memorySize=512)
    function.becomes(lambda seen: is_ready(seen) and heartbeat(seen) != heartbeat(before), "a pass follows")
    truth = clock.monotonic()
    ended, at = vigil.ends()
    assert ended.ending is Ending.REACHED
    assert ended.seen is not None
    assert ended.seen.resource.metadata.generation >= 3
    assert at - truth < PROMISE


def test_deleted_is_told_in_time(settled: Create, wait: Wait, cloud: Cloud, clock: SandboxClock) -> None:
    function = settled()
    vigil = wait(function, DELETED)
    assert vigil.is_waiting(), vigil.ends()
    function.delete()
    function.disappears(60)
    truth = clock.monotonic()
    ended, at = vigil.ends()
    assert (ended.ending, ended.why) == (Ending.REACHED, "deleted; AWS has no such function any more")
    assert at - truth < PROMISE


def test_what_is_kept_is_told(settled: Create, wait: Wait, cloud: Cloud) -> None:
    function = settled()
    function.annotate({"services.k8s.aws/deletion-policy": "retain"})
    vigil = wait(function, DELETED)
    assert vigil.is_waiting(), vigil.ends()
    function.delete()
    ended, _ = vigil.ends()
    assert ended.why == "deleted; AWS keeps the function, as the deletion policy says"
    assert function.live() is not None


def test_what_is_so_already_is_told_at_once(settled: Create, wait: Wait, clock: SandboxClock) -> None:
    function = settled()
    for goal in (SYNCED, SETTLED, goal_called("generation=2")):
        began = clock.monotonic()
        ended, at = wait(function, goal).ends()
        assert ended.ending is Ending.REACHED
        assert at - began < PROMISE + 3  # signing in to both sides, on a busy machine
        assert ended.seconds < PROMISE + 3


def test_green_from_before_the_change_is_not_synced(
    settled: Create, wait: Wait, controller: Handle, clock: SandboxClock
) -> None:
    function = settled()
    controller.stop()
    function.edit(memorySize=512)
    assert is_ready(function.read())
    vigil = wait(function, SYNCED)
    assert vigil.is_waiting(), vigil.ends()
    clock.sleep(5)
    assert vigil.is_waiting(), vigil.ends()
    controller.start()
    ended, _ = vigil.ends()
    assert ended.ending is Ending.REACHED
    live = function.live()
    assert live is not None
    assert live["MemorySize"] == 512


def test_an_annotation_by_who_wrote_the_spec_hangs_nothing(settled: Create, wait: Wait, clock: SandboxClock) -> None:
    """ACK makes no pass for it, on the real thing neither."""
    function = settled()
    function.annotate({"release": "2026-47"})
    before = function.read()
    ended, _ = wait(function, SYNCED).ends()
    assert ended.ending is Ending.REACHED
    assert ended.seconds < 30
    assert heartbeat(function.read()) == heartbeat(before)


def test_an_update_that_fails_ends_it_in_time(settled: Create, wait: Wait, cloud: Cloud, clock: SandboxClock) -> None:
    function = settled()
    cloud.set_update(function.name, "InProgress")
    vigil = wait(function, SYNCED)
    assert vigil.is_waiting(), vigil.ends()
    clock.sleep(10)  # what was made in the second of its last pass is given so long
    cloud.set_update(function.name, "Failed", reason_code="EniLimitExceeded", reason="no addresses left")
    truth = clock.monotonic()
    ended, at = vigil.ends()
    assert ended.finding is not None
    assert (ended.ending, ended.finding.name, ended.page) == (
        Ending.HOPELESS,
        FindingName.UPDATE_FAILED,
        "UpdateFailed",
    )
    assert at - truth < PROMISE


def test_what_aws_refuses_for_good_ends_it_early(
    settled: Create, wait: Wait, cloud: Cloud, clock: SandboxClock
) -> None:
    function = settled()
    function.refuse("UpdateFunctionConfiguration", "InvalidParameterValueException", "The role is no role.")
    function.edit(memorySize=512)
    function.becomes(error_text, "ACK is refused")
    began = clock.monotonic()
    ended, at = wait(function, SYNCED).ends()
    assert (ended.ending, ended.page) == (Ending.HOPELESS, "InvalidRequest")
    assert at - began < 15  # a pass of the very second of the change is believed after ten


def test_a_deletion_that_is_denied_ends_it_early(
    settled: Create, wait: Wait, cloud: Cloud, clock: SandboxClock
) -> None:
    function = settled()
    function.refuse("DeleteFunction")
    vigil = wait(function, DELETED)
    assert vigil.is_waiting(), vigil.ends()
    function.delete()
    function.becomes(error_text, "ACK is refused")
    truth = clock.monotonic()
    ended, at = vigil.ends()
    assert (ended.ending, ended.page) == (Ending.HOPELESS, "PermissionDenied")
    assert at - truth < 15


def test_a_hex_checksum_ends_it_early(settled: Create, wait: Wait, cloud: Cloud, clock: SandboxClock) -> None:
    """ACK shows Synced=True, and drops the change of the configuration."""
    function = settled()
    began = clock.monotonic()
    function.edit(code={"sha256": "9f" * 32}, memorySize=512)
    ended, at = wait(function, SYNCED).ends()
    assert (ended.ending, ended.page) == (Ending.HOPELESS, "ChecksumMismatch")
    assert at - began < 10
