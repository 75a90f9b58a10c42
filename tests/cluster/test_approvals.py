"""Who may approve, held by the API server itself."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from remediator.kubernetes.approvals import approvals_guard
from remediator.kubernetes.connection import Connection
from remediator.kubernetes.remediation_object import collection, new_object
from remediator.kubernetes.transport import Transport
from remediator.model.episode import Phase
from remediator.model.resource import Resource
from tests.bed.api import Refused
from tests.cluster.records import Person, Records, approval, target
from tests.spells import DIGEST, OTHER_DIGEST, finding, plan

NOBODYS = "ack-remediator-approvals"


@pytest.fixture
def checkout(records: Records, shop: str) -> Resource:
    """Something that is stuck, with a proposal that waits for a person."""
    resource, store, now = target(shop), records.store(), datetime.now(UTC)
    assert store.load(now) == ()
    store.sighted(resource, finding(), now)
    store.proposed(resource, plan(resource=resource), now)
    assert store.save(now) == ()
    assert records.read(resource)["status"]["phase"] == Phase.AWAITING_APPROVAL
    return resource


@pytest.fixture(scope="module")
def names() -> Iterator[str]:
    return (f"person-{number}" for number in range(1000))


@pytest.fixture
def alice(records: Records, shop: str, names: Iterator[str]) -> Person:
    """May approve in the target's namespace."""
    return records.person(next(names), shop)


@pytest.fixture
def bob(records: Records, names: Iterator[str]) -> Person:
    """May patch Remediations, and approve nowhere."""
    return records.person(next(names))


def approved(records: Records, resource: Resource, after: timedelta = timedelta(0)) -> bool:
    """Say whether a store that reads it now takes it for approved, so much later."""
    store, now = records.store(), datetime.now(UTC)
    assert store.load(now) == ()
    episode = store.episode(resource.metadata.uid)
    assert episode is not None
    return episode.approved(store.approval(resource.metadata.uid), now + timedelta(seconds=2) + after)


def refused(records: Records, person: Person, resource: Resource, body: dict[str, Any]) -> str:
    with pytest.raises(Refused) as refusal:
        person.api.merge(records.path(resource), body)
    assert refusal.value.status == 403
    return refusal.value.message


def test_a_permitted_person_approves_with_kubectl_and_the_store_reads_who_and_when(
    records: Records, checkout: Resource, alice: Person
) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    alice.api.merge(records.path(checkout), approval(alice, ticket="OPS-1"), fieldManager="kubectl-patch")
    store = records.store()
    store.load(datetime.now(UTC))
    word = store.approval(checkout.metadata.uid)
    assert word is not None
    assert (word.approved_by, word.digest, word.ticket) == (alice.name, DIGEST, "OPS-1")
    assert word.at is not None
    assert before <= word.at <= datetime.now(UTC)
    assert approved(records, checkout)


def test_an_approval_expires(records: Records, checkout: Resource, alice: Person) -> None:
    alice.api.merge(records.path(checkout), approval(alice))
    assert approved(records, checkout, timedelta(hours=23, minutes=59))
    assert not approved(records, checkout, timedelta(hours=24))


def test_a_time_that_a_person_writes_is_dropped(records: Records, checkout: Resource, alice: Person) -> None:
    alice.api.merge(records.path(checkout), approval(alice, at="2031-01-01T00:00:00Z"))
    assert "at" not in records.read(checkout)["spec"]["approval"]
    assert approved(records, checkout)


def test_the_remediator_cannot_approve(records: Records, checkout: Resource, shop: str) -> None:
    """Its role does not let it; and were that widened by mistake, the policy still tells it from a person."""
    myself = Person(f"system:serviceaccount:{records.home}:ack-remediator", records.myself())
    assert 'cannot patch resource "remediations"' in refused(records, myself, checkout, approval(myself))
    records.allow("ack-remediator", records.home, in_namespaces=(records.home, shop))
    assert "for a person to approve" in refused(records, myself, checkout, approval(myself))


def test_the_remediator_cannot_say_in_the_status_that_something_is_approved(
    records: Records, checkout: Resource, alice: Person
) -> None:
    body = approval(alice) | {"status": {"phase": "Approved"}}
    records.myself().merge(f"{records.path(checkout)}/status", body)
    assert "approval" not in records.read(checkout)["spec"]


def test_nobody_approves_in_anothers_name(records: Records, checkout: Resource, alice: Person, bob: Person) -> None:
    message = refused(records, alice, checkout, approval(bob))
    assert f"the API server knows you as {alice.name}" in message
    assert NOBODYS in message


def test_nobody_approves_without_the_verb_in_the_targets_namespace(
    records: Records, checkout: Resource, shop: str, bob: Person
) -> None:
    assert f"may not approve remediations in namespace {shop}" in refused(records, bob, checkout, approval(bob))


def test_the_verb_in_another_namespace_is_of_no_use(
    records: Records, checkout: Resource, api_namespace: str, names: Iterator[str]
) -> None:
    carol = records.person(next(names), api_namespace)
    assert "may not approve" in refused(records, carol, checkout, approval(carol))


