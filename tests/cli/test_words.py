"""Approve, reject, list, history, quarantine: what people see of the records, and their word on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from remediator.kubernetes.approvals import Guard
from tests import yaml_files
from tests.cli.shop import CONTEXT, Result, Shop, Typing

BASE = Path(__file__).parents[2] / "manifests" / "base"
HOME = "ack-remediator"
API_VERSION = "ack-remediator.dev/v1alpha1"
US = "sandbox-admin"

Json = dict[str, Any]


@pytest.fixture
def recorded(shop: Shop) -> Shop:
    """A shop in a cluster that knows Remediations, after a run."""
    shop.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
    shop.api.seed(yaml_files.read(BASE / "crd-remediations.yaml"))
    assert shop("run", "-A").code == 0
    return shop


def types(shop: Shop, *words: str, columns: int = 300, **more: Any) -> Result:
    return shop(*words, policy=False, columns=columns, **more)


def name_of(shop: Shop, function: str = "checkout") -> str:
    return f"function-{shop.stored(function)['metadata']['uid']}"


def record(shop: Shop, function: str = "checkout") -> Json:
    return shop.api.stored(API_VERSION, "Remediation", HOME, name_of(shop, function))


def change(shop: Shop, function: str = "checkout", *, spec: Json | None = None, **status: Any) -> None:
    """Let something be otherwise in a record."""
    stored = record(shop, function)
    stored["spec"] |= spec or {}
    stored["status"] |= status
    shop.api.seed(stored)


def proposal(shop: Shop, function: str = "checkout") -> str:
    return f"p-{record(shop, function)['status']['proposal']['digest'][:10]}"


def words(shop: Shop, function: str = "checkout") -> Json:
    """Read what people said."""
    return {key: value for key, value in record(shop, function)["spec"].items() if key != "target"}


def attempts(shop: Shop, *minutes: float, result: str = "unknown") -> list[Json]:
    return [
        {
            "id": f"p-0-{number}",
            "action": "Resync",
            "digest": f"{number:x}" * 64,
            "intended": shop.ago(minutes=ago),
            "concluded": shop.ago(minutes=ago - 1),
            "by": "job@node/1/ab",
            "approvedBy": "mara",
            "result": result,
            "detail": f"Try {number} came to nothing.",
        }
        for number, ago in enumerate(minutes, 1)
    ]


def quarantine(shop: Shop) -> None:
    change(shop, attempts=attempts(shop, 50, 30, 10), phase="Quarantined")


def listed(shop: Shop, *more: str) -> dict[str, Json]:
    found = json.loads(types(shop, "list", "-A", "-o", "json", *more).out)["records"]
    return {each["name"]: each for each in found}


# ---- approve ---------------------------------------------------------------------------------------------------------


def test_an_id_is_approved_without_asking_after_it_is_shown(recorded: Shop) -> None:
    named = proposal(recorded)
    told = types(recorded, "approve", named, "--ticket", "OPS-1", "--override", "cool-down", "--reason", "drill")
    assert told.code == 0, told.err
    lines = told.out.splitlines()
    assert lines[0] == "Resync function/checkout in shop"
    shown = {line[2:20].strip(): line[22:] for line in lines[1:] if line.startswith("  ")}
    assert shown["proposal"] == named
    assert shown["finding"].startswith("UpdateFailed, stuck: AWS rolled back the last update;")
    assert shown["does"].startswith("make the controller look again")
    assert shown["function"] == f"arn:aws:lambda:us-east-1:{recorded.cloud.account}:function:checkout"
    assert {"since", "last looked at"} <= shown.keys()
    assert lines[-1].startswith(f"Approved {named} as {US}, until 20")
    approval = words(recorded)["approval"]
    assert approval.pop("nonce")
    assert approval == {
        "approvedBy": US,
        "digest": record(recorded)["status"]["proposal"]["digest"],
        "ticket": "OPS-1",
        "override": ["cool-down"],
        "reason": "drill",
    }


def test_where_forged_approvals_are_taken_it_says_that_none_counts(recorded: Shop) -> None:
    told = types(recorded, "approve", proposal(recorded))
    assert "Nothing acts on it: this cluster takes forged approvals, too" in told.err
    assert "acts on it, as long as" not in told.err


@pytest.mark.parametrize("named", ["function/checkout", "checkout"])
def test_a_name_is_asked_about(recorded: Shop, named: str) -> None:
    wrong = types(recorded, "approve", named, "-n", "shop", typed="other-cluster\n")
    assert (wrong.code, words(recorded)) == (2, {})
    assert f"Expected {CONTEXT}." in wrong.err
    right = types(recorded, "approve", named, "-n", "shop", typed=f"{CONTEXT}\n")
    assert right.code == 0, right.err
    assert "Type the context's name to go on" in right.err
    assert "approval" in words(recorded)


def test_the_records_own_name_is_asked_about_too(recorded: Shop) -> None:
    named = name_of(recorded)
    assert types(recorded, "approve", named, "-n", "elsewhere").code == 2
    assert types(recorded, "approve", named, "-n", "elsewhere", typed=f"{CONTEXT}\n").code == 0
    assert "approval" in words(recorded)


def test_a_name_without_a_terminal_is_refused_before_anything_is_asked(typed_anywhere: Typing) -> None:
    told = typed_anywhere("approve", "function/checkout")
    assert (told.code, told.out) == (2, "")
    assert "Pass the proposal's id, which names one situation" in told.err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--override", "proofs", "--reason", "x"), "the gate proofs cannot be overridden"),
        (("--override", "budget"), "--override needs a --reason"),
        (("--reason", "x"), "--reason goes with --override"),
    ],
)
def test_an_override_is_held_to_the_same_rules_as_at_run(typed_anywhere: Typing, more: Any, said: str) -> None:
    told = typed_anywhere("approve", "p-0123456789", *more)
    assert (told.code, told.out) == (2, "")
    assert said in told.err


def test_an_id_that_is_none_any_more_lists_what_is_proposed(recorded: Shop) -> None:
    told = types(recorded, "approve", "p-0123456789")
    assert (told.code, told.out) == (1, "")
    assert "there is no proposal p-0123456789 now: the situation changed, or it never was" in told.err
    assert f"{proposal(recorded)} (function/checkout -n shop)" in told.err
    assert f"{proposal(recorded, 'archive')} (function/archive -n shop)" in told.err


@pytest.mark.parametrize(
    ("named", "namespace", "code", "said"),
    [
        ("checkout", "post", 1, f"nothing is recorded of 'checkout' in namespace post ({CONTEXT})"),
        ("mailer", "shop", 1, "nothing is recorded of 'mailer'"),
        ("receipts", "shop", 1, "Function shop/receipts: nothing is proposed; it stands at Watching"),
        ("pod/web", "shop", 2, "cannot reject a 'pod'"),
        ("Not_a_name", "shop", 2, "'Not_a_name' cannot be the name of a Function"),
    ],
)
def test_what_cannot_be_meant_is_told(recorded: Shop, named: str, namespace: str, code: int, said: str) -> None:
    told = types(recorded, "reject", named, "-n", namespace)
    assert (told.code, told.out) == (code, "")
    assert said in told.err


def test_a_function_that_was_made_anew_is_the_one_that_is_there(recorded: Shop) -> None:
    """Its record of before is resolved, or not yet: then only the record's own name says which is meant."""
    twin = record(recorded)
    uid = "11111111-2222-3333-4444-555555555555"
    twin["metadata"] = {"name": f"function-{uid}", "namespace": HOME}
    twin["spec"] = {"target": twin["spec"]["target"] | {"uid": uid}}
    recorded.api.seed(twin)
    told = types(recorded, "reject", "checkout")
    assert told.code == 2
    assert f"function-{uid} (function/checkout -n shop)" in told.err
    assert types(recorded, "reject", f"function-{uid}").code == 0
    twin["status"] |= {"phase": "Resolved", "resolvedAt": recorded.ago(minutes=1), "resolvedBy": "deleted"}
    del twin["status"]["proposal"]
    recorded.api.seed(twin)
    assert types(recorded, "reject", "checkout", "--reason", "this one").code == 0
    assert words(recorded)["rejection"]["reason"] == "this one"
    gone = types(recorded, "reject", f"function-{uid}")
    assert (gone.code, gone.out) == (1, "")
    assert "Function shop/checkout is not unwell any more" in gone.err


