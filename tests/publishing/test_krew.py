"""krew's manifest of the plugin, by the rules that krew has for any (krew internal/index/validation/validate.go)."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from release import krew
from release.version import NotReady, Version
from tests import yaml_files

VERSION = Version("1.2.3")
REPOSITORY = "https://git.test/team/ack-remediator"
Json = dict[str, Any]


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    for platform in krew.PLATFORMS:
        (tmp_path / krew.archive_name(VERSION, platform)).write_text(platform, encoding="utf-8")
    return tmp_path


@pytest.fixture
def manifest(dist: Path) -> Json:
    [made] = yaml_files.parsed(krew.manifest(VERSION, REPOSITORY, dist))
    found: Json = made
    return found


def test_it_is_what_krew_takes(manifest: Json) -> None:
    assert manifest["apiVersion"] == "krew.googlecontainertools.github.com/v1alpha2"
    assert manifest["kind"] == "Plugin"
    assert re.fullmatch(r"[a-z][a-z-]*", manifest["metadata"]["name"])
    spec = manifest["spec"]
    assert spec["version"] == "v1.2.3"
    assert spec["homepage"] == REPOSITORY
    assert spec.keys() == {"version", "homepage", "shortDescription", "description", "caveats", "platforms"}
    for platform in spec["platforms"]:
        assert platform.keys() == {"selector", "uri", "sha256", "bin"}
        assert platform["selector"].keys() == {"matchLabels"}
        assert platform["selector"]["matchLabels"].keys() == {"os", "arch"}
        assert re.fullmatch(r"[a-f0-9]{64}", platform["sha256"])


def test_kubectl_calls_it_by_the_name_that_the_wheel_installs(manifest: Json) -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    name = manifest["metadata"]["name"]
    assert f'\nkubectl-{name} = "' in project
    assert f'\nkubectl_complete-{name} = "' in project
    assert {each["bin"] for each in manifest["spec"]["platforms"]} == {f"kubectl-{name}"}


def test_its_texts_fit_where_krew_shows_them(manifest: Json) -> None:
    spec = manifest["spec"]
    assert len(spec["shortDescription"]) <= 50 and "\n" not in spec["shortDescription"]
    assert all(len(line) <= 80 for line in f"{spec['description']}{spec['caveats']}".splitlines())


def test_each_platform_has_its_own_archive_with_its_own_sum(manifest: Json) -> None:
    found = {
        "{os}_{arch}".format_map(each["selector"]["matchLabels"]): (each["uri"], each["sha256"])
        for each in manifest["spec"]["platforms"]
    }
    assert len(manifest["spec"]["platforms"]) == len(krew.PLATFORMS)
    assert found == {
        platform: (
            f"{REPOSITORY}/releases/download/v1.2.3/kubectl-remediator_1.2.3_{platform}.tar.gz",
            hashlib.sha256(platform.encode()).hexdigest(),
        )
        for platform in krew.PLATFORMS
    }


def test_one_platform_alone_is_enough_for_a_try(dist: Path) -> None:
    for platform in krew.PLATFORMS[1:]:
        (dist / krew.archive_name(VERSION, platform)).unlink()
    [made] = yaml_files.parsed(krew.manifest(VERSION, REPOSITORY, dist, [krew.PLATFORMS[0]]))
    [only] = made["spec"]["platforms"]
    assert only["selector"] == {"matchLabels": {"os": "linux", "arch": "amd64"}}


def test_no_platform_is_left_out_in_silence(dist: Path) -> None:
    (dist / krew.archive_name(VERSION, "darwin_arm64")).unlink()
    with pytest.raises(NotReady, match=r"kubectl-remediator_1\.2\.3_darwin_arm64\.tar\.gz; `make plugin`"):
        krew.manifest(VERSION, REPOSITORY, dist)


@pytest.mark.parametrize("repository", ["", "team/name", "http://git.test/a/b", "https://git.test/a/b\nkind: Other"])
def test_what_is_no_address_of_a_repository_gets_into_no_manifest(dist: Path, repository: str) -> None:
    with pytest.raises(NotReady, match="it should be like https://host/owner/name"):
        krew.manifest(VERSION, repository, dist)
