"""Who holds a Lease, and until when, by nothing but values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.model.lease import Found, Instant, Record, Sighting, Tenure, Terms, identity

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TERMS = Terms()
HELD = Record().taken("one", TERMS, NOON)


def at(seconds: float, wall: float | None = None) -> Instant:
    """Name a moment of a clock that was made at noon; `wall` is for one whose two halves disagree."""
    return Instant(500.0 + seconds, NOON + timedelta(seconds=seconds if wall is None else wall))


def tenure(record: Record = HELD, uid: str = "u") -> Tenure:
    return Tenure(Found(uid, record), at(0), at(0))


# ---- terms -----------------------------------------------------------------------------------------------------------


def test_the_usual_terms_end_a_holders_last_write_before_anybody_takes_over() -> None:
    assert TERMS.margin > TERMS.request
    assert TERMS.renew_after + TERMS.request < TERMS.duration - TERMS.margin
    assert TERMS.duration <= 30


@pytest.mark.parametrize(
    ("margin", "request_", "renew_after"),
    [
        pytest.param(10.0, 10.0, 6.0, id="a request may outlast the margin"),
        pytest.param(12.0, 0.0, 6.0, id="a request that takes no time"),
        pytest.param(12.0, 10.0, 8.0, id="no time for a second renewal"),
        pytest.param(12.0, 10.0, 0.0, id="renewed all the time"),
        pytest.param(25.0, 10.0, 1.0, id="a margin that leaves nothing"),
    ],
)
def test_terms_that_do_not_keep_two_apart_are_refused(margin: float, request_: float, renew_after: float) -> None:
    with pytest.raises(ValueError, match=r"request|renewal"):
        Terms(30, margin, request_, renew_after)


# ---- records ---------------------------------------------------------------------------------------------------------


def test_a_first_taking_says_who_and_since_when_in_micro_time() -> None:
    assert Record("one", 30, "2026-11-21T12:00:00.000000Z", "2026-11-21T12:00:00.000000Z", 1) == HELD


def test_every_taking_is_a_transition_even_from_oneself() -> None:
    again = HELD.taken("one", TERMS, NOON)
    assert (again.lease_transitions, HELD.taken("two", TERMS, NOON).lease_transitions) == (2, 2)
    assert not tenure().continues(Found("u", again))


def test_a_renewal_moves_nothing_but_its_time() -> None:
    renewed = HELD.renewed(TERMS, NOON + timedelta(seconds=6))
    assert renewed == Record("one", 30, HELD.acquire_time, "2026-11-21T12:00:06.000000Z", 1)
    assert tenure().continues(Found("u", renewed))


def test_a_renewal_is_never_an_equal_record() -> None:
    """The wall clock may stand still or be set back; a write that changes nothing is not stored."""
    assert HELD.renewed(TERMS, NOON).renew_time == "2026-11-21T12:00:00.000001Z"


def test_a_renewal_states_the_duration_that_its_holder_counts_by() -> None:
    meddled = Record("one", 1, HELD.acquire_time, HELD.renew_time, 1)
    assert meddled.renewed(TERMS, NOON).lease_duration_seconds == 30


def test_a_release_takes_the_holder_out_and_keeps_the_count() -> None:
    released = HELD.released(TERMS, NOON)
    assert (released.holder_identity, released.lease_transitions) == (None, 1)


# ---- those who wait --------------------------------------------------------------------------------------------------


def test_a_record_gets_old_only_before_our_eyes() -> None:
    """What its renewTime says is another clock's: a record of last year is as young as our first sight of it."""
    ancient = Record("one", 30, "2025-01-01T00:00:00.000000Z", "2025-01-01T00:00:00.000000Z", 1)
    seen = Sighting(Found("u", ancient), 100.0)
    assert seen.free_in(100.0, TERMS) == 30
    assert seen.free_in(129.9, TERMS) > 0
    assert seen.free_in(130.0, TERMS) == 0
    assert seen.free_in(500.0, TERMS) == 0


