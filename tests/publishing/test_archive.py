"""The plugin's archive: what krew can unpack, and the same bytes from the same files."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from release import archive

EPOCH = 1_790_000_000


def written(folder: Path) -> Path:
    (folder / "lib").mkdir(parents=True)
    (folder / "program").write_bytes(b"\x7fELF")
    (folder / "program").chmod(0o755)
    (folder / "lib" / "libz.so.1").write_bytes(b"library")
    (folder / "lib" / "libz.so").symlink_to("libz.so.1")
    (folder / "LICENSE").write_text("Apache", encoding="utf-8")
    return folder


def test_what_krew_unpacks_is_plain_files(tmp_path: Path) -> None:
    archive.pack(written(tmp_path / "plugin"), tmp_path / "it.tar.gz", epoch=EPOCH)
    with tarfile.open(tmp_path / "it.tar.gz") as tar:
        members = tar.getmembers()
        assert [each.name for each in members] == ["LICENSE", "lib/libz.so", "lib/libz.so.1", "program"]
        assert all(each.isreg() for each in members), "krew knows no links"
        assert {each.name: oct(each.mode) for each in members if each.mode & 0o111} == {"program": "0o755"}
        link = tar.extractfile("lib/libz.so")
        assert link is not None and link.read() == b"library"


def test_the_same_files_make_the_same_bytes(tmp_path: Path) -> None:
    """Whoever owns them, whenever they were written, and in whatever order the folder lists them."""
    first, second = written(tmp_path / "one"), written(tmp_path / "two")
    for path in [*second.rglob("*")]:
        os.utime(path, (1, 1))
    (second / "LICENSE").chmod(0o640)
    archive.pack(first, tmp_path / "one.tar.gz", epoch=EPOCH)
    archive.pack(second, tmp_path / "another-name.tar.gz", epoch=EPOCH)
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "another-name.tar.gz").read_bytes()


def test_a_name_that_krew_takes_for_an_escape_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path / "plugin")
    (folder / "lib" / "a..b").touch()
    with pytest.raises(ValueError, match=r"lib/a\.\.b: krew unpacks no name with two dots"):
        archive.pack(folder, tmp_path / "it.tar.gz", epoch=EPOCH)


def test_a_link_that_leads_out_takes_nothing_of_the_machine_along(tmp_path: Path) -> None:
    folder = written(tmp_path / "plugin")
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    (folder / "lib" / "out").symlink_to(tmp_path / "secret")
    with pytest.raises(ValueError, match="lib/out leads to"):
        archive.pack(folder, tmp_path / "it.tar.gz", epoch=EPOCH)


def test_the_sums_are_such_as_sha256sum_checks(tmp_path: Path) -> None:
    written(tmp_path / "dist")
    (tmp_path / "dist" / ".notes.md").write_text("no part of it", encoding="utf-8")
    (tmp_path / "SHA256SUMS").write_text(archive.sums(tmp_path / "dist"), encoding="utf-8")
    said = subprocess.run(
        ["sha256sum", "--check", "--strict", "../SHA256SUMS"],
        cwd=tmp_path / "dist",
        check=True,
        capture_output=True,
        text=True,
    )
    assert said.stdout == "LICENSE: OK\nprogram: OK\n"
