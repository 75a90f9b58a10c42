"""ACK's controller: whether it works, which version it is and how it was started, as far as that matters to us."""

from __future__ import annotations

from collections.abc import Iterator

from remediator.diagnosis.cluster import CLUSTER_CATALOGUE, diagnose_cluster
from remediator.doctor.check import Check, Level, Patient
from remediator.model.cluster import ClusterFindingName
from remediator.model.cluster_facts import ClusterFacts
from remediator.model.controller import ControllerFacts, Health
from remediator.model.definition import Definitions
from remediator.model.times import format_duration

_AREA = "controller"
_GRAVE = (ClusterFindingName.CONTROLLER_DOWN, ClusterFindingName.CRD_DELETING)


def look(patient: Patient, facts: ControllerFacts, definitions: Definitions) -> Iterator[Check]:
    """Judge it by what a scan would say of it."""
    found = diagnose_cluster(ClusterFacts(controller=facts, definitions=definitions))
    if not any(each.name is ClusterFindingName.CONTROLLER_DOWN for each in found):
        version = f", version {facts.version}" if facts.version else ""
        known = facts.health is Health.ALIVE
        fix = "" if known else "Look at the controller's pods; one that is managed by EKS shows by its heartbeats only."
        yield Check(_AREA, Level.OK if known else Level.WARNING, f"{facts.health}: {facts.why}{version}", fix)
    for each in found:
        advice = next(entry.advice for entry in CLUSTER_CATALOGUE if entry.name is each.name)
        level = Level.FAILURE if each.name in _GRAVE else Level.WARNING
        yield Check(_AREA, level, f"{each.name}: {each.summary}", advice)
    if definitions.unknown:
        yield Check(_AREA, Level.WARNING, f"whether a definition is being deleted is not known: {definitions.unknown}")
    if facts.deployment is not None:
        yield Check(_AREA, Level.OK, _started(facts))
    if facts.unsure:
        yield Check(_AREA, Level.WARNING, f"its flags: {facts.unsure}", "What hangs on them is told as not known.")
    if patient.namespace is not None and (why := facts.why_unwatched(patient.namespace, {})):
        fix = "Look at its --watch-namespace and --watch-selectors."
        yield Check(_AREA, Level.WARNING, f"namespace {patient.namespace}: {why}", fix)


def _started(facts: ControllerFacts) -> str:
    spaces = ", ".join(facts.watched_namespaces) or "all namespaces"
    selector = f" where {facts.watch_selector}" if facts.watch_selector else ""
    gates = ", ".join(f"{name}={'true' if on else 'false'}" for name, on in sorted(facts.feature_gates.items()))
    return (
        f"it watches {spaces}{selector}, resyncs every {format_duration(facts.resync)}, works on {facts.concurrency} "
        f"at a time, deletion policy {facts.deletion_policy}, cross-account roles {'on' if facts.carm else 'off'}"
        + (f", feature gates {gates}" if gates else "")
    )
