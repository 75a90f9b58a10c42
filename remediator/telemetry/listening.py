"""An HTTP server in threads of its own, for what a daemon serves.

Who connects and says nothing costs no thread, and delays nobody: cheroot by itself gives a thread to each new
connection, and greets in TLS on the one thread that accepts them.
"""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from socket import socket
from types import TracebackType
from typing import Any, Self

import structlog
from cheroot import errors
from cheroot.makefile import MakeFile
from cheroot.server import HTTPConnection
from cheroot.ssl import Adapter
from cheroot.wsgi import Server as WsgiServer
from msgspec import Struct

from remediator.errors import UsageError

LOOPBACK = "127.0.0.1"

_THREADS = 8
_PATIENCE = 5  # seconds for a client to say what it wants, once it began to
_BACKLOG = 64
_FAREWELL = 1  # seconds for what is being answered when the server stops
_LONGEST_HEADER = 16 * 1024
_LONGEST_BODY = 1024

_log = structlog.get_logger(__name__)

# As WSGI has it (PEP 3333).
StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class Tls(Struct, frozen=True):
    """PEM files: our certificate with its chain, its key, and who signs the clients that may ask; None: anybody may."""

    certificate: Path
    key: Path
    clients: Path | None = None


class Listening:
    """Serves an application on threads of its own while a block runs. Raises UsageError where it cannot begin to.

    `what` is what it serves, in a word.
    """

    def __init__(
        self, application: Application, what: str, *, address: str = LOOPBACK, port: int, tls: Tls | None = None
    ) -> None:
        self._wanted = f"{address}:{port}"
        self._what = what
        self._server = _Server((address, port), application)
        self._server.ssl_adapter = _Tls(tls) if tls else None
        self._thread = threading.Thread(target=self._server.serve, name=f"{what} server", daemon=True)

    @property
    def port(self) -> int:
        """The port that it listens on: another one than asked for, where that was 0."""
        return int(self._server.bind_addr[1])

    def __enter__(self) -> Self:
        try:
            self._server.prepare()
        except OSError as error:
            raise UsageError(
                f"cannot listen on {self._wanted} for {self._what}: {error.__cause__ or error}",
                hint="Is another process on that port, and the address one of this machine?",
            ) from error
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        self._thread.join()


def say(start_response: StartResponse, status: str, text: str, **headers: str) -> Iterable[bytes]:
    """Answer with a line of text."""
    content = f"{text}\n".encode()
    fields = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(content)), **headers}
    start_response(status, list(fields.items()))
    return [content]


def heads(answer: Application) -> Application:
    """Answer HEAD as GET, but for the body: cheroot would send it, and the next answer be taken for the rest."""

    def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "HEAD":
            return answer(environ, start_response)
        answer(environ | {"REQUEST_METHOD": "GET"}, start_response)
        return ()

    return application


class _Connection(HTTPConnection):
    """One connection. `began` once its client said something; TLS is then spoken on the thread that it was given."""

    began = False
    greeted = False

    def communicate(self) -> bool:
        if isinstance(self.socket, ssl.SSLSocket) and not self.greeted:
            try:
                self.socket.do_handshake()
            except OSError as error:  # no TLS, no certificate that we take, or no patience on either side
                _log.debug("server: no TLS", client=self.remote_addr, why=str(error))
                return False
            self.greeted = True
        return bool(super().communicate())  # type: ignore[no-untyped-call]


class _Server(WsgiServer):
    ConnectionClass = _Connection
    max_request_header_size = _LONGEST_HEADER
    max_request_body_size = _LONGEST_BODY

    def __init__(self, address: tuple[str, int], application: Callable[..., Iterable[bytes]]) -> None:
        super().__init__(
            address,
            application,
            numthreads=_THREADS,
            server_name="ack-remediator",
            timeout=_PATIENCE,
            request_queue_size=_BACKLOG,
            shutdown_timeout=_FAREWELL,
        )

    @staticmethod
    def bind_socket(socket_: socket, bind_addr: tuple[str, int]) -> socket:
        """Bind; close what cannot be bound, which cheroot leaves to the garbage collector."""
        try:
            socket_.bind(bind_addr)
        except OSError:
            socket_.close()
            raise
        return socket_

    def process_conn(self, conn: _Connection) -> None:
        """Give a connection to a thread once there is something to read; until then it waits with those kept alive."""
        if conn.began:
            super().process_conn(conn)
        else:
            conn.began = True
            self.put_conn(conn)

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """Log where all else does; what clients do wrong is no trouble of ours."""
        said = _log.warning if level >= logging.ERROR else _log.debug
        said("server", said=msg, exc_info=traceback)


class _Tls(Adapter):
    """TLS that is spoken later, by who reads; its files are read anew when they were replaced."""

    def __init__(self, files: Tls) -> None:
        super().__init__(str(files.certificate), str(files.key))
        self._files = files
        self._read_at = self._changed_at()
        try:
            self.context = self._read()
        except OSError as error:
            named = ", ".join(str(each) for each in (files.certificate, files.key, files.clients) if each)
            raise UsageError(f"TLS for metrics cannot be used: {error} ({named})") from error

    def bind(self, sock: socket) -> socket:
        return sock

    def wrap(self, sock: socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        self._renew()
        try:
            return self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), {}
        except OSError as error:  # it went before it began
            raise errors.FatalSSLAlert(*error.args) from error

    def get_environ(self) -> dict[str, str]:
        return {}

    def makefile(self, sock: socket, mode: str = "r", bufsize: int = -1) -> Any:
        return MakeFile(sock, mode, bufsize)

    def _read(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self._files.clients)
        context.load_cert_chain(self._files.certificate, self._files.key)
        if self._files.clients:
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _changed_at(self) -> tuple[int, ...]:
        files = (self._files.certificate, self._files.key, self._files.clients)
        try:
            return tuple(each.stat().st_mtime_ns for each in files if each)
        except OSError:
            return ()

    def _renew(self) -> None:
        """Take renewed files: certificates last 90 days, and daemons longer. What cannot be used yet waits."""
        changed = self._changed_at()
        if changed == self._read_at:
            return
        self._read_at = changed
        try:
            self.context = self._read()
        except OSError as error:
            _log.warning("server: its new certificate cannot be used, the old one is kept", why=str(error))
