"""Episodes that others write to: another process, a person, or somebody who knows no better."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from remediator.errors import Changed, ClusterError
from remediator.kubernetes.approvals import Guard
from remediator.kubernetes.remediation_object import object_name
from remediator.kubernetes.remediations import StoredEpisodes
from remediator.kubernetes.transport import Transport
from remediator.model.episode import Phase
from remediator.sandbox.apiserver import ApiServer
from tests.builders import NOW, decoded, function
from tests.kubernetes.conftest import Connect
from tests.kubernetes.stored import (
    API_VERSION,
    CHECKOUT,
    HOME,
    NAME,
    UID,
    Json,
    Store,
    later,
    outcome,
    said,
    stored,
    version,
)
from tests.spells import DIGEST, OTHER_DIGEST, finding, plan
from tests.wire import Wire, answer

# ---- two at once -----------------------------------------------------------------------------------------------------


def test_what_somebody_else_wrote_meanwhile_is_kept(place: ApiServer, store: Store) -> None:
    mine, theirs = store(by="me"), store(by="them")
    mine.sighted(CHECKOUT, finding(), NOW)
    theirs.sighted(CHECKOUT, finding(), later(seconds=1))
    theirs.intend(plan(), later(seconds=1))
    theirs.conclude(UID, outcome(), later(seconds=2))
    mine.proposed(CHECKOUT, plan(digest=OTHER_DIGEST), later(seconds=3))
    assert mine.save(later(seconds=3)) == ()
    kept = stored(place)["status"]
    assert [each["by"] for each in kept["attempts"]] == ["them"]
    assert kept["proposal"]["digest"] == OTHER_DIGEST


def test_an_approval_that_comes_in_between_is_no_conflict_for_long(place: ApiServer, store: Store) -> None:
    episodes = store()
    episodes.sighted(CHECKOUT, finding(), NOW)
    episodes.proposed(CHECKOUT, plan(), NOW)
    episodes.save(NOW)
    said(place, approval={"approvedBy": "alice", "digest": DIGEST})
    episodes.sighted(CHECKOUT, finding(), later(minutes=1))
    assert episodes.save(later(minutes=1)) == ()
    assert stored(place)["status"]["phase"] == Phase.APPROVED
    assert stored(place)["spec"]["approval"]["approvedBy"] == "alice"


def test_a_record_that_is_always_written_to_is_given_up_on(place: ApiServer, store: Store) -> None:
    episodes = store()
    episodes.sighted(CHECKOUT, finding(), NOW)
    place.refuse("patch", "remediations/status", code=409, reason="Conflict", message="modified")
    [told] = episodes.save(NOW)
    assert "could not be recorded: modified" in told
    with pytest.raises(Changed):
        episodes.intend(plan(), NOW)
    place.allow()
    assert episodes.save(NOW) == ()
    assert stored(place)["status"]["phase"] == Phase.WATCHING


def test_a_record_that_was_deleted_is_made_anew(
    place: ApiServer, store: Store, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    episodes = store()
    episodes.sighted(CHECKOUT, finding(), NOW)
    episodes.save(NOW)
    episodes.proposed(CHECKOUT, plan(), NOW)
    found = stored(place)["metadata"]
    transport.delete(
        f"/apis/{API_VERSION}/namespaces/{HOME}/remediations/{NAME}",
        uid=found["uid"],
        resource_version=found["resourceVersion"],
    )
    assert episodes.save(NOW) == ()
    assert stored(place)["metadata"]["uid"] != found["uid"]
    assert stored(place)["status"]["phase"] == Phase.AWAITING_APPROVAL


def test_a_record_without_anything_in_it_yet_is_filled(place: ApiServer, store: Store) -> None:
    """Its maker was killed between the two writes."""
    episodes = store()
    episodes.sighted(CHECKOUT, finding(), NOW)
    place.refuse("patch", "remediations/status", code=500, reason="InternalError", message="down")
    assert len(episodes.save(NOW)) == 1
    place.allow()
    after = store()
    assert after.episode(UID) is None
    after.sighted(CHECKOUT, finding(), later(minutes=1))
    assert after.save(later(minutes=1)) == ()
    assert stored(place)["status"]["firstSeen"] == "2026-11-21T12:01:00Z"


# ---- a person's word -------------------------------------------------------------------------------------------------


def test_an_approval_is_dated_by_the_api_server(place: ApiServer, offered: StoredEpisodes) -> None:
    said(place, approval={"approvedBy": "alice", "digest": DIGEST, "ticket": "OPS-1", "override": ["budget"]})
    offered.load(NOW)
    word = offered.approval(UID)
    assert word is not None
    assert (word.approved_by, word.ticket, word.override, word.at) == ("alice", "OPS-1", ("budget",), later(seconds=30))
    known = offered.episode(UID)
    assert known is not None
    assert known.approved(word, later(minutes=1))


def test_what_is_listed_has_the_steps_of_this_moment_and_the_words_as_they_were_read(
    place: ApiServer, offered: StoredEpisodes
) -> None:
    said(place, approval={"approvedBy": "alice", "digest": DIGEST})
    offered.load(NOW)
    offered.sighted(CHECKOUT, finding(summary="later"), later(minutes=2))
    [record] = offered.records()
    assert (record.name, record.ref.uid, record.phase) == (NAME, UID, Phase.AWAITING_APPROVAL)
    assert record.approval is not None and record.approval.approved_by == "alice"
    assert record.episode is not None and record.episode.last_seen == later(minutes=2)


def test_what_no_api_server_has_yet_is_listed_too(place: ApiServer, store: Store) -> None:
    episodes = store()
    episodes.sighted(CHECKOUT, finding(), NOW)
    [record] = episodes.records()
    assert (record.name, record.phase, record.approval) == (NAME, "", None)


def test_a_phase_that_a_persons_word_changed_is_written_at_once(place: ApiServer, offered: StoredEpisodes) -> None:
    for second in range(1, 9):
        offered.sighted(CHECKOUT, finding(), later(seconds=second))
    assert offered.save(later(seconds=9)) == ()
    said(place, approval={"approvedBy": "alice", "digest": DIGEST})
    offered.load(later(seconds=31))
    offered.sighted(CHECKOUT, finding(), later(seconds=31))
    assert offered.save(later(seconds=31)) == ()
    assert stored(place)["status"]["phase"] == Phase.APPROVED


def test_an_approval_without_a_date_covers_nothing(place: ApiServer, offered: StoredEpisodes) -> None:
    said(place, at=None, approval={"approvedBy": "alice", "digest": DIGEST})
    offered.load(NOW)
    word, known = offered.approval(UID), offered.episode(UID)
    assert word is not None
    assert known is not None
    assert word.at is None
    assert not known.approved(word, later(minutes=1))


def test_an_approval_that_nothing_vouches_for_is_not_read(
    place: ApiServer, offered: StoredEpisodes, store: Store
) -> None:
    said(place, approval={"approvedBy": "alice", "digest": DIGEST})
    assert store(guarded=False).approval(UID) is None


@pytest.mark.parametrize(
    ("guard", "told"),
    [
        (Guard(True, "refused"), (True, "refused")),
        (Guard(False, "taken", forged=True), (False, "taken")),
        (Guard(False, "who knows"), (None, "who knows")),
    ],
)
def test_whether_approvals_are_guarded_is_told_as_far_as_it_is_known(
    store: Store, guard: Guard, told: tuple[bool | None, str]
) -> None:
    assert store(guard=lambda: guard).approvals_guarded() == told


def test_where_nothing_is_stored_there_is_nothing_to_guard(api: ApiServer, transport: Transport) -> None:
    episodes = StoredEpisodes(transport, HOME, guard=lambda: Guard(False, "taken", forged=True))
    assert episodes.load(NOW)
    assert episodes.approvals_guarded() == (True, "there is no place for approvals")


@pytest.mark.parametrize(("seconds", "counts"), [(-1, True), (0, False), (1, False)])
def test_a_word_from_before_the_policy_was_as_it_is_does_not_count(
    place: ApiServer, offered: StoredEpisodes, store: Store, *, seconds: int, counts: bool
) -> None:
    said(place, approval={"approvedBy": "alice", "digest": DIGEST})
    written = store().approval(UID)
    assert written is not None
    assert written.at is not None
    episodes = store(since=written.at + timedelta(seconds=seconds))
    assert (episodes.approval(UID) is not None) is counts
    told = episodes.load(NOW)
    assert bool(told) is not counts
    assert all("it is older than the admission policy, changed at " in each for each in told)


def test_a_rejection_holds_back_vouched_for_or_not(place: ApiServer, offered: StoredEpisodes, store: Store) -> None:
    said(place, rejection={"rejectedBy": "alice", "digest": DIGEST})
    episodes = store(guarded=False)
    word = episodes.rejection(UID)
    assert word is not None
    assert word.covers(DIGEST)
    episodes.sighted(CHECKOUT, finding(), later(minutes=1))
    episodes.save(later(minutes=1))
    assert stored(place)["status"]["phase"] == Phase.WATCHING


def test_a_release_is_taken_in_by_whose_the_resource_is(place: ApiServer, store: Store) -> None:
    episodes = store()
    episodes.sighted(CHECKOUT, finding(), NOW)
    episodes.save(NOW)
    said(place, release={"requestedBy": "alice"})
    for mine in (False, True):
        after = store(mine=lambda uid, mine=mine: mine and uid == UID)
        found = after.episode(UID)
        assert found is not None
        assert (found.released_at is not None) is mine
        assert bool(after._pending) is mine, "another shard has nothing to write"


@pytest.mark.parametrize(("guarded", "expected"), [(True, Phase.WATCHING), (False, Phase.QUARANTINED)])
def test_a_release_counts_once_and_only_where_it_is_vouched_for(
    place: ApiServer, store: Store, guarded: bool, expected: Phase
) -> None:
    episodes = store()
    episodes.sighted(CHECKOUT, finding(), NOW)
    for second in range(3):
        episodes.intend(plan(), later(seconds=second))
        episodes.conclude(UID, outcome(), later(seconds=second))
    said(place, release={"requestedBy": "alice"})
    after = store(guarded=guarded)
    for _ in range(100):
        after.load(NOW)
    assert sum(len(each) for each in after._pending.values()) <= 1
    after.sighted(CHECKOUT, finding(), later(minutes=1))
    assert after.save(later(minutes=1)) == ()
    assert stored(place)["status"]["phase"] == expected
    before = version(place)
    again = store(guarded=guarded)
    assert again.save(later(minutes=2)) == ()
    assert version(place) == before


# ---- what cannot be used ---------------------------------------------------------------------------------------------


def spoiled(api: ApiServer, **changes: Any) -> None:
    api.seed(stored(api) | changes)


def test_a_record_of_a_newer_version_is_left_alone(
    place: ApiServer, offered: StoredEpisodes, transport: Transport
) -> None:
    spoiled(place, status=stored(place)["status"] | {"resolvedBy": "magic"})
    before = version(place)
    episodes = StoredEpisodes(transport, HOME)
    [told] = episodes.load(NOW)
    assert f"Remediation {HOME}/{NAME} is left alone" in told
    assert "newer version" in told
    episodes.sighted(CHECKOUT, finding(), NOW)
    mailer = decoded(function("mailer"))
    episodes.sighted(mailer, finding(), NOW)
    assert episodes.save(NOW) == ()
    assert stored(place, object_name(mailer.metadata.uid))["status"]["phase"] == Phase.WATCHING
    with pytest.raises(ClusterError, match="left alone"):
        episodes.intend(plan(), NOW)
    assert version(place) == before


def test_a_record_that_turns_unusable_meanwhile_is_left_alone(place: ApiServer, offered: StoredEpisodes) -> None:
    spoiled(place, status=stored(place)["status"] | {"resolvedBy": "magic"})
    with pytest.raises(ClusterError, match="left alone"):
        offered.intend(plan(), NOW)


@pytest.mark.parametrize(
    ("target", "complaint"),
    [({"uid": "another"}, "does not follow from its target"), ({"kind": "Alias"}, "does not follow from its target")],
)
def test_a_record_under_a_false_name_is_left_alone(
    place: ApiServer, offered: StoredEpisodes, target: Json, complaint: str
) -> None:
    spec = stored(place)["spec"]
    spoiled(place, spec={"target": spec["target"] | target})
    [told] = offered.load(NOW)
    assert complaint in told


def test_a_record_about_another_object_of_that_uid_vouches_for_nothing(
    place: ApiServer, offered: StoredEpisodes
) -> None:
    """Who may create records could name a namespace in which they may approve."""
    spec = stored(place)["spec"]
    spoiled(place, spec={"target": spec["target"] | {"namespace": "mine"}})
    offered.load(NOW)
    with pytest.raises(ClusterError, match="is about Function mine/checkout, not about Function shop/checkout"):
        offered.intend(plan(), NOW)


def test_an_object_that_is_none_is_named(connect: Connect) -> None:
    with Wire(answer(200, {"metadata": {}, "items": [7]})) as wire:
        [told] = StoredEpisodes(connect(wire.url), HOME).load(NOW)
    assert f"Remediation {HOME}/? is left alone" in told
