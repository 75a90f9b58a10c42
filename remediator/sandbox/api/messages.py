"""A request and an answer, and how a body becomes an object."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from remediator.sandbox.api import builtin, declared, metadata, schema
from remediator.sandbox.api.resources import Resource
from remediator.sandbox.api.routing import Target
from remediator.sandbox.api.status import Cause, bad_request, failure, invalid_options, invalid_patch
from remediator.sandbox.api.values import Object, go_type

LARGEST = 3 * 1024 * 1024
"""How many bytes of a body are read."""
VALIDATIONS = ("", "Ignore", "Strict", "Warn")


@dataclass(frozen=True)
class Request:
    """One HTTP request. `query` holds the first value of each parameter, `headers` have names in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    def header(self, name: str) -> str:
        """Return a header, empty if absent."""
        return self.headers.get(name, "")


@dataclass(frozen=True)
class Answer:
    """One HTTP answer: an object, text, or the lines of a stream; `warnings` become `Warning` headers."""

    code: int
    body: Object | str | Iterator[bytes]
    warnings: tuple[str, ...] = field(default=())


def dry_run(request: Request, options: str, body: Object | None = None) -> bool:
    """Tell whether nothing may be stored. Raises 422 for any value but `All`."""
    asked = request.query.get("dryRun") or ",".join((body or {}).get("dryRun") or [])
    if asked not in ("", "All"):
        why = f'Unsupported value: {json.dumps([asked])}: supported values: "All"'
        raise invalid_options(options, Cause("FieldValueNotSupported", "dryRun", why))
    return asked == "All"


def expect_readable(request: Request) -> None:
    """Refuse a body that is too large (413)."""
    if len(request.body) > LARGEST:
        raise failure(413, "RequestEntityTooLarge", f"Request entity too large: limit is {LARGEST}")


def expect_json(request: Request) -> None:
    """Refuse a body in another format (415). The real server reads YAML, too, and protobuf of every built-in kind."""
    kind = request.header("content-type").partition(";")[0].strip()
    if kind not in ("application/json", ""):
        accepted = "accepted media types include: application/json"
        raise failure(415, "UnsupportedMediaType", f"the body of the request was in an unknown format - {accepted}")


def validation(request: Request, options: str) -> str:
    """Return what to do about unknown fields. Raises 422 for an unknown choice."""
    asked = request.query.get("fieldValidation", "")
    if asked not in VALIDATIONS:
        listed = ", ".join(json.dumps(name) for name in VALIDATIONS)
        why = f"Unsupported value: {json.dumps(asked)}: supported values: {listed}"
        raise invalid_options(options, Cause("FieldValueNotSupported", "fieldValidation", why))
    return asked or "Warn"


def received(request: Request, target: Target, options: str) -> tuple[Object, tuple[str, ...]]:
    """Return the object in a POST or PUT body, shaped for storage, and warnings. Raises 400."""
    resource, choice = target.resource, validation(request, options)
    obj = _parsed(request.body, resource)
    wrong = _undecodable(obj, resource)
    if wrong:
        raise bad_request(f"{_cannot_be(resource)}: {wrong}")
    strange = schema.unknown_fields(obj, resource.schema)
    if strange and choice == "Strict":
        raise bad_request(f"{_cannot_be(resource)}: strict decoding error: {_named(strange)}")
    obj = builtin.inward(schema.shaped(obj, resource.schema), resource)
    expect_place(obj, target, named=request.method == "PUT")
    return obj, tuple(f'unknown field "{path}"' for path in strange) if choice == "Warn" else ()


def patched(result: Any, target: Target, choice: str) -> tuple[Object, tuple[str, ...]]:
    """Return what a patch made of an object, shaped for storage, and warnings. Raises 400 and 422."""
    resource = target.resource
    text = json.dumps(result, separators=(",", ":"), sort_keys=True)
    if not isinstance(result, dict) or not result.get("kind"):
        raise invalid_patch(text, f"Object 'Kind' is missing in '{text}'")
    wrong = _undecodable(result, resource)
    if wrong:
        raise invalid_patch(text, wrong)
    strange = schema.unknown_fields(result, resource.schema)
    if strange and choice == "Strict":
        raise invalid_patch(text, f"strict decoding error: {_named(strange)}")
    obj = builtin.inward(schema.shaped(result, resource.schema), resource)
    expect_place(obj, target, named=True)
    return obj, tuple(f'unknown field "{path}"' for path in strange) if choice == "Warn" else ()


