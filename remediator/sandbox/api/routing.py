"""From a path to what it is about."""

from __future__ import annotations

from dataclasses import dataclass

from remediator.sandbox.api.catalogue import Catalogue
from remediator.sandbox.api.resources import Resource
from remediator.sandbox.api.status import no_such_path, no_such_resource, not_found

BUILT_IN_GROUPS = (
    *("", "apps", "coordination.k8s.io", "events.k8s.io", "apiextensions.k8s.io"),
    "rbac.authorization.k8s.io",
)


@dataclass(frozen=True)
class Target:
    """What a request is about. An empty namespace means cluster-wide, an empty name the collection."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def across(self) -> bool:
        """Tell whether a namespaced kind is addressed without a namespace."""
        return self.resource.namespaced and not self.namespace


def target(path: str, kinds: Catalogue) -> Target:
    """Return what `path` addresses.

    Raises 404, in text for unknown groups and custom kinds, as the real server does.
    """
    steps = path.strip("/").split("/")
    if steps[0] == "api" and len(steps) > 2:
        group, version, rest = "", steps[1], steps[2:]
    elif steps[0] == "apis" and len(steps) > 3:
        group, version, rest = steps[1], steps[2], steps[3:]
    else:
        raise no_such_resource() if _is_built_in(steps) else no_such_path()
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces" and not (group == "" and rest[2] in ("status", "finalize")):
        namespace, rest = rest[1], rest[2:]
    resource = kinds.find(group, version, rest[0])
    if resource is None:
        raise no_such_resource() if group in BUILT_IN_GROUPS else no_such_path()
    found = Target(resource, namespace, *rest[1:3])
    if len(rest) > 3 or (namespace and not resource.namespaced) or (found.across and len(rest) > 1):
        raise no_such_path() if resource.custom else no_such_resource()
    _expect_subresource(found)
    return found


def _is_built_in(steps: list[str]) -> bool:
    return steps[0] == "apis" and len(steps) == 3 and steps[1] in BUILT_IN_GROUPS


def _expect_subresource(found: Target) -> None:
    if not found.subresource or found.subresource in found.resource.subresources:
        return
    if not found.resource.custom:
        raise no_such_resource()
    raise not_found(found.resource, found.name)
