"""A changed file takes the place of the one that was read: whole, as its owner's, or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from remediator.errors import InputError
from remediator.manifest.replacing import replace
from remediator.manifest.source import Source, read_source

OLD, NEW = "kind: Old\r\n", "kind: New\r\n"


def replaced(file: Path) -> None:
    before = read_source(str(file))
    replace(str(file), before, Source(before.name, NEW, bom=before.bom))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "f.yaml"
    made.write_bytes(OLD.encode())
    return made


def refused(file: Path, act: Callable[[Path], None] = replaced) -> InputError:
    """Be refused, and leave all as it was: the file, and nothing beside it."""
    names = sorted(file.parent.iterdir())
    with pytest.raises(InputError) as why:
        act(file)
    assert sorted(file.parent.iterdir()) == names
    return why.value


def test_the_bytes_are_those_that_were_meant_with_their_mark(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + OLD.encode())
    replaced(file)
    assert file.read_bytes() == b"\xef\xbb\xbf" + NEW.encode()
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("mode", [0o640, 0o755, 0o200 | 0o444])
def test_the_mode_is_kept_and_the_time_is_not(file: Path, mode: int) -> None:
    file.chmod(mode)
    os.utime(file, (1, 1))
    replaced(file)
    assert stat.S_IMODE(file.stat().st_mode) == mode
    assert file.stat().st_mtime > 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_owner_is_kept(file: Path) -> None:
    os.chown(file, 12345, 23456)
    replaced(file)
    assert (file.stat().st_uid, file.stat().st_gid) == (12345, 23456)


def test_who_may_not_keep_the_owner_leaves_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", forbidden)
    as_it_is = os.fstat
    monkeypatch.setattr(
        os, "fstat", lambda handle: os.stat_result((*as_it_is(handle)[:4], 7, 7, *as_it_is(handle)[6:]))
    )
    error = refused(file)
    assert error.message == f"{file}: cannot be written: Operation not permitted"
    assert file.read_bytes() == OLD.encode()


def test_a_symbolic_link_stays_one(file: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "there" / "link.yaml"
    link.symlink_to("../f.yaml")
    replaced(link)
    assert link.is_symlink()
    assert file.read_bytes() == NEW.encode()
    assert not file.is_symlink()


def test_a_file_that_was_changed_meanwhile_is_left_alone(file: Path) -> None:
    before = read_source(str(file))
    file.write_text("kind: Theirs\n")
    error = refused(file, lambda _: replace(str(file), before, Source(before.name, NEW)))
    assert error.message == f"{file}: was changed by somebody else meanwhile"
    assert file.read_text() == "kind: Theirs\n"


def test_a_change_at_the_last_moment_is_seen(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interfere(_: object) -> None:
        file.write_text("kind: Theirs\n")

    monkeypatch.setattr(os, "fsync", interfere)
    assert refused(file).message == f"{file}: was changed by somebody else meanwhile"
    assert file.read_text() == "kind: Theirs\n"


@pytest.mark.parametrize("full", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_breaks_off_leaves_the_file_and_nothing_beside_it(
    file: Path, monkeypatch: pytest.MonkeyPatch, full: BaseException
) -> None:
    def fail(_: object) -> None:
        raise full

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises((InputError, KeyboardInterrupt)):
        replaced(file)
    assert list(file.parent.iterdir()) == [file]
    assert file.read_bytes() == OLD.encode()


def test_a_file_that_is_protected_from_writing_stays_so_for_root_too(file: Path) -> None:
    file.chmod(0o444)
    error = refused(file)
    assert (error.message, "chmod" in error.hint) == (f"{file}: is read-only", True)


def test_a_file_with_other_names_is_left_alone(file: Path, tmp_path: Path) -> None:
    os.link(file, tmp_path / "other.yaml")
    assert "has 2 names (hard links)" in refused(file).message
    assert file.read_bytes() == OLD.encode()


def test_what_is_no_file_cannot_be_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    gone = Source("gone.yaml", OLD)
    assert "is no regular file" in refused(pipe, lambda _: replace(str(pipe), Source("pipe", OLD), gone)).message
    error = refused(tmp_path / "gone.yaml", lambda file: replace(str(file), gone, gone))
    assert error.message.endswith("gone.yaml: cannot be written: No such file or directory")


def test_a_directory_that_takes_no_files_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("remediator.manifest.replacing.tempfile.mkstemp", refuse)
    error = refused(file)
    assert error.message == f"{file}: cannot be written: Permission denied"
    assert "its directory has to be writable, too" in error.hint
