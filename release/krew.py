"""The manifest by which krew installs the plugin: remediator.yaml beside this, and what only the archives tell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from string import Template

from release.archive import sha256
from release.version import NotReady, Version

TEMPLATE = Path(__file__).with_name("remediator.yaml")
# As Go calls them, whose words krew's selectors are.
PLATFORMS = ("linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64")


def archive_name(version: Version, platform: str) -> str:
    """Name the archive for a platform, one of `PLATFORMS`."""
    return f"kubectl-remediator_{version}_{platform}.tar.gz"


def manifest(version: Version, repository: str, folder: Path, platforms: Iterable[str] = PLATFORMS) -> str:
    """Fill in the manifest from the archives in a folder; `repository` is the address of the project's page.

    Platforms that are not named are left out: for a try on one machine. Raises `NotReady` where an archive is missing.
    """
    if not re.fullmatch(r"https://[\w.-]+(/[\w.-]+){2}", repository):
        raise NotReady(f"the repository is {repository!r}; it should be like https://host/owner/name")
    wanted = list(platforms)
    names = {each: archive_name(version, each) for each in wanted}
    missing = [name for name in names.values() if not (folder / name).is_file()]
    if missing:
        raise NotReady(f"not in {folder}: {', '.join(missing)}; `make plugin` on that platform makes it")
    head, *entries = re.split(r"(?m)^(?=    - selector:)", TEMPLATE.read_text(encoding="utf-8"))
    kept = [each for each in entries if any(f"${{{platform}}}" in each for platform in wanted)]
    known = {platform: sha256(folder / name) for platform, name in names.items()}
    return Template(head + "".join(kept)).substitute(known, version=version, repository=repository)