@pytest.mark.parametrize(
    "word",
    [
        {"approval": {"approvedBy": "admin", "digest": DIGEST}},
        {"rejection": {"rejectedBy": "admin", "digest": DIGEST}},
        {"release": {"requestedBy": "admin"}},
    ],
)
def test_nothing_is_approved_on_create(records: Records, shop: str, word: dict[str, Any]) -> None:
    body = new_object(target(shop, "newborn").ref)
    body["spec"] |= word
    with pytest.raises(Refused, match="nothing can be approved before it is proposed"):
        records.admin.post(collection(records.home), body)


def test_only_what_is_proposed_now_can_be_approved(records: Records, checkout: Resource, alice: Person) -> None:
    assert "status.proposal" in refused(records, alice, checkout, approval(alice, OTHER_DIGEST))


def test_nothing_can_be_approved_where_nothing_is_proposed(records: Records, shop: str, alice: Person) -> None:
    resource = target(shop, "bare")
    records.myself().post(collection(records.home), new_object(resource.ref))
    assert "status.proposal" in refused(records, alice, resource, approval(alice))


def test_a_changed_proposal_is_not_covered_by_an_old_approval(
    records: Records, checkout: Resource, alice: Person
) -> None:
    alice.api.merge(records.path(checkout), approval(alice))
    store, now = records.store(), datetime.now(UTC)
    store.load(now)
    store.sighted(checkout, finding(), now)
    store.proposed(checkout, plan(resource=checkout, digest=OTHER_DIGEST), now)
    assert store.save(now) == ()
    assert records.read(checkout)["status"]["phase"] == Phase.AWAITING_APPROVAL
    assert not approved(records, checkout)


def test_a_rejection_and_a_release_are_held_to_the_same_rules(
    records: Records, checkout: Resource, alice: Person, bob: Person
) -> None:
    def rejection(person: Person, digest: str = DIGEST) -> dict[str, Any]:
        return {"spec": {"rejection": {"rejectedBy": person.name, "digest": digest}}}

    def release(person: Person) -> dict[str, Any]:
        return {"spec": {"rejection": None, "release": {"requestedBy": person.name}}}

    assert "write your own name" in refused(records, alice, checkout, rejection(bob))
    assert "may not approve" in refused(records, bob, checkout, rejection(bob))
    assert "status.proposal" in refused(records, alice, checkout, rejection(alice, OTHER_DIGEST))
    alice.api.merge(records.path(checkout), rejection(alice))
    assert "write your own name" in refused(records, alice, checkout, release(bob))
    assert "may not approve" in refused(records, bob, checkout, release(bob))
    alice.api.merge(records.path(checkout), release(alice))


def test_anybody_who_may_patch_can_take_an_approval_back(
    records: Records, checkout: Resource, alice: Person, bob: Person
) -> None:
    alice.api.merge(records.path(checkout), approval(alice))
    bob.api.merge(records.path(checkout), {"spec": {"approval": None}})
    assert not approved(records, checkout)


# ---- an approval does not grow younger -------------------------------------------------------------------------------


def test_without_the_policy_a_label_makes_an_old_approval_young(
    records: Records, checkout: Resource, alice: Person, bob: Person
) -> None:
    """Why the policy refuses it: every kubectl is the same field manager, and that has one time."""
    alice.api.merge(records.path(checkout), approval(alice), fieldManager="kubectl-patch")
    with records.without_policy():
        records.wait_a_second()
        before = records.store()
        before.load(datetime.now(UTC))
        label = {"metadata": {"labels": {"seen": "yes"}}}
        bob.api.merge(records.path(checkout), label, fieldManager="kubectl-patch")
        after = records.store()
        after.load(datetime.now(UTC))
    old, new = before.approval(checkout.metadata.uid), after.approval(checkout.metadata.uid)
    assert old is not None
    assert old.at is not None
    assert new is not None
    assert new.at is not None
    assert new.at > old.at


def test_a_label_beside_an_approval_is_refused(
    records: Records, checkout: Resource, alice: Person, bob: Person
) -> None:
    """It would move the time of all that the same field manager wrote."""
    alice.api.merge(records.path(checkout), approval(alice), fieldManager="kubectl-patch")
    label = {"metadata": {"labels": {"seen": "yes"}}}
    records.wait_a_second()
    with pytest.raises(Refused, match="nothing else can be changed"):
        bob.api.merge(records.path(checkout), label, fieldManager="kubectl-patch")
    with pytest.raises(Refused, match="nothing else can be changed"):
        bob.api.merge(records.path(checkout), label, fieldManager="another")