def test_who_approved_before_is_shown(recorded: Shop) -> None:
    assert types(recorded, "approve", proposal(recorded)).code == 0
    told = types(recorded, "approve", proposal(recorded))
    assert f"approved by {US} at " in told.out
    assert "; good until " in told.out


def approval_is_from(shop: Shop, **ago: float) -> None:
    """Let the API server have noted that the approval was written so long ago."""
    stored = record(shop)
    for entry in stored["metadata"]["managedFields"]:
        entry["time"] = shop.ago(**ago)
    stored["status"] |= {"firstSeen": shop.ago(days=3), "lastSeen": shop.ago(days=2)}
    shop.api.seed(stored)


def test_an_approval_that_expired_is_shown_as_that_and_can_be_given_anew(recorded: Shop) -> None:
    types(recorded, "approve", proposal(recorded))
    approval_is_from(recorded, hours=25)
    assert listed(recorded)["checkout"]["phase"] == "AwaitingApproval"
    told = types(recorded, "approve", proposal(recorded))
    assert "; that has expired" in told.out
    assert told.code == 0
    assert listed(recorded)["checkout"]["approval"]["covers"] is True


def test_an_approval_of_something_else_is_shown_as_that(recorded: Shop) -> None:
    change(recorded, spec={"approval": {"approvedBy": "mara", "digest": "0" * 64}})
    told = types(recorded, "approve", proposal(recorded))
    assert "for something else than is proposed now: it does not count" in told.out


