"""What Prometheus is told: gauges of the last pass, and counts since the process began.

A scrape sees the state before a pass or after it, never a mixture, and no series of what has recovered.
"""

from __future__ import annotations

import platform
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric

from remediator import __version__
from remediator.model.decision import Standing
from remediator.model.episode import Episode
from remediator.model.limits import Mode
from remediator.model.message import Delivery
from remediator.model.plan import Outcome, Result
from remediator.model.scan import Scan
from remediator.policy import Policy
from remediator.telemetry import families as of
from remediator.telemetry.families import FAMILIES, Family, Kind, Samples
from remediator.telemetry.seen import Seen, deciding_gate, seen
from remediator.telemetry.spread import Spread

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_DIGEST = re.compile(r"[0-9a-f]{8,64}")


class Metrics:
    """Everything that is counted and measured, in a registry of its own. Threads may tell it things side by side.

    Nothing that it is told makes it raise: what no label has a value for counts under the label's rest.
    """

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._counts: defaultdict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
        self._told: dict[str, Samples] = {of.BUILD.name: {(__version__, platform.python_version()): 1.0}}
        self._spreads = {
            of.SCAN_DURATION.name: Spread(0.5, 1, 2.5, 5, 10, 30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE),
            of.TIME_TO_RESOLVE.name: Spread(
                *(_MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 6 * _HOUR, _DAY, 3 * _DAY)
            ),
        }
        self._seen: Seen | None = None
        self._acted = 0
        self._stands_by = False
        self.registry = CollectorRegistry()
        self.registry.register(self)

    # -- what happens ------------------------------------------------------------------------------------------

    def scanned(self, scan: Scan, standing: Standing, policy: Policy, *, seconds: float) -> None:
        """Take in a pass that saw something; it took so many seconds. `standing` is from before it acted.

        Of one that ended after leadership was lost there are no gauges: who leads by now tells theirs.
        """
        taken = seen(scan, standing, policy.limits, windows=policy.windows)
        ended: Samples = {(): self._now().timestamp()}
        with self._lock:
            self._seen, self._acted = None if self._stands_by else taken, 0
            self._told[of.LAST_SCAN.name] = ended
            if not scan.partial:
                self._told[of.LAST_SUCCESS.name] = ended
            self._count(of.SCANS, "partial" if scan.partial else "success")
            self._spreads[of.SCAN_DURATION.name].add(seconds)
            for each in filter(None, (judged.decision for judged in scan.results)):
                action = each.proposal.plan.action if each.proposal else of.NONE
                self._count(of.DECISIONS, action, each.kind, deciding_gate(each))

    def succeeded_before(self, timestamp: float) -> None:
        """Say when a former process last saw everything, in seconds since 1970; what this one knows goes before."""
        with self._lock:
            self._told.setdefault(of.LAST_SUCCESS.name, {(): timestamp})

    def failed(self) -> None:
        """Take note of a pass that raised. What the one before saw stays: nobody knows better."""
        with self._lock:
            self._count(of.SCANS, "error")

    def acted(self, outcome: Outcome, mode: Mode) -> None:
        """Count what came of an action. Under dry-run nothing is ever done."""
        result = Result.SKIPPED if mode is Mode.DRY_RUN else outcome.result
        with self._lock:
            self._acted += result is not Result.SKIPPED
            self._count(of.ACTIONS, outcome.action, mode, result)

    def resolved(self, episode: Episode) -> None:
        """Count a spell that ended just now, and how long it was."""
        ended = episode.resolved_at or self._now()
        with self._lock:
            self._count(of.RESOLVED, episode.finding.name if episode.finding else of.NONE, episode.resolved_by or "")
            self._spreads[of.TIME_TO_RESOLVE.name].add(max(0.0, (ended - episode.unhealthy_since).total_seconds()))

    def leading(self, leads: bool) -> None:
        """Say whether this daemon makes the passes. One that stands by forgets what it saw: another knows better."""
        with self._lock:
            self._told[of.LEADER.name] = {(): float(leads)}
            self._stands_by = not leads
            if not leads:
                self._seen = None

    def reloaded(self, ok: bool, digest: str) -> None:
        """Say how the policy file was read last; `digest` is that of the policy in force, in hexadecimal."""
        shown = digest if _DIGEST.fullmatch(digest) else of.OTHER
        with self._lock:
            self._told[of.RELOADED.name] = {(): float(ok)}
            self._told[of.CONFIG.name] = {(shown,): 1.0}

    def told(self, came_of_it: Delivery) -> None:
        """Count a message to the webhook. What else is told, is told by `collect`."""
        with self._lock:
            self._count(of.WEBHOOK_DELIVERIES, came_of_it)

    def kubernetes(self, verb: str, code: str) -> None:
        """Count a request to the API server."""
        with self._lock:
            self._count(of.KUBERNETES_REQUESTS, verb, code)

    def aws(self, operation: str, code: str) -> None:
        """Count a request to AWS."""
        with self._lock:
            self._count(of.AWS_REQUESTS, operation, code)

    def _count(self, family: Family, *labels: str) -> None:
        self._counts[family.name][family.key(labels)] += 1

    # -- what is told ------------------------------------------------------------------------------------------

    def exposition(self) -> bytes:
        """Write all of it in Prometheus' text format."""
        return generate_latest(self.registry)

    def describe(self) -> Iterable[Metric]:
        """Tell the registry which metrics there are, so that a scrape may ask for some by name."""
        return [each.empty() for each in FAMILIES]

    def collect(self, *, with_zeros: bool = False) -> Iterable[Metric]:
        """Tell everything, all of one moment.

        `with_zeros`: after a pass that saw something, say 0 of what there is none of, for who forgets nothing unasked.
        """
        with self._lock:
            return list(self._metrics(with_zeros=with_zeros and self._seen is not None))

    def _metrics(self, *, with_zeros: bool) -> Iterator[Metric]:
        samples = self._gauges() | self._counts
        for family in FAMILIES:
            if family.kind is Kind.HISTOGRAM:
                spread = self._spreads[family.name]
                yield family.histogram(spread.buckets, spread.total)
            elif family.kind is Kind.COUNTER or family.name in samples:
                yield family.metric(samples.get(family.name) or (family.nothing if with_zeros else {}))

    def _gauges(self) -> dict[str, Samples]:
        if self._seen is None:
            return self._told
        now, used = self._now(), self._seen.used_today + self._acted
        ages: Any = {(name,): max(0.0, (now - since).total_seconds()) for name, since in self._seen.oldest.items()}
        budget = {("run",): self._acted, ("day",): used, ("namespace",): self._seen.under_way}
        return self._told | self._seen.gauges | {of.OLDEST_FINDING.name: ages, of.BUDGET_USED.name: budget}
