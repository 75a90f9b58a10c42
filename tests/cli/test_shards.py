"""`--shard`: a part of the resources, told as such; and who works on it with whom beside it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from remediator.cli.led import LedLock, led
from remediator.errors import Busy, Unreachable
from remediator.kubernetes import words
from remediator.kubernetes.approvals import Guard
from remediator.kubernetes.lease_object import KubernetesLeases
from remediator.model.shard import Shard, owner
from remediator.model.times import format_micro_time
from tests.cli.shop import Shop
from tests.cli.test_records import HOME, record, recorded
from tests.fakes import FakeClock, FakeLock

__all__ = ["recorded"]

Json = dict[str, Any]


def told(shop: Shop, shard: str) -> Json:
    document: Json = json.loads(shop("scan", "-A", "--all", "-o", "json", "--shard", shard).out)
    return document


def leads(shop: Shop, name: str, holder: str) -> None:
    """Let another process have renewed a Lease just now."""
    moment = format_micro_time(shop.clock.now())
    spec = {"holderIdentity": holder, "leaseDurationSeconds": 30, "acquireTime": moment, "renewTime": moment}
    metadata = {"name": name, "namespace": HOME}
    shop.api.seed({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec})


def holder(shop: Shop, name: str) -> str | None:
    found: Json = shop.api.stored("coordination.k8s.io/v1", "Lease", HOME, name)["spec"]
    return found.get("holderIdentity")


# ---- scan ------------------------------------------------------------------------------------------------------------


def test_the_shards_documents_have_each_resource_once_and_say_whose_they_are(shop: Shop) -> None:
    whole = json.loads(shop("scan", "-A", "--all", "-o", "json").out)
    assert "shard" not in whole, "as it was before there were any"
    parts = [told(shop, f"{index}/3") for index in range(3)]
    assert [each["shard"] for each in parts] == ["0/3", "1/3", "2/3"]
    uids = [result["uid"] for part in parts for result in part["results"]]
    assert sorted(uids) == sorted(each["uid"] for each in whole["results"])
    assert sum(part["summary"]["total"] for part in parts) == whole["summary"]["total"]
    assert all(Shard(n, 3).owns(each["uid"]) for n, part in enumerate(parts) for each in part["results"])


def test_all_there_is_is_told_as_ever(shop: Shop) -> None:
    assert "shard" not in told(shop, "0/1")
    assert "shard" not in shop("scan", "-A", "--shard", "0/1").err


def test_totals_say_which_shard_they_are_of(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "all namespaces, shard 1 of 4: " in shop("scan", "-A", "--shard", "1/4", columns=200).err
    monkeypatch.setenv("REMEDIATOR_SHARD", "2/4")
    assert "namespace shop, shard 2 of 4: " in shop("scan", "-n", "shop", columns=200).err


@pytest.mark.parametrize("command", [("scan", "-A"), ("run", "-A"), ("daemon", "-A")])
def test_what_is_no_shard_is_refused_with_what_would_be_one(shop: Shop, command: tuple[str, ...]) -> None:
    result = shop(*command, "--shard", "4/4", columns=200)
    assert result.code == 2
    assert "--shard: 4/4: there is no shard 4 among 4: they are counted from 0" in result.err
    assert "--shard 0/4 is the first of four" in result.err


# ---- who leads -------------------------------------------------------------------------------------------------------


def of_daemons(shop: Shop) -> Json:
    document: Json = json.loads(shop("doctor", "-A", "-o", "json").out)
    checks: list[Json] = [each for each in document["checks"] if each["area"] == "daemon"]
    [check] = checks
    return check


def test_doctor_names_who_leads_and_the_shards_that_nobody_does(recorded: Shop) -> None:
    assert of_daemons(recorded)["level"] == "note"
    leads(recorded, "ack-remediator-leader-1", "b@node/1/ab#shard-1/2")
    check = of_daemons(recorded)
    assert (check["level"], check["said"]) == (
        "warning",
        "b@node/1/ab#shard-1/2 leads; nobody looks after the shards 0/2",
    )
    leads(recorded, "ack-remediator-leader-0", "a@node/1/ab#shard-0/2")
    check = of_daemons(recorded)
    assert (check["level"], check["said"]) == ("ok", "a@node/1/ab#shard-0/2, b@node/1/ab#shard-1/2 lead")


@pytest.mark.parametrize("its_own", [True, False])
def test_a_person_leaves_the_acting_to_the_daemon_of_the_shard_and_to_no_other(
    recorded: Shop, monkeypatch: pytest.MonkeyPatch, its_own: bool
) -> None:
    monkeypatch.setattr("remediator.cli.wiring.approvals_guard", lambda *_: Guard(True, "the tests say so"))
    monkeypatch.setattr(words, "held_to_rules", lambda *_: True)
    recorded.controller()
    recorded.write_policy("mode: approve\nsightings: 1\nbreaker: {percent: 100}\n")
    recorded("run", "-A")
    index = owner(recorded.stored("checkout")["metadata"]["uid"], 2)
    led = index if its_own else 1 - index
    leads(recorded, f"ack-remediator-leader-{led}", f"a@node/1/ab#shard-{led}/2")
    wanted = f"p-{record(recorded, 'checkout')['proposal']['digest'][:10]}"
    result = recorded("run", "-A", "--approve", "--proposal", wanted, columns=200)
    assert (f"{wanted}: approved as sandbox-admin; a@node/1/ab#shard-{led}/2 acts on it." in result.err) is its_own
    assert ("attempts" in record(recorded, "checkout")) is not its_own, "what nobody looks after is done here"


# ---- run -------------------------------------------------------------------------------------------------------------


def during(shop: Shop, monkeypatch: pytest.MonkeyPatch, look: Callable[[], object]) -> list[object]:
    """Look when the pass of a run lists pods, which it does once it leads."""
    from remediator.scan import Pass

    seen: list[object] = []
    scan = Pass.scan

    def looking(self: Pass, **more: Any) -> Any:
        seen.append(look())
        return scan(self, **more)

    monkeypatch.setattr(Pass, "scan", looking)
    return seen


def test_a_run_leads_its_shard_for_as_long_as_it_lasts(recorded: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = during(recorded, monkeypatch, lambda: holder(recorded, "ack-remediator-leader-1"))
    assert recorded("run", "-A", "--shard", "1/4").code == 0
    assert [f"{each}".endswith("#run-1/4") for each in seen] == [True]
    assert holder(recorded, "ack-remediator-leader-1") is None


def test_runs_of_all_shards_record_what_one_of_all_there_is_does(recorded: Shop) -> None:
    def records() -> set[str]:
        listed: Json = json.loads(recorded("list", "-A", "--all", "-o", "json", policy=False).out)
        return {each["name"] for each in listed["records"]}

    for index in range(4):
        assert recorded("run", "-A", "--shard", f"{index}/4").code == 0
    parts = records()
    assert parts
    assert recorded("run", "-A").code == 0
    assert records() == parts


@pytest.mark.parametrize(
    ("name", "who", "said"),
    [
        ("ack-remediator-leader", "pod@node/1/ab", "pod@node/1/ab holds ack-remediator-leader"),
        ("ack-remediator-leader-0", "pod@node/1/ab#shard-0/2", "pod@node/1/ab#shard-0/2 holds ack-remediator-leader-0"),
        ("ack-remediator-leader-1", "pod@node/1/ab#shard-1/4", "another is at work as this shard"),
    ],
)
def test_a_run_that_cannot_lead_does_nothing_and_says_beside_whom(
    recorded: Shop, monkeypatch: pytest.MonkeyPatch, name: str, who: str, said: str
) -> None:
    leads(recorded, name, who)
    read = KubernetesLeases.read

    def alive(self: KubernetesLeases) -> Any:
        leads(recorded, name, who)  # it renews
        return read(self)

    monkeypatch.setattr(KubernetesLeases, "read", alive)
    result = recorded("run", "-A", "--shard", "1/4", columns=200)
    assert result.code == 1
    assert f"waiting: {said}." in result.err
    assert f"shard 1/4 was not looked after: {said}" in result.err
    assert "functions:" not in result.err, "it did not even look"
    assert holder(recorded, name) == who


def test_a_run_waits_for_who_ends_in_time(recorded: Shop) -> None:
    leads(recorded, "ack-remediator-leader-0", "pod@node/1/ab#shard-0/2")
    before = recorded.clock.now()
    result = recorded("run", "-A", "--shard", "1/4", columns=200)
    assert result.code == 0
    assert "waiting: pod@node/1/ab#shard-0/2 holds ack-remediator-leader-0." in result.err
    assert recorded.clock.now() - before >= timedelta(seconds=30), "a silent one is waited for that long"


@pytest.mark.parametrize("words", [("run", "-A", "--dry-run"), ("scan", "-A")])
def test_what_changes_nothing_needs_no_lease(recorded: Shop, words: tuple[str, ...]) -> None:
    leads(recorded, "ack-remediator-leader-0", "pod@node/1/ab#shard-0/2")
    assert recorded(*words, "--shard", "1/4").code == 0
    with pytest.raises(LookupError):
        holder(recorded, "ack-remediator-leader-1")


def test_who_leads_no_more_begins_nothing() -> None:
    lock, told = FakeLock(), [True, False]
    with LedLock(lock, lambda: told.pop(0)).held(print) as hold:
        assert hold.keep()
    with pytest.raises(Busy, match="leads its shard no more"), LedLock(lock, lambda: told.pop(0)).held(print):
        raise AssertionError


def test_a_run_keeps_what_it_leads_though_it_cannot_always_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remediator.cli.led._KEEP", 0.01)
    asked, enough = [0], threading.Event()

    class Kept:
        others = ""

        def campaign(self) -> bool:
            asked[0] += 1
            if asked[0] == 2:
                raise Unreachable("no answer")
            if asked[0] == 4:
                enough.set()
            return True

        def release(self) -> None:
            asked.append(0)

    with capture_logs() as logs, led(Kept(), Shard(0, 2), FakeClock(), print):  # type: ignore[arg-type]
        assert enough.wait(10)
    assert [each["why"] for each in logs] == ["no answer"]
    assert len(asked) == 2, "it let go of it"