def test_what_cannot_be_undone_is_said_to_be(recorded: Shop) -> None:
    proposed = record(recorded, "archive")["status"]["proposal"] | {"action": "ClearFinalizer"}
    change(recorded, "archive", proposal=proposed)
    assert "it cannot be undone" in types(recorded, "reject", "archive").out


# ---- reject ----------------------------------------------------------------------------------------------------------


def test_a_rejection_takes_the_place_of_an_approval_and_is_watched_on(recorded: Shop) -> None:
    types(recorded, "approve", proposal(recorded))
    told = types(recorded, "reject", "checkout", "--reason", "not on a Friday")
    assert told.code == 0, told.err
    assert f"Rejected {proposal(recorded)} as {US}." in told.out
    assert words(recorded).keys() == {"rejection"}
    assert listed(recorded)["checkout"]["phase"] == "Watching"
    shown = types(recorded, "list").out
    assert f"Rejected by {US} at " in shown
    assert ": not on a Friday." in shown
    assert types(recorded, "reject", "checkout", "--reason", "not on a Friday").code == 0


# ---- quarantine ------------------------------------------------------------------------------------------------------


def test_what_is_in_quarantine_is_listed_and_released(recorded: Shop) -> None:
    assert types(recorded, "quarantine", "list").out == ""
    quarantine(recorded)
    told = types(recorded, "quarantine", "list")
    assert [line.split()[1] for line in told.out.splitlines() if not line.startswith(" ")] == ["NAME", "checkout"]
    assert "Next: remediator quarantine release function/checkout -n shop --reason TEXT" in told.err
    held = types(recorded, "approve", proposal(recorded))
    assert held.code == 1
    assert "is in quarantine: no approval helps there" in held.err
    assert words(recorded) == {}
    assert types(recorded, "quarantine", "release", "checkout", "--reason", "the role is mended").code == 0
    release = words(recorded)["release"]
    assert release.pop("nonce")
    assert release == {"requestedBy": US, "reason": "the role is mended"}


