"""Metrics of one run: where they go when it ends, and what is refused before it begins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from remediator.cli.render import narration
from remediator.clock import SystemClock
from remediator.errors import UsageError
from remediator.ports import Clock, Counters

if TYPE_CHECKING:
    from remediator.telemetry.metrics import Metrics

_ADDRESSES = {
    "--push": "the URL of a Pushgateway, such as http://pushgateway.monitoring:9091",
    "--metrics-url": "the URL of what a daemon serves, such as http://localhost:9464/metrics",
}
_LABEL = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_]*")


@contextmanager
def deliver(
    file: Path | None, gateway: str | None, job: str, labels: Iterable[str], clock: Clock | None
) -> Iterator[Counters | None]:
    """Give counters for a block, and deliver them after it, whatever comes of it; None where they go nowhere.

    Raises UsageError where they could never arrive. That they do not arrive this time is told on stderr and changes
    nothing else: the work is done, and an alert on the age of the last success tells those who do not read it.
    """
    grouping: dict[str, str] = {}
    if gateway is not None:
        check_url("--push", gateway)
        grouping = _grouping(job, labels)
    elif any(labels):
        raise UsageError("--push-label goes with --push", hint="Add --push, or leave it out.")
    if file is not None:
        check_file(file)
    if file is None and gateway is None:
        yield None
        return
    from remediator.telemetry.metrics import Metrics

    metrics = Metrics(now=(clock or SystemClock()).now)
    ended_well = False
    try:
        yield metrics
        ended_well = True
    finally:
        if not ended_well:
            metrics.failed()
        for trouble in filter(None, _delivered(metrics, file, gateway, job, grouping, ended_well=ended_well)):
            narration().line(f"{trouble[:1].upper()}{trouble[1:]}")


def _delivered(
    metrics: Metrics,
    file: Path | None,
    gateway: str | None,
    job: str,
    labels: Mapping[str, str],
    *,
    ended_well: bool,
) -> Iterator[str]:
    """Write and push. A file is replaced as a whole, so a run that broke off leaves it as it was."""
    from remediator.telemetry import pushing, textfile

    if file is not None and ended_well:
        yield textfile.write(metrics, file)
    if gateway is not None:
        yield pushing.push(metrics, gateway, job, labels, ended_well=ended_well)


def check_file(file: Path) -> None:
    """Refuse a file that node_exporter would never read. Raises UsageError."""
    if file.suffix != ".prom":
        raise UsageError(f"--metrics-file {file}: node_exporter reads files whose names end in .prom only")
    if not file.parent.is_dir():
        raise UsageError(f"--metrics-file {file}: there is no directory {file.parent}")


def check_url(flag: str, url: str) -> None:
    """Refuse what is no address of a Pushgateway or of a daemon, and passwords in it. Raises UsageError."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is none
        usable = False
    if not usable or "?" in url or "#" in url:
        raise UsageError(f"{flag} takes {_ADDRESSES[flag]}")
    if "@" in parts.netloc:
        raise UsageError(f"{flag} takes no password in the URL: it would be in every list of processes")


def _grouping(job: str, labels: Iterable[str]) -> dict[str, str]:
    """Read the labels that a gateway tells pushers apart by. They go over labels of ours, so none of those may be."""
    from remediator.telemetry.families import FAMILIES

    if not job:
        raise UsageError("--push-job takes a name")
    taken = {"job", *(label.name for family in FAMILIES for label in family.labels)}
    grouping: dict[str, str] = {}
    for each in labels:
        name, _, value = each.partition("=")
        if not _LABEL.fullmatch(name) or not value:
            raise UsageError(f"--push-label takes NAME=VALUE, such as cluster=eu1, not {each!r}")
        if name in taken or name in grouping:
            raise UsageError(f"--push-label {name}: that name is taken")
        grouping[name] = value
    return grouping
