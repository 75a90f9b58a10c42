"""Whoever gets the plugin gets the licenses of all that is in it."""

from __future__ import annotations

from pathlib import Path

from release import licenses


def installed(packages: Path, name: str, metadata: str, *files: str) -> None:
    """Put a distribution there, with these files in its dist-info."""
    info = packages / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{metadata}\n", encoding="utf-8")
    for each in files:
        (info / each).parent.mkdir(exist_ok=True)
        (info / each).write_text(f"{name}'s {each}", encoding="utf-8")
    listed = "".join(f"{info.name}/{each},,\n" for each in ("METADATA", *files))
    (info / "RECORD").write_text(f"{listed}{name}/LICENSE.py,,\n", encoding="utf-8")


def test_each_package_has_its_own_folder_and_what_has_no_text_is_named(tmp_path: Path) -> None:
    packages = tmp_path / "site-packages"
    installed(packages, "new", "License-Expression: MIT", "licenses/LICENSE.txt", "licenses/AUTHORS.md")
    installed(packages, "old", "License: Apache 2.0", "LICENSE", "NOTICE")
    installed(packages, "bare", "License-Expression: BSD-3-Clause")
    installed(packages, "older", "License: The license\n        in full\nClassifier: License :: OSI Approved")
    installed(packages, "silent", "Classifier: Programming Language :: Python")
    licenses.collect(packages, tmp_path / "licenses")
    found = {
        f"{each.relative_to(tmp_path / 'licenses')}" for each in (tmp_path / "licenses").rglob("*") if each.is_file()
    }
    assert found == {"README", "new/LICENSE.txt", "new/AUTHORS.md", "old/LICENSE", "old/NOTICE"}
    assert (tmp_path / "licenses/old/NOTICE").read_text(encoding="utf-8") == "old's NOTICE"
    _, _, listed = (tmp_path / "licenses/README").read_text(encoding="utf-8").partition("\n\n")
    assert listed == "bare 1.0: BSD-3-Clause\nolder 1.0: The license\nsilent 1.0: see its page\n"


def test_where_all_have_one_the_list_says_so(tmp_path: Path) -> None:
    installed(tmp_path / "site-packages", "new", "License-Expression: MIT", "licenses/LICENSE.txt")
    licenses.collect(tmp_path / "site-packages", tmp_path / "licenses")
    assert (tmp_path / "licenses/README").read_text(encoding="utf-8").endswith("\n\nnone\n")
