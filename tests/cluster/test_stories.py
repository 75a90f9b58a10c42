"""The product on the real thing: what it says of a Function, and what its actions do to it.

It runs as a ServiceAccount with the roles of `manifests/base`, never as admin. Where a story needs time to have
passed, the test sets a timestamp back in the status, as the admin: the controller never reads it.
"""

import copy
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from remediator.actions import plan_for
from remediator.cli.wiring import Wired, wire
from remediator.gates import approve, decide
from remediator.model.finding import Finding, FindingName, Remedy, State
from remediator.model.plan import ActionName, Outcome, Result
from remediator.sandbox.cloud import Cloud
from remediator.situation import situation
from tests.bed.controllers import Handle
from tests.bed.functions import FINALIZER, Function, error_text, heartbeat, is_ready, is_synced, synced
from tests.bed.plane import Plane
from tests.bed.plugin import Create
from tests.cluster.records import Json, shipped
from tests.cluster.stuck import ACCESS_KEY, READS, calls, finding, judged, rewind, rolled_back, rules

pytestmark = pytest.mark.usefixtures("controller", "identity")

SIGNATURE = "function in 'Pending' state, cannot be modified or deleted"

Remediator = Callable[..., Wired]


@pytest.fixture(scope="session")
def locks(usual_home: str) -> list[Json]:
    """What everybody needs who may act: the action lock, in a home namespace that is there."""
    rules: list[Json] = shipped("role-locks.yaml")[0]["rules"]
    return rules


@pytest.fixture(scope="session")
def kubeconfig(control_plane: Plane, locks: list[Json]) -> Path:
    """Someone on call: may read, and patch Functions."""
    control_plane.namespace("on-call")
    return control_plane.service_account("on-call", "ack-remediator", rules("read", "act") + locks)


@pytest.fixture(scope="session")
def readonly(control_plane: Plane, locks: list[Json]) -> Path:
    """The CronJob: may read."""
    control_plane.namespace("cron")
    return control_plane.service_account("cron", "ack-remediator", rules("read") + locks)


@pytest.fixture
def remediator(kubeconfig: Path, cloud: Cloud, namespace: str, tmp_path: Path) -> Remediator:
    """Wire the product up for the test's namespace: `remediator(deletion="1s")` sets timeouts."""

    def make(account: Path | None = None, **timeouts: str) -> Wired:
        policy = tmp_path / "policy.yaml"
        policy.write_text(
            json.dumps(
                {
                    "apiVersion": "ack-remediator.dev/v1alpha1",
                    "kind": "Policy",
                    "aws": {"endpointURL": cloud.endpoint},
                    "timeouts": timeouts,
                }
            )
        )
        return wire(kubeconfig=account or kubeconfig, namespace=namespace, policy=policy)

    return make


def approved(wired: Wired, function: Function) -> Outcome:
    """Scan, approve what is proposed for the one, and act."""
    scan, each = judged(wired, function)
    assert each.plan is not None, f"nothing is proposed: {each.finding}"
    (outcome,) = wired.work.remediate(scan, frozenset({each.plan.digest}))
    return outcome


def test_a_healthy_function_costs_no_call_to_aws(settled: Create, remediator: Remediator, cloud: Cloud) -> None:
    function = settled()
    _, each = judged(remediator(), function)
    assert each.state is State.HEALTHY
    assert not [call for call in cloud.calls if call.access_key == ACCESS_KEY and call.function == function.name]


def test_an_annotation_alone_does_not_reconcile(
    settled: Create, remediator: Remediator, control_plane: Plane, cloud: Cloud
) -> None:
    function = settled()
    rolled_back(control_plane, cloud, function)
    before = function.read()
    function.annotate({"ack-remediator.dev/resync": "nobody-should-simplify-it-to-this"})
    function.stays(lambda seen: heartbeat(seen) == heartbeat(before), "its heartbeat does not move", 5)


