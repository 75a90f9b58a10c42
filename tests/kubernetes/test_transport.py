"""The way to the API server: which errors, how much patience, what is sent."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
import tenacity.nap

from remediator.errors import (
    Changed,
    ClusterError,
    Forbidden,
    NotFound,
    NotServed,
    Refused,
    RemediatorError,
    Unauthorized,
    Unreachable,
)
from remediator.kubernetes.connection import Connection
from remediator.kubernetes.transport import Expired, Patience, Transport
from remediator.sandbox.apiserver import ApiServer
from remediator.sandbox.faults import Faults, trickling
from tests.kubernetes.conftest import Connect, write_kubeconfig
from tests.tls import Authority
from tests.wire import SILENCE, Wire, answer, status

NAMESPACES = "/api/v1/namespaces"
IN_CHUNKS = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nfa0\r\n"
    + b"x" * 4000
    + b"\r\n0\r\n\r\n"
)
PATCH = ({"op": "add", "path": "/metadata/labels", "value": {"team": "shop"}},)


def refused(transport: Transport, path: str = NAMESPACES) -> RemediatorError:
    with pytest.raises(RemediatorError) as raised:
        transport.get(path)
    return raised.value


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


def test_a_server_that_hangs_is_given_up(connect: Connect) -> None:
    with Wire(SILENCE) as wire:
        began = time.monotonic()
        error = refused(connect(wire.url, read=0.2))
        assert time.monotonic() - began < 20
        assert isinstance(error, Unreachable)
        assert "timed out" in error.message
        assert len(wire.heard) == 1


def test_a_write_that_hangs_is_not_repeated(connect: Connect) -> None:
    """Whether it was taken is not known: sent twice, it could be done twice."""
    with Wire(SILENCE) as wire:
        with pytest.raises(Unreachable):
            connect(wire.url, read=0.2).patch(NAMESPACES, PATCH)
        assert len(wire.heard) == 1


def test_a_certificate_that_nobody_vouches_for(connect: Connect, authority: Authority) -> None:
    with Wire(answer(200, {}), tls=authority.server) as wire:
        error = refused(connect(wire.url))
    assert isinstance(error, Unreachable)
    assert "certificate" in error.message.lower()
    assert wire.heard == []


def test_a_server_that_speaks_no_tls(connect: Connect) -> None:
    class InPlainText(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1)
            self.request.sendall(answer(400, "this is no TLS"))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), InPlainText) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        error = refused(connect(f"https://127.0.0.1:{server.server_address[1]}"))
        server.shutdown()
        thread.join()
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


# ---- too slow an answer ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("head", [False, True], ids=["body", "head"])
@pytest.mark.parametrize("told", [answer(200, "x" * 4000), IN_CHUNKS], ids=["by length", "in chunks"])
def test_a_server_that_trickles_is_given_up(connect: Connect, told: bytes, *, head: bool) -> None:
    """Each byte comes long before the time-out of a read."""
    with Wire(told) as wire, Faults(wire.url) as faults:
        faults.add(trickling(0.02, head=head))
        began = time.monotonic()
        error = refused(connect(faults.url, read=3.0, answer=0.6))
        assert 0.5 < time.monotonic() - began < 20
    assert isinstance(error, Unreachable)
    assert "it was not complete after 0.6 s" in error.message


def test_a_server_that_trickles_over_tls_is_given_up(tmp_path: Path, authority: Authority) -> None:
    def slowly(wire: socket.socket) -> None:
        wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n")
        with suppress(OSError):
            while True:
                wire.sendall(b"x")
                time.sleep(0.02)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=lambda: _serve_once(listener, authority.server, slowly))
        serving.start()
        path = write_kubeconfig(tmp_path / "k", f"https://127.0.0.1:{listener.getsockname()[1]}", ca=authority.ca)
        transport = Transport(Connection(path, None), Patience(read=3.0, answer=0.6))
        assert "it was not complete after 0.6 s" in refused(transport).message
        serving.join()


def _serve_once(listener: socket.socket, tls: ssl.SSLContext, talk: Callable[[socket.socket], None]) -> None:
    plain, _ = listener.accept()
    with plain, tls.wrap_socket(plain, server_side=True) as secure:
        secure.recv(4000)
        talk(secure)


def test_a_slow_answer_that_ends_in_time_is_whole(connect: Connect) -> None:
    with Wire(answer(200, "x" * 10)) as wire, Faults(wire.url) as faults:
        faults.add(trickling(0.15))
        assert connect(faults.url, read=1.0).get(NAMESPACES) == b"x" * 10


def test_a_deadline_is_for_one_answer_not_for_a_connection(api: ApiServer, tmp_path: Path) -> None:
    transport = Transport(Connection(api.kubeconfig(tmp_path / "k"), None), Patience(answer=1.5))
    for _ in range(3):
        transport.get(NAMESPACES)
        time.sleep(0.8)


# ---- refusals --------------------------------------------------------------------------------------------------------


def test_401_says_to_log_in(api: ApiServer, connect: Connect, trusted: Path) -> None:
    error = refused(connect(api.url, ca=trusted))  # with a token that the server does not know
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
    assert type(error) is NotFound
    assert error.message == 'namespaces "absent" not found'


def test_404_of_a_kind_is_plain_text(transport: Transport) -> None:
    error = refused(transport, "/apis/rds.services.k8s.aws/v1alpha1/dbinstances")
    assert isinstance(error, NotServed)
    assert error.message


@pytest.mark.parametrize("code", [409, 422])
def test_a_failed_precondition_means_changed(api: ApiServer, transport: Transport, code: int) -> None:
    api.refuse("patch", "namespaces", code=code, reason="Conflict", message="the object has been modified")
    with pytest.raises(Changed, match="has been modified"):
        transport.patch(f"{NAMESPACES}/default", PATCH)


def test_410_means_that_the_list_has_to_begin_anew(connect: Connect) -> None:
    with Wire(status(410, "The provided continue parameter is too old")) as wire:
        assert isinstance(refused(connect(wire.url)), Expired)


@pytest.mark.parametrize("code", [500, 502, 504, 408, 418])
def test_any_other_refusal_tells_code_and_message(connect: Connect, code: int) -> None:
    with Wire(status(code, "etcdserver: no leader")) as wire:
        error = refused(connect(wire.url))
    assert type(error) is ClusterError
    assert f"{code}: etcdserver: no leader" in error.message


@pytest.mark.parametrize("code", [400, 405, 406, 413, 415])
def test_a_no_to_the_request_itself_means_that_nothing_was_done(connect: Connect, code: int) -> None:
    with Wire(status(code, "not what we take")) as wire, pytest.raises(Refused, match=f"{code}: not what we take"):
        connect(wire.url).patch(NAMESPACES, PATCH)


@pytest.mark.parametrize("body", [b'{"message": "\xff"}', b"\xff\xfe", b"[" * 100_000, b'{"message": ["a"]}'])
def test_a_refusal_whose_words_cannot_be_read(connect: Connect, body: bytes) -> None:
    head = f"HTTP/1.1 500 Sorry\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    with Wire(head + body) as wire:
        assert refused(connect(wire.url)).message == "the API server answered 500: Sorry"


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


def test_patience_ends(connect: Connect) -> None:
    with Wire(status(429, "storage is (re)initializing", after="0")) as wire:
        error = refused(connect(wire.url, throttled=0.3))
    assert isinstance(error, ClusterError)
    assert "asks for patience: storage is (re)initializing" in error.message
    assert error.exit_code == 1


def test_a_server_that_asks_for_an_hour_is_not_given_it(connect: Connect) -> None:
    with Wire(status(429, "too many requests", after="4"), answer(200, {})) as wire:
        began = time.monotonic()
        assert "patience" in refused(connect(wire.url, throttled=0.3)).message
        assert time.monotonic() - began < 3.5


@pytest.mark.parametrize("after", ["soon", "Wed, 21 Oct 2026 07:28:00 GMT", "-1"])
def test_a_strange_retry_after_counts_as_a_second(connect: Connect, waited: list[float], after: str) -> None:
    with Wire(status(429, "too many requests", after=after), answer(200, {})) as wire:
        connect(wire.url).get(NAMESPACES)
    assert waited == [1.0]


def test_a_throttled_write_is_not_repeated(connect: Connect) -> None:
    with Wire(status(429, "too many requests", after="0"), answer(200, {})) as wire:
        with pytest.raises(Refused, match="patience"):
            connect(wire.url).patch(NAMESPACES, PATCH)
        assert len(wire.heard) == 1


def test_whether_a_write_was_done_that_503_answers_is_not_known(connect: Connect) -> None:
    """A proxy says so, too, and it may have passed the write on."""
    with Wire(status(503, "upstream connect error", after="0"), answer(200, {})) as wire:
        with pytest.raises(ClusterError, match="patience") as raised:
            connect(wire.url).patch(NAMESPACES, PATCH)
        assert not isinstance(raised.value, Refused)
        assert len(wire.heard) == 1


def test_a_server_that_asks_for_no_wait_is_not_hammered(connect: Connect) -> None:
    with Wire(status(429, "too many requests", after="0")) as wire:
        assert "patience" in refused(connect(wire.url, throttled=0.5)).message
        assert len(wire.heard) <= 6


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


# ---- counting --------------------------------------------------------------------------------------------------------


def counting(connect_to: str, directory: Path, **patience: float) -> tuple[Transport, list[tuple[str, str]]]:
    counted: list[tuple[str, str]] = []
    connection = Connection(write_kubeconfig(directory / "counted.yaml", connect_to), None)
    return Transport(connection, Patience(**patience), count=lambda verb, code: counted.append((verb, code))), counted


def test_each_request_is_counted_by_its_answer(tmp_path: Path) -> None:
    """Also those that are sent again: what a server bears is what it is asked."""
    with Wire(status(429, "later", after="0"), answer(200, {}), answer(201, {}), status(409, "changed")) as wire:
        transport, counted = counting(wire.url, tmp_path)
        transport.get(NAMESPACES)
        transport.create(NAMESPACES, {})
        with pytest.raises(Changed):
            transport.patch(NAMESPACES, PATCH)
    assert counted == [("GET", "429"), ("GET", "200"), ("POST", "201"), ("PATCH", "409")]


@pytest.mark.parametrize("told", [SILENCE, b"", answer(200, "{", length=4000)], ids=["silence", "hang-up", "a half"])
def test_what_is_not_answered_in_full_is_counted_as_that(tmp_path: Path, told: bytes | None) -> None:
    with Wire(told) as wire:
        transport, counted = counting(wire.url, tmp_path, read=0.2)
        refused(transport)
    assert counted == [("GET", "none")]
