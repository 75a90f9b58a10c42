"""Episodes that outlive a process: what is stored, when, and for how long."""

from __future__ import annotations

import json

import pytest

from remediator.diagnosis import diagnose
from remediator.errors import ClusterError, Forbidden, Unreachable
from remediator.kubernetes import pages as module
from remediator.kubernetes.remediation_object import object_name
from remediator.kubernetes.remediations import StoredEpisodes
from remediator.kubernetes.transport import Transport
from remediator.model.episode import Phase, ResolvedBy
from remediator.model.finding import FindingName
from remediator.model.plan import Result
from remediator.sandbox.apiserver import ApiServer
from tests.builders import NOW, active, decoded, failing, function, observe
from tests.kubernetes.conftest import Connect
from tests.kubernetes.stored import (
    CHECKOUT,
    HOME,
    UID,
    Json,
    Store,
    later,
    outcome,
    stored,
    version,
)
from tests.spells import DIGEST, finding, plan
from tests.wire import Wire, answer, status

# ---- what is stored --------------------------------------------------------------------------------------------------


def test_the_first_sighting_makes_a_record(place: ApiServer, store: Store) -> None:
    episodes = store()
    episodes.sighted(CHECKOUT, finding(), NOW)
    assert episodes.save(NOW) == ()
    found = stored(place)
    assert found["metadata"]["labels"] == {
        "ack-remediator.dev/target-namespace": "shop",
        "ack-remediator.dev/target-name": "checkout",
    }
    assert found["spec"] == {
        "target": {
            "apiVersion": "lambda.services.k8s.aws/v1alpha1",
            "kind": "Function",
            "namespace": "shop",
            "name": "checkout",
            "uid": UID,
        }
    }
    assert found["status"]["phase"] == Phase.WATCHING
    assert found["status"]["finding"] == FindingName.FUNCTION_PENDING
    assert found["status"]["unhealthySince"] == "2026-11-21T12:00:00Z"


def test_a_long_name_fits_into_its_label(place: ApiServer, store: Store) -> None:
    labels = []
    for end in "ab":
        resource = decoded(function("x" * 70 + end))
        episodes = store()
        episodes.sighted(resource, finding(), NOW)
        assert episodes.save(NOW) == ()
        labels.append(stored(place, object_name(resource.metadata.uid))["metadata"]["labels"])
    names = [each["ack-remediator.dev/target-name"] for each in labels]
    assert [len(each) for each in names] == [63, 63]
    assert names[0] != names[1]


def test_the_next_process_knows_what_the_last_one_saw(store: Store) -> None:
    first = store()
    first.sighted(CHECKOUT, finding(since=later(hours=-1)), NOW)
    first.proposed(CHECKOUT, plan(), NOW)
    assert first.save(NOW) == ()
    second = store()
    assert second.episode(UID) == first.episode(UID)
    assert second.history(UID, later(minutes=5)).since == NOW
    assert second.unresolved() == (CHECKOUT.ref,)
    assert second.fleeting == ""


def test_nothing_is_written_before_it_is_saved(place: ApiServer, store: Store) -> None:
    """A scan notes what it sees, and writes nothing."""
    episodes = store()
    episodes.sighted(CHECKOUT, finding(), NOW)
    with pytest.raises(LookupError):
        stored(place)


def test_a_sighting_alone_is_written_every_ten_minutes(place: ApiServer, store: Store) -> None:
    episodes, writes = store(), set()
    for second in range(0, 3600, 5):
        episodes.sighted(CHECKOUT, finding(summary=f"still, after {second} s"), later(seconds=second))
        assert episodes.save(later(seconds=second)) == ()
        writes.add(version(place))
    assert len(writes) == 10, "one for each of the sightings that are counted, then one in ten minutes"


def test_two_clean_sightings_by_two_processes_are_a_recovery(place: ApiServer, store: Store) -> None:
    episodes = store()
    episodes.sighted(CHECKOUT, finding(), NOW)
    episodes.save(NOW)
    for minute in (5, 10):
        episodes = store()
        episodes.recovered(CHECKOUT, later(minutes=minute))
        assert episodes.save(later(minutes=minute)) == ()
    assert stored(place)["status"]["resolvedBy"] == ResolvedBy.ITSELF
    assert store().history(UID, NOW).since is None


