"""The kinds that are served: what each is called, and how its objects behave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from remediator.sandbox.api import declared
from remediator.sandbox.api.values import Object, same

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


def nothing_counts(old: Object, new: Object) -> bool:
    """Never bump: kinds without `metadata.generation`."""
    return False


def content_counts(old: Object, new: Object) -> bool:
    """Bump on any change outside metadata (apiextensions-apiserver `registry/customresource/strategy.go`)."""
    return not same(*({k: v for k, v in obj.items() if k != "metadata"} for obj in (old, new)))


def spec_counts(old: Object, new: Object) -> bool:
    """Bump on a change of spec."""
    return not same(old.get("spec"), new.get("spec"))


def deployment_counts(old: Object, new: Object) -> bool:
    """Bump on a change of spec or annotations (kubernetes `registry/apps/deployment/strategy.go`)."""
    return spec_counts(old, new) or not same(
        old["metadata"].get("annotations", {}), new["metadata"].get("annotations", {})
    )


@dataclass(frozen=True, eq=False)
class Resource:
    """One kind in one version, and the ways in which kinds differ.

    `bumps` decides whether an update raises `metadata.generation`, None means that the kind has none.
    `schema` is the structural schema of a custom resource, or the fields of a built-in kind; None stores
    anything. `fields` are the field selectors beside `metadata.name` and `metadata.namespace`. `storage`
    names the shelf in the store, so that two versions can share it. `columns` are what kubectl prints.
    """

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    has_status: bool = False
    bumps: Callable[[Object, Object], bool] | None = None
    schema: Object | None = None
    singular: str = ""
    list_kind: str = ""
    short_names: tuple[str, ...] = ()
    unconditional_update: bool = True
    create_on_update: bool = False
    returns_deleted: bool = False
    initial_status: Object | None = None
    fields: tuple[str, ...] = ()
    verbs: tuple[str, ...] = VERBS
    storage: str = ""
    custom: bool = False
    columns: tuple[Object, ...] = ()

    @property
    def api_version(self) -> str:
        """Return `group/version`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def subresources(self) -> tuple[str, ...]:
        """Return what there is below an object of this kind."""
        return ("token",) if self is SERVICE_ACCOUNTS else ("status",) if self.has_status else ()

    @property
    def shelf(self) -> str:
        """Return where objects of this kind are stored."""
        return self.storage or f"{self.group}/{self.plural}"

    def described(self) -> list[Object]:
        """Return the discovery entries of this kind: itself and its subresources."""
        entry: Object = {
            "name": self.plural,
            "singularName": self.singular or self.kind.lower(),
            "namespaced": self.namespaced,
            "kind": self.kind,
            "verbs": list(self.verbs),
        }
        if self.short_names:
            entry["shortNames"] = list(self.short_names)
        if not self.has_status:
            return [entry]
        status = {"name": f"{self.plural}/status", "singularName": "", "namespaced": self.namespaced}
        return [entry, {**status, "kind": self.kind, "verbs": ["get", "patch", "update"]}]


_REFERENCE = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
EVENT_FIELDS = (
    *(f"involvedObject.{name}" for name in _REFERENCE),
    *("reason", "reportingComponent", "source", "type"),
)
REGARDING_FIELDS = tuple(name.replace("involvedObject", "regarding") for name in EVENT_FIELDS)

NAMESPACES = Resource(
    "", "v1", "namespaces", "Namespace", namespaced=False, has_status=True, short_names=("ns",),
    initial_status={"phase": "Active"}, fields=("status.phase",),
    verbs=tuple(verb for verb in VERBS if verb != "deletecollection"),
)  # fmt: skip
CRDS = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False,
    has_status=True, bumps=spec_counts, short_names=("crd", "crds"), unconditional_update=False,
)  # fmt: skip
EVENTS = Resource(
    "", "v1", "events", "Event", short_names=("ev",), create_on_update=True,
    fields=EVENT_FIELDS, storage="events",
)  # fmt: skip
NEW_EVENTS = Resource(
    "events.k8s.io", "v1", "events", "Event", short_names=("ev",), create_on_update=True,
    fields=REGARDING_FIELDS, storage="events",
)  # fmt: skip
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap", short_names=("cm",), schema=declared.CONFIG_MAP)
SECRETS = Resource("", "v1", "secrets", "Secret", fields=("type",), schema=declared.SECRET)

LEASES = Resource(
    "coordination.k8s.io", "v1", "leases", "Lease", unconditional_update=False, create_on_update=True,
    schema=declared.LEASE,
)  # fmt: skip

SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount", short_names=("sa",), returns_deleted=True)
_RBAC = ("rbac.authorization.k8s.io", "v1")
ROLES = Resource(*_RBAC, "roles", "Role", create_on_update=True)
ROLE_BINDINGS = Resource(*_RBAC, "rolebindings", "RoleBinding", create_on_update=True)
CLUSTER_ROLES = Resource(*_RBAC, "clusterroles", "ClusterRole", namespaced=False, create_on_update=True)
CLUSTER_ROLE_BINDINGS = Resource(
    *_RBAC, "clusterrolebindings", "ClusterRoleBinding", namespaced=False, create_on_update=True
)

BUILT_IN: tuple[Resource, ...] = (
    NAMESPACES,
    CONFIG_MAPS,
    SECRETS,
    EVENTS,
    Resource(
        "", "v1", "pods", "Pod", has_status=True, bumps=spec_counts, initial_status={"phase": "Pending"},
        short_names=("po",), returns_deleted=True, fields=("spec.nodeName", "status.phase"),
    ),
    SERVICE_ACCOUNTS,
    Resource(
        "apps", "v1", "deployments", "Deployment", has_status=True, bumps=deployment_counts,
        initial_status={}, short_names=("deploy",),
    ),
    LEASES,
    NEW_EVENTS,
    ROLES,
    ROLE_BINDINGS,
    CLUSTER_ROLES,
    CLUSTER_ROLE_BINDINGS,
    CRDS,
)  # fmt: skip

REVIEWS = {
    ("authorization.k8s.io", "v1", "selfsubjectaccessreviews"): "SelfSubjectAccessReview",
    ("authorization.k8s.io", "v1", "selfsubjectrulesreviews"): "SelfSubjectRulesReview",
    ("authentication.k8s.io", "v1", "selfsubjectreviews"): "SelfSubjectReview",
}
"""Kinds that are only ever answered, never stored."""


def review_entry(plural: str, kind: str) -> dict[str, Any]:
    """Return the discovery entry of a kind that can only be posted."""
    return {
        "name": plural,
        "singularName": kind.lower(),
        "namespaced": False,
        "kind": kind,
        "verbs": ["create"],
    }
