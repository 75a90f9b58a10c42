"""Approve, reject and release as people type it, held to the rules by the API server itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from remediator.errors import Changed, Forbidden
from remediator.kubernetes import words
from remediator.kubernetes.remediation_object import Stored
from remediator.model.episode import Phase
from remediator.model.plan import ActionName, Outcome, Result
from remediator.model.resource import Resource
from remediator.model.word import Approval, Override, Rejection, Release
from tests.bed.api import Api
from tests.bed.plane import Plane
from tests.cli.shop import Result as Told
from tests.cli.shop import type_command
from tests.cluster.records import Person, Records, target
from tests.spells import DIGEST, OTHER_DIGEST, finding, plan

PROPOSAL = f"p-{DIGEST[:10]}"

Typing = Callable[..., Told]


@pytest.fixture(scope="module")
def records(records: Records, tmp_path_factory: pytest.TempPathFactory) -> Records:
    """A home of these tests' own: a proposal's id means one record there, and no other test has widened a role."""
    return records.another(tmp_path_factory.mktemp("words"))


@pytest.fixture(scope="module")
def names() -> Iterator[str]:
    return (f"on-call-{number}" for number in range(1000))


@pytest.fixture
def checkout(records: Records, shop: str) -> Iterator[Resource]:
    """Something that is stuck, with a proposal; its record is gone afterwards, as its digest is every test's."""
    resource = target(shop)
    propose(records, resource)
    yield resource
    records.admin.delete(records.path(resource))


@pytest.fixture
def alice(records: Records, shop: str, names: Iterator[str]) -> Person:
    """May approve in the target's namespace."""
    return records.person(next(names), shop)


@pytest.fixture
def bob(records: Records, names: Iterator[str]) -> Person:
    """May patch Remediations, and approve nowhere."""
    return records.person(next(names))


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch, records: Records, api_server: Plane) -> Typing:
    """Type a command as somebody."""

    def run(person: Person, *args: str, typed: str | None = None) -> Told:
        kubeconfig = api_server.kubeconfig("somebody", person.token, records.home)
        where = ("--kubeconfig", str(kubeconfig), "--home-namespace", records.home)
        return type_command(monkeypatch, *args, *where, columns=300, typed=typed)

    return run


def propose(records: Records, resource: Resource, digest: str = DIGEST) -> None:
    store, now = records.store(), datetime.now(UTC)
    assert store.load(now) == ()
    store.sighted(resource, finding(), now)
    store.proposed(resource, plan(resource=resource, digest=digest), now)
    assert store.save(now) == ()


def seen(records: Records, person: Person, resource: Resource) -> Stored:
    [found] = [
        each for each in words.records(records.transport_of(person), records.home).records if each.ref == resource.ref
    ]
    return found


def believed(records: Records, resource: Resource) -> Approval | None:
    """Read the approval as the remediator does."""
    store = records.store(guarded=True)
    store.load(datetime.now(UTC))
    return store.approval(resource.metadata.uid)


def test_who_asks_is_told_the_name_that_the_policy_compares(records: Records, alice: Person) -> None:
    assert words.whoami(records.transport_of(alice)) == alice.name


