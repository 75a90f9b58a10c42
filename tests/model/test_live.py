"""What AWS's answer amounts to."""

from __future__ import annotations

import pytest

from remediator.model.live import LiveState, Presence, Vouched, unreadable
from tests.builders import GONE, NOW, UNPROVEN_GONE, active


def test_gone_is_proven_only_where_it_is_vouched_for() -> None:
    assert GONE.proven_gone
    assert UNPROVEN_GONE.gone
    assert not UNPROVEN_GONE.proven_gone
    assert not active(vouched=Vouched.PROVEN).proven_gone
    assert not LiveState(presence=Presence.UNREADABLE, vouched=Vouched.PROVEN).proven_gone


@pytest.mark.parametrize("changes", [{"state": "Pending"}, {"state": "Deleting"}, {"last_update_status": "InProgress"}])
def test_aws_is_busy(changes: dict[str, str]) -> None:
    assert active(**changes).busy


@pytest.mark.parametrize("changes", [{}, {"state": "Failed"}, {"state": "Inactive"}, {"last_update_status": "Failed"}])
def test_aws_has_settled(changes: dict[str, str]) -> None:
    assert not active(**changes).busy


def test_the_kind_of_state_moves_in_kind_only() -> None:
    assert active(last_modified=NOW, at=NOW, revision_id="rev-2").kind_of_state == active().kind_of_state
    kinds = {each.kind_of_state for each in (GONE, unreadable("no"), active(), active(state="Failed"))}
    assert len(kinds) == 4


def test_unreadable_says_why_and_who_asked() -> None:
    doubt = unreadable("AccessDenied", at=NOW, identity="arn:aws:iam::123456789012:role/r")
    assert (doubt.presence, doubt.why, doubt.identity, doubt.at) == (
        Presence.UNREADABLE,
        "AccessDenied",
        "arn:aws:iam::123456789012:role/r",
        NOW,
    )
    assert not (doubt.present or doubt.gone or doubt.busy)


def test_the_environment_is_in_no_repr() -> None:
    assert "hunter2" not in repr(active(environment={"PASSWORD": "hunter2"}))
