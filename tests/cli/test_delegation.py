"""Beside a live daemon, `run --approve` writes the approval and follows what comes of it; alone it acts itself."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from typing import Any

import pytest

from remediator.cli.delegation import Delegation
from remediator.cli.session import Session
from remediator.cli.wiring import wire
from remediator.kubernetes import words
from remediator.kubernetes.approvals import Guard
from remediator.model.plan import Outcome, Plan
from tests.cli.shop import Shop
from tests.cli.test_records import HOME, record, recorded

__all__ = ["recorded"]

ACTED = "the controller did not finish a pass within 60 s"
LEADER = "daemon@pod-1/1/ab"


def lead(shop: Shop, *, seconds_ago: float = 2.0) -> None:
    """Let a daemon hold the leader Lease."""
    moment = shop.ago(seconds=seconds_ago).replace("Z", ".000000Z")
    spec = {"holderIdentity": LEADER, "leaseDurationSeconds": 30, "acquireTime": moment, "renewTime": moment}
    metadata = {"name": "ack-remediator-leader", "namespace": HOME}
    shop.api.seed({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec})


@pytest.fixture
def led(recorded: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop with a daemon that has proposed, in a cluster whose API server vouches for approvals."""
    monkeypatch.setattr("remediator.cli.wiring.approvals_guard", lambda *_: Guard(True, "the tests say so"))
    monkeypatch.setattr(words, "held_to_rules", lambda *_: True)
    recorded.controller()
    recorded.write_policy("mode: approve\nsightings: 1\nbreaker: {percent: 100}\n")
    recorded("run", "-A")
    lead(recorded)
    return recorded


def daemon_looks(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """Let the daemon make its pass when somebody begins to wait for it; return what was waited for."""
    waited: list[Plan] = []
    follow = Delegation.follow

    def after_a_pass(delegation: Delegation, plan: Plan, approved: Any) -> Outcome:
        waited.append(plan)
        daemon = wire(all_namespaces=True, policy=shop.policy)
        with redirect_stdout(io.StringIO()):
            assert Session(daemon).unattended() == 5  # no controller runs here: it acts, and sees no effect
        return follow(delegation, plan, approved)

    monkeypatch.setattr(Delegation, "follow", after_a_pass)
    return waited


def proposal(shop: Shop, name: str = "checkout") -> str:
    digest: str = record(shop, name)["proposal"]["digest"]
    return f"p-{digest[:10]}"


def test_the_daemon_acts_and_its_outcome_is_told(led: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    waited = daemon_looks(led, monkeypatch)
    told = led("run", "-A", "--approve", "--proposal", proposal(led), "-o", "json", columns=200)
    (outcome,) = json.loads(told.out)["outcomes"]
    assert (told.code, outcome["result"]) == (5, "unknown")
    assert outcome["detail"] == ACTED
    assert f"approved as sandbox-admin; {LEADER} acts on it." in told.err
    (attempt,) = record(led, "checkout")["attempts"]
    assert attempt["approvedBy"] == "sandbox-admin"
    assert len(waited) == 1


def test_a_daemon_that_never_comes_back_leaves_it_unknown(led: Shop) -> None:
    told = led("run", "-A", "--approve", "--proposal", proposal(led), "-o", "json", columns=200)
    (outcome,) = json.loads(told.out)["outcomes"]
    assert (told.code, outcome["result"]) == (5, "unknown")
    assert outcome["detail"].startswith(
        f"approved, and {LEADER} has told nothing within 10 min; `remediator history p-"
    )
    assert "attempts" not in record(led, "checkout")


def test_one_that_has_not_renewed_does_not_lead(led: Shop) -> None:
    led.clock.sleep(40)
    told = led("run", "-A", "--approve", "--proposal", proposal(led), "-o", "json", columns=200)
    (outcome,) = json.loads(told.out)["outcomes"]
    assert outcome["detail"] == ACTED
    (attempt,) = record(led, "checkout")["attempts"]
    assert attempt["approvedBy"] == "a person at the terminal"


@pytest.mark.parametrize(
    ("held", "why"), [(False, "this cluster takes forged approvals, too, so it believes none"), (None, "")]
)
def test_what_the_daemon_would_not_believe_is_done_here(
    led: Shop, monkeypatch: pytest.MonkeyPatch, held: bool | None, why: str
) -> None:
    monkeypatch.setattr(words, "held_to_rules", lambda *_: held)
    waited = daemon_looks(led, monkeypatch)
    told = led("run", "-A", "--approve", "--proposal", proposal(led), columns=200)
    assert ACTED in told.err
    assert (f"not left to {LEADER}, but done here: {why}" in told.err) is (held is False)
    assert bool(waited) is (held is not False)


def test_what_the_daemon_has_not_proposed_is_done_here(led: Shop) -> None:
    led.rolled_back("fresh")
    fresh = json.loads(led("scan", "-A", "-o", "json").out)["results"]
    wanted = next(each["proposalId"] for each in fresh if each["name"] == "fresh")
    led.api.refuse("patch", "remediations", code=403, reason="Forbidden", message="not yours")
    told = led("run", "-A", "--approve", "--proposal", wanted, columns=200)
    assert f"{wanted}: not left to {LEADER}, but done here: " in told.err
    assert f"unknown     Resync shop/fresh: {ACTED}" in told.err
