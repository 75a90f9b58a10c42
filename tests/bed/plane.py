"""What both API servers have in common for a test: an address, an admin, accounts and namespaces to be had."""

import base64
import functools
import itertools
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from remediator.sandbox.clock import SandboxClock
from tests.bed.api import Api, Refused
from tests.bed.waiting import eventually

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
RBAC = "/apis/rbac.authorization.k8s.io/v1"

_TOKEN_SECONDS = 6 * 3600  # longer than any run, so that no test meets an expired token by chance


class Plane(ABC):
    """One API server. There are no controllers around it but the ones that a test brings.

    Namespaces stay Terminating for ever, nothing is garbage-collected by ownerReference, and a ServiceAccount
    exists only if it is created.
    """

    url: str
    admin: Api
    admin_token: str
    certificate: Path  # of the authority that signed the server's

    def __init__(self, folder: Path, clock: SandboxClock) -> None:
        self.clock = clock
        self._folder = folder
        self._numbers = itertools.count(1)

    @abstractmethod
    def compact(self) -> None:
        """Forget what was, as etcd does every few minutes: continue tokens and lists of old versions answer 410.

        On the real thing up to 15 seconds pass until a kind shows it (apiserver `storage/cacher/compactor.go`).
        """

    @abstractmethod
    def overloaded(self, user: str) -> AbstractContextManager[None]:
        """Answer 429 to whatever a user asks, while it lasts."""

    def kubeconfig(self, user: str = "admin", token: str | None = None, namespace: str = "default") -> Path:
        """Write a kubeconfig with one context, named as the user, and answer its path."""
        trusted = base64.b64encode(self.certificate.read_bytes()).decode()
        cluster = {"server": self.url, "certificate-authority-data": trusted}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": token or self.admin_token}}],
            "contexts": [{"name": user, "context": {"cluster": "test", "user": user, "namespace": namespace}}],
            "current-context": user,
        }
        path = self._folder / f"{user.replace(':', '-')}-{next(self._numbers)}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(json.dumps(config), encoding="utf-8")
        return path

    def service_account(
        self,
        namespace: str,
        name: str,
        rules: Sequence[Mapping[str, Sequence[str]]],
        *,
        within: str | None = None,
    ) -> Path:
        """Create a ServiceAccount that may do what the rules say, and answer a kubeconfig of it.

        The rules hold in the whole cluster, or in the namespace `within` only.
        """
        token = self.token(namespace, name, rules, within=within)
        return self.kubeconfig(name, token, within or namespace)

    def token(
        self,
        namespace: str,
        name: str,
        rules: Sequence[Mapping[str, Sequence[str]]],
        *,
        within: str | None = None,
    ) -> str:
        """Create a ServiceAccount that may do what the rules say, and answer a token of it."""
        self.admin.post(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": name}})
        scope, kind = ("", "ClusterRole") if within is None else (f"namespaces/{within}/", "Role")
        role = {"metadata": {"name": f"{namespace}-{name}"}}
        rbac = f"{RBAC}/{scope}{kind.lower()}"
        self.admin.post(f"{rbac}s", role | {"rules": list(rules)})
        subject = {"kind": "ServiceAccount", "namespace": namespace, "name": name}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role["metadata"]["name"]}
        self.admin.post(f"{rbac}bindings", role | {"subjects": [subject], "roleRef": reference})
        answer = self.admin.post(
            f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token",
            {"spec": {"expirationSeconds": _TOKEN_SECONDS}},
        )
        token: str = answer["status"]["token"]
        self._wait_for_rights(token, rules, within or "")
        return token

    def _wait_for_rights(self, token: str, rules: Sequence[Mapping[str, Sequence[str]]], namespace: str) -> None:
        """Wait until the server knows of the last rule: it learns of roles by a watch of its own."""
        asked = [rule for rule in rules if rule.get("resources")]
        if not asked:
            return
        last = {name: values[0] for name, values in asked[-1].items()}
        resource, _, subresource = last["resources"].partition("/")
        attributes = {
            "verb": last["verbs"],
            "group": last["apiGroups"],
            "resource": resource,
            "subresource": subresource,
            "name": last.get("resourceNames", ""),
            "namespace": namespace,
        }
        body = {"spec": {"resourceAttributes": attributes}}
        with Api(self.url, self.certificate, token) as account:
            eventually(
                lambda: account.post(ACCESS_REVIEWS, body)["status"]["allowed"],
                lambda allowed: allowed,
                f"{last} is granted",
                self.clock,
            )

    def namespace(self, name: str | None = None) -> str:
        """Create a namespace and answer its name: a new one each time, for a used one never goes away."""
        chosen = name or f"test-{next(self._numbers)}"
        self.admin.post("/api/v1/namespaces", {"metadata": {"name": chosen}})
        return chosen

    def install(self, manifests: Path) -> None:
        """Create every CustomResourceDefinition of a folder and wait until it is served."""
        definitions = [
            definition
            for manifest in sorted(manifests.glob("*.yaml"))
            for definition in YAML(typ="safe").load_all(manifest.read_text(encoding="utf-8"))
        ]
        for definition in definitions:
            self.admin.post(CRDS, definition)
        for definition in definitions:
            read = functools.partial(self.admin.get, f"{CRDS}/{definition['metadata']['name']}")
            eventually(read, _established, f"{definition['metadata']['name']} is established", self.clock)
            eventually(
                functools.partial(self._lists, definition),
                bool,
                f"{definition['metadata']['name']} is served",
                self.clock,
            )

    def _lists(self, definition: Mapping[str, Any]) -> bool:
        """Tell whether a kind's storage is ready: for a moment it says 429, `storage is (re)initializing`."""
        spec = definition["spec"]
        try:
            self.admin.get(f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}")
        except Refused:
            return False
        return True


def _established(definition: Mapping[str, Any]) -> bool:
    conditions = definition.get("status", {}).get("conditions") or []
    return any(condition["type"] == "Established" and condition["status"] == "True" for condition in conditions)
