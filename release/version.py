"""Which version this checkout is of: said in several places, and a release is made only where all say the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NewType

Version = NewType("Version", str)

# By file, the expressions that find one each.
PLACES: dict[str, tuple[str, ...]] = {
    "pyproject.toml": (r'^version = "(.+)"$',),
    "remediator/__init__.py": (r'^__version__ = "(.+)"$',),
    "Dockerfile": (r'\.image\.version="(.+?)"',),
    "manifests/release/kustomization.yaml": (r"^ *newTag: (.+)$", r"^ *app\.kubernetes\.io/version: (.+)$"),
    # Its own, and that of the image it runs.
    "chart/Chart.yaml": (r"^version: (.+)$", r"^appVersion: (.+)$"),
}
# Python, krew, helm and images each write pre-releases in a way that others refuse.
_VERSION = r"(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)"


class NotReady(Exception):
    """Raised where a checkout cannot be released; says what is to be mended."""


def of_tag(tag: str) -> Version:
    """Read the version off a tag, `v` and three numbers. Raises `NotReady`."""
    if not re.fullmatch(f"v{_VERSION}", tag):
        raise NotReady(f"the tag is {tag!r}; a release is tagged v and three numbers, as v0.1.0")
    return Version(tag.removeprefix("v"))


def said_in(root: Path) -> list[tuple[str, str]]:
    """Collect the versions that are said, each with its file; "" where a file says none."""
    found = []
    for name, expressions in PLACES.items():
        text = (root / name).read_text(encoding="utf-8") if (root / name).is_file() else ""
        for expression in expressions:
            says = re.search(expression, text, re.MULTILINE)
            found.append((name, says[1].strip("\"'") if says else ""))
    return found


def check(root: Path, version: Version) -> None:
    """Raise `NotReady` unless every place says this version."""
    others = [(name, says) for name, says in said_in(root) if says != version]
    if others:
        told = "\n".join(f"  {name}: {says or 'not there'}" for name, says in others)
        raise NotReady(f"this is to be {version}, and that is not what is said everywhere:\n{told}")


def notes(changelog: str, version: Version) -> str:
    """Cut the section of a version out of the changelog. Raises `NotReady` where there is none, or it has no date."""
    sections = re.split(r"^## ", changelog, flags=re.MULTILINE)
    for each in sections[1:]:
        title, _, text = each.partition("\n")
        if not title.startswith(f"[{version}]"):
            continue
        if not re.fullmatch(rf"\[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d", title):
            raise NotReady(f"CHANGELOG.md has {title!r}; write ## [{version}] - YYYY-MM-DD")
        if not text.strip():
            raise NotReady(f"CHANGELOG.md says nothing of {version}")
        return f"{text.strip()}\n"
    raise NotReady(f"CHANGELOG.md has no section of {version}: name what is under [Unreleased] so, with its date")
