"""A real Prometheus and a real Pushgateway beside the cluster, each a process of its own on a free port of loopback."""

import json
import re
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

import urllib3

from remediator.sandbox.clock import SandboxClock
from tests import yaml_files
from tests.bed.processes import Process, tail
from tests.bed.waiting import eventually

MONITORING = Path(__file__).parents[2] / "manifests" / "monitoring"

# By how much the rules' `for` is cut: ten minutes are two seconds then, as four hours are 48.
HASTE = 300

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_LISTENS = re.compile(r'msg="Listening on".*?address=(127\.0\.0\.1:\d+)')
_READY_WITHIN = 60.0  # seconds; less than one on an idle machine
_WITHIN = 60.0  # seconds, for a hang: a pass, a scrape and an evaluation take less than ten

Json = dict[str, Any]
Seen = TypeVar("Seen")


def hasty(groups: list[Json]) -> list[Json]:
    """Cut the `for` of each rule by HASTE, and nothing else: expressions, with their windows, stay as shipped."""
    return [
        group | {"rules": [rule | ({"for": _cut(rule["for"])} if "for" in rule else {}) for rule in group["rules"]]}
        for group in groups
    ]


def _cut(duration: str) -> str:
    parts = re.findall(r"(\d+)(ms|[smhd])", duration)
    assert "".join(number + unit for number, unit in parts) == duration
    return f"{sum(int(number) * _UNITS[unit] for number, unit in parts) // HASTE}ms"


class _Served:
    """A program that serves HTTP, while a block runs."""

    def __init__(self, command: list[str | Path], log: Path) -> None:
        self._command = command
        self._log = log
        self._process: Process | None = None
        self.address = ""

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def __enter__(self) -> Self:
        self._process = Process([*self._command, "--web.listen-address=127.0.0.1:0"], self._log)
        deadline = time.monotonic() + _READY_WITHIN
        while not self._ready():
            if not self._process.running or time.monotonic() > deadline:
                self._process.stop()
                raise RuntimeError(f"{self._command[0]} did not become ready; its log ends:\n{tail(self._log)}")
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.stop()

    def _ready(self) -> bool:
        """Read from its log where it listens, and ask it."""
        listens = _LISTENS.search(self._log.read_text(encoding="utf-8"))
        if listens is None:
            return False
        self.address = listens[1]
        return self.ask("/-/ready")[0] == HTTPStatus.OK

    def ask(self, path: str) -> tuple[int, str]:
        """Get a page."""
        with urllib3.PoolManager(retries=False, timeout=10.0) as pool:
            answer = pool.request("GET", f"{self.url}{path}")
        return answer.status, answer.data.decode()


class Pushgateway(_Served):
    """A gateway that keeps what it is told in memory."""

    def __init__(self, program: str, folder: Path) -> None:
        super().__init__([program, f"--persistence.file={folder / 'pushed'}"], folder / "pushgateway.log")


class Prometheus(_Served):
    """One that looks each second at its targets, and at every rule that is shipped, in haste (`hasty`)."""

    def __init__(
        self, program: str, folder: Path, targets: Mapping[str, str], tls: Mapping[str, Json], clock: SandboxClock
    ) -> None:
        """Let it scrape `targets`: addresses by the name of their job; `tls` are the `tls_config` of those in TLS."""
        self._clock = clock
        jobs = [
            {"job_name": job, "honor_labels": True, "static_configs": [{"targets": [address]}]}
            | ({"scheme": "https", "tls_config": tls[job]} if job in tls else {})
            for job, address in targets.items()
        ]
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "scrape_configs": jobs,
            "rule_files": [str(_rule_file(folder))],
        }
        file = _written(folder / "prometheus.yml", config)
        super().__init__(
            [
                *(program, f"--config.file={file}"),
                *(f"--storage.tsdb.path={folder / 'tsdb'}", "--storage.tsdb.retention.time=1h"),
            ],
            folder / "prometheus.log",
        )

    def alerts(self) -> dict[str, list[Json]]:
        """Ask which alerts are firing, by name."""
        firing: dict[str, list[Json]] = {}
        for each in self._api("alerts")["alerts"]:
            if each["state"] == "firing":
                firing.setdefault(each["labels"]["alertname"], []).append(each)
        return firing

    def raised(self, alert: str) -> Json:
        """Wait until an alert is firing; answer it. There must be one only."""
        found = self._eventually(self.alerts, lambda firing: alert in firing, f"{alert} is raised")
        [firing] = found[alert]
        return firing

    def cleared(self, alert: str) -> None:
        """Wait until an alert is not firing any more."""
        self._eventually(self.alerts, lambda firing: alert not in firing, f"{alert} is cleared")

    def becomes(self, expression: str, value: float) -> None:
        """Wait until an expression has a value."""
        self._eventually(lambda: self.value(expression), lambda found: found == value, f"{expression} is {value:g}")

    def tells(self, names: set[str]) -> None:
        """Wait until it was told of metrics, or has recorded them."""
        self._eventually(
            lambda: sorted(names - set(self._api("label/__name__/values"))), lambda left: not left, "all is told"
        )

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Evaluate an expression now: the labels and the value of each series."""
        found = self._api("query", query=expression)["result"]
        return [(each["metric"], float(each["value"][1])) for each in found]

    def value(self, expression: str) -> float | None:
        """Evaluate an expression that has one series at most."""
        values = [value for _, value in self.query(expression)]
        assert len(values) < 2, f"{expression}: {values}"
        return values[0] if values else None

    def troubles(self) -> list[str]:
        """List what is wrong with rules, by name."""
        rules = [rule for group in self._api("rules")["groups"] for rule in group["rules"]]
        assert rules
        return [f"{each['name']}: {each.get('lastError')}" for each in rules if each["health"] == "err"]

    def _eventually(self, read: Callable[[], Seen], until: Callable[[Seen], object], what: str) -> Seen:
        return eventually(read, until, what, self._clock, _WITHIN)

    def _api(self, path: str, **query: str) -> Any:
        status, told = self.ask(f"/api/v1/{path}" + (f"?{urlencode(query)}" if query else ""))
        assert status == HTTPStatus.OK, told
        return json.loads(told)["data"]


def _rule_file(folder: Path) -> Path:
    """Write what is under `spec` of the PrometheusRule for who scrapes us, or is pushed to, as Prometheus reads it.

    Who has kube-state-metrics read the records takes the other one, and not both.
    """
    spec = yaml_files.read(MONITORING / "prometheusrule.yaml")["spec"]
    return _written(folder / "rules.yaml", {"groups": hasty(spec["groups"])})


def _written(path: Path, content: Json) -> Path:
    # JSON is YAML.
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