def test_what_is_healthy_leaves_no_record(place: ApiServer, store: Store) -> None:
    episodes = store()
    episodes.recovered(CHECKOUT, NOW)
    assert episodes.save(NOW) == ()
    with pytest.raises(LookupError):
        stored(place)


def test_no_environment_value_reaches_a_record(place: ApiServer, store: Store) -> None:
    secret, applied, live = "hunter2-of-spec", "hunter2-last-applied", "hunter2-of-aws"
    last = {"spec": {"environment": {"variables": {"OLD": applied}}}}
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(last)}
    raw = function(
        metadata={"annotations": annotations},
        spec={"environment": {"variables": {"PASSWORD": secret}}},
        conditions=failing(f"it says {secret}, {applied} and {live}"),
    )
    seen = observe(raw, active(environment={"PASSWORD": live}), now=later(hours=9))
    found = diagnose(seen)
    assert found is not None
    assert "•••" in json.dumps(found.evidence, ensure_ascii=False)
    episodes = store()
    episodes.sighted(seen.resource, found, seen.now)
    episodes.proposed(seen.resource, plan(resource=seen.resource, summary=found.summary), seen.now)
    episodes.intend(plan(resource=seen.resource), seen.now)
    assert episodes.save(seen.now) == ()
    kept = json.dumps(stored(place))
    assert "hunter2" not in kept
    assert "PASSWORD" not in kept


