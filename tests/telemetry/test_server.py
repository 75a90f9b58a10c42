"""The daemon's HTTP server: what it answers, whom it lets in, and that nobody holds up a scrape."""

from __future__ import annotations

import gzip
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
import structlog

from remediator.errors import UsageError
from remediator.telemetry.listening import Tls, _Server
from remediator.telemetry.metrics import Metrics
from remediator.telemetry.server import Server
from tests.builders import NOW
from tests.telemetry.certificates import Certificates, certificates

__all__ = ["certificates"]

# Less than the five seconds that a client may take for its request: who waited for another one took longer.
AT_ONCE = 4.0


class Told(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def ask(port: int, path: str, *, method: str = "GET", tls: ssl.SSLContext | None = None, **headers: str) -> Told:
    with ExitStack() as stack:
        connection = (
            http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=tls)
            if tls
            else http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        )
        stack.callback(connection.close)
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        fields = {name.lower(): value for name, value in answer.getheaders()}
        return Told(answer.status, fields, answer.read())


class Health:
    """What the daemon says of itself."""

    def __init__(self) -> None:
        self.health = ""
        self.ready = "no pass yet"


@pytest.fixture(autouse=True)
def _stops_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the loop look more often whether it is to end; by itself it takes half a second."""
    monkeypatch.setattr(_Server, "expiration_interval", 0.02)


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def serve(health: Health) -> Callable[..., Server]:
    def make(tls: Tls | None = None) -> Server:
        metrics = Metrics(now=lambda: NOW)
        metrics.kubernetes("GET", "200")
        return Server(metrics, lambda: health.health, lambda: health.ready, port=0, tls=tls)

    return make


Serve = Callable[..., Server]


@contextmanager
def connected(port: int, count: int, say: bytes = b"") -> Iterator[None]:
    """Be so many clients that connect, say just that, and wait."""
    with ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(say)
        yield


def at_once(port: int, tls: ssl.SSLContext | None = None) -> None:
    began = time.monotonic()
    assert ask(port, "/metrics", tls=tls).status == 200
    assert time.monotonic() - began < AT_ONCE


# ---- what it answers -------------------------------------------------------------------------------------------------


def test_it_serves_metrics_as_prometheus_reads_them(serve: Serve) -> None:
    with serve() as server:
        told = ask(server.port, "/metrics")
    assert told.status == 200
    assert told.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert b'remediator_kubernetes_requests_total{code="200",verb="GET"} 1.0' in told.body


def test_it_speaks_openmetrics_and_gzip_on_request(serve: Serve) -> None:
    with serve() as server:
        told = ask(
            server.port, "/metrics", Accept="application/openmetrics-text; version=1.0.0", Accept_Encoding="gzip"
        )
    assert told.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert gzip.decompress(told.body).endswith(b"# EOF\n")


def test_some_metrics_can_be_asked_for_by_name(serve: Serve) -> None:
    with serve() as server:
        told = ask(server.port, "/metrics?name[]=remediator_kubernetes_requests_total")
    assert {line.split()[2] for line in told.body.splitlines() if line.startswith(b"#")} == {
        b"remediator_kubernetes_requests_total"
    }


def test_it_says_how_the_daemon_is(serve: Serve, health: Health) -> None:
    with serve() as server:
        assert ask(server.port, "/healthz")[::2] == (200, b"ok\n")
        assert ask(server.port, "/readyz")[::2] == (503, b"no pass yet\n")
        health.health, health.ready = "no pass has ended for 17 min", ""
        assert ask(server.port, "/healthz")[::2] == (503, b"no pass has ended for 17 min\n")
        assert ask(server.port, "/readyz")[::2] == (200, b"ok\n")


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/nothing"])
def test_a_head_has_no_body_that_would_be_taken_for_the_next_answer(serve: Serve, path: str) -> None:
    with serve() as server, socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        told = b"".join(iter(lambda: client.recv(4096), b""))
    assert told.startswith(b"HTTP/1.1 404" if path == "/nothing" else b"HTTP/1.1 200")
    assert told.endswith(b"\r\n\r\n") and told.count(b"\r\n\r\n") == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/metrics/../etc", 404), ("POST", "/healthz", 405), ("DELETE", "/metrics", 405)],
)
def test_there_is_nothing_else_and_nothing_to_change(serve: Serve, method: str, path: str, status: int) -> None:
    with serve() as server:
        assert ask(server.port, path, method=method).status == status


def test_a_check_that_breaks_is_not_well(serve: Serve) -> None:
    def broken() -> str:
        raise RuntimeError("no clock")

    with structlog.testing.capture_logs() as logs, Server(Metrics(now=lambda: NOW), broken, str, port=0) as server:
        assert ask(server.port, "/healthz").status == 500
        assert ask(server.port, "/readyz").status == 200
    assert any("no clock" in str(each) for each in logs if each["log_level"] == "warning")


def test_a_client_that_goes_away_is_no_trouble(serve: Serve, capfd: pytest.CaptureFixture[str]) -> None:
    with structlog.testing.capture_logs() as logs, serve() as server:
        for said in (b"", b"GET /metrics HTTP/1.1\r\n", b"\x16\x03\x01 no HTTP at all\r\n\r\n"):
            with connected(server.port, 1, said):
                pass
        at_once(server.port)
    assert [each for each in logs if each["log_level"] != "debug"] == []
    assert capfd.readouterr() == ("", "")


# ---- who connects and does not ask -----------------------------------------------------------------------------------


def test_who_is_idle_holds_up_nobody(serve: Serve) -> None:
    """More of them than there are threads."""
    with serve() as server, connected(server.port, 40):
        at_once(server.port)


def test_who_stops_in_the_middle_of_a_request_holds_up_nobody(serve: Serve) -> None:
    with serve() as server, connected(server.port, 3, b"GET /metrics HTTP/1.1\r\nHost: x"):
        at_once(server.port)


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02"], ids=["idle", "half a greeting"])
def test_who_does_not_speak_tls_holds_up_nobody(serve: Serve, certificates: Certificates, said: bytes) -> None:
    with serve(certificates.server()) as server, connected(server.port, 3, said):
        at_once(server.port, tls=certificates.trusting())


def test_it_stops_while_others_are_connected(serve: Serve) -> None:
    before = set(threading.enumerate())
    with serve() as server:
        port = server.port
        idle, half = connected(port, 5), connected(port, 2, b"GET /met")
        with idle, half:
            at_once(port)
            began = time.monotonic()
            server.__exit__(None, None, None)
            assert time.monotonic() - began < 4
            with pytest.raises(OSError, match="refused"):
                ask(port, "/healthz")
    deadline = time.monotonic() + 5
    while (left := set(threading.enumerate()) - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not left


def test_a_port_that_is_taken_is_an_error_for_people(serve: Serve) -> None:
    with serve() as first:
        second = Server(Metrics(now=lambda: NOW), str, str, port=first.port)
        with pytest.raises(UsageError, match=rf"cannot listen on 127\.0\.0\.1:{first.port}"), second:
            raise AssertionError("it must not begin")


def test_it_listens_on_loopback_unless_told_otherwise(serve: Serve) -> None:
    with serve() as server:
        assert server._server.bind_addr == ("127.0.0.1", server.port)


# ---- TLS -------------------------------------------------------------------------------------------------------------


def test_tls_is_spoken_where_it_is_asked_for(serve: Serve, certificates: Certificates) -> None:
    with serve(certificates.server()) as server:
        assert ask(server.port, "/metrics", tls=certificates.trusting()).status == 200
        assert ask(server.port, "/healthz", tls=certificates.trusting()).status == 200
        with pytest.raises((OSError, http.client.HTTPException)):
            ask(server.port, "/metrics")


def test_only_clients_with_a_certificate_are_answered_where_that_is_asked_for(
    serve: Serve, certificates: Certificates
) -> None:
    with serve(certificates.server(clients=True)) as server:
        assert ask(server.port, "/metrics", tls=certificates.trusting(as_client=True)).status == 200
        for context in (certificates.trusting(), certificates.trusting(as_stranger=True)):
            with pytest.raises((OSError, http.client.HTTPException)):
                ask(server.port, "/metrics", tls=context)
        at_once(server.port, tls=certificates.trusting(as_client=True))


def test_old_tls_is_not_spoken(serve: Serve, certificates: Certificates) -> None:
    context = certificates.trusting()
    with pytest.warns(DeprecationWarning):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with serve(certificates.server()) as server, pytest.raises(OSError, match=r"(?i)ssl|protocol|reset"):
        ask(server.port, "/metrics", tls=context)


def test_a_renewed_certificate_is_taken_without_a_restart(serve: Serve, certificates: Certificates) -> None:
    files = certificates.server()
    with serve(files) as server:
        old = serial(server.port, certificates)
        certificates.renew(files)
        assert serial(server.port, certificates) != old


def test_a_renewed_certificate_that_does_not_fit_its_key_is_not_taken(serve: Serve, certificates: Certificates) -> None:
    files = certificates.server()
    with structlog.testing.capture_logs() as logs, serve(files) as server:
        old = serial(server.port, certificates)
        files.certificate.write_bytes(certificates.another())
        assert [serial(server.port, certificates) for _ in range(2)] == [old, old]
    assert [each["log_level"] for each in logs if "certificate" in each["event"]] == ["warning"]


@pytest.mark.parametrize("missing", ["certificate", "key", "clients"])
def test_tls_that_cannot_be_used_is_said_at_the_start(certificates: Certificates, tmp_path: Path, missing: str) -> None:
    files = msgspec.structs.replace(certificates.server(clients=True), **{missing: tmp_path / "nowhere.pem"})
    with pytest.raises(UsageError, match=r"TLS for metrics cannot be used.*nowhere"):
        Server(Metrics(now=lambda: NOW), str, str, port=0, tls=files)


def serial(port: int, certificates: Certificates) -> str:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        certificates.trusting().wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        told = secure.getpeercert()
    assert told is not None
    return str(told["serialNumber"])
