"""Release on the real thing: the object goes, the function stays, whoever is killed on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from remediator import execute
from remediator.actions import plan_for
from remediator.cli.wiring import Wired
from remediator.gates.approved import seal
from remediator.model.episode import Phase
from remediator.model.finding import FindingName, Remedy
from remediator.model.plan import ActionName, Plan, Result
from remediator.model.scan import Judged, Scan
from remediator.sandbox.cloud import Cloud
from tests.bed.controllers import Handle
from tests.bed.functions import FINALIZER, Function, Object, error_text
from tests.bed.plane import Plane
from tests.bed.plugin import Create
from tests.cluster.records import Records
from tests.cluster.runner import Elsewhere, Runner, release, requested
from tests.cluster.stuck import ACCESS_KEY, READS, nobody_wrote

pytestmark = pytest.mark.usefixtures("controller", "identity")

POLICY = "services.k8s.aws/deletion-policy"
REGION = "services.k8s.aws/region"

Blocked = Callable[..., Function]


@pytest.fixture
def blocked(settled: Create) -> Blocked:
    """Make a Function that is being deleted, which AWS refuses; `policy` is its own deletion-policy, if it has one."""

    def make(policy: str | None = None) -> Function:
        function = settled(metadata={"annotations": {POLICY: policy}} if policy else None)
        message = "Lambda was unable to delete the function because of what else it is used for."
        function.refuse("DeleteFunction", "InvalidParameterValueException", message)
        function.delete()
        function.becomes(lambda seen: "what else" in error_text(seen), "is refused")
        return function

    return make


def arn_of(seen: Object) -> str:
    arn: str = seen["status"]["ackResourceMetadata"]["arn"]
    return arn


def as_it_was(seen: Object) -> Object:
    """Pick what must be byte for byte as before, once a Release was undone."""
    metadata = seen["metadata"]
    return {"spec": seen["spec"], "annotations": metadata.get("annotations", {}), "finalizers": metadata["finalizers"]}


def begun(runner: Runner, function: Function, steps: int) -> Plan:
    """Release, as far as it came before it was killed: after the intent, so many steps."""
    wired = runner.wire()
    plan, now = requested(wired, function), wired.means.clock.now()
    wired.means.episodes.intend(plan, now, "jane")
    for step in plan.steps[:steps]:
        function.patch(*step.patch)
    if steps == len(plan.steps):
        wired.means.episodes.accepted(plan.target.uid, now)
    return plan


def test_the_object_goes_and_the_function_stays_as_an_orphan(
    blocked: Blocked, runner: Runner, control_plane: Plane, cloud: Cloud
) -> None:
    function = blocked()
    nobody_wrote(control_plane, function)
    arn, since = arn_of(function.read()), len(cloud.calls)
    outcome = release(runner.wire(), function)
    assert (outcome.result, outcome.orphan) == (Result.RESOLVED, arn), outcome.detail
    assert f"ORPHAN: {arn} stays in AWS" in outcome.detail
    assert function.find() is None
    assert function.live() is not None
    assert {each.operation for each in cloud.calls_since(since) if each.access_key == ACCESS_KEY} <= READS
    (attempt,) = runner.attempts(function)
    assert (attempt["action"], attempt["result"], attempt["orphan"]) == (ActionName.RELEASE, Result.RESOLVED, arn)
    assert attempt["approvedBy"] == "a person at the terminal"
    assert attempt["backup"] == outcome.backup
    assert runner.run() == []
    status = runner.record(function)["status"]
    assert (status["phase"], status["attempts"]) == (Phase.RESOLVED, [attempt])


def test_killed_after_its_first_step_it_is_finished_by_the_controller_and_told_by_the_next_run(
    blocked: Blocked, runner: Runner
) -> None:
    function = blocked()
    arn = arn_of(function.read())
    begun(runner, function, 1)
    function.disappears()
    told = list[str]()
    assert runner.run(say=told.append) == []
    assert function.live() is not None
    (attempt,) = runner.attempts(function)
    assert (attempt["result"], attempt["orphan"]) == (Result.RESOLVED, arn), attempt["detail"]
    assert attempt["approvedBy"] == "jane"
    assert runner.record(function)["status"]["phase"] == Phase.RESOLVED


@pytest.mark.parametrize(("policy", "steps"), [(None, 1), ("delete", 1), ("delete", 2)])
def test_killed_where_no_controller_is_it_is_undone_by_the_next_run(
    blocked: Blocked, runner: Runner, controller: Handle, policy: str | None, steps: int
) -> None:
    """While its process may still be watching it is left alone; ten minutes later nobody can be."""
    function = blocked(policy)
    controller.stop()
    before = as_it_was(function.read())
    begun(runner, function, steps)
    assert function.read()["metadata"]["annotations"][POLICY] == "retain"
    if steps == 2:
        runner.run()
        assert function.read()["metadata"]["annotations"][POLICY] == "retain", "somebody may still watch for the effect"
    runner.run(runner.wire(clock=Elsewhere(timedelta(minutes=11 if steps == 2 else 0))))
    assert as_it_was(function.read()) == before
    (attempt,) = runner.attempts(function)
    assert (attempt["result"], attempt.get("orphan")) == (Result.UNKNOWN, None)
    controller.start()
    function.stays(lambda seen: FINALIZER in seen["metadata"]["finalizers"], "it is held: nothing says retain", 2)


def test_a_run_leaves_alone_what_a_person_without_a_right_to_records_watches(
    blocked: Blocked, runner: Runner, home: Records, cloud: Cloud, controller: Handle
) -> None:
    """Else it would put the old policy back under the person's hands, and ACK would delete what was to be kept."""
    function = blocked("delete")
    arn = arn_of(function.read())
    controller.stop()
    alice = home.person("alice", function.namespace, roles=("role-locks",), everywhere=("read", "act"))
    wired = runner.wire(home.kubeconfig_of(alice))
    plan = requested(wired, function)
    assert "cannot create resource" in " ".join(wired.means.episodes.save(wired.means.clock.now()))
    with wired.means.lock.held(lambda _: None) as hold:
        under_way = execute.begin(seal(plan), wired.means, hold, alice.name)
    assert isinstance(under_way, execute.Begun)
    marked = as_it_was(function.read())
    runner.run()
    assert as_it_was(function.read()) == marked
    cloud.allow()
    controller.start()
    outcome = execute.finish(under_way, wired.means, lambda _: pytest.fail("nothing is diagnosed anew"))
    assert (outcome.result, outcome.orphan) == (Result.RESOLVED, arn), outcome.detail
    assert function.live() is not None


