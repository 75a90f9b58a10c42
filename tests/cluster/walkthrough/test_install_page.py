"""docs/install.md, followed as it is written on an empty cluster: each command does, and prints, what the page says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from remediator.sandbox.cloud import Cloud
from tests import yaml_files
from tests.bed.controlplane import ControlPlane
from tests.bed.plugin import Create
from tests.bed.toolchain import Toolchain
from tests.cluster.own import program
from tests.cluster.stuck import rolled_back
from tests.pages import fences

TOP = Path(__file__).parents[3]
PAGE = TOP / "docs" / "install.md"
# What differs from run to run: numbers, times, ids, and where the words of a line are broken.
_NUMBERS = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\d+")

Step = tuple[str, list[str]]


def steps() -> list[Step]:
    """Read the commands of the page, and the lines that each is said to print. `…` is what is left out."""
    found: list[Step] = []
    for block in fences(PAGE.read_text(encoding="utf-8"), "console"):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif found[-1][0].endswith("\\"):
                found[-1] = (f"{found[-1][0][:-1]} {line.strip()}", [])
            elif line.strip() not in ("", "…"):
                found[-1][1].append(line)
    return found


def plain(text: str) -> str:
    """Leave out of a text what differs from run to run."""
    return " ".join(_NUMBERS.sub("#", text).split())


@pytest.mark.usefixtures("controller", "identity", "_deployment")
@pytest.mark.timeout(600)
def test_a_new_user_gets_from_an_empty_cluster_to_the_first_finding(
    settled: Create, control_plane: ControlPlane, cloud: Cloud, tools: Toolchain, tmp_path: Path
) -> None:
    checkout = settled(name="checkout")
    rolled_back(control_plane, cloud, checkout)
    policy = tmp_path / "policy.yaml"
    shipped = yaml_files.read(TOP / "manifests" / "base" / "policy.yaml")
    shipped["aws"]["endpointURL"] = cloud.endpoint
    policy.write_text(json.dumps(shipped), encoding="utf-8")
    kubectl = tmp_path / "bin"
    kubectl.mkdir()
    (kubectl / "kubectl").symlink_to(program(tools.kubectl))
    environment = os.environ | {
        "PATH": f"{kubectl}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "KUBECONFIG": str(control_plane.kubeconfig("shop-cluster")),
        "REMEDIATOR_POLICY": str(policy),
        "COLUMNS": "80",
    }
    taken = steps()
    assert len(taken) > 8
    for command, said in taken:
        done = subprocess.run(
            ["bash", "-c", command], cwd=TOP, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        printed = plain(done.stdout + done.stderr)
        if os.environ.get("WALK"):
            print(f"$ {command}\n{done.stdout}{done.stderr}[{done.returncode}]")
            continue
        assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
        for line in said:
            assert plain(line) in printed, f"{command}\n  does not print\n{line}\n  but\n{done.stdout}{done.stderr}"
