"""The sandbox's API server is held against a real one: the same tests, on both."""

import os
import subprocess
import sys
from pathlib import Path

from tests.cluster.controlplane import ADMIN_TOKEN, ControlPlane
from tests.cluster.toolchain import SANDBOX_CRDS, Toolchain

TESTS = Path(__file__).parents[1] / "sandbox" / "api"


def test_its_own_tests_hold_for_a_real_api_server(toolchain: Toolchain, tmp_path: Path) -> None:
    # A control plane of its own: the controller of the other one would write to the objects of these tests.
    with ControlPlane(toolchain.apiserver.path, toolchain.etcd.path, tmp_path) as plane:
        plane.install(SANDBOX_CRDS)
        environment = os.environ | {"KUBE_APISERVER_URL": plane.url, "KUBE_APISERVER_TOKEN": ADMIN_TOKEN}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--tb=short", "-W", "error", str(TESTS)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout
