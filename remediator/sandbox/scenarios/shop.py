"""What the stories are played with: the hands of users, of AWS, and of time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from remediator.sandbox.api.values import Object, timestamp

if TYPE_CHECKING:
    from remediator.sandbox.apiserver import ApiServer
    from remediator.sandbox.clock import SandboxClock
    from remediator.sandbox.cloud import Cloud

FINALIZER = "finalizers.lambda.services.k8s.aws/Function"
NAMESPACE = "shop"

_API_VERSION = "lambda.services.k8s.aws/v1alpha1"
_SETTLE_SECONDS = 60.0  # real ones: how long the controller may take, on a machine that has other things to do
_REST_SECONDS = 0.4


class Shop:
    """A namespace of Functions, on a cluster and a cloud that run."""

    def __init__(self, api: ApiServer, cloud: Cloud, clock: SandboxClock) -> None:
        self.api = api
        self.cloud = cloud
        self._clock = clock

    # ---- what users do -----------------------------------------------------------------------------------------

    def apply(self, name: str, **spec: Any) -> None:
        """Make a Function as a user does; the controller creates it in AWS. A `roleRef` takes the role's place."""
        role = {} if "roleRef" in spec else {"role": self.cloud.role_arn}
        self.api.seed(
            {
                "apiVersion": _API_VERSION,
                "kind": "Function",
                "metadata": {"name": name, "namespace": NAMESPACE, "creationTimestamp": self._ago(days=3)},
                "spec": {
                    "name": name,
                    "packageType": "Zip",
                    "handler": "app.handler",
                    "runtime": "python3.13",
                    "memorySize": 256,
                    "environment": {"variables": {"DB_PASSWORD": "correct-horse-battery"}},
                    "code": dict(self.cloud.code),
                    **role,
                    **spec,
                },
            }
        )

    def edit(self, name: str, spec: Object) -> None:
        """Edit as a user does, with a new generation: the controller looks at once."""
        stored = self.stored(name)
        stored["spec"] |= spec
        stored["metadata"]["generation"] += 1
        self.api.seed(stored)

    def copy(self, name: str, copy: str) -> None:
        """Make a Function as another one is, on both sides: sooner than letting the controller create it."""
        stored = self.stored(name)
        arn = self.cloud.create_function(copy, MemorySize=256)
        del stored["metadata"]["uid"], stored["spec"]["environment"]
        stored["metadata"]["name"] = stored["spec"]["name"] = copy
        stored["status"]["ackResourceMetadata"]["arn"] = arn
        self.api.seed(stored)

    # ---- what time did -----------------------------------------------------------------------------------------

    def rewrite(self, name: str, change: Callable[[Object], None], *, hours_ago: float = 0.0) -> None:
        """Change a stored object as if it had been so for long: no new generation, so the controller does not look."""
        stored = self.stored(name)
        change(stored)
        if hours_ago:
            past = self._ago(hours=hours_ago)
            for condition in stored["status"]["conditions"]:
                if "lastTransitionTime" in condition:
                    condition["lastTransitionTime"] = past
        self.api.seed(stored)

    def mark_deleted(self, function: Object, *, minutes: float) -> None:
        """Let an object be one whose deletion began so long ago."""
        function["metadata"]["deletionTimestamp"] = self._ago(minutes=minutes)
        function["metadata"]["deletionGracePeriodSeconds"] = 0

    def show_controller(self) -> None:
        """Let the Deployment be seen that the controller would run in."""
        self.api.seed(_deployment(self._ago(days=9)))

    # ---- what is seen ------------------------------------------------------------------------------------------

    def stored(self, name: str) -> Object:
        return self.api.stored(_API_VERSION, "Function", NAMESPACE, name)

    def settle(self, wanted: Mapping[str, Callable[[Object], bool]]) -> None:
        """Wait until the controller has brought every Function named to where it is wanted."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        while missing := [name for name, settled in wanted.items() if not settled(self.stored(name))]:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the sandbox's controller did not settle {', '.join(sorted(missing))}")
            time.sleep(0.05)

    def rest(self) -> None:
        """Wait until the controller asks AWS nothing more: what is set back then stays as it is."""
        before = -1
        while before != (before := len(self.cloud.calls)):
            time.sleep(_REST_SECONDS)

    def _ago(self, **span: float) -> str:
        return timestamp(self._clock.now() - timedelta(**span))


def _deployment(since: str) -> Object:
    image = "example.invalid/aws-controllers-k8s/lambda-controller:1.14.1"
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "ack-lambda-controller", "namespace": "ack-system"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "ack-lambda-controller"}},
            "template": {
                "metadata": {"labels": {"app": "ack-lambda-controller"}},
                "spec": {"containers": [{"name": "controller", "image": image}]},
            },
        },
        "status": {
            "replicas": 1,
            "availableReplicas": 1,
            "conditions": [{"type": "Available", "status": "True", "lastTransitionTime": since}],
        },
    }
