"""Acting on what was decided: under the lock, on what is there now, on whose word it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from remediator.actions import plan_for
from remediator.errors import Busy, Changed, Forbidden
from remediator.gates import decide
from remediator.model.attempt import Attempt
from remediator.model.definition import Definition, Definitions
from remediator.model.pause import Pause, Pauses
from remediator.model.plan import ActionName, Result
from remediator.model.resource import RESYNC_ANNOTATION
from remediator.model.word import Approval, Override, Rejection
from remediator.policy import Policy
from remediator.scan import Pass
from tests.builders import BUSY, NOW, Json, active, at, decoded, deleting, failing, function, synced
from tests.fakes import FakeCloud, FakeCluster, Log, World, failing_with, without_ack
from tests.proposals import situation
from tests.spells import plan

UID = "uid-of-shop-checkout"
AUTO = {"mode": "auto", "sightings": 1}
APPROVE = {"mode": "approve", "sightings": 1}


class Words(Log):
    """Episodes with a person's word on what is proposed."""

    def __init__(self, cluster: FakeCluster) -> None:
        super().__init__(cluster)
        self.said: Approval | None = None
        self.against: Rejection | None = None

    def approval(self, uid: str) -> Approval | None:
        return self.said

    def rejection(self, uid: str) -> Rejection | None:
        return self.against


class Office:
    """Passes over one stuck resource among healthy ones, each by a policy."""

    def __init__(self, **policy: Any) -> None:
        stuck = function("checkout", conditions=failing(BUSY, at(hours=1)))
        healthy = [function(f"healthy-{number}", conditions=synced(at(hours=2))) for number in range(9)]
        self.world = World(FakeCluster(stuck, *healthy), FakeCloud(**dict.fromkeys(["checkout"], active())))
        self.words = Words(self.world.cluster)
        means = msgspec.structs.replace(self.world.means, episodes=self.words)
        head = {"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy"}
        self.work = Pass(means, Policy.model_validate(head | policy))
        self.world.cluster.after[0] = self.world.passed(at(seconds=-5), synced())
        self.said: list[str] = []

    def run(self) -> list[tuple[Result, str]]:
        scan = self.work.scan(rehearse=True)
        self.work.record(scan)
        return [(each.result, each.detail) for each in self.work.proceed(scan, self.said.append)]

    @property
    def digest(self) -> str:
        episode = self.words.episode(UID)
        assert episode is not None and episode.proposal is not None
        return episode.proposal.digest

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        episode = self.words.episode(UID)
        assert episode is not None
        return episode.attempts

    @property
    def writes(self) -> list[Any]:
        return self.world.cluster.patches


def test_under_approve_nothing_goes_without_a_word() -> None:
    office = Office(**APPROVE)
    assert office.run() == []
    assert office.writes == []


def test_what_a_person_approved_goes_at_the_next_run_and_tells_whose_word_it_was() -> None:
    office = Office(**APPROVE)
    office.run()
    office.words.said = Approval("jane", office.digest, ticket="OPS-7", at=NOW + timedelta(seconds=1))
    office.world.clock.slept += 300
    ((result, _),) = office.run()
    assert result is Result.RESOLVED
    (attempt,) = office.attempts
    assert (attempt.approved_by, attempt.result) == ("jane, ticket OPS-7", Result.RESOLVED)


def test_a_reason_that_quotes_a_secret_is_kept_without_it() -> None:
    office = Office(**APPROVE)
    secret = "correct-horse-battery"
    office.world.cluster.the()["spec"]["environment"] = {"variables": {"DB_PASSWORD": secret}}
    office.run()
    office.words.said = Approval("jane", office.digest, override=(Override.BUDGET,), reason=f"it is {secret}", at=NOW)
    office.world.clock.slept += 300
    office.run()
    assert [each.approved_by for each in office.attempts] == ["jane, passing by budget: it is •••"]


def test_which_gates_a_person_passed_by_and_why_is_kept_with_their_word() -> None:
    office = Office(**APPROVE)
    office.run()
    gates = (Override.COOL_DOWN, Override.BUDGET)
    office.words.said = Approval("jane", office.digest, override=gates, reason="role mended", at=NOW)
    office.world.clock.slept += 300
    office.run()
    assert [each.approved_by for each in office.attempts] == ["jane, passing by budget, cool-down: role mended"]


