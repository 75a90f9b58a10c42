"""A control plane of a test's own, for what is installed on a whole cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Cloud
from tests.bed.controllers import Handle, controller_for
from tests.bed.controlplane import ControlPlane
from tests.bed.toolchain import Tool, Toolchain


@contextmanager
def own_plane(tools: Toolchain, folder: Path, clock: SandboxClock, **more: Any) -> Iterator[ControlPlane]:
    """Start an API server that has ACK's definitions, and nothing of ours."""
    plane = ControlPlane(program(tools.apiserver), program(tools.etcd), folder, clock, **more)
    with plane:
        plane.install(tools.crds)
        yield plane


@pytest.fixture(scope="session")
def _controller(
    tools: Toolchain,
    control_plane: ControlPlane,
    _cloud: Cloud,
    clock: SandboxClock,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Handle]:
    """Start ACK's controller beside it; a conftest takes this in together with a `control_plane` of its own."""
    handle = controller_for(tools, control_plane, _cloud, tmp_path_factory.mktemp("controller"), clock)
    handle.start()
    yield handle
    handle.stop()


def program(tool: Tool | None) -> Path:
    """Say where a program is; skip, out loud, where tests run on a cluster that is there already."""
    if tool is None:
        pytest.skip("it takes an API server of its own, and this run has one that was there before")
    return tool.path
