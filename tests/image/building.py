"""Build the Dockerfile as it is, by buildah in a chroot, on a base that Debian's packages make."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[2]

# The first Debian with the Python that the Dockerfile asks for.
_SUITE = "trixie"
_PACKAGES = "python3,python3-pip-whl,ca-certificates"
# What the real base is like: `python` is on the PATH, pip is there and may be used, and Python's own library comes
# without compiled files.
_LIKE_THE_REAL_BASE = """
set -e
ln -s python3 /usr/bin/python
rm /usr/lib/python3*/EXTERNALLY-MANAGED
PYTHONPATH=$(echo /usr/share/python-wheels/pip-*.whl) python -m pip install --quiet --root-user-action ignore \
    --no-index --find-links /usr/share/python-wheels pip
find /usr/lib/python3* -name __pycache__ -prune -exec rm -r {} +
"""
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# By the Debian package that has them.
_TOOLS = {"buildah": "buildah", "mmdebstrap": "mmdebstrap", "unshare": "util-linux", "setpriv": "util-linux"}


class Unable(Exception):
    """Raised where this machine cannot build or run an image; says what would help."""


def need_tools() -> None:
    """Say all that is missing at once."""
    missing = sorted({package for tool, package in _TOOLS.items() if shutil.which(tool) is None})
    if missing:
        raise Unable(f"not installed: {', '.join(missing)} (Debian, Ubuntu: apt-get install {' '.join(missing)})")
    if os.geteuid() != 0:
        raise Unable("it makes mounts, and so needs root")


def stand_in() -> Path:
    """Make the file system of the base once, into the project's cache, and answer the archive.

    Raises `Unable` where Debian's packages cannot be had.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ack-remediator" / "image"
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / f"{_SUITE}.tar"
    if not archive.exists():
        unfinished = archive.with_suffix(f".{os.getpid()}.tar")
        hook = f"chroot \"$1\" sh -c '{_LIKE_THE_REAL_BASE}'"
        words = ["--quiet", "--mode=root", "--variant=minbase", f"--include={_PACKAGES}", f"--customize-hook={hook}"]
        _run(["mmdebstrap", *words, _SUITE, str(unfinished)])
        unfinished.rename(archive)
    return archive


class Store:
    """Images and containers of our own: nothing of the machine's is seen or changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._where = ["--root", str(folder / "store"), "--runroot", str(folder / "run")]
        self._folder.mkdir(parents=True, exist_ok=True)

    def buildah(self, *words: str) -> str:
        """Run buildah; answer what it prints. Raises `Unable` with the end of what it says, where it fails."""
        return _run(["nice", "buildah", *self._where, *words])

    def base(self, archive: Path) -> None:
        """Give the archive the name that the Dockerfile asks for: what has no host is first looked for here."""
        container = self.buildah("from", "scratch")
        self.buildah("add", "--quiet", container, str(archive), "/")
        self.buildah("commit", "--quiet", container, f"localhost/{base_name()}")
        self.buildah("rm", container)

    def build(self, name: str, *, epoch: int) -> None:
        """Build the Dockerfile of the checkout as it is. Only what it is allowed to read may reach it."""
        settings = self._folder / "pip.conf"
        settings.write_text(f"[global]\ncert = {_CERTIFICATES}\n", encoding="utf-8")
        # A machine behind a proxy has certificates of its own. Mounted, they are no part of the image.
        seen = [f"{_CERTIFICATES}:{_CERTIFICATES}:ro", f"{settings}:/etc/pip.conf:ro"] if _CERTIFICATES.exists() else []
        mounts = [word for each in seen for word in ("--volume", each)]
        how = ["--isolation", "chroot", "--pull-never", "--no-cache", "--timestamp", str(epoch)]
        self.buildah("build", *how, *mounts, "--tag", f"localhost/{name}", str(CHECKOUT))

    def described(self, name: str) -> dict[str, Any]:
        """Answer the image's own description (OCI image specification, `config.md`)."""
        described: dict[str, Any] = json.loads(self.buildah("inspect", "--type", "image", f"localhost/{name}"))
        oci: dict[str, Any] = described["OCIv1"]
        return oci

    def mounted(self, name: str) -> Path:
        """Make a container of an image, and answer where its file system is."""
        return Path(self.buildah("mount", self.buildah("from", "--pull-never", f"localhost/{name}")))

    def clear(self) -> None:
        """Take all of it away."""
        self.buildah("rm", "--all")
        shutil.rmtree(self._folder)


def base_name() -> str:
    """Read which image the Dockerfile starts from."""
    lines = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    (name,) = {line.split()[1] for line in lines if line.startswith("FROM ")}
    return name


def _run(command: Sequence[str]) -> str:
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        said = "\n".join((ran.stdout + ran.stderr).splitlines()[-20:])
        raise Unable(f"{' '.join(command)} exited with {ran.returncode}:\n{said}")
    return ran.stdout.strip()
