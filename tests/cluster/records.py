"""The remediator's records on an API server: definition, policy and roles as they are shipped, and people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from ruamel.yaml import YAML

from remediator.kubernetes.approvals import approvals_guarded
from remediator.kubernetes.remediation_object import object_name, path
from remediator.kubernetes.remediations import StoredEpisodes
from remediator.kubernetes.transport import Connection, Transport
from remediator.model.resource import Resource
from tests.bed.api import Api
from tests.bed.plane import RBAC, Plane
from tests.bed.waiting import eventually
from tests.builders import function
from tests.spells import DIGEST

MANIFESTS = Path(__file__).parents[2] / "manifests" / "base"
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"

Json = dict[str, Any]


def shipped(name: str) -> list[Json]:
    """Read the objects of a manifest."""
    return list(YAML(typ="safe").load_all((MANIFESTS / name).read_text(encoding="utf-8")))


@dataclass
class Person:
    """Somebody with a token, and what the API server calls them."""

    name: str
    api: Api
    token: str = ""


class Records:
    """A home namespace with all that is shipped, on a real API server."""

    def __init__(self, plane: Plane, folder: Path) -> None:
        self._plane = plane
        self._folder = folder
        self.admin = plane.admin
        self.home = plane.namespace()
        self.people = plane.namespace()
        rules = shipped("role-records.yaml")[0]["rules"]
        self.kubeconfig = plane.service_account(self.home, "ack-remediator", rules, within=self.home)
        self.transport = Transport(Connection(self.kubeconfig, None))
        self._plane.admin.post(
            f"{RBAC}/namespaces/{self.home}/rolebindings",
            _binding("approvers", "approver-of-words", self.people),
        )

    @classmethod
    def install(cls, plane: Plane, folder: Path) -> Records:
        """Install the definition and the policy, once an API server, and make a home."""
        manifests = folder / "definition"
        manifests.mkdir()
        (manifests / "crd.yaml").write_text((MANIFESTS / "crd-remediations.yaml").read_text(encoding="utf-8"))
        plane.install(manifests)
        role = shipped("clusterrole-approver.yaml")[0]
        role["metadata"]["name"] = "approver-of-words"
        plane.admin.post(f"{RBAC}/clusterroles", role)
        policy, binding = shipped("approvals.yaml")
        plane.admin.post(POLICIES, policy)
        plane.admin.post(BINDINGS, binding)
        records = cls(plane, folder)
        records.wait_for_policy(in_force=True)
        return records

    def wait_for_policy(self, *, in_force: bool) -> None:
        def guarded() -> bool:
            return approvals_guarded(self.transport, self.home)[0]

        what = f"the policy is {'in force' if in_force else 'gone'}"
        eventually(guarded, lambda now: now is in_force, what, self._plane.clock)

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

    def store(self, *, guarded: bool = True, transport: Transport | None = None, **more: Any) -> StoredEpisodes:
        vouched = (guarded, "the tests say so")
        return StoredEpisodes(transport or self.transport, self.home, by="tests", guard=lambda: vouched, **more)

    def person(self, name: str, *approves_in: str) -> Person:
        """Make somebody who may patch Remediations, and approve for these namespaces."""
        token = self._plane.token(self.people, name, [], within=self.people)
        for namespace in approves_in:
            body = _binding(f"{self.people}-{name}", "approver-of-words", self.people, name)
            self.admin.post(f"{RBAC}/namespaces/{namespace}/rolebindings", body)
        api = Api(self._plane.url, self._plane.certificate, token)
        return Person(f"system:serviceaccount:{self.people}:{name}", api, token)

    def myself(self) -> Api:
        """Speak as the remediator's ServiceAccount."""
        token = YAML(typ="safe").load(self.kubeconfig.read_text())["users"][0]["user"]["token"]
        return Api(self._plane.url, self._plane.certificate, token)

    def transport_of(self, person: Person) -> Transport:
        """Connect as somebody."""
        return Transport(Connection(self._plane.kubeconfig("somebody", person.token, self.home), None))

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
