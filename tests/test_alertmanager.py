"""The example for Alertmanager, tried on a real one: whom an alert reaches, and what goes without saying."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.promql import ALERTS, MONITORING, read

FILE = MONITORING / "alertmanager.example.yaml"
NAMES = {str(each["alert"]) for each in ALERTS}
SEVERITIES = {(str(each["alert"]), str(each["labels"]["severity"])) for each in ALERTS}

amtool, server = (
    pytest.mark.skipif(
        shutil.which(program) is None, reason=f"{program} is not installed (Debian's package prometheus-alertmanager)"
    )
    for program in ("amtool", "prometheus-alertmanager")
)


def matched(matcher: str) -> set[str]:
    """Say which of our alerts a matcher of names takes; the expression is anchored."""
    [pattern] = re.findall(r'^alertname=~?"(.*)"$', matcher)
    return {name for name in NAMES if re.fullmatch(pattern, name)}


def test_the_route_takes_every_alert_and_no_others() -> None:
    [ours] = read(FILE)["route"]["routes"]
    [matcher] = ours["matchers"]
    assert matched(matcher) == NAMES
    [pattern] = re.findall(r'"(.*)"', matcher)
    assert not any(re.fullmatch(pattern, other) for other in ("Watchdog", "AckermannDown", "KubePodCrashLooping"))


@pytest.mark.parametrize("rule", read(FILE)["inhibit_rules"], ids=lambda each: str(each["source_matchers"]))
def test_an_inhibition_is_between_alerts_that_there_are_within_a_cluster(rule: dict[str, Any]) -> None:
    for matchers in (rule["source_matchers"], rule["target_matchers"]):
        [matcher] = matchers
        [names] = re.findall(r'"(.*)"', matcher)
        assert set(names.split("|")) == matched(matcher)
    assert not matched(rule["source_matchers"][0]) & matched(rule["target_matchers"][0])
    assert rule["equal"] == ["cluster"]


def test_no_two_alerts_leave_each_other_out() -> None:
    """However many steps are between them: then nobody would be told anything."""
    pairs = {
        (source, target)
        for rule in read(FILE)["inhibit_rules"]
        for source in matched(rule["source_matchers"][0])
        for target in matched(rule["target_matchers"][0])
    }
    reached = pairs
    for _ in NAMES:
        reached = reached | {(first, last) for first, middle in reached for other, last in pairs if middle == other}
    assert not any(source == target for source, target in reached)


@amtool
@pytest.mark.parametrize(("alert", "severity"), sorted(SEVERITIES))
def test_who_is_woken_goes_by_the_severity(alert: str, severity: str) -> None:
    checked = subprocess.run(
        ["amtool", "config", "routes", "test", f"--config.file={FILE}", f"alertname={alert}", f"severity={severity}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert checked.stdout.split() == ["pager" if severity == "critical" else "tickets"]


@amtool
def test_amtool_takes_the_example() -> None:
    checked = subprocess.run(["amtool", "check-config", FILE], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


# ---- a real one ------------------------------------------------------------------------------------------------------


class Alertmanager:
    """A real one, by its API."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/api/v2/alerts"

    def tell(self, *alerts: dict[str, str]) -> None:
        body = json.dumps([{"labels": each} for each in alerts]).encode()
        asked = urllib.request.Request(self._url, body, {"Content-Type": "application/json"}, method="POST")
        urllib.request.urlopen(asked, timeout=5).close()

    def leaves_out(self, cluster: str, wanted: set[str]) -> bool:
        """Whether it comes to leave out these alerts of a cluster; it takes alerts in one after the other."""
        for _ in range(50):
            if self.left_out(cluster) == wanted:
                return True
            time.sleep(0.1)
        return False

    def left_out(self, cluster: str) -> set[str]:
        """Say which alerts of a cluster are inhibited; `none` where there is no such label."""
        with urllib.request.urlopen(self._url, timeout=5) as answer:
            alerts = json.load(answer)
        return {
            each["labels"]["alertname"]
            for each in alerts
            if each["labels"].get("cluster", "none") == cluster and each["status"]["inhibitedBy"]
        }


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Alertmanager]:
    command = ["prometheus-alertmanager", f"--config.file={FILE}", f"--storage.path={tmp_path}"]
    log = tmp_path / "log"
    with log.open("w", encoding="utf-8") as said:
        running = subprocess.Popen(
            [*command, "--web.listen-address=127.0.0.1:0", "--cluster.listen-address="], stdout=said, stderr=said
        )
        try:
            yield Alertmanager(f"http://{listens(running, log)}")
        finally:
            running.terminate()
            running.wait(timeout=20)


def listens(running: subprocess.Popen[bytes], log: Path) -> str:
    """Wait until it says on which address, which it chose itself."""
    for _ in range(300):
        said = log.read_text(encoding="utf-8")
        found = re.search(r"Listening on.*address=(127\.0\.0\.1:\d+)", said)
        if found:
            return found[1]
        if "default.tmpl: no such file" in said:
            pytest.skip(
                "prometheus-alertmanager is unpacked, but not installed: Debian's looks for files in /usr/share"
            )
        assert running.poll() is None, said
        time.sleep(0.1)
    raise AssertionError(said)


@server
def test_what_another_explains_is_left_out_in_the_same_cluster_and_nothing_else_is(alertmanager: Alertmanager) -> None:
    stuck = {"alertname": "AckResourceStuck", "finding": "FunctionPending", "severity": "warning"}
    unreadable = {"alertname": "AckResourcesUnreadable", "severity": "warning"}
    down = {"alertname": "AckControllerDown", "severity": "critical", "namespace": "(cluster)"}
    waiting = {"alertname": "AckRemediatorApprovalWaiting", "severity": "info"}
    alertmanager.tell(
        *({**each, "cluster": "eu1"} for each in (stuck, unreadable, down, waiting)),
        *({**each, "cluster": "us1"} for each in (stuck, waiting)),
    )
    assert alertmanager.leaves_out("eu1", {"AckResourceStuck"})
    assert alertmanager.leaves_out("us1", set())
    alertmanager.tell({"alertname": "AckRemediatorApprovalsUnguarded", "severity": "critical", "cluster": "us1"})
    assert alertmanager.leaves_out("us1", {"AckRemediatorApprovalWaiting"})
    assert alertmanager.leaves_out("eu1", {"AckResourceStuck"})


@server
def test_where_there_is_one_cluster_nothing_needs_such_a_label(alertmanager: Alertmanager) -> None:
    alertmanager.tell(
        *({"alertname": name} for name in ("AckResourceStuck", "AckRemediatorBreakerOpen", "AckRemediatorScanPartial")),
        {"alertname": "AckRemediatorNoLeader", "namespace": "ack-remediator"},
    )
    assert alertmanager.leaves_out("none", {"AckResourceStuck", "AckRemediatorScanPartial"})
