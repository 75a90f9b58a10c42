"""TLS connections whose other side went before they began."""

from __future__ import annotations

import ssl
from typing import Any


class Closing(ssl.SSLSocket):
    """Close a connection that was reset before ssl looked at it.

    ssl raises then, and leaves it open for the garbage collector (CPython, SSLSocket._create). Servers and clients that
    are stopped at the same moment meet that now and then, and here an open socket is an error.
    """

    def getpeername(self) -> Any:
        try:
            return super().getpeername()
        except OSError:
            self.close()
            raise
