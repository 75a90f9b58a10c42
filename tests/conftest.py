"""What holds for every test: nothing beyond this machine is reached, and no property test depends on its speed."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest

from tests.sockets import Closing

pytest_plugins = ["tests.bed.plugin"]

ssl.SSLContext.sslsocket_class = Closing

hypothesis.settings.register_profile("quick", deadline=None, database=None)
hypothesis.settings.load_profile("quick")

# What takes longest goes first: last of all, it would keep one worker busy while the others are done.
LONGEST = (
    *("test_lies_controller.py", "test_secrets.py", "test_lies_api.py", "test_killed.py", "test_safety.py"),
    *(
        "test_demo_scenarios.py",
        "test_wait.py",
        "test_demo.py",
        "test_demo_kept.py",
        "test_process.py",
        "test_honesty.py",
    ),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files by how long they take, as far as it matters."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


def _is_here(family: int, address: Any) -> bool:
    if family == socket.AF_UNIX:
        return True
    host = str(address[0])
    return host == "localhost" or ipaddress.ip_address(host).is_loopback


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    """Refuse every connection to another machine: a test that needs one tests the wrong thing."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if not _is_here(self.family, address):
            raise AssertionError(f"a test tried to connect to {address}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield
