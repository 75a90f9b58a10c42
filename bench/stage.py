"""Where it is measured: a kube-apiserver and an etcd of our own, full of Functions, and a Lambda that knows of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Self

from bench.fleet import NAMESPACES, UNWELL_EVERY, Object, fleet, is_gone, name_of
from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Cloud
from tests.bed.controlplane import ControlPlane
from tests.bed.toolchain import SANDBOX_CRDS, Toolchain
from tests.bed.waiting import eventually
from tests.cluster.records import shipped

_AT_ONCE = 100  # Functions in one transaction of etcd
_HOME = "bench"
_CPU = re.compile(r"^process_cpu_seconds_total (\S+)$", re.MULTILINE)


class Stage:
    """The servers, from `with` to the end of it. `grow` fills them; nothing is ever taken away."""

    def __init__(self, tools: Toolchain, folder: Path) -> None:
        assert tools.apiserver and tools.etcd and tools.kubectl
        clock = SandboxClock()
        self.folder = folder
        self.kubectl = tools.kubectl.path
        self.cloud = Cloud(clock)
        self.audit = folder / "audit.log"
        self.plane = ControlPlane(tools.apiserver.path, tools.etcd.path, folder, clock, self.audit)
        self.count = 0

    def __enter__(self) -> Self:
        self.cloud.start()
        try:
            self.plane.start()
        except BaseException:
            self.cloud.stop()
            raise
        self.plane.install(SANDBOX_CRDS)
        for name in (_HOME, *NAMESPACES):
            self.plane.namespace(name)
        return self

    def __exit__(self, *_: object) -> None:
        self.plane.stop()
        self.cloud.stop()

    def grow(self, count: int) -> None:
        """Let there be so many Functions in all, and those that are new be healthy.

        They are put into etcd, many in a transaction: by way of the API server each would be two requests, and a
        hundred thousand of them a quarter of an hour.
        """
        self._put(fleet(range(self.count, count)))
        self.count = max(self.count, count)
        self._until_seen()

    def fall_ill(self) -> int:
        """Let one in a hundred of them be unwell, each in its way, and AWS know those that it has; say how many."""
        unwell = range(0, self.count, UNWELL_EVERY)
        self._put(fleet(unwell, unwell=True))
        for number in unwell:
            if not is_gone(number):
                self.cloud.create_function(name_of(number))
        self._until_seen()
        return len(unwell)

    def _put(self, objects: Iterator[Object]) -> None:
        while some := {_key(each): each for each in islice(objects, _AT_ONCE)}:
            self.plane.put(some)

    def _until_seen(self) -> None:
        """Wait until the API server shows them all."""
        kind = "/apis/lambda.services.k8s.aws/v1alpha1/functions"
        eventually(
            lambda: self.plane.admin.get(kind, limit="1")["metadata"].get("remainingItemCount", 0),
            lambda rest: rest + 1 >= self.count,
            f"{self.count} Functions are there",
            self.plane.clock,
            within=300,
        )

    def reader(self, name: str) -> Path:
        """Make a ServiceAccount that may read what the remediator reads, and answer a kubeconfig of it."""
        rules = shipped("clusterrole-read.yaml")[0]["rules"]
        return self.plane.service_account(_HOME, name, rules)

    def requests_of(self, name: str) -> int:
        """Count the requests that the API server answered a ServiceAccount, but for its `SelfSubjectAccessReviews`."""
        user = f"system:serviceaccount:{_HOME}:{name}"
        lines = self.audit.read_text(encoding="utf-8").splitlines() if self.audit.exists() else []
        return sum(1 for line in lines if (entry := json.loads(line))["user"]["username"] == user and _is_read(entry))

    def calls_to_aws(self) -> int:
        """Count what AWS was asked of functions so far."""
        return sum(1 for call in self.cloud.calls if call.function is not None)

    def server_cpu(self) -> float:
        """Read how many seconds of CPU the API server has used."""
        found = _CPU.search(self.plane.admin.text("/metrics"))
        assert found, "kube-apiserver does not tell its process_cpu_seconds_total"
        return float(found[1])


def _key(function: Object) -> str:
    return f"lambda.services.k8s.aws/functions/{function['metadata']['namespace']}/{function['metadata']['name']}"


def _is_read(entry: Mapping[str, Any]) -> bool:
    return entry["verb"] in ("get", "list", "watch")
