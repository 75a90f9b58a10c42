"""An API server for what is shipped alone: it is applied by kubectl as a user does, and tells who asked for what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from remediator.sandbox.clock import SandboxClock
from tests.bed.controlplane import ControlPlane
from tests.bed.toolchain import Toolchain
from tests.cluster.install.installation import Installation
from tests.cluster.own import _controller, own_plane, program

__all__ = ["_controller"]


@pytest.fixture(scope="session")
def control_plane(
    tools: Toolchain, clock: SandboxClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControlPlane]:
    """An API server that nothing of ours was ever installed on, but what these tests apply to it."""
    folder = tmp_path_factory.mktemp("install")
    with own_plane(tools, folder, clock, audit_log=folder / "audit.log") as plane:
        yield plane


@pytest.fixture(scope="session")
def installation(control_plane: ControlPlane, tools: Toolchain) -> Installation:
    """Kubectl, and what it applies."""
    return Installation(control_plane, program(tools.kubectl))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a workload finds what is mounted."""
    path = tmp_path / "mounted"
    path.mkdir()
    return path
