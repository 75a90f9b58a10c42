"""CI on GitHub: it calls the Makefile and nothing else, by actions that nobody can exchange, with hardly a right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests import yaml_files

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".github" / "workflows"
# That of a release has rights, and tests of its own: tests/publishing/test_workflow.py.
WORKFLOWS = sorted(each for each in FOLDER.glob("*.y*ml") if each.name != "release.yml")
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

Json = dict[str, Any]

pytestmark = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def jobs(path: Path) -> list[Json]:
    found: dict[str, Json] = yaml_files.read(path)["jobs"]
    return list(found.values())


def made(path: Path) -> set[str]:
    """Name the targets that a workflow makes; a `$NAME` is what `env` says, and that is of the matrix."""
    names: set[str] = set()
    for job in jobs(path):
        for step in job["steps"]:
            if "run" not in step:
                continue
            (target,) = re.findall(r'^make ("\$[A-Z]+"|[a-z-]+)(?: [A-Z]+=(?:"\$[A-Z]+"|[a-z]+))*$', step["run"])
            if not target.startswith('"'):
                names.add(target)
                continue
            value = step["env"][target.strip('"$')]
            (key,) = re.findall(r"^\$\{\{ matrix\.([a-z]+) \}\}$", value)
            names |= set(job["strategy"]["matrix"][key])
    return names


def test_there_is_one_at_all(path: Path) -> None:
    assert path.is_file()


def test_it_runs_targets_of_the_makefile_and_nothing_else(path: Path) -> None:
    assert made(path) <= TARGETS


def test_it_runs_all_that_every_commit_has_to_pass(path: Path) -> None:
    needed = set(re.findall(r"^make ([a-z-]+)", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE))
    assert needed <= made(path)


def test_it_may_read_the_repository_and_nothing_more(path: Path) -> None:
    assert yaml_files.read(path)["permissions"] == {}
    assert all(job["permissions"] == {"contents": "read"} for job in jobs(path))
    checkouts = [step for job in jobs(path) for step in job["steps"] if "checkout" in step.get("uses", "")]
    assert len(checkouts) == len(jobs(path))
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_no_job_runs_for_ever_and_none_beside_a_newer_one(path: Path) -> None:
    assert all(0 < job["timeout-minutes"] <= 90 for job in jobs(path))
    assert yaml_files.read(path)["concurrency"]["group"]


def test_the_pythons_of_the_image_and_of_the_oldest_promise_are_tried(path: Path) -> None:
    (image,) = set(
        re.findall(r"^FROM python:([\d.]+)-", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (oldest,) = re.findall(r'^requires-python = ">=([\d.]+)"$', project, re.MULTILINE)
    matrix = yaml_files.read(path)["jobs"]["checks"]["strategy"]["matrix"]
    tried = {*matrix["python"], *(each["python"] for each in matrix["include"] if each["target"] == "test")}
    assert tried >= {image, oldest}


def test_kind_is_tried_with_every_version_that_there_is_an_image_of(path: Path) -> None:
    script = (ROOT / ".ci" / "kind").read_text(encoding="utf-8")
    images = re.findall(r"^    \[([\d.]+)\]=kindest/node:v([\d.]+)@sha256:[0-9a-f]{64}$", script, re.MULTILINE)
    tried = [
        version for job in jobs(path) for version in job.get("strategy", {}).get("matrix", {}).get("kubernetes", [])
    ]
    assert [short for short, _ in images] == tried
    assert all(patch.startswith(f"{short}.") for short, patch in images)
    assert tried[0] == "1.30", "the oldest that is supported"
