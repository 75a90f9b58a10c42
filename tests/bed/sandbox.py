"""The sandbox's API server, handled as the real one is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from remediator.sandbox.apiserver import ApiServer
from remediator.sandbox.clock import SandboxClock
from tests.bed.api import Api
from tests.bed.plane import Plane

SPEED = 10.0  # the sandbox's clock against the wall's: ten seconds of waiting cost one


class SandboxPlane(Plane):
    """An API server in this process."""

    def __init__(self, server: ApiServer, folder: Path, clock: SandboxClock) -> None:
        super().__init__(folder, clock)
        self.url = server.url
        self.certificate = folder / "ca.crt"
        self.certificate.write_bytes(server.certificate)
        self.admin_token = server.token
        self.admin = Api(self.url, self.certificate, self.admin_token)
        self._server = server

    def compact(self) -> None:
        """Forget the history."""
        self._server.compact()

    @contextmanager
    def overloaded(self, user: str) -> Iterator[None]:
        """Take the user's seat away."""
        self._server.overload(user)
        try:
            yield
        finally:
            self._server.allow()
