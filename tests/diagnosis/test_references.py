"""Who waits for whom: the root of a chain is told, by what was followed, or by the controller's own words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.diagnosis import diagnose
from remediator.diagnosis.references import way_to_root, with_findings
from remediator.model.finding import Finding, FindingName, Remedy, State
from remediator.model.live import unreadable
from remediator.model.reference import Link, LinkState, Pointer, pointers, pointers_in
from remediator.model.reference_text import links_by_text
from tests.builders import Json, active, decoded, function, observe, other, synced, waiting

NOT_SYNCED = "the referenced resource is not synced yet. resource:{}, namespace:{}, name:{}"
TERMINAL = (
    "the referenced resource has 'ACK.Terminal' condition 'True'. Cannot be referenced. "
    "resource:{}, namespace:{}, name:{}"
)
ROLE = {"roleRef": {"from": {"name": "checkout"}}}
FUNCTION = {"functionName": None, "functionRef": {"from": {"name": "checkout"}}}


def found(raw: Json, *links: Link) -> Finding:
    finding = diagnose(observe(raw, active() if raw["kind"] == "Function" else unreadable("-"), references=links))
    assert finding is not None
    assert finding.name is FindingName.REFERENCES_UNRESOLVED
    return finding


def role(state: LinkState, why: str = "", *beneath: Link) -> Link:
    return Link("roleRef", "Role", "shop", "checkout", state, why, beneath=beneath)


def upstream(state: LinkState, why: str = "", *beneath: Link) -> Link:
    return Link("functionRef", "Function", "shop", "checkout", state, why, beneath=beneath)


@pytest.mark.parametrize(
    ("link", "said"),
    [
        (role(LinkState.MISSING), "roleRef refers to Role shop/checkout, which does not exist."),
        (
            role(LinkState.KIND_MISSING),
            "roleRef refers to Role shop/checkout, and roles.iam.services.k8s.aws is not installed in this cluster.",
        ),
        (
            Link("gadgetRef", "Gadget", "shop", "checkout", LinkState.KIND_MISSING),
            "gadgetRef refers to Gadget shop/checkout, and Gadget is not installed in this cluster.",
        ),
        (
            role(LinkState.TERMINAL, "Malformed policy."),
            "roleRef refers to Role shop/checkout, which ACK has given up on (Terminal): Malformed policy.",
        ),
        (role(LinkState.NOT_SYNCED), "roleRef refers to Role shop/checkout, which is not synced."),
        (
            role(LinkState.DELETING, "DeleteConflict"),
            "roleRef refers to Role shop/checkout, which is being deleted: DeleteConflict.",
        ),
        (
            role(LinkState.FORBIDDEN),
            "roleRef refers to Role shop/checkout, and the controller refuses references to another namespace "
            "(--enable-cross-namespace).",
        ),
        (
            role(LinkState.UNREADABLE, "forbidden"),
            "roleRef refers to Role shop/checkout, which could not be looked at (forbidden); the controller says: why.",
        ),
    ],
    ids=lambda each: each.state.name if isinstance(each, Link) else "",
)
def test_every_state_has_a_sentence(link: Link, said: str) -> None:
    assert found(function(conditions=waiting("why."), spec=ROLE), link).summary == said


def test_the_root_is_told_and_not_what_is_between() -> None:
    chain = upstream(
        LinkState.NOT_SYNCED,
        "Reference resolution failed",
        Link("vpcConfig.subnetRefs[0]", "Subnet", "net", "a", LinkState.READY),
        role(LinkState.NOT_SYNCED, "", Link("policyRefs[1]", "Policy", "iam", "p", LinkState.TERMINAL, "no such ARN")),
    )
    finding = found(other("Alias", conditions=waiting("why"), spec=FUNCTION), chain)
    assert finding.summary == (
        "functionRef refers to Function shop/checkout, which waits for Role shop/checkout (roleRef), which waits for "
        "Policy iam/p (policyRefs[1]), which ACK has given up on (Terminal): no such ARN."
    )
    assert finding.evidence["root"] == "Policy iam/p"
    assert finding.evidence["rootState"] == "terminal"
    assert finding.evidence["chain"].startswith("functionRef → Function shop/checkout → roleRef → Role")
    assert finding.remedy is Remedy.WAIT


def test_a_circle_has_no_beginning() -> None:
    circle = upstream(LinkState.NOT_SYNCED, "", Link("x", "Alias", "shop", "live", LinkState.CIRCULAR))
    finding = found(other("Alias", conditions=waiting("why"), spec=FUNCTION), circle)
    assert finding.summary == (
        "functionRef refers to Function shop/checkout, which waits for Alias shop/live (x), "
        "and these refer to each other in a circle: none of them can be the first."
    )


def test_what_is_wrong_with_the_function_is_said() -> None:
    (link,) = with_findings(
        [upstream(LinkState.NOT_SYNCED)], {("Function", "shop", "checkout"): FindingName.CREATE_FAILED}
    )
    finding = found(other("Alias", conditions=waiting("why"), spec=FUNCTION), link)
    assert finding.summary.endswith("which is not synced. It is itself CreateFailed; look there first.")


def test_findings_reach_the_deepest_link_and_no_other_of_that_name() -> None:
    links = [upstream(LinkState.NOT_SYNCED, "", role(LinkState.NOT_SYNCED))]
    known = {("Role", "shop", "checkout"): FindingName.TERMINAL_ERROR, ("Alias", "shop", "checkout"): "x"}
    (link,) = with_findings(links, known)  # type: ignore[arg-type]
    assert (link.finding, link.beneath[0].finding) == ("", "TerminalError")


def test_what_has_become_ready_is_said_to_be() -> None:
    finding = found(function(conditions=waiting("why"), spec=ROLE), role(LinkState.READY))
    assert finding.summary.startswith("All that it refers to is ready by now; the controller, which tries within 17")


@pytest.mark.parametrize(
    "said",
    [
        "both resource reference wrapper and ID cannot be used together: FunctionName,FunctionRef",
        "resource reference wrapper or ID required: FunctionName,FunctionRef",
        "provided resource reference is nil or empty: FunctionRef",
    ],
)
def test_a_mistake_in_the_spec_is_stuck_at_once(said: str) -> None:
    finding = found(other("Alias", conditions=waiting(said)))
    assert (finding.state, finding.remedy) == (State.STUCK, Remedy.REPORT)
    assert finding.summary == f"The references in its spec are wrong, and waiting cures nothing: {said}"


# ---- by the controller's words alone ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ('no matches for kind "Role" in version "iam.services.k8s.aws/v1alpha1"', LinkState.KIND_MISSING),
        ('roles.iam.services.k8s.aws "checkout" not found', LinkState.MISSING),
        ('Role.iam.services.k8s.aws "checkout" not found', None),
        ('buckets.s3.services.k8s.aws "checkout" not found', None),
        (NOT_SYNCED.format("Role", "shop", "checkout"), LinkState.NOT_SYNCED),
        (NOT_SYNCED.format("Role", "shop", "another"), None),
        (TERMINAL.format("Role", "shop", "checkout"), LinkState.TERMINAL),
        (
            "the referenced resource is missing the target field. resource:Role, namespace:shop, name:checkout, "
            "targetField:Status.ACKResourceMetadata.ARN",
            LinkState.NOT_SYNCED,
        ),
        ("something else. resource:Role, namespace:shop, name:checkout", None),
        (
            "cross-namespace resource reference is not allowed. Set --enable-cross-namespace=true to allow it. "
            "sourceNamespace:live, targetNamespace:shop, name:checkout",
            LinkState.FORBIDDEN,
        ),
        ("cross-namespace resource reference is not allowed", None),
        ("dial tcp: i/o timeout", None),
    ],
)
def test_the_controllers_words_are_read(said: str, state: LinkState | None) -> None:
    links = links_by_text(decoded(function(conditions=waiting(said), spec=ROLE)))
    assert [each.state for each in links] == ([] if state is None else [state])
    assert all((each.field, each.kind, each.name) == ("roleRef", "Role", "checkout") for each in links)
    if state is None:
        assert said in found(function(conditions=waiting(said), spec=ROLE)).summary


def test_the_missing_field_is_named() -> None:
    said = "the referenced resource is missing the target field. resource:Role, namespace:shop, name:checkout, " + (
        "targetField:Status.ACKResourceMetadata.ARN"
    )
    summary = found(function(conditions=waiting(said), spec=ROLE)).summary
    assert summary.endswith("which is not synced: it has no Status.ACKResourceMetadata.ARN yet.")


def test_words_speak_of_the_first_that_they_fit() -> None:
    refs = [{"from": {"name": name}} for name in ("a", "b")]
    raw = function(conditions=waiting('no matches for kind "Subnet" in version "ec2.services.k8s.aws/v1alpha1"'))
    raw["spec"] |= {"vpcConfig": {"subnetRefs": refs}}
    assert [each.field for each in links_by_text(decoded(raw))] == ["vpcConfig.subnetRefs[0]"]


def test_where_all_is_resolved_nothing_is_said() -> None:
    resolved = [{"type": "ACK.ReferencesResolved", "status": "True"}]
    assert links_by_text(decoded(function(conditions=[*synced(), *resolved], spec=ROLE))) == ()


# ---- which fields refer ----------------------------------------------------------------------------------------------


def test_every_reference_of_a_function_is_found_in_acks_order() -> None:
    spec: Json = {
        "vpcConfig": {
            "subnetRefs": [{"from": {"name": "s0", "namespace": "net"}}, {"from": {}}, {"from": {"name": "s2"}}],
            "securityGroupRefs": [{"from": {"name": "g"}}],
        },
        "roleRef": {"from": {"name": "r"}},
        "kmsKeyRef": {"from": {"name": "k"}},
        "codeSigningConfigRef": {"from": {"name": "c"}},
        "code": {"s3BucketRef": {"from": {"name": "b"}}},
    }
    assert pointers(decoded(function(spec=spec))) == (
        Pointer("code.s3BucketRef", "Bucket", "shop", "b"),
        Pointer("codeSigningConfigRef", "CodeSigningConfig", "shop", "c"),
        Pointer("kmsKeyRef", "Key", "shop", "k"),
        Pointer("roleRef", "Role", "shop", "r"),
        Pointer("vpcConfig.securityGroupRefs[0]", "SecurityGroup", "shop", "g"),
        Pointer("vpcConfig.subnetRefs[0]", "Subnet", "net", "s0"),
        Pointer("vpcConfig.subnetRefs[2]", "Subnet", "shop", "s2"),
    )


@pytest.mark.parametrize("kind", ["Alias", "Version", "FunctionURLConfig", "EventSourceMapping"])
def test_what_belongs_to_a_function_refers_to_it(kind: str) -> None:
    assert pointers(decoded(other(kind, spec=FUNCTION))) == (Pointer("functionRef", "Function", "shop", "checkout"),)


def test_a_mapping_refers_to_its_sources() -> None:
    spec = {"eventSourceRef": {"from": {"name": "kafka"}}, "queueRefs": [{"from": {"name": "mq"}}]}
    told = [(each.kind, each.name) for each in pointers(decoded(other("EventSourceMapping", spec=spec)))]
    assert told == [("Cluster", "kafka"), ("Broker", "mq")]


def test_what_has_no_spec_refers_to_nothing() -> None:
    raw = function()
    del raw["spec"]
    assert pointers(decoded(raw)) == ()


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["from", "name", "routes", "gatewayRef", "vpcRef"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(kind=st.sampled_from(["RouteTable", "Role", "Subnet", "Function", "Unknown"]), spec=json)
def test_whatever_shape_a_spec_has_nothing_breaks(kind: str, spec: Any) -> None:
    assert all(each.name for each in pointers_in(kind, "shop", spec))


links = st.recursive(
    st.builds(Link, st.just("f"), st.just("K"), st.just("n"), st.sampled_from("abc"), st.sampled_from(LinkState)),
    lambda inner: st.builds(
        lambda state, beneath: Link("f", "K", "n", "x", state, beneath=tuple(beneath)),
        st.sampled_from(LinkState),
        st.lists(inner, max_size=3),
    ),
    max_leaves=12,
)


@given(tree=st.lists(links, max_size=3))
def test_the_way_ends_at_what_waits_for_nothing_else(tree: list[Link]) -> None:
    way = way_to_root(tree)
    assert bool(way) == any(not each.ready for each in tree)
    assert not any(each.ready for each in way)
    if way:
        assert all(each.ready for each in way[-1].beneath)
        finding = found(function(conditions=waiting("why"), spec=ROLE), *tree)
        assert str(way[-1]) in finding.summary