@pytest.mark.parametrize(
    "word",
    [
        pytest.param({"digest": "0" * 64}, id="of another situation"),
        pytest.param({"at": NOW - timedelta(hours=25)}, id="of the day before yesterday"),
        pytest.param({"at": None}, id="without a date"),
    ],
)
def test_a_word_that_does_not_count_lets_nothing_go(word: dict[str, Any]) -> None:
    office = Office(**APPROVE)
    office.run()
    said: dict[str, Any] = {"approved_by": "jane", "digest": office.digest, "at": NOW} | word
    office.words.said = Approval(**said)
    office.world.clock.slept += 300
    assert office.run() == []
    assert office.writes == []


def test_under_auto_it_goes_by_itself_and_the_record_says_so() -> None:
    office = Office(**AUTO)
    ((result, _),) = office.run()
    assert result is Result.RESOLVED
    assert [each.approved_by for each in office.attempts] == ["nobody: the policy lets it go by itself"]


def test_what_a_person_rejected_does_not_go_by_itself() -> None:
    office = Office(**AUTO)
    scan = office.work.scan()
    (judged,) = scan.ready
    assert judged.plan is not None
    office.words.against = Rejection("jane", judged.plan.digest, "not now", NOW)
    office.work.record(scan)
    assert [each.result for each in office.work.proceed(scan)] == [Result.SKIPPED]
    assert office.writes == []


def test_what_is_approved_while_a_window_is_closed_goes_once_it_is_open() -> None:
    office = Office(**APPROVE, windows={"allow": ["Sat 22:00-23:00"]})
    assert office.run() == []
    office.words.said = Approval("jane", office.digest, at=NOW + timedelta(seconds=1))
    office.world.clock.slept += 300
    assert office.run() == []
    assert office.writes == []
    office.world.clock.slept = 10 * 3600
    ((result, _),) = office.run()
    assert result is Result.RESOLVED


def test_a_pause_that_began_after_the_scan_counts() -> None:
    """It is read again under the lock."""
    office = Office(**AUTO)
    office.world.pauses.coming = [Pauses(), Pauses((Pause("pause-1", "alice", None, reason="EKS upgrade"),))]
    said = "held back by pause: paused by alice until somebody resumes: EKS upgrade; `remediator resume` ends it"
    assert office.run() == [(Result.SKIPPED, said)]
    assert (office.writes, office.attempts) == ([], ())


def test_pauses_that_cannot_be_read_at_the_act_hold_what_was_let_through_before() -> None:
    office = Office(**AUTO)
    office.world.pauses.coming = [Pauses(), Pauses(unknown="no answer")]
    assert office.run() == [(Result.SKIPPED, "held back by pause: whether somebody paused it is not known: no answer")]
    assert office.writes == []


def test_what_is_half_done_is_undone_while_a_pause_stands() -> None:
    office = Office(**AUTO)
    office.world.pauses.now = Pauses((Pause("pause-1", "alice", None),))
    office.world.cluster.write(lambda found: found["metadata"].update(annotations={RESYNC_ANNOTATION: "1"}))
    office.world.cluster.write(lambda found: found["spec"].update(publish=False))
    scan = office.work.scan()
    assert office.work.recover(scan) == ("Undid an interrupted action on Function shop/checkout.",)
    assert "publish" not in office.world.cluster.the()["spec"]
    assert scan.pauses == office.world.pauses.now


def test_a_dry_run_leaves_even_what_was_approved() -> None:
    office = Office(mode="dry-run", sightings=1)
    office.run()
    office.words.said = Approval("jane", office.digest, at=NOW)
    assert office.run() == []


# -- the lock -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (Busy("Lease x is held by joe"), "held back by action-lock: Lease x is held by joe"),
        (Forbidden("cannot get Lease x"), "nothing was written: cannot get Lease x"),
    ],
)
def test_without_the_lock_it_is_skipped(trouble: Busy | Forbidden, said: str) -> None:
    office = Office(**AUTO)
    office.world.lock.busy = trouble
    assert office.run() == [(Result.SKIPPED, said)]
    assert office.writes == []
    assert office.attempts == ()


