"""The way to the API server: which kubeconfig, which errors, how much patience."""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import tenacity.nap
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from remediator.errors import (
    Changed,
    ClusterError,
    Forbidden,
    NotFound,
    RemediatorError,
    Unauthorized,
    Unreachable,
    UsageError,
)
from remediator.kubernetes import transport as transport_module
from remediator.kubernetes.transport import Connection, Expired, Transport
from remediator.sandbox.apiserver import ApiServer
from tests.kubernetes.conftest import Connect, write_kubeconfig
from tests.wire import SILENCE, Wire, answer, status

NAMESPACES = "/api/v1/namespaces"
PATCH = ({"op": "add", "path": "/metadata/labels", "value": {"team": "shop"}},)


def refused(transport: Transport, path: str = NAMESPACES) -> RemediatorError:
    with pytest.raises(RemediatorError) as raised:
        transport.get(path)
    return raised.value


# ---- which cluster ---------------------------------------------------------------------------------------------------


def test_without_any_kubeconfig_it_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        Connection(None, None)
    assert str(tmp_path / "home/.kube/config") in raised.value.message
    assert "--kubeconfig" in raised.value.hint
    assert raised.value.exit_code == 2


def test_a_kubeconfig_that_is_named_and_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="absent"):
        Connection(tmp_path / "absent", None)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("clusters: [}", id="broken YAML"),
        pytest.param("", id="empty"),
        pytest.param("- a\n- list\n", id="a list"),
        pytest.param("just words", id="a string"),
        pytest.param("\t\ttabs: 1", id="tabs"),
        pytest.param("contexts: 7\n", id="contexts are a number"),
        pytest.param("contexts: [{name: a}]\ncurrent-context: a\n", id="a context without content"),
        pytest.param(
            "contexts: [{name: a, context: {cluster: c, user: u}}]\ncurrent-context: a\n", id="no such cluster"
        ),
        pytest.param("apiVersion: v1\nkind: Config\ncontexts: []\n", id="no current context"),
        pytest.param("a: \x00b", id="a control character"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_a_usage_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        Connection(path, None)
    assert "kubeconfig" in raised.value.message
    assert str(path) in raised.value.message


def test_a_kubeconfig_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "binary"
    path.write_bytes(b"\xff\xfe\x00\x9f")
    with pytest.raises(UsageError, match="cannot read the kubeconfig"):
        Connection(path, None)


def test_a_directory_is_no_kubeconfig(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the kubeconfig"):
        Connection(tmp_path, None)


def test_an_unknown_context_is_answered_with_those_that_there_are(kubeconfig: Path) -> None:
    with pytest.raises(UsageError) as raised:
        Connection(kubeconfig, "produktion")
    assert "produktion" in raised.value.message
    assert "shop-cluster" in raised.value.hint


def test_the_context_gives_server_and_namespace(kubeconfig: Path, api: ApiServer) -> None:
    connection = Connection(kubeconfig, None)
    assert (connection.context, connection.namespace, connection.server) == ("shop-cluster", "shop", api.url)


def test_a_context_without_namespace_means_default(tmp_path: Path) -> None:
    connection = Connection(write_kubeconfig(tmp_path / "k", "http://127.0.0.1:1"), None)
    assert connection.namespace == "default"


def test_KUBECONFIG_is_read_when_it_is_needed(  # noqa: N802 - the variable's own spelling
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The official client reads the variable once, when it is imported: long before a caller may set it."""
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    assert Connection(None, None).context == "shop-cluster"


def test_a_flag_beats_the_environment(kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(write_kubeconfig(tmp_path / "other", "http://127.0.0.1:1")))
    assert Connection(kubeconfig, None).context == "shop-cluster"


def test_several_files_are_one_kubeconfig(kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for kubectl: the first file says what is current, and files that are not there do not matter."""
    other = write_kubeconfig(tmp_path / "other", "http://127.0.0.1:1", context="other")
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(tmp_path / "absent"), str(kubeconfig), str(other)]))
    assert Connection(None, "other").server == "http://127.0.0.1:1"
    assert Connection(None, "shop-cluster").namespace == "shop"


def test_the_first_of_several_files_says_what_is_current(
    kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write_kubeconfig(tmp_path / "other", "http://127.0.0.1:1", context="other")
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(kubeconfig), str(other)]))
    assert Connection(None, None).context == "shop-cluster"


# ---- in a cluster ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    directory = tmp_path_factory.mktemp("tls")
    certificate_file, key_file = directory / "ca.crt", directory / "tls.key"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file


@pytest.fixture(scope="module")
def tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def test_in_a_pod_its_service_account_is_used(
    certificate: tuple[Path, Path], tls: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kubernetes.config import incluster_config

    token = tmp_path / "token"
    token.write_text("pod-token", encoding="utf-8")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(certificate[0]))
    with Wire(answer(200, {"items": []}), tls=tls) as wire:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(wire.port))
        connection = Connection(None, None)
        assert connection.context == "in-cluster"
        Transport(connection).get(NAMESPACES)
    assert wire.heard[0].headers["authorization"].lower() == "bearer pod-token"


