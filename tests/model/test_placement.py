"""Which account, role and region ACK takes for a resource, and when that is not the recorded place."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.model.controller import ControllerFacts, Health, Install
from remediator.model.identities import Identities, KindSelector, RoleMap, RoleSelector
from remediator.model.namespace import Namespace
from remediator.model.placement import Placement, place
from remediator.model.resource import Resource
from tests.builders import Json, at, decoded, function

REGION = "services.k8s.aws/region"
DEFAULT = "services.k8s.aws/default-region"
ACCOUNT = "services.k8s.aws/owner-account-id"
TEAM = "services.k8s.aws/team-id"
OWN, OTHER, THIRD = "123456789012", "444455556666", "777788889999"
NO_ROLE = "IAM Role is not available"


def role_of(account: str, name: str = "ack") -> str:
    return f"arn:aws:iam::{account}:role/{name}"


def started(region: str = "us-east-1", **flags: Any) -> ControllerFacts:
    """Say how the controller was started, as its Deployment tells it."""
    return ControllerFacts(deployment="ack-system/ack-lambda-controller", region=region, **flags)


UNSEEN = ControllerFacts()
FLAGS = started()
SELECTING = started(carm=False, feature_gates={"IAMRoleSelector": True})


def known(annotations: Json | None = None, labels: Json | None = None, **more: Any) -> Identities:
    """Say what was read: everything, unless told otherwise."""
    read: Json = {"accounts": RoleMap({OTHER: role_of(OTHER)}), "teams": RoleMap(), "selectors_unread": ""}
    return Identities(
        namespaces={"shop": Namespace("shop", annotations or {}, labels or {})}, namespaces_unread="", **(read | more)
    )


def one(marks: Json | None = None, labels: Json | None = None, **status: Any) -> Resource:
    return decoded(function(metadata={"annotations": marks, "labels": labels}, status=status))


def unmade(marks: Json | None = None) -> Resource:
    """A resource that ACK has recorded nothing of."""
    return one(marks, ackResourceMetadata=None)


def certain(placement: Placement) -> Placement:
    assert (placement.unsure, placement.suspected) == ("", "")
    return placement


def harmless(placement: Placement) -> Placement:
    assert (placement.drift, placement.role_missing, placement.suspected, placement.obstacle) == ("", "", "", "")
    return placement


# ---- region ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marks", "namespace"),
    [
        (None, {}),
        ({REGION: "us-east-1"}, {}),
        ({}, {DEFAULT: "us-east-1"}),
        ({REGION: "us-east-1"}, {DEFAULT: "eu-west-1"}),
        ({}, {DEFAULT: ""}),
    ],
    ids=["by flags", "as annotated", "as the namespace has it", "the object overrules it", "an empty default"],
)
def test_a_region_that_is_as_recorded_is_no_drift(marks: Json | None, namespace: Json) -> None:
    assert harmless(certain(place(one(marks), known(namespace), FLAGS))).region == "us-east-1"


def test_the_annotation_of_the_object_is_compared_with_the_record() -> None:
    placement = certain(place(one({REGION: "eu-west-1"}), known({DEFAULT: "us-east-1"}), FLAGS))
    assert placement.drift == (
        "annotation services.k8s.aws/region says eu-west-1, status says us-east-1: "
        "ACK does nothing then, without a word"
    )
    assert placement.region == "us-east-1", "ACK would look where it made it"


def test_an_annotation_without_a_value_is_another_region_to_ack() -> None:
    assert place(one({REGION: ""}), known(), FLAGS).drift.startswith("annotation services.k8s.aws/region says nothing")


def test_a_region_annotation_is_drift_whatever_else_is_unread() -> None:
    placement = place(one({REGION: "eu-west-1"}))
    assert "annotation services.k8s.aws/region says eu-west-1" in placement.drift
    assert placement.unsure == "namespaces were not read", "of the account"


def test_the_default_of_the_namespace_is_compared_too() -> None:
    said = certain(place(one(), known({DEFAULT: "eu-west-1"}), FLAGS)).drift
    assert said.startswith("the namespace's services.k8s.aws/default-region says eu-west-1, status says us-east-1")


def test_so_is_the_controllers_own() -> None:
    said = certain(place(one(), known(), started(region="eu-west-1"))).drift
    assert said.startswith("the controller's --aws-region says eu-west-1, status says us-east-1")


def test_flags_that_cannot_be_seen_make_no_drift() -> None:
    """An ACK that EKS manages has no Deployment: a normal case, and nothing to be unsure of by itself."""
    assert harmless(certain(place(one(), known(), UNSEEN))).region == "us-east-1"


def test_the_namespaces_default_is_only_suspected_while_flags_cannot_be_seen() -> None:
    placement = place(one(), known({DEFAULT: "eu-west-1"}), UNSEEN)
    assert placement.drift == ""
    assert placement.suspected.startswith("the namespace's services.k8s.aws/default-region says eu-west-1")
    assert placement.obstacle == placement.suspected
    assert "heeds the namespace's services.k8s.aws/default-region cannot be seen" in placement.unsure


@pytest.mark.parametrize(
    "controller",
    [started(carm=False), started(watched_namespaces=("shop",))],
    ids=["CARM off", "one namespace watched"],
)
def test_without_its_caches_the_controller_reads_no_annotation_of_namespaces(controller: ControllerFacts) -> None:
    harmless(certain(place(one(), known({DEFAULT: "eu-west-1", ACCOUNT: OTHER, TEAM: "blue"}), controller)))


def test_of_several_watched_namespaces_it_reads_them() -> None:
    assert place(one(), known({DEFAULT: "eu-west-1"}), started(watched_namespaces=("shop", "pay"))).drift


@pytest.mark.parametrize("namespace", ["kube-system", "kube-public", "kube-node-lease"])
def test_of_the_clusters_own_namespaces_nothing_is_read(namespace: str) -> None:
    raw = function(namespace=namespace)
    read = Identities(namespaces={namespace: Namespace(namespace, {DEFAULT: "eu-west-1"})}, selectors_unread="")
    assert place(decoded(raw), read, FLAGS).drift == ""
    assert place(decoded(raw), read, SELECTING).drift, "the other cache of namespaces leaves none out"


def test_with_selectors_regions_of_namespaces_count_and_accounts_do_not() -> None:
    placement = certain(place(one(), known({DEFAULT: "eu-west-1", ACCOUNT: OTHER}), SELECTING))
    assert "default-region says eu-west-1" in placement.drift
    assert (placement.account, placement.role) == (OWN, None)


@pytest.mark.parametrize(
    ("marks", "namespace", "region"),
    [
        ({REGION: "eu-west-1"}, {DEFAULT: "eu-west-2"}, "eu-west-1"),
        ({}, {DEFAULT: "eu-west-2"}, "eu-west-2"),
        ({}, {}, "us-east-1"),
    ],
)
def test_what_is_not_made_yet_goes_where_it_is_asked_for(marks: Json, namespace: Json, region: str) -> None:
    assert harmless(certain(place(unmade(marks), known(namespace), FLAGS))).region == region


def test_where_only_flags_know_the_region_it_is_not_known() -> None:
    placement = harmless(certain(place(unmade(), known(), UNSEEN)))
    assert (placement.region, placement.account, placement.role) == (None, None, None)


# ---- what is recorded ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recorded", [None, {"arn": "arn:of:something"}])
def test_where_nothing_is_recorded_nothing_differs(recorded: Json | None) -> None:
    resource = one({REGION: "eu-west-1"}, ackResourceMetadata=recorded)
    harmless(certain(place(resource, known({ACCOUNT: OTHER}), FLAGS)))


@pytest.mark.parametrize("fields", [{}, {"region": "eu-west-1", "ownerAccountID": OTHER}], ids=["alone", "apart"])
def test_acks_own_fields_are_what_it_compares_and_an_arn_is_only_feared(fields: Json) -> None:
    recorded = {"arn": f"arn:aws:lambda:us-east-1:{OWN}:function:checkout", **fields}
    placement = place(one({REGION: "eu-west-1"}, ackResourceMetadata=recorded), known({ACCOUNT: OTHER}), FLAGS)
    assert placement.drift == ""
    assert "the ARN says us-east-1" in placement.suspected
    assert f"the namespace's {ACCOUNT}" in placement.suspected
    assert placement.obstacle == placement.suspected


TWO = (Install("a/a", Health.DOWN, "down"), Install("b/b", Health.ALIVE, "up"))


@pytest.mark.parametrize(
    "controller",
    [
        started("eu-west-1", installs=TWO),
        started("eu-west-1", watched_namespaces=("post", "office")),
        started("eu-west-1", watch_selector="team=post"),
        started("eu-west-1", unsure="feature-gates cannot be read"),
    ],
    ids=["one of several", "of other namespaces", "of other labels", "of flags unread"],
)
def test_a_controller_that_may_not_be_the_one_at_work_makes_no_drift(controller: ControllerFacts) -> None:
    """Another one works on the object, here or outside the cluster, and it may be down: it does what is to be done."""
    placement = place(one(), known({DEFAULT: "eu-central-1", ACCOUNT: OTHER}), controller)
    assert (placement.drift, placement.role_missing) == ("", "")
    assert "eu-central-1" in placement.suspected
    assert placement.unsure


def test_what_the_object_itself_says_is_certain_whoever_works_on_it() -> None:
    placement = place(one({REGION: "eu-west-1"}), known(), started(installs=TWO))
    assert "eu-west-1" in placement.drift


@pytest.mark.parametrize(("version", "claimed"), [("1.9.1", False), ("1.9.2", True), (None, True), ("latest", True)])
def test_a_controller_from_before_the_check_does_something_and_nobody_knows_what(
    version: str | None, *, claimed: bool
) -> None:
    """It goes on in the other place, finds nothing there, and drops its finalizer: the function is orphaned."""
    placement = place(one({REGION: "eu-west-1"}), known(), started(version=version))
    assert bool(placement.drift) is claimed
    assert bool(placement.suspected) is not claimed
    if not claimed:
        assert placement.suspected.endswith("a controller before 1.9.2 does not check that, and can look elsewhere")


def test_without_a_status_nothing_differs() -> None:
    raw = function(metadata={"annotations": {REGION: "eu-west-1"}}) | {"status": None}
    harmless(place(decoded(raw)))


def test_without_an_annotation_the_account_is_the_recorded_one() -> None:
    placement = harmless(certain(place(one(), known(), FLAGS)))
    assert (placement.account, placement.role, placement.because) == (OWN, None, "status")


def test_a_role_for_the_recorded_account_is_told() -> None:
    read = known(accounts=RoleMap({OWN: role_of(OWN)}))
    assert harmless(certain(place(one(), read, FLAGS))).role == role_of(OWN)


def test_a_role_of_another_account_may_not_be_looked_up_at_all() -> None:
    """Only the controller knows whether the recorded account is its own, for which it looks nothing up."""
    placement = harmless(certain(place(one(), known(accounts=RoleMap({OWN: role_of(OTHER)})), FLAGS)))
    assert (placement.account, placement.role) == (OWN, None)


# ---- the account of the namespace ------------------------------------------------------------------------------------


def test_the_account_of_the_namespace_is_that_of_its_role() -> None:
    placement = harmless(certain(place(unmade(), known({ACCOUNT: OTHER}), FLAGS)))
    assert (placement.account, placement.role) == (OTHER, role_of(OTHER))
    assert placement.because == f"the namespace's {ACCOUNT}"


def test_another_account_than_the_recorded_one_is_drift() -> None:
    said = certain(place(one(), known({ACCOUNT: OTHER}), FLAGS)).drift
    assert said.startswith(f"the namespace's services.k8s.aws/owner-account-id says {OTHER}, status says {OWN}")


def test_the_roles_account_counts_and_not_its_key() -> None:
    read = known({ACCOUNT: OWN}, accounts=RoleMap({OWN: role_of(THIRD)}))
    said = certain(place(one(), read, FLAGS)).drift
    assert said.startswith(f"the role in ConfigMap ack-system/ack-role-account-map for {OWN} says {THIRD}, status says")


@pytest.mark.parametrize(
    ("accounts", "said"),
    [
        (RoleMap(), f"there is no ConfigMap ack/ack-role-account-map with a role for {OTHER}"),
        (RoleMap({}), f"ConfigMap ack/ack-role-account-map has no role for {OTHER}"),
        (RoleMap({OTHER: ""}), f"ConfigMap ack/ack-role-account-map has an empty role for {OTHER}"),
        (RoleMap({OTHER: "ack"}), "is no ARN (ack): ACK does nothing then, without a word"),
    ],
    ids=["no map", "no key", "empty", "no ARN"],
)
def test_a_role_that_is_missing_is_told_with_map_and_key(accounts: RoleMap, said: str) -> None:
    placement = certain(place(one(), known({ACCOUNT: OTHER}, accounts=accounts), started(system_namespace="ack")))
    assert said in placement.role_missing
    assert placement.obstacle == placement.role_missing


def test_a_map_that_cannot_be_read_makes_no_claim() -> None:
    placement = place(one(), known({ACCOUNT: OTHER}, accounts=RoleMap(unread="ConfigMap: forbidden")), FLAGS)
    assert (placement.drift, placement.role_missing, placement.unsure) == ("", "", "ConfigMap: forbidden")
    assert f"says {OTHER}, status says {OWN}" in placement.suspected


def test_a_map_that_nobody_needs_leaves_nothing_unsure() -> None:
    harmless(certain(place(one(), known(accounts=RoleMap(unread="ConfigMap: forbidden")), FLAGS)))


@pytest.mark.parametrize("accounts", [RoleMap({OTHER: role_of(OTHER)}), RoleMap()])
def test_an_account_is_only_suspected_while_flags_cannot_be_seen(accounts: RoleMap) -> None:
    placement = place(one(), known({ACCOUNT: OTHER}, accounts=accounts), UNSEEN)
    assert (placement.drift, placement.role_missing) == ("", "")
    assert OTHER in placement.suspected
    assert "heeds the namespace's services.k8s.aws/owner-account-id cannot be seen" in placement.unsure


@pytest.mark.parametrize("gate", [True, False])
def test_a_role_for_this_service_alone_comes_first_under_its_gate(*, gate: bool) -> None:
    roles = RoleMap({OTHER: role_of(OTHER), f"lambda.{OTHER}": role_of(OTHER, "lambda-only")})
    controller = started(feature_gates={"ServiceLevelCARM": gate})
    placement = harmless(certain(place(unmade(), known({ACCOUNT: OTHER}, accounts=roles), controller)))
    assert placement.role == role_of(OTHER, "lambda-only" if gate else "ack")


def test_an_empty_role_for_this_service_falls_back_to_the_accounts() -> None:
    roles = RoleMap({OTHER: role_of(OTHER), f"lambda.{OTHER}": ""})
    controller = started(feature_gates={"ServiceLevelCARM": True})
    assert place(unmade(), known({ACCOUNT: OTHER}, accounts=roles), controller).role == role_of(OTHER)


def refused(account: str = OTHER, message: str = NO_ROLE) -> Json:
    reason = f'retrieving role ARN for account/team ID "{account}" from "ack-role-account-map" configmap: key not found'
    conditions = [
        {
            "type": "ACK.ResourceSynced",
            "status": "False",
            "lastTransitionTime": at(minutes=1),
            "message": message,
            "reason": reason,
        }
    ]
    recorded = {"ownerAccountID": OTHER, "region": "us-east-1"}
    return {"conditions": conditions, "ackResourceMetadata": recorded}


def test_that_the_controller_found_no_role_for_the_recorded_account_is_told_by_its_condition() -> None:
    lacking = known(accounts=RoleMap({}))
    assert OTHER in certain(place(one(**refused()), lacking, FLAGS)).role_missing
    assert certain(place(one(**refused()), lacking, UNSEEN)).role_missing
    for another in (refused(account=THIRD), refused(message="Resource not synced")):
        assert certain(place(one(**another), lacking, FLAGS)).role_missing == ""
    assert place(one(**refused()), lacking, started(carm=False)).role_missing == ""


def test_the_condition_tells_that_annotations_count_where_flags_cannot_be_seen() -> None:
    lacking = known({ACCOUNT: OTHER}, accounts=RoleMap({}))
    assert OTHER in certain(place(one(**refused()), lacking, UNSEEN)).role_missing
    assert place(one(**refused(account=THIRD)), lacking, UNSEEN).role_missing == ""


def test_a_role_that_is_there_by_now_is_not_missing() -> None:
    assert harmless(certain(place(one(**refused()), known(), FLAGS))).role == role_of(OTHER)


def test_who_watches_one_namespace_reads_no_map() -> None:
    said = certain(place(one(**refused()), known(), started(watched_namespaces=("shop",)))).role_missing
    assert said == "the controller watches a single namespace, and reads no role map then"


# ---- teams -----------------------------------------------------------------------------------------------------------

TEAMS = started(feature_gates={"TeamLevelCARM": True})


def test_a_team_comes_before_an_account_under_its_gate() -> None:
    read = known({TEAM: "blue", ACCOUNT: OTHER}, teams=RoleMap({"blue": role_of(THIRD)}))
    placement = harmless(certain(place(unmade(), read, TEAMS)))
    assert (placement.account, placement.role) == (THIRD, role_of(THIRD))
    assert placement.because == "the role in ConfigMap ack-system/ack-role-team-map for blue"
    assert place(unmade(), read, FLAGS).account == OTHER
    assert f"for blue says {THIRD}, status says {OWN}" in place(one(), read, TEAMS).drift


def test_a_team_without_a_role_is_told() -> None:
    placement = certain(place(unmade(), known({TEAM: "blue"}), TEAMS))
    assert "ack-role-team-map with a role for blue" in placement.role_missing
    assert placement.account is None


def test_a_team_of_whom_nothing_could_be_read_is_in_no_account() -> None:
    placement = place(unmade(), known({TEAM: "blue"}, teams=RoleMap(unread="forbidden")), TEAMS)
    assert (placement.account, placement.unsure, placement.obstacle) == (None, "forbidden", "")


# ---- IAMRoleSelectors ------------------------------------------------------------------------------------------------


def selecting(*selectors: RoleSelector, **more: Any) -> Identities:
    return known(selectors=selectors, **more)


ANY = RoleSelector(name="all", arn=role_of(OTHER, "selected"))


def test_the_one_selector_that_matches_gives_role_and_account() -> None:
    placement = harmless(certain(place(unmade(), selecting(ANY), SELECTING)))
    assert (placement.account, placement.role) == (OTHER, role_of(OTHER, "selected"))
    assert placement.because == "IAMRoleSelector all"


def test_its_account_can_be_another_than_the_recorded_one() -> None:
    said = certain(place(one(), selecting(ANY), SELECTING)).drift
    assert said.startswith(f"IAMRoleSelector all says {OTHER}, status says {OWN}")


def test_of_two_that_match_ack_takes_none() -> None:
    two = selecting(ANY, RoleSelector(name="again", arn=role_of(OWN)))
    placement = certain(place(one(), two, SELECTING))
    assert placement.role_missing == (
        "2 IAMRoleSelectors match it (again, all), ACK takes none: it does nothing then, without a word"
    )
    assert (placement.drift, placement.role) == ("", None)


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ({}, True),
        ({"namespaces": ("pay", "shop")}, True),
        ({"namespaces": ("pay",)}, False),
        ({"namespace_labels": {"team": "blue"}}, True),
        ({"namespace_labels": {"team": "blue", "tier": "gold"}}, False),
        ({"namespaces": ("shop",), "namespace_labels": {"team": "red"}}, False),
        ({"kinds": (KindSelector(kind="Function"),)}, True),
        ({"kinds": (KindSelector(kind="Alias"), KindSelector(group="lambda.services.k8s.aws"))}, True),
        ({"kinds": (KindSelector(group="s3.services.k8s.aws", kind="Function"),)}, False),
        ({"kinds": (KindSelector(version="v1"),)}, False),
        ({"labels": {"app": "checkout"}}, True),
        ({"labels": {"app": "cart"}}, False),
        ({"namespaces": ("shop",), "kinds": (KindSelector(kind="Function"),), "labels": {"app": "cart"}}, False),
    ],
)
def test_all_parts_of_a_selector_must_match(selector: Json, *, matches: bool) -> None:
    read = selecting(RoleSelector(name="it", arn=role_of(OTHER), **selector), labels={"team": "blue"})
    resource = one(labels={"app": "checkout"}, ackResourceMetadata=None)
    assert (place(resource, read, SELECTING).account == OTHER) is matches


def test_without_its_gate_no_selector_counts() -> None:
    harmless(certain(place(one(), selecting(ANY), FLAGS)))


def test_selectors_that_cannot_be_listed_make_no_claim() -> None:
    read = known({ACCOUNT: OTHER}, selectors_unread="IAMRoleSelectors: forbidden")
    placement = place(one(), read, SELECTING)
    assert (placement.obstacle, placement.unsure) == ("", "IAMRoleSelectors: forbidden")


def test_a_selector_is_only_suspected_while_flags_cannot_be_seen() -> None:
    placement = place(one(), selecting(ANY), UNSEEN)
    assert (placement.drift, placement.account) == ("", OTHER)
    assert placement.suspected.startswith("IAMRoleSelector all says")
    assert "heeds IAMRoleSelector all cannot be seen" in placement.unsure


@pytest.mark.parametrize("kind", ["ACK.IAMRoleSelected", "ACK.ReferencesResolved"])
def test_the_trace_of_a_selector_on_the_object_tells_that_they_count(kind: str) -> None:
    trace = f"roleARN: {role_of(OWN)}, selectorName: all, selectorResourceVersion: 7"
    resource = one(conditions=[{"type": kind, "status": "True", "reason": "Selected", "message": trace}])
    assert f"IAMRoleSelector all says {OTHER}" in certain(place(resource, selecting(ANY), UNSEEN)).drift
    assert place(resource, selecting(ANY), FLAGS).drift == "", "its flags are surer than a trace of before"


def test_references_that_are_resolved_are_no_trace() -> None:
    resource = one(conditions=[{"type": "ACK.ReferencesResolved", "status": "True"}])
    assert place(resource, selecting(ANY), UNSEEN).drift == ""


# ---- what was not read -----------------------------------------------------------------------------------------------


def test_a_namespace_that_was_not_read_leaves_account_and_region_unsure() -> None:
    placement = harmless(place(one(), Identities(namespaces_unread="namespaces could not be listed: 403"), FLAGS))
    assert placement.unsure == "namespaces could not be listed: 403"
    assert (placement.account, placement.region) == (OWN, "us-east-1")


def test_a_namespace_that_is_not_among_those_read_is_named() -> None:
    assert place(one(), Identities(namespaces_unread=""), FLAGS).unsure == "namespace shop was not read"


def test_by_default_nothing_is_known_and_nothing_is_claimed() -> None:
    assert harmless(place(one())).unsure
