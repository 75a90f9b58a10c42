"""A shop's cluster with the trouble that users meet: a dozen Functions in it, among healthy ones.

The objects are made as users make them, the controller works on them, and then the trouble is laid on: in AWS, or by
setting the stored object back to how it was left hours ago.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from remediator.sandbox.api.values import timestamp
from remediator.sandbox.apiserver import ApiServer
from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Cloud
from remediator.sandbox.controller import Controller

FINALIZER = "finalizers.lambda.services.k8s.aws/Function"
NAMESPACE = "shop"
CONTEXT = "sandbox"

_Object = dict[str, Any]
_API_VERSION = "lambda.services.k8s.aws/v1alpha1"
_HEALTHY = 45
_SETTLE_SECONDS = 30.0  # real ones: how long the controller may take to make all of them
_REST_SECONDS = 0.4
_FOREIGN_ACCOUNT = "210987654321"


class Stage:
    """The sandbox with the shop in it; a context manager. Servers listen on loopback, files are in `directory`.

    `healthy` is how many Functions without trouble there are beside the dozen with: fewer are furnished sooner, but
    where they are less than four in five, the trouble counts as an incident.
    """

    def __init__(self, directory: Path, *, speed: float, healthy: int = _HEALTHY) -> None:
        self.clock = SandboxClock(speed=speed)
        self.api = ApiServer(self.clock)
        self.cloud = Cloud(self.clock)
        self.kubeconfig = directory / "kubeconfig"
        self.policy = directory / "policy.yaml"
        self._healthy = tuple(f"service-{number:02d}" for number in range(1, healthy + 1))
        self._controller: Controller | None = None
        self._environment = dict(os.environ)

    def __enter__(self) -> Self:
        self.api.start()
        self.cloud.start()
        self.api.kubeconfig(self.kubeconfig, context=CONTEXT, namespace=NAMESPACE)
        self.policy.write_text(
            "apiVersion: ack-remediator.dev/v1alpha1\n"
            "kind: Policy\n"
            "mode: dry-run\n"
            f"aws: {{endpointURL: '{self.cloud.endpoint}'}}\n",
            encoding="utf-8",
        )
        for name in [each for each in os.environ if each.startswith("AWS_")]:
            del os.environ[name]
        os.environ |= {
            "AWS_ACCESS_KEY_ID": "AKIASANDBOXREMEDIATOR",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_DEFAULT_REGION": self.cloud.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "KUBECONFIG": str(self.kubeconfig),
        }
        self._controller = Controller(self.kubeconfig, self.cloud.endpoint, self.clock)
        self._controller.start()
        self._furnish()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._controller is not None:
            self._controller.stop()
        self.cloud.stop()
        self.api.stop()
        os.environ.clear()
        os.environ.update(self._environment)

    def heal(self) -> None:
        """Wait until what only needed time is synced again."""
        self._settle({"payments", "invoices"}, _synced)

    # ---- what users made ---------------------------------------------------------------------------------------

    def _furnish(self) -> None:
        self.api.seed(_deployment(timestamp(self.clock.now() - timedelta(days=9))))
        made = ("checkout", "archive", "ledger", "exports", "invoices", "payments", "receipts", "legacy", "thumbnails")
        for name in made:
            self._apply(name, memorySize=256, environment={"variables": {"DB_PASSWORD": "correct-horse-battery"}})
        self.cloud.create_function("avatars")
        self._apply("avatars")
        self._apply("emails", roleRef={"from": {"name": "emails-role"}})
        self.cloud.refuse("CreateFunction", "AccessDeniedException", self._denied(), name="search")
        self._apply("search")
        self._settle(set(made), _synced)
        for name in self._healthy:
            self._copy("checkout", name)
        self._settle({"avatars", "emails", "search"}, lambda each: bool(_conditions(each)))
        self._rest()
        for trouble in (
            self._rolled_back,
            self._never_matching,
            self._image_gone,
            self._gone_in_aws,
            self._refused_deletion,
            self._other_account,
            self._hands_off,
            self._pending,
            self._updating,
        ):
            trouble()
        self._settle({"payments", "invoices"}, lambda each: not _synced(each))
        self._settle({"ledger"}, lambda each: "ACK.Recoverable" in _conditions(each))

    def _denied(self) -> str:
        who = f"arn:aws:sts::{self.cloud.account}:assumed-role/ack-lambda-controller/1"
        return f"User: {who} is not authorized to perform: lambda:CreateFunction on resource: function:search"

    def _apply(self, name: str, **spec: Any) -> None:
        role = {} if "roleRef" in spec else {"role": self.cloud.role_arn}
        self.api.seed(
            {
                "apiVersion": _API_VERSION,
                "kind": "Function",
                "metadata": {
                    "name": name,
                    "namespace": NAMESPACE,
                    "creationTimestamp": timestamp(self.clock.now() - timedelta(days=3)),
                },
                "spec": {
                    "name": name,
                    "packageType": "Zip",
                    "handler": "app.handler",
                    "runtime": "python3.13",
                    "code": dict(self.cloud.code),
                    **role,
                    **spec,
                },
            }
        )

    def _copy(self, name: str, copy: str) -> None:
        """Make a Function as another one is, on both sides: sooner than letting the controller create it."""
        stored = self._stored(name)
        arn = self.cloud.create_function(copy, MemorySize=256)
        del stored["metadata"]["uid"], stored["spec"]["environment"]
        stored["metadata"]["name"] = stored["spec"]["name"] = copy
        stored["status"]["ackResourceMetadata"]["arn"] = arn
        self.api.seed(stored)

    def _settle(self, names: set[str], settled: Callable[[_Object], bool]) -> None:
        deadline = time.monotonic() + _SETTLE_SECONDS
        while names := {name for name in names if not settled(self._stored(name))}:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the sandbox's controller did not settle {', '.join(sorted(names))}")
            time.sleep(0.05)

    def _rest(self) -> None:
        """Wait until the controller asks AWS nothing more: what is set back then stays as it is."""
        before = -1
        while before != (before := len(self.cloud.calls)):
            time.sleep(_REST_SECONDS)

    def _stored(self, name: str) -> _Object:
        return self.api.stored(_API_VERSION, "Function", NAMESPACE, name)

    def _rewrite(self, name: str, change: Callable[[_Object], None], *, hours_ago: float = 0.0) -> None:
        """Change a stored object as if it had been so for long: no new generation, so the controller does not look."""
        stored = self._stored(name)
        change(stored)
        if hours_ago:
            past = timestamp(self.clock.now() - timedelta(hours=hours_ago))
            for condition in stored["status"]["conditions"]:
                if "lastTransitionTime" in condition:
                    condition["lastTransitionTime"] = past
        self.api.seed(stored)

    # ---- what went wrong ---------------------------------------------------------------------------------------

    def _rolled_back(self) -> None:
        """AWS rolled an update back hours ago; the controller looks again only every ten hours."""

        def accepted(each: _Object) -> None:
            each["spec"]["memorySize"] = 512
            each["status"]["lastUpdateStatus"] = "InProgress"

        self._rewrite("checkout", accepted, hours_ago=3)
        reason = "An internal error occurred."
        self.cloud.set_update("checkout", "Failed", reason_code="InternalError", reason=reason)

    def _never_matching(self) -> None:
        self._rewrite("receipts", lambda each: each["spec"]["code"].update(sha256="9f" * 32), hours_ago=2)

    def _image_gone(self) -> None:
        self.cloud.set_state(
            "thumbnails", "Failed", reason_code="ImageDeleted", reason="The image was deleted from its repository."
        )

        def failed(each: _Object) -> None:
            each["status"]["state"] = "Failed"

        self._rewrite("thumbnails", failed)

    def _pending(self) -> None:
        self.cloud.set_state(
            "payments", "Pending", reason_code="Creating", reason="The function is being created.", seconds=240
        )
        self._edit("payments", {"memorySize": 512})

    def _updating(self) -> None:
        self.cloud.set_update(
            "invoices", "InProgress", reason_code="Creating", reason="The function is being updated.", seconds=240
        )
        self._edit("invoices", {"memorySize": 512})

    def _gone_in_aws(self) -> None:
        """Deleted by hand in AWS; a wrong region on the object keeps the controller from looking at all."""
        self.cloud.remove("archive")

        def deleted(each: _Object) -> None:
            each["metadata"].setdefault("annotations", {})["services.k8s.aws/region"] = "eu-west-1"
            self._deleted(each, minutes=45)

        self._rewrite("archive", deleted, hours_ago=5)

    def _refused_deletion(self) -> None:
        said = "Lambda was unable to delete the function because it is a replicated function."
        self.cloud.refuse("DeleteFunction", "InvalidParameterValueException", said, name="ledger")

        def deleted(each: _Object) -> None:
            self._deleted(each, minutes=90)
            each["metadata"]["generation"] += 1  # as the API server does when a deletion begins

        self._rewrite("ledger", deleted, hours_ago=4)

    def _other_account(self) -> None:
        """NotFound would be the answer here, too: from an account that never had it."""

        def foreign(each: _Object) -> None:
            self._deleted(each, minutes=30)
            place = each["status"]["ackResourceMetadata"]
            place["arn"] = place["arn"].replace(self.cloud.account, _FOREIGN_ACCOUNT)
            place["ownerAccountID"] = _FOREIGN_ACCOUNT

        self._rewrite("exports", foreign, hours_ago=6)

    def _hands_off(self) -> None:
        self.cloud.remove("legacy")

        def ignored(each: _Object) -> None:
            annotations = each["metadata"].setdefault("annotations", {})
            annotations |= {"services.k8s.aws/region": "eu-west-1", "ack-remediator.dev/ignore": "true"}
            self._deleted(each, minutes=60)

        self._rewrite("legacy", ignored, hours_ago=8)

    def _deleted(self, each: _Object, *, minutes: float) -> None:
        each["metadata"]["deletionTimestamp"] = timestamp(self.clock.now() - timedelta(minutes=minutes))
        each["metadata"]["deletionGracePeriodSeconds"] = 0

    def _edit(self, name: str, spec: _Object) -> None:
        """Edit as a user does, with a new generation: the controller looks at once."""
        stored = self._stored(name)
        stored["spec"] |= spec
        stored["metadata"]["generation"] += 1
        self.api.seed(stored)


def _conditions(function: _Object) -> dict[str, str]:
    return {each["type"]: each["status"] for each in function.get("status", {}).get("conditions") or []}


def _synced(function: _Object) -> bool:
    return _conditions(function).get("ACK.ResourceSynced") == "True"


def _deployment(since: str) -> _Object:
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
