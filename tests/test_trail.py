"""The audit trail: told before it is sent, and where it cannot be told, not sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from remediator.diagnosis import diagnose
from remediator.episodes import MemoryEpisodes
from remediator.errors import Changed, ClusterError, Forbidden, NotFound, RemediatorError, Unaudited
from remediator.execute import undo
from remediator.gates import decide
from remediator.model.audit import Answer, Moment
from remediator.model.plan import Operation, Outcome, Result
from remediator.model.resource import DELETION_POLICY, RESYNC_ANNOTATION, Ref, Resource
from remediator.model.scan import Judged
from remediator.policy import Policy
from remediator.scan import Pass
from remediator.trail import Trail, Who, answer_of
from tests.builders import BUSY, GONE, Json, active, at, decoded, deleting, failing, function, observe, synced
from tests.execution import LATER, clear, key, left, release, resync, stuck
from tests.fakes import FakeCloud, FakeCluster, World, failing_with, without_ack
from tests.proposals import proposed, ready

REFUSED = "InvalidParameterValueException: the function is replicated"
ME = "pod@node/1/ab"


class Lines:
    """What was told, and how many more lines there is room for."""

    def __init__(self, cluster: FakeCluster) -> None:
        self.room = 1000
        self.lines: list[Json] = []
        self.sent_before: list[int] = []
        self._cluster = cluster

    def append(self, lines: bytes) -> None:
        found = [json.loads(each) for each in lines.splitlines()]
        if len(found) > self.room:
            raise Unaudited("the audit log cannot be written: No space left on device")
        self.room -= len(found)
        self.lines += found
        self.sent_before += [len(self._cluster.patches)] * len(found)

    def told(self, *keys: str) -> list[Any]:
        return [tuple(each.get(key, "") for key in keys) for each in self.lines]


class Watched(FakeCluster):
    """A cluster whose patches go by a trail, as the real one's do."""

    around: Any = None

    def patch(self, ref: Ref, patch: Sequence[Operation]) -> Resource:
        send: Callable[[], Resource] = lambda: FakeCluster.patch(self, ref, patch)  # noqa: E731 - typed
        found: Resource = self.around(ref, patch, send)
        return found


class Audited(World):
    """A world with a trail."""

    def __init__(self, *objects: Json, **live: Any) -> None:
        cluster = Watched(*objects)
        super().__init__(cluster, FakeCloud(**(live or {"checkout": [active()]})))
        self.log = Lines(cluster)
        who = Who(ME, lambda: ("jane", ""), "prod", "https://prod.example.com")
        self.trail = Trail(self.log, who, self.clock)
        cluster.around = self.trail.around
        self.kept = MemoryEpisodes(ME, user=lambda: "jane", noticed=self.trail.noticed)
        self.means = msgspec.structs.replace(self.means, episodes=self.kept, audit=self.trail)


def resynced(here: Audited, raw: Json) -> Outcome:
    here.cluster.after[0] = here.passed(LATER, synced())
    return resync(here, raw)


# ---- an act ----------------------------------------------------------------------------------------------------------


def test_each_write_is_told_before_it_is_sent_and_its_answer_after() -> None:
    raw = stuck()
    here = Audited(raw)
    assert resynced(here, raw).result is Result.RESOLVED
    assert here.log.told("event", "answer") == [
        ("request", ""),
        ("answer", "taken"),
        ("request", ""),
        ("answer", "taken"),
        ("outcome", ""),
    ]
    assert here.log.sent_before == [0, 1, 1, 2, 2]
    first, second = here.log.lines[0]["write"], here.log.lines[2]["write"]
    assert [each.get("write") for each in here.log.lines] == [first, first, second, second, None]


