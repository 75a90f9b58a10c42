"""A cluster, a Lambda and the controller between them, on a clock that runs fast."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from remediator.sandbox.apiserver import ApiServer
from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Cloud
from remediator.sandbox.controller import Controller

GROUP, VERSION, PLURAL = "lambda.services.k8s.aws", "v1alpha1", "functions"
READS = [
    "GetFunction",
    "GetFunctionConcurrency",
    "GetFunctionEventInvokeConfig",
    "GetFunctionCodeSigningConfig",
]
SPEED = 20.0


class World:
    """What a user of the cluster and of AWS can do and see. Waiting is in real seconds."""

    reads = READS
    speed = SPEED

    def __init__(self, kubeconfig: Path, api: ApiServer, cloud: Cloud, controller: Controller) -> None:
        self.api = api
        self.cloud = cloud
        self.controller = controller
        self._client: Any = config.new_client_from_config(config_file=str(kubeconfig))
        self._objects: Any = client.CustomObjectsApi(self._client)

    def close(self) -> None:
        self._client.close()

    def manifest(self, name: str, **spec: Any) -> dict[str, Any]:
        base = {
            "name": name,
            "role": self.cloud.role_arn,
            "code": dict(self.cloud.code),
            "runtime": "python3.13",
            "handler": "app.handler",
        }
        spec = {key: value for key, value in {**base, **spec}.items() if value is not None}
        return {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": "Function",
            "metadata": {"name": name},
            "spec": spec,
        }

    def create(self, name: str, annotations: dict[str, str] | None = None, **spec: Any) -> None:
        body = self.manifest(name, **spec)
        body["metadata"]["annotations"] = annotations or {}
        self._objects.create_namespaced_custom_object(GROUP, VERSION, "default", PLURAL, body)

    def synced(self, name: str, **spec: Any) -> dict[str, Any]:
        """Create a Function and wait until the pass after the defaults' write-back is over."""
        self.create(name, **spec)
        self.until(lambda: self.condition(name, "ACK.ResourceSynced").get("status") == "True")
        self.quiet()
        return self.function(name)

    def function(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self._objects.get_namespaced_custom_object(GROUP, VERSION, "default", PLURAL, name)
        return found

    def exists(self, name: str) -> bool:
        try:
            self.function(name)
        except ApiException as error:
            assert error.status == 404
            return False
        return True

    def patch(self, name: str, body: dict[str, Any] | list[dict[str, Any]]) -> None:
        kind = "application/merge-patch+json" if isinstance(body, dict) else "application/json-patch+json"
        self._objects.patch_namespaced_custom_object(GROUP, VERSION, "default", PLURAL, name, body, _content_type=kind)

    def edit(self, name: str, **spec: Any) -> None:
        self.patch(name, {"spec": spec})

    def annotate(self, name: str, **annotations: str) -> None:
        keys = {f"services.k8s.aws/{key.replace('_', '-')}": value for key, value in annotations.items()}
        self.patch(name, {"metadata": {"annotations": keys}})

    def resync(self, name: str) -> None:
        self.edit(name, publish=False)
        self.edit(name, publish=None)

    def delete(self, name: str) -> None:
        self._objects.delete_namespaced_custom_object(GROUP, VERSION, "default", PLURAL, name)

    def condition(self, name: str, kind: str) -> dict[str, Any]:
        conditions = self.function(name).get("status", {}).get("conditions", [])
        return next((one for one in conditions if one["type"] == kind), {})

    def recoverable(self, name: str) -> str:
        return str(self.condition(name, "ACK.Recoverable").get("message", ""))

    def heartbeat(self, name: str) -> str:
        return str(self.condition(name, "ACK.ResourceSynced").get("lastTransitionTime", ""))

    def asked(self, since: int = 0, *, reads: bool = True) -> list[str]:
        """Return the operations that the controller asked for."""
        operations = [one.operation for one in self.cloud.calls_since(since) if one.access_key == Controller.access_key]
        return [one for one in operations if reads or one not in READS]

    def mark(self) -> int:
        return len(self.cloud.calls)

    def until(self, holds: Callable[[], object], seconds: float = 8.0) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.02)

    def quiet(self, seconds: float = 0.25) -> None:
        """Wait until the controller has made no call for a while."""
        seen = -1
        while seen != (seen := self.mark()):
            time.sleep(seconds)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock = SandboxClock(SPEED)
    with ApiServer(clock) as api, Cloud(clock) as cloud:
        kubeconfig = api.kubeconfig(tmp_path / "kubeconfig")
        with Controller(kubeconfig, cloud.endpoint, clock) as controller:
            world = World(kubeconfig, api, cloud, controller)
            yield world
            world.close()
