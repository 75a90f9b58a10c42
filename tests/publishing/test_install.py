"""One file to apply for each way to install: that of manifests/, with the image that was released."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from release import image, install
from release.image import Image
from release.version import NotReady
from tests import test_manifests, yaml_files
from tests.bed import toolchain

ROOT = Path(__file__).parents[2]
RELEASED = Image("registry.test/team/ack-remediator", f"sha256:{'0a' * 32}")


def test_there_is_one_for_every_folder_that_somebody_applies() -> None:
    assert set(install.OVERLAYS) == set(test_manifests.OVERLAYS)
    names = [install.file_name(each) for each in install.OVERLAYS]
    assert "install-acting-cronjob.yaml" in names and len(set(names)) == len(names)


def stand_in(folder: Path, body: str) -> Path:
    """Put a program there that does as it is told, and keeps the kustomization that it is given."""
    program = folder / "kubectl"
    program.write_text(f'#!/bin/sh\ncat "$2/kustomization.yaml" >>{folder}/given\n{body}\n', encoding="utf-8")
    program.chmod(0o755)
    return program


def test_kustomize_is_given_the_image_by_digest_and_leaves_nothing_in_the_checkout(tmp_path: Path) -> None:
    root, dist = tmp_path / "checkout", tmp_path / "dist"
    root.mkdir()
    dist.mkdir()
    install.write(stand_in(tmp_path, "echo kind: Namespace"), root, RELEASED, dist)
    assert {each.name for each in dist.iterdir()} == {install.file_name(each) for each in install.OVERLAYS}
    assert all(each.read_text(encoding="utf-8") == "kind: Namespace\n" for each in dist.iterdir())
    given = (tmp_path / "given").read_text(encoding="utf-8")
    assert given.count(f'"newName": "{RELEASED.name}", "digest": "{RELEASED.digest}"') == len(install.OVERLAYS)
    assert list(root.iterdir()) == []


def test_what_kustomize_does_not_render_is_an_error_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match=r"manifests/acting/cronjob: no such folder"):
        install.write(stand_in(tmp_path, "echo no such folder >&2; exit 1"), tmp_path, RELEASED, tmp_path)


def test_kustomize_itself_makes_of_each_what_runs_the_image_and_no_other(tmp_path: Path) -> None:
    if not toolchain._is_built(toolchain.KUBECTL, os.environ) and not shutil.which("kubectl"):
        pytest.skip("no kubectl is built, and none is on the PATH")
    kubectl = (
        toolchain.find_kubectl(os.environ, print).path
        if toolchain._is_built(toolchain.KUBECTL, os.environ)
        else Path(f"{shutil.which('kubectl')}")
    )
    install.write(kubectl, ROOT, RELEASED, tmp_path)
    for overlay in install.OVERLAYS:
        text = (tmp_path / install.file_name(overlay)).read_text(encoding="utf-8")
        images = [line.split("image: ")[1] for line in text.splitlines() if line.strip(" -").startswith("image: ")]
        assert images == [f"{RELEASED.name}@{RELEASED.digest}"], overlay
        kinds = {each["kind"] for each in yaml_files.parsed(text)}
        assert {"ServiceAccount", "RoleBinding"} <= kinds and kinds & {"CronJob", "Deployment", "StatefulSet"}


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("", RELEASED.digest),
        ("ack-remediator", RELEASED.digest),
        ("/team/ack-remediator", RELEASED.digest),
        ("registry.test/Team/ack-remediator", RELEASED.digest),
        ("registry.test/team/ack-remediator:0.1.0", RELEASED.digest),
        (RELEASED.name, ""),
        (RELEASED.name, "sha256:0a"),
        (RELEASED.name, "0.1.0"),
    ],
)
def test_no_file_names_an_image_that_may_be_another_tomorrow(name: str, digest: str) -> None:
    with pytest.raises(NotReady, match=r"the image is|the digest of the image is"):
        image.of(name, digest)


def test_a_registry_may_have_a_port() -> None:
    assert image.of("localhost:5000/ack-remediator", RELEASED.digest).name == "localhost:5000/ack-remediator"
