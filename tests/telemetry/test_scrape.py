"""What rules and dashboard ask for is what the server tells whoever scrapes it."""

from __future__ import annotations

import http.client
import json

import pytest
from prometheus_client.parser import text_string_to_metric_families

from manifests.monitoring.dashboard.page import written
from remediator.model.limits import Mode
from remediator.model.message import Delivery
from remediator.model.plan import ActionName, Outcome, Result
from remediator.model.resource import Ref
from remediator.telemetry.listening import _Server
from remediator.telemetry.server import Server
from tests.promql import parse, rules
from tests.telemetry.passes import Story, stuck

EXPRESSIONS = [
    *(each["expr"] for each in rules()),
    *(target["expr"] for panel in json.loads(written())["panels"] for target in panel.get("targets", ())),
]

DONE = Outcome(action=ActionName.RESYNC, target=Ref("shop", "checkout", "u"), result=Result.RESOLVED, detail="as seen")


@pytest.fixture
def scraped(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Scrape a daemon that leads, saw something stuck, acted, and saw it well: the labels of each metric."""
    monkeypatch.setattr(_Server, "expiration_interval", 0.02)
    story = Story(stuck(), stuck("archive"))
    story.metrics.leading(True)
    story.metrics.reloaded(True, "ab" * 32)
    story.metrics.aws("GetFunction", "ok")
    story.metrics.kubernetes("GET", "200")
    story.metrics.told(Delivery.FAILED)
    story.metrics.acted(DONE, Mode.AUTO)
    story.look()
    del story.world.cluster.objects["shop", "archive"]
    for _ in range(4):  # it is believed to be gone when it stays so
        story.clock.sleep(300)
        story.work.record(story.scan())
    story.look()
    with Server(story.metrics, lambda: "", lambda: "", port=0) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        try:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        finally:
            connection.close()
    return {
        sample.name: {*sample.labels} for family in text_string_to_metric_families(text) for sample in family.samples
    }


def test_every_metric_of_ours_that_is_asked_for_is_scraped_with_the_labels_it_is_chosen_by(
    scraped: dict[str, set[str]],
) -> None:
    asked = [each for expression in EXPRESSIONS for each in parse(expression).metrics]
    ours = [(name, selected) for name, selected in asked if name.startswith("remediator_")]
    assert len({name for name, _ in ours}) >= 20
    for name, selected in ours:
        assert name in scraped, name
        # Of which cluster a metric is, only whoever scrapes it knows.
        assert {label for label, _ in selected} - {"cluster"} <= scraped[name], name
