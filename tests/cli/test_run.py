"""`remediator run`: proposes by itself, acts on what a person approves, and leaves nothing half done."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from remediator.errors import ClusterError
from remediator.kubernetes.resources import KubernetesCluster
from tests.cli.runs import RESYNC, YES, outcomes, proposals, untouched
from tests.cli.shop import CONTEXT, SECRET, Shop, Typing

# ---- without approval ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [80, 200])
def test_by_itself_it_shows_a_plan_and_changes_nothing(shop: Shop, columns: int) -> None:
    before = {name: shop.stored(name) for name in ("archive", "checkout", "legacy")}
    result = shop("run", "-A", columns=columns)
    assert result.code == 0
    assert before == {name: shop.stored(name) for name in before}
    narration = " ".join(result.err.split())
    assert "Nothing was changed. Approve with: remediator run -A --approve" in narration
    assert "Plan p-" in narration
    assert "Resync shop/archive: make the controller look again" in narration
    for line in (*result.out.splitlines(), *result.err.splitlines()):
        assert len(line.rstrip()) <= columns, line


def test_by_itself_it_lists_everything(shop: Shop) -> None:
    """The log of a CronJob is all that there is of its run."""
    told = {line.split()[1] for line in shop("run", "-A", columns=200).out.splitlines()[1:] if line[0] != " "}
    assert told == {"archive", "checkout", "exports", "legacy", "payments", "receipts"}


def test_who_approves_is_shown_what_an_action_would_help(shop: Shop) -> None:
    result = shop("run", "-A", "--approve", typed="no\n", columns=200)
    told = {line.split()[1] for line in result.out.splitlines()[1:] if line[0] != " "}
    assert told == {"archive", "checkout", "legacy"}
    assert "3 more wait, or need a person; `remediator scan` shows them." in result.err


def test_the_consequences_are_told(empty_shop: Shop) -> None:
    empty_shop.controller()
    empty_shop.rolled_back(memorySize=512)
    result = empty_shop("run", columns=200)
    assert "Mind: memorySize is 256 in AWS and 512 in the spec: the controller will set 512." in result.err


def test_json_has_no_outcomes_where_nothing_was_done(shop: Shop) -> None:
    told = json.loads(shop("run", "-A", "-o", "json").out)
    assert list(told) == ["schemaVersion", "results", "partial", "cluster", "controller", "unknown", "summary"]


@pytest.mark.parametrize("mode", ["dry-run", "approve"])
def test_dry_run_changes_nothing_whatever_the_policy_says(shop: Shop, mode: str) -> None:
    shop.write_policy(f"mode: {mode}\nbreaker: {{percent: 100}}\n")
    shop.function("half", annotations={RESYNC: "0a1b"}, publish=False)
    before = shop.stored("half")
    assert shop("run", "-A", "--dry-run").code == 0
    assert shop.stored("half") == before


def test_what_was_not_seen_is_an_exit_code(shop: Shop) -> None:
    broken = shop.stored("mailer")
    broken["spec"] = {"name": 7}
    shop.api.seed(broken)
    result = shop("run", "-A")
    assert result.code == 5
    assert "not seen: Function shop/mailer" in result.err


def test_an_unreadable_function_turns_no_cron_job_red(shop: Shop) -> None:
    shop.cloud.refuse("GetFunctionConfiguration", "AccessDeniedException", "no identity-based policy allows it")
    result = shop("run", "-A")
    assert result.code == 0
    assert "unknown" in result.err


# ---- how approval is given -------------------------------------------------------------------------------------------


def test_approval_needs_a_terminal_or_names(typed_anywhere: Typing) -> None:
    result = typed_anywhere("run", "--approve", pipe=YES)
    assert (result.code, result.out) == (2, "")
    assert "--approve needs a terminal to ask on, or the proposals that you approve" in result.err
    assert "--proposal ID" in result.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--approve", "--dry-run"), "--dry-run and --approve exclude each other"),
        (("--proposal", "p-1"), "--proposal approves nothing without --approve"),
        (("--approve", "-n", "shop", "-A"), "-n and -A exclude each other"),
    ],
)
def test_flags_that_contradict_each_other(typed_anywhere: Typing, words: tuple[str, ...], said: str) -> None:
    result = typed_anywhere("run", *words, typed=YES)
    assert (result.code, result.out) == (2, "")
    assert said in result.err


@pytest.mark.parametrize("typed", ["\n", "y\n", "yes\n", "shop\n", f"{CONTEXT.upper()}\n", f"{CONTEXT}x\n"])
def test_another_word_than_the_contexts_name_ends_it(shop: Shop, typed: str) -> None:
    before = {name: shop.stored(name) for name in ("archive", "checkout")}
    result = shop("run", "-A", "--approve", typed=typed)
    assert result.code == 2
    assert "that is not the context's name; nothing was approved" in result.err
    assert before == {name: shop.stored(name) for name in before}


def test_hanging_up_at_the_question_ends_it(shop: Shop) -> None:
    before = shop.stored("checkout")
    assert shop("run", "-A", "--approve", typed="").code == 130
    assert shop.stored("checkout") == before


def test_the_question_says_what_it_is_about(shop: Shop) -> None:
    result = shop("run", "-A", "--approve", typed="no\n", columns=200)
    assert f"Cluster  {CONTEXT} ({shop.api.url}), all namespaces" in result.err
    assert "Effect   2 actions" in result.err
    assert "Type the context's name to go on" in result.err
    assert "legacy" not in result.err.split("Plan")[1]


def test_nothing_to_approve_asks_nothing(empty_shop: Shop) -> None:
    empty_shop.function("mailer")
    result = empty_shop("run", "--approve", typed="")
    assert result.code == 0
    assert "Type the context's name" not in result.err


def test_an_unknown_proposal_is_held_back(shop: Shop) -> None:
    result = shop("run", "-A", "--approve", "--proposal", "p-0000000000")
    assert result.code == 4
    assert "p-0000000000: no such proposal now" in result.err
    assert untouched(shop, "checkout")


def test_a_proposal_that_a_gate_holds_is_held_back(shop: Shop) -> None:
    held = proposals(shop)["legacy"]
    result = shop("run", "-A", "--approve", "--proposal", held, columns=200)
    assert result.code == 4
    assert f"{held}: held back by opt-out: ack-remediator.dev/ignore is set" in result.err


def test_an_incident_holds_everything_back(shop: Shop) -> None:
    shop.write_policy("")
    result = shop("run", "-A", "--approve", typed=YES)
    assert result.code == 4
    assert "Type the context's name" not in result.err
    assert untouched(shop, "checkout")


def test_an_approval_is_for_what_was_seen(shop: Shop) -> None:
    """The id is a digest of the situation: when that moves, the approval is for nothing."""
    seen = proposals(shop)["checkout"]
    moved = shop.stored("checkout")
    moved["metadata"]["generation"] = 9
    shop.api.seed(moved)
    assert shop("run", "-A", "--approve", "--proposal", seen).code == 4
    assert untouched(shop, "checkout")


# ---- Resync ----------------------------------------------------------------------------------------------------------


def wait_for(holds: Callable[[], object], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def at_rest(shop: Shop) -> None:
    before = -1
    while before != (before := len(shop.cloud.calls)):
        time.sleep(0.3)


def test_an_approved_resync_heals(attended_shop: Shop) -> None:
    shop = attended_shop
    made = shop.rolled_back()
    wait_for(lambda: shop.stored("checkout")["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"])
    at_rest(shop)
    stale = shop.stored("checkout")
    stale["status"]["conditions"] = made["status"]["conditions"]
    stale["status"]["lastUpdateStatus"] = "InProgress"
    stale["spec"]["memorySize"] = 512
    shop.api.seed(stale)
    shop.cloud.set_update("checkout", "Failed", reason_code="InternalError", reason="An internal error occurred.")
    result = shop("run", "--approve", typed=YES, columns=200)
    assert result.code == 0
    assert "resolved    Resync shop/checkout: the controller ran a pass at" in result.err
    assert shop.cloud.configuration("checkout")["MemorySize"] == 512
    assert untouched(shop, "checkout")
    after = shop.stored("checkout")
    assert after["spec"] == stale["spec"]
    assert after["metadata"]["generation"] == stale["metadata"]["generation"] + 2


def test_no_effect_seen_is_unknown_and_an_exit_code(empty_shop: Shop) -> None:
    """The Deployment says available, but nobody works: an accepted patch is no success."""
    empty_shop.controller()
    empty_shop.rolled_back()
    wanted = proposals(empty_shop)["checkout"]
    result = empty_shop("run", "--approve", "--proposal", wanted, "-o", "json", columns=200)
    assert result.code == 5
    told = outcomes(result.out)["checkout"]
    assert (told["result"], told["action"], told["proposalId"]) == ("unknown", "Resync", wanted)
    assert told["detail"] == "the controller did not finish a pass within 60 s"
    assert told["accepted"]
    assert untouched(empty_shop, "checkout")


def test_the_outcomes_are_part_of_the_document(empty_shop: Shop) -> None:
    empty_shop.function("mailer")
    told = json.loads(empty_shop("run", "--approve", "--proposal", "p-1", "-o", "json").out)
    assert list(told) == [
        *("schemaVersion", "results", "partial", "cluster", "controller", "unknown", "summary", "outcomes")
    ]
    assert told["outcomes"] == []


def test_the_budget_of_a_run_is_kept(empty_shop: Shop) -> None:
    empty_shop.controller()
    empty_shop.write_policy("budgets: {perRun: 1}\nbreaker: {percent: 100}\n")
    for name in ("a", "b"):
        empty_shop.rolled_back(name)
    ids = proposals(empty_shop)
    result = empty_shop("run", "--approve", "--proposal", ids["a"], "--proposal", ids["b"], "-o", "json")
    told = outcomes(result.out)
    assert (told["a"]["result"], told["b"]["result"]) == ("unknown", "skipped")
    assert "budget" in told["b"]["detail"]
    assert untouched(empty_shop, "b")


def test_without_the_right_to_patch_nothing_is_written(shop: Shop) -> None:
    shop.api.refuse("patch", "functions", code=403, reason="Forbidden", message="joe cannot patch functions")
    wanted = proposals(shop)["checkout"]
    result = shop("run", "-A", "--approve", "--proposal", wanted, columns=200)
    assert result.code == 4
    assert "skipped     Resync shop/checkout: held back by permission: we may not patch functions in shop" in result.err
    assert untouched(shop, "checkout")


def test_a_read_only_account_may_look_at_what_would_be_done(shop: Shop) -> None:
    shop.api.refuse("patch", "functions", code=403, reason="Forbidden", message="joe cannot patch functions")
    for resource in ("namespaces", "deployments", "leases"):
        shop.api.refuse("*", resource, code=403, reason="Forbidden", message="not yours")
    result = shop("run", "-A", columns=200)
    assert result.code == 0
    assert "Resync shop/checkout: make the controller look again" in result.err


# ---- alone -----------------------------------------------------------------------------------------------------------


def test_nobody_acts_alone_where_nothing_is_remembered(empty_shop: Shop) -> None:
    empty_shop.write_policy("mode: auto\nsightings: 1\nbreaker: {percent: 100}\n")
    empty_shop.rolled_back()
    result = empty_shop("run", "-A", columns=200)
    assert result.code == 2
    assert "mode: auto is refused: this cluster does not know remediations.ack-remediator.dev" in result.err
    assert "Apply manifests/base" in result.err
    assert untouched(empty_shop, "checkout")


@pytest.mark.parametrize("words", [("scan", "-A"), ("run", "-A", "--dry-run"), ("explain", "checkout")])
def test_a_policy_for_acting_alone_may_be_looked_at_under(shop: Shop, words: tuple[str, ...]) -> None:
    shop.write_policy("mode: auto\n")
    before = shop.stored("checkout")
    assert shop(*words).code == 0
    assert shop.stored("checkout") == before


def test_a_person_may_act_under_a_policy_for_acting_alone_and_on_what_they_name_alone(empty_shop: Shop) -> None:
    empty_shop.controller()
    empty_shop.write_policy("mode: auto\nbreaker: {percent: 100}\n")
    for name in ("a", "b"):
        empty_shop.rolled_back(name)
    wanted = proposals(empty_shop)["a"]
    told = outcomes(empty_shop("run", "--approve", "--proposal", wanted, "-o", "json").out)
    assert list(told) == ["a"]
    assert untouched(empty_shop, "b")


def test_who_approves_is_told_who_owns_it(empty_shop: Shop) -> None:
    empty_shop.controller()
    empty_shop.rolled_back(labels={"argocd.argoproj.io/instance": "shop"})
    assert "Mind: It is owned by Argo CD shop." in empty_shop("run", columns=200).err


# ---- interruptions ---------------------------------------------------------------------------------------------------


def test_an_interruption_between_the_steps_leaves_nothing(empty_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    empty_shop.controller()
    empty_shop.rolled_back()
    before = empty_shop.stored("checkout")
    wanted = proposals(empty_shop)["checkout"]
    patches: list[Any] = []
    patch = KubernetesCluster.patch

    def losing(self: KubernetesCluster, ref: Any, operations: Any) -> Any:
        patches.append(operations)
        if len(patches) == 2:
            raise ClusterError("no leader")
        return patch(self, ref, operations)

    def interrupted(seconds: float) -> None:
        if len(patches) == 2:
            assert not untouched(empty_shop, "checkout"), "the first step is done, the second is not"
            raise KeyboardInterrupt

    monkeypatch.setattr(KubernetesCluster, "patch", losing)
    monkeypatch.setattr(empty_shop.clock, "sleep", interrupted)
    result = empty_shop("run", "--approve", "--proposal", wanted)
    assert result.code == 130
    assert "interrupted" in result.err
    assert len(patches) == 3
    assert empty_shop.stored("checkout")["spec"] == before["spec"]
    assert untouched(empty_shop, "checkout")


def test_an_interruption_while_it_watches_leaves_nothing(empty_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    empty_shop.controller()
    empty_shop.rolled_back()
    wanted = proposals(empty_shop)["checkout"]

    generation = empty_shop.stored("checkout")["metadata"]["generation"]

    def interrupted(seconds: float) -> None:
        if empty_shop.stored("checkout")["metadata"]["generation"] == generation + 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(empty_shop.clock, "sleep", interrupted)
    assert empty_shop("run", "--approve", "--proposal", wanted).code == 130
    assert untouched(empty_shop, "checkout")


def test_sigterm_ends_a_run_like_control_c(empty_shop: Shop) -> None:
    """A CronJob's end of time; in a process of its own, with a clock that does not run fast."""
    empty_shop.controller()
    empty_shop.rolled_back()
    wanted = proposals(empty_shop)["checkout"]
    before = empty_shop.stored("checkout")
    words = ["run", "--policy", str(empty_shop.policy), "--approve", "--proposal", wanted]
    program = [sys.executable, "-c", "from remediator.cli import main; main()", *words]
    here = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "COLUMNS": "200"}
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=here) as running:
        generation = before["metadata"]["generation"]
        wait_for(lambda: empty_shop.stored("checkout")["metadata"]["generation"] == generation + 2, 30)
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=20)
    assert running.returncode == 130
    assert "interrupted" in err
    for text in (out, err):
        assert "Traceback" not in text
        assert SECRET not in text
    assert empty_shop.stored("checkout")["spec"] == before["spec"]
    assert untouched(empty_shop, "checkout")


