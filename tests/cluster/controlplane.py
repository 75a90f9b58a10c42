"""A Kubernetes control plane of one's own: etcd and kube-apiserver on loopback, RBAC on.

There is no controller-manager and no scheduler: namespaces stay Terminating for ever, nothing is
garbage-collected by ownerReference, and a ServiceAccount exists only if it is created.
"""

import base64
import functools
import itertools
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from ruamel.yaml import YAML

from tests.cluster.api import Api
from tests.cluster.processes import Process, free_port, tail
from tests.cluster.waiting import eventually

ADMIN = "sandbox-admin"  # called as the sandbox calls it, so that the same tests can ask who they are
ADMIN_TOKEN = "admin"  # known to this one API server only, which is gone after the run
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

_READY_WITHIN = 60.0  # seconds; about 4 on an idle machine
_TOKEN_SECONDS = 6 * 3600  # longer than any run, so that no test meets an expired token by chance


class ControlPlane:
    """etcd and kube-apiserver, from `start` to `stop`."""

    url: str
    admin: Api

    def __init__(self, apiserver: Path, etcd: Path, folder: Path) -> None:
        self._apiserver = apiserver
        self._etcd = etcd
        self._folder = folder
        self._running: list[Process] = []
        self._numbers = itertools.count(1)
        self.certificate = folder / "certs" / "apiserver.crt"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start both and return once the API server says that it is ready."""
        store, port = f"http://127.0.0.1:{free_port()}", free_port()
        self.url = f"https://127.0.0.1:{port}"
        try:
            self._run("etcd", [self._etcd, *_etcd_flags(self._folder / "etcd", store)])
            self._run("kube-apiserver", [self._apiserver, *self._apiserver_flags(store, port)])
            self.admin = Api(self.url, self.certificate, ADMIN_TOKEN)
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End both; kube-apiserver first, which would otherwise wait for etcd to come back."""
        if hasattr(self, "admin"):
            self.admin.__exit__()
        while self._running:
            self._running.pop().stop()

    def kubeconfig(self, user: str = "admin", token: str | None = None, namespace: str = "default") -> Path:
        """Write a kubeconfig with one context, named as the user, and answer its path."""
        authority = base64.b64encode(self.certificate.read_bytes()).decode()
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {"server": self.url, "certificate-authority-data": authority}}],
            "users": [{"name": user, "user": {"token": token or ADMIN_TOKEN}}],
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
        account = self.admin.post(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": name}})
        scope, kind = ("", "ClusterRole") if within is None else (f"namespaces/{within}/", "Role")
        role = {"metadata": {"name": f"{namespace}-{name}"}}
        rbac = f"/apis/rbac.authorization.k8s.io/v1/{scope}{kind.lower()}"
        self.admin.post(f"{rbac}s", role | {"rules": list(rules)})
        subject = {"kind": "ServiceAccount", "namespace": namespace, "name": name}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role["metadata"]["name"]}
        self.admin.post(f"{rbac}bindings", role | {"subjects": [subject], "roleRef": reference})
        token = self.admin.post(
            f"/api/v1/namespaces/{namespace}/serviceaccounts/{account['metadata']['name']}/token",
            {"spec": {"expirationSeconds": _TOKEN_SECONDS}},
        )
        return self.kubeconfig(name, token["status"]["token"], within or namespace)

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
            eventually(read, _established, f"{definition['metadata']['name']} is established")

    def _run(self, name: str, command: Sequence[str | Path]) -> None:
        self._running.append(Process(command, self._folder / f"{name}.log"))

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_WITHIN
        while not self.admin.ready():
            stopped = [process for process in self._running if not process.running]
            if stopped or time.monotonic() > deadline:
                process = stopped[0] if stopped else self._running[-1]
                what = "ended" if stopped else f"is not ready after {_READY_WITHIN:g} s"
                raise RuntimeError(f"{process.log.stem} {what}; its log ends:\n{tail(process.log)}")
            time.sleep(0.1)

    def _apiserver_flags(self, store: str, port: int) -> list[str]:
        tokens, key = self._folder / "tokens.csv", self._folder / "service-account.key"
        tokens.write_text(f'{ADMIN_TOKEN},{ADMIN},admin,"system:masters"\n', encoding="utf-8")
        key.write_bytes(_private_key())
        return [
            f"--etcd-servers={store}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={port}",
            f"--cert-dir={self.certificate.parent}",
            "--authorization-mode=RBAC",
            f"--token-auth-file={tokens}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            # The endpoint of `kubernetes.default` may not be a loopback address; nobody here asks for it.
            "--endpoint-reconciler-type=none",
        ]


def _etcd_flags(folder: Path, store: str) -> list[str]:
    return [
        f"--data-dir={folder}",
        f"--listen-client-urls={store}",
        f"--advertise-client-urls={store}",
        # No peers; port 0 lets the kernel choose.
        "--listen-peer-urls=http://127.0.0.1:0",
        "--initial-advertise-peer-urls=http://127.0.0.1:0",
        "--initial-cluster=default=http://127.0.0.1:0",
        # The data is worth nothing after the run, and an fsync a write is the slowest part of it.
        "--unsafe-no-fsync",
    ]


def _private_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def _established(definition: Mapping[str, Any]) -> bool:
    conditions = definition.get("status", {}).get("conditions") or []
    return any(condition["type"] == "Established" and condition["status"] == "True" for condition in conditions)
