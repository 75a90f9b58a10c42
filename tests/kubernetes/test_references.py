"""References followed from object to object on an API server: each is read once, and none of them ends a pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remediator.kubernetes import references as module
from remediator.kubernetes.references import References
from remediator.kubernetes.resources import KubernetesCluster
from remediator.kubernetes.transport import Transport
from remediator.model.kind import KINDS
from remediator.model.reference import Link, LinkState
from remediator.sandbox.apiserver import ApiServer
from tests.builders import Json, decoded, definition, failing, function, other, synced, waiting

NOT_SYNCED = "the referenced resource is not synced yet. resource:{}, namespace:{}, name:{}"
SECRET = "correct-horse-battery"


Plant = Callable[..., None]


@pytest.fixture
def plant(api: ApiServer) -> Plant:
    """Put an object there; its kind is served from then on."""

    def put(raw: Json) -> None:
        kind = KINDS[raw["kind"]]
        if not kind.group.startswith("lambda."):
            api.seed(definition(kind.name))
        metadata = {key: value for key, value in raw["metadata"].items() if key != "uid"}
        api.seed({**raw, "apiVersion": f"{kind.group}/v1alpha1", "metadata": metadata})

    return put


def to(name: str, **more: str) -> Json:
    return {"from": {"name": name, **more}}


def alias(**more: Any) -> Json:
    spec = {"functionName": None, "functionRef": to("checkout")}
    return other("Alias", conditions=waiting(NOT_SYNCED.format("Function", "shop", "checkout")), spec=spec, **more)


def told(links: tuple[Link, ...]) -> list[tuple[str, str, LinkState]]:
    """Flatten a tree: every field, what it leads to and how that stands."""
    return [
        line
        for each in links
        for line in ((each.field, str(each), each.state), *((f"  {a}", b, c) for a, b, c in told(each.beneath)))
    ]


@pytest.mark.parametrize(
    ("conditions", "deleted", "state", "why"),
    [
        (synced(), False, LinkState.READY, ""),
        (synced(), True, LinkState.READY, "being deleted"),
        (failing("SomethingException: x"), False, LinkState.NOT_SYNCED, "SomethingException: x"),
        (failing("DeleteConflict: x"), True, LinkState.DELETING, "DeleteConflict: x"),
        ([], False, LinkState.NOT_SYNCED, "no controller has ever looked at it"),
        ([{"type": "ACK.Terminal", "status": "True", "message": "bad"}], False, LinkState.TERMINAL, "bad"),
        ([{"type": "ACK.Terminal", "status": "True"}, *synced()], False, LinkState.TERMINAL, ""),
        ([{"type": "ACK.Terminal", "status": "False"}, *synced()], False, LinkState.READY, ""),
    ],
)
def test_what_is_referred_to_stands_as_ack_sees_it(
    transport: Transport, plant: Plant, conditions: list[Json], deleted: bool, state: LinkState, why: str
) -> None:
    raw = other("Role", "checkout", conditions=conditions)
    if deleted:
        raw["metadata"]["deletionTimestamp"] = "2026-11-21T11:00:00Z"
    plant(raw)
    links = References(transport).of(decoded(function(spec={"roleRef": to("checkout")})))
    assert [(each.field, each.state, each.why) for each in links] == [("roleRef", state, why)]


def test_what_is_not_there_is_told_from_a_kind_that_is_not_installed(transport: Transport, plant: Plant) -> None:
    plant(other("Role", "another"))
    spec = {"roleRef": to("checkout"), "kmsKeyRef": to("key")}
    links = References(transport).of(decoded(function(spec=spec)))
    assert told(links) == [
        ("kmsKeyRef", "Key shop/key", LinkState.KIND_MISSING),
        ("roleRef", "Role shop/checkout", LinkState.MISSING),
    ]


def test_a_chain_is_followed_as_far_as_it_is_not_ready(transport: Transport, plant: Plant, asked: list[str]) -> None:
    plant(
        function(
            conditions=waiting(NOT_SYNCED.format("Role", "iam", "app")), spec={"roleRef": to("app", namespace="iam")}
        )
    )
    plant(other("Role", "app", namespace="iam", conditions=waiting("x"), spec={"policyRefs": [to("a"), to("b")]}))
    plant(other("Policy", "a", namespace="iam", spec={"vpcRef": to("never")}))
    links = References(transport).of(decoded(alias()))
    assert told(links) == [
        ("functionRef", "Function shop/checkout", LinkState.NOT_SYNCED),
        ("  roleRef", "Role iam/app", LinkState.NOT_SYNCED),
        ("    policyRefs[0]", "Policy iam/a", LinkState.READY),
        ("    policyRefs[1]", "Policy iam/b", LinkState.MISSING),
    ]
    assert links[0].why == NOT_SYNCED.format("Role", "iam", "app")
    assert len(asked) == 4


def test_what_resolved_its_own_references_is_followed_no_further(transport: Transport, plant: Plant) -> None:
    resolved = [{"type": "ACK.ReferencesResolved", "status": "True"}, *failing("x")]
    plant(function(conditions=resolved, spec={"roleRef": to("app")}))
    assert told(References(transport).of(decoded(alias()))) == [
        ("functionRef", "Function shop/checkout", LinkState.NOT_SYNCED)
    ]


def test_each_object_is_read_once_a_pass(
    transport: Transport, plant: Plant, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(function(conditions=failing("x")))
    cluster = KubernetesCluster(transport)
    for name in ("live", "blue", "green"):
        assert cluster.references(decoded(alias(name=name)))[0].state is LinkState.NOT_SYNCED
    assert len(asked) == 1
    plant(function(conditions=synced()))
    list(cluster.resources())  # the next pass begins
    assert cluster.references(decoded(alias()))[0].state is LinkState.READY


def test_what_we_may_not_read_is_told_by_the_controllers_words(api: ApiServer, transport: Transport) -> None:
    api.refuse("get", "roles", code=403, reason="Forbidden", message="roles is forbidden")
    unread = decoded(function(spec={"roleRef": to("checkout")}))
    waits = decoded(
        function(conditions=waiting(NOT_SYNCED.format("Role", "shop", "checkout")), spec={"roleRef": to("checkout")})
    )
    api.seed(definition("Role"))
    (link,) = References(transport).of(unread)
    assert link.state is LinkState.UNREADABLE
    assert "roles is forbidden" in link.why
    (link,) = References(transport).of(waits)
    assert (link.state, link.why) == (LinkState.NOT_SYNCED, "")


def test_another_namespace_that_the_controller_refuses_is_not_looked_into(
    transport: Transport, asked: list[str]
) -> None:
    said = (
        "cross-namespace resource reference is not allowed. Set --enable-cross-namespace=true to allow it. "
        "sourceNamespace:shop, targetNamespace:iam, name:app"
    )
    raw = function(conditions=waiting(said, "False"), spec={"roleRef": to("app", namespace="iam")})
    assert told(References(transport).of(decoded(raw))) == [("roleRef", "Role iam/app", LinkState.FORBIDDEN)]
    assert asked == []


def test_secrets_of_what_is_referred_to_stay_there(transport: Transport, plant: Plant) -> None:
    environment = {"environment": {"variables": {"PASSWORD": SECRET}}}
    plant(function(conditions=failing(f"InvalidParameterValueException: {SECRET}"), spec=environment))
    (link,) = References(transport).of(decoded(alias()))
    assert link.why == "InvalidParameterValueException: •••"


def test_a_long_complaint_is_cut(transport: Transport, plant: Plant) -> None:
    plant(function(conditions=failing("x" * 5000)))
    (link,) = References(transport).of(decoded(alias()))
    assert len(link.why) == 301


@pytest.mark.parametrize("spec", [{"environment": "none"}, {"environment": None}, {}])
def test_a_spec_of_another_shape_is_borne(transport: Transport, plant: Plant, spec: Json) -> None:
    plant(other("Role", "checkout", spec=spec))
    (link,) = References(transport).of(decoded(function(spec={"roleRef": to("checkout")})))
    assert link.state is LinkState.READY


def test_names_stay_names(transport: Transport, asked: list[str]) -> None:
    raw = function(spec={"roleRef": to("../../../secrets/x", namespace="../y")})
    References(transport).of(decoded(raw))
    assert asked == ["/apis/iam.services.k8s.aws/v1alpha1/namespaces/..%2Fy/roles/..%2F..%2F..%2Fsecrets%2Fx"]


# ---- circles ---------------------------------------------------------------------------------------------------------


def test_a_circle_ends(transport: Transport, plant: Plant) -> None:
    plant(other("RouteTable", "a", conditions=waiting("x"), spec={"routes": [{"vpcEndpointRef": to("b")}]}))
    plant(other("VPCEndpoint", "b", conditions=waiting("x"), spec={"routeTableRefs": [to("a")]}))
    plant(other("Subnet", "net", conditions=waiting("x"), spec={"routeTableRefs": [to("a")]}))
    raw = function(conditions=waiting("x"), spec={"vpcConfig": {"subnetRefs": [to("net")]}})
    assert told(References(transport).of(decoded(raw))) == [
        ("vpcConfig.subnetRefs[0]", "Subnet shop/net", LinkState.NOT_SYNCED),
        ("  routeTableRefs[0]", "RouteTable shop/a", LinkState.NOT_SYNCED),
        ("    routes[0].vpcEndpointRef", "VPCEndpoint shop/b", LinkState.NOT_SYNCED),
        ("      routeTableRefs[0]", "RouteTable shop/a", LinkState.CIRCULAR),
    ]


class _Graph(Transport):
    """Route tables that refer to endpoints, and those to route tables, as they are told to."""

    def __init__(self, edges: dict[str, list[str]]) -> None:
        self.edges = edges
        self.asked: list[str] = []

    def get(self, path: str, query: Any = None) -> bytes:
        import msgspec

        plural, name = path.rsplit("/", 2)[1:]
        self.asked.append(path)
        names = [to(each) for each in self.edges.get(f"{plural}/{name}", [])]
        spec = {"routes": [{"vpcEndpointRef": each} for each in names], "routeTableRefs": names}
        return msgspec.json.encode({"metadata": {"name": name}, "spec": spec, "status": {"conditions": waiting("x")}})


nodes = [f"{plural}/{name}" for plural in ("routetables", "vpcendpoints") for name in "abc"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edges=st.dictionaries(st.sampled_from(nodes), st.lists(st.sampled_from("abc"), max_size=4)),
    start=st.lists(st.sampled_from("abc"), min_size=1, max_size=3),
)
def test_whatever_refers_to_whatever_it_ends_and_reads_nothing_twice(
    edges: dict[str, list[str]], start: list[str]
) -> None:
    graph = _Graph(edges)
    raw = function(conditions=waiting("x"), spec={"vpcConfig": {"subnetRefs": [to(each) for each in start]}})
    graph.edges |= {f"subnets/{each}": [each] for each in "abc"}
    links = References(graph).of(decoded(raw))
    assert len(graph.asked) == len(set(graph.asked))
    lines = told(links)
    assert len(lines) <= module._MOST
    assert max(len(field) - len(field.lstrip()) for field, _, _ in lines) <= 2 * module._DEEPEST