@pytest.mark.parametrize(
    ("words", "mode", "undone"),
    [
        pytest.param((), "dry-run", False, id="a dry run only tells"),
        pytest.param((), "approve", True, id="a CronJob that may act undoes"),
        pytest.param(("--approve", "--proposal", "p-1"), "dry-run", True, id="a person who may act undoes"),
    ],
)
def test_what_a_killed_resync_left_is_undone(
    empty_shop: Shop, words: tuple[str, ...], mode: str, *, undone: bool
) -> None:
    empty_shop.write_policy(f"mode: {mode}\n")
    empty_shop.function("checkout", annotations={RESYNC: "0a1b2c3d4e5f6071", "team": "shop"}, publish=False)
    result = empty_shop("run", *words, columns=200)
    assert untouched(empty_shop, "checkout") is undone
    assert empty_shop.stored("checkout")["metadata"]["annotations"]["team"] == "shop"
    assert ("Undid an interrupted action on Function shop/checkout." in result.err) is undone
    assert ("an interrupted action left its mark" in result.err) is not undone


def test_a_publish_that_somebody_set_since_is_theirs(empty_shop: Shop) -> None:
    empty_shop.write_policy("mode: approve\n")
    empty_shop.function("checkout", annotations={RESYNC: "0a1b2c3d4e5f6071"}, publish=True)
    empty_shop("run")
    stored = empty_shop.stored("checkout")
    assert stored["spec"]["publish"] is True
    assert RESYNC not in stored["metadata"].get("annotations", {})


# ---- secrets ---------------------------------------------------------------------------------------------------------


def test_outcomes_show_no_secret(empty_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error that a try brings up can quote the environment; the runner of these tests looks for it."""
    empty_shop.controller()
    empty_shop.function("ledger", deleted_minutes_ago=90)
    before = empty_shop.stored("ledger")
    wanted = proposals(empty_shop)["ledger"]
    sleep = empty_shop.clock.sleep

    def controller_answers(seconds: float) -> None:
        stored = empty_shop.stored("ledger")
        if stored["metadata"]["generation"] == before["metadata"]["generation"]:
            return sleep(seconds)
        said = f"InvalidParameterValueException: {SECRET} cannot be deleted"
        stored["status"]["conditions"].append({"type": "ACK.Recoverable", "status": "True", "message": said})
        empty_shop.api.seed(stored)
        return sleep(seconds)

    monkeypatch.setattr(empty_shop.clock, "sleep", controller_answers)
    result = empty_shop("run", "--approve", "--proposal", wanted, "-o", "json", verbose="-vv", columns=200)
    assert outcomes(result.out)["ledger"]["detail"] == (
        "the controller tried again, and now says: InvalidParameterValueException: ••• cannot be deleted"
    )
