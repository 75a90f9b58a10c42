"""`remediator run` at the end of a window, and where a person declines."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest

from tests.cli.runs import outcomes, proposals, untouched
from tests.cli.shop import Shop

# ---- windows ---------------------------------------------------------------------------------------------------------


def test_a_run_that_begins_in_a_window_and_ends_outside_of_it(empty_shop: Shop) -> None:
    """It finishes what it began, which it watches for a minute, and begins nothing after that."""
    empty_shop.controller()
    for name in ("checkout", "search"):
        empty_shop.rolled_back(name)
    closes = (empty_shop.clock.now() + timedelta(seconds=58)).isoformat()
    freeze = f"{{from: '{closes}', to: 2099-12-31, reason: EKS upgrade}}"
    empty_shop.write_policy(f"breaker: {{percent: 100}}\nwindows: {{freezes: [{freeze}]}}\n")
    wanted = proposals(empty_shop)
    words = [word for each in wanted.values() for word in ("--proposal", each)]
    result = empty_shop("run", "-A", "--approve", *words, "-o", "json")
    told = sorted(outcomes(result.out).values(), key=lambda each: each["result"])
    assert [each["result"] for each in told] == ["skipped", "unknown"]
    assert told[0]["detail"].startswith("held back by window: frozen until Fri 2100-01-01 00:00 UTC: EKS upgrade")
    assert all(untouched(empty_shop, name) for name in wanted)
    assert empty_shop.stored(told[1]["name"])["metadata"]["generation"] > 1, "it was begun, and taken back"
    assert empty_shop.stored(told[0]["name"])["metadata"]["generation"] == 1
    later = empty_shop("run", "-A", columns=200)
    assert "Windows: frozen until Fri 2100-01-01 00:00 UTC: EKS upgrade; they open Fri 2100-01-01" in later.err
    assert "Held back by window: frozen until" in later.out


# ---- who declines ----------------------------------------------------------------------------------------------------

IGNORE_UNTIL = "ack-remediator.dev/ignore-until"


def test_who_declines_can_have_one_left_alone_for_a_while(shop: Shop) -> None:
    archive = shop.stored("archive")
    result = shop("run", "-A", "--approve", typed="no\ncheckout 12h\n\n", columns=200)
    assert result.code == 2
    assert "nothing was approved" in result.err
    until = shop.stored("checkout")["metadata"]["annotations"][IGNORE_UNTIL]
    assert timedelta(hours=11) < datetime.fromisoformat(until) - shop.clock.now() <= timedelta(hours=12)
    assert f"Function shop/checkout is left alone until {until}. This takes it back:" in result.err
    [undo] = re.findall(r"  kubectl (annotate .*)", result.err)
    assert undo == f"annotate functions.lambda.services.k8s.aws checkout -n shop {IGNORE_UNTIL}-"
    assert shop.stored("archive") == archive
    assert untouched(shop, "checkout")
    assert shop.stored("checkout")["metadata"]["generation"] == 1
    assert f"opt-out: ignored until {until}" in " ".join(shop("scan", "-A", columns=200).out.split())


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("checkout", "that is not a name of these, and a time"),
        ("12h", "that is not a name of these, and a time"),
        ("legacy 12h", "that is not a name of these, and a time"),
        ("post/checkout 12h", "These are shown: shop/archive, shop/checkout"),
        ("checkout soon", "'soon' is neither a duration nor a time"),
        ("checkout 2020-01-01T00:00:00Z", "is not within the year to come"),
        ("checkout 366d", "is not within the year to come"),
        ("checkout 0s", "is not within the year to come"),
        ("\x1b[2J 1h", "that is not a name of these"),
    ],
)
def test_what_is_no_answer_writes_nothing_and_is_asked_again(shop: Shop, typed: str, said: str) -> None:
    before = {name: shop.stored(name) for name in ("archive", "checkout", "legacy")}
    result = shop("run", "-A", "--approve", typed=f"no\n{typed}\n", columns=200)
    assert result.code == 2
    assert said in " ".join(result.err.split())
    assert result.err.count("To leave one alone, type its name") == 2
    assert "\x1b" not in result.err
    assert before == {name: shop.stored(name) for name in before}


def test_a_moment_will_do_and_what_others_annotated_stays(shop: Shop) -> None:
    shop.function("mailer", status={"lastUpdateStatus": "InProgress"}, annotations={"team": "shop"})
    shop.cloud.set_update("mailer", "Failed", reason_code="InternalError", reason="An internal error occurred.")
    until = (shop.clock.now() + timedelta(days=2)).replace(microsecond=0)
    result = shop("run", "-A", "--approve", typed=f"no\nshop/mailer {until.isoformat()}\n", columns=200)
    assert result.code == 2
    marks = shop.stored("mailer")["metadata"]["annotations"]
    assert marks == {"team": "shop", IGNORE_UNTIL: f"{until:%Y-%m-%dT%H:%M:%SZ}"}


def test_where_it_cannot_be_written_that_is_told(shop: Shop) -> None:
    before = shop.stored("checkout")
    shop.api.refuse("patch", "functions", code=403, reason="Forbidden", message="functions is forbidden")
    result = shop("run", "-A", "--approve", typed="no\ncheckout 1h\n", columns=200)
    assert "is left alone" not in result.err
    assert "functions is forbidden" in " ".join(result.err.split())
    assert shop.stored("checkout") == before


@pytest.mark.parametrize("words", [(), ("--dry-run",), ("--approve", "--proposal", "p-0123456789")])
def test_nobody_is_asked_where_nobody_declined(shop: Shop, words: tuple[str, ...]) -> None:
    assert "leave one alone" not in shop("run", "-A", *words, typed="checkout 1h\n").err
    assert IGNORE_UNTIL not in shop.stored("checkout")["metadata"].get("annotations", {})
