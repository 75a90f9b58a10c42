"""A Kubernetes control plane of one's own: etcd and kube-apiserver on loopback, RBAC on."""

import base64
import http.client
import json
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import urllib3
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from remediator.sandbox.clock import SandboxClock
from tests.bed.api import Api
from tests.bed.plane import ACCESS_REVIEWS, Plane
from tests.bed.processes import Process, free_port, tail
from tests.bed.waiting import eventually

ADMIN = "sandbox-admin"  # called as the sandbox calls it, so that the same tests can ask who they are
ADMIN_TOKEN = "admin"  # known to this one API server only, which is gone after the run

FLOWCONTROL = "/apis/flowcontrol.apiserver.k8s.io/v1"

_READY_WITHIN = 60.0  # seconds; about 4 on an idle machine

# Who asked for what, of ServiceAccounts: no bodies, and one line a request, once it is answered.
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [{"level": "Metadata", "userGroups": ["system:serviceaccounts"]}, {"level": "None"}],
}


class ControlPlane(Plane):
    """etcd and kube-apiserver, from `start` to `stop`."""

    admin_token = ADMIN_TOKEN

    def __init__(
        self, apiserver: Path, etcd: Path, folder: Path, clock: SandboxClock, audit_log: Path | None = None
    ) -> None:
        """With an `audit_log` it is written there which ServiceAccount asked for what."""
        super().__init__(folder, clock)
        self.audit_log = audit_log
        self._apiserver = apiserver
        self._etcd = etcd
        self._store = ""
        self._running: list[Process] = []
        self.certificate: Path = folder / "certs" / "apiserver.crt"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start both and return once the API server says that it is ready."""
        self._store, port = f"http://127.0.0.1:{free_port()}", free_port()
        self.url = f"https://127.0.0.1:{port}"
        try:
            self._run("etcd", [self._etcd, *_etcd_flags(self._folder / "etcd", self._store)])
            self._run("kube-apiserver", [self._apiserver, *self._apiserver_flags(port)])
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

    def compact(self) -> None:
        """Compact etcd at its newest revision, through its JSON gateway, as another API server would.

        The key tells this one, which answers from its own memory until it knows (apiserver `storage/etcd3/compact.go`).
        """
        revision = self._etcd_call("range", {"key": _text("compact_rev_key")})["header"]["revision"]
        self._etcd_call("put", {"key": _text("compact_rev_key"), "value": _text(revision)})
        self._etcd_call("compaction", {"revision": revision, "physical": True})

    def put(self, objects: Mapping[str, object]) -> None:
        """Put objects straight into etcd, by key below /registry, at most 128 at a time: as another API server would.

        The API server checks nothing of them, and learns of them by its watch.
        """
        puts = [
            {"requestPut": {"key": _text(f"/registry/{key}"), "value": _text(json.dumps(each, separators=(",", ":")))}}
            for key, each in objects.items()
        ]
        self._etcd_call("txn", {"success": puts})

    @contextmanager
    def overloaded(self, user: str) -> Iterator[None]:
        """Put a user into a priority level that has no seats and no queue.

        Such a level still lets one request in while none is running (apiserver
        `util/flowcontrol/fairqueuing/queueset/queueset.go`): that one is sent here, and never ends.
        """
        name = f"nothing-for-{next(self._numbers)}"
        # Nothing borrowed either: else the server's next adjustment, every 10 s, hands seats to a level that asks.
        limits = {"nominalConcurrencyShares": 0, "borrowingLimitPercent": 0, "limitResponse": {"type": "Reject"}}
        self.admin.post(
            f"{FLOWCONTROL}/prioritylevelconfigurations",
            {"metadata": {"name": name}, "spec": {"type": "Limited", "limited": limits}},
        )
        everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}
        rule = {
            "subjects": [{"kind": "User", "user": {"name": user}}],
            "resourceRules": [everything],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        }
        self.admin.post(
            f"{FLOWCONTROL}/flowschemas",
            {
                "metadata": {"name": name},
                "spec": {"priorityLevelConfiguration": {"name": name}, "matchingPrecedence": 2, "rules": [rule]},
            },
        )
        what = f"there is no seat for {user}"
        sitting = eventually(lambda: self._sit_down(user), lambda taken: taken is not None, what, self.clock)
        assert sitting is not None
        try:
            yield
        finally:
            sitting.close()
            self.admin.delete(f"{FLOWCONTROL}/flowschemas/{name}")
            self.admin.delete(f"{FLOWCONTROL}/prioritylevelconfigurations/{name}")

    def _sit_down(self, user: str) -> http.client.HTTPSConnection | None:
        """Begin a request as a user without ending it; None, if another one of the user's is let in all the same."""
        host = self.url.removeprefix("https://")
        trusted = ssl.create_default_context(cafile=str(self.certificate))
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Impersonate-User": user}
        sitting, other = (http.client.HTTPSConnection(host, context=trusted, timeout=10) for _ in range(2))
        sitting.request("POST", ACCESS_REVIEWS, None, {**headers, "Content-Length": "1"})
        other.request("GET", "/version", None, headers)
        refused = other.getresponse().status == HTTPStatus.TOO_MANY_REQUESTS
        other.close()
        if refused:
            return sitting
        sitting.close()
        return None

    def _run(self, name: str, command: Sequence[str | Path]) -> None:
        self._running.append(Process(command, self._folder / f"{name}.log"))

    def _etcd_call(self, method: str, body: object) -> dict[str, Any]:
        answer = urllib3.request("POST", f"{self._store}/v3/kv/{method}", json=body, timeout=30, retries=False)
        told: dict[str, Any] = answer.json()
        assert answer.status == HTTPStatus.OK, told
        return told

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_WITHIN
        while not self.admin.ready():
            stopped = [process for process in self._running if not process.running]
            if stopped or time.monotonic() > deadline:
                process = stopped[0] if stopped else self._running[-1]
                what = "ended" if stopped else f"is not ready after {_READY_WITHIN:g} s"
                raise RuntimeError(f"{process.log.stem} {what}; its log ends:\n{tail(process.log)}")
            time.sleep(0.1)

    def _apiserver_flags(self, port: int) -> list[str]:
        tokens, key = self._folder / "tokens.csv", self._folder / "service-account.key"
        tokens.write_text(f'{ADMIN_TOKEN},{ADMIN},admin,"system:masters"\n', encoding="utf-8")
        key.write_bytes(_private_key())
        return [
            f"--etcd-servers={self._store}",
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
            *self._audit_flags(),
        ]

    def _audit_flags(self) -> list[str]:
        if self.audit_log is None:
            return []
        policy = self._folder / "audit-policy.yaml"
        policy.write_text(json.dumps(_AUDIT_POLICY), encoding="utf-8")
        return [f"--audit-policy-file={policy}", f"--audit-log-path={self.audit_log}"]


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


def _text(value: str) -> str:
    return base64.b64encode(value.encode()).decode()
