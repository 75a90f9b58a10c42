"""Metrics pushed to a Pushgateway, from a process that ends before anybody could scrape it.

A gateway keeps each metric until it is told that metric anew. So zeros are pushed for what there is none of any more;
and a process that saw nothing, or did not end well, pushes nothing that would stand for what it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import urllib3
from prometheus_client import pushadd_to_gateway
from prometheus_client.metrics_core import Metric

from remediator.telemetry.families import LAST_SUCCESS
from remediator.telemetry.metrics import Metrics
from remediator.telemetry.reaching import bounded, why

# In seconds: to connect, without a byte, and until the last one. Someone may wait for the run to end.
_CONNECT, _READ, _ANSWER = 3.0, 3.0, 5.0


def push(metrics: Metrics, gateway: str, job: str, labels: Mapping[str, str], *, ended_well: bool) -> str:
    """Push under a job and more labels; say in a sentence why that failed, empty if it did not.

    When everything was last seen is pushed only by who `ended_well`: the gateway keeps it from before otherwise.
    """
    try:
        pushadd_to_gateway(gateway, job, _Pushed(metrics, ended_well), dict(labels), handler=_handler)
    except _Refused as error:
        return f"metrics could not be pushed to {gateway}: {error}"
    except (urllib3.exceptions.HTTPError, OSError) as error:
        return f"metrics could not be pushed to {gateway}: {why(error)}"
    return ""


class _Pushed:
    """What the gateway is told."""

    def __init__(self, metrics: Metrics, ended_well: bool) -> None:
        self._metrics = metrics
        self._left_out = () if ended_well else (LAST_SUCCESS.name,)

    def collect(self) -> Iterable[Metric]:
        told = self._metrics.collect(with_zeros=True)
        return [each for each in told if each.samples and each.name not in self._left_out]


class _Refused(Exception):
    """The gateway answered, and does not take it."""


def _handler(
    *, url: str, method: str, timeout: float | None, headers: Iterable[tuple[str, str]], data: bytes
) -> Callable[[], None]:
    """Send as the client library asks for, but give up in time, whatever trickles in."""

    def send() -> None:
        with bounded(_CONNECT, _READ, _ANSWER) as pool:
            answer = pool.request(method, url, body=data, headers=dict(headers), redirect=False)
        if answer.status >= 300:
            said = answer.data.decode(errors="replace").strip().splitlines()
            raise _Refused(f"it answered {answer.status}{f': {said[0][:200]}' if said else ''}")

    return send
