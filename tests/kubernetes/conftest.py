"""An API server of the sandbox, and a person's machine that knows of no cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from remediator.kubernetes.approvals import Guard
from remediator.kubernetes.connection import Connection
from remediator.kubernetes.remediations import StoredEpisodes
from remediator.kubernetes.transport import Patience, Transport
from remediator.sandbox.apiserver import ApiServer
from remediator.sandbox.clock import SandboxClock
from tests import yaml_files
from tests.builders import NOW
from tests.kubernetes.controllers import Deploy, deployment
from tests.kubernetes.stored import CHECKOUT, DEFINITION, HOME, Json, Store
from tests.spells import finding, plan
from tests.tls import authority, plain_authority

__all__ = ["authority", "plain_authority"]

Connect = Callable[..., Transport]


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let no kubeconfig, cluster or proxy of the machine that runs the tests show through."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer(SandboxClock()) as running:
        yield running


@pytest.fixture
def trusted(api: ApiServer, tmp_path: Path) -> Path:
    """The authority of that server, as a file."""
    path = tmp_path / "ca.crt"
    path.write_bytes(api.certificate)
    return path


@pytest.fixture
def kubeconfig(api: ApiServer, tmp_path: Path) -> Path:
    return api.kubeconfig(tmp_path / "kubeconfig", context="shop-cluster", namespace="shop")


@pytest.fixture
def transport(kubeconfig: Path) -> Transport:
    return Transport(Connection(kubeconfig, None))


@pytest.fixture
def asked(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was read, in order."""
    paths: list[str] = []

    def noting(read: Callable[..., Any]) -> Callable[..., Any]:
        def note(path: str, query: dict[str, str | int] | None = None) -> Any:
            paths.append(path)
            return read(path, query)

        return note

    for name in ("get", "streamed"):
        monkeypatch.setattr(transport, name, noting(getattr(transport, name)))
    return paths


def write_kubeconfig(
    path: Path, server: str, *, context: str = "told", token: str = "a-token", ca: Path | None = None
) -> Path:
    """Write a kubeconfig that trusts what `ca` vouches for, else only what the machine trusts."""
    trust = {"certificate-authority": str(ca)} if ca else {}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": context, "cluster": {"server": server, **trust}}],
        "users": [{"name": f"{context}-user", "user": {"token": token}}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": f"{context}-user"}}],
        "current-context": context,
    }
    YAML().dump(config, path)
    return path


@pytest.fixture
def connect(tmp_path: Path) -> Connect:
    """Give a transport to any address; keywords are what its patience differs in."""

    def make(server: str, token: str = "a-token", ca: Path | None = None, **patience: float) -> Transport:
        connection = Connection(write_kubeconfig(tmp_path / "told.yaml", server, token=token, ca=ca), None)
        return Transport(connection, Patience(**patience))

    return make


@pytest.fixture
def deploy(api: ApiServer) -> Deploy:
    """Let a Deployment of the controller be there; keywords say what is different about it."""

    def make(*args: Any, **more: Any) -> None:
        api.seed(deployment(*args, **more))

    return make


@pytest.fixture(scope="module")
def definition() -> Json:
    parsed: Json = yaml_files.read(DEFINITION)
    return parsed


@pytest.fixture
def place(api: ApiServer, definition: Json) -> ApiServer:
    """An API server with the definition and the home namespace."""
    api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
    api.seed(definition)
    return api


@pytest.fixture
def store(place: ApiServer, transport: Transport) -> Store:
    """Start a process: a store that has loaded."""

    def start(*, guarded: bool = True, since: datetime | None = None, **more: Any) -> StoredEpisodes:
        base: Json = {"by": "tests", "guard": lambda: Guard(guarded, "the tests say so", since)}
        started = StoredEpisodes(transport, HOME, **(base | more))
        assert started.load(NOW) == () or not guarded or since
        return started

    return start


@pytest.fixture
def offered(store: Store) -> StoredEpisodes:
    """Something that waits for a person."""
    episodes = store()
    episodes.sighted(CHECKOUT, finding(), NOW)
    episodes.proposed(CHECKOUT, plan(), NOW)
    assert episodes.save(NOW) == ()
    return episodes
