"""The remediator's home on an API server: definition, policy and roles as they are shipped, and people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from ruamel.yaml import YAML

from remediator.kubernetes.approvals import Guard, approvals_guard
from remediator.kubernetes.connection import Connection
from remediator.kubernetes.remediation_object import object_name, path
from remediator.kubernetes.remediations import StoredEpisodes
from remediator.kubernetes.transport import Transport
from remediator.model.resource import Resource
from tests import yaml_files
from tests.bed.api import Api, found
from tests.bed.plane import CRDS, RBAC, Plane
from tests.bed.waiting import eventually
from tests.builders import function
from tests.spells import DIGEST

MANIFESTS = Path(__file__).parents[2] / "manifests" / "base"
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"

Json = dict[str, Any]


def shipped(name: str) -> list[Json]:
    """Read the objects of a manifest."""
    return yaml_files.read_all(MANIFESTS / name)


@dataclass
class Person:
    """Somebody with a token, and what the API server calls them."""

    name: str
    api: Api
    token: str = ""


class Records:
    """A home namespace with all that is shipped, on a real API server."""

    def __init__(
        self,
        plane: Plane,
        folder: Path,
        roles: Sequence[str] = ("role-records",),
        everywhere: Sequence[str] = ("read",),
    ) -> None:
        """Make a home with a ServiceAccount: by name, the `roles` that it has there, and those it has `everywhere`."""
        self._plane = plane
        self._folder = folder
        self.admin = plane.admin
        self.home = plane.namespace()
        self.people = plane.namespace()
        if everywhere:
            self.bind_everywhere("ack-remediator", self.home, everywhere)
        rules = [rule for name in roles for rule in shipped(f"{name}.yaml")[0]["rules"]]
        self.kubeconfig = plane.service_account(self.home, "ack-remediator", rules, within=self.home)
        self.transport = Transport(Connection(self.kubeconfig, None))
        self._plane.admin.post(
            f"{RBAC}/namespaces/{self.home}/rolebindings",
            _binding("approvers", "approver-of-words", self.people),
        )

    @classmethod
    def install(cls, plane: Plane, folder: Path, **more: Any) -> Records:
        """Install the definition and the policy, once an API server, and make a home."""
        manifests = folder / "definition"
        manifests.mkdir()
        (manifests / "crd.yaml").write_text((MANIFESTS / "crd-remediations.yaml").read_text(encoding="utf-8"))
        plane.install(manifests)
        role = shipped("clusterrole-approver.yaml")[0]
        role["metadata"]["name"] = "approver-of-words"
        plane.admin.post(f"{RBAC}/clusterroles", role)
        for name in ("approvals.yaml", "writes.yaml"):
            policy, binding = shipped(name)
            plane.admin.post(POLICIES, policy)
            plane.admin.post(BINDINGS, binding)
        records = cls(plane, folder, **more)
        records.wait_for_policy(in_force=True)
        return records

    def uninstall(self) -> None:
        """Take away what `install` brought, for tests of an API server that knows nothing of it."""
        definition = f"{CRDS}/{shipped('crd-remediations.yaml')[0]['metadata']['name']}"
        self.admin.delete(definition)
        for name in ("approvals.yaml", "writes.yaml"):
            policy, binding = shipped(name)
            self.admin.delete(f"{BINDINGS}/{binding['metadata']['name']}")
            self.admin.delete(f"{POLICIES}/{policy['metadata']['name']}")
        self.admin.delete(f"{RBAC}/clusterroles/approver-of-words")
        eventually(lambda: found(self.admin, definition), lambda it: it is None, "it is gone", self._plane.clock)

    def another(self, folder: Path, **more: Any) -> Records:
        """Make another home on the same API server: what is counted in one does not count in the other."""
        return Records(self._plane, folder, **more)

    def wait_for_policy(self, *, in_force: bool) -> None:
        """Wait until forged approvals are refused, or are taken again: without its binding it still works a while."""

        def as_wanted() -> bool:
            guard = approvals_guard(self.transport, self.home)
            return guard.holds if in_force else guard.forged

        what = f"the policy is {'in force' if in_force else 'gone'}"
        eventually(as_wanted, lambda now: now, what, self._plane.clock)

    @contextmanager
    def without_policy(self) -> Iterator[None]:
        """Take the binding away for a while."""
        binding = shipped("approvals.yaml")[1]
        self.admin.delete(f"{BINDINGS}/{binding['metadata']['name']}")
        self.wait_for_policy(in_force=False)
        try:
            yield
        finally:
            self.admin.post(BINDINGS, binding)
            self.wait_for_policy(in_force=True)

    def store(
        self, *, guarded: bool = True, transport: Transport | None = None, by: str = "tests", **more: Any
    ) -> StoredEpisodes:
        vouched = Guard(guarded, "the tests say so")
        return StoredEpisodes(transport or self.transport, self.home, by=by, guard=lambda: vouched, **more)

    def person(self, name: str, *approves_in: str, roles: Sequence[str] = (), everywhere: Sequence[str] = ()) -> Person:
        """Make somebody who may patch Remediations, and approve for these namespaces.

        `roles` are those that they have in the home namespace, by name, `everywhere` those in the whole cluster.
        """
        rules = [rule for role in roles for rule in shipped(f"{role}.yaml")[0]["rules"]]
        if everywhere:
            self.bind_everywhere(name, self.people, everywhere)
        token = self._plane.token(self.people, name, rules, within=self.home)
        for namespace in approves_in:
            body = _binding(f"{self.people}-{name}", "approver-of-words", self.people, name)
            self.admin.post(f"{RBAC}/namespaces/{namespace}/rolebindings", body)
        api = Api(self._plane.url, self._plane.certificate, token)
        return Person(f"system:serviceaccount:{self.people}:{name}", api, token)

    def bind_everywhere(self, account: str, of: str, roles: Sequence[str]) -> None:
        """Let a ServiceAccount have ClusterRoles of ours, by name, in the whole cluster."""
        name = {"metadata": {"name": f"{of}-{account}-everywhere"}}
        rules = [rule for role in roles for rule in shipped(f"clusterrole-{role}.yaml")[0]["rules"]]
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name["metadata"]["name"]}
        self.admin.post(f"{RBAC}/clusterroles", name | {"rules": rules})
        subjects = [{"kind": "ServiceAccount", "namespace": of, "name": account}]
        self.admin.post(f"{RBAC}/clusterrolebindings", name | {"subjects": subjects, "roleRef": reference})

    def myself(self) -> Api:
        """Speak as the remediator's ServiceAccount."""
        token = YAML(typ="safe").load(self.kubeconfig.read_text())["users"][0]["user"]["token"]
        return Api(self._plane.url, self._plane.certificate, token)

    def kubeconfig_of(self, person: Person) -> Path:
        """Write the kubeconfig of somebody."""
        return self._plane.kubeconfig("somebody", person.token, self.home)

    def transport_of(self, person: Person) -> Transport:
        """Connect as somebody."""
        return Transport(Connection(self.kubeconfig_of(person), None))

    def admin_transport(self, plane: Plane) -> Transport:
        """Connect to an API server as its admin."""
        return Transport(Connection(plane.kubeconfig(), None))

    def table(self, resource: Resource) -> dict[str, str]:
        """Read one record as `kubectl get` shows it, without the name."""
        shown = self.admin.table(self.path(resource))
        names = [column["name"] for column in shown["columnDefinitions"]]
        return {name: str(cell) for name, cell in zip(names, shown["rows"][0]["cells"], strict=True) if name != "Name"}

    def allow(self, account: str, of: str, *, in_namespaces: tuple[str, ...]) -> None:
        """Bind the approver's role to a ServiceAccount."""
        for namespace in in_namespaces:
            body = _binding(f"{of}-{account}-approves", "approver-of-words", of, account)
            self.admin.post(f"{RBAC}/namespaces/{namespace}/rolebindings", body)

    def wait_a_second(self) -> None:
        """Let another second begin: the API server dates in whole ones."""
        self._plane.clock.sleep(1.1)

    def path(self, resource: Resource) -> str:
        return path(self.home, object_name(resource.metadata.uid))

    def read(self, resource: Resource) -> Json:
        return self.admin.get(self.path(resource))


def target(namespace: str, name: str = "checkout") -> Resource:
    return msgspec.convert(function(name, namespace=namespace), Resource)


def approval(person: Person, digest: str = DIGEST, **more: Any) -> Json:
    """Write what a person passes to `kubectl patch --type=merge`."""
    return {"spec": {"approval": {"approvedBy": person.name, "digest": digest} | more}}


def _binding(name: str, role: str, namespace: str, account: str | None = None) -> Json:
    everybody = {
        "kind": "Group",
        "apiGroup": "rbac.authorization.k8s.io",
        "name": f"system:serviceaccounts:{namespace}",
    }
    one = {"kind": "ServiceAccount", "namespace": namespace, "name": account}
    return {
        "metadata": {"name": name},
        "subjects": [everybody if account is None else one],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
    }
