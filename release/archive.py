"""The archive of the kubectl plugin: as krew unpacks it, and the same bytes from the same files."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from pathlib import Path

_PROGRAM, _FILE = 0o755, 0o644


def pack(folder: Path, archive: Path, *, epoch: int) -> None:
    """Write a `.tar.gz` of all files beneath a folder; each gets the time `epoch`, in seconds.

    krew takes plain files and nothing else: what is a link becomes a file, and a name with two dots in it is refused
    (krew internal/download/downloader.go). Raises `ValueError` for such a name, and for a link that leads out.
    """
    inside = folder.resolve()
    with (
        archive.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=raw, mtime=epoch) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            name = path.relative_to(folder).as_posix()
            if ".." in name:
                raise ValueError(f"{name}: krew unpacks no name with two dots in it")
            if not path.resolve().is_relative_to(inside):
                raise ValueError(f"{name} leads to {path.resolve()}, outside {folder}")
            entry = tarfile.TarInfo(name)
            entry.size = path.stat().st_size
            entry.mode = _PROGRAM if path.stat().st_mode & 0o100 else _FILE
            entry.mtime = epoch
            with path.open("rb") as content:
                tar.addfile(entry, content)


def sha256(path: Path) -> str:
    """Compute a file's SHA-256, in hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def sums(folder: Path) -> str:
    """List the files right in a folder with their SHA-256, as `sha256sum --check` reads it; none that is hidden."""
    files = sorted(each for each in folder.iterdir() if each.is_file() and not each.name.startswith("."))
    return "".join(f"{sha256(each)}  {each.name}\n" for each in files)
