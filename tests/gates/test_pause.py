"""A pause holds everything, whoever approves it; and what nobody can read counts as one at the act."""

from __future__ import annotations

from datetime import timedelta

import pytest

from remediator.gates import OVERRIDABLE, decide
from remediator.gates.pause import pause
from remediator.model.decision import DecisionKind, GateName, Overrides, Ruling
from remediator.model.pause import Pause, Pauses
from remediator.model.window import Freeze, Windows
from tests.builders import NOW
from tests.proposals import proposed, ready, situation

ONE = proposed()
HOUR = timedelta(hours=1)
ALICE = Pause("pause-1", "alice", NOW + HOUR, NOW - HOUR, "EKS upgrade")
UNREAD = Pauses(unknown="leases is forbidden")


@pytest.mark.parametrize(
    ("pauses", "expected", "said"),
    [
        (Pauses(), Ruling.ALLOWED, "nobody paused it"),
        (
            Pauses((ALICE,)),
            Ruling.HELD,
            "paused by alice until 2026-11-21T13:00:00Z: EKS upgrade; `remediator resume` ends it",
        ),
        (Pauses((Pause("pause-1", "alice", NOW),)), Ruling.ALLOWED, "nobody paused it"),
        (Pauses((Pause("pause-1", "bob", None, namespace="post"),)), Ruling.ALLOWED, "nobody paused it"),
        (
            Pauses((Pause("pause-1", "bob", None, namespace="shop"),)),
            Ruling.HELD,
            "paused in shop by bob until somebody",
        ),
        (Pauses((ALICE,), unknown="a part"), Ruling.HELD, "paused by alice"),
        (UNREAD, Ruling.LATER, "whether somebody paused it is not known: leases is forbidden"),
    ],
)
def test_what_stands_for_the_namespace_holds(pauses: Pauses, expected: Ruling, said: str) -> None:
    verdict = pause(ONE, situation(pauses=pauses))
    assert (verdict.ruling, verdict.asks) == (expected, False)
    assert verdict.reason.startswith(said)


def test_at_the_act_what_cannot_be_read_holds() -> None:
    assert pause(ONE, ready(ONE.plan, pauses=UNREAD)).ruling is Ruling.HELD
    assert decide(ONE.finding, ONE.plan, ready(ONE.plan, pauses=UNREAD)).kind is DecisionKind.BLOCKED
    assert decide(ONE.finding, ONE.plan, ready(ONE.plan)).kind is DecisionKind.ACT


@pytest.mark.parametrize(("skew", "expected"), [(0.0, Ruling.HELD), (3599.0, Ruling.HELD), (-1.0, Ruling.ALLOWED)])
def test_it_ends_by_the_clock_of_the_api_server(skew: float, expected: Ruling) -> None:
    ends = Pause("pause-1", "alice", NOW + timedelta(seconds=1))
    assert pause(ONE, situation(pauses=Pauses((ends,)), skew=skew)).ruling is expected


def test_no_override_lifts_it() -> None:
    assert GateName.PAUSE not in OVERRIDABLE
    everything = Overrides(frozenset(GateName), "mara", "it burns")
    at = ready(ONE.plan, pauses=Pauses((ALICE,)), overrides=everything)
    assert decide(ONE.finding, ONE.plan, at).kind is DecisionKind.BLOCKED


def test_what_only_time_holds_is_known_by_its_gates() -> None:
    frozen = Windows(freezes=(Freeze(NOW, NOW + HOUR),))
    paused = decide(ONE.finding, ONE.plan, ready(ONE.plan, pauses=Pauses((ALICE,))))
    assert (paused.awaits_time, paused.awaits_window) == (frozenset({"pause"}), False)
    both = decide(ONE.finding, ONE.plan, ready(ONE.plan, pauses=Pauses((ALICE,)), windows=frozen))
    assert (both.awaits_time, both.awaits_window) == (frozenset({"window", "pause"}), False)
    more = decide(ONE.finding, ONE.plan, ready(ONE.plan, pauses=Pauses((ALICE,)), acted_in_run=5))
    assert more.awaits_time == frozenset()
