"""The page over HTTP: whom it answers, with what headers, and that nothing can be changed by it."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from contextlib import closing

import pytest

from remediator.page.answering import application, is_loopback
from remediator.page.rendering import content_policy
from remediator.telemetry.listening import Listening, _Server

HTML = "<!doctype html><title>stuck</title> – ok"


class Asked:
    """One answer."""

    def __init__(self, port: int, path: str = "/", *, method: str = "GET", host: str = "localhost:9465") -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            connection.putrequest(method, path, skip_host=True)
            if host:
                connection.putheader("Host", host)
            connection.endheaders()
            answer = connection.getresponse()
            self.status = answer.status
            self.headers = {name.lower(): value for name, value in answer.getheaders()}
            self.body = answer.read()


@pytest.fixture(autouse=True)
def _stops_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Server, "expiration_interval", 0.02)


@pytest.fixture
def drawn() -> list[str]:
    return []


Serve = Callable[..., Listening]


@pytest.fixture
def serve(drawn: list[str]) -> Serve:
    def page() -> str:
        drawn.append(HTML)
        return HTML

    def make(address: str = "127.0.0.1") -> Listening:
        return Listening(application(page, address=address), "the page", address="127.0.0.1", port=0)

    return make


def test_it_is_at_the_root_and_may_do_nothing(serve: Serve) -> None:
    with serve() as server:
        told = Asked(server.port)
    assert (told.status, told.body.decode()) == (200, HTML)
    assert told.headers["content-type"] == "text/html; charset=utf-8"
    assert told.headers["content-security-policy"] == content_policy(inside=False)
    assert "default-src 'none'" in told.headers["content-security-policy"]
    expected = {
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "cross-origin-resource-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
    }
    assert expected.items() <= told.headers.items()


def test_a_head_is_answered_without_a_body(serve: Serve) -> None:
    with serve() as server:
        told = Asked(server.port, method="HEAD")
    assert (told.status, told.body, told.headers["content-length"]) == (200, b"", str(len(HTML.encode())))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed(serve: Serve, drawn: list[str], method: str) -> None:
    with serve() as server:
        told = Asked(server.port, method=method)
    assert (told.status, told.headers["allow"], drawn) == (405, "GET, HEAD", [])


@pytest.mark.parametrize("path", ["/index.html", "/..", "/metrics", "/%2e%2e/etc/passwd"])
def test_there_is_nothing_else(serve: Serve, drawn: list[str], path: str) -> None:
    with serve() as server:
        assert Asked(server.port, path).status in (400, 404)
    assert drawn == []


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1:9465", "[::1]:9465", "127.8.8.8"])
def test_on_loopback_this_machine_is_answered_on_any_port_that_leads_there(serve: Serve, host: str) -> None:
    with serve() as server:
        assert Asked(server.port, host=host).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9465", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", ""]
)
def test_on_loopback_no_other_name_is_answered(serve: Serve, drawn: list[str], host: str) -> None:
    with serve() as server:
        told = Asked(server.port, host=host)
    assert told.status in (400, 421)
    assert (HTML.encode() in told.body, drawn) == (False, [])


def test_elsewhere_every_name_is_answered(serve: Serve) -> None:
    with serve("0.0.0.0") as server:
        assert Asked(server.port, host="remediator.internal").status == 200


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost"])
def test_what_loopback_is(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "10.1.2.3", "host.example"])
def test_what_loopback_is_not(address: str) -> None:
    assert not is_loopback(address)