@pytest.fixture
def elsewhere(settled: Create, control_plane: Plane) -> Function:
    """A Function that is being deleted, and that ACK looks for in another region than its own: it does nothing then."""
    function = settled(metadata={"annotations": {POLICY: "delete"}})
    function.annotate({REGION: "eu-west-1"})
    function.delete()
    nobody_wrote(control_plane, function)
    return function


def test_what_ack_looks_for_elsewhere_is_not_released(elsewhere: Function, runner: Runner) -> None:
    before = elsewhere.read()
    asked = {(elsewhere.namespace, elsewhere.name): ActionName.RELEASE}
    each = _of(runner.wire().work.scan(requested=asked), elsewhere)
    assert each.finding is not None
    assert (each.finding.name, each.plan) == (FindingName.IDENTITY_DRIFT, None)
    assert f"annotation {REGION} says eu-west-1" in each.finding.summary
    assert elsewhere.read() == before


def _of(scan: Scan, function: Function) -> Judged:
    return next(each for each in scan.results if each.seen.resource.metadata.name == function.name)


def _planned_anyway(wired: Wired, function: Function) -> Plan:
    """Plan the Release of what looks like any other deletion that nobody explains."""
    each = _of(wired.work.scan(), function)
    assert each.finding is not None
    found = msgspec.structs.replace(each.finding, name=FindingName.DELETION_UNEXPLAINED, on_request=(Remedy.RELEASE,))
    plan = plan_for(found, msgspec.structs.replace(each.seen, placement=None), ActionName.RELEASE)
    assert plan is not None
    return plan


def test_released_in_spite_of_that_nothing_comes_of_it_and_it_is_put_back(
    elsewhere: Function, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where what sends the controller elsewhere cannot be read, a flag of its own perhaps, this is what happens."""
    monkeypatch.setattr(execute, "_VERIFY_DEADLINE", 4.0)
    wired = runner.wire()
    plan, before = _planned_anyway(wired, elsewhere), as_it_was(elsewhere.read())
    with wired.means.lock.held(lambda _: None) as hold:
        under_way = execute.begin(seal(plan), wired.means, hold, "jane")
    assert isinstance(under_way, execute.Begun)
    outcome = execute.finish(under_way, wired.means, lambda _: pytest.fail("nothing is diagnosed anew"))
    assert (outcome.result, outcome.orphan) == (Result.STILL_STUCK, ""), outcome.detail
    assert "a wrong region or account on it or its namespace looks like this" in outcome.detail
    assert as_it_was(elsewhere.read()) == before
    assert elsewhere.live() is not None
    (attempt,) = runner.attempts(elsewhere)
    assert attempt["result"] == Result.STILL_STUCK
    assert datetime.fromisoformat(attempt["concluded"]) <= datetime.now(UTC)
