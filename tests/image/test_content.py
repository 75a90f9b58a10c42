"""What is in the image, and what is not."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.building import Store, base_name
from tests.image.container import Image

# Building takes minutes, and building again as many more.
pytestmark = pytest.mark.timeout(1200)

_MIB = 2**20
_OURS = "opt/ack-remediator"
# What the image may add to its base. Two thirds of it are the models of the Kubernetes client and of botocore.
_MOST = 240 * _MIB


def files(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())


def size(root: Path) -> int:
    return sum(path.stat().st_size for path in files(root))


def test_it_runs_as_nobody_and_says_what_it_is(image: Image) -> None:
    assert (image.config["User"], image.config["Entrypoint"]) == ("65532:65532", ["remediator"])
    assert image.config["Labels"]["org.opencontainers.image.title"] == "ack-remediator"


def test_nothing_that_builds_installs_or_tests_is_in_it(image: Image) -> None:
    told = image.python(
        "import importlib.util, json\n"
        "names = ['pip', 'setuptools', 'hatchling', 'pytest', 'moto', 'tests', 'remediator', 'kubernetes']\n"
        "print(json.dumps([name for name in names if importlib.util.find_spec(name)]))"
    )
    assert json.loads(told) == ["remediator", "kubernetes"]
    assert [path for path in files(image.root) if path.name in ("pip", "pip3")] == []


def test_nothing_of_the_checkout_is_in_it_but_the_package_and_its_pages(image: Image) -> None:
    package = next(image.root.glob(f"{_OURS}/lib/python3*/site-packages/remediator"))
    strangers = {".git", ".venv", "tests", "bench", "manifests", ".ci", "Makefile", "requirements.lock"}
    assert not strangers & {path.name for path in package.rglob("*")}
    assert not (image.root / "src").exists()
    assert (package / "runbooks" / "ChecksumMismatch.md").is_file()


def test_only_root_could_change_it_and_nothing_in_it_gives_roots_rights(image: Image) -> None:
    modes = {path: path.lstat() for path in (image.root / _OURS).rglob("*") if not path.is_symlink()}
    assert [path for path, seen in modes.items() if seen.st_uid or seen.st_gid or seen.st_mode & 0o022] == []
    assert [path for path, seen in modes.items() if seen.st_mode & (stat.S_ISUID | stat.S_ISGID)] == []


def test_everything_that_a_pass_imports_is_compiled(image: Image) -> None:
    """Else each start would compile it, for it cannot be written down."""
    told = image.python(
        "import importlib.util, json, os, sys\n"
        "import boto3, kubernetes.client, remediator.cli.daemon, remediator.cli.run, remediator.cli.wiring\n"
        "import remediator.daemon, remediator.telemetry.server\n"
        "files = {str(getattr(module, '__file__', '')) for module in list(sys.modules.values())}\n"
        "sources = [file for file in files if file.endswith('.py')]\n"
        "left = [file for file in sources if not os.path.exists(importlib.util.cache_from_source(file))]\n"
        "print(json.dumps([len(sources), left]))"
    )
    count, uncompiled = json.loads(told)
    assert (count > 500, uncompiled) == (True, [])


def test_it_is_no_bigger_than_it_was(image: Image, capsys: pytest.CaptureFixture[str]) -> None:
    ours, whole = size(image.root / _OURS), size(image.root)
    with capsys.disabled():
        print(f" ({ours // _MIB} MiB beside a base of {(whole - ours) // _MIB} MiB)", end="")
    assert ours < _MOST


def test_the_same_sources_make_the_same_image(store: Store, built: str, again: str) -> None:
    first, second = (store.described(name)["rootfs"]["diff_ids"] for name in (built, again))
    assert first == second


def test_it_adds_nothing_with_roots_rights_to_its_base(image: Image, store: Store) -> None:
    base = store.mounted(base_name())

    def raising(root: Path) -> set[str]:
        return {
            str(path.relative_to(root)) for path in files(root) if path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID)
        }

    assert raising(image.root) <= raising(base)
