"""One file to apply for each way to install: what kustomize makes of manifests/, with the released image by digest."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from release.image import Image
from release.version import NotReady

# Folders of manifests/ that somebody applies, each as install-<name>.yaml.
OVERLAYS = (
    "acting/cronjob",
    "acting/daemon",
    "cronjob",
    "daemon",
    "namespaced",
    "read-only",
    "sharded/cronjob",
    "sharded/daemon",
)


def file_name(overlay: str) -> str:
    """Name the file that an overlay is released as."""
    return f"install-{overlay.replace('/', '-')}.yaml"


def write(kubectl: Path, root: Path, image: Image, folder: Path) -> None:
    """Render every overlay into a folder, as `file_name` has it. Raises `NotReady` where kustomize fails."""
    for overlay in OVERLAYS:
        (folder / file_name(overlay)).write_text(_rendered(kubectl, root, overlay, image), encoding="utf-8")


def _rendered(kubectl: Path, root: Path, overlay: str, image: Image) -> str:
    # Beside manifests/: kustomize takes other folders by relative paths only.
    with tempfile.TemporaryDirectory(prefix=".install-", dir=root) as work:
        made = {
            "resources": [f"../manifests/{overlay}"],
            "images": [{"name": "ack-remediator", "newName": image.name, "digest": image.digest}],
        }
        (Path(work) / "kustomization.yaml").write_text(json.dumps(made), encoding="utf-8")
        ran = subprocess.run([kubectl, "kustomize", work], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise NotReady(f"kustomize does not render manifests/{overlay}: {ran.stderr.strip()}")
    return ran.stdout
