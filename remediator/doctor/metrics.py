"""Where metrics go: a file that node_exporter reads, a Pushgateway, or a daemon that is scraped."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from remediator.doctor.check import Check, Level, Patient
from remediator.model.times import format_duration, format_time
from remediator.telemetry.families import LAST_SUCCESS
from remediator.telemetry.reaching import NotServed, fetch

_AREA = "metrics"
# As often as the alerts forgive.
_MISSED = 3


def look(patient: Patient, file: Path | None, gateway: str | None, url: str | None) -> Iterator[Check]:
    """Look at each way that is named; nothing is written, pushed or counted for it."""
    if file is not None:
        yield _file(file)
    if gateway is not None:
        yield _gateway(gateway)
    if url is not None:
        yield _served(patient, url)
    if file is None and gateway is None and url is None:
        said = "not looked at: name where they go with --metrics-file, --push or --metrics-url"
        yield Check(_AREA, Level.NOTE, said)


def _file(file: Path) -> Check:
    if os.access(file.parent, os.W_OK | os.X_OK):
        return Check(_AREA, Level.OK, f"{file} can be written")
    return Check(_AREA, Level.FAILURE, f"{file.parent} cannot be written to by us", "Give its directory to our user.")


def _gateway(gateway: str) -> Check:
    try:
        fetch(f"{gateway.rstrip('/')}/-/ready")
    except NotServed as error:
        fix = "Is it a Pushgateway, and does a NetworkPolicy let us through?"
        return Check(_AREA, Level.FAILURE, f"the Pushgateway {gateway} is not ready: {error}", fix)
    return Check(_AREA, Level.OK, f"the Pushgateway {gateway} is ready")


def _served(patient: Patient, url: str) -> Check:
    fix = "Is the daemon up, and does a NetworkPolicy let us through? `kubectl port-forward` gets there in any case."
    try:
        families = {each.name: each for each in text_string_to_metric_families(fetch(url))}
    except NotServed as error:
        return Check(_AREA, Level.FAILURE, f"{url} is not served: {error}", fix)
    except ValueError:
        return Check(_AREA, Level.FAILURE, f"{url} serves no metrics", "The path is /metrics.")
    found = families.get(LAST_SUCCESS.name)
    if found is None:
        return Check(_AREA, Level.FAILURE, f"{url} serves no {LAST_SUCCESS.name}: it is not ours, or too old", fix)
    if not found.samples:
        said = f"{url} serves metrics of one that has made no pass: it stands by, or has just begun"
        return Check(_AREA, Level.NOTE, said)
    try:
        at = datetime.fromtimestamp(found.samples[0].value, UTC)
    except (ValueError, OverflowError):
        return Check(_AREA, Level.FAILURE, f"{url} serves a {LAST_SUCCESS.name} that is no time: it is not ours", fix)
    age, interval = patient.clock.now() - at, patient.policy.schedule.interval
    if patient.policy.schedule.cron:
        said = f"{url}: all was seen at {format_time(at)}; whether that is lately, schedule.cron of the policy tells"
        return Check(_AREA, Level.NOTE, said)
    if age > _MISSED * interval:
        said = f"{url}: nothing was seen to its end since {format_time(at)}, every {format_duration(interval)} is due"
        return Check(_AREA, Level.FAILURE, said, "Read its log, and docs/alerts.md#ackremediatorscanstale.")
    return Check(_AREA, Level.OK, f"{url}: all was seen at {format_time(at)}")
