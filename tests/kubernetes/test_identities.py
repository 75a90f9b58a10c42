"""What says account, role and region is read as far as it may be, and what may not be is told."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.kubernetes.resources import KubernetesCluster
from remediator.kubernetes.transport import Transport
from remediator.model.controller import ControllerFacts
from remediator.model.identities import KindSelector, RoleMap, RoleSelector
from remediator.sandbox.apiserver import ApiServer
from tests.kubernetes.conftest import Connect
from tests.wire import Wire, status

UNSEEN = ControllerFacts()
ROLE = "arn:aws:iam::444455556666:role/ack"


def started(**flags: Any) -> ControllerFacts:
    return ControllerFacts(deployment="ack-system/ack-lambda-controller", **flags)


@pytest.fixture
def cluster(transport: Transport) -> KubernetesCluster:
    return KubernetesCluster(transport)


def seed(api: ApiServer, kind: str, name: str, namespace: str | None = None, **more: Any) -> None:
    where = {"namespace": namespace} if namespace else {}
    api.seed(
        {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, **where, **more.pop("metadata", {})}, **more}
    )


def team(api: ApiServer, name: str = "shop") -> None:
    seed(api, "Namespace", name, metadata={"annotations": {"services.k8s.aws/team-id": "blue"}})


def forbid(api: ApiServer, verb: str, resource: str) -> None:
    api.refuse(verb, resource, code=403, reason="Forbidden", message=f"{resource} are not yours")


# ---- namespaces ------------------------------------------------------------------------------------------------------


def test_namespaces_are_read_in_one_list(api: ApiServer, cluster: KubernetesCluster) -> None:
    for name in ("shop", "pay"):
        seed(api, "Namespace", name)
    forbid(api, "get", "namespaces")
    found = cluster.identities(["shop", "pay"], UNSEEN)
    assert {"shop", "pay"} <= found.namespaces.keys()
    assert found.namespaces_unread == ""


def test_who_may_not_list_them_reads_one_at_a_time(api: ApiServer, cluster: KubernetesCluster) -> None:
    for name in ("shop", "pay"):
        seed(api, "Namespace", name)
    forbid(api, "list", "namespaces")
    found = cluster.identities(["shop", "pay", "nowhere"], UNSEEN)
    assert found.namespaces.keys() == {"shop", "pay"}
    assert found.namespaces_unread.startswith("namespace nowhere could not be read: ")


def test_one_alone_is_read_by_itself(api: ApiServer, cluster: KubernetesCluster) -> None:
    seed(api, "Namespace", "shop")
    forbid(api, "list", "namespaces")
    assert cluster.identities(["shop"], UNSEEN).namespaces.keys() == {"shop"}


def test_namespaces_that_cannot_be_read_end_nothing(api: ApiServer, cluster: KubernetesCluster) -> None:
    seed(api, "ConfigMap", "ack-role-account-map", "ack-system", data={"444455556666": ROLE})
    forbid(api, "*", "namespaces")
    found = cluster.identities(["shop", "pay"], UNSEEN)
    assert (found.namespaces, found.accounts) == ({}, RoleMap({"444455556666": ROLE}))
    assert "namespaces are not yours" in found.namespaces_unread


def test_an_api_server_that_fails_is_told_and_not_asked_once_more_for_each(connect: Connect) -> None:
    broken = status(500, "etcd is away")
    with Wire(*[broken] * 9) as wire:
        found = KubernetesCluster(connect(wire.url)).identities(["shop", "pay"], UNSEEN)
    assert found.namespaces_unread == "namespaces could not be listed: the API server answered 500: etcd is away"
    assert "could not be read: the API server answered 500" in found.accounts.unread
    assert "IAMRoleSelectors could not be listed: the API server answered 500" in found.selectors_unread
    assert len(wire.heard) == 3


# ---- role maps -------------------------------------------------------------------------------------------------------


def test_role_maps_are_read_where_the_controller_reads_them(api: ApiServer, cluster: KubernetesCluster) -> None:
    team(api)
    seed(api, "ConfigMap", "ack-role-account-map", "ack", data={"444455556666": ROLE})
    seed(api, "ConfigMap", "ack-role-team-map", "ack")
    gated = started(system_namespace="ack", feature_gates={"TeamLevelCARM": True})
    found = cluster.identities(["shop"], gated)
    assert (found.accounts, found.teams) == (RoleMap({"444455556666": ROLE}), RoleMap({}))
    elsewhere = cluster.identities(["shop"], UNSEEN)
    assert (elsewhere.accounts, elsewhere.teams) == (RoleMap(), RoleMap()), "there is none in ack-system"


def test_a_map_that_may_not_be_read_is_told(api: ApiServer, cluster: KubernetesCluster) -> None:
    team(api)
    forbid(api, "get", "configmaps")
    found = cluster.identities(["shop"], UNSEEN)
    for each, name in ((found.accounts, "ack-role-account-map"), (found.teams, "ack-role-team-map")):
        assert each.roles is None
        assert each.unread.startswith(f"ConfigMap ack-system/{name} could not be read: ")


@pytest.mark.parametrize(
    "controller", [started(), started(carm=False, feature_gates={"TeamLevelCARM": True})], ids=["no gate", "CARM off"]
)
def test_a_map_of_teams_that_cannot_matter_is_not_read(
    api: ApiServer, cluster: KubernetesCluster, controller: ControllerFacts
) -> None:
    team(api)
    assert cluster.identities(["shop"], controller).teams.unread == "ConfigMap ack-role-team-map was not read"


def test_without_carm_no_map_of_accounts_is_read(cluster: KubernetesCluster) -> None:
    assert "was not read" in cluster.identities(["default"], started(carm=False)).accounts.unread
    assert cluster.identities(["default"], started()).accounts == RoleMap()


# ---- IAMRoleSelectors ------------------------------------------------------------------------------------------------

SELECTING = started(carm=False, feature_gates={"IAMRoleSelector": True})


@pytest.fixture
def selectors(transport: Transport, api: ApiServer) -> Any:
    """Make the kind known, and return what seeds one of it."""
    group = "services.k8s.aws"
    open_schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"iamroleselectors.{group}"},
        "spec": {
            "group": group,
            "scope": "Cluster",
            "names": {
                "plural": "iamroleselectors",
                "singular": "iamroleselector",
                "kind": "IAMRoleSelector",
                "listKind": "IAMRoleSelectorList",
            },
            "versions": [
                {"name": "v1alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": open_schema}}
            ],
        },
    }
    transport.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)

    def make(name: str, **spec: Any) -> None:
        api.seed(
            {
                "apiVersion": f"{group}/v1alpha1",
                "kind": "IAMRoleSelector",
                "metadata": {"name": name},
                "spec": {"arn": ROLE} | spec,
            }
        )

    return make


def test_selectors_are_listed_as_ack_reads_them(selectors: Any, cluster: KubernetesCluster) -> None:
    selectors("all")
    selectors(
        "narrow",
        namespaceSelector={"names": ["shop"], "labelSelector": {"matchLabels": {"team": "blue"}}},
        resourceTypeSelector=[{"group": "lambda.services.k8s.aws", "version": "v1alpha1", "kind": "Function"}],
        resourceLabelSelector={"matchLabels": {"app": "checkout"}},
    )
    found = cluster.identities(["default"], SELECTING)
    assert found.selectors == (
        RoleSelector(name="all", arn=ROLE),
        RoleSelector(
            name="narrow",
            arn=ROLE,
            namespaces=("shop",),
            namespace_labels={"team": "blue"},
            kinds=(KindSelector("lambda.services.k8s.aws", "v1alpha1", "Function"),),
            labels={"app": "checkout"},
        ),
    )
    assert found.selectors_unread == ""


@pytest.mark.parametrize(
    "spec",
    [
        {"arn": ""},
        {"arn": "ack"},
        {"arn": "arn:aws:iam"},
        {"namespaceSelector": {"names": ["shop", "shop"]}},
        {"namespaceSelector": {"names": [""]}},
        {"namespaceSelector": {"names": [], "labelSelector": {"matchLabels": {"": "x"}}}},
        {"resourceTypeSelector": [{"kind": "Function"}, {"kind": "Function"}]},
        {"resourceTypeSelector": [{}]},
        {"resourceLabelSelector": {"matchLabels": {"": "x"}}},
    ],
)
def test_what_ack_leaves_out_as_invalid_selects_nothing(
    selectors: Any, cluster: KubernetesCluster, spec: dict[str, Any]
) -> None:
    selectors("invalid", **spec)
    assert cluster.identities(["default"], SELECTING).selectors == ()


def test_a_cluster_without_the_kind_has_none(cluster: KubernetesCluster) -> None:
    found = cluster.identities(["default"], SELECTING)
    assert (found.selectors, found.selectors_unread) == ((), "")


def test_they_are_not_asked_for_without_their_gate(selectors: Any, cluster: KubernetesCluster) -> None:
    selectors("all")
    assert cluster.identities(["default"], started()).selectors == ()
    assert len(cluster.identities(["default"], UNSEEN).selectors) == 1, "its flags cannot be seen"


def test_selectors_that_may_not_be_listed_are_told(selectors: Any, api: ApiServer, cluster: KubernetesCluster) -> None:
    selectors("all")
    forbid(api, "list", "iamroleselectors")
    found = cluster.identities(["default"], SELECTING)
    assert found.selectors == ()
    assert found.selectors_unread.startswith("IAMRoleSelectors could not be listed: ")
