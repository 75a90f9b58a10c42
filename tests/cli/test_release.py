"""`remediator release`: a person lets one object go, and names the function that stays."""

from __future__ import annotations

import pytest

from tests.cli.shop import FINALIZER, SECRET, Shop

ARN = "arn:aws:lambda:us-east-1:123456789012:function:checkout"


def blocked(shop: Shop, minutes: float = 45) -> None:
    """Make a function whose deletion AWS refuses."""
    shop.controller()
    shop.function("checkout", deleted_minutes_ago=minutes, error=f"InvalidParameterValueException: {SECRET} is in use")


def test_it_shows_what_it_leaves_behind_and_asks_for_its_name(empty_shop: Shop) -> None:
    blocked(empty_shop)
    told = empty_shop("release", "checkout", typed="checkout\n", columns=200)
    assert f"Release shop/checkout: let the object go and keep {ARN} in AWS, as an orphan" in told.err
    assert f"Mind: {ARN} stays in AWS, billed and managed by nobody; this object goes." in told.err
    assert f"Effect   1 action, and an orphan in AWS: {ARN}" in told.err
    assert "Type the function's name to leave it in AWS" in told.err
    # No controller runs here: nothing lets go, so that everything is put back.
    assert told.code == 0
    assert "still-stuck Release shop/checkout: " in told.err
    metadata = empty_shop.stored("checkout")["metadata"]
    assert metadata.get("annotations", {}) == {}
    assert metadata["finalizers"] == [FINALIZER]
    assert "publish" not in empty_shop.stored("checkout")["spec"]
    assert len(list((empty_shop.directory / "home").rglob("*checkout*.json"))) == 1


@pytest.mark.parametrize(("words", "typed"), [((), "shop-cluster\n"), (("--orphan", "another"), None)])
def test_another_name_releases_nothing(empty_shop: Shop, words: tuple[str, ...], typed: str | None) -> None:
    blocked(empty_shop)
    before = empty_shop.stored("checkout")
    told = empty_shop("release", "checkout", *words, typed=typed)
    assert told.code == 2
    assert "that is not the function's name; nothing was released" in told.err
    assert "Expected checkout." in told.err
    assert empty_shop.stored("checkout") == before


def test_without_a_terminal_the_function_has_to_be_named(empty_shop: Shop) -> None:
    told = empty_shop("release", "checkout")
    assert told.code == 2
    assert "Pass --orphan with the function's name." in told.err


def test_what_is_not_stuck_in_its_deletion_cannot_be_released(empty_shop: Shop) -> None:
    empty_shop.controller()
    empty_shop.rolled_back()
    told = empty_shop("release", "checkout", "--orphan", "checkout", columns=200)
    assert told.code == 4
    assert "Release is not for function/checkout now: it is UpdateFailed: " in told.err


def test_what_may_still_go_by_itself_is_not_released(empty_shop: Shop) -> None:
    blocked(empty_shop, minutes=1)
    told = empty_shop("release", "checkout", "--orphan", "checkout", columns=200)
    assert told.code == 4
    assert "Release is not for function/checkout now: it is DeletionBlocked: " in told.err


def test_a_gate_that_holds_is_named(empty_shop: Shop) -> None:
    empty_shop.controller(available=False)
    empty_shop.function("checkout", deleted_minutes_ago=45, error="InvalidParameterValueException: in use")
    told = empty_shop("release", "checkout", "--orphan", "checkout", columns=200)
    assert told.code == 4
    assert "held back by " in told.err or "Release is not for" in told.err
    assert empty_shop.stored("checkout")["metadata"].get("annotations", {}) == {}


def test_it_is_never_proposed_by_itself(empty_shop: Shop) -> None:
    blocked(empty_shop)
    for words in (("scan", "-A"), ("run", "-A"), ("explain", "checkout")):
        told = empty_shop(*words, columns=200)
        assert "Release shop/checkout" not in told.out + told.err


def test_there_is_no_such_function(empty_shop: Shop) -> None:
    told = empty_shop("release", "nowhere", "--orphan", "nowhere")
    assert told.code == 1
    assert "there is no Function 'nowhere' in namespace shop" in told.err


def test_one_that_could_not_be_read_is_not_said_to_be_missing(shop: Shop) -> None:
    broken = shop.stored("mailer")
    broken["spec"] = {"name": ["not", "a", "name"]}
    shop.api.seed(broken)
    told = shop("release", "mailer", "--orphan", "mailer", columns=200)
    assert told.code == 5
    assert "not seen: Function shop/mailer cannot be read and was left out" in told.err
    assert "function/mailer in namespace shop was not seen: not everything could be listed" in told.err
    assert "there is no Function" not in told.err