def test_resync_runs_a_pass_and_changes_nothing(
    settled: Create, remediator: Remediator, control_plane: Plane, cloud: Cloud
) -> None:
    function = settled(environment={"variables": {"STAGE": "production"}})
    rolled_back(control_plane, cloud, function)
    before, since = function.read(), len(cloud.calls)
    wired = remediator()
    found = finding(wired, function)
    assert (found.name, found.state, found.remedy) == (FindingName.UPDATE_FAILED, State.STUCK, Remedy.RESYNC)
    outcome = approved(wired, function)
    after = function.read()
    assert outcome.action is ActionName.RESYNC
    assert outcome.result is Result.STILL_STUCK, outcome.detail  # a pass ran; AWS says Failed until someone updates
    assert heartbeat(after) != heartbeat(before)
    assert json.dumps(after["spec"], sort_keys=True) == json.dumps(before["spec"], sort_keys=True)
    assert after["metadata"].get("annotations") == before["metadata"].get("annotations")
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 2
    assert calls(cloud, function, since) <= READS


def test_resync_heals_what_aws_rolled_back(
    settled: Create, remediator: Remediator, control_plane: Plane, cloud: Cloud
) -> None:
    function = settled(memorySize=512)
    # What a failed update leaves behind: AWS has the old value, the object shows the new one, and is green.
    aws = boto3.client("lambda", endpoint_url=cloud.endpoint, region_name=cloud.region)
    aws.update_function_configuration(FunctionName=function.name, MemorySize=256)
    rolled_back(control_plane, cloud, function)
    wired = remediator()
    plan = judged(wired, function)[1].plan
    assert plan is not None
    assert plan.notes == ("memorySize is 256 in AWS and 512 in the spec: the controller will set 512.",)
    outcome = approved(wired, function)
    assert outcome.result is Result.RESOLVED, outcome.detail
    assert cloud.configuration(function.name)["MemorySize"] == 512
    assert judged(wired, function)[1].state is State.HEALTHY


def test_step_two_succeeds_while_the_status_is_being_written(
    settled: Create, remediator: Remediator, control_plane: Plane, cloud: Cloud
) -> None:
    function = settled()
    rolled_back(control_plane, cloud, function)
    before = function.read()
    over, writes = threading.Event(), 0

    def write() -> None:
        nonlocal writes
        while not over.is_set():
            writes += 1
            time.sleep(0.02)
            control_plane.admin.merge(f"{function.path}/status", {"status": {"version": str(writes)}})

    wired = remediator()
    scan, each = judged(wired, function)
    assert each.plan is not None
    digest = each.plan.digest
    writer = threading.Thread(target=write)
    writer.start()
    try:
        # Step 1 is guarded by the resourceVersion and may lose the race; it is decided anew then, at most 3 times.
        for _ in range(20):
            (outcome,) = wired.work.remediate(scan, frozenset({digest}))
            if outcome.result is not Result.SKIPPED:
                break
    finally:
        over.set()
        writer.join()
    assert writes > 5
    assert outcome.result is Result.STILL_STUCK, outcome.detail
    after = function.read()
    assert after["spec"] == before["spec"]
    assert "annotations" not in after["metadata"]


def test_a_killed_resync_is_undone_by_the_next_run(
    settled: Create, remediator: Remediator, control_plane: Plane, cloud: Cloud
) -> None:
    function = settled()
    rolled_back(control_plane, cloud, function)
    before = function.read()
    wired = remediator()
    plan = judged(wired, function)[1].plan
    assert plan is not None
    function.patch(*plan.steps[0].patch)  # as far as it came before it was killed
    assert function.read()["spec"]["publish"] is False
    scan = wired.work.scan()
    assert [each.metadata.name for each in scan.leftovers] == [function.name]
    assert len(wired.work.recover(scan)) == 1
    after = function.read()
    assert after["spec"] == before["spec"]
    assert "annotations" not in after["metadata"]
    assert wired.work.scan().leftovers == ()


