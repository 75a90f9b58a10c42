"""What the controller looks at, and how old it is, as far as its flags and its tag tell."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from remediator.model.controller import ControllerFacts

LABELS = {"team": "shop", "tier": "gold"}


@pytest.mark.parametrize(
    ("selector", "labels", "watched"),
    [
        ("", {}, True),
        ("team=shop", LABELS, True),
        ("team==shop", LABELS, True),
        ("team=billing", LABELS, False),
        ("team=shop", {}, False),
        ("team!=shop", LABELS, False),
        ("team!=billing", LABELS, True),
        ("team!=shop", {}, True),
        ("team in (shop, billing)", LABELS, True),
        ("team in (billing)", LABELS, False),
        ("team notin (billing)", LABELS, True),
        ("team notin (shop,billing)", LABELS, False),
        ("team notin (shop)", {}, True),
        ("team", LABELS, True),
        ("canary", LABELS, False),
        ("!canary", LABELS, True),
        ("!team", LABELS, False),
        ("team=shop,tier=gold", LABELS, True),
        ("team=shop,tier=silver", LABELS, False),
        ("tier>3", LABELS, True),
        ("((", {}, True),
    ],
)
def test_a_selector_says_which_labels_are_watched(selector: str, labels: Mapping[str, str], watched: bool) -> None:
    facts = ControllerFacts(watch_selector=selector)
    assert facts.watches("shop", labels) is watched
    why = facts.why_unwatched("shop", labels)
    assert (why == "") is watched
    assert watched or repr(selector) in why


def test_namespace_and_labels_must_both_be_watched() -> None:
    facts = ControllerFacts(watched_namespaces=("shop",), watch_selector="team=shop")
    assert facts.watches("shop", LABELS)
    assert not facts.watches("billing", LABELS)
    assert not facts.watches("shop", {"team": "billing"})
    assert facts.why_unwatched("billing", LABELS) == "the controller does not watch this namespace"


def test_no_list_of_namespaces_means_every_one() -> None:
    assert ControllerFacts().watches("anywhere")


@pytest.mark.parametrize(
    ("version", "release", "older"),
    [
        ("1.7.3", "1.7.4", True),
        ("1.7.4", "1.7.4", False),
        ("v1.7.4-rc.1", "1.7.4", False),
        ("1.10.0", "1.9.2", False),
        ("1.9.2", "1.10.0", True),
        ("0.9.9", "1.0.0", True),
        ("v1.6.2", "1.6.3", True),
        ("latest", "1.7.4", None),
        ("", "1.7.4", None),
        (None, "1.7.4", None),
        ("1.7.4", "main", None),
    ],
)
def test_releases_are_compared_by_number(version: str | None, release: str, older: bool | None) -> None:
    assert ControllerFacts(version=version).older_than(release) is older
