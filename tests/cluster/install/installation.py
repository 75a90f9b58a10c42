"""What is shipped, applied by kubectl to a real API server, and what was applied, run as a kubelet would run it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from remediator.kubernetes.approvals import approvals_guard
from remediator.kubernetes.connection import Connection
from remediator.kubernetes.transport import Transport
from tests import yaml_files
from tests.bed.api import Api, Refused
from tests.bed.controlplane import ControlPlane
from tests.bed.plane import RBAC
from tests.bed.waiting import eventually

MANIFESTS = Path(__file__).parents[3] / "manifests"
OVERLAYS = ("acting/cronjob", "acting/daemon", "cronjob", "daemon", "read-only")
HOME = "ack-remediator"
ACCOUNT = "ack-remediator"  # the name of the ServiceAccount, wherever it is

_COMMAND = (sys.executable, "-c", "from remediator.cli import main; main()")
# What a container finds: a token where the kubelet puts it, and nothing that can be written to, not even /tmp.
_POD = """
mount -t tmpfs none /var/run
mkdir -p /var/run/secrets/kubernetes.io/serviceaccount
cp "$0"/* /var/run/secrets/kubernetes.io/serviceaccount
mount -o remount,ro /var/run
mount -o remount,ro,bind /
exec "$@"
"""

Json = dict[str, Any]


class Request(msgspec.Struct, frozen=True):
    """One answered request, of the API server's audit log."""

    verb: str
    group: str
    resource: str  # with its subresource
    namespace: str
    name: str
    code: int
    uri: str

    @property
    def dry(self) -> bool:
        return "dryRun=All" in self.uri


class Installation:
    """An API server, and kubectl to apply with."""

    def __init__(self, plane: ControlPlane, kubectl: Path) -> None:
        self.plane = plane
        self.admin = plane.admin
        self.program = kubectl
        self._kubeconfig = plane.kubeconfig()

    def kubectl(self, *words: str, given: str | None = None) -> str:
        """Run kubectl as the cluster's admin, and answer what it prints; it must succeed."""
        done = self.tried(*words, given=given)
        assert done.returncode == 0, f"kubectl {' '.join(words)}:\n{done.stderr}"
        return done.stdout

    def tried(self, *words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the cluster's admin, whatever comes of it."""
        command = [str(self.program), "--kubeconfig", str(self._kubeconfig), *words]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=120)

    def apply(self, overlay: str | Path) -> list[str]:
        """Apply as the README has it, and answer what was applied; an overlay of ours, or a folder of a test's own."""
        where = MANIFESTS / overlay
        said = self.kubectl("apply", "--server-side", "--validate=strict", "-k", f"{where}")
        applied = [line.removesuffix(" serverside-applied") for line in said.splitlines()]
        assert applied, said
        return applied

    def apply_for(self, namespace: str, folder: Path) -> list[str]:
        """Apply what is for one namespace in that one, by a kustomization of its own as manifests/namespaced has it."""
        (folder / "manifests").symlink_to(MANIFESTS)
        own = f"namespace: {namespace}\nresources: [manifests/namespaced]\n"
        (folder / "kustomization.yaml").write_text(own, encoding="utf-8")
        return self.apply(folder)

    def render(self, overlay: str) -> list[Json]:
        """Answer the objects that an overlay is made of."""
        return list(yaml_files.parsed(self.kubectl("kustomize", f"{MANIFESTS / overlay}")))

    def workload(self, kind: str, namespace: str = HOME) -> Workload:
        """Read what runs: a CronJob or a Deployment, as it was applied."""
        group = {"CronJob": "batch", "Deployment": "apps"}[kind]
        found = self.admin.get(f"/apis/{group}/v1/namespaces/{namespace}/{kind.lower()}s/ack-remediator")
        return Workload(found["spec"].get("jobTemplate", found)["spec"]["template"], namespace)

    def mounted(self, kind: str, namespace: str, folder: Path, **changed: Any) -> Mounted:
        """Give a workload what a kubelet would: its token, its policy and its environment.

        `changed` are keys of the policy that are otherwise than they were applied.
        """
        workload = self.workload(kind, namespace)
        policy = self.policy(workload) | changed
        file = folder / "policy.yaml"
        file.write_text(json.dumps(policy), encoding="utf-8")
        environment = workload.environment(self.kubeconfig(namespace))
        return Mounted(workload.words(file, environment), environment, policy)

    def policy(self, workload: Workload) -> Json:
        """Read the policy that is mounted, out of its ConfigMap."""
        (volume,) = workload.template["spec"]["volumes"]
        name = volume["configMap"]["name"]
        path = f"/api/v1/namespaces/{workload.namespace}/configmaps/{name}"
        policy: Json = yaml_files.parsed(self.admin.get(path)["data"]["policy.yaml"])[0]
        return policy

    def token(self, namespace: str = HOME, account: str = ACCOUNT) -> str:
        """Ask for a token of a ServiceAccount, as the kubelet does for a pod."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        token: str = self.admin.post(path, {"spec": {"expirationSeconds": 3600}})["status"]["token"]
        return token

    def kubeconfig(self, namespace: str = HOME, account: str = ACCOUNT) -> Path:
        """Write the kubeconfig of a ServiceAccount."""
        return self.plane.kubeconfig(account, self.token(namespace, account), namespace)

    def wait_for_policy(self, namespace: str = HOME) -> None:
        """Wait until forged approvals are refused."""
        transport = Transport(Connection(self._kubeconfig, None))
        eventually(
            lambda: approvals_guard(transport, namespace), lambda it: it.holds, "it is in force", self.plane.clock
        )

    def person(self, name: str, *namespaces: str) -> tuple[str, Api]:
        """Make somebody who may approve for these namespaces, by the role that is shipped; answer their name."""
        people = self.plane.namespace()
        self.admin.post(f"/api/v1/namespaces/{people}/serviceaccounts", {"metadata": {"name": name}})
        for namespace in (HOME, *namespaces):
            words = ("create", "rolebinding", f"{people}-approves", "-n", namespace)
            self.kubectl(*words, "--clusterrole=ack-remediator-approver", f"--serviceaccount={people}:{name}")
        token = self.token(people, name)
        return f"system:serviceaccount:{people}:{name}", Api(self.plane.url, self.plane.certificate, token)

    def asked(self, since: int = 0, namespace: str = HOME, account: str = ACCOUNT) -> list[Request]:
        """List what a ServiceAccount asked for, since so many bytes of the log."""
        assert self.plane.audit_log is not None
        with self.plane.audit_log.open("rb") as log:
            log.seek(since)
            lines = [json.loads(line) for line in log]
        user = f"system:serviceaccount:{namespace}:{account}"
        return [_request(line) for line in lines if line["user"]["username"] == user]

    def mark(self) -> int:
        """Answer how long the log of requests is; what is asked from now on comes after it."""
        assert self.plane.audit_log is not None
        return self.plane.audit_log.stat().st_size

    def rules(self, namespace: str = HOME, account: str = ACCOUNT) -> list[Json]:
        """Collect the rules that a ServiceAccount is bound to, and `within` which namespace: "" for all of them."""
        me = {"kind": "ServiceAccount", "namespace": namespace, "name": account}
        return [
            rule | {"within": binding["metadata"].get("namespace", "")}
            for kind in ("rolebindings", "clusterrolebindings")
            for binding in self.admin.get(f"{RBAC}/{kind}")["items"]
            if any(me.items() <= subject.items() for subject in binding.get("subjects", ()))
            for rule in self._role(binding)["rules"]
        ]

    def _role(self, binding: Json) -> Json:
        reference = binding["roleRef"]
        scope = "" if reference["kind"] == "ClusterRole" else f"namespaces/{binding['metadata']['namespace']}/"
        return self.admin.get(f"{RBAC}/{scope}{reference['kind'].lower()}s/{reference['name']}")

    def wait_for_rights(self, namespace: str = HOME) -> None:
        """Wait until the API server goes by the roles as they are: it learns of them by a watch of its own."""
        wanted = {
            (group, resource, verb)
            for rule in self.rules(namespace)
            for group in rule["apiGroups"]
            for resource in rule["resources"]
            for verb in rule["verbs"]
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
        with Api(self.plane.url, self.plane.certificate, self.token(namespace)) as api:

            def known() -> set[tuple[str, str, str]]:
                told = api.post(path, {"spec": {"namespace": namespace}})["status"]["resourceRules"]
                return {
                    (group, resource, verb)
                    for rule in told
                    for group in rule["apiGroups"]
                    for resource in rule["resources"]
                    for verb in rule["verbs"]
                    if group not in ("authorization.k8s.io", "authentication.k8s.io")
                }

            eventually(known, lambda it: it == wanted, "its rights are these", self.plane.clock)
        time.sleep(0.1)


@dataclass(frozen=True)
class Workload:
    """The pods of what was applied."""

    template: Json
    namespace: str

    @property
    def container(self) -> Json:
        (container,) = self.template["spec"]["containers"]
        found: Json = container
        return found

    def environment(self, kubeconfig: Path) -> dict[str, str]:
        """Answer what a container would find in its environment, and the kubeconfig in the place of what is mounted."""
        fields = {"metadata.name": "ack-remediator-abc12", "metadata.namespace": self.namespace}
        told = {
            each["name"]: each["value"] if "value" in each else fields[each["valueFrom"]["fieldRef"]["fieldPath"]]
            for each in self.container.get("env", ())
        }
        # In a pod its own namespace is in a file; where there is none, in this.
        return {"POD_NAMESPACE": self.namespace, "KUBECONFIG": f"{kubeconfig}"} | told

    def words(self, policy: Path, environment: Mapping[str, str]) -> list[str]:
        """Answer the args, with the variables in them put in as the kubelet does, and the policy where it really is."""
        (mounted,) = self.container["volumeMounts"]
        there = f"{mounted['mountPath']}/policy.yaml"
        words = [re.sub(r"\$\((\w+)\)", lambda it: environment[it[1]], each) for each in self.container["args"]]
        assert there in words
        return [f"{policy}" if each == there else each for each in words]


@dataclass(frozen=True)
class Mounted:
    """A container, ready to be run as a process."""

    words: list[str]
    environment: dict[str, str]
    policy: Json

    @property
    def policy_file(self) -> Path:
        return Path(self.words[self.words.index("--policy") + 1])

    def run(self, *more: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end, and answer what it printed; `more` words than it has are a test's own."""
        return self.instead(*self.words, *more)

    def instead(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run another command there, as `kubectl exec` does."""
        return _ended([*_COMMAND, *words], os.environ | self.environment)

    def in_a_pod(self, plane: ControlPlane, token: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run it in a mount namespace of its own, where it finds what a container finds, and no more."""
        service_account = folder / "serviceaccount"
        service_account.mkdir()
        own = {"token": token, "namespace": self.environment["POD_NAMESPACE"], "ca.crt": plane.certificate.read_text()}
        for name, content in own.items():
            (service_account / name).write_text(content, encoding="utf-8")
        host, port = plane.url.removeprefix("https://").split(":")
        environment = {name: value for name, value in os.environ.items() if name.startswith("AWS_")} | self.environment
        for name in ("KUBECONFIG", "POD_NAMESPACE"):
            del environment[name]
        environment |= {"PATH": os.environ["PATH"], "HOME": "/"}
        environment |= {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
        return _ended(
            ["unshare", "--mount", "sh", "-ec", _POD, f"{service_account}", *_COMMAND, *self.words], environment
        )

    def loopback(self) -> tuple[list[str], dict[str, str]]:
        """Answer what starts a daemon: it serves to this machine alone, whatever pods do."""
        name, *words = self.words
        assert name == "daemon"
        return [*words, "--metrics-address", "127.0.0.1"], self.environment


def _ended(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, whatever comes of it."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=environment,
    )


def _request(line: Json) -> Request:
    about = line.get("objectRef", {})
    subresource = about.get("subresource")
    return Request(
        verb=line["verb"],
        group=about.get("apiGroup", ""),
        resource=about.get("resource", "") + (f"/{subresource}" if subresource else ""),
        namespace=about.get("namespace", ""),
        name=about.get("name", ""),
        code=line.get("responseStatus", {}).get("code", 0),
        uri=line["requestURI"],
    )


def refused(api: Api, path: str, body: Json) -> str:
    """Create something; answer in which words that is refused."""
    try:
        api.post(path, body)
    except Refused as refusal:
        return refusal.message
    raise AssertionError(f"taken: {body}")
