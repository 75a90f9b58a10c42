"""Episodes when there is no place for them, or the API server has a bad day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from remediator.errors import ClusterError
from remediator.kubernetes.approvals import Guard
from remediator.kubernetes.remediations import StoredEpisodes
from remediator.kubernetes.transport import Transport
from remediator.model.episode import Episode, Phase, ResolvedBy
from remediator.model.finding import FindingName
from remediator.model.resource import Ref, Resource
from remediator.sandbox.apiserver import ApiServer
from tests.builders import NOW, decoded, function
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
)
from tests.spells import DIGEST, finding, plan

# ---- no place to store -----------------------------------------------------------------------------------------------


def test_without_the_definition_memory_serves(api: ApiServer, transport: Transport) -> None:
    episodes = StoredEpisodes(transport, HOME)
    [told] = episodes.load(NOW)
    assert told == episodes.fleeting
    assert "does not know remediations.ack-remediator.dev" in told
    assert "kept in memory only" in told
    episodes.sighted(CHECKOUT, finding(), NOW)
    assert episodes.save(NOW) == ()
    assert episodes.load(later(minutes=5)) == ()
    assert episodes.history(UID, later(minutes=5)).since == NOW
    assert episodes.intend(plan(), NOW).id
    episodes.conclude(UID, outcome(), later(seconds=5))
    assert episodes.history(UID, later(minutes=5)).resync_without_effect


def test_without_the_right_to_read_memory_serves(place: ApiServer, transport: Transport) -> None:
    place.refuse("list", "remediations", code=403, reason="Forbidden", message="cannot list")
    episodes = StoredEpisodes(transport, HOME)
    [told] = episodes.load(NOW)
    assert "cannot be read (the API server refuses: cannot list)" in told


@pytest.mark.parametrize(("verb", "where"), [("create", "remediations"), ("patch", "remediations/status")])
def test_without_the_right_to_write_memory_serves_with_what_was_read(
    place: ApiServer, offered: StoredEpisodes, store: Store, verb: str, where: str
) -> None:
    place.refuse(verb, where, code=403, reason="Forbidden", message=f"cannot {verb}")
    episodes, mailer = store(), decoded(function("mailer"))
    for each in (CHECKOUT, mailer):
        episodes.sighted(each, finding(), later(minutes=1))
    [told] = episodes.save(later(minutes=1))
    assert f"cannot be written (the API server refuses: cannot {verb})" in told
    assert episodes.fleeting == told
    assert episodes.history(UID, NOW).since == NOW
    assert episodes.save(later(minutes=2)) == ()


def test_without_the_home_namespace_memory_serves(place: ApiServer, transport: Transport) -> None:
    episodes = StoredEpisodes(transport, "nowhere")
    assert episodes.load(NOW) == ()
    episodes.sighted(CHECKOUT, finding(), NOW)
    [told] = episodes.save(NOW)
    assert 'namespaces "nowhere" not found' in told
    assert "kept in memory only" in told


# ---- a bad day -------------------------------------------------------------------------------------------------------


def test_a_process_that_lives_long_stores_what_it_knew_once_there_is_a_place(
    api: ApiServer, transport: Transport, definition: Json
) -> None:
    episodes = StoredEpisodes(transport, HOME)
    episodes.load(NOW)
    episodes.sighted(CHECKOUT, finding(), NOW)
    assert episodes.fleeting
    api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
    api.seed(definition)
    assert episodes.load(later(minutes=5)) == ()
    assert episodes.fleeting, "one pass is of one mind"
    episodes.anew()
    assert episodes.load(later(minutes=5)) == ()
    assert not episodes.fleeting
    episodes.sighted(CHECKOUT, finding(), later(minutes=5))
    assert episodes.save(later(minutes=5)) == ()
    status = stored(api)["status"]
    assert (status["firstSeen"], status["sightings"]) == ("2026-11-21T12:00:00Z", 2)


def test_a_process_that_lives_long_keeps_what_it_knows_where_there_is_still_no_place(transport: Transport) -> None:
    episodes = StoredEpisodes(transport, HOME)
    for minute in range(3):
        episodes.anew()
        (why,) = episodes.load(later(minutes=minute))
        assert "does not know" in why
        episodes.sighted(CHECKOUT, finding(), later(minutes=minute))
        assert episodes.save(later(minutes=minute)) == ()
    known = episodes.episode(UID)
    assert known is not None
    assert (known.first_seen, known.sightings) == (NOW, 3)


def test_what_memory_knows_does_not_outdo_what_is_stored(place: ApiServer, store: Store) -> None:
    """Somebody without the right to write has read it, and noted more in memory."""
    first = store()
    first.sighted(CHECKOUT, finding(), NOW)
    assert first.save(NOW) == ()
    second = store()
    place.refuse("patch", "remediations/status", code=403, reason="Forbidden", message="no")
    second.sighted(CHECKOUT, finding(), later(minutes=20))
    assert len(second.save(later(minutes=20))) == 1
    place.allow()
    second.anew()
    assert second.load(later(minutes=21)) == ()
    known = second.episode(UID)
    assert known is not None
    assert known.last_seen == NOW


def test_whether_the_policy_holds_is_asked_anew_for_each_pass_of_a_process_that_lives_long(
    place: ApiServer, offered: StoredEpisodes, transport: Transport
) -> None:
    answers = [Guard(True, ""), Guard(False, "it is gone")]
    episodes = StoredEpisodes(transport, HOME, guard=lambda: answers.pop(0))
    said(place, approval={"approvedBy": "alice", "digest": DIGEST})
    episodes.load(NOW)
    assert episodes.approval(UID) is not None
    episodes.load(NOW)
    assert episodes.approval(UID) is not None, "one pass is of one mind"
    episodes.anew()
    assert episodes.load(NOW) == ("it is gone",)
    assert episodes.approval(UID) is None


def test_an_api_server_that_is_down_costs_nothing_that_is_known(place: ApiServer, offered: StoredEpisodes) -> None:
    place.stop()
    [told] = offered.load(later(minutes=1))
    assert "could not be read" in told
    offered.sighted(CHECKOUT, finding(name=FindingName.CONFLICT_BACKOFF), later(minutes=1))
    offered.sighted(decoded(function("mailer")), finding(), later(minutes=1))
    [told] = offered.save(later(minutes=1))  # one, not two: the second would wait as long
    assert "could not be recorded" in told
    assert offered.history(UID, later(minutes=1)).since == NOW
    place.start()
    assert offered.load(later(minutes=2)) == ()
    assert offered.save(later(minutes=2)) == ()
    assert stored(place)["status"]["finding"] == FindingName.CONFLICT_BACKOFF
    assert stored(place)["status"]["firstSeen"] == "2026-11-21T12:00:00Z"


def test_troubles_are_told_three_times_and_no_more(place: ApiServer, store: Store) -> None:
    episodes = store()
    for number in range(9):
        episodes.sighted(decoded(function(f"f-{number}")), finding(), NOW)
    place.refuse("create", "remediations", code=500, reason="InternalError", message="etcdserver: no leader")
    assert len(episodes.save(NOW)) == 3


def test_what_is_never_written_does_not_pile_up(store: Store) -> None:
    episodes = store()
    for minute in range(300):
        episodes.sighted(CHECKOUT, finding(), later(minutes=minute))
    assert sum(len(each) for each in episodes._pending.values()) <= 64


# ---- retention -------------------------------------------------------------------------------------------------------


def test_what_was_resolved_long_ago_is_deleted(place: ApiServer, offered: StoredEpisodes) -> None:
    offered.ended(CHECKOUT.ref, NOW, ResolvedBy.DELETED)
    assert offered.save(NOW) == ()
    assert offered.save(later(hours=167)) == ()
    assert stored(place)["status"]["phase"] == Phase.RESOLVED
    assert offered.save(later(hours=168)) == ()
    with pytest.raises(LookupError):
        stored(place)
    assert offered.episode(UID) is None


def test_what_is_past_its_retention_is_deleted_by_whose_the_resource_is(place: ApiServer, store: Store) -> None:
    episodes = store()
    episodes.sighted(CHECKOUT, finding(), NOW)
    episodes.ended(CHECKOUT.ref, NOW, ResolvedBy.DELETED)
    episodes.save(NOW)
    assert store(mine=lambda _: False).save(later(hours=168)) == ()
    assert stored(place)
    assert store(mine=lambda uid: uid == UID).save(later(hours=168)) == ()
    with pytest.raises(LookupError):
        stored(place)


def test_a_short_retention_does_not_forget_attempts(place: ApiServer, store: Store) -> None:
    episodes = store(retention=timedelta(0))
    episodes.intend(plan(), NOW)
    episodes.conclude(UID, outcome(), NOW)
    episodes.ended(CHECKOUT.ref, NOW, ResolvedBy.DELETED)
    episodes.save(later(hours=23))
    assert len(store().episode(UID).attempts) == 1  # type: ignore[union-attr]
    episodes.save(later(hours=24))
    assert store().episode(UID) is None


def test_a_record_in_which_nothing_was_ever_noted_goes_too(place: ApiServer, offered: StoredEpisodes) -> None:
    empty = stored(place)
    del empty["status"]
    empty["metadata"]["creationTimestamp"] = "2026-11-01T00:00:00Z"
    place.seed(empty)
    offered.load(NOW)
    assert offered.save(NOW) == ()
    with pytest.raises(LookupError):
        stored(place)


@pytest.mark.parametrize(("code", "told"), [(409, 0), (404, 0), (403, 0), (500, 1)])
def test_a_record_that_cannot_be_deleted_waits(place: ApiServer, offered: StoredEpisodes, code: int, told: int) -> None:
    offered.ended(CHECKOUT.ref, NOW, ResolvedBy.DELETED)
    offered.save(NOW)
    place.refuse("delete", "remediations", code=code, reason="Whatever", message="not now")
    assert len(offered.save(later(hours=168))) == told
    assert stored(place)["status"]["phase"] == Phase.RESOLVED


def test_what_is_gone_from_the_store_is_forgotten(
    place: ApiServer, offered: StoredEpisodes, transport: Transport
) -> None:
    found = stored(place)["metadata"]
    transport.delete(
        f"/apis/{API_VERSION}/namespaces/{HOME}/remediations/{NAME}",
        uid=found["uid"],
        resource_version=found["resourceVersion"],
    )
    assert offered.load(NOW) == ()
    assert offered.episode(UID) is None


def test_names_cannot_lead_elsewhere(transport: Transport, store: Store) -> None:
    strange = Ref("shop", "checkout", "../../secrets")
    episodes = store()
    with pytest.raises(ClusterError):
        episodes.intend(plan(resource=_renamed(strange)), NOW)


def _renamed(ref: Ref) -> Resource:
    return decoded(function(metadata={"uid": ref.uid}))


def test_a_spell_that_another_process_ended_is_not_told_here(store: Store) -> None:
    told: list[Episode] = []
    ours, theirs = store(resolved=told.append), store()
    ours.sighted(CHECKOUT, finding(), NOW)
    ours.save(NOW)
    theirs.load(NOW)
    theirs.ended(CHECKOUT.ref, later(minutes=1), ResolvedBy.DELETED)
    theirs.save(later(minutes=1))
    ours.load(later(minutes=2))
    ours.ended(CHECKOUT.ref, later(minutes=2), ResolvedBy.ITSELF)
    assert told == []


def test_a_step_that_is_taken_again_tells_nothing_twice(store: Store, place: ApiServer) -> None:
    """Where somebody wrote meanwhile, what was noted is noted anew on what they wrote."""
    told: list[Episode] = []
    episodes = store(resolved=told.append)
    episodes.sighted(CHECKOUT, finding(), NOW)
    episodes.save(NOW)
    episodes.ended(CHECKOUT.ref, later(minutes=1), ResolvedBy.DELETED)
    said(place, rejection={"rejectedBy": "ada", "digest": DIGEST})
    assert episodes.save(later(minutes=1)) == ()
    episodes.load(later(minutes=2))
    assert stored(place)["status"]["resolvedBy"] == "deleted"
    assert [each.resolved_by for each in told] == [ResolvedBy.DELETED]
