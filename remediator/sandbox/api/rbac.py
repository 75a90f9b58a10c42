"""Rights: roles, and what binds them to users, read from the store at each question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from remediator.sandbox.api.access import Attributes
from remediator.sandbox.api.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES, Resource
from remediator.sandbox.api.store import Store
from remediator.sandbox.api.users import MASTERS, User
from remediator.sandbox.api.values import Object

GROUP = "rbac.authorization.k8s.io"
_PUBLIC = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
_DISCOVERY = ["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", *_PUBLIC]
_EVERYTHING = [
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
]
_REVIEWS = [
    {
        "verbs": ["create"],
        "apiGroups": ["authorization.k8s.io"],
        "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
    },
    {"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"]},
]
_DEFAULTS: dict[str, tuple[list[Object], tuple[str, ...]]] = {
    "cluster-admin": (_EVERYTHING, (MASTERS,)),
    "system:basic-user": (_REVIEWS, ("system:authenticated",)),
    "system:discovery": ([{"verbs": ["get"], "nonResourceURLs": _DISCOVERY}], ("system:authenticated",)),
    "system:public-info-viewer": (
        [{"verbs": ["get"], "nonResourceURLs": _PUBLIC}],
        ("system:authenticated", "system:unauthenticated"),
    ),
}
"""The roles that every cluster is born with, as far as anybody asks for them, and the groups that have them."""


@dataclass(frozen=True)
class Granted:
    """One rule that a user has, and by what."""

    rule: Object
    by: str


@dataclass(frozen=True)
class Verdict:
    """The answer to one question. `reason` says by what it is allowed, or what was broken where it is not."""

    allowed: bool
    reason: str = ""


class Rbac:
    """Answer what users may do."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def decide(self, user: User, asked: Attributes) -> Verdict:
        """Tell whether a user may do what is asked."""
        if MASTERS in user.groups:
            return Verdict(True)
        granted, broken = self.rules(user, asked.namespace)
        for each in granted:
            if _allows(each.rule, asked):
                return Verdict(True, f"RBAC: allowed by {each.by}")
        return Verdict(False, f"RBAC: {broken}" if broken else "")

    def rules(self, user: User, namespace: str) -> tuple[list[Granted], str]:
        """Return a user's rules, those of a namespace included, and which roles are bound but not there."""
        granted: list[Granted] = []
        missing: list[str] = []
        with self._store.lock:
            for binding, kind in self._bindings(namespace):
                by = next((subject for subject in binding.get("subjects", ()) if _is(user, subject)), None)
                if by is None:
                    continue
                reference = binding["roleRef"]
                role = self._role(reference, namespace)
                if role is None:
                    missing.append(f'{reference["kind"].lower()}.{GROUP} "{reference["name"]}" not found')
                    continue
                told = f'{kind} of {reference["kind"]} "{reference["name"]}" to {_described(by)}'
                granted += [Granted(rule, told) for rule in role.get("rules") or ()]
        return granted, missing[0] if len(missing) == 1 else f"[{', '.join(missing)}]" if missing else ""

    def _bindings(self, namespace: str) -> Iterator[tuple[Object, str]]:
        for _, binding in self._store.items(CLUSTER_ROLE_BINDINGS.shelf, None):
            yield binding, f'ClusterRoleBinding "{binding["metadata"]["name"]}"'
        if namespace:
            for _, binding in self._store.items(ROLE_BINDINGS.shelf, namespace):
                yield binding, f'RoleBinding "{binding["metadata"]["name"]}/{namespace}"'

    def _role(self, reference: Object, namespace: str) -> Object | None:
        if reference["kind"] == "Role":
            return self._store.get(ROLES.shelf, namespace, reference["name"])
        return self._store.get(CLUSTER_ROLES.shelf, "", reference["name"])


def defaults() -> Iterator[tuple[Resource, Object]]:
    """Yield the roles and bindings that a new cluster has."""
    for name, (rules, groups) in _DEFAULTS.items():
        yield CLUSTER_ROLES, {"metadata": {"name": name}, "rules": rules}
        subjects = [{"kind": "Group", "apiGroup": GROUP, "name": group} for group in groups]
        reference = {"apiGroup": GROUP, "kind": "ClusterRole", "name": name}
        yield CLUSTER_ROLE_BINDINGS, {"metadata": {"name": name}, "subjects": subjects, "roleRef": reference}


def _is(user: User, subject: Object) -> bool:
    name = subject["name"]
    if subject["kind"] == "ServiceAccount":
        return user.name == f"system:serviceaccount:{subject.get('namespace', '')}:{name}"
    return name in user.groups if subject["kind"] == "Group" else name == user.name


def _described(subject: Object) -> str:
    place = f"/{subject['namespace']}" if subject["kind"] == "ServiceAccount" else ""
    return f'{subject["kind"]} "{subject["name"]}{place}"'


def _allows(rule: Object, asked: Attributes) -> bool:
    """Match one rule (kubernetes `pkg/apis/rbac/v1/evaluation_helpers.go`)."""
    if not _among(asked.verb, rule.get("verbs")):
        return False
    if asked.path:
        return any(_covers(pattern, asked.path) for pattern in rule.get("nonResourceURLs") or ())
    resources = rule.get("resources") or ()
    named = _among(asked.combined, resources) or (asked.subresource and f"*/{asked.subresource}" in resources)
    names = rule.get("resourceNames")
    return bool(named and _among(asked.group, rule.get("apiGroups")) and (not names or asked.name in names))


def _among(value: str, allowed: Sequence[str] | None) -> bool:
    return value in (allowed or ()) or "*" in (allowed or ())


def _covers(pattern: str, path: str) -> bool:
    return path == pattern or (pattern.endswith("*") and path.startswith(pattern.rstrip("*")))