def test_the_same_record_keeps_its_age_and_any_other_begins_anew() -> None:
    first = Found("u", HELD, {"metadata": {"resourceVersion": "1"}})
    seen = Sighting(first, 100.0)
    annotated = Found("u", HELD, {"metadata": {"resourceVersion": "2"}})
    assert seen.again(annotated, 110.0) == Sighting(annotated, 100.0)
    renewed = Found("u", HELD.renewed(TERMS, NOON))
    assert seen.again(renewed, 110.0).since == 110.0
    assert seen.again(Found("another", HELD), 110.0).since == 110.0
    assert seen.again(Found("u", HELD.taken("one", TERMS, NOON)), 110.0).since == 110.0


@pytest.mark.parametrize("holder", [None, ""])
def test_what_nobody_holds_is_free_at_once(holder: str | None) -> None:
    assert Sighting(Found("u", Record(holder, 30)), 100.0).free_in(100.0, TERMS) == 0


@pytest.mark.parametrize(
    ("written", "counted"), [(None, 30), (1, 30), (30, 30), (60, 60)], ids=["none", "short", "ours", "long"]
)
def test_the_longer_of_two_durations_counts(written: int | None, counted: int) -> None:
    """Holders of another version, or a person with kubectl, may have written less than a holder counts by."""
    assert Sighting(Found("u", Record("one", written)), 0.0).free_in(0.0, TERMS) == counted


# ---- those who hold --------------------------------------------------------------------------------------------------


def test_a_tenure_ends_a_margin_before_its_duration() -> None:
    assert tenure().valid(at(17.9), TERMS)
    assert not tenure().valid(at(18), TERMS)


def test_who_renews_while_it_is_valid_was_never_seen_without() -> None:
    later = Found("u", HELD.renewed(TERMS, NOON))
    assert tenure().renewed(later, at(17.9), TERMS) == Tenure(later, at(17.9), at(0))
    assert tenure().renewed(later, at(18), TERMS) == Tenure(later, at(18), at(18))


def test_it_is_renewed_in_time() -> None:
    assert not tenure().due(at(5.9), TERMS)
    assert tenure().due(at(6), TERMS)


def test_a_machine_that_slept_learns_it_from_the_wall_clock() -> None:
    assert not tenure().valid(at(1, wall=60), TERMS)
    assert tenure().due(at(1, wall=60), TERMS)


def test_a_wall_clock_that_was_set_back_lends_no_time() -> None:
    assert not tenure().valid(at(20, wall=-3600), TERMS)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Found("another", HELD), id="the Lease was deleted and made again"),
        pytest.param(Found("u", HELD.taken("two", TERMS, NOON)), id="somebody took it"),
        pytest.param(Found("u", HELD.released(TERMS, NOON)), id="it was released"),
        pytest.param(Found("u", Record()), id="it was emptied"),
    ],
)
def test_a_tenure_does_not_continue_in(other: Found) -> None:
    assert not tenure().continues(other)


@given(
    delay=st.floats(0, 600),
    elapsed=st.floats(0, 120),
    skew=st.integers(-(10**6), 10**6),
    uptime=st.floats(0, 10**6),
)
def test_whatever_the_clocks_a_holders_last_write_has_ended_before_the_lock_is_free(
    delay: float, elapsed: float, skew: int, uptime: float
) -> None:
    """The record arrives `delay` after its write set out, at somebody with other clocks; `elapsed` later, we look."""
    theirs = Sighting(Found("u", Record().taken("one", TERMS, NOON + timedelta(seconds=skew))), uptime)
    if theirs.free_in(uptime + elapsed, TERMS) == 0:
        assert not tenure().valid(at(delay + elapsed - TERMS.request), TERMS)


def test_an_identity_says_who_where_and_which() -> None:
    assert identity("ops", "laptop", 77, "ab12") == "ops@laptop/77/ab12"
