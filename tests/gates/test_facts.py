"""Gates on facts: selection, age of evidence, owner, controller, permission, crd, rehearsal, clocks, lock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from remediator.actions.clear_finalizer import clear_finalizer
from remediator.actions.release import release
from remediator.actions.resync import resync
from remediator.gates import owners
from remediator.gates.clock_skew import clock_skew
from remediator.gates.controller import controller
from remediator.gates.crd import crd
from remediator.gates.evidence_age import evidence_age
from remediator.gates.owner import owner
from remediator.gates.permission import permission
from remediator.gates.rehearsal import rehearsal
from remediator.gates.selection import selection
from remediator.model.controller import ControllerFacts, Health
from remediator.model.decision import Rehearsal, Rehearsed, Ruling
from remediator.model.definition import Definition, Definitions
from remediator.model.limits import Limits
from remediator.model.plan import ActionName, Evidence
from remediator.model.selection import Selection, Selector
from tests.builders import ALIVE, DOWN, NOW, Json, at, decoded, deleting
from tests.proposals import BUILDERS, Build, proposed, situation

ALLOWED, HELD, LATER = Ruling.ALLOWED, Ruling.HELD, Ruling.LATER
ONE = proposed()
AT_THE_ACT = Evidence(ONE.plan.digest)


def test_selection_holds_what_the_policy_leaves_out() -> None:
    assert selection(ONE, situation()).ruling is ALLOWED
    held = selection(ONE, situation(selection=Selection(exclude=Selector(("shop",)))))
    assert (held.ruling, held.asks, held.reason) == (HELD, False, "the policy excludes it by namespace")


# -- evidence-age ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        (NOW, ALLOWED),
        (NOW - timedelta(minutes=5), ALLOWED),
        (NOW - timedelta(minutes=5, microseconds=1), HELD),
        (NOW + timedelta(seconds=5), ALLOWED),
        (NOW + timedelta(seconds=5, microseconds=1), HELD),
        (None, HELD),
    ],
)
def test_evidence_is_of_now(taken: datetime | None, expected: Ruling) -> None:
    assert evidence_age(ONE, situation(evidence=Evidence("", (), taken))).ruling is expected


def test_evidence_is_taken_right_before_the_act() -> None:
    assert evidence_age(ONE, situation()).ruling is LATER


# -- owner ----------------------------------------------------------------------------------------------------------


def written(*entries: Json, **metadata: Any) -> Json:
    return deleting(metadata={"managedFields": list(entries), **metadata})


def entry(manager: str, ago: float = 10, **more: Any) -> Json:
    """Write an entry of managedFields as the API server does, the fields that are most of it included."""
    fields = {"fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {".": {}, "f:memorySize": {}}}}
    return {"manager": manager, "operation": "Update", "time": at(seconds=ago), **fields, **more}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (deleting(), ALLOWED),
        (written(entry("kubectl-edit", 59)), HELD),
        (written(entry("kubectl-edit", 60)), ALLOWED),
        (written(entry("argocd-controller", 1, operation="Apply")), HELD),
        (written(entry("", 1)), HELD),
        (written(entry("kubectl-edit", -30)), HELD),
        (written(entry("controller", 1)), ALLOWED),
        (written(entry("ack-lambda-controller", 1)), ALLOWED),
        (written(entry("ack-remediator", 1)), ALLOWED),
        (written(entry("kubectl-edit", 1, subresource="status")), ALLOWED),
        (written(entry("kubectl-edit", 1, time=None)), ALLOWED),
        (written(entry("kubectl-edit", 900), entry("helm", 5), entry("kubectl-edit", 300)), HELD),
    ],
    ids=str,
)
def test_nobody_is_disturbed_at_work(raw: Json, expected: Ruling) -> None:
    assert owner(proposed(raw), situation()).ruling is expected


def test_who_wrote_last_is_named() -> None:
    verdict = owner(proposed(written(entry("helm", 50), entry("kubectl-edit", 20))), situation())
    assert verdict.reason == "kubectl-edit wrote to it 20s ago; first it has to rest for 1m"


@pytest.mark.parametrize(
    ("metadata", "named"),
    [
        ({}, ()),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "shop:lambda.x/Function:shop/a"}}, ("Argo CD shop",)),
        ({"labels": {"argocd.argoproj.io/instance": "shop"}}, ("Argo CD shop",)),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}, ("Flux Kustomization apps",)),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "checkout"}}, ("Flux HelmRelease checkout",)),
        ({"annotations": {"meta.helm.sh/release-name": "checkout"}}, ("Helm checkout",)),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, ("Helm",)),
        ({"labels": {"app.kubernetes.io/managed-by": "kustomize"}}, ()),
        ({"labels": {"kro.run/instance-name": "shop"}}, ("kro shop",)),
        ({"managedFields": [entry("argocd-application-controller")]}, ("Argo CD",)),
        ({"managedFields": [entry("kustomize-controller")]}, ("Flux Kustomization",)),
        ({"managedFields": [entry("helm-controller")]}, ("Flux HelmRelease",)),
        ({"managedFields": [entry("helm")]}, ("Helm",)),
        ({"managedFields": [entry("helmsman"), entry("kubectl-edit")]}, ()),
        ({"ownerReferences": [{"kind": "WebShop", "name": "s", "controller": True}]}, ("WebShop s",)),
        ({"ownerReferences": [{"kind": "WebShop", "name": "s"}]}, ()),
    ],
    ids=str,
)
def test_owners_are_named(metadata: Json, named: tuple[str, ...]) -> None:
    assert owners(decoded(deleting(metadata=metadata))) == named


def test_an_owner_is_named_once_and_all_of_them_to_who_approves() -> None:
    raw = deleting(
        metadata={
            "labels": {"argocd.argoproj.io/instance": "shop", "app.kubernetes.io/managed-by": "Helm"},
            "annotations": {"meta.helm.sh/release-name": "checkout"},
            "managedFields": [entry("argocd-controller", 3600)],
        }
    )
    verdict = owner(proposed(raw), situation())
    assert (verdict.ruling, verdict.reason) == (ALLOWED, "owned by Helm checkout, Argo CD shop, at rest")


# -- controller -----------------------------------------------------------------------------------------------------

UNKNOWN = ControllerFacts()


@pytest.mark.parametrize(
    ("build", "facts", "expected"),
    [
        (resync, ALIVE, ALLOWED),
        (resync, UNKNOWN, ALLOWED),
        (resync, DOWN, HELD),
        (release, ALIVE, ALLOWED),
        (release, UNKNOWN, ALLOWED),
        (release, DOWN, HELD),
        (clear_finalizer, ALIVE, ALLOWED),
        (clear_finalizer, UNKNOWN, ALLOWED),
        (clear_finalizer, DOWN, ALLOWED),
    ],
)
def test_what_needs_a_controller_waits_for_one(build: Build, facts: ControllerFacts, expected: Ruling) -> None:
    assert controller(proposed(build=build), situation(controller=facts)).ruling is expected


@pytest.mark.parametrize("build", [resync, release, clear_finalizer])
@pytest.mark.parametrize("health", Health)
def test_nothing_is_done_while_it_restarts(build: Build, health: Health) -> None:
    facts = ControllerFacts(health, "it is being rolled out", restarting=True)
    verdict = controller(proposed(build=build), situation(controller=facts))
    assert verdict.ruling is HELD
    assert "it is being rolled out" in verdict.reason


# -- permission, rehearsal -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("permitted", "expected"), [(None, LATER), (True, ALLOWED), (False, HELD)])
@pytest.mark.parametrize("why", ["", "joe may not patch functions in shop"])
def test_without_the_right_to_it_nothing_is_done(*, permitted: bool | None, why: str, expected: Ruling) -> None:
    verdict = permission(ONE, situation(permitted=permitted, permitted_why=why))
    assert (verdict.ruling, verdict.asks) == (expected, permitted is False)
    assert why in verdict.reason
    assert verdict.reason


@pytest.mark.parametrize(
    ("result", "listed", "at_the_act"),
    [
        (Rehearsed.VERIFIED, ALLOWED, ALLOWED),
        (Rehearsed.REFUSED, HELD, HELD),
        (Rehearsed.NOT_VERIFIED, LATER, HELD),
    ],
)
def test_what_could_not_be_rehearsed_may_be_listed_and_not_done(
    result: Rehearsed, listed: Ruling, at_the_act: Ruling
) -> None:
    tried = Rehearsal(result, "webhook says")
    assert rehearsal(ONE, situation(rehearsal=tried)).ruling is listed
    assert rehearsal(ONE, situation(rehearsal=tried, evidence=AT_THE_ACT)).ruling is at_the_act
    assert "webhook says" in rehearsal(ONE, situation(rehearsal=tried)).reason


@pytest.mark.parametrize("evidence", [None, AT_THE_ACT])
def test_nobody_rehearsed_yet(evidence: Evidence | None) -> None:
    assert rehearsal(ONE, situation(evidence=evidence)).ruling is LATER


# -- clock-skew -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("skew", "expected"), [(0.0, ALLOWED), (5.0, ALLOWED), (-5.0, ALLOWED), (5.001, HELD), (-5.001, HELD), (3e9, HELD)]
)
@pytest.mark.parametrize("action", ActionName)
def test_clocks_that_differ_hold_what_cannot_be_undone(action: ActionName, skew: float, expected: Ruling) -> None:
    verdict = clock_skew(proposed(build=BUILDERS[action]), situation(skew=skew))
    assert verdict.ruling is (expected if action.destructive else ALLOWED)


def test_which_clock_is_ahead_is_told() -> None:
    assert "our clock is 90 s ahead of the API server's" in clock_skew(ONE, situation(skew=90.0)).reason
    assert "our clock is 90 s behind the API server's" in clock_skew(ONE, situation(skew=-90.0)).reason


@pytest.mark.parametrize("action", ActionName)
def test_clocks_that_nobody_compared_count_as_different_at_the_act(action: ActionName) -> None:
    one = proposed(build=BUILDERS[action])
    assert clock_skew(one, situation()).ruling is (LATER if action.destructive else ALLOWED)
    assert clock_skew(one, situation(evidence=AT_THE_ACT)).ruling is (HELD if action.destructive else ALLOWED)


def test_the_policy_says_how_far_clocks_may_be_apart() -> None:
    limits = Limits(clock_skew=timedelta(seconds=30))
    assert clock_skew(ONE, situation(skew=30.0, limits=limits)).ruling is ALLOWED


# -- crd ------------------------------------------------------------------------------------------------------------

FUNCTIONS = "functions.lambda.services.k8s.aws"


@pytest.mark.parametrize("build", BUILDERS.values())
@pytest.mark.parametrize("unknown", ["", "another cannot be read"])
def test_everything_is_held_while_a_definition_goes(build: Build, unknown: str) -> None:
    going = Definitions((Definition(FUNCTIONS, "Function"), Definition("aliases.x", "Alias")), unknown)
    held = crd(proposed(build=build), situation(definitions=going))
    assert (held.ruling, held.asks) == (HELD, False)
    assert held.reason == f"{FUNCTIONS}, aliases.x is being deleted, and with it every object of its kind"


def test_what_is_not_known_of_definitions_holds_nothing_and_is_said() -> None:
    assert crd(ONE, situation(definitions=Definitions())).ruling is ALLOWED
    unread = crd(ONE, situation(definitions=Definitions(unknown="not yours")))
    assert (unread.ruling, unread.reason) == (
        ALLOWED,
        "whether a definition is being deleted is not known: not yours",
    )
    assert crd(ONE, situation()).reason.endswith("nobody asked")


@pytest.mark.parametrize(
    ("build", "early", "late"),
    [(resync, ALLOWED, ALLOWED), *[(each, LATER, HELD) for each in (clear_finalizer, release)]],
)
def test_definitions_that_a_fault_hides_hold_what_cannot_be_undone(build: Build, early: Ruling, late: Ruling) -> None:
    one = proposed(build=build)
    hidden = situation(definitions=Definitions(unknown="no leader", faulty=True))
    assert crd(one, hidden).ruling is early
    verdict = crd(one, msgspec.structs.replace(hidden, evidence=Evidence(one.plan.digest)))
    assert verdict.ruling is late
    assert verdict.reason == "whether a definition is being deleted is not known: no leader"
