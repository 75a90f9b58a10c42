"""Before a write: may we, and would it do what it is for? Asked of the API server, which stores nothing of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from remediator.errors import Changed, ClusterError, NotFound
from remediator.kubernetes.access import ask
from remediator.kubernetes.namespaces import read_namespace
from remediator.kubernetes.transport import Transport, decoded
from remediator.model.decision import Rehearsal, Rehearsed
from remediator.model.kind import FUNCTION, KINDS
from remediator.model.plan import Operation
from remediator.model.resource import FUNCTION_GROUP, Ref, Resource
from remediator.model.rights import Access
from remediator.model.workload import DEPLOYMENT

# Admission says so, whether by webhook (403) or by ValidatingAdmissionPolicy (422 or 403); RBAC never does.
_DENIED = re.compile(r"\bdenied (?:the )?request\b")
_ABSENT = object()

# Anything that the API server may answer with, as plain values.
Json = Any


def may_patch(transport: Transport, ref: Ref) -> tuple[bool | None, str]:
    """Ask whether we may patch a Function, or the Deployment of a controller; None where the server will not say."""
    group, plural = ("apps", "deployments") if ref.kind == DEPLOYMENT else (FUNCTION_GROUP, KINDS[FUNCTION].plural)
    may, why = ask(transport, Access(group, plural, "patch", ref.name), ref.namespace)
    if may is None:
        return None, f"whether we may patch it could not be asked: {why}"
    if may:
        return True, "we may patch it"
    return False, f"we may not patch {plural} in {ref.namespace}{f': {why}' if why else ''}"


def annotations_of(transport: Transport, namespace: str) -> dict[str, str] | None:
    """Read a namespace's annotations; None where they cannot be read."""
    try:
        return dict(read_namespace(transport, f"/api/v1/namespaces/{namespace}").annotations)
    except ClusterError:
        return None


def rehearse(dry_run: Callable[[], bytes], before: Resource, patch: Sequence[Operation]) -> Rehearsal:
    """Try a patch with `dryRun=All`: it has to be taken, move the generation as it should, and survive pruning.

    A field that the CRD does not know is dropped without a word, and a Resync would then do nothing. What we may not
    try, or a webhook that knows no dry run, is `not-verified`; what admission denies is `refused`. Raises Changed and
    NotFound where the object moved.
    """
    try:
        after = decoded(dry_run(), object)
    except NotFound:
        raise
    except ClusterError as error:
        if _DENIED.search(error.message):
            return Rehearsal(Rehearsed.REFUSED, error.message)
        if isinstance(error, Changed):
            raise
        return Rehearsal(Rehearsed.NOT_VERIFIED, error.message)
    lost = [each["path"] for each in _effects(patch) if not _survived(after, each, patch)]
    if lost:
        return Rehearsal(Rehearsed.REFUSED, f"the API server drops {', '.join(lost)}")
    expected = before.metadata.generation + _bumps(patch)
    generation = _at(after, "/metadata/generation")
    if generation != expected:
        return Rehearsal(Rehearsed.REFUSED, f"generation would be {generation}, and not {expected}")
    return Rehearsal(Rehearsed.VERIFIED, "the API server takes the first write, and keeps it (dry run)")


def _effects(patch: Sequence[Operation]) -> list[Operation]:
    return [each for each in patch if each["op"] != "test"]


def _bumps(patch: Sequence[Operation]) -> int:
    """Say how far a patch moves metadata.generation: by one if it touches anything but metadata and status."""
    outside = [each for each in _effects(patch) if not each["path"].startswith(("/metadata/", "/status/"))]
    return 1 if outside else 0


def _survived(after: Json, effect: Operation, patch: Sequence[Operation]) -> bool:
    """Whether what an operation does is to be seen afterwards.

    In a list, where others move up, by the value; in a mapping, whatever a webhook adds beside it.
    """
    found = _at(after, effect["path"])
    if effect["op"] == "remove":
        tested = [each["value"] for each in patch if each["op"] == "test" and each["path"] == effect["path"]]
        return found is _ABSENT or (bool(tested) and found != tested[-1])
    if isinstance(found, Mapping) and isinstance(effect["value"], Mapping):
        return effect["value"].items() <= found.items()
    return bool(found == effect["value"])


def _at(value: Json, pointer: str) -> Json:
    """Follow a JSON Pointer (RFC 6901)."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return _ABSENT
    return value
