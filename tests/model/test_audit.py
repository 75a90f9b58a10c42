"""One line of the audit log: whole, in ASCII, and of one shape."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from remediator.gates import decide
from remediator.model.audit import AuditEvent, AuditRecord, Moment, decided, line, outcome, same, target
from remediator.model.decision import DecisionKind
from remediator.model.episode import concluded, intended, unseen
from remediator.model.plan import Result
from remediator.model.resource import Ref
from remediator.model.scan import Judged
from tests.builders import GONE, NOW, deleting, function, observe
from tests.proposals import proposed, ready
from tests.spells import plan

REF = Ref("shop", "checkout", "uid-1")


def record(**more: Any) -> AuditRecord:
    return AuditRecord(at=NOW, event=AuditEvent.REQUEST, **target(REF), **more)


def judged(**more: Any) -> Judged:
    proposal = proposed()
    decision = decide(proposal.finding, proposal.plan, ready(proposal.plan, **more))
    return Judged(observe(deleting(), GONE), proposal.finding, decision)


@given(st.text(), st.text())
def test_a_line_is_one_line_of_ascii_and_can_be_read_back(reason: str, user: str) -> None:
    written = line(record(reason=reason, user=user))
    assert written.endswith(b"\n") and written.count(b"\n") == 1
    assert all(32 <= byte < 127 for byte in written[:-1])
    told = json.loads(written)
    assert (told.get("reason", ""), told.get("user", "")) == (reason, user)
    assert (told["schemaVersion"], told["at"]) == ("1", "2026-11-21T12:00:00.000000Z")


def test_what_is_not_known_is_left_out() -> None:
    told = json.loads(line(record()))
    assert list(told) == ["schemaVersion", "at", "event", "namespace", "name", "uid", "kind"]


def test_a_decision_has_every_gate() -> None:
    found = judged()
    told = decided(found, NOW, Moment.ACT)
    assert told is not None and found.decision is not None
    assert (told.moment, told.decision, told.finding) == (Moment.ACT, DecisionKind.ACT, "FinalizerLeft")
    assert [each.gate for each in told.gates] == [each.gate for each in found.decision.verdicts]
    assert told.digest == found.plan.digest if found.plan else False


def test_where_nothing_was_decided_there_is_nothing_to_tell() -> None:
    seen = observe(function(), GONE)
    assert decided(Judged(seen, None, None), NOW) is None


def test_without_a_plan_there_is_no_digest() -> None:
    proposal = proposed()
    told = decided(
        Judged(observe(deleting(), GONE), proposal.finding, decide(proposal.finding, None, ready(proposal.plan))), NOW
    )
    assert told is not None and (told.action, told.digest, told.gates) == (None, "", ())


def test_another_time_or_number_is_no_other_decision_but_another_ruling_is() -> None:
    first, later = decided(judged(), NOW), decided(judged(skew=0.5), NOW + timedelta(hours=1))
    other = decided(judged(locked=False), NOW)
    assert first and later and other
    assert same(first) == same(later) != same(other)


def test_an_outcome_tells_whose_word_it_was_and_what_came_of_it() -> None:
    begun = intended(unseen(NOW), plan(), NOW, "me", "jane", "/backup")
    [attempt] = concluded(begun, "p-ababababab-1", Result.RESOLVED, "done", NOW, orphan="arn").attempts
    told = msgspec.to_builtins(outcome(REF, attempt, NOW))
    assert {key: told[key] for key in ("event", "attempt", "onWordOf", "result", "detail", "backup", "orphan")} == {
        "event": "outcome",
        "attempt": "p-ababababab-1",
        "onWordOf": "jane",
        "result": "resolved",
        "detail": "done",
        "backup": "/backup",
        "orphan": "arn",
    }
