"""The chart as it is released: that of the checkout, with the released image by digest as what it runs by default."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from ruamel.yaml import YAML

from release.image import Image
from release.version import NotReady


def package(helm: Path, chart: Path, image: Image, folder: Path) -> None:
    """Package a chart into a folder, as `<name>-<version>.tgz`. Raises `NotReady` where helm fails.

    Comments of values.yaml stay: `helm show values` is where people read them.
    """
    with tempfile.TemporaryDirectory() as work:
        copied = Path(shutil.copytree(chart, Path(work) / "chart"))
        yaml = YAML()
        yaml.preserve_quotes = True
        yaml.width = 120
        values = yaml.load(copied / "values.yaml")
        values["image"].update(repository=image.name, digest=image.digest)
        yaml.dump(values, copied / "values.yaml")
        ran = subprocess.run(
            [helm, "package", copied, "--destination", folder], capture_output=True, text=True, check=False
        )
    if ran.returncode:
        raise NotReady(f"helm does not package {chart}: {ran.stderr.strip()}")