def test_a_release_is_not_undone_by_an_approval_that_comes_too_soon(recorded: Shop) -> None:
    quarantine(recorded)
    name = ("quarantine", "release", "checkout", "--reason", "mended")
    assert types(recorded, *name).code == 0
    told = types(recorded, "approve", proposal(recorded))
    assert told.code == 1
    assert "no run has taken note yet" in told.err
    assert words(recorded).keys() == {"release"}
    assert types(recorded, *name).code == 0, "again is fine"
    rejected = types(recorded, "reject", proposal(recorded))
    assert "What stood before is gone: released from quarantine by" in rejected.err


def test_a_release_that_the_next_run_did_not_count_is_told_as_that(recorded: Shop) -> None:
    """Nothing vouches for it here; the run says in the record that it looked, and took no note of it."""
    quarantine(recorded)
    types(recorded, "quarantine", "release", "checkout", "--reason", "mended")
    later = recorded.ago(minutes=-5)
    change(recorded, lastSeen=later)
    shown = types(recorded, "list")
    assert "Quarantined" in shown.out
    assert "the last run did not count it: is ValidatingAdmissionPolicy ack-remediator-approvals in force" in shown.out


def test_only_what_is_in_quarantine_is_released_and_for_a_reason(recorded: Shop) -> None:
    told = types(recorded, "quarantine", "release", "checkout", "--reason", "x")
    assert told.code == 1
    assert "it is not in quarantine; it stands at AwaitingApproval" in told.err
    for reason in ((), ("--reason", " ")):
        assert types(recorded, "quarantine", "release", "checkout", *reason).code == 2
    assert words(recorded) == {}


# ---- list ------------------------------------------------------------------------------------------------------------


def rows(told: Result) -> list[list[str]]:
    return [line.split() for line in told.out.splitlines() if not line.startswith(" ")]


def test_what_is_open_is_listed_worst_first(recorded: Shop) -> None:
    types(recorded, "approve", proposal(recorded))
    told = types(recorded, "list", "-A")
    header, *found = rows(told)
    assert header == [
        "NAMESPACE", "NAME", "FINDING", "STUCK-FOR", "ACTION", "PHASE", "PROPOSAL", "APPROVED-BY"
    ]  # fmt: skip
    by_name = {row[1]: row for row in found}
    assert by_name["checkout"][4:] == ["Resync", "Approved", proposal(recorded), US]
    assert by_name["archive"][4:] == ["Resync", "AwaitingApproval", proposal(recorded, "archive"), "-"]
    assert by_name["exports"][0] == "post"
    states = [each["state"] for each in listed(recorded).values()]
    assert states == sorted(states, key=["stuck", "waiting", "unknown", "advisory"].index)
    assert f"{CONTEXT}, all namespaces: {len(found)} open: " in told.err
    assert "1 AwaitingApproval, 1 Approved." in told.err
    assert f"Next: remediator approve {proposal(recorded, 'archive')}" in told.err


def test_a_namespace_is_that_of_the_target(recorded: Shop) -> None:
    assert {row[0] for row in rows(types(recorded, "list"))[1:]} == {"shop"}
    assert [row[1] for row in rows(types(recorded, "list", "-n", "post"))[1:]] == ["exports"]
    nothing = types(recorded, "list", "-n", "empty")
    assert (nothing.code, nothing.out) == (0, "")
    assert f"{CONTEXT}, namespace empty: 0 open." in nothing.err
    assert types(recorded, "list", "-n", "shop", "-A").code == 2


def test_what_is_well_again_is_listed_where_it_is_asked_for(recorded: Shop) -> None:
    change(recorded, phase="Resolved", resolvedAt=recorded.ago(minutes=1), resolvedBy="itself", proposal=None)
    assert "checkout" not in listed(recorded)
    found = listed(recorded, "--all")
    assert list(found)[-1] == "checkout"
    assert (found["checkout"]["phase"], found["checkout"]["resolvedBy"]) == ("Resolved", "itself")
    assert "Well again since " in types(recorded, "list", "--all").out


