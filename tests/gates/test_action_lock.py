"""Gate: are we the only one who acts?"""

from __future__ import annotations

import pytest

from remediator.gates.action_lock import action_lock
from remediator.model.decision import Ruling
from tests.proposals import proposed, ready, situation


def test_it_is_taken_right_before_the_act() -> None:
    assert action_lock(proposed(), situation()).ruling is Ruling.LATER


@pytest.mark.parametrize(("locked", "ruling"), [(True, Ruling.ALLOWED), (False, Ruling.HELD), (None, Ruling.HELD)])
def test_at_the_act_it_has_to_be_ours(*, locked: bool | None, ruling: Ruling) -> None:
    proposal = proposed()
    verdict = action_lock(proposal, ready(proposal.plan, locked=locked))
    assert verdict.ruling is ruling
    assert verdict.reason


def test_what_keeps_others_away_is_told() -> None:
    proposal = proposed()
    told = ready(proposal.plan, locked_why="nobody can have it: there is no namespace")
    assert action_lock(proposal, told).reason == "nobody can have it: there is no namespace"
