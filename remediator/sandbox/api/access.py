"""What a request asks for, in the terms in which rights are given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from remediator.sandbox.api.listing import flag
from remediator.sandbox.api.status import ApiError, failure

VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
SELECTING = ("list", "watch", "deletecollection")
OF_NAMESPACES = ("status", "finalize")


@dataclass(frozen=True)
class Attributes:
    """One question to the authorizer: may a verb be done to a resource, or, where `path` is set, to a path."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def combined(self) -> str:
        """Return the resource with its subresource, as rules name it."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource

    def refused(self, user: str, why: str = "") -> ApiError:
        """Build the refusal for want of rights (apiserver `endpoints/handlers/responsewriters/errors.go`)."""
        qualified = ".".join(part for part in (self.resource, self.group) if part)
        about = " ".join(part for part in (qualified, f'"{self.name}"' if self.name else "", "is") if part)
        if self.path:
            about, what = "", f'path "{self.path}"'
        else:
            place = f'in the namespace "{self.namespace}"' if self.namespace else "at the cluster scope"
            what = f'resource "{self.combined}" in API group "{self.group}" {place}'
        message = f'{about} forbidden: User "{user}" cannot {self.verb} {what}'.strip()
        details = {"name": self.name, "group": self.group, "kind": self.resource}
        told = {name: value for name, value in details.items() if value}
        return failure(403, "Forbidden", f"{message}: {why}" if why else message, told)


def asked(method: str, path: str, query: Mapping[str, str]) -> Attributes:
    """Return what a request asks for (apiserver `endpoints/request/requestinfo.go`).

    That is read off the path alone, so that who has no rights does not learn what is served.
    """
    steps = path.strip("/").split("/")
    if steps[0] == "api" and len(steps) > 2:
        group, rest = "", steps[2:]
    elif steps[0] == "apis" and len(steps) > 3:
        group, rest = steps[1], steps[3:]
    else:
        return Attributes(method.lower(), path=path)
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in OF_NAMESPACES:
            rest = rest[2:]
    resource, name, subresource = [*rest, "", ""][:3]
    verb = VERBS.get(method, "get")
    if verb == "get" and not name:
        verb = "watch" if flag(query, "watch") else "list"
    if verb == "delete" and not name:
        verb = "deletecollection"
    if verb in SELECTING:
        name = _selected(query.get("fieldSelector", ""))
    return Attributes(verb, group, resource, subresource, namespace, name)


def _selected(selector: str) -> str:
    """Return the one name that a field selector asks for: rights to a name cover lists of it."""
    found = re.search(r"(?:^|,)metadata\.name==?([^,]+)", selector)
    return found.group(1) if found else ""
