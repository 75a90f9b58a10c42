"""OpenAPI, as far as kubectl asks for it: which verbs take `fieldValidation`, and what fields there are."""

from __future__ import annotations

from collections.abc import Iterable

from remediator.sandbox.api.resources import Resource
from remediator.sandbox.api.values import Object

ROOT = "openapi/v3"
KIND = "x-kubernetes-group-version-kind"


def described(path: str, resources: Iterable[Resource]) -> Object | None:
    """Return the document at `path`, or None where there is none."""
    served: dict[str, list[Resource]] = {}
    for resource in resources:
        served.setdefault(_home(resource), []).append(resource)
    asked = path.strip("/")
    if asked == ROOT:
        return {"paths": {home: {"serverRelativeURL": f"/{ROOT}/{home}"} for home in served}}
    found = served.get(asked.removeprefix(f"{ROOT}/")) if asked.startswith(f"{ROOT}/") else None
    if found is None:
        return None
    paths = {f"/{_home(each)}/{_place(each)}{{name}}": _operations(each) for each in found}
    schemas = {f"{each.version}.{each.kind}": {**each.schema, KIND: [_kind(each)]} for each in found if each.schema}
    info = {"title": "Kubernetes", "version": "v1.36.3"}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}}


def _home(resource: Resource) -> str:
    return f"apis/{resource.group}/{resource.version}" if resource.group else f"api/{resource.version}"


def _place(resource: Resource) -> str:
    return f"namespaces/{{namespace}}/{resource.plural}/" if resource.namespaced else f"{resource.plural}/"


def _kind(resource: Resource) -> Object:
    return {"group": resource.group, "kind": resource.kind, "version": resource.version}


def _operations(resource: Resource) -> Object:
    parameters = [
        {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
        for name in ("dryRun", "fieldManager", "fieldValidation")
    ]
    reference = {"$ref": f"#/components/schemas/{resource.version}.{resource.kind}"}
    answer = {"description": "OK", "content": {"application/json": {"schema": reference if resource.schema else {}}}}
    operation = {"parameters": parameters, "responses": {"200": answer}, KIND: _kind(resource)}
    return {"get": {**operation, "parameters": []}, "patch": operation, "put": operation}
