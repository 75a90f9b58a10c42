"""A whole answer in time, or none.

The time-outs of sockets, and so those of urllib3 and botocore, begin anew with every byte: a server or a proxy that
sends one now and then holds its client for hours.
"""

from __future__ import annotations

import io
import time
from collections.abc import MutableMapping
from functools import partial
from http.client import HTTPResponse
from socket import socket
from typing import Any

from urllib3 import HTTPConnectionPool


def bound_answers(pools: MutableMapping[str, type[HTTPConnectionPool]], seconds: float) -> None:
    """Let pools make connections whose answers end `seconds` after their request, with a TimeoutError if need be.

    `pools` are the classes of a urllib3 pool manager (`pool_classes_by_scheme`), and are replaced in place.
    """
    answer = staticmethod(partial(_Answer, seconds))
    for scheme, pool in pools.items():
        connection = type("BoundConnection", (pool.ConnectionCls,), {"response_class": answer})
        pools[scheme] = type("BoundPool", (pool,), {"ConnectionCls": connection})


class _Answer(HTTPResponse):
    """An answer that is read from its first byte on until a deadline."""

    def __init__(self, seconds: float, sock: socket, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self.fp: io.BufferedReader = io.BufferedReader(_Reader(self.fp, sock, time.monotonic() + seconds))


class _Reader(io.RawIOBase):
    """Read what a socket's file has, and wait no longer than until a moment of the monotonic clock."""

    def __init__(self, file: io.BufferedReader, sock: socket, deadline: float) -> None:
        self._file = file
        self._socket = sock
        self._deadline = deadline
        self._patience = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer is not complete in time")
        if self._patience is None or left < self._patience:
            self._socket.settimeout(left)
        return self._file.raw.readinto(buffer) or 0

    def close(self) -> None:
        self._file.close()
        super().close()
