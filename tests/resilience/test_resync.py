"""Faults around the two writes of a Resync, with a controller at work.

Whether one was done is looked at, never assumed; and nothing is left half done for good.
"""

from __future__ import annotations

import pytest

from remediator.sandbox.faults import dropped, refusing
from tests.resilience.approving import FOR_GOOD, LOST, approve, proposed, untouched
from tests.resilience.conftest import Storm

pytestmark = pytest.mark.deep


@pytest.mark.parametrize(("answer", "step"), [("hung up", 0), ("half of it", 0), ("hung up", 1)])
def test_a_write_whose_answer_is_lost_is_known_by_its_effect(manned_storm: Storm, answer: str, step: int) -> None:
    """No failure is made of it, and no success but what was seen: the controller did run a pass."""
    name = manned_storm.next_name()
    proposal = proposed(manned_storm, name)
    manned_storm.kubernetes.add(LOST[answer], method="PATCH", query=FOR_GOOD, times=1, after=step)
    code, outcome = approve(manned_storm, name, proposal)
    assert (code, outcome["result"]) == (0, "resolved"), outcome
    assert "the controller ran a pass" in outcome["detail"]
    assert untouched(manned_storm, name)


def test_a_second_write_that_never_arrives_is_sent_again(manned_storm: Storm) -> None:
    name = manned_storm.next_name()
    proposal = proposed(manned_storm, name)
    manned_storm.kubernetes.add(dropped(), method="PATCH", query=FOR_GOOD, times=2, after=1)
    code, outcome = approve(manned_storm, name, proposal)
    assert (code, outcome["result"]) == (0, "resolved"), outcome
    assert untouched(manned_storm, name)


def test_what_was_left_half_done_is_undone_by_the_next_run(manned_storm: Storm) -> None:
    name = manned_storm.next_name()
    proposal = proposed(manned_storm, name)
    manned_storm.kubernetes.add(refusing(500, "etcdserver: no leader"), method="PATCH", query=FOR_GOOD, after=1)
    code, outcome = approve(manned_storm, name, proposal)
    assert (code, outcome["result"]) == (5, "unknown")
    assert "the API server failed us midway: the API server answered 500: etcdserver: no leader" in outcome["detail"]
    assert "the next run undoes what is left of it" in outcome["detail"]
    assert not untouched(manned_storm, name)
    manned_storm.calm()
    result = manned_storm("run", "-n", name, "--approve", "--proposal", "p-0000000000")
    assert "Undid an interrupted action on Function " in result.err
    assert untouched(manned_storm, name)
