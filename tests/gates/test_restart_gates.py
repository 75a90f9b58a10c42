"""The gates, asked about a restart of the controller: it is about no resource, and for when many are unwell."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from remediator.gates import approve, decide
from remediator.gates.breaker import breaker
from remediator.gates.controller import controller
from remediator.gates.identity import identity
from remediator.gates.mode import mode
from remediator.gates.opt_out import opt_out
from remediator.gates.pause import pause
from remediator.gates.proofs import proofs
from remediator.gates.selection import selection
from remediator.model.controller import ControllerFacts, Health
from remediator.model.decision import Population, Proposal, Ruling, Situation
from remediator.model.limits import Ceilings, Mode
from remediator.model.pause import Pause, Pauses
from remediator.model.plan import ActionName, Evidence
from remediator.model.resource import IGNORE
from remediator.model.selection import Selection, Selector
from tests.builders import NOW
from tests.proposals import ready, situation
from tests.workloads import HANGING, restart, workload

ON = Ceilings(actions={ActionName.RESTART_CONTROLLER: Mode.APPROVE})


def at_the_act(of: Proposal, **changes: Any) -> Situation:
    """Build a situation in which a person at the terminal approved it, under a policy that allows it."""
    base: dict[str, Any] = {
        "controller": HANGING,
        "ceilings": ON,
        "population": Population(100, 90),
        "namespace_annotations": None,
        "evidence": Evidence(of.plan.digest, taken=NOW),
    }
    return ready(of.plan, **(base | changes))


def test_it_is_let_through_where_the_controller_hangs_and_everything_is_unwell() -> None:
    of = restart()
    at = at_the_act(of)
    key = approve(decide(of.finding, of.plan, at), at)
    assert key is not None
    assert key.value is of.plan


def test_it_is_off_until_the_policy_says_otherwise() -> None:
    of = restart()
    verdict = mode(of, at_the_act(of, ceilings=Ceilings(Mode.AUTO)))
    assert (verdict.ruling, verdict.asks) == (Ruling.HELD, False)
    assert verdict.reason == "the policy allows no more than dry-run for RestartController of ControllerSilent"


def test_no_mode_and_no_ceiling_makes_it_go_by_itself() -> None:
    of = restart()
    everything = Ceilings(Mode.AUTO, {ActionName.RESTART_CONTROLLER: Mode.AUTO})
    assert everything.effective(ActionName.RESTART_CONTROLLER, of.plan.finding) is Mode.APPROVE
    at = at_the_act(of, ceilings=everything, approved=frozenset())
    assert approve(decide(of.finding, of.plan, at), at) is None


@pytest.mark.parametrize("waiting", [0, 1])
def test_a_need_that_is_not_met_holds_it_whatever_a_person_says(waiting: int) -> None:
    of = restart(waiting=waiting)
    at = at_the_act(of)
    decision = decide(of.finding, of.plan, at)
    assert [each.gate for each in decision.held] == ["it helps"]
    assert approve(decision, at) is None


def test_the_breaker_holds_what_is_done_one_by_one_and_this_is_one_act_for_all() -> None:
    at = situation(population=Population(10, 10), breaker_opened_at=NOW)
    assert breaker(restart(), at).ruling is Ruling.ALLOWED


@pytest.mark.parametrize(
    ("facts", "ruling"),
    [
        (HANGING, Ruling.ALLOWED),
        (ControllerFacts(Health.ALIVE, "it is available"), Ruling.ALLOWED),
        (ControllerFacts(Health.ALIVE, "it is being rolled out", restarting=True), Ruling.HELD),
    ],
)
def test_a_controller_that_hangs_is_no_reason_against_it_and_one_that_starts_is(
    facts: ControllerFacts, ruling: Ruling
) -> None:
    assert controller(restart(), situation(controller=facts)).ruling is ruling


def test_what_selects_resources_selects_no_controller() -> None:
    nothing = Selection(exclude=Selector(("*",)))
    assert selection(restart(), situation(selection=nothing)).ruling is Ruling.ALLOWED


def test_a_deployment_is_told_by_its_uid() -> None:
    of = restart()
    assert identity(of, situation()).ruling is Ruling.ALLOWED
    metadata = msgspec.structs.replace(of.plan.resource.metadata, uid="")
    resource = msgspec.structs.replace(of.plan.resource, metadata=metadata)
    nameless = msgspec.structs.replace(of, plan=msgspec.structs.replace(of.plan, resource=resource))
    assert identity(nameless, situation()).ruling is Ruling.HELD


def test_it_needs_no_word_of_aws() -> None:
    verdict = proofs(restart(), situation())
    assert (verdict.ruling, verdict.reason) == (
        Ruling.ALLOWED,
        "none needed: RestartController lets go of nothing in AWS",
    )


@pytest.mark.parametrize(("mark", "ruling"), [("true", Ruling.HELD), ("maybe", Ruling.HELD), ("false", Ruling.ALLOWED)])
def test_a_mark_on_the_deployment_keeps_hands_off_it(mark: str, ruling: Ruling) -> None:
    there = workload()
    metadata = msgspec.structs.replace(there.resource.metadata, annotations={IGNORE: mark})
    marked = msgspec.structs.replace(there.resource, metadata=metadata)
    of = restart(workload=workload(resource=marked))
    assert opt_out(of, situation(namespace_annotations=None)).ruling is ruling


def test_clocks_that_differ_hold_it_since_its_interval_is_a_matter_of_time() -> None:
    of = restart()
    decision = decide(of.finding, of.plan, at_the_act(of, skew=timedelta(minutes=1).total_seconds()))
    assert [each.gate for each in decision.held] == ["clock-skew"]


def test_a_pause_of_any_namespace_holds_it() -> None:
    """It ends what the controller is at in all of them."""
    of = restart()
    elsewhere = Pauses((Pause("ack-remediator-pause-1", "alice", NOW + timedelta(hours=1), namespace="shop"),))
    assert of.plan.target.namespace != "shop"
    assert pause(of, at_the_act(of, pauses=elsewhere)).ruling is Ruling.HELD
    assert pause(of, at_the_act(of)).ruling is Ruling.ALLOWED
