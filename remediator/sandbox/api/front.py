"""The HTTP front: bytes in, bytes out, one thread per connection."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from remediator.sandbox.api.messages import Answer, Request
from remediator.sandbox.clock import SandboxClock

GZIP_BYTES = 128 * 1024
"""Answers larger than this are compressed for clients that accept it, as the real server does."""

Answering = Callable[[Request, str], Answer]

_PATIENCE = 5.0  # real seconds, for all threads together


class Front(ThreadingHTTPServer):
    """Serve an API on 127.0.0.1, over TLS."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, answer: Answering, tls: ssl.SSLContext, clock: SandboxClock) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answer = answer
        self._tls = tls
        self.clock = clock
        self._open: set[socket.socket] = set()
        self._serving: set[threading.Thread] = set()
        self._open_lock = threading.Lock()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection. Its handshake is left to its own thread: a slow client must not hold up others."""
        connection, address = super().get_request()
        return self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def server_bind(self) -> None:
        """Bind without the reverse look-up of our own name that `HTTPServer` makes: it can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._serving.add(threading.current_thread())
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._open_lock:
                self._serving.discard(threading.current_thread())

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let clients hang up or trust us not: anything else is a bug of ours, and goes to stderr as usual."""
        if not isinstance(sys.exception(), (ConnectionError, ssl.SSLError)):
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        """Close what is still open: a stopped server must not go on answering on kept-alive connections.

        Watches end by themselves, and a little later: wait for them, so that a stopped server has no threads.
        """
        with self._open_lock:
            serving = list(self._serving)
            for connection in self._open:
                try:
                    # Not SSLSocket's: that would let its thread go on in plain text.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
                except OSError:  # the client was faster
                    continue
        deadline = time.monotonic() + _PATIENCE
        for thread in serving:
            thread.join(max(0.0, deadline - time.monotonic()))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # buffered: headers and body leave together
    server: Front

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the sandbox's time: ages are measured against this header."""
        return format_datetime(self.server.clock.now(), usegmt=True)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Keep quiet: stderr belongs to whoever runs the sandbox."""

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        parts = urlsplit(self.path)
        query: dict[str, str] = {}
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            query.setdefault(name, value)
        headers = {name.lower(): value for name, value in self.headers.items()}
        address = f"127.0.0.1:{self.server.server_address[1]}"
        request = Request(self.command, unquote(parts.path), query, headers, body)
        self._send(self.server.answer(request, address))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - the base class names them

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.code)
        self.send_header("Date", self.date_time_string())
        self.send_header("Cache-Control", "no-cache, private")
        for warning in answer.warnings:
            quoted = warning.replace("\\", "\\\\").replace('"', '\\"')
            self.send_header("Warning", f'299 - "{quoted}"')
        if isinstance(answer.body, str):
            if answer.code == 429:
                self.send_header("Retry-After", "1")
            self._send_bytes(answer.body.encode(), "text/plain; charset=utf-8")
        elif isinstance(answer.body, dict):
            wait = (answer.body.get("details") or {}).get("retryAfterSeconds") if answer.code >= 400 else None
            if wait is not None:
                self.send_header("Retry-After", str(wait))
            encoded = json.dumps(answer.body, separators=(",", ":")).encode() + b"\n"
            self._send_bytes(encoded, "application/json")
        else:
            self._send_lines(answer.body)

    def _send_bytes(self, body: bytes, content_type: str) -> None:
        if len(body) > GZIP_BYTES and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, compresslevel=1)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send_lines(self, lines: Iterator[bytes]) -> None:
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        for line in lines:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")
