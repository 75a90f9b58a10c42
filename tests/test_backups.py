"""Backups on disk: whole, and for their owner's eyes only."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from remediator.backups import BothBackups, FileBackups
from remediator.errors import RemediatorError
from remediator.model.resource import Ref
from tests.builders import NOW, function

REF = Ref("shop", "checkout", "0a1b2c3d")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_whole_object_is_saved(tmp_path: Path) -> None:
    raw = function(spec={"environment": {"variables": {"PASSWORD": "hunter2"}}})
    path = Path(FileBackups(tmp_path / "backups").save(REF, json.dumps(raw).encode()))
    assert json.loads(path.read_text("utf-8")) == raw
    assert path.name.startswith("shop-checkout-0a1b2c3d-")
    assert path.suffix == ".json"


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    directory = tmp_path / "state" / "backups"
    path = Path(FileBackups(directory).save(REF, b"{}"))
    assert (mode(directory), mode(path)) == (0o700, 0o600)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    backups = FileBackups(tmp_path)
    paths = {backups.save(REF, b"{}") for _ in range(20)}
    assert len(paths) == 20
    assert {Path(each) for each in paths} == set(tmp_path.iterdir())


def test_where_it_cannot_be_saved_nothing_may_be_done(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RemediatorError) as refused:
        FileBackups(tmp_path / "file" / "backups").save(REF, b"{}")
    assert "without a backup nothing is done" in refused.value.message
    assert "--backups" in refused.value.hint


def test_a_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prepared link must not lead a backup, with its secrets, to where others read."""

    class Never:
        @staticmethod
        def now(_: object) -> object:
            return NOW

    monkeypatch.setattr("remediator.backups.datetime", Never)
    target = tmp_path / "elsewhere"
    (tmp_path / "shop-checkout-0a1b2c3d-20261121T120000000000.json").symlink_to(target)
    with pytest.raises(RemediatorError):
        FileBackups(tmp_path).save(REF, b"{}")
    assert not target.exists()


def test_without_a_directory_it_is_the_state_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = Path(FileBackups().save(REF, b"{}"))
    assert path.parent == tmp_path / "state" / "ack-remediator" / "backups"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    path = Path(FileBackups().save(REF, b"{}"))
    assert path.parent == tmp_path / "home" / ".local" / "state" / "ack-remediator" / "backups"


def test_two_places_both_have_it_and_the_first_is_told(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    told = BothBackups(FileBackups(first), FileBackups(second)).save(REF, b"{}")
    assert Path(told).parent == first
    assert len(list(second.iterdir())) == 1


@pytest.mark.parametrize("fails", ["first", "second"])
def test_one_of_two_places_is_not_enough(tmp_path: Path, fails: str) -> None:
    (tmp_path / fails).write_text("", encoding="utf-8")
    both = BothBackups(FileBackups(tmp_path / "first"), FileBackups(tmp_path / "second"))
    with pytest.raises(RemediatorError, match="without a backup nothing is done"):
        both.save(REF, b"{}")