def test_the_signature_appears_while_pending_and_clears_after(
    settled: Create, remediator: Remediator, cloud: Cloud
) -> None:
    function = settled()
    cloud.set_state(function.name, "Pending", reason_code="Creating", reason="The function is being created.")
    function.edit(memorySize=256)
    seen = function.becomes(lambda seen: error_text(seen) == SIGNATURE, "says Pending")
    assert synced(seen) == "Unknown"
    found = finding(remediator(), function)
    assert (found.name, found.state, found.remedy) == (FindingName.FUNCTION_PENDING, State.WAITING, Remedy.WAIT)
    assert found.self_heals_at is not None
    cloud.set_state(function.name, "Active")
    function.becomes(is_ready, "is synced and ready", within=30)
    assert judged(remediator(), function)[1].state is State.HEALTHY


def test_a_409_is_waited_for(settled: Create, remediator: Remediator, cloud: Cloud) -> None:
    function = settled()
    cloud.set_update(function.name, "InProgress", reason_code="Creating", reason="The function is being updated.")
    function.edit(memorySize=256)
    function.becomes(lambda seen: "ResourceConflictException" in error_text(seen), "met a 409")
    found = finding(remediator(), function)
    assert (found.name, found.remedy) == (FindingName.UPDATE_IN_PROGRESS, Remedy.WAIT)
    cloud.set_update(function.name, "Successful")
    later = judged(remediator(), function)[1].finding
    if later is not None:  # the controller's next try may come at any moment
        assert (later.name, later.remedy) == (FindingName.CONFLICT_BACKOFF, Remedy.WAIT)
        assert later.self_heals_at is not None
    function.becomes(is_ready, "is synced and ready", within=60)


def test_a_hex_checksum_that_eats_an_edit_is_named(settled: Create, remediator: Remediator, cloud: Cloud) -> None:
    function = settled(environment={"variables": {"STAGE": "old"}})
    function.edit(code={"sha256": "9f" * 32}, environment={"variables": {"STAGE": "new"}})
    function.becomes(lambda seen: seen["spec"]["environment"]["variables"]["STAGE"] == "old", "lost the edit")
    seen = function.becomes(is_synced, "is synced all the same")
    assert seen["spec"]["code"]["sha256"] == "9f" * 32
    found = finding(remediator(), function)
    assert (found.name, found.state, found.remedy) == (FindingName.CHECKSUM_MISMATCH, State.ADVISORY, Remedy.REPORT)
    assert found.evidence["variant"] == "hex"


def test_a_failed_update_under_a_green_object_is_found(settled: Create, remediator: Remediator, cloud: Cloud) -> None:
    function = settled()
    cloud.update_takes = 2
    function.edit(memorySize=256)
    function.becomes(
        lambda seen: is_ready(seen) and seen["status"].get("lastUpdateStatus") == "InProgress", "is green, in progress"
    )
    cloud.set_update(function.name, "Failed", reason_code="EniLimitExceeded", reason="No more ENIs.")
    found = finding(remediator(), function)
    assert is_ready(function.read())
    assert (found.name, found.state, found.remedy) == (FindingName.UPDATE_FAILED, State.STUCK, Remedy.REPORT)


def test_a_stopped_controller_is_silence(
    settled: Create, remediator: Remediator, control_plane: Plane, cloud: Cloud, controller: Handle
) -> None:
    function = settled()
    cloud.refuse("UpdateFunctionConfiguration", "ServiceException", "An error occurred", name=function.name)
    function.edit(memorySize=256)
    function.becomes(lambda seen: "ServiceException" in error_text(seen), "fails")
    controller.stop()
    before = rewind(control_plane, function, 25)
    wired = remediator()
    found = finding(wired, function)
    assert (found.name, found.state, found.remedy) == (FindingName.CONTROLLER_SILENT, State.STUCK, Remedy.RESYNC)
    outcome = approved(wired, function)
    assert outcome.result is Result.UNKNOWN, outcome.detail  # nobody is there to run a pass, and it says so
    assert function.read()["spec"] == before["spec"]
    cloud.allow()
    controller.start()
    function.becomes(is_ready, "is synced and ready", within=60)
    rolled_back(control_plane, cloud, function)
    moved = approved(remediator(), function)
    assert moved.result is Result.STILL_STUCK, moved.detail
    assert "ran a pass" in moved.detail


@pytest.mark.usefixtures("deployment_is_down")
def test_a_left_finalizer_is_cleared_after_two_proofs(
    settled: Create, remediator: Remediator, cloud: Cloud, controller: Handle, tmp_path: Path
) -> None:
    secret = "correct-horse-battery"
    function = settled(environment={"variables": {"DB_PASSWORD": secret}})
    controller.stop()
    function.delete()
    cloud.remove(function.name)
    wired = remediator(deletion="0s")
    found = finding(wired, function)
    assert (found.name, found.state, found.remedy) == (FindingName.FINALIZER_LEFT, State.STUCK, Remedy.CLEAR_FINALIZER)
    began = datetime.now(UTC)
    outcome = approved(wired, function)
    assert outcome.result is Result.RESOLVED, outcome.detail
    assert function.find() is None
    assert datetime.now(UTC) - began > timedelta(seconds=120)  # 60 s between the proofs, 60 s to the orphan check
    assert outcome.backup is not None
    backup = Path(outcome.backup)
    assert backup.stat().st_mode & 0o777 == 0o600
    saved = json.loads(backup.read_text())
    assert saved["metadata"]["finalizers"] == [FINALIZER]
    assert saved["spec"]["environment"]["variables"]["DB_PASSWORD"] == secret
    assert secret not in outcome.detail


@pytest.mark.usefixtures("deployment_is_down")
def test_the_finalizer_of_a_function_that_exists_stays(
    settled: Create, remediator: Remediator, controller: Handle
) -> None:
    function = settled()
    controller.stop()
    function.delete()
    wired = remediator(deletion="0s")
    scan, each = judged(wired, function)
    assert each.finding is not None
    assert (each.finding.name, each.finding.remedy) == (FindingName.DELETION_UNATTENDED, Remedy.REPORT)
    assert each.plan is None
    forced = plan_for(_with_remedy(each.finding, Remedy.CLEAR_FINALIZER), each.seen)
    assert forced is not None
    at = situation(wired.policy, each.seen.now, None, approved=frozenset({forced.digest}))
    decision = decide(each.finding, forced, at)
    assert approve(decision, at) is None
    assert list(wired.work.remediate(scan, frozenset({forced.digest}))) == []
    assert function.read()["metadata"]["finalizers"] == [FINALIZER]


def _with_remedy(found: Finding, remedy: Remedy) -> Finding:
    import msgspec

    return msgspec.structs.replace(found, remedy=remedy)


@pytest.mark.usefixtures("deployment_is_down")
def test_not_found_in_another_account_is_not_gone(
    settled: Create, remediator: Remediator, control_plane: Plane, controller: Handle
) -> None:
    function = settled()
    controller.stop()
    place = copy.deepcopy(function.read()["status"]["ackResourceMetadata"])
    elsewhere = {"arn": place["arn"].replace(place["ownerAccountID"], "210987654321"), "ownerAccountID": "210987654321"}
    control_plane.admin.merge(f"{function.path}/status", {"status": {"ackResourceMetadata": elsewhere}})
    function.delete()
    found = finding(remediator(deletion="0s"), function)
    assert (found.name, found.state, found.remedy) == (FindingName.UNREADABLE, State.UNKNOWN, Remedy.REPORT)
    assert "210987654321" in found.summary


