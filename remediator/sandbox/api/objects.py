"""What create, update and delete do to a stored object.

The order of checks is that of apiserver `pkg/registry/generic/registry/store.go`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from remediator.sandbox.api import builtin, catalogue, metadata, rules, validate
from remediator.sandbox.api.managers import APPLY, Manager, owners_of, tracked, with_owners
from remediator.sandbox.api.resources import CRDS, NAMESPACES, Resource
from remediator.sandbox.api.status import (
    Cause,
    already_exists,
    conflict,
    failure,
    forbidden,
    invalid,
    modified,
    not_found,
)
from remediator.sandbox.api.store import Store
from remediator.sandbox.api.values import Object, same, timestamp
from remediator.sandbox.clock import SandboxClock

LARGEST = 3 * 512 * 1024
"""How many bytes etcd takes in a request, an object's JSON being nearly all of it."""
IMMORTAL = ("default", "kube-system", "kube-public")
GC_FINALIZERS = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}
"""Finalizers that the propagation policy sets.

No garbage collector runs here, as none runs beside a bare API server.
"""


class Objects:
    """Change stored objects one at a time, by the rules of their kinds.

    Answers are shared: never change one.
    """

    def __init__(self, store: Store, kinds: catalogue.Catalogue, clock: SandboxClock) -> None:
        self._store = store
        self._kinds = kinds
        self._clock = clock

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """Return the stored object. Raises 404."""
        found = self._store.get(resource.shelf, namespace, name)
        if found is None:
            raise not_found(resource, name)
        return found

    def create(
        self,
        resource: Resource,
        namespace: str,
        obj: Object,
        *,
        manager: Manager | None = None,
        dry_run: bool = False,
    ) -> Object:
        """Store a new object. Raises 404 and 403 for its namespace, 422, 409.

        Without a `manager`, nobody comes to own its fields.
        """
        with self._store.lock:
            wanted = obj["metadata"].get("name") or obj["metadata"].get("generateName", "")
            if resource.namespaced:
                self._expect_open(resource, namespace, wanted)
            self._expect_kept(resource, wanted)
            asked_version = obj["metadata"].get("resourceVersion")
            new = {**obj, "metadata": metadata.born(obj, resource, namespace, self._clock.now())}
            new["metadata"].pop("resourceVersion", None)
            new = builtin.born(new, resource)
            if manager is not None:
                new = self._owned(new, None, obj, resource, manager)
            name = new["metadata"].get("name", "")
            faults = [
                *metadata.creation_faults(new["metadata"], resource),
                *self._faults(resource, new, None),
            ]
            if faults:
                raise invalid(builtin.judged_as(resource), name, faults, kind=new["kind"])
            if asked_version:
                raise failure(500, "", "resourceVersion should not be set on objects to be created")
            if self._store.get(resource.shelf, namespace if resource.namespaced else "", name) is not None:
                raise already_exists(resource, name)
            if resource is CRDS:
                new = catalogue.established(new, self._clock.now())
            return new if dry_run else self._put(resource, new)

    def update(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        change: Callable[[Object], Object],
        *,
        manager: Manager,
        dry_run: bool = False,
    ) -> Object:
        """Replace an object by what `change` makes of it. Raises 404, 409, 422.

        A write that changes nothing is answered and not stored: the `resourceVersion` stays.
        """
        with self._store.lock:
            old = self.get(resource, namespace, name)
            wanted = change(old)
            self._expect_version(resource, name, wanted, old)
            status = bool(manager.subresource)
            new = self._merged_status(old, wanted) if status else self._merged(resource, old, wanted)
            new = self._owned(new, old, wanted, resource, manager)
            faults = [] if status else list(metadata.update_faults(new["metadata"], old["metadata"]))
            faults += self._faults(resource, new, old, "status" if status else "")
            if faults:
                raise invalid(builtin.judged_as(resource), name, faults, kind=new["kind"])
            if dry_run or same(new, old):
                return new
            if "deletionTimestamp" in old["metadata"] and self._is_free(resource, new):
                self._remove(resource, old)
                return new
            return self._put(resource, new)

    def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        preconditions: Object | None = None,
        policy: str | None = None,
        dry_run: bool = False,
    ) -> tuple[Object, bool]:
        """Delete an object, or mark it while finalizers hold it.

        Return it, and whether it is gone. Raises 404, 409.
        """
        with self._store.lock:
            old = self.get(resource, namespace, name)
            self._expect_preconditions(resource, old, preconditions or {})
            if resource is NAMESPACES and name in IMMORTAL:
                raise forbidden(resource, name, "this namespace may not be deleted")
            if "deletionTimestamp" in old["metadata"]:
                return old, False
            held = self._held(resource, old, policy)
            if held is None:
                if not dry_run:
                    self._remove(resource, old)
                return old, True
            if dry_run:
                return held, False
            stored = self._store.put(resource.shelf, held)
            if resource is CRDS:
                self._clean_up(stored)
            return stored, False

    def _held(self, resource: Resource, old: Object, policy: str | None) -> Object | None:
        """Return the object marked as being deleted, or None where nothing holds it."""
        meta = old["metadata"]
        if resource is CRDS:
            return catalogue.terminating(old, self._clock.now())
        if resource is NAMESPACES:
            marked = {**meta, "deletionTimestamp": timestamp(self._clock.now())}
            return {**old, "metadata": marked, "status": {**old.get("status", {}), "phase": "Terminating"}}
        finalizers = list(meta.get("finalizers", []))
        if policy is not None:
            finalizers = [item for item in finalizers if item not in GC_FINALIZERS.values()]
            finalizers += [GC_FINALIZERS[policy]] if policy in GC_FINALIZERS else []
        if not finalizers:
            return None
        marked = {
            **meta,
            "finalizers": finalizers,
            "deletionTimestamp": timestamp(self._clock.now()),
            "deletionGracePeriodSeconds": 0,
        }
        if "generation" in meta:
            marked["generation"] = meta["generation"] + 1
        return {**old, "metadata": marked}

    def _owned(self, new: Object, old: Object | None, wanted: Object, resource: Resource, manager: Manager) -> Object:
        """Return an object with its managedFields: an apply has come to them already."""
        if manager.operation == APPLY:
            return with_owners(new, owners_of(wanted))
        return tracked(new, old, resource, manager, self._clock.now())

    def _merged(self, resource: Resource, old: Object, wanted: Object) -> Object:
        new = {**wanted, "metadata": metadata.carried(wanted["metadata"], old["metadata"])}
        if resource.has_status:
            new.pop("status", None)
            if "status" in old:
                new["status"] = old["status"]
        if resource.bumps is not None and resource.bumps(old, new):
            new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
        return new

    def _merged_status(self, old: Object, wanted: Object) -> Object:
        new = {key: value for key, value in old.items() if key != "status"}
        return {**new, "status": copy.deepcopy(wanted["status"])} if "status" in wanted else new

    def _faults(self, resource: Resource, new: Object, old: Object | None, root: str = "") -> list[Cause]:
        if resource.custom:
            faults = [] if new.get("kind") == resource.kind else [_wrong_kind(resource, new)]
            schema = resource.schema or {}
            faults += validate.violations(new, old, schema, root)
            return faults + rules.unruly(new, old, schema, faults)
        return list(builtin.faults(new, old, resource))

    def _is_free(self, resource: Resource, obj: Object) -> bool:
        if resource is NAMESPACES and obj.get("spec", {}).get("finalizers"):
            return False
        return not obj["metadata"].get("finalizers")

    def _put(self, resource: Resource, obj: Object) -> Object:
        if len(json.dumps(obj, ensure_ascii=False, separators=(",", ":"))) > LARGEST:
            raise failure(500, "", "etcdserver: request is too large")
        return self._store.put(resource.shelf, obj)

    def _remove(self, resource: Resource, obj: Object) -> None:
        self._store.remove(resource.shelf, obj)
        if resource.custom:
            crd = self._store.get(CRDS.shelf, "", f"{resource.plural}.{resource.group}")
            if crd is not None and "deletionTimestamp" in crd["metadata"]:
                self._clean_up(crd)

    def _clean_up(self, crd: Object) -> None:
        """Delete what a vanishing definition defines, and the definition once nothing is left."""
        for resource in catalogue.defined(crd)[:1]:
            for _, obj in self._store.items(resource.shelf, None):
                meta = obj["metadata"]
                if "deletionTimestamp" not in meta:
                    self.delete(resource, meta.get("namespace", ""), meta["name"])
            if self._store.items(resource.shelf, None):
                return
        if self._store.get(CRDS.shelf, "", crd["metadata"]["name"]) is not None:
            self._store.remove(CRDS.shelf, crd)

    def _expect_open(self, resource: Resource, namespace: str, name: str) -> None:
        """Admit into namespaces that exist and stay (apiserver plugin `namespace/lifecycle`)."""
        home = self._store.get(NAMESPACES.shelf, "", namespace)
        if home is None:
            raise not_found(NAMESPACES, namespace)
        if "deletionTimestamp" in home["metadata"]:
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            message = f"namespace {namespace} is being terminated"
            cause = {"reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace"}
            raise forbidden(resource, name, why, causes=[cause])

    def _expect_kept(self, resource: Resource, name: str) -> None:
        crd = self._store.get(CRDS.shelf, "", f"{resource.plural}.{resource.group}") if resource.custom else None
        if crd is not None and "deletionTimestamp" in crd["metadata"]:
            raise forbidden(resource, name, "create not allowed while custom resource definition is terminating")

    def _expect_version(self, resource: Resource, name: str, wanted: Object, old: Object) -> None:
        version = wanted["metadata"].get("resourceVersion", "")
        if not version:
            if resource.unconditional_update:
                wanted["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
                return
            detail = "Invalid value: 0: must be specified for an update"
            cause = Cause("FieldValueInvalid", "metadata.resourceVersion", detail)
            raise invalid(resource, name, [cause], kind=resource.plural)
        if not str(version).isdigit():
            raise failure(500, "", f'strconv.ParseUint: parsing "{version}": invalid syntax')
        if version != old["metadata"]["resourceVersion"]:
            raise modified(resource, name)

    def _expect_preconditions(self, resource: Resource, old: Object, preconditions: Object) -> None:
        words: dict[str, tuple[str, str]] = {
            "uid": ("UID", "might have been deleted and then recreated"),
            "resourceVersion": ("ResourceVersion", "might have been modified"),
        }
        for field, (word, guess) in words.items():
            asked: Any = preconditions.get(field)
            actual = old["metadata"][field]
            if asked is not None and asked != actual:
                why = (
                    f"the {word} in the precondition ({asked}) does not match the {word} in record "
                    f"({actual}). The object {guess}"
                )
                raise conflict(resource, old["metadata"]["name"], why, kind=resource.kind)


def _wrong_kind(resource: Resource, obj: Object) -> Cause:
    return Cause("FieldValueInvalid", "kind", f'Invalid value: "{obj.get("kind")}": must be {resource.kind}')