@pytest.mark.parametrize("columns", [60, 80, 100, 120])
@pytest.mark.parametrize("output", ["table", "wide"])
def test_a_narrow_terminal_has_the_columns_beneath(recorded: Shop, columns: int, output: str) -> None:
    types(recorded, "approve", proposal(recorded))
    shown = types(recorded, "list", "-A", "-o", output, columns=columns).out.split("\nApprove with kubectl")[0]
    assert max(len(line) for line in shown.splitlines()) <= columns
    for each in (proposal(recorded), US, "AwaitingApproval"):
        assert each in shown


def test_wide_has_the_command_for_kubectl_for_each_proposal(recorded: Shop) -> None:
    told = types(recorded, "list", "-A", "-o", "wide")
    commands = [line for line in told.out.splitlines() if line.startswith("  kubectl patch")]
    assert len(commands) == 2
    assert all(f'"approvedBy":"{US}"' in each for each in commands)
    assert name_of(recorded) in told.out


def test_both_documents_say_the_same(recorded: Shop) -> None:
    types(recorded, "approve", proposal(recorded), "--ticket", "OPS-1")
    as_json = json.loads(types(recorded, "list", "-A", "-o", "json").out)
    assert as_json["schemaVersion"] == "1"
    assert as_json["partial"] == []
    as_yaml = yaml.safe_load(types(recorded, "list", "-A", "-o", "yaml").out)
    assert as_yaml == as_json
    [one] = [each for each in as_json["records"] if each["name"] == "checkout"]
    assert one["proposal"]["id"] == proposal(recorded)
    approval = one["approval"]
    assert (approval["approvedBy"], approval["ticket"], approval["covers"]) == (US, "OPS-1", True)
    assert approval["at"] < approval["expiresAt"]
    assert (one["rejection"], one["release"]) == (None, None)


def test_a_record_that_cannot_be_read_makes_the_list_partial(recorded: Shop) -> None:
    strange = record(recorded) | {"metadata": {"name": "strange", "namespace": HOME}}
    recorded.api.seed(strange)
    told = types(recorded, "list", "-A")
    assert told.code == 5
    assert f"not seen: Remediation {HOME}/strange: its name does not follow from its target" in told.err
    assert "checkout" in told.out


def test_without_a_place_for_records_it_is_said(shop: Shop) -> None:
    for command in (("list",), ("history",), ("approve", "p-0123456789"), ("quarantine", "list")):
        told = types(shop, *command)
        assert (told.code, told.out) == (1, "")
        assert "this cluster does not know remediations.ack-remediator.dev" in told.err


def test_another_home_is_looked_in(recorded: Shop) -> None:
    told = types(recorded, "list", "--home-namespace", "elsewhere")
    assert told.code == 1
    assert "there is no namespace elsewhere, so nothing is recorded in it" in told.err
    assert types(recorded, "list", "--home-namespace", "Else_where").code == 2


# ---- history ---------------------------------------------------------------------------------------------------------


def test_what_was_tried_is_told_newest_first(recorded: Shop) -> None:
    change(recorded, attempts=attempts(recorded, 50, 30), firstSeen=recorded.ago(minutes=70))
    types(recorded, "reject", "checkout", "--reason", "enough")
    told = types(recorded, "history", "checkout")
    assert told.code == 0
    assert [row[3:] for row in rows(told)] == [
        ["EVENT", "RESULT"],
        ["rejected", "-"],
        ["Resync", "unknown"],
        ["Resync", "unknown"],
        ["unwell", "-"],
    ]
    assert "on the word of mara; by job@node/1/ab; p-2222222222" in told.out
    assert "Try 2 came to nothing." in told.out
    assert "    enough\n" in told.out
    assert f"{CONTEXT}: 4 events of 1 resource." in told.err


