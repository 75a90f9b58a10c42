"""Label selectors: read and matched as kubectl and the API server do."""

from __future__ import annotations

import pytest

from remediator.model.labels import parse_labels


@pytest.mark.parametrize(
    ("text", "labels", "met"),
    [
        ("", {}, True),
        ("  ", {"team": "post"}, True),
        ("team=shop", {"team": "shop"}, True),
        ("team=shop", {"team": "post"}, False),
        ("team=shop", {}, False),
        ("team == shop", {"team": "shop"}, True),
        ("team!=shop", {"team": "post"}, True),
        ("team!=shop", {}, True),
        ("team!=shop", {"team": "shop"}, False),
        ("team=", {"team": ""}, True),
        ("team=", {}, False),
        ("team in (shop, post)", {"team": "post"}, True),
        ("team in (shop,post)", {"team": "other"}, False),
        ("team in (shop,post)", {}, False),
        ("team notin (shop,post)", {"team": "other"}, True),
        ("team notin (shop,post)", {}, True),
        ("team notin (shop,post)", {"team": "shop"}, False),
        ("team", {"team": "x"}, True),
        ("team", {}, False),
        ("!team", {}, True),
        ("! team", {"team": "x"}, False),
        ("example.org/team=shop,tier in (gold,silver),!canary", {"example.org/team": "shop", "tier": "gold"}, True),
        ("example.org/team=shop,!canary", {"example.org/team": "shop", "canary": ""}, False),
        ("in=x", {"in": "x"}, True),
    ],
)
def test_what_is_met(*, text: str, labels: dict[str, str], met: bool) -> None:
    assert all(each.met_by(labels) for each in parse_labels(text)) is met


@pytest.mark.parametrize(
    "text",
    [
        "team in shop",
        "team in (shop",
        "team in (sh op)",
        "team on (shop)",
        "team=shop,",
        ",",
        "=shop",
        "-team=shop",
        "team=-shop",
        "team=shop=post",
        "a/b/c=d",
        "Example.org/team",
        "team=" + "x" * 64,
        "x" * 64,
        "team>1",
    ],
)
def test_what_is_no_selector(text: str) -> None:
    with pytest.raises(ValueError, match="is no label selector; write it as team=shop"):
        parse_labels(text)
