"""The audit log on disk: appended to, for its owner alone, and never torn further."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from remediator.audit_file import AuditFile
from remediator.errors import Unaudited


def test_lines_are_appended_and_only_the_owner_can_read_them(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    AuditFile(path).append(b"one\n")
    AuditFile(path).append(b"two\nthree\n")
    assert path.read_bytes() == b"one\ntwo\nthree\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_who_moves_it_away_gets_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    log = AuditFile(path)
    log.append(b"one\n")
    path.rename(tmp_path / "audit.log.1")
    log.append(b"two\n")
    assert path.read_bytes() == b"two\n"


def test_what_a_crash_tore_off_does_not_swallow_the_next_line(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(b'one\n{"at":')
    AuditFile(path).append(b"two\n")
    assert path.read_bytes() == b'one\n{"at":\ntwo\n'


def test_it_is_on_the_disk_before_the_call_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    path = tmp_path / "audit.log"
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.stat().st_size))
    AuditFile(path).append(b"one\n")
    assert synced == [4]


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unaudited, match="No space left on device"):
        AuditFile(tmp_path / "audit.log").append(b"one\n")


@pytest.mark.parametrize("what", ["directory", "link", "pipe", "nowhere", "nul"])
def test_what_is_no_place_for_it_is_told(tmp_path: Path, what: str) -> None:
    path = tmp_path / "audit.log"
    if what == "directory":
        path.mkdir()
    elif what == "link":
        path.symlink_to(tmp_path / "elsewhere")
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "nowhere":
        path = tmp_path / "missing" / "audit.log"
    else:
        path = Path("audit\0.log")
    with pytest.raises(Unaudited, match=r"the audit log .* cannot be written: "):
        AuditFile(path).append(b"one\n")
    assert not (tmp_path / "elsewhere").exists()


def test_a_dash_is_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    AuditFile(Path("-")).append(b"one\n")
    assert capsys.readouterr() == ("", "one\n")
