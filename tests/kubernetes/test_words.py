"""A person's word, as it is written: in whose name, in place of what, and what becomes of it on a bad day."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from remediator.errors import Changed, ClusterError, Forbidden, Refused, RemediatorError
from remediator.kubernetes import words
from remediator.kubernetes.approvals import POLICY, Guard
from remediator.kubernetes.remediation_object import Stored, object_name, path
from remediator.kubernetes.remediations import StoredEpisodes
from remediator.kubernetes.transport import Transport
from remediator.model.word import Approval, Override, Rejection, Release
from remediator.sandbox.apiserver import ApiServer
from tests import yaml_files
from tests.builders import NOW, decoded, function
from tests.kubernetes.conftest import Connect
from tests.spells import DIGEST, OTHER_DIGEST, finding, plan
from tests.wire import Answer, Heard, Wire, answer, status

HOME = "ack-remediator"
DEFINITION = Path(__file__).parents[2] / "manifests" / "base" / "crd-remediations.yaml"
CHECKOUT = decoded(function())
NAME = object_name(CHECKOUT.metadata.uid)
PATH = path(HOME, NAME)

Json = dict[str, Any]


@pytest.fixture
def home(api: ApiServer, transport: Transport) -> ApiServer:
    """A cluster with one record, of a proposal that waits."""
    api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
    api.seed(yaml_files.read(DEFINITION))
    propose(transport)
    return api


def propose(transport: Transport, digest: str = DIGEST) -> None:
    store = StoredEpisodes(transport, HOME, guard=lambda: Guard(True, "the tests say so"))
    assert store.load(NOW) == ()
    store.sighted(CHECKOUT, finding(), NOW)
    store.proposed(CHECKOUT, plan(digest=digest), NOW)
    assert store.save(NOW) == ()


def seen(transport: Transport) -> Stored:
    [found] = words.records(transport, HOME).records
    return found


def spec(home: ApiServer) -> Json:
    """Read what stands beside the target."""
    stored: Json = home.stored("ack-remediator.dev/v1alpha1", "Remediation", HOME, NAME)["spec"]
    return {key: value for key, value in stored.items() if key != "target"}


# ---- who we are ------------------------------------------------------------------------------------------------------


def test_the_api_server_says_who_we_are(transport: Transport) -> None:
    assert words.whoami(transport) == "sandbox-admin"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (status(404, "not found"), "serves no SelfSubjectReview"),
        (status(403, "no"), "does not tell us who we are to it"),
        (answer(201, {"status": {}}), "knows no name for us"),
        (answer(201, "<html>"), "makes no sense"),
    ],
    ids=["absent", "forbidden", "nameless", "login page"],
)
def test_nobody_is_taken_for_somebody(connect: Connect, told: Answer, said: str) -> None:
    with Wire(told) as wire, pytest.raises(ClusterError, match=said):
        words.whoami(connect(wire.url))


# ---- what is recorded ------------------------------------------------------------------------------------------------


def test_without_the_definition_nothing_is_recorded(transport: Transport) -> None:
    with pytest.raises(ClusterError, match=r"does not know remediations\.ack-remediator\.dev"):
        words.records(transport, HOME)


def test_an_empty_home_is_told_from_one_that_is_not_there(home: ApiServer, transport: Transport) -> None:
    home.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "empty"}})
    assert words.records(transport, "empty").records == ()
    with pytest.raises(ClusterError, match="there is no namespace absent"):
        words.records(transport, "absent")


def test_who_may_not_read_is_told_the_role(connect: Connect) -> None:
    with Wire(status(403, "no")) as wire, pytest.raises(Forbidden) as refused:
        words.records(connect(wire.url), HOME)
    assert "ack-remediator-viewer" in refused.value.hint


def test_who_may_not_ask_for_the_namespace_takes_an_empty_list_for_what_it_is(connect: Connect) -> None:
    with Wire(answer(200, {"items": []}), status(403, "no")) as wire:
        assert words.records(connect(wire.url), HOME) == words.Recorded(())


def test_a_record_that_is_none_is_named_and_hides_no_other(home: ApiServer, transport: Transport) -> None:
    stored = home.stored("ack-remediator.dev/v1alpha1", "Remediation", HOME, NAME)
    strange = {**stored, "metadata": {"name": "strange", "namespace": HOME}}
    home.seed(strange)
    found = words.records(transport, HOME)
    assert [each.name for each in found.records] == [NAME]
    [why] = found.unusable
    assert why == f"Remediation {HOME}/strange: its name does not follow from its target"


# ---- a word ----------------------------------------------------------------------------------------------------------


def test_an_approval_says_who_what_and_why(home: ApiServer, transport: Transport) -> None:
    word = Approval("mara", DIGEST, "OPS-1", (Override.BUDGET, Override.COOL_DOWN), "drill")
    written = words.say(transport, HOME, seen(transport), word)
    said = spec(home)["approval"]
    nonce = said.pop("nonce")
    assert len(nonce) == 16
    assert said == {
        "approvedBy": "mara",
        "digest": DIGEST,
        "ticket": "OPS-1",
        "override": ["budget", "cool-down"],
        "reason": "drill",
    }
    assert written.approval is not None
    assert written.approval.at is not None


def test_one_word_takes_the_place_of_another_whole(home: ApiServer, transport: Transport) -> None:
    """A merge would hand the override of the first to who approves after them."""
    words.say(transport, HOME, seen(transport), Approval("mara", DIGEST, "OPS-1", (Override.BUDGET,), "drill"))
    first = spec(home)["approval"]
    words.say(transport, HOME, seen(transport), Approval("theo", DIGEST))
    second = spec(home)["approval"]
    assert set(second) == {"approvedBy", "digest", "nonce"}
    assert second["nonce"] != first["nonce"]
    words.say(transport, HOME, seen(transport), Rejection("theo", DIGEST, "no"))
    assert spec(home) == {"rejection": {"rejectedBy": "theo", "digest": DIGEST, "reason": "no"}}
    words.say(transport, HOME, seen(transport), Release("mara", "it is back"))
    assert set(spec(home)) == {"release"}
    words.say(transport, HOME, seen(transport), Approval("mara", DIGEST))
    assert set(spec(home)) == {"approval"}


def test_the_same_rejection_again_writes_nothing(home: ApiServer, transport: Transport) -> None:
    first = words.say(transport, HOME, seen(transport), Rejection("mara", DIGEST))
    assert words.say(transport, HOME, first, Rejection("mara", DIGEST)).resource_version == first.resource_version


def test_what_a_run_notes_meanwhile_does_not_stop_a_person(home: ApiServer, transport: Transport) -> None:
    before = seen(transport)
    note(transport)
    words.say(transport, HOME, before, Approval("mara", DIGEST))
    assert "approval" in spec(home)


def note(transport: Transport) -> None:
    """Write to the status, as a run does, and leave the proposal as it is."""
    transport.patch(f"{PATH}/status", [{"op": "add", "path": "/status/generation", "value": 77}])


def test_what_is_proposed_now_is_not_what_was_looked_at(home: ApiServer, transport: Transport) -> None:
    before = seen(transport)
    propose(transport, OTHER_DIGEST)
    with pytest.raises(Changed, match="what is proposed changed; nothing was written"):
        words.say(transport, HOME, before, Approval("mara", DIGEST))
    assert spec(home) == {}


def test_another_word_in_between_is_not_overwritten_unseen(home: ApiServer, transport: Transport) -> None:
    before = seen(transport)
    words.say(transport, HOME, before, Rejection("theo", DIGEST))
    with pytest.raises(Changed, match="somebody else had their word"):
        words.say(transport, HOME, before, Approval("mara", DIGEST))
    assert set(spec(home)) == {"rejection"}


def test_a_record_that_is_gone_is_told(home: ApiServer, transport: Transport) -> None:
    before = seen(transport)
    transport.delete(PATH, uid=before.uid, resource_version=before.resource_version)
    with pytest.raises(Changed, match="its record is gone"):
        words.say(transport, HOME, before, Approval("mara", DIGEST))


def test_what_the_definition_does_not_take_is_no_conflict(home: ApiServer, transport: Transport) -> None:
    with pytest.raises(RemediatorError, match=r"the API server does not take it: .*ticket") as refused:
        words.say(transport, HOME, seen(transport), Approval("mara", DIGEST, "x" * 300))
    assert not isinstance(refused.value, Changed)


def test_a_record_that_is_written_to_all_the_time_is_given_up(home: ApiServer, transport: Transport) -> None:
    class Busy(Transport):
        def get(self, path: str, query: Any = None) -> bytes:
            content = transport.get(path, query)
            transport.patch(f"{PATH}/status", [{"op": "add", "path": "/status/generation", "value": next(numbers)}])
            return content

        def patch(self, path: str, patch: Any, *, dry_run: bool = False) -> bytes:
            return transport.patch(path, patch, dry_run=dry_run)

        def __init__(self) -> None:
            pass

    numbers = iter(range(100, 200))
    before = seen(transport)
    note(transport)
    with pytest.raises(Changed, match="is written to all the time"):
        words.say(Busy(), HOME, before, Approval("mara", DIGEST))
    assert spec(home) == {}


def denied(why: str) -> str:
    return (
        f'remediations.ack-remediator.dev "{NAME}" is forbidden: ValidatingAdmissionPolicy {POLICY!r} with binding '
        f"{POLICY!r} denied request: {why}"
    )


def test_the_policys_sentence_is_told_as_it_is(connect: Connect) -> None:
    why = "mara may not approve remediations in namespace shop; bind ClusterRole ack-remediator-approver there"
    with Wire(status(403, denied(why))) as wire, pytest.raises(Forbidden) as refused:
        words.say(connect(wire.url), HOME, RECORD, Approval("mara", DIGEST))
    assert refused.value.message == f"refused: {why}"


def test_without_the_role_its_name_is_told(connect: Connect) -> None:
    said = 'User "mara" cannot patch resource "remediations"'
    with Wire(status(403, said)) as wire, pytest.raises(Forbidden) as refused:
        words.say(connect(wire.url), HOME, RECORD, Approval("mara", DIGEST))
    assert said in refused.value.message
    assert "ack-remediator-approver" in refused.value.hint


@pytest.mark.parametrize("told", [b"", status(500, "etcdserver: no leader")], ids=["silence", "500"])
def test_a_lost_answer_is_told_as_one(connect: Connect, told: bytes) -> None:
    with Wire(told) as wire, pytest.raises(ClusterError, match="whether it was written is not known"):
        words.say(connect(wire.url), HOME, RECORD, Approval("mara", DIGEST))


def test_a_no_before_anything_was_done_is_no_lost_answer(connect: Connect) -> None:
    with Wire(status(429, "later")) as wire, pytest.raises(Refused) as refused:
        words.say(connect(wire.url), HOME, RECORD, Approval("mara", DIGEST))
    assert "not known" not in refused.value.message


RECORD = Stored(name=NAME, uid="u", resource_version="7", ref=CHECKOUT.ref)


# ---- whether the rules hold ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "held"),
    [
        (status(403, denied("write your own name")), True),
        (answer(200, {}), False),
        (status(403, 'User "mara" cannot patch'), None),
        (status(404, "gone"), None),
        (status(500, "etcdserver: no leader"), None),
    ],
    ids=["refused by the policy", "taken", "refused by RBAC", "gone", "500"],
)
def test_only_the_policys_own_refusal_proves_that_it_holds(connect: Connect, told: bytes, held: bool | None) -> None:
    heard: list[Heard] = []

    def listen(asked: Heard) -> bytes:
        heard.append(asked)
        return told

    with Wire(listen) as wire:
        assert words.held_to_rules(connect(wire.url), HOME, RECORD) is held
    [tried] = heard
    assert (tried.method, tried.query["dryRun"]) == ("PATCH", "All")
    assert json.loads(tried.body)[-1]["value"]["approvedBy"] == "nobody"


def test_trying_it_changes_nothing(home: ApiServer, transport: Transport) -> None:
    before = words.say(transport, HOME, seen(transport), Rejection("mara", DIGEST))
    assert words.held_to_rules(transport, HOME, before) is False, "the sandbox has no admission policies"
    assert seen(transport) == before


# ---- by hand ---------------------------------------------------------------------------------------------------------


def test_the_command_for_kubectl_says_the_same(home: ApiServer, transport: Transport) -> None:
    record = words.say(transport, HOME, seen(transport), Rejection("mara", DIGEST))
    typed = shlex.split(words.kubectl(HOME, record, Approval("mara", DIGEST, reason="it's back")))
    assert typed[:6] == ["kubectl", "patch", "remediations.ack-remediator.dev", NAME, "-n", HOME]
    transport.patch(PATH, json.loads(typed[-1]))
    assert spec(home) == {"approval": {"approvedBy": "mara", "digest": DIGEST, "reason": "it's back"}}
    propose(transport, OTHER_DIGEST)
    with pytest.raises(Changed):
        transport.patch(PATH, json.loads(typed[-1]))
