"""`remediator clear-finalizer`: a person lets an object go whose function is gone, and that nobody else will."""

from __future__ import annotations

import pytest

from tests.cli.shop import FINALIZER, Shop

ELSEWHERE = {"services.k8s.aws/region": "eu-west-1"}


def adrift(shop: Shop) -> None:
    """Leave an object behind whose function is gone, and which ACK does not look at: its region was changed."""
    shop.controller()
    shop.left(annotations=ELSEWHERE)


def test_what_ack_does_not_look_at_is_let_go_on_request(empty_shop: Shop) -> None:
    adrift(empty_shop)
    told = empty_shop("clear-finalizer", "archive", typed="shop-cluster\n", columns=200)
    assert told.code == 0, told.err
    assert "ClearFinalizer shop/archive: remove ACK's finalizer" in told.err
    assert "Mind: This cannot be undone. The whole object is saved first." in told.err
    assert "resolved    ClearFinalizer shop/archive:" in told.err
    assert not empty_shop.is_there("archive")
    assert len(list((empty_shop.directory / "home").rglob("*archive*.json"))) == 1


def test_it_is_never_proposed_by_itself(empty_shop: Shop) -> None:
    adrift(empty_shop)
    told = empty_shop("run", "--approve", typed="shop-cluster\n", columns=200)
    assert "ClearFinalizer" not in told.err
    assert empty_shop.stored("archive")["metadata"]["finalizers"] == [FINALIZER]


@pytest.mark.parametrize(("words", "typed"), [((), "archive\n"), (("--confirm", "another"), None)])
def test_another_cluster_clears_nothing(empty_shop: Shop, words: tuple[str, ...], typed: str | None) -> None:
    adrift(empty_shop)
    before = empty_shop.stored("archive")
    told = empty_shop("clear-finalizer", "archive", *words, typed=typed)
    assert told.code == 2
    assert "that is not the context's name; nothing was changed" in told.err
    assert empty_shop.stored("archive") == before


def test_without_a_terminal_the_cluster_has_to_be_named(empty_shop: Shop) -> None:
    told = empty_shop("clear-finalizer", "archive")
    assert told.code == 2
    assert "Pass --confirm with the context's name." in told.err


def test_a_function_that_exists_keeps_its_finalizer(empty_shop: Shop) -> None:
    empty_shop.controller(available=False)
    empty_shop.function("ledger", deleted_minutes_ago=90)
    before = empty_shop.stored("ledger")
    told = empty_shop("clear-finalizer", "ledger", "--confirm", "shop-cluster", columns=200)
    assert told.code == 4
    assert "ClearFinalizer is not for function/ledger now: it is DeletionUnattended: " in told.err
    assert empty_shop.stored("ledger") == before


def test_another_kind_has_none_that_we_would_clear(empty_shop: Shop) -> None:
    told = empty_shop("clear-finalizer", "alias/live", "--confirm", "shop-cluster")
    assert told.code == 2
    assert "cannot clear-finalizer a 'alias'" in told.err


def test_explain_says_how_to_ask_for_it(empty_shop: Shop) -> None:
    adrift(empty_shop)
    told = empty_shop("explain", "archive", columns=200)
    assert "on request          ClearFinalizer: remediator clear-finalizer function/archive -n shop" in told.out


def test_one_that_could_not_be_read_is_not_said_to_be_missing(shop: Shop) -> None:
    broken = shop.stored("mailer")
    broken["spec"] = {"name": ["not", "a", "name"]}
    shop.api.seed(broken)
    told = shop("clear-finalizer", "mailer", "--confirm", "shop-cluster", columns=200)
    assert told.code == 5
    assert "not seen: Function shop/mailer cannot be read and was left out" in told.err
    assert "function/mailer in namespace shop was not seen: not everything could be listed" in told.err
    assert "there is no Function" not in told.err
