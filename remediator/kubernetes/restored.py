"""What of a saved Function is created again: all that its author wrote, and nothing that belonged to the old object."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from remediator.actions.leftover import undo_leftover
from remediator.errors import ClusterError, InputError
from remediator.kubernetes.answers import MALFORMED
from remediator.model.plan import Operation
from remediator.model.resource import (
    ADOPT_OR_CREATE,
    ADOPTED,
    ADOPTION_FIELDS,
    ADOPTION_POLICY,
    FUNCTION_GROUP,
    Resource,
)

_KEPT_METADATA = ("name", "namespace", "labels", "annotations")
_KNOWN_VERSION = f"{FUNCTION_GROUP}/v1alpha1"
_SAVED_BY_US = "A backup is a file, a Secret or an object of S3 that the remediator saved, in JSON."

Json = dict[str, Any]


class Saved(NamedTuple):
    """A backup as it was read: the whole object, and what we know of it."""

    object: Json
    resource: Resource


class Stripped(NamedTuple):
    """What is created, and sentences on what of the backup is not."""

    object: Json
    left_out: tuple[str, ...]


def read(content: bytes, called: str) -> Saved:
    """Read a saved object; raise InputError for what is none of ours. No error repeats a word of the content."""
    try:
        found = json.loads(
            content.decode("utf-8"), object_pairs_hook=_no_twins, parse_constant=_no_number, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        at = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise InputError(
            f"{called} is no JSON that we can read{at}",
            hint=f"{_SAVED_BY_US} YAML becomes JSON by: kubectl create --dry-run=client -o json -f FILE",
        ) from error
    _check_kind(found, called)
    try:
        resource = msgspec.json.decode(content, type=Resource)
    except MALFORMED as error:
        raise InputError(f"{called} is no Function as this version knows it: {error}", hint=_SAVED_BY_US) from error
    if not resource.metadata.uid:
        raise InputError(f"{called} was never in a cluster: it has no uid", hint="Create it with kubectl instead.")
    if not isinstance(found.get("spec"), dict):
        raise InputError(f"{called} has no spec", hint=_SAVED_BY_US)
    return Saved(found, resource)


def _check_kind(found: object, called: str) -> None:
    if not isinstance(found, dict):
        raise InputError(f"{called} is no object of Kubernetes", hint=_SAVED_BY_US)
    kind, version = found.get("kind"), found.get("apiVersion")
    if kind == "Function" and isinstance(version, str) and version.startswith(f"{FUNCTION_GROUP}/"):
        if version != _KNOWN_VERSION:
            raise InputError(
                f"{called} is a Function of {version}; this version knows {_KNOWN_VERSION} only",
                hint="Restore it with a newer remediator.",
            )
        return
    shown = f"{kind} of {version}" if isinstance(kind, str) and isinstance(version, str) else "something else"
    raise InputError(f"{called} is no Function of ACK, but {shown[:200]}", hint=_SAVED_BY_US)


def _no_twins(pairs: list[tuple[str, Any]]) -> Json:
    """Refuse what has a key twice: one of the two would be lost."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key is there twice")
    return made


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def stripped(saved: Saved) -> Stripped:
    """Return what can be created from a saved object; the spec stays as it was, but for what our Resync left in it.

    Finalizers go, of other controllers too: each sets its own on what it takes care of. ownerReferences go, because
    the garbage collector deletes what is owned by a uid that is not there any more. Annotations stay: opt-outs and
    ACK's settings are their author's.
    """
    whole = copy.deepcopy(saved.object)
    undone = undo_leftover(saved.resource)
    _apply(whole, undone)
    old = whole["metadata"]
    # ACK's own memory that it adopted the old object. On a new one, which has no finalizer yet, it would keep ACK from
    # adopting, and from creating what is gone (runtime pkg/runtime/reconciler.go: AdoptedResourceNotFound).
    annotations = {key: value for key, value in (old.get("annotations") or {}).items() if key != ADOPTED}
    metadata = {key: old[key] for key in _KEPT_METADATA if old.get(key)} | {"annotations": annotations}
    if not annotations:
        del metadata["annotations"]
    new = {"apiVersion": whole["apiVersion"], "kind": whole["kind"], "metadata": metadata, "spec": whole["spec"]}
    return Stripped(new, tuple(_left_out(saved, leftover=bool(undone))))


def _left_out(saved: Saved, *, leftover: bool) -> list[str]:
    metadata = saved.resource.metadata
    told = []
    if metadata.finalizers:
        told.append(f"finalizers {', '.join(metadata.finalizers)}: each controller sets its own again")
    if metadata.owner_references:
        owners = ", ".join(f"{each.kind}/{each.name}" for each in metadata.owner_references)
        told.append(f"ownerReferences to {owners}: an owner that is gone would take the object with it")
    if ADOPTED in saved.resource.annotations:
        told.append(f"{ADOPTED}: it speaks of the old object, and would keep ACK from creating or adopting")
    if leftover:
        told.append("what an interrupted action of the remediator had left on it")
    told.append("status, uid, and all else that the API server and ACK write themselves")
    return told


def _apply(whole: Json, operations: Sequence[Operation]) -> None:
    """Apply a JSON Patch whose tests hold, since it was made from this very object."""
    for operation in operations:
        *parents, key = (each.replace("~1", "/").replace("~0", "~") for each in operation["path"].split("/")[1:])
        at = whole
        for each in parents:
            at = at[each]
        if operation["op"] == "remove":
            del at[key]
        elif operation["op"] != "test":
            at[key] = operation["value"]


def adopting(obj: Json) -> Json:
    """Return the object with the annotations by which ACK takes over a function of that name, or makes it."""
    annotations = obj["metadata"].get("annotations") or {}
    adopt = {ADOPTION_POLICY: ADOPT_OR_CREATE, ADOPTION_FIELDS: json.dumps({"name": obj["spec"].get("name")})}
    return {**obj, "metadata": {**obj["metadata"], "annotations": {**annotations, **adopt}}}


def answered(content: bytes) -> Json:
    """Read the API server's answer to a create; raise ClusterError where it shows no object."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ClusterError("the API server's answer makes no sense: it is no JSON") from error
    if not isinstance(found, dict) or not isinstance(found.get("metadata"), dict):
        raise ClusterError("the API server's answer makes no sense: it shows no object")
    return found
