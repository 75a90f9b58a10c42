"""A Kubernetes API server in this process, for tests and the demo."""

from __future__ import annotations

import base64
import copy
import secrets
import threading
import uuid
from functools import cache
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any

from ruamel.yaml import YAML

from remediator.sandbox.api.builtin import inward
from remediator.sandbox.api.certificates import Authority
from remediator.sandbox.api.front import Front
from remediator.sandbox.api.rbac import defaults
from remediator.sandbox.api.refusals import Refusal, Refusals
from remediator.sandbox.api.resources import CRDS, NAMESPACES
from remediator.sandbox.api.store import Store
from remediator.sandbox.api.users import Users
from remediator.sandbox.api.values import Object, timestamp
from remediator.sandbox.api.verbs import Api
from remediator.sandbox.clock import SandboxClock

FIRST_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


class ApiServer:
    """A small kube-apiserver on 127.0.0.1: real HTTPS, objects in memory, the CRDs of ACK's lambda-controller in it.

    It answers like kube-apiserver 1.36 without controllers around it: namespaces stay Terminating, nothing
    is garbage-collected, no ServiceAccount appears by itself. `token` is the admin's; ServiceAccounts get
    theirs by a TokenRequest, and may do what roles say. Custom resources are held to their schema, ConfigMaps,
    Secrets and Leases to their fields; other built-in kinds are stored as they come.
    """

    def __init__(self, clock: SandboxClock, port: int = 0) -> None:
        """Make a server with the first namespaces and the CRDs in it.

        It listens once started; port 0 takes a free one.
        """
        self.token = secrets.token_urlsafe(24)
        self._clock = clock
        self._port = port
        self._store = Store(clock)
        self._refusals = Refusals()
        self._closing = threading.Event()
        self._authority = Authority()
        self._users = Users(self._store, clock, self.token)
        self._api = Api(self._store, clock, self._users, self._refusals, self._closing)
        self._front: Front | None = None
        self._thread: threading.Thread | None = None
        for name in FIRST_NAMESPACES:
            self._api.objects.create(NAMESPACES, "", inward({"metadata": {"name": name}}, NAMESPACES))
        for definition in definitions():
            self._api.objects.create(CRDS, "", definition)
        for resource, obj in defaults():
            self._api.objects.create(resource, "", inward(obj, resource))
        self._store.forget()

    @property
    def url(self) -> str:
        """Return the address to reach it at. Raises `RuntimeError` before the first start on a free port."""
        if not self._port:
            raise RuntimeError("the sandbox's API server has no address before it is started")
        return f"https://127.0.0.1:{self._port}"

    @property
    def certificate(self) -> bytes:
        """Return the certificate of the authority that signed the server's, PEM."""
        return self._authority.certificate

    def start(self) -> None:
        """Listen. A server that was stopped comes back on its old port, with everything it had stored."""
        if self._front is not None:
            raise RuntimeError("the sandbox's API server is already running")
        self._closing.clear()
        self._front = Front(self._port, self._api.answer, self._authority.server_context(), self._clock)
        self._port = self._front.server_address[1]
        self._thread = threading.Thread(
            target=self._front.serve_forever, args=(0.05,), name="sandbox-apiserver", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and hang up on everybody. Does nothing on a server that does not run."""
        if self._front is None or self._thread is None:
            return
        self._closing.set()
        with self._store.lock:
            self._store.changed.notify_all()
        self._front.shutdown()
        self._thread.join()
        self._front.hang_up()
        self._front.server_close()
        self._front = self._thread = None

    def __enter__(self) -> ApiServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def kubeconfig(self, path: Path, *, context: str = "sandbox", namespace: str = "default") -> Path:
        """Write a kubeconfig of the admin to `path`, readable by its owner only, and return the path."""
        trusted = base64.b64encode(self.certificate).decode()
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": context, "cluster": {"server": self.url, "certificate-authority-data": trusted}}],
            "users": [{"name": f"{context}-admin", "user": {"token": self.token}}],
            "contexts": [
                {
                    "name": context,
                    "context": {"cluster": context, "user": f"{context}-admin", "namespace": namespace},
                }
            ],
            "current-context": context,
        }
        path.touch(mode=0o600)
        YAML().dump(config, path)
        return path

    def seed(self, obj: dict[str, Any]) -> dict[str, Any]:
        """Store an object as it is given, past every rule: status, times, finalizers, even invalid fields.

        Fills in uid, generation, creationTimestamp and the namespace (`default`) where absent;
        resourceVersion is always a new one. Makes the namespace if it is not there, replaces an object of
        that name, and returns a copy of what is stored. Raises `ValueError` for a kind that is not served.
        """
        resource = self._api.kinds.of(obj)
        with self._store.lock:
            new = inward(copy.deepcopy(obj), resource)
            meta = new["metadata"]
            meta.pop("resourceVersion", None)
            if resource.namespaced:
                self._expect_namespace(meta.setdefault("namespace", "default"))
            old = self._store.get(resource.shelf, meta.get("namespace", ""), meta["name"])
            before = old["metadata"] if old is not None else {}
            meta.setdefault("uid", before.get("uid") or str(uuid.uuid4()))
            meta.setdefault("creationTimestamp", before.get("creationTimestamp") or timestamp(self._clock.now()))
            if resource.bumps is not None:
                meta.setdefault("generation", before.get("generation", 1))
            return copy.deepcopy(self._store.put(resource.shelf, new))

    def stored(self, api_version: str, kind: str, namespace: str, name: str) -> dict[str, Any]:
        """Return a copy of what is stored; raise `LookupError` if there is no such object."""
        resource = self._api.kinds.of({"apiVersion": api_version, "kind": kind})
        with self._store.lock:
            found = self._store.get(resource.shelf, namespace, name)
            if found is None:
                raise LookupError(f"no {kind} {namespace}/{name}")
            return copy.deepcopy(found)

    def refuse(
        self, verb: str, resource: str, *, code: int, reason: str, message: str, times: int | None = None
    ) -> None:
        """Refuse a verb on a resource from now on, or so many `times`.

        `verb` is Kubernetes' own (`get`, `list`, `watch`, `create`, `update`, `patch`, `delete`,
        `deletecollection`), `resource` a plural or `plural/status`; `*` is any. A 403 is also what access
        reviews answer by.
        """
        self._refusals.add(Refusal(verb, resource, code, reason, message, times))

    def overload(self, user: str) -> None:
        """Answer 429 to whatever a user asks, from now on, as a server does that has no seat for it."""
        self._refusals.unseat(user)

    def allow(self) -> None:
        """Forget every refusal, and have seats for all."""
        self._refusals.clear()

    def compact(self) -> None:
        """Forget what was, as etcd does every few minutes: continue tokens and lists of old versions answer 410."""
        self._store.compact()

    def _expect_namespace(self, name: str) -> None:
        if self._store.get(NAMESPACES.shelf, "", name) is None:
            self._api.objects.create(NAMESPACES, "", inward({"metadata": {"name": name}}, NAMESPACES))


def definitions() -> list[Object]:
    """Return the CustomResourceDefinitions of ACK's lambda-controller, valid for any Kubernetes API server.

    `Function` is whole; the other kinds have what is needed to refer to each other and to show how they are.
    """
    return [copy.deepcopy(each) for each in _parsed_definitions()]


def function_definition() -> Object:
    """Return that of `Function`."""
    return next(each for each in definitions() if each["spec"]["names"]["kind"] == "Function")


@cache
def _parsed_definitions() -> tuple[Object, ...]:
    folder = resources.files("remediator.sandbox").joinpath("crds")
    texts = [each.read_text(encoding="utf-8") for each in folder.iterdir() if each.name.endswith(".yaml")]
    parsed: list[Object] = [YAML(typ="safe").load(text) for text in texts]
    return tuple(sorted(parsed, key=lambda each: str(each["metadata"]["name"])))