def test_a_lock_that_is_lost_while_we_look_holds_it_back() -> None:
    office = Office(**AUTO)
    office.world.lock.lost_after = 0
    ((result, said),) = office.run()
    assert (result, office.writes) == (Result.SKIPPED, [])
    assert "action-lock: " in said


def test_what_others_did_while_we_waited_for_the_lock_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs that begin together read the same budget; the second must not spend what the first has spent."""
    office = Office(**AUTO, budgets={"perDay": 1})
    scan = office.work.scan(rehearse=True)
    (judged,) = scan.ready
    assert judged.plan is not None

    def meanwhile(*_: object) -> tuple[str, ...]:
        other = function("other", metadata={"uid": "uid-of-other"})
        _act_elsewhere(office, other)
        return ()

    monkeypatch.setattr(office.words, "load", meanwhile)
    ((result, said),) = [(each.result, each.detail) for each in office.work.proceed(scan)]
    assert result is Result.SKIPPED
    assert "budget: 1 of 1 actions of 24 h are used" in said
    assert office.writes == []


def _act_elsewhere(office: Office, raw: Json) -> None:
    office.words.intend(plan(resource=decoded(raw)), office.world.clock.now())


def test_definitions_are_read_right_before_the_lock_and_before_the_object(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are seven of them: under the lock, others would wait for the answers."""
    office = Office(**AUTO)
    cluster, lock = office.world.cluster, office.world.lock
    steps: list[tuple[str, bool]] = []

    def definitions() -> Definitions:
        steps.append(("definitions", lock.taken))
        return Definitions()

    monkeypatch.setattr(cluster, "definitions", definitions)
    scan = office.work.scan(rehearse=True)
    cluster.on_get = [lambda _: steps.append(("object", lock.taken))]
    steps.clear()
    [outcome] = office.work.proceed(scan, office.said.append)
    assert outcome.result is Result.RESOLVED
    assert steps[:2] == [("definitions", False), ("object", True)]


def test_a_definition_that_goes_after_the_scan_holds_the_act() -> None:
    office = Office(**AUTO)
    scan = office.work.scan(rehearse=True)
    office.world.cluster.defined = Definitions((Definition("functions.x", "Function"),))
    [outcome] = office.work.proceed(scan, office.said.append)
    assert "crd: functions.x is being deleted" in outcome.detail
    assert office.world.cluster.patches == []


def test_an_object_that_moves_under_the_lock_is_looked_at_again_and_the_lock_taken_anew() -> None:
    office = Office(**AUTO)
    office.world.cluster.before[0] = failing_with(Changed("409"))
    office.world.cluster.after = {1: office.world.cluster.after[0]}
    ((result, _),) = office.run()
    assert result is Result.RESOLVED
    assert not office.world.lock.taken


def test_what_a_person_asked_for_is_looked_at_once_more_and_done() -> None:
    stuck = deleting(conditions=failing("the function cannot be deleted"))
    healthy = [function(f"healthy-{number}", conditions=synced(at(hours=2))) for number in range(9)]
    world = World(FakeCluster(stuck, *healthy), FakeCloud(checkout=active()))
    world.cluster.after[1] = lambda cluster: cluster.write(without_ack)
    work = Pass(world.means, Policy())
    scan = work.scan()
    (found,) = (each for each in scan.results if each.finding is not None)
    assert found.finding is not None and found.plan is None
    plan = plan_for(found.finding, found.seen, ActionName.RELEASE)
    assert plan is not None
    asked = msgspec.structs.replace(found, decision=decide(found.finding, plan, situation()))
    scan = msgspec.structs.replace(scan, results=(asked, *(each for each in scan.results if each is not found)))
    (outcome,) = work.remediate(scan, frozenset({plan.digest}))
    assert (outcome.result, outcome.orphan) == (Result.RESOLVED, plan.resource.arn_text), outcome.detail
