"""The store on the real API server: its definition is taken, its rules hold, and kubectl can use it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from remediator.kubernetes.remediation_object import collection, new_object
from remediator.model.attempt import LONGEST_EVIDENCE, LONGEST_TEXT
from remediator.model.decision import Ruling, Verdict
from remediator.model.episode import ATTEMPTS_KEPT, EVIDENCE_KEPT, VERDICTS_KEPT, Phase, ResolvedBy
from remediator.model.finding import FindingName
from remediator.model.plan import ActionName, Outcome, Result
from remediator.model.resource import Resource
from tests.bed.api import Refused
from tests.cluster.records import Records, target
from tests.spells import DIGEST, OTHER_DIGEST, finding, plan


def now() -> datetime:
    return datetime.now(UTC)


def outcome(resource: Resource, result: Result) -> Outcome:
    return Outcome(action=ActionName.RESYNC, target=resource.ref, result=result, detail="seen", accepted=now())


def test_a_spell_from_first_sight_to_recovery_over_five_processes(records: Records, shop: str) -> None:
    resource, began = target(shop), now()
    first = records.store()
    first.load(began)
    first.sighted(resource, finding(since=began - timedelta(hours=1)), began)
    first.proposed(resource, plan(resource=resource), began)
    assert first.save(began) == ()
    second = records.store()
    assert second.load(now()) == ()
    attempt = second.intend(plan(resource=resource), now())
    assert records.read(resource)["status"]["phase"] == Phase.ACTING
    second.accepted(resource.metadata.uid, now())
    assert records.read(resource)["status"]["phase"] == Phase.VERIFYING
    third = records.store()  # the second was killed
    third.load(now())
    killed = third.episode(resource.metadata.uid)
    assert killed is not None
    assert killed.under_way is not None
    assert killed.under_way.id == attempt.id
    third.conclude(resource.metadata.uid, outcome(resource, Result.RESOLVED), now())
    for _ in range(2):
        well = records.store()
        well.load(now())
        well.recovered(resource, now())
        assert well.save(now()) == ()
    stored = records.read(resource)["status"]
    assert (stored["phase"], stored["resolvedBy"]) == (Phase.RESOLVED, ResolvedBy.US)
    assert {each["type"]: each["status"] for each in stored["conditions"]} == {"Resolved": "True", "Approved": "False"}
    assert "proposal" not in stored


def test_the_fullest_episode_fits(records: Records, shop: str) -> None:
    """All limits of the definition are those of the values; else a write would be refused for ever."""
    resource, store = target(shop), records.store(by="b" * 3000)
    store.load(now())
    evidence = {f"fact{number}": "é" * 3 * LONGEST_EVIDENCE for number in range(2 * EVIDENCE_KEPT)}
    long = "ü" * 3 * LONGEST_TEXT
    store.sighted(resource, finding(summary=long, evidence=evidence, also=tuple(FindingName)), now())
    store.proposed(resource, plan(resource=resource, summary=long), now())
    store.judged(resource, [Verdict("gate", Ruling.HELD, long)] * 2 * VERDICTS_KEPT)
    store.incident(now())
    for _ in range(ATTEMPTS_KEPT + 1):
        store.intend(plan(resource=resource), now(), long, long)
        ended = Outcome(
            action=ActionName.RESYNC,
            target=resource.ref,
            result=Result.STILL_STUCK,
            detail=long,
            backup=long,
            orphan=long,
        )
        store.conclude(resource.metadata.uid, ended, now())
    assert store.save(now()) == ()
    assert len(records.read(resource)["status"]["attempts"]) == ATTEMPTS_KEPT
    again = records.store()
    again.load(now())
    assert again.episode(resource.metadata.uid) == store.episode(resource.metadata.uid)


def test_kubectl_shows_what_a_person_looks_for(records: Records, shop: str) -> None:
    resource, store = target(shop), records.store()
    store.load(now())
    store.sighted(resource, finding(since=now() - timedelta(hours=3)), now())
    store.proposed(resource, plan(resource=resource), now())
    store.save(now())
    table = records.table(resource)
    assert table == {
        "NAMESPACE": shop,
        "TARGET": "checkout",
        "FINDING": "FunctionPending",
        "STUCK-FOR": "3h",
        "ACTION": "Resync",
        "PHASE": "AwaitingApproval",
    }


@pytest.mark.parametrize(
    "selector",
    [
        {"labelSelector": "ack-remediator.dev/target-namespace={shop},ack-remediator.dev/target-name=checkout"},
        {"fieldSelector": "status.finding=FunctionPending,spec.target.namespace={shop}"},
        {"fieldSelector": "status.phase=Watching,spec.target.namespace={shop}"},
    ],
)
def test_kubectl_selects_by_target_finding_and_phase(records: Records, shop: str, selector: dict[str, str]) -> None:
    resource, store = target(shop), records.store()
    store.load(now())
    store.sighted(resource, finding(), now())
    store.sighted(target(shop, "mailer"), finding(name=FindingName.CHECKSUM_MISMATCH), now())
    store.proposed(target(shop, "mailer"), plan(resource=target(shop, "mailer")), now())
    store.save(now())
    query = {key: value.format(shop=shop) for key, value in selector.items()}
    found = records.admin.get(collection(records.home), **query)["items"]
    assert [each["spec"]["target"]["name"] for each in found] == ["checkout"]


def test_somebody_elses_write_is_taken_along(records: Records, shop: str) -> None:
    resource = target(shop)
    mine, theirs = records.store(by="me"), records.store(by="them")
    mine.load(now())
    theirs.load(now())
    mine.sighted(resource, finding(), now())
    assert mine.save(now()) == ()
    theirs.sighted(resource, finding(), now())
    theirs.intend(plan(resource=resource), now())
    theirs.conclude(resource.metadata.uid, outcome(resource, Result.STILL_STUCK), now())
    mine.intend(plan(resource=resource, digest=OTHER_DIGEST), now())
    stored = records.read(resource)["status"]["attempts"]
    assert [(each["by"], each["digest"]) for each in stored] == [("them", DIGEST), ("me", OTHER_DIGEST)]


def test_old_records_are_deleted(records: Records, shop: str) -> None:
    resource, store = target(shop), records.store()
    store.load(now())
    store.sighted(resource, finding(), now())
    store.ended(resource.ref, now(), ResolvedBy.DELETED)
    assert store.save(now()) == ()
    later = records.store(retention=timedelta(hours=48))
    later.load(now())
    assert later.save(now() + timedelta(hours=47)) == ()
    assert records.read(resource)["status"]["phase"] == Phase.RESOLVED
    assert later.save(now() + timedelta(hours=49)) == ()
    with pytest.raises(Refused) as gone:
        records.read(resource)
    assert gone.value.status == 404


def test_without_rights_memory_serves(records: Records, shop: str) -> None:
    viewer = records.person(f"viewer-of-{shop}")
    resource = target(shop)
    store = records.store(transport=records.transport_of(viewer))
    assert store.load(now()) == ()
    store.sighted(resource, finding(), now())
    [told] = store.save(now())
    assert 'cannot create resource "remediations"' in told
    assert "kept in memory only" in told
    assert store.fleeting == told
    assert store.intend(plan(resource=resource), now()).id


def test_without_the_definition_memory_serves(records: Records, control_plane: Any) -> None:
    store = records.store(transport=records.admin_transport(control_plane))
    [told] = store.load(now())
    assert "does not know remediations.ack-remediator.dev" in told


# ---- the definition's own rules --------------------------------------------------------------------------------------


def words(**spec: Any) -> dict[str, Any]:
    return {"spec": spec}


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (words(target={"name": "another"}), "the target cannot change"),
        (words(target=None), "spec.target: Required"),
        (
            words(
                rejection={"rejectedBy": "sandbox-admin", "digest": DIGEST},
                approval={"approvedBy": "sandbox-admin", "digest": DIGEST},
            ),
            "exclude each other",
        ),
        (words(approval={"approvedBy": "sandbox-admin"}), "spec.approval.digest: Required"),
        (words(approval={"digest": DIGEST}), "spec.approval.approvedBy: Required"),
        (words(approval={"approvedBy": "", "digest": DIGEST}), "approvedBy in body should be at least 1 chars"),
        (words(approval={"approvedBy": "sandbox-admin", "digest": "p-ababababab"}), "digest"),
        (
            words(approval={"approvedBy": "sandbox-admin", "digest": DIGEST, "override": ["identity"], "reason": "x"}),
            'Unsupported value: "identity"',
        ),
        (
            words(approval={"approvedBy": "sandbox-admin", "digest": DIGEST, "override": ["budget"]}),
            "an override needs a reason",
        ),
        (words(rejection={"digest": DIGEST}), "spec.rejection.rejectedBy: Required"),
        (words(release={"reason": "fixed"}), "spec.release.requestedBy: Required"),
    ],
)
def test_the_definition_refuses_what_makes_no_sense(
    records: Records, shop: str, body: dict[str, Any], complaint: str
) -> None:
    resource, store = target(shop), records.store()
    store.load(now())
    store.sighted(resource, finding(), now())
    store.proposed(resource, plan(resource=resource), now())
    store.save(now())
    with pytest.raises(Refused) as refusal:
        records.admin.merge(records.path(resource), body)
    assert complaint in refusal.value.message


def test_an_override_with_a_reason_is_taken(records: Records, shop: str) -> None:
    resource, store = target(shop), records.store()
    store.load(now())
    store.sighted(resource, finding(), now())
    store.proposed(resource, plan(resource=resource), now())
    store.save(now())
    word = {"approvedBy": "sandbox-admin", "digest": DIGEST, "override": ["budget"], "reason": "an incident"}
    records.admin.merge(records.path(resource), words(approval=word))
    store.load(now())
    read = store.approval(resource.metadata.uid)
    assert read is not None
    assert (read.override, read.reason) == (("budget",), "an incident")


def test_a_record_is_named_after_its_target(records: Records, shop: str) -> None:
    body = new_object(target(shop).ref)
    body["metadata"]["name"] = "function-of-another"
    with pytest.raises(Refused, match="the name has to be"):
        records.admin.post(collection(records.home), body)


def test_a_release_lets_out_of_quarantine_once(records: Records, shop: str) -> None:
    resource, store = target(shop), records.store()
    store.load(now())
    store.sighted(resource, finding(), now())
    for _ in range(3):
        store.intend(plan(resource=resource), now())
        store.conclude(resource.metadata.uid, outcome(resource, Result.STILL_STUCK), now())
    assert records.read(resource)["status"]["phase"] == Phase.QUARANTINED
    records.wait_a_second()
    records.admin.merge(records.path(resource), words(release={"requestedBy": "sandbox-admin", "reason": "fixed"}))
    store.load(now())
    assert store.save(now()) == ()
    stored = records.read(resource)["status"]
    assert stored["phase"] == Phase.WATCHING
    for _ in range(3):
        store.intend(plan(resource=resource), now())
        store.conclude(resource.metadata.uid, outcome(resource, Result.STILL_STUCK), now())
    store.load(now())
    store.sighted(resource, finding(), now())
    store.save(now())
    assert records.read(resource)["status"]["phase"] == Phase.QUARANTINED, "one release counts once"
