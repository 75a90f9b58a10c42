"""One message on its way: what the other end hears, and what is said where it does not take it."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

import pytest

from remediator.policy.webhook import Format
from remediator.sandbox.faults import Faults, trickling
from remediator.webhook import sending
from remediator.webhook.sending import NotReady, NotTaken, NotYet, send
from remediator.webhook.signature import secrets_in, signed
from tests.telemetry.certificates import Certificates, certificates
from tests.webhook.receiving import HOOK, SECRET, news, read, section
from tests.wire import SILENCE, Answer, Wire, answer

__all__ = ["certificates"]


@pytest.fixture(autouse=True)
def _direct(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(each, raising=False)
        monkeypatch.delenv(each.upper(), raising=False)


def test_a_receiver_hears_a_signed_message(tmp_path: Path) -> None:
    with Wire(answer(204)) as wire:
        send(section(f"{wire.url}{HOOK}?sig=abc", tmp_path), news())
        [heard] = wire.heard
    assert (heard.method, heard.path, heard.query) == ("POST", HOOK, {"sig": "abc"})
    assert read(heard)["items"][0]["resource"]["name"] == "checkout"
    assert heard.headers["content-type"] == "application/json"
    moment = int(heard.headers["webhook-timestamp"])
    assert abs(time.time() - moment) < 30
    for name, value in signed(secrets_in(SECRET), "msg_1", moment, heard.body).items():
        assert heard.headers[name] == value


def test_a_chat_needs_no_secret(tmp_path: Path) -> None:
    with Wire(answer(200, "ok")) as wire:
        send(section(f"{wire.url}{HOOK}", tmp_path, format=Format.SLACK, secretFile=None), news())
        [heard] = wire.heard
    assert read(heard)["text"] == "ack-remediator, prod-eu1: 1 found"
    assert "webhook-signature" not in heard.headers


def test_what_is_in_the_files_is_read_each_time(tmp_path: Path) -> None:
    with Wire(answer(200)) as former, Wire(answer(200)) as next_one:
        to = section(former.url, tmp_path)
        send(to, news())
        section(next_one.url, tmp_path)
        send(to, news())
        assert (len(former.heard), len(next_one.heard)) == (1, 1)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (SILENCE, "timed out"),
        (b"", "closed"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "SSH"),
        (answer(500, "x0SecretToken"), "it answered 500"),
        (answer(503), "it answered 503"),
        (answer(408), "it answered 408"),
        (answer(429), "it answered 429"),
    ],
    ids=["silence", "a hang-up", "no HTTP", "500", "503", "408", "429"],
)
def test_trouble_is_for_another_try(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: Answer, why: str) -> None:
    monkeypatch.setattr(sending, "_READ", 0.2)
    with Wire(said) as wire:
        with pytest.raises(NotYet) as trouble:
            send(section(f"{wire.url}{HOOK}", tmp_path), news())
        assert len(wire.heard) == 1
    assert why in str(trouble.value)
    assert "SECRET" not in str(trouble.value).upper()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (answer(400, "invalid_payload"), "it answered 400 (invalid_payload)"),
        (answer(403, "no_service"), "it answered 403 (no_service)"),
        (answer(404, "x0SecretToken"), "it answered 404"),
        (answer(401, "\x1b[2J"), "it answered 401"),
        (answer(410, "gone " * 999), "it answered 410"),
        (answer(302, Location="http://127.0.0.1:1/elsewhere"), "it answered 302, and redirects are not followed"),
        (answer(307, Location="/elsewhere"), "it answered 307, and redirects are not followed"),
    ],
    ids=["400", "403", "404", "401", "410", "302", "307"],
)
def test_a_refusal_is_final(tmp_path: Path, said: Answer, why: str) -> None:
    with Wire(said) as wire:
        with pytest.raises(NotTaken) as refused:
            send(section(f"{wire.url}{HOOK}", tmp_path), news())
        assert len(wire.heard) == 1
    assert str(refused.value) == why


@pytest.mark.parametrize(
    ("after", "least", "most"),
    [("7", 7, 7), ("Fri, 31 Dec 1999 23:59:59 GMT", 0, 0), ("soon", None, None), ("", None, None)],
)
def test_who_asks_for_patience_is_heard(tmp_path: Path, after: str, least: float | None, most: float | None) -> None:
    with Wire(answer(429, after=after)) as wire, pytest.raises(NotYet) as busy:
        send(section(wire.url, tmp_path), news())
    if least is None or most is None:
        assert busy.value.after is None
    else:
        assert busy.value.after is not None and least <= busy.value.after <= most


def test_nobody_at_all_is_for_another_try(tmp_path: Path) -> None:
    with Wire(answer(200)) as wire:
        url = wire.url
    with pytest.raises(NotYet) as trouble:
        send(section(f"{url}{HOOK}", tmp_path), news())
    assert "refused" in str(trouble.value)
    assert HOOK not in str(trouble.value)


def test_who_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sending, "_ANSWER", 0.3)
    with Wire(answer(500, "x" * 4000)) as wire, Faults(wire.url) as faults:
        faults.add(trickling(0.05))
        began = time.monotonic()
        with pytest.raises(NotYet):
            send(section(faults.url, tmp_path), news())
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("url", None, "cannot be read: No such file or directory"),
        ("url", b"", "expected a URL"),
        ("url", b"http://chat.example.com/x0SecretToken", "expected https"),
        ("url", b"https://chat.example.com/x0SecretToken\xff", "is no plain text"),
        ("secret", None, "cannot be read: No such file or directory"),
        ("secret", b"x0SecretToken", "a secret is whsec_"),
        ("secret", b"", "expected 1 to 4 secrets"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, name: str, content: bytes | None, why: str) -> None:
    to = section("https://chat.example.com/", tmp_path)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(NotReady) as refused:
        send(to, news())
    assert str(refused.value).startswith(f"{name}File {tmp_path / name}")
    assert why in str(refused.value)
    assert "x0SecretToken" not in str(refused.value)


@pytest.mark.parametrize("code", [200, 404])
def test_an_answer_without_end_is_not_read(tmp_path: Path, code: int) -> None:
    endless = answer(code, "x" * 5_000_000, length=10_000_000_000)
    with Wire(endless) as wire:
        began = time.monotonic()
        try:
            send(section(wire.url, tmp_path), news())
        except NotTaken as refused:
            assert str(refused) == "it answered 404"
        assert time.monotonic() - began < 5


def test_it_goes_through_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with Wire(answer(502)) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//me:p%40ss@"))
        with pytest.raises(NotYet) as trouble:
            send(section(f"https://chat.invalid{HOOK}", tmp_path), news())
        [heard] = proxy.heard
    assert heard.method == "CONNECT"
    assert heard.headers["proxy-authorization"] == "Basic bWU6cEBzcw=="
    assert "SECRET" not in f"{heard}{trouble.value}".upper()
    assert "p%40ss" not in str(trouble.value)


def test_neither_this_machine_nor_who_is_named_in_no_proxy_is_asked_through_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with Wire(answer(200)) as proxy, Wire(answer(200)) as wire:
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, proxy.url)
        send(section(wire.url, tmp_path), news())
        assert len(wire.heard) == 1
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with pytest.raises(NotYet):
            send(section(wire.url.replace("http", "https"), tmp_path), news())
        assert proxy.heard == []


def test_a_certificate_has_to_be_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, certificates: Certificates
) -> None:
    files = certificates.server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    with Wire(answer(200), tls=context) as wire:
        to = section(f"{wire.url}{HOOK}", tmp_path)
        with pytest.raises(NotYet, match="certificate verify failed"):
            send(to, news())
        assert wire.heard == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
        send(to, news())
        assert len(wire.heard) == 1
