"""The remediator's records, on the real API server."""

from __future__ import annotations

import pytest

from tests.bed.plane import Plane
from tests.cluster.records import Records


@pytest.fixture(scope="session")
def records(api_server: Plane, tmp_path_factory: pytest.TempPathFactory) -> Records:
    """A home namespace with definition, policy and roles, on an API server that no controller works on."""
    return Records.install(api_server, tmp_path_factory.mktemp("records"))


@pytest.fixture
def shop(api_server: Plane) -> str:
    """A namespace with resources, of the test's own."""
    return api_server.namespace()


@pytest.fixture
def api_namespace(api_server: Plane) -> str:
    """Another namespace of the test's own."""
    return api_server.namespace()