@pytest.mark.usefixtures("deployment_is_down")
def test_not_found_in_another_region_is_not_gone(
    settled: Create,
    remediator: Remediator,
    control_plane: Plane,
    controller: Handle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    function = settled()
    controller.stop()
    function.delete()
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    # The recorded ARN says where to ask, whatever our own region is.
    assert finding(remediator(deletion="0s"), function).name is FindingName.DELETION_UNATTENDED
    # Without it, and with nothing that tells the region, the wrong one is asked, and NotFound proves nothing.
    path = f"{function.path}/status"
    control_plane.admin.merge(path, {"status": {"ackResourceMetadata": {"arn": None, "region": "eu-west-1"}}})
    wired = remediator(deletion="0s")
    scan, each = judged(wired, function)
    assert each.finding is not None
    assert each.finding.evidence["gone"] == "unproven"
    assert (each.finding.remedy, each.plan) == (Remedy.REPORT, None)
    assert scan.proposals == ()
    assert function.read()["metadata"]["finalizers"] == [FINALIZER]


def test_a_resource_made_anew_is_left_alone(
    settled: Create, remediator: Remediator, control_plane: Plane, cloud: Cloud, create: Create
) -> None:
    function = settled()
    rolled_back(control_plane, cloud, function)
    wired = remediator()
    scan, each = judged(wired, function)
    assert each.plan is not None
    function.delete()
    function.disappears(30)
    again = settled(function.name)
    rolled_back(control_plane, cloud, again)
    before = again.read()
    (outcome,) = wired.work.remediate(scan, frozenset({each.plan.digest}))
    assert outcome.result is Result.SKIPPED
    assert "anew" in outcome.detail
    assert again.read()["metadata"]["generation"] == before["metadata"]["generation"]


def test_a_deletion_that_may_not_be_read_is_green_for_ever(
    settled: Create, remediator: Remediator, cloud: Cloud, controller: Handle
) -> None:
    function = settled()
    denied = "User: controller is not authorized to perform: lambda:GetFunction"
    cloud.refuse("GetFunction", "AccessDeniedException", denied, name=function.name, access_key=controller.access_key)
    function.delete()
    function.stays(is_ready, "stays green", 4)
    found = finding(remediator(deletion="0s"), function)
    assert (found.name, found.remedy) == (FindingName.DELETION_UNEXPLAINED, Remedy.RESYNC)


def test_reading_alone_cannot_act(
    settled: Create, remediator: Remediator, readonly: Path, control_plane: Plane, cloud: Cloud
) -> None:
    function = settled()
    rolled_back(control_plane, cloud, function)
    before = function.read()
    outcome = approved(remediator(readonly), function)
    assert outcome.result is Result.SKIPPED
    assert "permission: we may not patch functions" in outcome.detail
    assert function.read()["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


def test_the_command_line_scans_approves_and_tells(
    settled: Create, remediator: Remediator, control_plane: Plane, cloud: Cloud, kubeconfig: Path, tmp_path: Path
) -> None:
    function = settled()
    rolled_back(control_plane, cloud, function)
    remediator()  # writes the policy
    where = ["--kubeconfig", str(kubeconfig), "-n", function.namespace, "--policy", str(tmp_path / "policy.yaml")]

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from remediator.cli import main; main()", *words, *where],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    scanned = command("scan", "-o", "json", "--exit-code")
    assert scanned.returncode == 3, scanned.stderr
    (result,) = json.loads(scanned.stdout)["results"]
    assert (result["finding"], result["remedy"], result["decision"]) == ("UpdateFailed", "Resync", "propose")
    told = command("explain", f"function/{function.name}")
    assert "kubectl patch functions.lambda.services.k8s.aws" in told.stdout
    refused = command("run", "--approve")
    assert refused.returncode == 2
    ran = command("run", "--approve", "--proposal", result["proposalId"], "-o", "json")
    assert ran.returncode == 0, ran.stderr
    (outcome,) = json.loads(ran.stdout)["outcomes"]
    assert outcome["result"] == "still-stuck"
    assert "ran a pass" in outcome["detail"]
    stale = command("run", "--approve", "--proposal", result["proposalId"])
    assert stale.returncode == 4  # the Resync made a new generation: the old approval is for another situation
