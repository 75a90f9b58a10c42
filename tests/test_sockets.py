"""A connection that is reset before TLS begins leaves nothing open: without it, tests fail by chance."""

from __future__ import annotations

import gc
import socket
import ssl
import struct
from collections.abc import Iterator

import pytest

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of one connection: who asked for it, and who took it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        asking = socket.create_connection(listening.getsockname())
        taken, _ = listening.accept()
        with asking, taken:
            yield asking, taken


@pytest.mark.parametrize("server_side", [True, False])
def test_a_connection_that_was_reset_is_closed(pair: tuple[socket.socket, socket.socket], *, server_side: bool) -> None:
    ours, theirs = pair[::-1] if server_side else pair
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    theirs.close()
    with pytest.raises(OSError, match=r"not connected|reset|Bad file"):
        context.wrap_socket(ours, server_side=server_side, do_handshake_on_connect=not server_side)
    gc.collect()  # an open socket would be a ResourceWarning, and that an error
