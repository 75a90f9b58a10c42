"""The licenses of what is frozen into the plugin: whoever passes a program on passes these on with it."""

from __future__ import annotations

from importlib.metadata import Distribution, distributions
from pathlib import Path

NAMES = ("license", "licence", "copying", "notice", "authors")


def collect(packages: Path, folder: Path) -> None:
    """Copy the license files of all installed distributions into `folder/<name>/`, and list those that have none.

    `packages` is a site-packages folder. The list, README, has the license that each of those names instead.
    """
    without = []
    for each in sorted(distributions(path=[f"{packages}"]), key=lambda one: one.name.lower()):
        files = _files(each)
        for file in files:
            target = folder / each.name / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
        if not files:
            without.append(f"{each.name} {each.version}: {_named(each)}\n")
    folder.mkdir(parents=True, exist_ok=True)
    told = "Each folder has the license of the Python package of that name. Packages that come without its text:\n\n"
    (folder / "README").write_text(told + "".join(without or ["none\n"]), encoding="utf-8")


def _files(found: Distribution) -> list[Path]:
    inside = [Path(f"{found.locate_file(file)}") for file in found.files or () if ".dist-info" in file.parts[0]]
    return [file for file in inside if file.name.lower().startswith(NAMES) and file.is_file()]


def _named(found: Distribution) -> str:
    def told(field: str) -> list[str]:
        return [each.partition("\n")[0] for each in found.metadata.get_all(field, [])]

    classifiers = [each for each in told("Classifier") if each.startswith("License ::")]
    return "; ".join(told("License-Expression") or told("License") or classifiers) or "see its page"
