"""Two clusters over one Lambda, with something stuck in them for each process that is to be killed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from remediator.model.plan import ActionName
from remediator.sandbox.apiserver import ApiServer
from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Cloud
from remediator.sandbox.controller import Controller
from tests import yaml_files
from tests.cli.shop import Json, Shop, forget
from tests.resilience.killing import Case, Order, Reaper, looks, wired, writes

KEPT = "services.k8s.aws/deletion-policy"
_BASE = Path(__file__).parents[2] / "manifests" / "base"


class Ground:
    """Two clusters over one Lambda: in one a controller is at work, in the other it is down."""

    def __init__(self, directory: Path, patch: pytest.MonkeyPatch) -> None:
        self._directory = directory
        self._patch = patch
        self.clock = SandboxClock()
        self._stack = ExitStack()

    def __enter__(self) -> Ground:
        stack = self._stack
        forget(self._patch, self._directory / "home")
        cloud = stack.enter_context(Cloud(self.clock))
        self.manned = self._cluster("manned", cloud)
        self.unmanned = self._cluster("unmanned", cloud)
        self.manned.controller()
        self.unmanned.controller(available=False)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _cluster(self, name: str, cloud: Cloud) -> Shop:
        directory = self._directory / name
        directory.mkdir()
        shop = Shop(directory, self._patch, self._stack.enter_context(ApiServer(self.clock)), cloud, self.clock)
        definition = yaml_files.read(_BASE / "crd-remediations.yaml")
        shop.api.seed(definition)
        return shop

    def furnish(self, wanted: dict[str, Callable[[Ground, str], None]]) -> None:
        """Make what each case is about; `wanted` says by name how."""
        for name in wanted:
            self._home(name)
        manned = [name for name, make in wanted.items() if make is not cleared]
        made = {name: self.manned.function(name, namespace=name) for name in manned}
        if manned:
            self._stack.enter_context(Controller(self.manned.kubeconfig, self.manned.cloud.endpoint, self.clock))
            _until(lambda: all(self._version(name) != made[name]["metadata"]["resourceVersion"] for name in manned))
            _until_at_rest(self.manned.cloud)
        for name, make in wanted.items():
            make(self, name)

    def _home(self, name: str) -> None:
        for shop in (self.manned, self.unmanned):
            shop.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"home-{name}"}})

    def _version(self, name: str) -> str:
        return str(self.manned.stored(name, namespace=name)["metadata"]["resourceVersion"])

    @contextmanager
    def case(self, name: str, action: ActionName) -> Iterator[Case]:
        shop = self.unmanned if action is ActionName.CLEAR_FINALIZER else self.manned
        directory = self._directory / name
        directory.mkdir()
        with (
            Reaper(shop.api.url, writes, ca=shop.certificate) as kubernetes,
            Reaper(shop.cloud.endpoint, looks) as aws,
        ):
            policy = directory / "policy.yaml"
            policy.write_text(
                "apiVersion: ack-remediator.dev/v1alpha1\nkind: Policy\nmode: approve\nbreaker: {percent: 100}\n"
                f"aws: {{endpointURL: '{aws.url}'}}\n",
                encoding="utf-8",
            )
            kubeconfig = kubernetes.kubeconfig(shop.kubeconfig, directory / "kubeconfig")
            order = Order(kubeconfig, policy, name, f"home-{name}", action, "", self.clock._start, self.clock._origin)
            proposal = self._proposal(order)
            kubernetes.counted.clear()
            aws.counted.clear()
            uid = shop.stored(name, namespace=name)["metadata"]["uid"]
            yield Case(name, replace(order, proposal=proposal), kubernetes, aws, shop, uid)

    @staticmethod
    def _proposal(order: Order) -> str:
        """See what is proposed, as a person does before they approve it."""
        (found,) = wired(order).work.scan().results
        assert found.plan is not None, found
        assert found.plan.action is order.action
        return found.plan.proposal_id


def resynced(ground: Ground, name: str) -> None:
    """Let AWS have rolled back an update, unseen by the controller."""
    stale = _stale(ground, name)
    stale["status"]["lastUpdateStatus"] = "InProgress"
    stale["spec"]["memorySize"] = 512
    ground.manned.api.seed(stale)
    ground.manned.cloud.set_update(name, "Failed", reason_code="InternalError", reason="An internal error occurred.")


def let_go(ground: Ground, name: str) -> None:
    """Let it be deleted, and gone in AWS, unseen by the controller."""
    deleted = _deleted(ground, name)
    ground.manned.cloud.remove(name)
    ground.manned.api.seed(deleted)


def released(ground: Ground, name: str) -> None:
    """Let it be deleted, and AWS refuse that."""
    deleted = _deleted(ground, name)
    told = "InvalidParameterValueException: the function cannot be deleted"
    deleted["status"]["conditions"].append({"type": "ACK.Recoverable", "status": "True", "message": told})
    ground.manned.cloud.deny("DeleteFunction", name=name)
    ground.manned.api.seed(deleted)


def held_by_others(ground: Ground, name: str) -> None:
    """Let AWS refuse the deletion of what somebody else holds, too: after a Release the object is still there."""
    released(ground, name)
    stored = ground.manned.stored(name, namespace=name)
    stored["metadata"]["finalizers"].append("example.com/books")
    stored["metadata"]["annotations"] = {KEPT: "delete"}
    ground.manned.api.seed(stored)


def cleared(ground: Ground, name: str) -> None:
    """Let it be deleted and gone in AWS, where no controller is."""
    ground.unmanned.left(name, namespace=name)


def _stale(ground: Ground, name: str) -> Json:
    """Take a function as it is, with a heartbeat of two hours ago."""
    stored = ground.manned.stored(name, namespace=name)
    for each in stored["status"]["conditions"]:
        if "lastTransitionTime" in each:
            each["lastTransitionTime"] = ground.manned.ago(hours=2)
    return stored


def _deleted(ground: Ground, name: str) -> Json:
    stored = _stale(ground, name)
    stored["metadata"] |= {"deletionTimestamp": ground.manned.ago(minutes=45), "deletionGracePeriodSeconds": 0}
    return stored


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 180  # for a hang: a slow machine makes a hundred objects in a minute
    while not holds():
        assert time.monotonic() < deadline, "the sandbox's controller did not settle"
        time.sleep(0.02)


def _until_at_rest(cloud: Cloud) -> None:
    """Wait until the controller asks AWS nothing more: what is set back then stays as it is."""
    before = -1
    while before != (before := len(cloud.calls)):
        time.sleep(0.3)