def test_records_come_in_pages(place: ApiServer, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    episodes = store()
    resources = [decoded(function(f"f-{number}")) for number in range(5)]
    for each in resources:
        episodes.sighted(each, finding(), NOW)
    assert episodes.save(NOW) == ()
    monkeypatch.setattr(module, "_PAGE", 2)
    assert len(store().unresolved()) == 5


def test_a_list_that_took_too_long_begins_anew(connect: Connect) -> None:
    empty = answer(200, {"metadata": {}, "items": []})
    with Wire(status(410, "too old"), empty) as wire:
        assert StoredEpisodes(connect(wire.url), HOME).load(NOW) == ()
    with Wire(status(410, "too old")) as wire:
        [told] = StoredEpisodes(connect(wire.url), HOME).load(NOW)
        assert "too old" in told
        assert len(wire.heard) == 3


def test_an_answer_that_is_no_list_is_told(connect: Connect) -> None:
    with Wire(answer(200, "<html>log in</html>")) as wire:
        [told] = StoredEpisodes(connect(wire.url), HOME).load(NOW)
    assert "makes no sense" in told


# ---- write ahead -----------------------------------------------------------------------------------------------------


def test_an_intent_is_stored_before_anything_is_done(place: ApiServer, store: Store) -> None:
    episodes = store(by="cronjob/remediator")
    episodes.sighted(CHECKOUT, finding(), NOW)
    attempt = episodes.intend(plan(), NOW)
    [kept] = stored(place)["status"]["attempts"]
    assert (kept["id"], kept["by"], kept["digest"]) == (attempt.id, "cronjob/remediator", DIGEST)
    assert stored(place)["status"]["phase"] == Phase.ACTING
    episodes.accepted(UID, later(seconds=1))
    assert stored(place)["status"]["phase"] == Phase.VERIFYING
    episodes.conclude(UID, outcome(backup="secret/b"), later(seconds=9))
    [kept] = stored(place)["status"]["attempts"]
    assert (kept["result"], kept["backup"], kept["concluded"]) == ("still-stuck", "secret/b", "2026-11-21T12:00:09Z")


def test_what_a_killed_process_intended_is_known_to_the_next(store: Store) -> None:
    store().intend(plan(), NOW)
    after = store()
    known = after.episode(UID)
    assert known is not None
    assert known.under_way is not None
    after.conclude(UID, outcome(Result.UNKNOWN), later(minutes=5))
    assert store().history(UID, later(minutes=5)).resync_without_effect


@pytest.mark.parametrize("verb", ["create", "patch"])
def test_an_intent_that_is_not_stored_is_none(place: ApiServer, store: Store, verb: str) -> None:
    episodes = store()
    where = "remediations" if verb == "create" else "remediations/status"
    place.refuse(verb, where, code=500, reason="InternalError", message="etcdserver: no leader")
    with pytest.raises(ClusterError, match="no leader"):
        episodes.intend(plan(), NOW)
    assert episodes.episode(UID) is None
    place.allow()
    episodes.sighted(CHECKOUT, finding(), NOW)
    assert episodes.save(NOW) == ()
    assert "attempts" not in stored(place)["status"]


def test_an_intent_that_is_not_stored_leaves_what_was_seen_before(place: ApiServer, store: Store) -> None:
    episodes = store()
    episodes.sighted(CHECKOUT, finding(), NOW)
    place.refuse("create", "remediations", code=403, reason="Forbidden", message="no rights")
    with pytest.raises(Forbidden):
        episodes.intend(plan(), NOW)
    before = episodes.episode(UID)
    assert before is not None
    assert (before.attempts, before.sightings) == ((), 1)


def test_a_lost_answer_is_looked_up(
    place: ApiServer, store: Store, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    episodes, patch = store(), transport.patch

    def cut(path: str, body: list[Json]) -> bytes:
        patch(path, body)
        raise Unreachable("read timed out")

    monkeypatch.setattr(transport, "patch", cut)
    attempt = episodes.intend(plan(), NOW)
    monkeypatch.setattr(transport, "patch", patch)
    assert [each["id"] for each in stored(place)["status"]["attempts"]] == [attempt.id]
    episodes.conclude(UID, outcome(), later(seconds=5))
    assert len(stored(place)["status"]["attempts"]) == 1


def test_a_refusal_is_an_answer_and_nothing_is_looked_up(
    place: ApiServer, store: Store, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lookup would bear with a busy server for a minute, and the right to act lasts for half of one."""
    episodes = store()

    def get(path: str, query: Json | None = None) -> bytes:
        raise AssertionError(f"{path} was looked up")

    monkeypatch.setattr(transport, "get", get)
    place.refuse("create", "remediations", code=429, reason="TooManyRequests", message="too many requests")
    with pytest.raises(ClusterError, match="too many requests"):
        episodes.intend(plan(), NOW)


def test_a_request_that_never_arrived_is_looked_up_too(
    place: ApiServer, store: Store, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    episodes = store()

    def lost(path: str, body: list[Json]) -> bytes:
        raise Unreachable("read timed out")

    monkeypatch.setattr(transport, "patch", lost)
    with pytest.raises(Unreachable):
        episodes.intend(plan(), NOW)
    assert "status" not in stored(place)


def test_where_nobody_can_look_nothing_is_done(
    place: ApiServer, store: Store, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    episodes, patch = store(), transport.patch

    def cut(path: str, body: list[Json]) -> bytes:
        patch(path, body)
        place.stop()
        raise Unreachable("connection reset")

    monkeypatch.setattr(transport, "patch", cut)
    with pytest.raises(Unreachable):
        episodes.intend(plan(), NOW)
    place.start()
    monkeypatch.setattr(transport, "patch", patch)
    episodes.load(later(minutes=1))
    episodes.intend(plan(), later(minutes=1))
    kept = stored(place)["status"]["attempts"]
    assert [each.get("result") for each in kept] == ["unknown", None], "what was stored unseen is closed"


def test_a_conclusion_that_cannot_be_written_is_written_later(place: ApiServer, store: Store) -> None:
    episodes = store()
    episodes.intend(plan(), NOW)
    place.refuse("patch", "remediations/status", code=500, reason="InternalError", message="etcdserver: no leader")
    episodes.conclude(UID, outcome(), later(seconds=9))
    assert "result" not in stored(place)["status"]["attempts"][0]
    place.allow()
    episodes.load(later(minutes=1))
    assert episodes.save(later(minutes=1)) == ()
    assert stored(place)["status"]["attempts"][0]["result"] == "still-stuck"


def test_nothing_is_intended_while_nobody_knows_what_was_tried(place: ApiServer, transport: Transport) -> None:
    episodes = StoredEpisodes(transport, HOME)
    with pytest.raises(ClusterError, match="never read"):
        episodes.intend(plan(), NOW)
    place.refuse("list", "remediations", code=500, reason="InternalError", message="etcdserver: no leader")
    [told] = episodes.load(NOW)
    assert "no leader" in told
    with pytest.raises(ClusterError, match="nobody knows what was tried before"):
        episodes.intend(plan(), NOW)


def test_an_answer_that_makes_no_sense_is_no_acknowledgement(
    place: ApiServer, store: Store, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    episodes = store()
    monkeypatch.setattr(transport, "patch", lambda *_: b"<html>log in</html>")
    with pytest.raises(ClusterError, match="cannot be read"):
        episodes.intend(plan(), NOW)
    assert "status" not in stored(place)