def test_an_approval_is_believed_and_dated(records: Records, checkout: Resource, alice: Person, types: Typing) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    told = types(alice, "approve", PROPOSAL, "--ticket", "OPS-1", "--override", "cool-down", "--reason", "drill")
    assert told.code == 0, told.err
    word = believed(records, checkout)
    assert word is not None
    assert (word.approved_by, word.digest, word.ticket) == (alice.name, DIGEST, "OPS-1")
    assert (word.override, word.reason) == ((Override.COOL_DOWN,), "drill")
    assert word.at is not None
    assert before <= word.at <= datetime.now(UTC)
    until = (word.at + timedelta(hours=24)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert f"Approved {PROPOSAL} as {alice.name}, until {until}." in told.out
    assert "The next `remediator run` under mode: approve acts on it" in told.err


def test_a_person_is_asked_by_name_and_may_approve_so(
    records: Records, checkout: Resource, shop: str, alice: Person, types: Typing
) -> None:
    refused = types(alice, "approve", "function/checkout", "-n", shop, typed="another\n")
    assert (refused.code, believed(records, checkout)) == (2, None)
    assert types(alice, "approve", "function/checkout", "-n", shop, typed="somebody\n").code == 0
    assert believed(records, checkout)


def test_without_the_verb_in_the_targets_namespace_the_policys_sentence_is_told(
    records: Records, checkout: Resource, shop: str, bob: Person, types: Typing
) -> None:
    told = types(bob, "approve", PROPOSAL)
    assert told.code == 1
    assert told.err.startswith(
        f"error: refused: {bob.name} may not approve remediations in namespace {shop}; "
        "bind ClusterRole ack-remediator-approver there"
    )
    assert believed(records, checkout) is None


def test_who_may_only_look_is_told_which_role_is_missing(
    records: Records, checkout: Resource, api_server: Plane, types: Typing
) -> None:
    rules = [{"apiGroups": ["ack-remediator.dev"], "resources": ["remediations"], "verbs": ["get", "list"]}]
    token = api_server.token(records.home, "viewer", rules, within=records.home)
    viewer = Person(
        f"system:serviceaccount:{records.home}:viewer", Api(api_server.url, api_server.certificate, token), token
    )
    assert types(viewer, "list", "-A").code == 0
    assert types(viewer, "history", "-A").code == 0
    told = types(viewer, "approve", PROPOSAL)
    assert told.code == 1
    assert "Bind ClusterRole ack-remediator-approver in that namespace and in the target's" in told.err


def test_an_approval_in_anothers_name_is_refused(
    records: Records, checkout: Resource, alice: Person, bob: Person
) -> None:
    with pytest.raises(Forbidden, match=f"write your own name: the API server knows you as {alice.name}\n"):
        words.say(records.transport_of(alice), records.home, seen(records, alice, checkout), Approval(bob.name, DIGEST))


def test_what_changed_since_it_was_seen_is_not_approved(records: Records, checkout: Resource, alice: Person) -> None:
    before = seen(records, alice, checkout)
    propose(records, checkout, OTHER_DIGEST)
    with pytest.raises(Changed, match="what is proposed changed"):
        words.say(records.transport_of(alice), records.home, before, Approval(alice.name, DIGEST))
    assert believed(records, checkout) is None


def test_what_a_run_notes_meanwhile_is_no_obstacle(records: Records, checkout: Resource, alice: Person) -> None:
    before = seen(records, alice, checkout)
    records.myself().merge(f"{records.path(checkout)}/status", {"status": {"sightings": 3}})
    words.say(records.transport_of(alice), records.home, before, Approval(alice.name, DIGEST))
    assert believed(records, checkout)


def test_the_same_again_renews_it(records: Records, checkout: Resource, alice: Person, types: Typing) -> None:
    assert types(alice, "approve", PROPOSAL).code == 0
    first = believed(records, checkout)
    records.wait_a_second()
    assert types(alice, "approve", PROPOSAL).code == 0
    second = believed(records, checkout)
    assert first is not None
    assert first.at is not None
    assert second is not None
    assert second.at is not None
    assert second.at > first.at
    assert second.nonce != first.nonce


def test_another_situation_can_be_approved_after_the_first(
    records: Records, checkout: Resource, alice: Person, types: Typing
) -> None:
    assert types(alice, "approve", PROPOSAL, "--override", "budget", "--reason", "drill").code == 0
    propose(records, checkout, OTHER_DIGEST)
    assert types(alice, "approve", PROPOSAL).code == 1
    assert types(alice, "approve", f"p-{OTHER_DIGEST[:10]}").code == 0
    word = believed(records, checkout)
    assert word is not None
    assert (word.digest, word.override) == (OTHER_DIGEST, ())


def test_a_rejection_takes_an_approval_back_and_can_be_repeated(
    records: Records, checkout: Resource, alice: Person, types: Typing
) -> None:
    assert types(alice, "approve", PROPOSAL).code == 0
    assert types(alice, "reject", PROPOSAL, "--reason", "not on a Friday").code == 0
    store = records.store()
    store.load(datetime.now(UTC))
    assert store.approval(checkout.metadata.uid) is None
    word = store.rejection(checkout.metadata.uid)
    assert word is not None
    assert (word.rejected_by, word.digest, word.reason) == (alice.name, DIGEST, "not on a Friday")
    again = types(alice, "reject", PROPOSAL, "--reason", "not on a Friday")
    assert again.code == 0, again.err
    assert types(alice, "approve", PROPOSAL).code == 0
    assert believed(records, checkout)


def test_a_rejection_that_kubectl_wrote_can_be_repeated(records: Records, checkout: Resource, alice: Person) -> None:
    body = {"spec": {"rejection": {"rejectedBy": alice.name, "digest": DIGEST}}}
    alice.api.merge(records.path(checkout), body, fieldManager="kubectl-patch")
    record = seen(records, alice, checkout)
    words.say(records.transport_of(alice), records.home, record, Rejection(alice.name, DIGEST))


def test_a_release_lets_attempts_count_anew(
    records: Records, checkout: Resource, shop: str, alice: Person, bob: Person, types: Typing
) -> None:
    store, now, uid = records.store(), datetime.now(UTC), checkout.metadata.uid
    store.load(now)
    for number in range(3):
        at = now - timedelta(minutes=30 - number)
        store.intend(plan(resource=checkout), at, alice.name)
        outcome = Outcome(
            action=ActionName.RESYNC, target=checkout.ref, result=Result.STILL_STUCK, detail="It did not move."
        )
        store.conclude(uid, outcome, at)
    assert records.read(checkout)["status"]["phase"] == Phase.QUARANTINED
    name = ("function/checkout", "-n", shop, "--reason", "the controller is back")
    assert "may not approve" in types(bob, "quarantine", "release", *name).err
    held = types(alice, "approve", PROPOSAL)
    assert held.code == 1
    assert "is in quarantine: no approval helps there" in held.err
    told = types(alice, "quarantine", "release", *name)
    assert told.code == 0, told.err
    assert "The next `remediator run` takes note of it" in told.err
    assert types(alice, "quarantine", "release", *name).code == 0
    waiting = types(alice, "approve", PROPOSAL)
    assert "no run has taken note yet" in waiting.err
    after = records.store()
    after.load(datetime.now(UTC))
    episode = after.episode(uid)
    assert episode is not None
    assert episode.counted(ActionName.RESYNC, datetime.now(UTC)) == ()
    assert after.save(datetime.now(UTC)) == ()
    assert records.read(checkout)["status"]["phase"] == Phase.AWAITING_APPROVAL
    assert types(alice, "approve", PROPOSAL).code == 0
    assert believed(records, checkout)


def test_whether_the_rules_hold_is_tried_by_who_approves(
    records: Records, checkout: Resource, alice: Person, types: Typing
) -> None:
    transport, record = records.transport_of(alice), seen(records, alice, checkout)
    assert words.held_to_rules(transport, records.home, record) is True
    assert words.held_to_rules(records.transport, records.home, record) is None  # has no patch: proves nothing
    with records.without_policy():
        assert words.held_to_rules(transport, records.home, record) is False
        told = types(alice, "approve", PROPOSAL)
        assert "Nothing acts on it: this cluster takes forged approvals, too" in told.err
    assert seen(records, alice, checkout).approval is not None


def test_the_command_that_is_shown_for_kubectl_is_taken(records: Records, checkout: Resource, alice: Person) -> None:
    for word in (Approval(alice.name, DIGEST), Rejection(alice.name, DIGEST), Release(alice.name, "drill")):
        record = seen(records, alice, checkout)
        operations = words.patch(record, word, versioned=False)
        alice.api.patch(records.path(checkout), *operations, fieldManager="kubectl-patch")
    after = seen(records, alice, checkout)
    assert after.release is not None
    assert (after.approval, after.rejection) == (None, None)


def test_people_without_the_definition_are_told(control_plane: Any, typed_kubeconfig: Typing) -> None:
    told = typed_kubeconfig(control_plane.kubeconfig(), "list", "-A")
    assert told.code == 1
    assert "this cluster does not know remediations.ack-remediator.dev" in told.err


@pytest.fixture
def typed_kubeconfig(monkeypatch: pytest.MonkeyPatch) -> Typing:
    """Type a command against any cluster."""

    def run(kubeconfig: Path, *args: str) -> Told:
        return type_command(monkeypatch, *args, "--kubeconfig", str(kubeconfig), columns=300)

    return run
