"""The HTTP front of the sandbox's API server, where a real one cannot be told from it."""

from __future__ import annotations

import gc
import socket
import struct

import pytest

from remediator.sandbox.api.certificates import Authority
from remediator.sandbox.api.front import Front
from remediator.sandbox.clock import SandboxClock

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def test_a_client_that_is_gone_before_it_is_accepted_leaves_nothing_open() -> None:
    front = Front(0, lambda *_: pytest.fail("nobody asked"), Authority().server_context(), SandboxClock())
    try:
        client = socket.create_connection(("127.0.0.1", front.server_port))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        client.close()
        with pytest.raises(OSError, match=r"not connected|reset|Bad file"):
            front.get_request()
        gc.collect()  # an open socket would be a ResourceWarning, and that an error
    finally:
        front.server_close()
