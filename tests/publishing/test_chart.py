"""The chart that is released runs the image that is released, and is otherwise that of the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from release import chart
from release.image import Image
from release.version import NotReady
from tests import yaml_files

RELEASED = Image("registry.test/team/ack-remediator", f"sha256:{'0a' * 32}")
VALUES = """\
# What runs.
workload: cronjob
image:
  # With your registry.
  repository: ack-remediator
  # The chart's version, unless it is given.
  tag: ""
  digest: ""
schedule: "*/5 * * * *"
"""


@pytest.fixture
def charted(tmp_path: Path) -> Path:
    folder = tmp_path / "chart"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("name: ack-remediator\nversion: 1.2.3\n", encoding="utf-8")
    (folder / "values.yaml").write_text(VALUES, encoding="utf-8")
    return folder


def helm(folder: Path, body: str) -> Path:
    program = folder / "helm"
    program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    program.chmod(0o755)
    return program


def test_it_runs_the_released_image_by_default(charted: Path, tmp_path: Path) -> None:
    keeps = helm(tmp_path, '[ "$1 $3" = "package --destination" ] && cp "$2/values.yaml" "$4/kept"')
    chart.package(keeps, charted, RELEASED, tmp_path)
    kept = (tmp_path / "kept").read_text(encoding="utf-8")
    [values] = yaml_files.parsed(kept)
    assert values["image"] == {"repository": RELEASED.name, "tag": "", "digest": RELEASED.digest}
    others = [line for line in VALUES.splitlines() if "repository:" not in line and "digest:" not in line]
    assert [line for line in kept.splitlines() if "repository:" not in line and "digest:" not in line] == others


def test_the_checkout_stays_as_it_is(charted: Path, tmp_path: Path) -> None:
    chart.package(helm(tmp_path, "exit 0"), charted, RELEASED, tmp_path)
    assert (charted / "values.yaml").read_text(encoding="utf-8") == VALUES


def test_what_helm_does_not_package_is_an_error_with_its_words(charted: Path, tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="values are wrong"):
        chart.package(helm(tmp_path, "echo values are wrong >&2; exit 1"), charted, RELEASED, tmp_path)