@pytest.mark.parametrize("manager", [None, "time-traveller"])
@pytest.mark.parametrize("subresource", ["", "/status"])
def test_the_record_of_times_cannot_be_forged(
    records: Records, checkout: Resource, alice: Person, bob: Person, manager: str | None, subresource: str
) -> None:
    """Another time alone is ignored, and so is everything that comes with a status; the policy refuses the rest."""
    alice.api.merge(records.path(checkout), approval(alice))
    before = records.read(checkout)
    entries = copy.deepcopy(before["metadata"]["managedFields"])
    for entry in entries:
        entry["time"] = "2031-01-01T00:00:00Z"
        entry["manager"] = manager or entry["manager"]
    someone = records.myself() if subresource else bob.api
    is_refused = manager and not subresource
    with pytest.raises(Refused, match="nothing else can be changed") if is_refused else contextlib.nullcontext():
        change = {"status": {"clean": 1}} if subresource else {}
        someone.merge(records.path(checkout) + subresource, {"metadata": {"managedFields": entries}} | change)
    after = [each for each in records.read(checkout)["metadata"]["managedFields"] if "subresource" not in each]
    assert after == [each for each in before["metadata"]["managedFields"] if "subresource" not in each]


def test_who_forges_the_record_while_approving_gains_nothing(
    records: Records, checkout: Resource, alice: Person
) -> None:
    """The API server dates what a request changes by its own clock, whatever the request says."""
    entries = records.read(checkout)["metadata"]["managedFields"]
    entries.append(
        {
            "manager": "time-traveller",
            "operation": "Update",
            "apiVersion": "ack-remediator.dev/v1alpha1",
            "time": "2031-01-01T00:00:00Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {"f:approval": {}}},
        }
    )
    alice.api.merge(records.path(checkout), approval(alice) | {"metadata": {"managedFields": entries}})
    assert approved(records, checkout)
    assert not approved(records, checkout, timedelta(hours=24))


def test_another_ticket_is_another_approval_of_who_writes_it(
    records: Records, checkout: Resource, shop: str, alice: Person, names: Iterator[str]
) -> None:
    carol = records.person(next(names), shop)
    alice.api.merge(records.path(checkout), approval(alice), fieldManager="kubectl-patch")
    ticket = {"spec": {"approval": {"ticket": "OPS-2"}}}
    assert "write your own name" in refused(records, carol, checkout, ticket)
    records.wait_a_second()
    before = datetime.now(UTC).replace(microsecond=0)
    carol.api.merge(records.path(checkout), approval(carol, ticket="OPS-2"), fieldManager="another")
    store = records.store()
    store.load(datetime.now(UTC))
    word = store.approval(checkout.metadata.uid)
    assert word is not None
    assert word.approved_by == carol.name
    assert word.at is not None
    assert word.at >= before


def test_the_same_approval_again_is_none(records: Records, checkout: Resource, alice: Person) -> None:
    """The API server writes nothing, so its time stays; a nonce makes it another one."""
    alice.api.merge(records.path(checkout), approval(alice))
    first = records.read(checkout)["metadata"]["resourceVersion"]
    records.wait_a_second()
    alice.api.merge(records.path(checkout), approval(alice))
    assert records.read(checkout)["metadata"]["resourceVersion"] == first
    alice.api.merge(records.path(checkout), approval(alice, nonce="2"))
    assert records.read(checkout)["metadata"]["resourceVersion"] != first


def test_server_side_apply_approves_too(records: Records, checkout: Resource, alice: Person, bob: Person) -> None:
    """Who applies the same again beside it does not make it younger."""
    whole = {"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Remediation"} | approval(alice)
    alice.api.apply(records.path(checkout), whole, fieldManager="gitops")
    assert approved(records, checkout)
    with pytest.raises(Refused, match="nothing else can be changed"):
        bob.api.apply(records.path(checkout), whole, fieldManager="another")


# ---- the check at the start ------------------------------------------------------------------------------------------


def test_the_policy_is_seen_to_be_in_force(records: Records) -> None:
    guard = approvals_guard(records.transport, records.home)
    assert guard.holds, guard.why
    assert records.admin.get(collection(records.home) + "?labelSelector=x%3Dy")["items"] == []


def test_without_the_policy_approvals_are_off(records: Records, checkout: Resource, alice: Person) -> None:
    alice.api.merge(records.path(checkout), approval(alice))
    with records.without_policy():
        guard = approvals_guard(records.transport, records.home)
        assert not guard.holds
        assert "takes a forged one" in guard.why
        assert "manifests/base/approvals.yaml" in guard.why
        store = records.store(guarded=guard.holds)
        store.load(datetime.now(UTC))
        assert store.approval(checkout.metadata.uid) is None


def test_a_refusal_by_rbac_proves_nothing(records: Records, bob: Person) -> None:
    guard = approvals_guard(records.transport_of(bob), records.home)
    assert not guard.holds
    assert "cannot be tried" in guard.why


def test_without_the_definition_there_is_no_place_for_approvals(records: Records, control_plane: Any) -> None:
    transport = Transport(Connection(control_plane.kubeconfig(), None))
    guard = approvals_guard(transport, "default")
    assert not guard.holds
    assert "no place" in guard.why
