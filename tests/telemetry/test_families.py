"""The metrics' names, labels and words: Prometheus' conventions, and nothing open that could grow without end."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from remediator.model.cluster import ClusterFindingName
from remediator.model.decision import DecisionKind, GateName
from remediator.model.episode import ResolvedBy
from remediator.model.finding import FindingName, State
from remediator.model.limits import Mode
from remediator.model.message import Delivery
from remediator.model.plan import ActionName, Result
from remediator.telemetry import families
from remediator.telemetry.families import FAMILIES, Family, Kind, Label
from tests.telemetry.passes import Story, stuck

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
# Labels whose values are our own, and few: versions of a process, the digest of a file, and capped namespaces.
OPEN = {("build_info", "version"), ("build_info", "python"), ("config_info", "digest"), ("findings", "namespace")}
WORDS = {
    *(each.value for enum in (FindingName, ClusterFindingName, State, ActionName, Result) for each in enum),
    *(each.value for enum in (DecisionKind, GateName, ResolvedBy, Mode, Delivery) for each in enum),
}
UNITS = {"seconds", "timestamp", "total", "info"}
# What promtool takes for another spelling of a base unit.
NO_BASE_UNIT = {
    *("milliseconds", "ms", "microseconds", "us", "nanoseconds", "ns", "minutes", "hours", "days", "weeks", "secs"),
    *("kilobytes", "megabytes", "gigabytes", "kb", "mb", "gb", "percent", "percents"),
}

every = pytest.mark.parametrize("family", FAMILIES, ids=lambda each: each.name)


def test_no_two_have_one_name() -> None:
    assert len({each.name for each in FAMILIES}) == len(FAMILIES) >= 23


def test_every_metric_is_shown() -> None:
    made = {each.name for each in vars(families).values() if isinstance(each, Family)}
    assert made == {each.name for each in FAMILIES}


@every
def test_a_name_follows_the_conventions(family: Family) -> None:
    assert re.fullmatch(r"remediator(_[a-z]+)+", family.name)
    words = family.name.split("_")
    assert not NO_BASE_UNIT & set(words)
    assert family.name.endswith("_total") == (family.kind is Kind.COUNTER)
    assert family.name.endswith("_info") == (family.kind is Kind.INFO)
    assert words[-1] not in {"count", "sum", "bucket", "created", "gauge", "counter", "histogram"}
    if family.kind is Kind.HISTOGRAM:
        assert words[-1] == "seconds"
    if "timestamp" in words or "age" in words:
        assert words[-1] == "seconds"


@every
def test_its_help_is_a_sentence(family: Family) -> None:
    assert re.fullmatch(r"(?s)[A-Z01].*\.", family.help)
    assert "\n" not in family.help


@every
def test_its_labels_are_named_as_labels_are(family: Family) -> None:
    names = [label.name for label in family.labels]
    assert len(set(names)) == len(names)
    for name in names:
        assert re.fullmatch(r"[a-z]+", name)
        assert name not in {"le", "quantile", "job", "instance"}


@every
def test_only_four_labels_are_open(family: Family) -> None:
    for label in family.labels:
        assert label.open == ((family.name.removeprefix("remediator_"), label.name) in OPEN)


@every
def test_a_label_takes_nothing_from_outside_its_set(family: Family) -> None:
    """Whatever an object, a person or an answer says: it is one of the values, or counts under the rest."""
    said = "AccessDenied: no policy allows it on arn:aws:lambda:eu-west-1:1:function:checkout"
    for label in family.labels:
        if not label.open:
            assert label.take(said) == label.rest
            assert {label.take(value) for value in label.values} == set(label.values)


def test_enums_are_taken_whole() -> None:
    """A new finding, gate or action is a label value from its first day on."""
    told = {value for family in FAMILIES for label in family.labels for value in label.values}
    assert told >= WORDS


def test_a_series_is_at_most_as_many_as_its_labels_allow() -> None:
    for family in FAMILIES:
        series = 1
        for label in family.labels:
            series *= 1 if label.open else len({*label.values, label.rest})
        assert series < 1000, family.name


def test_a_zero_has_a_value_of_every_label() -> None:
    family = Family("remediator_tests_total", Kind.COUNTER, "Tests.", (Label("outcome", ("good", "bad")), Label("of")))
    assert family.nothing == {("good", "other"): 0.0}
    for each in FAMILIES:
        [key] = each.nothing
        assert each.key(key) == key


# ---- what others say of them -----------------------------------------------------------------------------------------


def rows() -> dict[str, tuple[str, str]]:
    """Read the page's table: by name, the labels and whether a single run can tell."""
    row = re.compile(r"^\| `(remediator_\w+)`(?: by ([^|]+?))? \| [^|]+ \| (yes|no)[^|]* \|$", re.MULTILINE)
    return {name: (labels, once) for name, labels, once in row.findall(PAGE.read_text(encoding="utf-8"))}


def test_the_page_has_every_metric_with_its_labels_and_no_other() -> None:
    told = {name: re.findall(r"`(\w+)`", labels) for name, (labels, _) in rows().items()}
    assert told == {each.name: [label.name for label in each.labels] for each in FAMILIES}


@every
def test_the_page_says_whether_it_means_something_from_a_cronjob(family: Family) -> None:
    assert rows()[family.name][1] == ("yes" if family.once else "no")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian's package prometheus)")
def test_promtool_finds_nothing_to_lint() -> None:
    story = Story(stuck())
    story.look()
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=story.metrics.exposition(), capture_output=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, b"")
