"""Which kinds are served now: the built-in ones, and those that stored CustomResourceDefinitions define."""

from __future__ import annotations

import copy
from datetime import datetime

from remediator.sandbox.api.resources import BUILT_IN, CRDS, Resource, content_counts
from remediator.sandbox.api.store import Store
from remediator.sandbox.api.values import Object, timestamp

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
"""The finalizer that keeps a definition until its last object is gone."""


class Catalogue:
    """Find kinds by group, version and plural. Follows the definitions in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._parsed: dict[str, tuple[str, tuple[Resource, ...]]] = {}

    def resources(self) -> list[Resource]:
        """Return every kind in every version that is served."""
        custom: list[Resource] = []
        for key, crd in self._store.items(CRDS.shelf, None):
            version = crd["metadata"]["resourceVersion"]
            if self._parsed.get(key, ("",))[0] != version:
                self._parsed[key] = (version, defined(crd))
            custom.extend(self._parsed[key][1])
        return [*BUILT_IN, *custom]

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        """Return the kind behind a path, or None."""
        for resource in self.resources():
            if (resource.group, resource.version, resource.plural) == (group, version, plural):
                return resource
        return None

    def of(self, obj: Object) -> Resource:
        """Return the kind of an object. Raises `ValueError` for one that is not served."""
        for resource in self.resources():
            if (resource.api_version, resource.kind) == (obj.get("apiVersion"), obj.get("kind")):
                return resource
        raise ValueError(f"the sandbox serves no kind {obj.get('kind')!r} in {obj.get('apiVersion')!r}")


def defined(crd: Object) -> tuple[Resource, ...]:
    """Return the kinds that a definition defines, one for each served version."""
    spec = crd["spec"]
    names = spec["names"]
    return tuple(
        Resource(
            group=spec["group"],
            version=version["name"],
            plural=names["plural"],
            kind=names["kind"],
            namespaced=spec["scope"] == "Namespaced",
            has_status="status" in version.get("subresources", {}),
            bumps=content_counts,
            schema=version["schema"]["openAPIV3Schema"],
            singular=names.get("singular", names["kind"].lower()),
            list_kind=names.get("listKind", f"{names['kind']}List"),
            short_names=tuple(names.get("shortNames", ())),
            unconditional_update=False,
            custom=True,
            columns=tuple(version.get("additionalPrinterColumns", ())),
        )
        for version in spec["versions"]
        if version["served"]
    )


def established(crd: Object, now: datetime) -> Object:
    """Return a new definition with its names and conditions filled in.

    The real server needs a second for that.
    """
    crd = copy.deepcopy(crd)
    spec, names = crd["spec"], crd["spec"]["names"]
    names.setdefault("singular", names["kind"].lower())
    names.setdefault("listKind", f"{names['kind']}List")
    spec.setdefault("conversion", {"strategy": "None"})
    crd["status"] = {
        "acceptedNames": copy.deepcopy(names),
        "conditions": [
            _condition("NamesAccepted", "NoConflicts", "no conflicts found", now),
            _condition("Established", "InitialNamesAccepted", "the initial names have been accepted", now),
        ],
        "storedVersions": [version["name"] for version in spec["versions"] if version["storage"]],
    }
    return crd


def terminating(crd: Object, now: datetime) -> Object:
    """Return a definition that is being deleted and waits for its objects."""
    held = [*crd["metadata"].get("finalizers", []), CLEANUP]
    metadata = {**crd["metadata"], "deletionTimestamp": timestamp(now), "finalizers": held}
    message = "CustomResource deletion is in progress"
    condition = _condition("Terminating", "InstanceDeletionInProgress", message, now)
    conditions = [*crd.get("status", {}).get("conditions", []), condition]
    return {**crd, "metadata": metadata, "status": {**crd.get("status", {}), "conditions": conditions}}


def _condition(kind: str, reason: str, message: str, now: datetime) -> Object:
    moment = timestamp(now)
    return {
        "type": kind,
        "status": "True",
        "lastTransitionTime": moment,
        "reason": reason,
        "message": message,
    }
