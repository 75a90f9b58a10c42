"""Wheel and source distribution: the same bytes from the same sources, and nothing in them that is not for users."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("remediator", "runbooks", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", ".gitignore")
EPOCH = "1790000000"


def built(folder: Path, *, touched: float) -> Path:
    """Copy the sources, give them all this time, and build both; answer where they lie."""
    folder.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    for path in folder.rglob("*"):
        os.utime(path, (touched, touched))
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH}
    subprocess.run([sys.executable, "-m", "hatchling", "build"], cwd=folder, env=environment, check=True)
    return folder / "dist"


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("sources")
    return built(folder / "here", touched=1_700_000_000), built(folder / "and elsewhere", touched=1_600_000_000)


def test_the_same_sources_make_the_same_bytes_wherever_and_whenever(twice: tuple[Path, Path]) -> None:
    first, second = ({each.name: each.read_bytes() for each in sorted(folder.iterdir())} for folder in twice)
    assert [Path(name).suffix for name in first] == [".whl", ".gz"]
    assert first == second


def test_the_wheel_has_the_program_with_its_pages_and_no_tests(twice: tuple[Path, Path]) -> None:
    [wheel] = twice[0].glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {each for each in tops if not each.endswith(".dist-info")} == {"remediator"}
    assert "remediator/runbooks/README.md" in names and "remediator/sandbox/crds/functions.yaml" in names


def test_the_source_distribution_has_what_builds_the_wheel(twice: tuple[Path, Path]) -> None:
    [archive] = twice[0].glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "PKG-INFO", "remediator/__init__.py"} <= names
    assert not {name for name in names if name.startswith(("release/", ".ci", "manifests/"))}
