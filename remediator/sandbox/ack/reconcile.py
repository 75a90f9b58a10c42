"""One pass over one Function, as ACK's runtime does it (pkg/runtime/reconciler.go)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime

from remediator.sandbox.ack import resource as cr
from remediator.sandbox.ack.cluster import CLUSTER_ERRORS, Cluster
from remediator.sandbox.ack.conditions import (
    LATE_INITIALIZED,
    NOT_MANAGED_MESSAGE,
    NOT_MANAGED_REASON,
    REFERENCES_RESOLVED,
    SYNCED,
    TERMINAL,
    Conditions,
)
from remediator.sandbox.ack.delta import delta
from remediator.sandbox.ack.errors import (
    FunctionNotFound,
    LambdaError,
    PassError,
    PassFailed,
    RequeueAfter,
    TerminalState,
)
from remediator.sandbox.ack.manager import Manager, Stopped
from remediator.sandbox.ack.resource import Resource

RESYNC_SECONDS = 36_000.0
_OUT_OF_SYNC_SECONDS = 30.0
_NO_ROLE_SECONDS = 15.0

# Where a reference can be, and the kind that it names. None of these kinds is known to the sandbox.
_REFERENCES = (
    (("code", "s3BucketRef"), "Bucket", "s3.services.k8s.aws/v1alpha1"),
    (("codeSigningConfigRef",), "CodeSigningConfig", "lambda.services.k8s.aws/v1alpha1"),
    (("kmsKeyRef",), "Key", "kms.services.k8s.aws/v1alpha1"),
    (("roleRef",), "Role", "iam.services.k8s.aws/v1alpha1"),
)


class Reconciler:
    """Run passes. `managers` gives the manager of a region; `account` and `region` are the controller's own."""

    def __init__(
        self,
        cluster: Cluster,
        managers: Callable[[str], Manager],
        account: str,
        region: str,
        now: Callable[[], datetime],
    ) -> None:
        self._cluster = cluster
        self._managers = managers
        self._account = account
        self._region = region
        self._now = now

    def reconcile(self, namespace: str, name: str) -> float | None:
        """Run a pass; return the seconds until the next one, None for never.

        Raise PassError or one of CLUSTER_ERRORS where the next pass is for the back-off to time.
        """
        desired = self._cluster.get(namespace, name)
        if desired is None:
            return None
        desired.setdefault("status", {})
        place = self._cluster.namespace_annotations(namespace)
        self._check_identity(desired, place)
        identity = desired["status"].get("ackResourceMetadata") or {}
        region = identity.get("region") or self._wanted_region(desired, place)
        manager = self._managers(region)
        if cr.is_being_deleted(desired):
            return self._delete(manager, desired, place)
        return self._sync(manager, desired)

    # ---- before anything is read ---------------------------------------------------------------------------------

    def _check_identity(self, desired: Resource, place: dict[str, str]) -> None:
        """Refuse a resource that would change account or region. Such drift writes nothing at all."""
        identity = desired["status"].get("ackResourceMetadata") or {}
        owner = place.get(cr.NAMESPACE_ACCOUNT) or identity.get("ownerAccountID") or self._account
        account = owner
        if owner != self._account or cr.NAMESPACE_ACCOUNT in place:
            account = self._role(desired, owner).split(":")[4]
        current, wanted = identity.get("region"), self._wanted_region(desired, place)
        if current and current != wanted:
            raise PassFailed(
                f"Resource already exists in region {current}, but the desired state specifies region {wanted}. "
            )
        settled = identity.get("ownerAccountID")
        if settled and settled != account:
            raise PassFailed(
                f"Resource already exists in account {settled}, "
                f"but the role used for reconciliation is in account {account}. "
            )
        if account != self._account:
            # Rather than to make a function in an account where it does not belong.
            raise PassFailed(f"the sandbox's controller assumes no roles: it works in {self._account}, not {account}")

    def _role(self, desired: Resource, account: str) -> str:
        """Return the role to assume for an account; without one, say so in ResourceSynced, the rest left as it was."""
        roles = self._cluster.account_map()
        if roles is not None and (role := roles.get(account)):
            return role
        trouble = "CARM configmap not found"
        if roles is not None:
            trouble = "role value is empty in CARM configmap" if account in roles else "key not found in CARM configmap"
        reason = f'retrieving role ARN for account/team ID "{account}" from "{cr.ACCOUNT_MAP}" configmap: {trouble}'
        latest = copy.deepcopy(desired)
        Conditions(latest, self._now()).set(SYNCED, "False", "IAM Role is not available", reason)
        self._save_status(desired, latest)
        raise RequeueAfter(reason, _NO_ROLE_SECONDS)

    def _wanted_region(self, desired: Resource, place: dict[str, str]) -> str:
        return cr.annotations_of(desired).get(cr.REGION) or place.get(cr.NAMESPACE_REGION) or self._region

    # ---- a resource that stays -----------------------------------------------------------------------------------

    def _sync(self, manager: Manager, desired: Resource) -> float | None:
        Conditions(desired, self._now()).clear()
        error: PassError | None = None
        latest: Resource | None
        reason = _unresolved_reference(desired)
        if reason and cr.adoption(desired) != cr.ADOPT:
            latest = copy.deepcopy(desired)
            Conditions(latest, self._now()).set(REFERENCES_RESOLVED, "Unknown", "Reference resolution failed", reason)
            self._save_status(desired, latest)
            raise PassFailed(reason)
        try:
            latest = self._synced(manager, desired)
        except Stopped as stopped:
            latest, error = stopped.latest, stopped.error
        if latest is not None:
            Conditions(latest, self._now()).close(error)
            self._save_status(desired, latest)
        if isinstance(error, TerminalState):
            return None
        if error is not None:
            raise error
        synced = Conditions(latest or {}, self._now()).find(SYNCED)
        return RESYNC_SECONDS if synced and synced["status"] == "True" else _OUT_OF_SYNC_SECONDS

    def _synced(self, manager: Manager, desired: Resource) -> Resource:
        adoption = cr.adoption(desired)
        wanted = cr.to_adopt(desired) if adoption == cr.ADOPT else desired
        wanted = wanted if cr.is_read_only(desired) else cr.with_system_tags(wanted)
        try:
            latest = manager.read(wanted)
        except Stopped as stopped:
            if not isinstance(stopped.error, FunctionNotFound):
                raise
            if adoption == cr.ADOPT or cr.is_adopted(desired) or cr.is_read_only(desired):
                kind = "read-only" if cr.is_read_only(desired) else "adopted"
                raise Stopped(PassFailed(f"{kind} resource not found"), None) from stopped
            latest = self._create(manager, wanted)
        else:
            if adoption == cr.ADOPT:
                latest = self._adopt(desired, latest)
                return self._late_initialized(manager, latest)
            if cr.is_read_only(desired):
                return latest
            if adoption == cr.ADOPT_OR_CREATE:
                self._save(latest, cr.as_adopted(latest))
                raise Stopped(PassFailed("adopted resource, requeuing to check for updates"), latest)
            latest = self._update(manager, wanted, latest)
        return self._late_initialized(manager, latest)

    def _adopt(self, desired: Resource, latest: Resource) -> Resource:
        """Take the function over as it is: what AWS says of it becomes the spec."""
        adopted = cr.as_adopted(cr.without_system_tags(latest))
        self._save(desired, adopted)
        return adopted

    def _create(self, manager: Manager, wanted: Resource) -> Resource:
        """Create the function, under our finalizer; a refused create takes the finalizer off again."""
        managed = wanted if cr.is_managed(wanted) else cr.with_finalizer(wanted)
        self._save(wanted, managed)
        try:
            created = manager.create(managed)
        except Stopped as stopped:
            # A create whose answer was lost may have made the function.
            if isinstance(stopped.error, LambdaError) and stopped.error.code:
                self._save(managed, cr.without_finalizer(managed))
            raise
        try:
            seen = manager.read(created)
        except Stopped as stopped:
            raise Stopped(stopped.error, created) from stopped
        created["status"] = seen["status"]
        self._save(managed, created)
        return created

    def _update(self, manager: Manager, wanted: Resource, latest: Resource) -> Resource:
        """Update the function where it differs, and write into the spec what AWS says of it then."""
        if not cr.is_managed(latest):
            Conditions(latest, self._now()).set(TERMINAL, "True", NOT_MANAGED_MESSAGE, NOT_MANAGED_REASON)
            raise Stopped(TerminalState(), latest)
        different = delta(wanted, latest)
        if not different:
            return latest
        updated = manager.update(wanted, latest, different)
        if delta(cr.without_system_tags(wanted), cr.without_system_tags(updated)):
            self._save(wanted, updated)
        return updated

    def _late_initialized(self, manager: Manager, latest: Resource) -> Resource:
        """Read once more for the fields that AWS defaults late (durableConfig), as each good pass ends."""
        initialized = copy.deepcopy(latest)
        conditions = Conditions(initialized, self._now())
        try:
            seen = manager.read(latest)
        except Stopped as stopped:
            failure = "Unable to complete Read operation required for late initialization"
            conditions.set(LATE_INITIALIZED, "False", failure, "Late Initialization Failure")
            conditions.set(SYNCED, "False")
            raise Stopped(stopped.error, initialized) from stopped
        if "durableConfig" in seen["spec"] and "durableConfig" not in initialized["spec"]:
            initialized["spec"]["durableConfig"] = seen["spec"]["durableConfig"]
            self._save(latest, initialized)
        done = "Late initialization successful"
        conditions.set(LATE_INITIALIZED, "True", done, done)
        return initialized

    # ---- a resource that goes ------------------------------------------------------------------------------------

    def _delete(self, manager: Manager, desired: Resource, place: dict[str, str]) -> float | None:
        """Delete the function and let the resource go. Conditions are not reset, so their heartbeat stands still."""
        if not cr.is_managed(desired):
            return None
        policy = cr.annotations_of(desired).get(cr.DELETION_POLICY) or place.get(cr.NAMESPACE_DELETION_POLICY, "delete")
        if policy != "delete" or cr.is_read_only(desired):
            self._save(desired, cr.without_finalizer(desired))
            return None
        try:
            seen = manager.read(desired)
        except Stopped as stopped:
            if isinstance(stopped.error, FunctionNotFound):
                self._save(desired, cr.without_finalizer(desired))
                return None
            # Nothing is written: what the user sees is from before the deletion.
            raise stopped.error from stopped
        try:
            manager.delete(seen)
        except Stopped as stopped:
            assert stopped.latest is not None
            if delta(cr.without_system_tags(desired), cr.without_system_tags(stopped.latest)):
                self._save(desired, stopped.latest)
            self._save_status(desired, stopped.latest)
            raise stopped.error from stopped
        raise AssertionError("a deletion ends with a later look")

    # ---- writing -------------------------------------------------------------------------------------------------

    def _save(self, before: Resource, after: Resource) -> None:
        if patch := cr.metadata_and_spec_patch(before, after):
            self._cluster.patch(before, patch)

    def _save_status(self, before: Resource, after: Resource) -> None:
        """Patch the status; a failure is ignored, as ACK ignores it."""
        if patch := cr.status_patch(before, after):
            try:
                self._cluster.patch_status(before, patch)
            except CLUSTER_ERRORS:
                return


def _unresolved_reference(resource: Resource) -> str | None:
    """Return why a reference cannot be resolved; None where there is none, or it may stay so (read-only)."""
    if cr.is_read_only(resource):
        return None
    spec = resource["spec"]
    if not (spec.get("role") or spec.get("roleRef")):
        return "resource reference wrapper or ID required: Role,RoleRef"
    for path, kind, version in _REFERENCES:
        at = spec
        for key in path:
            at = at.get(key) or {}
        if at.get("from"):
            return f'no matches for kind "{kind}" in version "{version}"'
    return None
