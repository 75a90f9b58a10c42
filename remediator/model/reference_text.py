"""What the controller says of references that it could not resolve, read where nobody can look at them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from remediator.model.kind import KINDS
from remediator.model.reference import Link, LinkState, Pointer, pointers
from remediator.model.resource import Resource, strip_request_ids

RESOLVED = "ACK.ReferencesResolved"

# runtime pkg/errors/resource_reference.go
_ABOUT = re.compile(r"resource:\s*(?P<kind>\w+), namespace:\s*(?P<namespace>[\w.-]*), name:\s*(?P<name>[\w.-]+)")
_FIELD = re.compile(r"targetField:\s*([\w.]+)")
_ELSEWHERE = re.compile(r"targetNamespace:\s*(?P<namespace>[\w.-]+), name:\s*(?P<name>[\w.-]+)")
# client-go and apimachinery: `no matches for kind "Role" in version "iam.services.k8s.aws/v1alpha1"`, and
# `roles.iam.services.k8s.aws "checkout" not found`.
_NO_KIND = re.compile(r'no matches for kind "(?P<kind>\w+)" in version "(?P<group>[\w.-]+)/')
_NOT_FOUND = re.compile(r'(?P<plural>\w+)\.(?P<group>[\w.-]+) "(?P<name>[\w.-]+)" not found')
# runtime pkg/errors/resource_reference.go, and the generated references.go: no other object is to blame.
_MISTAKE = re.compile(
    r"resource reference wrapper (?:and ID cannot be used together|or ID required)"
    r"|provided resource reference is nil or empty"
)


def complaint(resource: Resource) -> str:
    """Return what the controller says of references that it could not resolve; empty where it resolved them."""
    found = resource.condition(RESOLVED)
    if found is None or found.status == "True":
        return ""
    return strip_request_ids(found.reason or found.message or "") or "no reason given"


def is_mistake(said: str) -> bool:
    """Whether the spec itself is wrong: both a reference and a value for a field, or neither, or an empty one."""
    return bool(_MISTAKE.search(said))


def links_by_text(resource: Resource) -> tuple[Link, ...]:
    """Tell by the controller's words alone what a resource waits for; empty where they do not say."""
    said, pointed = complaint(resource), pointers(resource)
    return tuple(link for each in pointed if (link := link_by_text(said, each, pointed)) is not None)


def link_by_text(said: str, pointer: Pointer, among: Sequence[Pointer]) -> Link | None:
    """Tell how one reference stands, where it is the first of all that the text speaks of."""
    state, why, fits = _read(said)
    if state is None or next((each for each in among if fits(each)), None) is not pointer:
        return None
    return pointer.link(state, why)


class _About:
    """Which references a text speaks of; what it does not name fits any."""

    def __init__(self, kind: str = "", namespace: str = "", name: str = "") -> None:
        self._wanted = (kind, namespace, name)

    def __call__(self, pointer: Pointer) -> bool:
        return all(wanted in ("", found) for wanted, found in zip(self._wanted, pointer.target, strict=True))


def _read(said: str) -> tuple[LinkState | None, str, _About]:
    if "cross-namespace resource reference is not allowed" in said and (found := _ELSEWHERE.search(said)):
        return LinkState.FORBIDDEN, "", _About("", found["namespace"], found["name"])
    if found := _NO_KIND.search(said):
        return LinkState.KIND_MISSING, "", _About(found["kind"])
    if found := _NOT_FOUND.search(said):
        kinds = [each.name for each in KINDS.values() if (each.plural, each.group) == (found["plural"], found["group"])]
        return LinkState.MISSING, "", _About(kinds[0] if kinds else "?", "", found["name"])
    if found := _ABOUT.search(said):
        about = _About(found["kind"], found["namespace"], found["name"])
        if "ACK.Terminal" in said:
            return LinkState.TERMINAL, "", about
        if "not synced" in said:
            return LinkState.NOT_SYNCED, "", about
        if lacks := _FIELD.search(said):
            return LinkState.NOT_SYNCED, f"it has no {lacks[1]} yet", about
    return None, "", _About()