def test_in_a_pod_a_kubeconfig_still_wins(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "1")
    assert Connection(kubeconfig, None).context == "shop-cluster"


def test_in_a_pod_without_its_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kubernetes.config import incluster_config

    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "absent"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "1")
    with pytest.raises(UsageError, match="token"):
        Connection(None, None)


# ---- no answer -------------------------------------------------------------------------------------------------------


def test_nobody_listens(connect: Connect) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound, not listening: nobody else can take the port meanwhile
        server = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        error = refused(connect(server))
    assert isinstance(error, Unreachable)
    assert server in error.message
    assert "refused" in error.message
    assert "object at 0x" not in error.message
    assert error.exit_code == 1


def test_a_name_that_does_not_resolve(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    def unresolved(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    transport = connect("http://cluster.invalid:6443")
    monkeypatch.setattr(socket, "getaddrinfo", unresolved)
    error = refused(transport)
    assert isinstance(error, Unreachable)
    assert "cluster.invalid" in error.message
    assert "resolve" in error.message or "not known" in error.message


def test_a_server_that_hangs_is_given_up(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "_TIMEOUT", (0.2, 0.2))
    with Wire(SILENCE) as wire:
        began = time.monotonic()
        error = refused(connect(wire.url))
        assert time.monotonic() - began < 3
        assert isinstance(error, Unreachable)
        assert "timed out" in error.message
        assert len(wire.heard) == 1


def test_a_write_that_hangs_is_not_repeated(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it was taken is not known: sent twice, it could be done twice."""
    monkeypatch.setattr(transport_module, "_TIMEOUT", (0.2, 0.2))
    with Wire(SILENCE) as wire:
        with pytest.raises(Unreachable):
            connect(wire.url).patch(NAMESPACES, PATCH)
        assert len(wire.heard) == 1


def test_a_certificate_that_nobody_vouches_for(connect: Connect, tls: ssl.SSLContext) -> None:
    with Wire(answer(200, {}), tls=tls) as wire:
        error = refused(connect(wire.url))
    assert isinstance(error, Unreachable)
    assert "certificate" in error.message.lower()
    assert wire.heard == []


def test_a_server_that_speaks_no_tls(api: ApiServer, connect: Connect) -> None:
    error = refused(connect(api.url.replace("http:", "https:")))
    assert isinstance(error, Unreachable)
    assert "SSL" in error.message
    assert "object at 0x" not in error.message


@pytest.mark.parametrize(
    "half",
    [
        pytest.param(answer(200, '{"items": [', length=4000), id="the body ends early"),
        pytest.param(b"", id="nothing but a hang-up"),
        pytest.param(b"SSH-2.0-OpenSSH_9.9\r\n", id="no HTTP"),
        pytest.param(answer(200, "no gzip at all", Content_Encoding="gzip"), id="broken compression"),
    ],
)
def test_half_an_answer_is_no_answer(connect: Connect, half: bytes) -> None:
    with Wire(half) as wire:
        assert isinstance(refused(connect(wire.url)), Unreachable)


# ---- refusals --------------------------------------------------------------------------------------------------------


def test_401_says_to_log_in(api: ApiServer, connect: Connect) -> None:
    error = refused(connect(api.url))  # with a token that the server does not know
    assert isinstance(error, Unauthorized)
    assert api.url in error.message
    assert "Log in again" in error.hint


def test_403_says_what_is_refused_and_where_the_roles_are(api: ApiServer, transport: Transport) -> None:
    said = 'namespaces is forbidden: User "system:serviceaccount:ops:remediator" cannot list resource "namespaces"'
    api.refuse("list", "namespaces", code=403, reason="Forbidden", message=said)
    error = refused(transport)
    assert isinstance(error, Forbidden)
    assert said in error.message
    assert "manifests/" in error.hint


def test_404_of_an_object_carries_what_the_server_says(transport: Transport) -> None:
    error = refused(transport, f"{NAMESPACES}/absent")
    assert isinstance(error, NotFound)
    assert error.message == 'namespaces "absent" not found'


def test_404_of_a_kind_is_plain_text(transport: Transport) -> None:
    error = refused(transport, "/apis/rds.services.k8s.aws/v1alpha1/dbinstances")
    assert isinstance(error, NotFound)
    assert error.message


@pytest.mark.parametrize("code", [409, 422])
def test_a_failed_precondition_means_changed(api: ApiServer, transport: Transport, code: int) -> None:
    api.refuse("patch", "namespaces", code=code, reason="Conflict", message="the object has been modified")
    with pytest.raises(Changed, match="has been modified"):
        transport.patch(f"{NAMESPACES}/default", PATCH)


def test_410_means_that_the_list_has_to_begin_anew(connect: Connect) -> None:
    with Wire(status(410, "The provided continue parameter is too old")) as wire:
        assert isinstance(refused(connect(wire.url)), Expired)


@pytest.mark.parametrize("code", [400, 405, 500, 502, 504])
def test_any_other_refusal_tells_code_and_message(connect: Connect, code: int) -> None:
    with Wire(status(code, "etcdserver: no leader")) as wire:
        error = refused(connect(wire.url))
    assert type(error) is ClusterError
    assert f"{code}: etcdserver: no leader" in error.message


def test_a_refusal_that_is_no_status_object(connect: Connect) -> None:
    """A proxy in between answers in its own way."""
    with Wire(answer(502, "<html>Bad gateway</html>", kind="text/html")) as wire:
        error = refused(connect(wire.url))
    assert "502" in error.message
    assert "<html>" not in error.message


def test_a_redirect_is_not_followed(connect: Connect) -> None:
    """A token must not go where a stranger points to."""
    with Wire(answer(200, {})) as elsewhere, Wire(answer(302, "", Location=elsewhere.url)) as wire:
        assert isinstance(refused(connect(wire.url)), ClusterError)
        assert elsewhere.heard == []


# ---- patience --------------------------------------------------------------------------------------------------------


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let nobody wait between two tries; the list says how long they would have."""
    spans: list[float] = []
    monkeypatch.setattr(tenacity.nap, "time", SimpleNamespace(sleep=spans.append))
    return spans


def test_429_is_borne(connect: Connect) -> None:
    busy = status(429, "storage is (re)initializing", after="0")
    with Wire(busy, busy, answer(200, {"items": []})) as wire:
        assert connect(wire.url).get(NAMESPACES) == b'{"items": []}'
        assert len(wire.heard) == 3


def test_429_of_the_sandbox_is_waited_for_as_asked(api: ApiServer, transport: Transport, waited: list[float]) -> None:
    said = "storage is (re)initializing"
    api.refuse("list", "namespaces", code=429, reason="TooManyRequests", message=said, times=3)
    assert b"kube-system" in transport.get(NAMESPACES)
    assert waited == [1.0, 1.0, 1.0]


def test_503_is_borne_too(connect: Connect) -> None:
    with Wire(status(503, "the server is starting", after="0"), answer(200, {})) as wire:
        connect(wire.url).get(NAMESPACES)


def test_patience_ends(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "_LONGEST_PATIENCE", 0.3)
    with Wire(status(429, "storage is (re)initializing", after="0")) as wire:
        error = refused(connect(wire.url))
    assert isinstance(error, ClusterError)
    assert "asks for patience: storage is (re)initializing" in error.message
    assert error.exit_code == 1


def test_a_server_that_asks_for_an_hour_is_not_given_it(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "_LONGEST_PATIENCE", 0.3)
    with Wire(status(429, "too many requests", after="4"), answer(200, {})) as wire:
        began = time.monotonic()
        assert "patience" in refused(connect(wire.url)).message
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("after", ["soon", "Wed, 21 Oct 2026 07:28:00 GMT", "-1"])
def test_a_strange_retry_after_counts_as_a_second(connect: Connect, waited: list[float], after: str) -> None:
    with Wire(status(429, "too many requests", after=after), answer(200, {})) as wire:
        connect(wire.url).get(NAMESPACES)
    assert waited == [1.0]


def test_a_throttled_write_is_not_repeated(connect: Connect) -> None:
    with Wire(status(429, "too many requests", after="0"), answer(200, {})) as wire:
        with pytest.raises(ClusterError, match="patience"):
            connect(wire.url).patch(NAMESPACES, PATCH)
        assert len(wire.heard) == 1


# ---- what is sent ----------------------------------------------------------------------------------------------------


def test_a_read_says_who_asks(connect: Connect) -> None:
    with Wire(answer(200, {})) as wire:
        connect(wire.url).get(NAMESPACES, {"limit": 500, "labelSelector": "team in (shop,ops)"})
    heard = wire.heard[0]
    assert (heard.method, heard.path) == ("GET", NAMESPACES)
    assert heard.query == {"limit": "500", "labelSelector": "team in (shop,ops)"}
    assert heard.headers["user-agent"].startswith("ack-remediator/")
    assert heard.headers["authorization"] == "Bearer a-token"
    assert heard.headers["accept"] == "application/json"


def test_a_write_is_a_json_patch_of_our_own(connect: Connect) -> None:
    with Wire(answer(200, {})) as wire:
        connect(wire.url).patch(f"{NAMESPACES}/default", PATCH)
    heard = wire.heard[0]
    assert (heard.method, heard.query) == ("PATCH", {"fieldManager": "ack-remediator"})
    assert heard.headers["content-type"] == "application/json-patch+json"
    assert heard.body == b'[{"op": "add", "path": "/metadata/labels", "value": {"team": "shop"}}]'


def test_the_sandbox_takes_the_patch(transport: Transport) -> None:
    assert b'"team":"shop"' in transport.patch(f"{NAMESPACES}/default", PATCH)


def test_threads_share_one_client(transport: Transport) -> None:
    with ThreadPoolExecutor(max_workers=8) as pool:
        names = ["default", "kube-system", "kube-public"] * 16
        answers = pool.map(lambda name: transport.get(f"{NAMESPACES}/{name}"), names)
        for name, content in zip(names, answers, strict=True):
            assert f'"name":"{name}"'.encode() in content