def test_a_request_tells_who_what_why_and_what_was_there() -> None:
    raw = stuck()
    here = Audited(raw)
    resynced(here, raw)
    request, answer, *_, outcome = here.log.lines
    assert (request["process"], request["user"], request["cluster"]) == (ME, "jane", "prod")
    assert (request["finding"], request["action"], request["attempt"]) == (
        "ConflictBackoff",
        "Resync",
        f"{request['proposalId']}-1",
    )
    assert request["generation"] == raw["metadata"]["generation"]
    assert answer["generation"] == request["generation"] + 1
    assert {"op": "add", "path": "/spec/publish", "value": False} in request["patch"]
    assert request["before"]["/spec/publish"] is None
    assert (outcome["result"], outcome["digest"]) == ("resolved", request["digest"])


def test_the_record_has_it_too() -> None:
    raw = stuck()
    here = Audited(raw)
    resynced(here, raw)
    episode = here.kept.episode(raw["metadata"]["uid"])
    assert episode is not None
    [attempt] = episode.attempts
    assert (attempt.user, attempt.finding) == ("jane", "ConflictBackoff")
    assert json.loads(attempt.request) == here.log.lines[0]["patch"]
    assert {path: json.loads(was) for path, was in attempt.before.items()} == here.log.lines[0]["before"]
    assert attempt.answer is not None
    assert attempt.answer.generation == here.log.lines[1]["generation"]


def test_a_first_write_that_cannot_be_told_is_not_sent() -> None:
    raw = stuck()
    here = Audited(raw)
    here.log.room = 0
    outcome = resync(here, raw)
    assert outcome.result is Result.SKIPPED
    assert outcome.detail == "nothing was written: the audit log cannot be written: No space left on device"
    assert here.cluster.patches == []


def test_what_takes_our_mark_back_is_sent_told_or_not(caplog: pytest.LogCaptureFixture) -> None:
    raw = stuck()
    here = Audited(raw)
    here.log.room = 2
    assert resynced(here, raw).result is Result.RESOLVED
    assert len(here.cluster.patches) == 2
    assert here.cluster.the()["spec"] == raw["spec"]
    assert here.log.told("event") == [("request",), ("answer",)]


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (Changed("moved"), "changed"),
        (Forbidden("no s3cret"), "refused"),
        (ClusterError("time-out of s3cret"), "unknown"),
        (NotFound("gone"), "gone"),
        (KeyboardInterrupt(), "unknown"),
    ],
)
def test_however_it_is_answered_that_is_told_without_anybodys_words(error: BaseException, answer: str) -> None:
    raw = stuck()
    here = Audited(raw)
    here.cluster.before = dict.fromkeys(range(200), failing_with(error))
    with suppress(Changed, NotFound, KeyboardInterrupt):
        resync(here, raw)
    assert here.log.told("event", "answer")[:2] == [("request", ""), ("answer", answer)]
    assert "s3cret" not in json.dumps([each for each in here.log.lines if each["event"] != "outcome"])


def test_what_is_no_answer_of_the_cluster_was_refused_by_ourselves() -> None:
    assert answer_of(RemediatorError("no")) is Answer.REFUSED


def test_a_release_and_a_finalizer_tell_what_was_there() -> None:
    raw = deleting(conditions=failing(REFUSED), metadata={"annotations": {DELETION_POLICY: "delete"}})
    here = Audited(raw)
    here.cluster.after[0] = lambda cluster: cluster.write(without_ack)
    release(here, raw)
    assert here.log.lines[0]["before"]["/metadata/annotations/services.k8s.aws~1deletion-policy"] == "delete"
    there = Audited(left(), checkout=[GONE])
    clear(there, left())
    assert list(there.log.lines[0]["before"].values()) == ["finalizers.lambda.services.k8s.aws/Function"]


# ---- what others left ------------------------------------------------------------------------------------------------


