"""The documents by which clients find out what is served."""

from __future__ import annotations

from collections.abc import Iterable

from remediator.sandbox.api.resources import REVIEWS, Resource, review_entry
from remediator.sandbox.api.values import Object

VERSION: Object = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v1.36.3",
    "gitCommit": "",
    "gitTreeState": "",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "go1.26.8",
    "compiler": "gc",
    "platform": "linux/amd64",
}
"""What `/version` answers: the server that this one was held against."""


def document(path: str, resources: Iterable[Resource], address: str) -> Object | None:
    """Return the discovery document at `path`, or None where there is none.

    `address` is our own host:port.
    """
    served = list(resources)
    steps = path.strip("/").split("/")
    match steps:
        case ["version"]:
            return VERSION
        case ["api"]:
            cidr = {"clientCIDR": "0.0.0.0/0", "serverAddress": address}
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [cidr]}
        case ["api", "v1"]:
            return _resource_list("", "v1", served)
        case ["apis"]:
            groups = [_group(name, versions) for name, versions in _groups(served).items()]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        case ["apis", group] if group in _groups(served):
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group, _groups(served)[group])}
        case ["apis", group, version] if version in _groups(served).get(group, []):
            return _resource_list(group, version, served)
    return None


def _groups(served: list[Resource]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    pairs = [(resource.group, resource.version) for resource in served]
    for group, version in [*pairs, *((group, version) for group, version, _ in REVIEWS)]:
        if group and version not in groups.setdefault(group, []):
            groups[group].append(version)
    return groups


def _group(name: str, versions: list[str]) -> Object:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _resource_list(group: str, version: str, served: list[Resource]) -> Object:
    entries = [
        entry
        for resource in served
        if (resource.group, resource.version) == (group, version)
        for entry in resource.described()
    ]
    for (of_group, of_version, plural), kind in REVIEWS.items():
        if (of_group, of_version) == (group, version):
            entries.append(review_entry(plural, kind))
    name = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": entries}
