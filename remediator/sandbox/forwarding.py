"""The HTTP of the fault layer: one request in, the upstream's answer out, with what befalls it in between."""

from __future__ import annotations

import io
import select
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from remediator.sandbox.aws.calls import read_request
from remediator.sandbox.aws.errors import Answer

_PIECE = 64 * 1024
# What concerns one connection, and not the request (RFC 9110, section 7.6.1).
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade", "expect"}
)


@dataclass(frozen=True)
class Request:
    """One request as it came; names of headers are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def aws(self) -> tuple[str, str]:
        """Which service of AWS it is for, and which operation it is: `("sts", "GetCallerIdentity")`, or nothing."""
        read = read_request(
            {
                "REQUEST_METHOD": self.method,
                "PATH_INFO": unquote(self.path),
                "HTTP_AUTHORIZATION": self.headers.get("authorization", ""),
                "HTTP_X_AMZ_TARGET": self.headers.get("x-amz-target", ""),
                "CONTENT_LENGTH": str(len(self.body)),
                "wsgi.input": io.BytesIO(self.body),
            }
        )
        return (read.service, read.operation) if read else ("", "")


class Silence(Enum):
    """No answer at all."""

    HANGS_UP = "hangs up"
    HANGS = "hangs"


@dataclass(frozen=True)
class Fault:
    """What befalls a request: it waits, reaches the upstream or not, and is answered: by the upstream (`ends` None),
    by somebody else, or not at all; whole or `cut` after some bytes, at once or a byte `every` so many seconds.
    """

    wait: float = 0.0
    reaches: bool = True
    ends: Silence | Callable[[Request], Answer] | None = None
    cut: int | None = None
    every: float = 0.0
    slow_head: bool = False


class Forwarder(ThreadingTCPServer):
    """Pass requests on to `upstream`, each with the fault that is chosen for it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, upstream: SplitResult, ca: Path | None, choose: Callable[[Request], Fault]) -> None:
        self._upstream = upstream
        secure = upstream.scheme == "https"
        self._tls = ssl.create_default_context(cafile=str(ca) if ca else None) if secure else None
        self.choose = choose
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.handlers: set[_Handler] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def connection(self) -> HTTPConnection:
        """Make a connection to the upstream; it opens when it is needed."""
        host, port = self._upstream.hostname or "", self._upstream.port
        if self._tls is not None:
            return HTTPSConnection(host, port, context=self._tls)
        return HTTPConnection(host, port)

    def hang_up(self) -> None:
        """End what is under way, on both sides."""
        self.closing.set()
        with self.lock:
            open_now = [each for handler in self.handlers for each in (handler.connection, handler.upstream.sock)]
        for each in open_now:
            with suppress(OSError):  # it was closed first
                if each is not None:
                    each.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let clients hang up: anything else is a bug of ours, and goes to stderr as usual."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client, and the one to the upstream that belongs to it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Forwarder

    def setup(self) -> None:
        super().setup()
        self.upstream = self.server.connection()
        with self.server.lock:
            self.server.handlers.add(self)

    def finish(self) -> None:
        with self.server.lock:
            self.server.handlers.discard(self)
        self.upstream.close()
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Keep quiet: `Faults.requests` is the log."""

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, parts.path, dict(parse_qsl(parts.query, True)), headers, body)
        fault = self.server.choose(request)
        try:
            self._befall(request, fault)
        except (OSError, HTTPException):
            self.close_connection = True  # whatever cuts one side off cuts the other off, too

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _handle  # noqa: N815 - so named there

    def _befall(self, request: Request, fault: Fault) -> None:
        self.server.closing.wait(fault.wait)
        answer = self._ask(request) if fault.reaches else None
        if answer is not None and fault.ends is not None:
            answer.read()  # what was asked is done, before the client learns of anything
        if fault.ends is Silence.HANGS:
            while not (self.server.closing.is_set() or select.select([self.connection], [], [], 0.05)[0]):
                pass
        if isinstance(fault.ends, Silence):
            raise ConnectionAbortedError
        if fault.ends is not None:
            reply = fault.ends(request)
            headers = [*reply.headers, ("Content-Length", str(len(reply.body)))]
            self._send(fault, f"{reply.status} Scripted", headers, [reply.body])
        elif answer is not None:
            headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP]
            pieces = iter(lambda: answer.read1(_PIECE), b"")
            self._send(fault, f"{answer.status} {answer.reason}", headers, pieces, answer)
        if answer is not None:
            answer.close()  # http.client leaves it open where its last byte was read by `read1`

    def _ask(self, request: Request) -> HTTPResponse:
        self.upstream.putrequest(request.method, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self.upstream.putheader(name, value)
        self.upstream.endheaders(request.body or None)
        return self.upstream.getresponse()

    def _send(
        self,
        fault: Fault,
        status: str,
        headers: list[tuple[str, str]],
        pieces: Iterable[bytes],
        answer: HTTPResponse | None = None,
    ) -> None:
        """Send head and body, the body framed as it came: by length, in chunks as they arrive, or until the end."""
        chunked = answer is not None and answer.chunked
        promised = None if answer is None else answer.length
        if chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        elif answer is not None and promised is None:
            headers.append(("Connection", "close"))
            self.close_connection = True
        head = "".join(f"{name}: {value}\r\n" for name, value in headers)
        self._write(f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1"), fault.every if fault.slow_head else 0.0)
        for piece in _until(pieces, fault.cut):
            for part in (piece[at : at + 1] for at in range(len(piece))) if fault.every else (piece,):
                self._write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
                promised = None if promised is None else promised - len(part)
                self.server.closing.wait(fault.every)
        if promised:
            raise ConnectionAbortedError  # the upstream broke off itself
        if chunked:
            self._write(b"0\r\n\r\n")

    def _write(self, content: bytes, every: float = 0.0) -> None:
        for part in (content[at : at + 1] for at in range(len(content))) if every else (content,):
            self.wfile.write(part)
            self.server.closing.wait(every)


def _until(pieces: Iterable[bytes], limit: int | None) -> Iterator[bytes]:
    """Yield pieces, and break off where more than `limit` bytes would follow."""
    left = limit
    for piece in pieces:
        if left is not None and len(piece) > left:
            if left:
                yield piece[:left]
            raise ConnectionAbortedError
        left = None if left is None else left - len(piece)
        yield piece
