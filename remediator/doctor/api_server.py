"""The API server: who we are to it, its version, its clock, and which of our kinds it serves."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from remediator.doctor.check import Check, Level, Patient
from remediator.errors import ClusterError, NotFound
from remediator.kubernetes.remediation_object import GROUP
from remediator.kubernetes.served import served
from remediator.kubernetes.transport import Transport, decoded
from remediator.model.kind import FUNCTION, KINDS, LAMBDA_GROUP, OTHER_KINDS

_AREA = "API server"
_KINDS = "definitions"
# ValidatingAdmissionPolicy is there for all since then.
_OLDEST = (1, 30)


class _Version(Struct, frozen=True, rename="camel"):
    git_version: str = ""


def connection(patient: Patient, who: str) -> Iterator[Check]:
    """Say who asks which server, how old it is, and whether we agree about the time."""
    server = patient.connection
    seen = "all namespaces" if patient.namespace is None else f"namespace {patient.namespace}"
    said = f"we are {who} at {server.server} (context {server.context}); looked at: {seen}; records: {patient.home}"
    yield Check(_AREA, Level.OK, said)
    yield _version(patient.transport)
    yield _clock(patient)
    mode = patient.policy.mode
    yield Check("policy", Level.OK, f"mode {mode}, by {patient.policy_file or 'the defaults, for want of a file'}")


def _version(transport: Transport) -> Check:
    try:
        told = decoded(transport.get("/version"), _Version).git_version
    except ClusterError as error:
        return Check(_AREA, Level.WARNING, f"its version cannot be read: {error.message}")
    found = re.match(r"v(\d+)\.(\d+)", told)
    if found is None:
        return Check(_AREA, Level.WARNING, f"its version is {told or 'not told'}, which makes no sense to us")
    if (int(found[1]), int(found[2])) < _OLDEST:
        fix = "Upgrade Kubernetes; until then approve with `remediator run --approve` only."
        said = f"Kubernetes {told} is older than 1.30, and holds approvals to no rules"
        return Check(_AREA, Level.FAILURE, said, fix)
    return Check(_AREA, Level.OK, f"Kubernetes {told}")


def _clock(patient: Patient) -> Check:
    skew, most = patient.transport.skew, patient.policy.limits.clock_skew.total_seconds()
    if skew is None:
        return Check(_AREA, Level.WARNING, "it does not tell its time, so that nothing that cannot be undone is done")
    if abs(skew) > most:
        said = f"our clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} its own"
        return Check(_AREA, Level.FAILURE, f"{said}: nothing that cannot be undone is done", "Set the clock by NTP.")
    return Check(_AREA, Level.OK, f"its clock and ours agree within {most:.0f} s")


def kinds(patient: Patient) -> Iterator[Check]:
    """Say which kinds it serves: ACK's, and ours."""
    fix = "Install ACK's lambda-controller with its definitions; or is this another cluster?"
    try:
        there = _served(patient.transport, LAMBDA_GROUP)
    except ClusterError as error:
        yield Check(_KINDS, Level.WARNING, f"which kinds {LAMBDA_GROUP} has cannot be read: {error.message}")
    else:
        if KINDS[FUNCTION].plural not in there:
            yield Check(_KINDS, Level.FAILURE, f"{KINDS[FUNCTION].collection} is not there", fix)
        else:
            others = [each.plural for each in OTHER_KINDS if each.plural in there]
            yield Check(_KINDS, Level.OK, f"{LAMBDA_GROUP}: {', '.join((KINDS[FUNCTION].plural, *others))}")
    yield _records(patient)


def _records(patient: Patient) -> Check:
    try:
        there = _served(patient.transport, GROUP)
    except ClusterError as error:
        return Check(_KINDS, Level.WARNING, f"whether {GROUP} has a kind cannot be read: {error.message}")
    if {"remediations", "remediations/status"} <= there:
        return Check(_KINDS, Level.OK, f"{GROUP}: remediations")
    level = Level.FAILURE if patient.acts else Level.WARNING
    said = f"remediations.{GROUP} is not there, or lacks its status: nothing is remembered from run to run"
    return Check(_KINDS, level, said, "Apply manifests/base/crd-remediations.yaml.")


def _served(transport: Transport, group: str) -> set[str]:
    """Ask what is served of a group; of one that is not there, nothing."""
    try:
        return served(transport, group)
    except NotFound:
        return set()
