"""`remediator run --approve` where a finalizer is all that is left: by proofs, with a backup, never by mistake."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.cli.runs import YES
from tests.cli.shop import FINALIZER, Shop


@pytest.fixture
def abandoned(empty_shop: Shop) -> Shop:
    """A function that is gone in AWS, its object that is not, and no controller to let it go."""
    empty_shop.controller(available=False)
    empty_shop.left()
    return empty_shop


def test_an_approved_finalizer_is_cleared_after_two_proofs_and_a_backup(abandoned: Shop, tmp_path: Path) -> None:
    before = abandoned.stored("archive")
    begin = len(abandoned.cloud.calls)
    result = abandoned("run", "--approve", "--backups", str(tmp_path / "saved"), typed=YES, columns=200)
    assert result.code == 0
    assert not abandoned.is_there("archive")
    assert "ClearFinalizer shop/archive: remove ACK's finalizer" in result.err
    assert "Mind: This cannot be undone. The whole object is saved first." in result.err
    assert "proof 1 of 2: AWS says gone; the next in 60 s" in result.err
    assert "resolved    ClearFinalizer shop/archive: the object is gone, and AWS still says" in result.err
    asked = [each.at for each in abandoned.cloud.calls_since(begin) if each.operation == "GetFunctionConfiguration"]
    assert any((later - earlier).total_seconds() >= 60 for earlier, later in pairwise(asked))
    (saved,) = (tmp_path / "saved").iterdir()
    assert str(saved) in result.err
    assert saved.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "saved").stat().st_mode & 0o777 == 0o700
    kept = json.loads(saved.read_text(encoding="utf-8"))
    assert kept["spec"] == before["spec"]
    assert kept["metadata"]["finalizers"] == [FINALIZER]


def test_backups_have_a_place_where_none_is_named(abandoned: Shop, machine: Path) -> None:
    assert abandoned("run", "--approve", typed=YES).code == 0
    assert len(list((machine / "state/ack-remediator/backups").iterdir())) == 1


def test_without_a_backup_nothing_is_cleared(abandoned: Shop, tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("", encoding="utf-8")
    before = abandoned.stored("archive")
    result = abandoned("run", "--approve", "--backups", str(tmp_path / "a-file/saved"), typed=YES, columns=200)
    assert result.code == 4
    assert "without a backup nothing is done" in result.err
    assert abandoned.stored("archive") == before


def during_the_wait(shop: Shop, patch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen while the proofs are taken: 60 s in which anything can."""
    sleep = shop.clock.sleep
    happened: list[object] = []

    def meanwhile(seconds: float) -> None:
        if seconds >= 60 and not happened:
            happened.append(happens())
        sleep(seconds)

    patch.setattr(shop.clock, "sleep", meanwhile)


def test_a_function_that_appears_between_the_proofs_saves_its_object(
    abandoned: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    during_the_wait(abandoned, monkeypatch, lambda: abandoned.cloud.create_function("archive"))
    before = abandoned.stored("archive")
    result = abandoned("run", "--approve", typed=YES, columns=200)
    assert result.code == 4
    assert "skipped     ClearFinalizer shop/archive:" in result.err
    assert abandoned.stored("archive") == before


def test_doubt_between_the_proofs_saves_the_object(abandoned: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    during_the_wait(
        abandoned,
        monkeypatch,
        lambda: abandoned.cloud.refuse("GetFunctionConfiguration", "AccessDeniedException", "not any more"),
    )
    before = abandoned.stored("archive")
    assert abandoned("run", "--approve", typed=YES).code == 4
    assert abandoned.stored("archive") == before


def test_an_object_made_anew_between_the_proofs_is_another_one(
    abandoned: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def anew() -> None:
        other = abandoned.stored("archive")
        other["metadata"]["uid"] = "another-object"
        abandoned.api.seed(other)

    during_the_wait(abandoned, monkeypatch, anew)
    result = abandoned("run", "--approve", typed=YES, columns=200)
    assert result.code == 4
    assert "deleted and created anew since it was proposed" in result.err
    assert abandoned.stored("archive")["metadata"]["finalizers"] == [FINALIZER]


def test_an_opt_out_set_between_the_proofs_is_heeded(abandoned: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def hands_off() -> None:
        stored = abandoned.stored("archive")
        stored["metadata"]["annotations"] = {"ack-remediator.dev/ignore": "true"}
        abandoned.api.seed(stored)

    during_the_wait(abandoned, monkeypatch, hands_off)
    result = abandoned("run", "--approve", typed=YES, columns=200)
    assert result.code == 4
    assert "opt-out" in result.err
    assert abandoned.stored("archive")["metadata"]["finalizers"] == [FINALIZER]


def test_only_acks_own_entry_is_removed(abandoned: Shop) -> None:
    stored = abandoned.stored("archive")
    stored["metadata"]["finalizers"] = ["example.org/before", FINALIZER, "example.org/after"]
    abandoned.api.seed(stored)
    result = abandoned("run", "--approve", typed=YES, columns=200)
    assert abandoned.stored("archive")["metadata"]["finalizers"] == ["example.org/before", "example.org/after"]
    assert "waits for example.org/before, example.org/after, which is not ours" in result.err


def test_a_function_that_comes_back_is_told_to_be_an_orphan(
    abandoned: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sleep = abandoned.clock.sleep

    def after_the_act(seconds: float) -> None:
        if seconds == 60 and not abandoned.is_there("archive"):
            abandoned.cloud.create_function("archive")
        sleep(seconds)

    monkeypatch.setattr(abandoned.clock, "sleep", after_the_act)
    result = abandoned("run", "--approve", "--backups", str(tmp_path / "saved"), typed=YES, columns=200)
    assert "ORPHAN: the object is gone, but AWS shows" in result.err
    (saved,) = (tmp_path / "saved").iterdir()
    assert f"The object as it was: {saved}" in result.err
    assert ":function:archive" in saved.read_text(encoding="utf-8")


def test_a_finalizer_that_no_resync_removes_is_cleared_in_the_second_round(empty_shop: Shop) -> None:
    """As where the controller works, and may not read the function: it drops nothing, and says nothing."""
    shop = empty_shop
    shop.controller()
    shop.left()
    result = shop("run", "--approve", typed=YES * 2, columns=200)
    assert result.code in (0, 5)
    assert "unknown     Resync shop/archive:" in result.err
    assert "Some are still held. Looking again in a minute" in result.err
    assert "resolved    ClearFinalizer shop/archive:" in result.err
    assert not shop.is_there("archive")


def test_what_is_there_in_aws_keeps_its_finalizer(empty_shop: Shop) -> None:
    """Even with no controller: the function would be an orphan."""
    empty_shop.controller(available=False)
    empty_shop.function("ledger", deleted_minutes_ago=90)
    before = empty_shop.stored("ledger")
    result = empty_shop("run", "--approve", typed=YES)
    assert result.code == 0
    assert "Type the context's name" not in result.err
    assert empty_shop.stored("ledger") == before
