"""Look at an install as a whole, before it is needed: what works, what does not, and how to mend it.

Nothing is written: rights are asked for, the forged approval and the forbidden write are dry runs, and AWS is asked
for what can be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from remediator.doctor import api_server, approvals, aws, backups, controller, metrics, pauses, rights, writes
from remediator.doctor.check import Check, Level, Patient
from remediator.errors import ClusterError
from remediator.kubernetes.words import whoami
from remediator.model.controller import ControllerFacts
from remediator.model.heartbeat import heard, heartbeats
from remediator.model.resource import Resource

__all__ = ["Check", "Level", "Patient", "Sinks", "examine"]


class Sinks(Struct, frozen=True):
    """Where metrics go, as far as somebody said: a file, a Pushgateway's URL, a daemon's /metrics."""

    file: Path | None = None
    gateway: str | None = None
    url: str | None = None


def examine(patient: Patient, sinks: Sinks) -> Iterator[Check]:
    """Look at one part after the other, and say how each is; who gets no answer from the cluster still hears of AWS."""
    resources: list[Resource] = []
    facts = ControllerFacts()
    try:
        who = whoami(patient.transport)
    except ClusterError as error:
        yield Check("API server", Level.FAILURE, error.message, error.hint)
    else:
        yield from api_server.connection(patient, who)
        yield from api_server.kinds(patient)
        resources, listed = _listed(patient)
        yield from listed
        facts = _heard(patient, resources)
        yield from controller.look(patient, facts, patient.cluster.definitions())
        yield from rights.look(patient, who, facts.system_namespace)
        yield from approvals.look(patient)
        yield from writes.look(patient, who, resources)
        yield from approvals.leader(patient)
        yield from pauses.look(patient)
    yield from aws.look(patient, resources, facts)
    yield from backups.look(patient)
    yield from metrics.look(patient, sinks.file, sinks.gateway, sinks.url)


def _heard(patient: Patient, resources: list[Resource]) -> ControllerFacts:
    now, cluster = patient.clock.now(), patient.cluster
    return heard(cluster.controller(now), heartbeats(resources), now, everywhere=cluster.saw_everything())


def _listed(patient: Patient) -> tuple[list[Resource], list[Check]]:
    """List what is looked at; what could not be seen is a check of its own."""
    resources: list[Resource] = []
    troubles: list[Check] = []
    try:
        for each in patient.cluster.resources():
            if isinstance(each, Resource):
                resources.append(each)
            else:
                troubles.append(Check("resources", Level.WARNING, each))
    except ClusterError as error:
        return resources, [*troubles, Check("resources", Level.FAILURE, error.message, error.hint)]
    functions = sum(each.is_function for each in resources)
    said = f"{functions} Function{'s' if functions != 1 else ''}, {len(resources) - functions} of other kinds"
    return resources, [*troubles, Check("resources", Level.OK, said)]
