"""A person's word: what it covers, and for how long."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.model.word import APPROVAL_LASTS, Approval, Rejection
from tests.builders import NOW
from tests.spells import DIGEST, OTHER_DIGEST

MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda each: each.replace(tzinfo=NOW.tzinfo))  # noqa: DTZ001 - the zone follows
DIGESTS = st.sampled_from([DIGEST, OTHER_DIGEST, ""])


@pytest.mark.parametrize(
    ("after", "covers"),
    [
        (timedelta(seconds=-6), False),
        (timedelta(seconds=-5), True),  # the API server's clock may be ahead of ours
        (timedelta(0), True),
        (APPROVAL_LASTS - timedelta(seconds=1), True),
        (APPROVAL_LASTS, False),
    ],
)
def test_an_approval_lasts_a_day(after: timedelta, covers: bool) -> None:
    assert Approval("alice", DIGEST, at=NOW).covers(DIGEST, NOW + after) is covers


@given(DIGESTS, DIGESTS, st.none() | MOMENTS, MOMENTS)
def test_an_approval_never_covers_another_digest_nor_an_undated_nor_an_expired_one(
    given_for: str, asked: str, at: datetime | None, now: datetime
) -> None:
    if Approval("alice", given_for, at=at).covers(asked, now):
        assert given_for == asked != ""
        assert at is not None
        assert timedelta(0) <= now - at < timedelta(hours=24)


def test_nobodys_approval_covers_nothing() -> None:
    assert not Approval("", DIGEST, at=NOW).covers(DIGEST, NOW)


def test_a_rejection_is_for_its_digest_only() -> None:
    rejection = Rejection("alice", DIGEST)
    assert rejection.covers(DIGEST)
    assert not rejection.covers(OTHER_DIGEST)
