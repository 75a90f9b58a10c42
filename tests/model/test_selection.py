"""What the policy lets us act on: exclude wins, and the cluster's own namespaces are reached by name alone."""

from __future__ import annotations

import pytest

from remediator.model.selection import Operator, Requirement, Selection, Selector
from tests.builders import decoded, function

GOLD = Requirement("tier", Operator.IN, frozenset({"gold"}))


ANY = Selector()


def why_not(include: Selector = ANY, exclude: Selector = ANY, *, namespace: str = "shop", **labels: str) -> str:
    raw = function("checkout", namespace=namespace, metadata={"labels": labels})
    return Selection(include, exclude).why_not(decoded(raw))


def test_everything_is_selected_where_nothing_is_said() -> None:
    assert why_not() == ""
    assert Selection().why_not(decoded(function())) == ""


@pytest.mark.parametrize(
    ("include", "said"),
    [
        (Selector(("shop",)), ""),
        (Selector(("sh*",)), ""),
        (Selector(("post", "sh?p")), ""),
        (Selector(("post",)), "the policy does not include it by namespace"),
        (Selector(names=("check*",)), ""),
        (Selector(names=("check",)), "the policy does not include it by name"),
        (Selector(labels=(GOLD,)), ""),
        (Selector(("shop",), ("checkout",), (GOLD,)), ""),
        (Selector(("post",), ("checkout",), (GOLD,)), "the policy does not include it by namespace"),
        (Selector(("post",), ("mailer",), (GOLD,)), "the policy does not include it by namespace and name"),
        (Selector(labels=(GOLD, Requirement("team", Operator.EXISTS))), "the policy does not include it by labels"),
    ],
)
def test_to_be_included_every_part_must_match(include: Selector, said: str) -> None:
    assert why_not(include, tier="gold") == said


@pytest.mark.parametrize(
    ("exclude", "said"),
    [
        (Selector(("post",)), ""),
        (Selector(("shop",)), "the policy excludes it by namespace"),
        (Selector(("post",), ("check*",)), "the policy excludes it by name"),
        (Selector(("post",), (), (GOLD,)), "the policy excludes it by labels"),
        (Selector(labels=(GOLD, Requirement("team", Operator.EXISTS))), ""),
    ],
)
def test_to_be_excluded_one_part_is_enough(exclude: Selector, said: str) -> None:
    assert why_not(exclude=exclude, tier="gold") == said


def test_exclude_wins() -> None:
    both = Selector(("shop",))
    assert why_not(both, both) == "the policy excludes it by namespace"


@pytest.mark.parametrize("namespace", ["kube-system", "kube-public", "kube-mine", "ack-system"])
def test_what_the_cluster_lives_on_is_reached_by_its_exact_name_alone(namespace: str) -> None:
    for include in (ANY, Selector(("*",)), Selector(("kube-*", "ack-*")), Selector(names=("checkout",))):
        assert f"namespace {namespace} is left alone" in why_not(include, namespace=namespace)
    assert why_not(Selector((namespace,)), namespace=namespace) == ""
    assert why_not(Selector((namespace,)), Selector((namespace,)), namespace=namespace)


@pytest.mark.parametrize("namespace", ["kube", "my-kube-system", "ack-system-2"])
def test_other_namespaces_are_not_the_clusters(namespace: str) -> None:
    assert why_not(namespace=namespace) == ""
