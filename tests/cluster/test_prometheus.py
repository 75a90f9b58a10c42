"""A real Prometheus, with the rules that are shipped, over a daemon and over a CronJob's runs on the real API server.

Its `for` are cut (`tests/bed/prometheus.py`), its expressions are not: what has to be two hours old is made so in the
record of it.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from ruamel.yaml import YAML

from remediator.kubernetes.remediation_object import object_name, path
from remediator.model.plan import Result
from remediator.sandbox.cloud import Cloud
from remediator.sandbox.faults import Faults, refusing
from remediator.telemetry.families import FAMILIES, WEBHOOK_DELIVERIES, Kind
from tests.bed.functions import Function
from tests.bed.plane import Plane
from tests.bed.plugin import Create, Watch
from tests.bed.processes import free_port
from tests.bed.prometheus import MONITORING, Pushgateway
from tests.cluster.records import Json, Person, Records
from tests.cluster.runner import Runner
from tests.cluster.stuck import rolled_back
from tests.daemon.process import started
from tests.telemetry.certificates import Certificates, certificates

__all__ = ["certificates"]

pytestmark = pytest.mark.usefixtures("controller", "identity")

STUCK, ABSENT, UNREADABLE = "AckResourceStuck", "AckRemediatorAbsent", "AckResourcesUnreadable"
OLDEST = "remediator_oldest_finding_age_seconds"
SCAN, SUCCESS = "remediator_last_scan_timestamp_seconds", "remediator_last_success_timestamp_seconds"


@pytest.fixture
def stuck(settled: Create, control_plane: Plane, cloud: Cloud) -> Function:
    """A Function whose last update AWS rolled back, and which a Resync makes well."""
    function = settled(memorySize=512)
    aws = boto3.client("lambda", endpoint_url=cloud.endpoint, region_name=cloud.region)
    aws.update_function_configuration(FunctionName=function.name, MemorySize=256)
    rolled_back(control_plane, cloud, function)
    return function


def ages(home: Records, function: Function, hours: float) -> None:
    """Let a Function have been unwell for so long, by the record of it."""
    then = (datetime.now(UTC) - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
    record = path(home.home, object_name(function.read()["metadata"]["uid"]))
    home.admin.merge(f"{record}/status", {"status": {"firstSeen": then, "unhealthySince": then}})


def used() -> set[str]:
    """Find every metric of ours that a rule or a dashboard has in an expression, or a rule records."""
    return {
        name
        for file in MONITORING.iterdir()
        if file.suffix in (".yaml", ".json")
        for document in YAML(typ="safe").load_all(file.read_text(encoding="utf-8"))
        for expression in expressions(document)
        for name in re.findall(r"\bremediator[_:][\w:]+", expression)
    }


def expressions(node: Any) -> Iterator[str]:
    match node:
        case dict():
            for key, value in node.items():
                if key in ("expr", "record") and isinstance(value, str):
                    yield value
                else:
                    yield from expressions(value)
        case list():
            for each in node:
                yield from expressions(each)


def exported() -> set[str]:
    """Name every series that we tell of, as Prometheus calls it."""
    return {
        f"{family.name}{part}"
        for family in FAMILIES
        for part in (("_bucket", "_sum", "_count") if family.kind is Kind.HISTOGRAM else ("",))
    }


def test_a_stuck_function_raises_its_alert_and_recovery_clears_it(
    stuck: Function, runner: Runner, home: Records, alice: Person, words: list[str], watch: Watch
) -> None:
    port = free_port()
    prometheus = watch(daemon=f"127.0.0.1:{port}")
    prometheus.raised(ABSENT)
    with started(*words, "--metrics-port", str(port)) as daemon:
        prometheus.cleared(ABSENT)
        prometheus.becomes('remediator_resources{kind="Function",state="stuck"}', 1)
        assert prometheus.value(OLDEST) is not None
        assert prometheus.alerts() == {}, "for a moment, that is"
        ages(home, stuck, 3)
        firing = prometheus.raised(STUCK)
        assert {key: firing["labels"][key] for key in ("finding", "severity")} == {
            "finding": "UpdateFailed",
            "severity": "warning",
        }
        assert firing["annotations"]["summary"].startswith("UpdateFailed has not gone for 3h 0m ")
        assert firing["annotations"]["runbook_url"].endswith("/runbooks/UpdateFailed.md")
        assert set(prometheus.alerts()) == {STUCK}
        runner.approve(alice, stuck)
        assert daemon.told("acted")["result"] == Result.RESOLVED
        prometheus.cleared(STUCK)
        prometheus.becomes('remediator_resources{kind="Function",state="healthy"}', 1)
        assert prometheus.query(OLDEST) == prometheus.query("remediator_findings") == []
        # It counts as resolved once it was seen to be well twice.
        prometheus.becomes('remediator_resolved_total{by="us"}', 1)
        # Of messages nothing is told where the policy names no webhook.
        prometheus.tells((used() | exported()) - {WEBHOOK_DELIVERIES.name})
        assert (prometheus.alerts(), prometheus.troubles()) == ({}, [])
        daemon.terminate()
        assert daemon.ends() == 0
    prometheus.raised(ABSENT)


def test_one_with_a_certificate_scrapes_a_daemon_that_asks_for_one_past_those_who_are_idle(
    words: list[str], watch: Watch, certificates: Certificates, control_plane: Plane
) -> None:
    files, port = certificates.server(clients=True), free_port()
    trusts = {"ca_file": str(certificates.authority)}
    ours, strangers = str(certificates.client()), str(certificates.client(strange=True))
    target = f"127.0.0.1:{port}"
    prometheus = watch(
        tls={
            "ours": trusts | {"cert_file": ours, "key_file": ours},
            "nobody": trusts,
            "stranger": trusts | {"cert_file": strangers, "key_file": strangers},
        },
        **dict.fromkeys(("ours", "nobody", "stranger", "plain"), target),
    )
    flags = ["--metrics-cert", str(files.certificate), "--metrics-key", str(files.key)]
    flags += ["--metrics-client-ca", str(files.clients)]
    with ExitStack() as stack:
        daemon = stack.enter_context(started(*words, *flags, "--metrics-port", str(port)))
        prometheus.becomes('up{job="ours"}', 1)
        for said in 40 * [b""] + 3 * [b"\x16\x03\x01\x02"]:  # idle, and half a greeting
            stack.enter_context(socket.create_connection(("127.0.0.1", port))).sendall(said)
        control_plane.clock.sleep(4)
        assert prometheus.value('min_over_time(up{job="ours"}[3s])') == 1
        assert prometheus.value('count(max_over_time(up{job!="ours"}[1h]) == 0)') == 3
        assert prometheus.value("remediator_leader") == 1
        daemon.terminate()
        assert daemon.ends() == 0


# ---- a CronJob -------------------------------------------------------------------------------------------------------


class CronJob:
    """What a CronJob's pod runs: once, and then it is gone."""

    def __init__(self, home: Records, runner: Runner, gateway: Pushgateway) -> None:
        self._words = ["--home-namespace", home.home, "-n", runner.namespace, "--push", gateway.url]
        self._policy = runner.policy()
        self._kubeconfig = home.kubeconfig

    def runs(self, kubeconfig: Path | None = None) -> tuple[int, Json]:
        """Run; answer its exit code and what it printed."""
        ended = subprocess.run(
            [
                *(sys.executable, "-c", "from remediator.cli import main; main()", "run", "-o", "json"),
                *(*self._words, "--push-label", "cluster=eu1", "--policy", str(self._policy)),
                *("--kubeconfig", str(kubeconfig or self._kubeconfig)),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env=os.environ | {"COLUMNS": "300"},
        )
        assert "could not be pushed" not in ended.stderr, ended.stderr
        return ended.returncode, json.loads(ended.stdout or "{}")


def test_what_a_cronjob_pushes_raises_the_alert_and_clears_it(
    stuck: Function, runner: Runner, home: Records, alice: Person, pushgateway: Pushgateway, watch: Watch
) -> None:
    prometheus = watch(pushgateway=pushgateway.address)
    prometheus.raised(ABSENT)
    job = CronJob(home, runner, pushgateway)
    assert job.runs()[0] == 0
    prometheus.cleared(ABSENT)
    prometheus.becomes('remediator_resources{kind="Function",state="stuck"}', 1)
    assert prometheus.alerts() == {}
    ages(home, stuck, 3)
    assert job.runs()[0] == 0
    firing = prometheus.raised(STUCK)
    assert {key: firing["labels"][key] for key in ("finding", "cluster", "job")} == {
        "finding": "UpdateFailed",
        "cluster": "eu1",
        "job": "ack-remediator",
    }
    runner.approve(alice, stuck)
    code, printed = job.runs()
    assert (code, [each["result"] for each in printed["outcomes"]]) == (0, [Result.RESOLVED])
    assert job.runs()[0] == 0
    prometheus.cleared(STUCK)
    prometheus.becomes('remediator_resources{kind="Function",state="healthy"}', 1)
    assert (prometheus.alerts(), prometheus.troubles()) == ({}, [])


def test_the_time_of_the_last_success_is_pushed_by_who_saw_everything_only(
    runner: Runner,
    home: Records,
    pushgateway: Pushgateway,
    watch: Watch,
    control_plane: Plane,
    tmp_path: Path,
) -> None:
    prometheus = watch(pushgateway=pushgateway.address)
    job = CronJob(home, runner, pushgateway)
    nowhere = elsewhere(home, tmp_path / "nowhere")
    assert job.runs(nowhere)[0] == 1
    prometheus.becomes('remediator_scans_total{result="error"}', 1)
    assert prometheus.query(SCAN) == prometheus.query(SUCCESS) == [], "it never saw anything"
    assert job.runs()[0] == 0
    prometheus.becomes('remediator_scans_total{result="success"}', 1)
    first = prometheus.value(SUCCESS)
    assert first is not None
    assert prometheus.value(SCAN) == first
    assert job.runs(nowhere)[0] == 1
    prometheus.becomes('remediator_scans_total{result="error"}', 1)
    assert (prometheus.value(SUCCESS), prometheus.value(SCAN)) == (first, first)
    with Faults(control_plane.url, ca=control_plane.certificate) as front:
        front.add(refusing(403, "aliases is forbidden", reason="Forbidden"), path="/aliases$")
        assert job.runs(front.kubeconfig(home.kubeconfig, tmp_path / "front"))[0] == 5
    prometheus.becomes('remediator_scans_total{result="partial"}', 1)
    assert prometheus.value(SUCCESS) == first
    assert prometheus.value(f"{SCAN} > {SUCCESS}") is not None, "it saw something, but not everything"
    assert job.runs()[0] == 0
    prometheus.becomes('remediator_scans_total{result="success"}', 1)
    again = prometheus.value(SUCCESS)
    assert again is not None
    assert first < again == prometheus.value(SCAN)


def elsewhere(home: Records, copy: Path) -> Path:
    """Write the remediator's kubeconfig, for an API server that nobody answers for."""
    config = YAML(typ="safe").load(home.kubeconfig.read_text(encoding="utf-8"))
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{free_port()}"
    copy.touch(mode=0o600)
    copy.write_text(json.dumps(config), encoding="utf-8")
    return copy
