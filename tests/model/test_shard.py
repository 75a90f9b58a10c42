"""Which shard a resource belongs to: exactly one, whoever asks."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.model.shard import MOST, WHOLE, Shard, Signature, owner, parse_shard, signature

COUNTS = st.integers(1, MOST)
UIDS = st.uuids().map(str) | st.text(max_size=60)


@given(UIDS, COUNTS)
def test_each_uid_has_exactly_one_owner_among_any_number(uid: str, count: int) -> None:
    owners = [index for index in range(count) if Shard(index, count).owns(uid)]
    assert owners == [owner(uid, count)]


@pytest.mark.parametrize("count", range(1, MOST + 1))
def test_the_shares_are_about_equal(count: int) -> None:
    uids = [str(uuid.UUID(int=number)) for number in range(20_000)]
    shares = [sum(Shard(index, count).owns(uid) for uid in uids) for index in range(count)]
    assert sum(shares) == len(uids)
    assert max(shares) < 1.12 * len(uids) / count
    assert min(shares) > 0.88 * len(uids) / count


def test_another_process_finds_the_same_owner() -> None:
    uid = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
    code = f"from remediator.model.shard import owner; print(owner({uid!r}, 16))"
    said = {
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert said == {f"{owner(uid, 16)}\n".encode()}


def test_the_owners_stay_as_they_are_from_one_release_to_the_next() -> None:
    """Two versions side by side, while one takes the other's place, must not disagree."""
    assert [owner(f"uid-{number}", 16) for number in range(8)] == [2, 12, 9, 2, 15, 8, 15, 4]


def test_to_ask_costs_next_to_nothing() -> None:
    shard, uids = Shard(1, 4), [str(uuid.UUID(int=number)) for number in range(20_000)]
    best = min(_seconds(shard, uids) for _ in range(5))
    assert best / len(uids) < 20e-6, "ten times what it takes: 100,000 are asked about in each pass"


def _seconds(shard: Shard, uids: list[str]) -> float:
    began = time.perf_counter()
    for uid in uids:
        shard.owns(uid)
    return time.perf_counter() - began


@pytest.mark.parametrize(
    ("text", "shard"), [("0/1", WHOLE), ("0/4", Shard(0, 4)), ("3/4", Shard(3, 4)), ("15/16", Shard(15, 16))]
)
def test_a_shard_is_written_as_its_index_and_their_number(text: str, shard: Shard) -> None:
    assert parse_shard(text) == shard
    assert str(shard) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "'' is no shard"),
        ("1", "'1' is no shard"),
        ("1/", "'1/' is no shard"),
        ("-1/4", "'-1/4' is no shard"),
        ("1 / 4", "'1 / 4' is no shard"),
        ("$(JOB_COMPLETION_INDEX)/4", "'$(JOB_COMPLETION_INDEX)/4' is no shard"),
        ("١/٤", "'١/٤' is no shard"),
        ("4/4", "4/4: there is no shard 4 among 4: they are counted from 0"),
        ("0/0", "0/0: there is no shard 0 among 0: they are counted from 0"),
        ("0/17", "0/17: there are no more than 16 shards"),
    ],
)
def test_what_is_no_shard_is_refused_with_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        parse_shard(text)


@pytest.mark.parametrize(("index", "count"), [(1, 1), (-1, 4), (0, 0), (0, 17)])
def test_there_is_no_shard_but_those(index: int, count: int) -> None:
    with pytest.raises(ValueError, match="is no shard"):
        Shard(index, count)


def test_only_one_of_several_is_told_of() -> None:
    assert (WHOLE.said, Shard(1, 4).said) == ("", "shard 1 of 4")
    assert (WHOLE.whole, Shard(1, 4).whole) == (True, False)


def test_a_holder_signs_for_its_share() -> None:
    assert WHOLE.signed("pod@node/1/ab") == "pod@node/1/ab", "as before there were shards"
    assert Shard(1, 4).signed("pod@node/1/ab") == "pod@node/1/ab#shard-1/4"
    assert Shard(1, 4).signed("pod@node/1/ab", passing=True) == "pod@node/1/ab#run-1/4"
    assert WHOLE.signed("pod@node/1/ab", passing=True) == "pod@node/1/ab#run-0/1"


@pytest.mark.parametrize(
    ("holder", "said"),
    [
        ("pod@node/1/ab", None),
        ("pod@node/1/ab#", None),
        ("pod@node/1/ab#shard-1/4 ", None),
        ("pod@node/1/ab#shard-1/4", Signature(4)),
        ("odd#shard-1/2@node/1/ab#run-3/8", Signature(8, passing=True)),
    ],
)
def test_a_signature_is_read_again(holder: str, said: Signature | None) -> None:
    assert signature(holder) == said
