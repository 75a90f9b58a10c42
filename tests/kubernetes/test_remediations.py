"""Episodes that outlive a process: what is stored, when, and what becomes of it when the API server has a bad day."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from remediator.diagnosis import diagnose
from remediator.errors import Changed, ClusterError, Forbidden, Unreachable
from remediator.kubernetes import pages as module
from remediator.kubernetes.approvals import Guard
from remediator.kubernetes.remediation_object import object_name
from remediator.kubernetes.remediations import StoredEpisodes
from remediator.kubernetes.transport import Transport
from remediator.model.episode import Episode, Phase, ResolvedBy
from remediator.model.finding import FindingName
from remediator.model.plan import ActionName, Outcome, Result
from remediator.model.resource import Ref, Resource
from remediator.sandbox.apiserver import ApiServer
from tests.builders import NOW, active, decoded, failing, function, observe
from tests.kubernetes.conftest import Connect
from tests.spells import DIGEST, OTHER_DIGEST, finding, plan
from tests.wire import Wire, answer, status

HOME = "ack-remediator"
DEFINITION = Path(__file__).parents[2] / "manifests" / "base" / "crd-remediations.yaml"
API_VERSION = "ack-remediator.dev/v1alpha1"
CHECKOUT = decoded(function())
UID = CHECKOUT.metadata.uid
NAME = object_name(UID)

Json = dict[str, Any]
Store = Callable[..., StoredEpisodes]


def later(**span: float) -> datetime:
    return NOW + timedelta(**span)


@pytest.fixture(scope="module")
def definition() -> Json:
    parsed: Json = YAML(typ="safe").load(DEFINITION.read_text(encoding="utf-8"))
    return parsed


@pytest.fixture
def place(api: ApiServer, definition: Json) -> ApiServer:
    """An API server with the definition and the home namespace."""
    api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
    api.seed(definition)
    return api


@pytest.fixture
def store(place: ApiServer, transport: Transport) -> Store:
    """Start a process: a store that has loaded."""

    def start(*, guarded: bool = True, since: datetime | None = None, **more: Any) -> StoredEpisodes:
        base: Json = {"by": "tests", "guard": lambda: Guard(guarded, "the tests say so", since)}
        started = StoredEpisodes(transport, HOME, **(base | more))
        assert started.load(NOW) == () or not guarded or since
        return started

    return start


def stored(api: ApiServer, name: str = NAME) -> Json:
    return api.stored(API_VERSION, "Remediation", HOME, name)


def version(api: ApiServer) -> str:
    return str(stored(api)["metadata"]["resourceVersion"])


def outcome(result: Result = Result.STILL_STUCK, **more: Any) -> Outcome:
    return Outcome(action=ActionName.RESYNC, target=CHECKOUT.ref, result=result, detail="seen", accepted=NOW, **more)


def said(api: ApiServer, at: str | None = "2026-11-21T12:00:30Z", **word: Json) -> None:
    """Let a person say something, as the API server would keep it."""
    found = stored(api)
    found["spec"] |= word
    owned: Json = {f"f:{name}": {} for name in word}
    entry = {"manager": "kubectl-patch", "operation": "Update", "fieldsV1": {"f:spec": owned}}
    found["metadata"]["managedFields"] = [entry | ({"time": at} if at else {})]
    api.seed(found)


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


@pytest.fixture
def offered(store: Store) -> StoredEpisodes:
    """Something that waits for a person."""
    episodes = store()
    episodes.sighted(CHECKOUT, finding(), NOW)
    episodes.proposed(CHECKOUT, plan(), NOW)
    assert episodes.save(NOW) == ()
    return episodes


def test_an_approval_is_dated_by_the_api_server(place: ApiServer, offered: StoredEpisodes) -> None:
    said(place, approval={"approvedBy": "alice", "digest": DIGEST, "ticket": "OPS-1", "override": ["budget"]})
    offered.load(NOW)
    word = offered.approval(UID)
    assert word is not None
    assert (word.approved_by, word.ticket, word.override, word.at) == ("alice", "OPS-1", ("budget",), later(seconds=30))
    known = offered.episode(UID)
    assert known is not None
    assert known.approved(word, later(minutes=1))


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
