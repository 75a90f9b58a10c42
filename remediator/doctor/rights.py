"""RBAC, verb by verb: what we may do of what we need, what is lost where we may not, and what is too much."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from remediator.doctor.check import Check, Level, Patient
from remediator.kubernetes.access import Allowed, ask
from remediator.kubernetes.remediation_object import GROUP
from remediator.model.rights import RIGHTS, Access, Right, Use, Where

_AREA = "rights"
_AT_ONCE = 8
# With these, who proposes could approve.
_TOO_MUCH = (Access(GROUP, "remediations", "patch"), Access(GROUP, "remediations", "update"))


def look(patient: Patient, who: str, controllers: str) -> Iterator[Check]:
    """Ask for each right that we use; `controllers` is the namespace of ACK's controller."""
    asked = [(right, each) for right in RIGHTS for each in right.each]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(lambda one: _ask(patient, controllers, *one), asked))
    for (right, access), answer in zip(asked, answers, strict=True):
        yield _check(patient, controllers, right, access, answer)
    yield from _apart(patient, who)


def _ask(patient: Patient, controllers: str, right: Right, access: Access) -> Allowed:
    return ask(patient.transport, access, _namespace(patient, controllers, right.where))


def _namespace(patient: Patient, controllers: str, where: Where) -> str:
    match where:
        case Where.HOME:
            return patient.home
        case Where.CONTROLLERS:
            return controllers
        case Where.LOOKED_AT:
            return patient.namespace or ""
        case _:
            return ""


def _check(patient: Patient, controllers: str, right: Right, access: Access, answer: Allowed) -> Check:
    namespace = _namespace(patient, controllers, right.where)
    place = f" in namespace {namespace}" if namespace else "" if right.where is Where.CLUSTER else " in all namespaces"
    if answer.yes:
        return Check(_AREA, Level.OK, f"may {access}{place}", together=(f"{right.role}: may do all of ", ""))
    if answer.yes is None:
        said = f"whether we may {access}{place} could not be asked: {answer.why}"
        return Check(_AREA, Level.WARNING, said)
    level = _level(patient, right.use)
    why = f" ({answer.why})" if answer.why else ""
    return Check(
        _AREA,
        level,
        f"may not {access}{place}{why}: {right.lost}",
        _fix(right, level),
        together=("may not ", f"{place}{why}: {right.lost}"),
        brief=str(access),
    )


def _level(patient: Patient, use: Use) -> Level:
    match use:
        case Use.LOOKING:
            return Level.FAILURE
        case Use.ACTING | Use.LOCKING | Use.SAVING:
            return Level.FAILURE if patient.acts else Level.NOTE
        case Use.REMEMBERING:
            return Level.FAILURE if patient.acts else Level.WARNING
        case Use.TELLING:
            return Level.WARNING if patient.policy.events else Level.NOTE
        case Use.READING_LOGS | Use.SHARING:
            return Level.NOTE
        case _:
            return Level.WARNING


def _fix(right: Right, level: Level) -> str:
    kind = "Role" if right.where is Where.HOME else "ClusterRole"
    file = f"{kind.lower()}-{right.role.removeprefix('ack-remediator-')}.yaml"
    bind = f"{kind} {right.role} has it (manifests/base/{file})"
    return f"{bind}: bind it if that is wanted." if level is Level.NOTE else f"{bind}: apply and bind it."


def _apart(patient: Patient, who: str) -> Iterator[Check]:
    """Make sure that who proposes cannot approve, where it is the remediator itself that we are.

    A cluster admin may do everything, and is a person.
    """
    if not who.startswith("system:serviceaccount:"):
        return
    may = [str(each) for each in _TOO_MUCH if ask(patient.transport, each, patient.home).yes]
    if may:
        said = f"{who} may {' and '.join(may)} in namespace {patient.home}: who proposes could approve, too"
        fix = "Take that right away from it; ClusterRole ack-remediator-approver is for people."
        yield Check(_AREA, Level.FAILURE, said, fix)
    else:
        yield Check(_AREA, Level.OK, "cannot write where people approve")
