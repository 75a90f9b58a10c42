"""A relay passes on what it gets, and counts it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from bench.relay import Relay


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that says everything twice, and hangs up when the other has no more to say."""
    door = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        caller, _ = door.accept()
        with caller:
            while some := caller.recv(1 << 12):
                caller.sendall(some * 2)

    server = threading.Thread(target=serve)
    server.start()
    yield door.getsockname()[1]
    server.join(10)
    door.close()


def test_both_ways_are_passed_on_and_counted(echo: int) -> None:
    with Relay(echo) as relay, socket.create_connection(("127.0.0.1", int(relay.url.rpartition(":")[2]))) as client:
        client.sendall(b"x" * 10_000)
        client.shutdown(socket.SHUT_WR)
        heard = b""
        while some := client.recv(1 << 12):
            heard += some
    assert heard == b"x" * 20_000
    assert (relay.sent, relay.received) == (10_000, 20_000)
