"""A restart of the controller on the real thing: not while it makes something, not twice, and seen by what it does.

Nobody plays Deployment here but the test: where its template changes, it ends the controller's process, and starts
another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from remediator.cli.wiring import Wired, wire
from remediator.deciding import Decider
from remediator.kubernetes.remediation_object import collection
from remediator.model.decision import Overrides
from remediator.model.plan import Outcome, Result
from remediator.restarting import Restart, Restarter, install_of
from remediator.sandbox.cloud import Cloud
from tests import yaml_files
from tests.bed.api import Refused
from tests.bed.controllers import Handle
from tests.bed.functions import Function, heartbeat, is_ready
from tests.bed.plane import RBAC, Plane
from tests.bed.plugin import Create
from tests.cluster.records import MANIFESTS, Json, Records
from tests.cluster.runner import Runner
from tests.cluster.stuck import nobody_wrote

pytestmark = pytest.mark.usefixtures("identity")

NAME, SYSTEM = "ack-lambda-controller", "ack-system"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{SYSTEM}/deployments"
PATH = f"{DEPLOYMENTS}/{NAME}"
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
POLL = 0.2


def ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")


def looked_at_since(earlier: Json, now: Json) -> bool:
    """Whether a pass was finished on it after that: a restart is over when one was, on any."""
    return is_ready(now) and heartbeat(now) != heartbeat(earlier)


class StandIn:
    """The controller's Deployment, whose pod is the controller's process."""

    def __init__(self, plane: Plane, controller: Handle) -> None:
        self._admin, self._controller = plane.admin, controller
        self.starts = 0
        self._seen: str | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._play)
        labels = {"app": NAME}
        container = {"name": "controller", "image": "any/lambda-controller:1.14.1"}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        self._admin.post(
            DEPLOYMENTS,
            {"metadata": {"name": NAME}, "spec": {"selector": {"matchLabels": labels}, "template": template}},
        )
        self._is_up(ago(days=1))
        self.rests()

    def rests(self) -> None:
        """Let nobody have written to it just now."""
        self._admin.merge(PATH, {"metadata": {"managedFields": [{}]}})

    def forgets(self) -> None:
        """Take away every trace of its restart: a rollback of somebody's, and a rollout of long ago."""
        annotations = {"annotations": {RESTARTED_AT: None}}
        self._seen = None
        self._admin.merge(PATH, {"spec": {"template": {"metadata": annotations}}})
        self._is_up(ago(days=1))
        self.rests()

    def was_restarted(self, at: str) -> None:
        """Let somebody have restarted it, so long ago that Kubernetes tells it by its annotation alone."""
        self._seen = at
        self._admin.merge(PATH, {"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: at}}}}})
        self._is_up(ago(days=1))
        self.rests()

    @property
    def restarted_at(self) -> str | None:
        template = self._admin.get(PATH)["spec"]["template"]
        value: str | None = (template["metadata"].get("annotations") or {}).get(RESTARTED_AT)
        return value

    def __enter__(self) -> StandIn:
        self._seen = self.restarted_at
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._admin.delete(PATH)

    def _is_up(self, since: str) -> None:
        generation = self._admin.get(PATH)["metadata"]["generation"]
        done = {"reason": "NewReplicaSetAvailable", "lastUpdateTime": since, "lastTransitionTime": since}
        up = {"reason": "MinimumReplicasAvailable", "lastUpdateTime": since, "lastTransitionTime": since}
        conditions = [{"type": "Progressing", "status": "True"} | done, {"type": "Available", "status": "True"} | up]
        counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1)
        status = {"observedGeneration": generation, "conditions": conditions} | counts
        self._admin.merge(f"{PATH}/status", {"status": status})

    def _play(self) -> None:
        while not self._ended.wait(POLL):
            now = self.restarted_at
            if now is not None and now != self._seen:
                self._seen = now
                self._controller.stop()
                # As a pod takes, at the least: a pass of the second in which it was written could be an old one's.
                self._ended.wait(1.5)
                self._controller.start()
                self.starts += 1
                self._is_up(ago())


@pytest.fixture
def stand_in(control_plane: Plane, controller: Handle) -> Iterator[StandIn]:
    with StandIn(control_plane, controller) as playing:
        yield playing


@pytest.fixture
def allowed(control_plane: Plane, home: Records) -> Iterator[None]:
    """Let the remediator's account have the Role that is shipped for people."""
    [role] = yaml_files.read_all(MANIFESTS.parent / "restart-controller" / "role.yaml")
    where, name = f"{RBAC}/namespaces/{SYSTEM}", role["metadata"]["name"]
    subject = {"kind": "ServiceAccount", "namespace": home.home, "name": "ack-remediator"}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    control_plane.admin.post(f"{where}/roles", role)
    control_plane.admin.post(
        f"{where}/rolebindings", {"metadata": {"name": name}, "subjects": [subject], "roleRef": reference}
    )
    yield
    control_plane.admin.delete(f"{where}/rolebindings/{name}")
    control_plane.admin.delete(f"{where}/roles/{name}")


class OnCall:
    """A person who restarts the controller, each time in a process of their own."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.said: list[str] = []
        self.when_told: dict[str, Callable[[], object]] = {}

    def _say(self, said: str) -> None:
        self.said.append(said)
        for word, then in self.when_told.items():
            if word in said:
                then()

    def wired(self) -> Wired:
        allows = {"RestartController": {"mode": "approve"}}
        policy = self._runner.policy(actions=allows)
        home = self._runner.home
        return wire(kubeconfig=home.kubeconfig, all_namespaces=True, home=home.home, policy=policy)

    def look(self) -> Restart:
        return self._asked(None)[0]

    def restart(self, patience: timedelta = timedelta(0)) -> Outcome:
        outcome = self._asked(patience)[1]
        assert outcome is not None
        return outcome

    def _asked(self, patience: timedelta | None) -> tuple[Restart, Outcome | None]:
        wired = self.wired()
        scan = wired.work.scan()
        assert scan.partial == ()
        install = install_of(scan, "")
        decider = Decider(wired.means, wired.policy)
        restarter = Restarter(wired.means, wired.policy, wired.work, decider, Overrides(), everything=True)
        restart = restarter.look(scan, install)
        if patience is None:
            return restart, None
        return restart, restarter.attempt(restart, scan, install, self._say, patience=patience)


@pytest.fixture
def on_call(runner: Runner, allowed: None) -> OnCall:
    return OnCall(runner)


def lost(control_plane: Plane, *functions: Function) -> None:
    """Let the controller have lost these: they failed hours ago, and it has not tried again."""
    for each in functions:
        error = "ServiceException: try again"
        conditions = [
            {"type": "ACK.ResourceSynced", "status": "Unknown", "lastTransitionTime": ago(hours=5), "reason": error},
            {"type": "ACK.Recoverable", "status": "True", "message": error},
        ]
        control_plane.admin.merge(f"{each.path}/status", {"status": {"conditions": conditions}})
        nobody_wrote(control_plane, each)


def held(of: Restart) -> list[str]:
    return [each.gate for each in of.held]


def attempts(runner: Runner) -> list[Json]:
    items = runner.home.admin.get(collection(runner.home.home))["items"]
    [record] = [each for each in items if each["spec"]["target"]["kind"] == "Deployment"]
    assert record["spec"]["target"]["apiVersion"] == "apps/v1"
    found: list[Json] = record["status"]["attempts"]
    return found


def test_it_waits_for_a_create_and_is_not_repeated_within_its_interval(
    settled: Create,
    create: Create,
    stand_in: StandIn,
    on_call: OnCall,
    runner: Runner,
    control_plane: Plane,
    cloud: Cloud,
    controller: Handle,
) -> None:
    silent = [settled(), settled()]
    well = settled()
    lost(control_plane, *silent)

    # ACK calls CreateFunction, and Lambda takes its time.
    hang = cloud.hang("CreateFunction", name="slow-to-make")
    fresh = create("slow-to-make")
    fresh.gets_asked(lambda calls: "CreateFunction" in calls, "ACK makes it")
    assert held(on_call.look()) == ["no create is in flight"]
    outcome = on_call.restart()
    assert (outcome.result, stand_in.restarted_at, stand_in.starts) == (Result.SKIPPED, None, 0)
    assert "no create is in flight: ACK may be making Function" in outcome.detail

    # It waits, and goes on once the function is made, and noted.
    def asked() -> int:
        return [call.operation for call in cloud.calls if call.function == fresh.name].count("CreateFunction")

    begun: list[int] = []  # more than one where it hung for so long that the controller's own client tried again

    def let_go() -> None:
        begun.append(asked())
        hang.release()

    on_call.when_told["waiting"] = let_go
    before = [each.read() for each in (*silent, well)]
    outcome = on_call.restart(patience=timedelta(seconds=60))
    assert outcome.result is Result.RESOLVED, outcome.detail
    assert f"waiting until ACK has made Function {runner.namespace}/slow-to-make" in on_call.said
    assert (stand_in.starts, controller.running) == (1, True)
    assert fresh.read()["status"]["ackResourceMetadata"]["arn"]
    assert [asked()] == begun, "the restart made nobody ask for it again"
    for each, earlier in zip((*silent, well), before, strict=True):
        after = each.becomes(partial(looked_at_since, earlier), "is looked at again")
        assert heartbeat(after) != heartbeat(earlier)
    [attempt] = attempts(runner)
    assert (attempt["action"], attempt["result"]) == ("RestartController", "resolved")
    assert attempt["approvedBy"] == "a person at the terminal"

    # Whoever did it, and whatever became of the traces: not again.
    lost(control_plane, *silent)
    stand_in.rests()
    assert held(on_call.look()) == ["it has run long enough"]
    stand_in.forgets()
    assert held(on_call.look()) == ["it has run long enough"], "the record remembers"
    outcome = on_call.restart()
    assert (outcome.result, stand_in.starts) == (Result.SKIPPED, 1)
    assert len(attempts(runner)) == 1


def test_a_restart_by_hand_counts_too(
    settled: Create, stand_in: StandIn, on_call: OnCall, control_plane: Plane
) -> None:
    silent = [settled(), settled()]
    stand_in.was_restarted(ago(minutes=5))
    lost(control_plane, *silent)
    assert held(on_call.look()) == ["it has run long enough"]


def test_its_role_lets_it_patch_this_deployment_and_no_other(
    home: Records, allowed: None, stand_in: StandIn, control_plane: Plane
) -> None:
    other = {"metadata": {"name": "other", "namespace": SYSTEM}}
    account = home.myself()
    assert account.get(PATH)["metadata"]["name"] == NAME
    with pytest.raises(Refused) as refused:
        account.merge(f"{DEPLOYMENTS}/other", other)
    assert refused.value.status == 403
