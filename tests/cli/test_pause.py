"""`remediator pause` and `resume`: who has nothing done, told to everybody, and ended by its time or by a word."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.cli.runs import YES, proposals, untouched
from tests.cli.shop import CONTEXT, Shop, Typing

HOME = ("--home-namespace", "shop")


@pytest.fixture
def paused(shop: Shop) -> Shop:
    told = shop("pause", "--for", "2h", "--reason", "EKS upgrade", *HOME, policy=False, columns=200)
    assert told.code == 0, told.err
    assert told.out.startswith("Paused everywhere as ")
    assert told.out.endswith(": EKS upgrade\n")
    assert f"Lease shop/ack-remediator-pause-1 in {CONTEXT}; `remediator resume` ends it." in told.err
    return shop


def test_it_is_listed_with_who_until_when_and_why(paused: Shop) -> None:
    paused("pause", "--for", "30m", "--reason", "load test", "-n", "post", *HOME, policy=False)
    told = paused("pause", *HOME, policy=False, columns=200)
    first, second = told.out.splitlines()
    assert "everywhere until 20" in first
    assert "(in 1h59m), Lease ack-remediator-pause-1: EKS upgrade" in first
    assert "in post until 20" in second
    assert "Lease ack-remediator-pause-2: load test" in second
    assert told.err == f"{CONTEXT}, namespace shop: 2 pauses.\n"


def test_where_nobody_paused_that_is_told(shop: Shop) -> None:
    told = shop("pause", *HOME, policy=False)
    assert (told.code, told.out, told.err) == (0, "", f"{CONTEXT}, namespace shop: 0 pauses.\n")


def test_scan_run_and_explain_say_who_paused(paused: Shop) -> None:
    for words in (("scan", "-A"), ("run", "-A")):
        told = paused(*words, *HOME, columns=200)
        assert told.code == 0
        assert "Paused by " in told.err
        assert ": EKS upgrade. Until then nothing is begun.\n" in told.err
    assert "Held back by pause: paused by " in told.out
    explained = paused("explain", "checkout", *HOME, columns=200)
    (line,) = [each for each in explained.out.splitlines() if each.split()[:2] == ["HELD", "pause"]]
    assert ": EKS upgrade; `remediator resume` ends it" in line


@pytest.mark.parametrize("override", [(), ("--override", "budget", "--reason", "it burns")])
def test_whoever_approves_nothing_is_done_while_it_stands(shop: Shop, override: tuple[str, ...]) -> None:
    wanted = proposals(shop)["checkout"]
    shop("pause", "--for", "2h", "--reason", "EKS upgrade", *HOME, policy=False)
    told = shop("run", "-A", "--approve", "--proposal", wanted, *override, *HOME, columns=200)
    assert told.code == 4
    assert f"{wanted}: held back by pause: paused by " in told.err
    assert untouched(shop, "checkout")
    refused = shop("run", "-A", "--approve", "--override", "pause", "--reason", "now", "--proposal", wanted, *HOME)
    assert (refused.code, "the gate pause cannot be overridden" in refused.err) == (2, True)


def test_a_pause_of_another_namespace_holds_nothing_here(shop: Shop) -> None:
    shop("pause", "--for", "2h", "--reason", "load test", "-n", "post", *HOME, policy=False)
    wanted = proposals(shop, *HOME)
    assert "checkout" in wanted
    told = shop("run", "-A", "--approve", "--proposal", wanted["checkout"], *HOME, columns=200)
    assert "Paused in post by " in told.err
    assert "Resync shop/checkout: " in told.err.replace("unknown     ", "")
    assert "held back by pause" not in told.err


def test_it_ends_by_itself(paused: Shop) -> None:
    """Its end is the server's to tell; here the server's clock is the command's."""
    paused.clock.sleep(timedelta(hours=2, seconds=1).total_seconds())
    told = paused("pause", *HOME, policy=False)
    assert (told.out, told.err) == ("", f"{CONTEXT}, namespace shop: 0 pauses.\n")
    assert "checkout" in proposals(paused, *HOME)


def test_who_paused_can_end_it_and_anybody_can_end_all(paused: Shop) -> None:
    told = paused("resume", *HOME, policy=False, columns=200)
    assert told.code == 0
    assert told.out.startswith("Ended: paused by ")
    assert "checkout" in proposals(paused, *HOME)
    again = paused("resume", "--all", *HOME, policy=False)
    assert (again.code, "there is no pause in namespace shop" in again.err) == (1, True)


def test_only_those_that_are_meant_are_ended_and_the_others_are_told(paused: Shop) -> None:
    paused("pause", "--for", "1h", "--reason", "load test", *HOME, policy=False)
    nobody = paused("resume", "carol", *HOME, policy=False, columns=200)
    assert nobody.code == 1
    assert "there is no pause of carol in namespace shop" in nobody.err
    told = paused("resume", "ack-remediator-pause-2", *HOME, policy=False, columns=200)
    assert "load test" in told.out
    assert "EKS upgrade" not in told.out
    assert told.err.startswith("Still paused by ")


def test_pauses_that_cannot_be_read_hold_whoever_acts(shop: Shop) -> None:
    wanted = proposals(shop)["checkout"]
    shop.api.refuse("list", "leases", code=403, reason="Forbidden", message="leases is forbidden")
    told = shop("run", "-A", "--approve", "--proposal", wanted, *HOME, columns=200)
    assert told.code == 4
    assert "held back by pause: whether somebody paused it is not known: pauses in namespace shop cannot" in told.err
    assert untouched(shop, "checkout")
    assert shop("scan", "-A", *HOME).code == 0


def test_who_is_asked_at_a_terminal_is_asked_for_nothing_that_is_paused(paused: Shop) -> None:
    told = paused("run", "-A", "--approve", *HOME, typed=YES, columns=200)
    assert told.code == 4
    assert "Type the context's name" not in told.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("pause", "--reason", "x"), "--reason and -n go with --for"),
        (("pause", "-n", "shop"), "--reason and -n go with --for"),
        (("pause", "--for", "2h"), "--for needs a --reason"),
        (("pause", "--for", "2h", "--reason", "  "), "--for needs a --reason"),
        (("pause", "--for", "2h", "--reason", "x" * 201), "--reason takes one line of up to 200 characters"),
        (("pause", "--for", "2h", "--reason", "a\nb"), "--reason takes one line"),
        (("pause", "--for", "59s", "--reason", "x"), "--for takes 1m to 30d"),
        (("pause", "--for", "31d", "--reason", "x"), "--for takes 1m to 30d"),
        (("pause", "--for", "soon", "--reason", "x"), "--for: 'soon' is no duration"),
        (("pause", "--for", "2h", "--reason", "x", "-n", "No/where"), "cannot be the name of a namespace"),
        (("resume", "alice", "--all"), "HOLDER and --all exclude each other"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anybody_is_asked(
    typed_anywhere: Typing, words: tuple[str, ...], said: str
) -> None:
    told = typed_anywhere(*words)
    assert (told.code, told.out) == (2, "")
    assert said in told.err
