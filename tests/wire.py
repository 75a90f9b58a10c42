"""A server on loopback that says just what a test scripts: whole answers, half of one, or nothing at all.

The sandbox answers as real servers do; this is for what servers, proxies and cables do on a bad day.
"""

from __future__ import annotations

import json
import socketserver
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

SILENCE = None
"""An answer that never comes."""


@dataclass(frozen=True)
class Heard:
    """One request as it arrived; header names in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


Answer = bytes | None | Callable[[Heard], bytes]


def answer(
    code: int,
    body: Any = "",
    *,
    kind: str = "application/json",
    length: int | None = None,
    after: str | None = None,
    **more: str,
) -> bytes:
    """Write an HTTP answer: text as it is, anything else as JSON. `length` lies about how much there is."""
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    headers = {"Content-Type": kind, "Content-Length": str(len(content) if length is None else length)}
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    if after is not None:
        headers["Retry-After"] = after
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {code} Told\r\n{lines}Connection: close\r\n\r\n".encode() + content


def status(code: int, message: str, *, after: str | None = None) -> bytes:
    """Write an answer as kube-apiserver refuses: a Status object; `after` is its Retry-After."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}
    return answer(code, body, after=after)


class Wire:
    """Give the scripted answers one after the other, the last for ever, one connection each; a context manager."""

    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.heard: list[Heard] = []
        self.closing = threading.Event()
        self.tls = tls
        self._answers = list(answers)
        self._lock = threading.Lock()
        self._server = _Server(self)
        scheme = "https" if tls else "http"
        self.host, self.port = self._server.server_address[:2]
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def next_answer(self, heard: Heard) -> Answer:
        """Note what was asked, and take the answer to it."""
        with self._lock:
            self.heard.append(heard)
            return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, wire: Wire) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.wire = wire


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.secure: ssl.SSLSocket | None = None
        if self.server.wire.tls is not None:
            with suppress(OSError):  # a client that does not trust us hangs up
                self.secure = self.server.wire.tls.wrap_socket(self.request, server_side=True)
                self.rfile, self.wfile = self.secure.makefile("rb"), self.secure.makefile("wb")

    def handle(self) -> None:
        wire = self.server.wire
        with suppress(OSError):
            if (wire.tls is not None and self.secure is None) or (heard := self._hear()) is None:
                return
            told = wire.next_answer(heard)
            if told is SILENCE:
                wire.closing.wait(20)
                return
            self.wfile.write(told(heard) if callable(told) else told)
            self.wfile.flush()

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        if self.secure is not None:
            self.secure.close()

    def _hear(self) -> Heard | None:
        first = self.rfile.readline().decode("latin-1").split()
        if len(first) < 2:
            return None
        headers: dict[str, str] = {}
        while line := self.rfile.readline().decode("latin-1").strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        parts = urlsplit(first[1])
        body = self.rfile.read(int(headers.get("content-length") or 0))
        return Heard(first[0], parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), headers, body)
