"""Counts what goes over the wire: a server's door beside its own, which passes on TLS as it comes."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self

_AT_ONCE = 1 << 16


class Relay:
    """Listens on loopback, from `with` to the end of it, and passes on to a port of loopback.

    `sent` and `received` are bytes, as clients see them: TLS and what gzip left, not the headers of TCP.
    """

    def __init__(self, port: int) -> None:
        self.sent = 0
        self.received = 0
        self._server = ("127.0.0.1", port)
        self._counting = threading.Lock()
        self._door = socket.create_server(("127.0.0.1", 0))
        self._accepting = threading.Thread(target=self._accept, name="relay", daemon=True)

    @property
    def url(self) -> str:
        """Say where it listens, as a kubeconfig does."""
        return f"https://127.0.0.1:{self._door.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone would leave accept(2) where it waits.
        self._door.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._door.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return  # the door is closed
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._server) as server:
            back = threading.Thread(target=self._pass_on, args=(server, client, "received"), daemon=True)
            back.start()
            self._pass_on(client, server, "sent")
            back.join()

    def _pass_on(self, giver: socket.socket, taker: socket.socket, way: str) -> None:
        """Pass on one way until its end; where one side is gone, the other has nobody to talk to."""
        try:
            while some := giver.recv(_AT_ONCE):
                with self._counting:
                    setattr(self, way, getattr(self, way) + len(some))
                taker.sendall(some)
            taker.shutdown(socket.SHUT_WR)
        except OSError:
            for each in (giver, taker):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