def test_history_can_be_cut_by_age_and_by_namespace(recorded: Shop) -> None:
    change(recorded, attempts=attempts(recorded, 50, 30), firstSeen=recorded.ago(minutes=70))

    def told(*more: str) -> list[Json]:
        events: list[Json] = json.loads(types(recorded, "history", *more, "-o", "json").out)["events"]
        return events

    assert [each["event"] for each in told("checkout", "--since", "40m")] == ["attempted"]
    assert told("checkout", "--since", "1m") == []
    assert {each["namespace"] for each in told()} == {"shop"}
    assert {each["namespace"] for each in told("-A")} == {"shop", "post"}
    moments = [each["at"] for each in told("-A")]
    assert moments == sorted(moments, reverse=True)


def test_an_attempt_is_found_by_the_id_that_was_approved(recorded: Shop) -> None:
    change(recorded, attempts=attempts(recorded, 50, 30, result="still-stuck"))
    told = json.loads(types(recorded, "history", "p-1111111111", "-o", "json").out)["events"]
    tried = [each for each in told if each["event"] == "attempted"]
    assert [each["proposalId"] for each in tried] == ["p-2222222222", "p-1111111111"]
    assert {(each["onWordOf"], each["by"], each["result"]) for each in tried} == {
        ("mara", "job@node/1/ab", "still-stuck")
    }


def test_what_an_act_left_behind_is_told(recorded: Shop) -> None:
    left = attempts(recorded, 9, result="resolved")[0] | {"backup": "Secret kept", "orphan": "arn:aws:lambda:left"}
    change(
        recorded,
        attempts=[left],
        firstSeen=recorded.ago(minutes=20),
        phase="Resolved",
        resolvedAt=recorded.ago(minutes=5),
        resolvedBy="us",
        proposal=None,
    )
    told = types(recorded, "history", "checkout").out
    assert "The object as it was: Secret kept" in told
    assert "Left in AWS, with no object that manages it: arn:aws:lambda:left" in told
    assert "After what we did." in told


def test_an_act_that_did_not_end_is_told_as_that(recorded: Shop) -> None:
    begun = {key: value for key, value in attempts(recorded, 9)[0].items() if key not in ("result", "detail")}
    change(recorded, attempts=[begun])
    assert "Not ended, as far as is recorded." in types(recorded, "history", "checkout").out


@pytest.mark.parametrize("since", ["yesterday", "7", "-1h"])
def test_an_age_that_is_none_is_2(typed_anywhere: Typing, since: str) -> None:
    told = typed_anywhere("history", f"--since={since}")
    assert (told.code, told.out) == (2, "")
    assert "--since" in told.err
    assert "no duration" in told.err


def test_of_what_is_not_recorded_nothing_is_told(recorded: Shop) -> None:
    told = types(recorded, "history", "mailer")
    assert (told.code, told.out) == (1, "")
    assert "nothing is recorded of 'mailer'" in told.err


# ---- secrets, and texts of others ------------------------------------------------------------------------------------


def test_other_peoples_texts_steer_no_terminal(recorded: Shop) -> None:
    change(recorded, spec={"rejection": {"rejectedBy": "ma\x1b[31mra", "digest": "0" * 64, "reason": "\x1b[2Jx"}})
    for command in (("list",), ("list", "-o", "wide"), ("history",), ("list", "-o", "json"), ("history", "-o", "yaml")):
        assert "\x1b" not in types(recorded, *command).out


def test_who_approves_at_the_terminal_is_told_who_rejected_it(recorded: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox has no admission policy, without which nobody's word is believed."""
    monkeypatch.setattr("remediator.cli.wiring.approvals_guard", lambda *_: Guard(True, "the test says so"))
    assert types(recorded, "reject", proposal(recorded), "--reason", "we delete it on Monday").code == 0
    told = recorded("run", "-A", "--approve", typed="no\n", columns=300).err
    assert f"Mind: {US} rejected just this: we delete it on Monday." in told
    assert told.count("rejected just this") == 1
