"""Gates that count, and the clock: window, budget, breaker, cool-down, quarantine; and a person's word against them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from remediator.actions.resync import resync
from remediator.errors import UsageError
from remediator.gates import OVERRIDABLE, decide, parse_override
from remediator.gates.breaker import breaker
from remediator.gates.budget import budget
from remediator.gates.cool_down import cool_down
from remediator.gates.override import overridden
from remediator.gates.quarantine import quarantine
from remediator.gates.window import window
from remediator.model.decision import DecisionKind, GateName, Overrides, Population, Ruling, Situation, Verdict
from remediator.model.limits import Limits
from remediator.model.observation import History
from remediator.model.plan import ActionName
from remediator.model.window import Freeze, Windows
from remediator.model.word import Approval, Override
from remediator.policy.windows import parse_weekly
from tests.builders import NOW
from tests.proposals import proposed, ready, situation

ALLOWED, HELD, LATER = Ruling.ALLOWED, Ruling.HELD, Ruling.LATER
ONE = proposed()
HOUR = timedelta(hours=1)


# -- window ---------------------------------------------------------------------------------------------------------

# NOW is a Saturday, 13:00 in Berlin.
BERLIN = ZoneInfo("Europe/Berlin")


def windows(*allow: str, deny: tuple[str, ...] = ()) -> Windows:
    return Windows(BERLIN, tuple(map(parse_weekly, allow)), tuple(map(parse_weekly, deny)))


@pytest.mark.parametrize(
    ("when", "expected", "said"),
    [
        (Windows(), ALLOWED, "the policy names no windows"),
        (windows("Sat"), ALLOWED, "open until Sun 2026-11-22 00:00 Europe/Berlin"),
        (windows("Sat 13:00-13:01"), ALLOWED, "open until Sat 2026-11-21 13:01 Europe/Berlin"),
        (windows("00:00-24:00"), ALLOWED, "open and nothing closes it"),
        (
            windows("Mon-Fri 22:00-04:00"),
            HELD,
            "closed outside of Mon-Fri 22:00-04:00; opens Mon 2026-11-23 22:00 Europe/Berlin",
        ),
        (
            windows("Sat 12:00-13:00"),
            HELD,
            "closed outside of Sat 12:00-13:00; opens Sat 2026-11-28 12:00 Europe/Berlin",
        ),
        (windows("Sat", deny=("Sat 10:00-14:00",)), HELD, "Sat 10:00-14:00 is denied; opens Sat 2026-11-21 14:00 "),
        (windows(deny=("Mon-Sun",)), HELD, "Mon-Sun is denied; and nothing opens it"),
        (
            Windows(BERLIN, freezes=(Freeze(NOW, NOW + HOUR, "EKS upgrade"),)),
            HELD,
            "frozen until Sat 2026-11-21 14:00 Europe/Berlin: EKS upgrade; opens Sat 2026-11-21 14:00 Europe/Berlin",
        ),
    ],
)
def test_a_window_is_open_or_says_when_it_opens(when: Windows, expected: Ruling, said: str) -> None:
    verdict = window(ONE, situation(windows=when))
    assert verdict.ruling is expected
    assert verdict.reason.startswith(said)
    assert not verdict.asks


def test_a_window_goes_by_the_clock_of_the_api_server() -> None:
    """A laptop whose clock is wrong begins nothing by that."""
    until_one = situation(windows=windows("Sat 12:00-13:01"))
    assert window(ONE, until_one).ruling is ALLOWED
    for skew, ruling in ((-59.0, ALLOWED), (-60.0, HELD), (3600.0, ALLOWED), (3601.0, HELD)):
        assert window(ONE, msgspec.structs.replace(until_one, skew=skew)).ruling is ruling, skew


def test_what_only_a_window_holds_can_be_approved_before_it_opens() -> None:
    closed = windows("Mon")
    decision = decide(ONE.finding, ONE.plan, ready(ONE.plan, windows=closed, approved=frozenset()))
    assert (decision.kind, decision.awaits_window, decision.awaits_person) == (DecisionKind.BLOCKED, True, False)
    other = decide(ONE.finding, ONE.plan, ready(ONE.plan, windows=closed, acted_in_run=5))
    assert (other.kind, other.awaits_window) == (DecisionKind.BLOCKED, False)
    assert not decide(ONE.finding, ONE.plan, ready(ONE.plan)).awaits_window


def test_a_person_can_pass_by_a_window() -> None:
    lifted = ready(ONE.plan, windows=windows("Mon"), overrides=told(GateName.WINDOW))
    assert decide(ONE.finding, ONE.plan, lifted).kind is DecisionKind.ACT


# -- budget ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spent", "expected", "said"),
    [
        ({}, ALLOWED, "0 of 5 actions of this run"),
        ({"acted_in_run": 4, "acted_today": 19}, ALLOWED, "19 of 20 actions of 24 h"),
        ({"acted_in_run": 5}, HELD, "5 of 5 actions of this run are used"),
        ({"acted_in_run": 6}, HELD, "6 of 5 actions of this run are used"),
        ({"acted_today": 20}, HELD, "20 of 20 actions of 24 h are used"),
        ({"under_way_in_namespace": 1}, HELD, "1 of 1 at a time are under way in shop"),
    ],
)
def test_the_budget_is_spent_by_the_last_that_it_allows(spent: dict[str, int], expected: Ruling, said: str) -> None:
    verdict = budget(ONE, situation(**spent))
    assert verdict.ruling is expected
    assert said in verdict.reason


def test_all_that_is_used_up_is_told() -> None:
    verdict = budget(ONE, situation(acted_in_run=5, acted_today=20))
    assert verdict.reason == "5 of 5 actions of this run are used, 20 of 20 actions of 24 h are used"


@pytest.mark.parametrize("limit", ["per_run", "per_day", "per_namespace"])
def test_a_budget_of_none_allows_none(limit: str) -> None:
    none = msgspec.structs.replace(Limits(), **{limit: 0})
    assert budget(ONE, situation(limits=none)).ruling is HELD


# -- breaker --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "unwell", "expected"),
    [
        (5, 1, ALLOWED),  # exactly 20 %
        (5, 2, HELD),
        (4, 4, ALLOWED),  # too few to speak of a share
        (10, 2, ALLOWED),
        (11, 2, ALLOWED),
        (14, 3, HELD),  # 21.4 %
        (15, 3, ALLOWED),  # exactly 20 %
        (124, 25, HELD),  # 20.16 %
        (125, 25, ALLOWED),  # exactly 20 %, and exactly as many objects as are allowed
        (1000, 25, ALLOWED),
        (1000, 26, HELD),
        (0, 0, ALLOWED),
    ],
)
def test_the_breaker_compares_without_rounding(total: int, unwell: int, expected: Ruling) -> None:
    assert breaker(ONE, situation(population=Population(total, unwell))).ruling is expected


@pytest.mark.parametrize(
    ("percent", "total", "unwell", "expected"),
    [(33, 9, 3, HELD), (34, 9, 3, ALLOWED), (30, 1000, 309, HELD), (30, 1000, 300, ALLOWED), (30, 1000, 301, HELD)],
)
def test_a_share_just_above_the_limit_is_above_it(percent: int, total: int, unwell: int, expected: Ruling) -> None:
    """An integer percentage that is cut off lets 30.9 % pass a limit of 30 %."""
    limits = Limits(breaker_percent=percent, breaker_objects=10_000)
    assert breaker(ONE, situation(population=Population(total, unwell), limits=limits)).ruling is expected


def test_the_breaker_cannot_judge_one_resource_alone() -> None:
    assert breaker(ONE, situation(population=None)).ruling is LATER


def test_many_objects_are_an_incident_in_a_small_population_too() -> None:
    at = situation(population=Population(4, 3), limits=Limits(breaker_objects=2))
    assert breaker(ONE, at).ruling is HELD


@pytest.mark.parametrize(
    ("ago", "expected"),
    [(timedelta(0), HELD), (timedelta(minutes=29, seconds=59), HELD), (timedelta(minutes=30), ALLOWED)],
)
def test_after_an_incident_nothing_is_done_for_a_while(ago: timedelta, expected: Ruling) -> None:
    verdict = breaker(ONE, situation(breaker_opened_at=NOW - ago))
    assert verdict.ruling is expected
    assert ("it was an incident at 2026-11-21T" in verdict.reason) is (expected is HELD)


# -- cool-down, quarantine ------------------------------------------------------------------------------------------


def tried(*hours_ago: float, action: ActionName = ActionName.CLEAR_FINALIZER) -> Situation:
    """Build a situation after attempts that did not help, the newest last."""
    return situation(history=History(attempts={action: tuple(NOW - HOUR * hours for hours in hours_ago)}))


@pytest.mark.parametrize(
    ("hours_ago", "expected"),
    [
        ((), ALLOWED),
        ((0.0,), HELD),
        ((0.99,), HELD),
        ((1.0,), ALLOWED),
        ((9.0, 1.99), HELD),
        ((9.0, 2.0), ALLOWED),
        ((9.0, 8.0, 3.99), HELD),
        ((9.0, 8.0, 4.0), ALLOWED),
        ((9.0,) * 40, HELD),
    ],
)
def test_the_wait_doubles_with_every_attempt(hours_ago: tuple[float, ...], expected: Ruling) -> None:
    assert cool_down(ONE, tried(*hours_ago)).ruling is expected


def test_when_the_next_attempt_may_be_made_is_told() -> None:
    assert cool_down(ONE, tried(0.5)).reason == (
        "attempt 1 of ClearFinalizer was at 2026-11-21T11:30:00Z; the next not before 2026-11-21T12:30:00Z"
    )


@pytest.mark.parametrize("gate", [cool_down, quarantine])
def test_attempts_at_another_action_do_not_count(gate: Any) -> None:
    assert gate(ONE, tried(0, 0, 0, action=ActionName.RESYNC)).ruling is ALLOWED
    assert gate(proposed(build=resync), tried(0, 0, 0, action=ActionName.RESYNC)).ruling is HELD


@pytest.mark.parametrize(("attempts", "expected"), [(0, ALLOWED), (2, ALLOWED), (3, HELD), (4, HELD)])
def test_what_did_not_help_three_times_is_for_a_person(attempts: int, expected: Ruling) -> None:
    verdict = quarantine(ONE, tried(*[20.0] * attempts))
    assert (verdict.ruling, verdict.asks) == (expected, False)


# -- override -------------------------------------------------------------------------------------------------------


def told(*gates: GateName, reason: str = "the incident is over") -> Overrides:
    return Overrides(frozenset(gates), "mara", reason)


def test_an_override_is_read_from_the_command_line() -> None:
    read = parse_override(["budget", "cool-down", "budget"], " drill ", "mara")
    assert read == Overrides(frozenset({GateName.BUDGET, GateName.COOL_DOWN}), "mara", "drill")
    assert parse_override([], "", "mara") == Overrides(frozenset(), "mara", "")


@pytest.mark.parametrize(
    ("gates", "reason", "says"),
    [
        (["identity"], "x", "the gate identity cannot be overridden"),
        (["quarantine"], "x", "the gate quarantine cannot be overridden"),
        (["opt-out"], "x", "the gate opt-out cannot be overridden"),
        (["budget", "buget"], "x", "there is no gate 'buget'"),
        ([""], "x", "there is no gate ''"),
        (["budget"], "", "--override needs a --reason"),
        (["budget"], "  ", "--override needs a --reason"),
        ([], "x", "--reason goes with --override"),
    ],
)
def test_what_cannot_be_overridden_is_refused_with_what_can(gates: list[str], reason: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_override(gates, reason, "mara")
    assert refused.value.message == says or refused.value.message.startswith(says)
    assert "These can be overridden: window, budget, breaker, cool-down, sightings." in refused.value.hint or "why" in (
        refused.value.hint
    )


def test_a_misspelt_gate_is_guessed() -> None:
    with pytest.raises(UsageError, match="Did you mean budget"):
        parse_override(["buget"], "x", "mara")


def test_what_can_be_overridden_is_what_only_counts() -> None:
    counting = {GateName.BUDGET, GateName.BREAKER, GateName.COOL_DOWN, GateName.SIGHTINGS}
    assert set(OVERRIDABLE) == {GateName.WINDOW, *counting}
    assert {str(gate) for gate in OVERRIDABLE} == {str(gate) for gate in Override}


@pytest.mark.parametrize("gate", GateName)
def test_an_override_opens_what_it_may_and_nothing_else(gate: GateName) -> None:
    held = Verdict(gate, HELD, "no", asks=True)
    after = overridden(held, ONE, situation(overrides=told(*GateName)))
    if gate in OVERRIDABLE:
        assert after == Verdict(gate, ALLOWED, "overridden by mara because 'the incident is over'; it said: no")
    else:
        assert after is held


@pytest.mark.parametrize("ruling", [ALLOWED, LATER])
def test_only_what_holds_is_overridden(ruling: Ruling) -> None:
    verdict = Verdict(GateName.BREAKER, ruling, "said")
    assert overridden(verdict, ONE, situation(overrides=told(GateName.BREAKER))) is verdict


def test_another_gate_than_the_one_that_was_named_still_holds() -> None:
    held = Verdict(GateName.BREAKER, HELD, "no")
    assert overridden(held, ONE, situation(overrides=told(GateName.BUDGET))) is held


@pytest.mark.parametrize(
    ("changes", "opens"),
    [
        ({}, True),
        ({"reason": " "}, False),
        ({"digest": "another"}, False),
        ({"at": NOW - timedelta(hours=25)}, False),
        ({"override": (Override.WINDOW,)}, False),
    ],
)
def test_the_override_in_a_stored_approval_counts_with_it(changes: dict[str, Any], opens: bool) -> None:
    word: dict[str, Any] = {
        "approved_by": "joe",
        "digest": ONE.plan.digest,
        "at": NOW,
        "override": (Override.BUDGET,),
        "reason": "drill",
    }
    at = situation(history=History(approval=Approval(**(word | changes))))
    after = overridden(Verdict(GateName.BUDGET, HELD, "no"), ONE, at)
    assert (after.ruling is ALLOWED) is opens
    assert (after.reason == "overridden by joe because 'drill'; it said: no") is opens


def test_an_overridden_decision_is_acted_on_and_says_so() -> None:
    at = ready(ONE.plan, acted_in_run=5)
    assert decide(ONE.finding, ONE.plan, at).kind is DecisionKind.BLOCKED
    decision = decide(ONE.finding, ONE.plan, ready(ONE.plan, acted_in_run=5, overrides=told(GateName.BUDGET)))
    assert decision.kind is DecisionKind.ACT
    said = next(each.reason for each in decision.verdicts if each.gate == GateName.BUDGET)
    assert said.endswith("it said: 5 of 5 actions of this run are used")
