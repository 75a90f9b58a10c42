"""Faults around what cannot be undone: doubt holds the finalizer, and what is not seen is not claimed."""

from __future__ import annotations

import pytest

from remediator.sandbox.faults import Fault, answering, dropped, hanging, refusing, refusing_as_aws
from tests.cli.shop import FINALIZER
from tests.resilience.approving import FOR_GOOD, LOST, approve, is_there, patches, proposed, stored
from tests.resilience.conftest import Storm

pytestmark = pytest.mark.deep

NEVER_ARRIVED = {
    "hung up": dropped(),
    "a hang": hanging(),
    "a server in trouble": refusing(500, "etcdserver: no leader"),
    "a server that is not ready": refusing(503, "not ready", retry_after="0"),
}
REFUSED = {
    "throttled": refusing(429, "too many requests", retry_after="0"),
    "unknown": refusing(401, "Unauthorized"),
    "forbidden": refusing(403, "not yours", reason="Forbidden"),
    "not understood": refusing(400, "bad request"),
}


def held(storm: Storm, name: str) -> bool:
    return bool(stored(storm, name)["metadata"]["finalizers"] == [FINALIZER])


@pytest.mark.parametrize("answer", NEVER_ARRIVED.values(), ids=NEVER_ARRIVED.keys())
def test_a_first_write_that_never_arrives_is_an_unknown_outcome(unmanned_storm: Storm, answer: Fault) -> None:
    """From here it looks like one whose answer was lost; and so the finalizer is looked at, and is still there."""
    name = unmanned_storm.next_name()
    proposal = proposed(unmanned_storm, name)
    unmanned_storm.kubernetes.add(answer, method="PATCH", query=FOR_GOOD)
    code, outcome = approve(unmanned_storm, name, proposal)
    assert (code, outcome["result"]) == (5, "unknown")
    assert "whether the write was taken is not known" in outcome["detail"]
    assert "ACK's finalizer is still there" in outcome["detail"]
    assert held(unmanned_storm, name)
    assert patches(unmanned_storm, name) == 1


@pytest.mark.parametrize("answer", REFUSED.values(), ids=REFUSED.keys())
def test_a_first_write_that_is_refused_was_not_done(unmanned_storm: Storm, answer: Fault) -> None:
    name = unmanned_storm.next_name()
    proposal = proposed(unmanned_storm, name)
    unmanned_storm.kubernetes.add(answer, method="PATCH", query=FOR_GOOD)
    code, outcome = approve(unmanned_storm, name, proposal)
    assert (code, outcome["result"], outcome["accepted"]) == (4, "skipped", None)
    assert outcome["detail"].startswith("nothing was written: ")
    assert held(unmanned_storm, name)
    assert patches(unmanned_storm, name) == 1


@pytest.mark.parametrize("answer", LOST)
def test_a_finalizer_that_went_with_a_lost_answer_is_seen_to_be_gone(unmanned_storm: Storm, answer: str) -> None:
    name = unmanned_storm.next_name()
    proposal = proposed(unmanned_storm, name)
    unmanned_storm.kubernetes.add(LOST[answer], method="PATCH", query=FOR_GOOD, times=1)
    code, outcome = approve(unmanned_storm, name, proposal)
    assert (code, outcome["result"]) == (0, "resolved"), outcome
    assert "AWS still says that the function is gone" in outcome["detail"]
    assert not is_there(unmanned_storm, name)
    assert outcome["backup"]


@pytest.mark.parametrize(
    ("nth", "trouble"),
    [
        pytest.param(0, dropped(), id="a hang-up"),
        pytest.param(1, answering(404, "not found"), id="404 of somebody"),
        pytest.param(2, hanging(), id="a hang"),
        pytest.param(3, refusing_as_aws("ExpiredTokenException", "The security token is expired"), id="expired"),
    ],
)
def test_doubt_in_any_question_of_the_proofs_holds_the_finalizer(
    unmanned_storm: Storm, trouble: Fault, nth: int
) -> None:
    """Two proofs, each by ARN and by name: the doubt can be in any of four answers."""
    name = unmanned_storm.names[-1]
    proposal = proposed(unmanned_storm, name)
    unmanned_storm.aws.add(trouble, path=f"{name}/configuration", times=1, after=2 + nth)  # the scan asks twice, too
    code, outcome = approve(unmanned_storm, name, proposal)
    assert (code, outcome["result"]) == (4, "skipped"), outcome
    assert held(unmanned_storm, name)
    assert patches(unmanned_storm, name) == 0


@pytest.mark.parametrize("trouble", [dropped(), answering(200, "<html>")])
def test_nothing_is_written_without_a_last_look(unmanned_storm: Storm, trouble: Fault) -> None:
    name = unmanned_storm.names[-1]
    proposal = proposed(unmanned_storm, name)
    unmanned_storm.kubernetes.add(trouble, method="GET", path=f"/functions/{name}$")
    code, outcome = approve(unmanned_storm, name, proposal)
    assert (code, outcome["result"]) == (4, "skipped")
    assert outcome["detail"].startswith("nothing was written: ")
    assert patches(unmanned_storm, name) == 0


def test_what_cannot_be_looked_at_afterwards_is_unknown(unmanned_storm: Storm) -> None:
    """The write was taken, and then the API server went away for good."""
    name = unmanned_storm.next_name()
    proposal = proposed(unmanned_storm, name)
    unmanned_storm.kubernetes.add(dropped(), method="GET", path=f"/functions/{name}$", after=2)  # look and backup pass
    code, outcome = approve(unmanned_storm, name, proposal)
    assert (code, outcome["result"]) == (5, "unknown")
    assert not is_there(unmanned_storm, name)
    assert "the API server failed us midway: no answer from the API server" in outcome["detail"]


def test_an_orphan_that_cannot_be_looked_for_is_unknown(unmanned_storm: Storm) -> None:
    """The finalizer is gone; whether AWS has none still, nobody says."""
    name = unmanned_storm.next_name()
    proposal = proposed(unmanned_storm, name)
    unmanned_storm.aws.add(hanging(), path=f"{name}/configuration", after=6)
    code, outcome = approve(unmanned_storm, name, proposal)
    assert (code, outcome["result"]) == (5, "unknown")
    assert "whether AWS still has none could not be asked once more" in outcome["detail"]
    assert not is_there(unmanned_storm, name)
