"""What one pass saw, as numbers: the gauges, all of one moment. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from remediator.gates import incident
from remediator.model.decision import Decision, Standing
from remediator.model.finding import FindingName, State
from remediator.model.limits import Limits
from remediator.model.scan import Judged, Scan
from remediator.model.window import Windows
from remediator.telemetry.families import (
    APPROVALS_PENDING,
    BREAKER_OPEN,
    BUDGET_LIMIT,
    CLUSTER,
    FINDINGS,
    NONE,
    OTHER_NAMESPACES,
    PAUSE_AGE,
    PAUSED,
    QUARANTINED,
    RESOURCES,
    WINDOW_OPEN,
    Family,
    Samples,
)

# With each of the findings in each of them, that is some thousand series at the very most.
NAMESPACES_SHOWN = 100

_UNWELL = (State.STUCK, State.UNKNOWN)
_ALWAYS_OPEN = Windows()


class Seen(Struct, frozen=True):
    """The gauges of one pass, by name. `oldest` says since when, per finding; `used` the budget before this pass."""

    gauges: dict[str, Samples]
    oldest: dict[FindingName, datetime]
    used_today: int
    under_way: int


def seen(
    scan: Scan,
    standing: Standing,
    limits: Limits,
    *,
    windows: Windows = _ALWAYS_OPEN,
    namespaces: int = NAMESPACES_SHOWN,
) -> Seen:
    """Put a pass into numbers. `namespaces` is how many are told apart: those with the most findings."""
    made: dict[Family, Samples] = {
        RESOURCES: _resources(scan),
        FINDINGS: _findings(scan, namespaces),
        BUDGET_LIMIT: {
            ("run",): float(limits.per_run),
            ("day",): float(limits.per_day),
            ("namespace",): float(limits.per_namespace),
        },
        BREAKER_OPEN: {(): float(_breaker_open(scan, standing, limits))},
        WINDOW_OPEN: {(): float(windows.open(scan.started))},
        PAUSED: {(): float(len(scan.pauses.standing(scan.started)))},
        PAUSE_AGE: {(): _oldest_pause(scan)},
        QUARANTINED: {(): float(sum(_quarantined(each, limits) for each in scan.results))},
        APPROVALS_PENDING: {(): float(sum(_waits(each) for each in scan.results))},
    }
    return Seen(
        gauges={family.name: samples for family, samples in made.items()},
        oldest=_oldest(scan.results),
        used_today=standing.acted_today,
        under_way=max(standing.under_way.values(), default=0),
    )


def deciding_gate(decision: Decision) -> str:
    """Name the gate that holds an action back: the first that a person cannot lift by their word, else the first."""
    holding = (*decision.held_by_fact, *decision.held)
    return holding[0].gate if holding else NONE


def _resources(scan: Scan) -> Samples:
    """Count by kind and state, zeros too: a share needs its denominator."""
    kinds = {RESOURCES.labels[0].values[0], *scan.kinds}
    counted = Counter((each.seen.resource.kind, each.state.value) for each in scan.results)
    for each, count in scan.well.items():
        counted[each.kind, State.HEALTHY.value] += count
    found: Counter[tuple[str, ...]] = Counter()
    for kind in kinds:
        for state in State:
            found[RESOURCES.key((kind, state))] += counted[kind, state.value]
    return {key: float(count) for key, count in found.items()}


def _findings(scan: Scan, most: int) -> Samples:
    roots = [(each.finding.name, each.seen.resource.metadata.namespace) for each in scan.results if each.finding]
    crowded = sorted(Counter(namespace for _, namespace in roots).items(), key=lambda each: (-each[1], each[0]))
    shown = {namespace for namespace, _ in crowded[:most]}
    counted = Counter(
        FINDINGS.key((name, namespace if namespace in shown else OTHER_NAMESPACES)) for name, namespace in roots
    )
    counted.update(FINDINGS.key((each.name, CLUSTER)) for each in scan.cluster)
    return {key: float(count) for key, count in counted.items()}


def _oldest(results: Iterable[Judged]) -> dict[FindingName, datetime]:
    """Say since when each finding has held, where it is more than a wait or advice: those may be old and well."""
    oldest: dict[FindingName, datetime] = {}
    for each in results:
        found = each.finding
        if found is not None and found.state in _UNWELL:
            oldest[found.name] = min(found.since, oldest.get(found.name, found.since))
    return oldest


def _oldest_pause(scan: Scan) -> float:
    ages = [(scan.started - each.since).total_seconds() for each in scan.pauses.standing(scan.started) if each.since]
    return max([0.0, *ages])


def _breaker_open(scan: Scan, standing: Standing, limits: Limits) -> bool:
    """Say what the gate of that name says: an incident now, or one that has not cooled down."""
    opened = standing.breaker_opened_at
    return bool(incident(scan.population, limits)) or (
        opened is not None and scan.started < opened + limits.breaker_cool_down
    )


def _quarantined(judged: Judged, limits: Limits) -> bool:
    """Whether what is proposed, or where nothing is, any action, was tried as often as it may be."""
    if judged.finding is None:
        return False
    attempts = judged.seen.history.attempts
    actions = [judged.plan.action] if judged.plan else list(attempts)
    return any(len(attempts.get(each, ())) >= limits.attempts for each in actions)


def _waits(judged: Judged) -> bool:
    """Whether a person is asked. Where they said no, they are not asked again."""
    decision = judged.decision
    if decision is None or judged.plan is None or not (decision.awaits_person or decision.awaits_window):
        return False
    if not any(each.asks for each in decision.held):
        return False
    rejection = judged.seen.history.rejection
    return rejection is None or not rejection.covers(judged.plan.digest)
