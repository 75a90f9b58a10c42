"""Passes to tell metrics of: over objects in memory, and what a scrape then reads."""

from __future__ import annotations

from typing import Any

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from remediator.model.cluster import ClusterFinding
from remediator.model.decision import Standing
from remediator.model.live import LiveState
from remediator.model.scan import Scan
from remediator.policy import Policy
from remediator.scan import Pass
from remediator.telemetry.metrics import Metrics
from tests.builders import ALIVE, BUSY, Json, active, at, failing, function
from tests.fakes import FakeClock, FakeCloud, FakeCluster, World

# A sample's name and labels, as it is written.
Scrape = dict[str, float]


def stuck(name: str = "checkout", **more: Any) -> Json:
    """Build one that a Resync would help: ControllerSilent, under a controller that lives."""
    return function(name, conditions=failing(BUSY, at(hours=1)), **more)


class Story:
    """Passes over one cluster, one after the other, and the metrics of whoever makes them."""

    def __init__(self, *objects: Json, policy: Json | None = None, **answers: LiveState) -> None:
        names = {each["spec"]["name"] for each in objects}
        self.world = World(FakeCluster(*objects, facts=ALIVE), FakeCloud(**(dict.fromkeys(names, active()) | answers)))
        self.clock: FakeClock = self.world.clock
        head = {"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy"}
        self.policy = Policy.model_validate(head | (policy or {}))
        self.work = Pass(self.world.means, self.policy)
        self.metrics = Metrics(now=self.clock.now)
        self.world.episodes._resolved = self.metrics.resolved

    def scan(self) -> Scan:
        return self.work.scan(rehearse=True)

    def take(self, scan: Scan, *cluster: ClusterFinding, seconds: float = 1.0) -> None:
        standing: Standing = self.world.episodes.standing(scan.started)
        scan = msgspec.structs.replace(scan, cluster=cluster)
        self.metrics.scanned(scan, standing, self.policy, seconds=seconds)

    def look(self, *cluster: ClusterFinding) -> Scrape:
        """Make a pass, and scrape."""
        self.take(self.scan(), *cluster)
        return self.scrape()

    def scrape(self) -> Scrape:
        return scraped(self.metrics)


def scraped(metrics: Metrics) -> Scrape:
    """Read all samples as Prometheus would."""
    return {
        written(sample.name, **sample.labels): sample.value
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
    }


def written(name: str, **labels: str) -> str:
    told = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return f"{name}{{{told}}}" if told else name


def of(scrape: Scrape, name: str) -> Scrape:
    """Pick the samples of one metric."""
    return {key: value for key, value in scrape.items() if key.partition("{")[0] == name}