def configuration(request: Request, target: Target) -> Object:
    """Return the body of a server-side apply. Raises 400. The real server reads YAML, too."""
    try:
        body = json.loads(request.body.decode() or "null", parse_float=_number)
    except ValueError as error:  # UnicodeDecodeError is one
        raise bad_request(f"error decoding YAML: error converting YAML to JSON: {error}") from None
    if body is not None and not isinstance(body, dict):
        why = f"cannot unmarshal {go_type(body)} into Go value of type map[string]interface {{}}"
        raise bad_request(f"error decoding YAML: error unmarshaling JSON: while decoding JSON: json: {why}")
    obj: Object = body or {}
    group, _, version = str(obj.get("apiVersion") or "").rpartition("/")
    kind = obj.get("kind") or ""
    if (group, version, kind) != (target.resource.group, target.resource.version, target.resource.kind):
        raise bad_request(f"invalid object type: {group}/{version}, Kind={kind}")
    meta = obj.get("metadata")
    if isinstance(meta, dict) and meta.get("managedFields") is not None:
        raise bad_request("metadata.managedFields must be nil")
    return obj


def _number(text: str) -> int | float:
    """Read a number as it comes out of YAML: 3.0 is 3."""
    number = float(text)
    return int(number) if number.is_integer() else number


def expect_no_force(request: Request) -> None:
    """Refuse `force` (422), which only a server-side apply has."""
    if "force" in request.query:
        why = "Forbidden: may not be specified for non-apply patch"
        raise invalid_options("PatchOptions", Cause("FieldValueForbidden", "force", why))


def json_body(body: bytes, trouble: str) -> Any:
    """Parse a body as JSON. Bytes that are no text become U+FFFD. Raises 400 with `trouble` and the reason."""
    try:
        return json.loads(body.decode(errors="replace"))
    except ValueError as error:
        why = "unexpected end of JSON input" if _ends_early(error, body) else str(error)
        raise bad_request(f"{trouble}{why}") from None


def _ends_early(error: ValueError, body: bytes) -> bool:
    return not body.strip() or (isinstance(error, json.JSONDecodeError) and error.pos >= len(body.strip()))


def _parsed(body: bytes, resource: Resource) -> Object:
    unrecognized = f"the object provided is unrecognized (must be of type {resource.kind}): "
    obj = json_body(body, f"{unrecognized}couldn't get version/kind; json parse error: ")
    if not isinstance(obj, dict):
        raise bad_request(f"{unrecognized}couldn't get version/kind; json parse error: {body.decode(errors='replace')}")
    if not resource.custom:
        obj = {"apiVersion": resource.api_version, "kind": resource.kind, **obj}
        if (obj["apiVersion"], obj["kind"]) != (resource.api_version, resource.kind):
            unknown = f'no kind "{obj["kind"]}" is registered for version "{obj["apiVersion"]}" in scheme'
            raise bad_request(f"{_cannot_be(resource)}: {unknown}")
    if not obj.get("kind"):
        text = body.decode(errors="replace")
        raise bad_request(f"{unrecognized}Object 'Kind' is missing in '{text}' ({text})")
    if obj.get("apiVersion") != resource.api_version:
        raise bad_request(
            f"the API version in the data ({obj.get('apiVersion', '')}) does not match "
            f"the expected API version ({resource.api_version})"
        )
    return obj


def _undecodable(obj: Object, resource: Resource) -> str:
    """Return why Go could not read this as an object of its kind, empty if it could."""
    wrong = metadata.undecodable(obj.get("metadata"))
    if not wrong and resource.schema is not None and not resource.custom:
        wrong = declared.undecodable(obj, resource.schema, resource.kind)
    if not wrong and resource.kind == "Event":
        wrong = declared.bad_micro_time(obj.get("eventTime"))
    return wrong


def expect_place(obj: Object, target: Target, *, named: bool) -> None:
    """Refuse an object whose own name or namespace contradicts the path (400)."""
    name, namespace = obj["metadata"].get("name", ""), obj["metadata"].get("namespace", "")
    if named and not name:
        raise bad_request(
            f"the name of the object ({target.name} based on URL) was undeterminable: name must be provided"
        )
    if target.name and name and name != target.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({target.name})")
    if namespace and namespace != target.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")


def _cannot_be(resource: Resource) -> str:
    return f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}'


def _named(paths: list[str]) -> str:
    return ", ".join(f'unknown field "{path}"' for path in paths)
