"""Where it is measured: a kube-apiserver and an etcd of our own, full of Functions, and a Lambda that knows of them."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Self

from msgspec import Struct

from bench.fleet import HOME, NAMESPACES, UNWELL_EVERY, Object, fleet, is_gone, is_well_in_aws, name_of
from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Call, Cloud
from tests.bed.api import Refused
from tests.bed.controlplane import ControlPlane
from tests.bed.toolchain import SANDBOX_CRDS, Toolchain
from tests.bed.waiting import eventually
from tests.cluster.records import MANIFESTS, shipped

_API = "/apis/lambda.services.k8s.aws/v1alpha1"
_FORGETS = 20.0  # seconds; the API server looks at what etcd has compacted every fifteen
_AT_ONCE = 100  # Functions in one transaction of etcd
_METRIC = r"^{name} (\S+)$"


class Asked(NamedTuple):
    """A request that the API server answered: its verb and path, and when it came, in seconds since 1970."""

    verb: str
    path: str
    at: float


class Unwell(Struct, frozen=True):
    """How many Functions are stuck; which of those AWS does not have, and which it says are fine, by name."""

    count: int
    gone: frozenset[str]
    fine: frozenset[str]


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
        self._now = datetime.now(UTC)

    def __enter__(self) -> Self:
        self.cloud.start()
        try:
            self.plane.start()
        except BaseException:
            self.cloud.stop()
            raise
        self.plane.install(SANDBOX_CRDS)
        for name in (HOME, *NAMESPACES):
            self.plane.namespace(name)
        return self

    def __exit__(self, *_: object) -> None:
        self.plane.stop()
        self.cloud.stop()

    @property
    def port(self) -> int:
        """Say at which port of loopback the API server is."""
        return int(self.plane.url.rpartition(":")[2])

    # ---- what is in it ---------------------------------------------------------------------------------------------

    def grow(self, count: int) -> None:
        """Let there be so many Functions in all, and those that are new be healthy.

        They are put into etcd, many in a transaction: by way of the API server each would be two requests, and a
        hundred thousand of them a quarter of an hour.
        """
        self._put(fleet(range(self.count, count), now=self._now))
        self.count = max(self.count, count)
        self._until_seen()

    def rest(self) -> None:
        """Let it be as if nothing had been written for long: etcd forgets what was before, and the API server with it.

        It then reads every page of a list from etcd but the first. That is what five to ten minutes without a write do.
        """
        self.plane.compact()
        time.sleep(_FORGETS)

    def fall_ill(self) -> Unwell:
        """Let one in a hundred of them be unwell, each in its way, and AWS know those that it has."""
        unwell = range(0, self.count, UNWELL_EVERY)
        self._put(fleet(unwell, now=self._now, unwell=True))
        gone = frozenset(name_of(number) for number in unwell if is_gone(number))
        fine = frozenset(name_of(number) for number in unwell if is_well_in_aws(number))
        for name in {name_of(number) for number in unwell} - gone:
            self.cloud.create_function(name)
        self._until_seen()
        return Unwell(len(unwell), gone, fine)

    def _put(self, objects: Iterator[Object]) -> None:
        while some := {_key(each): each for each in islice(objects, _AT_ONCE)}:
            self.plane.put(some)

    def _until_seen(self) -> None:
        """Wait until the API server shows them all, from etcd and from its cache of them, which lags behind."""
        eventually(
            lambda: self.plane.admin.get(f"{_API}/functions", limit="1")["metadata"].get("remainingItemCount", 0),
            lambda rest: rest + 1 >= self.count,
            f"{self.count} Functions are there",
            self.plane.clock,
            within=300,
        )
        eventually(self._has_cached, bool, "the API server's cache is up to date", self.plane.clock, within=300)

    def _has_cached(self) -> bool:
        """Ask for what is not there: without a limit it is looked for in the cache, once that is up to date."""
        try:
            self.plane.admin.get(f"{_API}/namespaces/{HOME}/functions")
        except Refused:
            return False
        return True

    # ---- who asks --------------------------------------------------------------------------------------------------

    def reader(self, name: str) -> Path:
        """Make a ServiceAccount that may read what the remediator reads, and answer a kubeconfig of it."""
        rules = shipped("clusterrole-read.yaml")[0]["rules"]
        return self.plane.service_account(HOME, name, rules)

    def keeper(self, name: str) -> Path:
        """Make a reader that keeps records and tells Events, too, and answer a kubeconfig of it."""
        definition = self.folder / "definition"
        definition.mkdir()
        shutil.copy(MANIFESTS / "crd-remediations.yaml", definition)
        self.plane.install(definition)
        roles = ("clusterrole-read", "clusterrole-events", "role-records")
        rules = [rule for role in roles for rule in shipped(f"{role}.yaml")[0]["rules"]]
        return self.plane.service_account(HOME, name, rules)

    def records(self) -> list[int]:
        """Answer how many bytes each record has, as JSON."""
        kind = f"/apis/ack-remediator.dev/v1alpha1/namespaces/{HOME}/remediations"
        return [len(json.dumps(each, separators=(",", ":"))) for each in self.plane.admin.get(kind)["items"]]

    # ---- what was asked --------------------------------------------------------------------------------------------

    def requests_of(self, name: str) -> list[Asked]:
        """List the requests that the API server answered a ServiceAccount, in the order in which they came."""
        user = f"system:serviceaccount:{HOME}:{name}"
        lines = self.audit.read_text(encoding="utf-8").splitlines() if self.audit.exists() else []
        entries = [json.loads(line) for line in lines]
        return sorted((_asked(each) for each in entries if each["user"]["username"] == user), key=_when)

    def first_request(self, name: str, since: float) -> float:
        """Say when the first request of a ServiceAccount came, after a time in seconds since 1970."""
        came = eventually(
            lambda: [each.at for each in self.requests_of(name) if each.at >= since],
            bool,  # who asks once only can be gone before it is logged
            f"a request of {name} is logged",
            self.plane.clock,
        )
        return came[0]

    def calls_to_aws(self, since: int = 0) -> list[Call]:
        """List what AWS was asked about functions, but for the first calls."""
        return [call for call in self.cloud.calls if call.function is not None][since:]

    def server_metric(self, name: str) -> float:
        """Read a metric of the API server's own that has no labels."""
        found = re.search(_METRIC.format(name=name), self.plane.admin.text("/metrics"), re.MULTILINE)
        assert found, f"kube-apiserver does not tell its {name}"
        return float(found[1])


def _key(function: Object) -> str:
    return f"lambda.services.k8s.aws/functions/{function['metadata']['namespace']}/{function['metadata']['name']}"


def _asked(entry: Mapping[str, Any]) -> Asked:
    return Asked(
        entry["verb"], entry["requestURI"], datetime.fromisoformat(entry["requestReceivedTimestamp"]).timestamp()
    )


def _when(asked: Asked) -> float:
    return asked.at