def test_an_undo_is_told_as_one_and_not_done_where_it_cannot_be() -> None:
    raw = function(metadata={"annotations": {RESYNC_ANNOTATION: "0a1b"}}, spec={"publish": False})
    here = Audited(raw)
    here.log.room = 0
    assert undo(decoded(raw), here.means.cluster) is False
    assert here.cluster.patches == []
    here.log.room = 9
    assert undo(decoded(raw), here.means.cluster) is True
    assert here.log.told("event", "reason", "action") == [
        ("request", "an interrupted action is undone", ""),
        ("answer", "an interrupted action is undone", ""),
    ]


def test_an_undo_of_anothers_attempt_names_it_and_not_what_was_there_before_that() -> None:
    raw = stuck()
    here = Audited(raw)
    theirs = MemoryEpisodes("other@node/2/cd", noticed=here.trail.noticed)
    attempt = theirs.intend(key(raw, active()).value, here.clock.now())
    marked = function(metadata={"annotations": {RESYNC_ANNOTATION: "0a1b"}}, spec={"publish": False})
    here.cluster.objects["shop", "checkout"] = marked
    assert undo(decoded(marked), here.means.cluster) is True
    request = here.log.lines[0]
    assert (request["attempt"], request["reason"]) == (attempt.id, "an interrupted action is undone")
    assert "before" not in request


# ---- decisions -------------------------------------------------------------------------------------------------------


def judged(**more: Any) -> Judged:
    proposal = proposed()
    decision = decide(proposal.finding, proposal.plan, ready(proposal.plan, **more))
    return Judged(observe(deleting(), GONE), proposal.finding, decision)


def test_a_decision_is_told_once_until_it_is_another() -> None:
    here = Audited()
    for held in (True, True, False, False, True):
        assert here.trail.decided([judged(locked=held)]) == ""
    assert here.log.told("decision") == [("act",), ("blocked",), ("act",)]


def test_a_decision_that_was_none_in_between_is_told_anew() -> None:
    here = Audited()
    healthy = Judged(observe(function(), active()), None, None)
    for each in ([judged()], [healthy], [judged()], [judged()]):
        here.trail.decided(each)
    assert here.log.told("event", "moment") == [("decision", "scan")] * 2


def test_right_before_an_act_it_is_always_told() -> None:
    here = Audited()
    for _ in range(2):
        here.trail.decided([judged()], Moment.ACT)
    assert here.log.told("moment") == [("act",)] * 2


def test_a_decision_that_could_not_be_told_is_told_by_the_next_pass() -> None:
    here = Audited()
    here.log.room = 0
    assert "No space left" in here.trail.decided([judged()])
    here.log.room = 9
    assert here.trail.decided([judged()]) == ""
    assert len(here.log.lines) == 1


def test_a_pass_tells_what_it_decides_and_holds_back_where_it_cannot() -> None:
    raw = function("checkout", conditions=failing(BUSY, at(hours=1)))
    healthy = [function(f"healthy-{number}", conditions=synced(at(hours=2))) for number in range(9)]
    here = Audited(raw, *healthy, checkout=active())
    policy = {"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy", "mode": "auto", "sightings": 1}
    work = Pass(here.means, Policy.model_validate(policy))
    here.log.room = 0
    scan = work.scan(rehearse=True)
    assert work.record(scan) == ("the audit log cannot be written: No space left on device",)
    assert scan.ready, "scans go on"
    [outcome] = work.proceed(scan)
    assert outcome.result is Result.SKIPPED
    assert outcome.detail.startswith("nothing was written: the audit log cannot be written")
    assert here.cluster.patches == []
    here.log.room = 99
    here.cluster.after[0] = here.passed(at(seconds=-5), synced())
    scan = work.scan(rehearse=True)
    assert work.record(scan) == ()
    [outcome] = work.proceed(scan)
    assert outcome.result is Result.RESOLVED
    assert here.log.told("event", "moment")[:3] == [("decision", "scan"), ("decision", "act"), ("request", "")]
    assert {each["finding"] for each in here.log.lines} == {diagnose(scan.results[0].seen).name}  # type: ignore[union-attr]
