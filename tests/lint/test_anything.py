"""Whatever a manifest has where something else belongs: every rule bears it, and every output tells it."""

from __future__ import annotations

import copy
import json
import xml.etree.ElementTree as ET
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remediator.cli import documents, lint_document, lint_junit, lint_sarif
from remediator.lint.judging import File, judge
from remediator.lint.problem import Around, Before, key_of
from remediator.lint.schema import function_schema
from remediator.manifest.objects import manifests
from remediator.manifest.source import Source
from remediator.model.concurrency import Concurrency
from tests.lint.cases import BASES, NOW, Json

_WORDS = st.sampled_from(["", "a", "prod", "${X}", "arn:aws:iam::1:role/a", "UEsDBA==", "\x00", "\ud800", "x" * 300])
_LEAVES = st.none() | st.booleans() | st.integers(-5, 99999) | st.floats(allow_nan=False, width=32) | _WORDS | st.text()
# A key of JSON is one of YAML up to 1,024 characters, as which its escapes count.
_KEYS = st.text(max_size=50)
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3), max_leaves=6
)
_ANNOTATIONS = ("services.k8s.aws/region", "services.k8s.aws/adoption-fields", "ack-remediator.dev/ignore-until")


def _paths(schema: Any, above: tuple[str, ...] = ("spec",)) -> list[tuple[str, ...]]:
    inner = schema.get("properties", {})
    return [above, *(each for name, child in inner.items() for each in _paths(child, (*above, name)))]


_PLACES = st.sampled_from(
    [
        *_paths(function_schema()),
        ("metadata",),
        ("metadata", "name"),
        ("metadata", "namespace"),
        ("metadata", "labels"),
        ("metadata", "finalizers"),
        *(("metadata", "annotations", each) for each in _ANNOTATIONS),
        ("status",),
    ]
)
_EDITS = st.lists(st.tuples(_PLACES, _VALUES), min_size=1, max_size=4)


def edited(base: str, edits: list[tuple[tuple[str, ...], Any]]) -> Json:
    value = copy.deepcopy(BASES[base])
    for path, new in edits:
        inner: Any = value
        for part in path[:-1]:
            inner = inner.setdefault(part, {}) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            inner[path[-1]] = new
    return value


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(BASES)), _EDITS, _EDITS, st.booleans(), st.none() | st.booleans() | st.just("forbidden"))
def test_no_rule_breaks(base: str, edits: Any, past: Any, live: bool, exists: bool | str | None) -> None:
    source = Source("any.yaml", json.dumps(edited(base, edits)))
    file = File("any.yaml", source, manifests(source))
    (manifest,) = file.manifests
    around = Around(
        NOW,
        file.manifests,
        before={key_of(manifest): Before(json.loads(json.dumps(edited(base, past))), "HEAD", live=live)},
        exists=None if exists is None else (lambda _key: exists),
        account=Concurrency(limit=1000, unreserved=500),
    )
    judged = judge([file], around)
    for each in judged.problems:
        assert each.said
        assert each.mark >= (1, 1)
        assert each.mark.line <= source.text.count("\n") + 1
    assert json.loads(documents.as_json(lint_document.of_lint(judged)))["summary"]["files"] == 1
    (run,) = json.loads(documents.as_json(lint_sarif.of_lint(judged, 3)))["runs"]
    assert len(run["results"]) == len(judged.problems)
    assert ET.fromstring(lint_junit.as_junit(judged)).get("name") == "remediator lint"
