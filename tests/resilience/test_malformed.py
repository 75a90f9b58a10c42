"""Objects that no API server should hold, and some do: each costs at most itself, and never the terminal.

The pass is the product's own; only the API server's bytes and AWS's answer are made up here.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from datetime import timedelta
from io import StringIO
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remediator.cli import documents, explanation, report, tables
from remediator.cli.render import console
from remediator.kubernetes.resources import KubernetesCluster
from remediator.kubernetes.transport import Transport
from remediator.model.finding import FindingName, Remedy, State
from remediator.model.live import LiveState
from remediator.model.placement import Placement
from remediator.model.resource import Resource
from remediator.model.scan import Judged, Scan
from remediator.policy import Policy
from remediator.scan import Pass
from tests.builders import BUSY, GONE, NOW, Json, active, at, deleting, failing, function, synced
from tests.fakes import FakeCloud, FakeCluster, World

pytestmark = pytest.mark.deep

MEGABYTE = 1_000_000
PIECE = 5_000
NO_CONTROLLER = {"/apis/apps/v1/deployments": b'{"items":[]}', "/apis/coordination.k8s.io/v1/leases": b'{"items":[]}'}


class Told(Transport):
    """An API server that says what it is told to say."""

    def __init__(self, page: bytes) -> None:
        self._page = page

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> bytes:
        return NO_CONTROLLER.get(path, self._page)

    @contextmanager
    def streamed(self, path: str, query: Mapping[str, str | int] | None = None) -> Iterator[Iterator[bytes]]:
        yield (self._page[at : at + PIECE] for at in range(0, len(self._page), PIECE))

    @property
    def skew(self) -> float | None:
        return None


class Answering(FakeCloud):
    """An AWS that says one thing of everything."""

    def __init__(self, live: LiveState) -> None:
        super().__init__()
        self._live = live

    def probe(self, resource: Resource, placement: Placement | None = None) -> LiveState:
        return self._live


def scanned(*objects: Json | bytes, live: LiveState | None = None) -> Scan:
    """Make a pass over these objects; it must not take long."""
    items = b",".join(each if isinstance(each, bytes) else json.dumps(each).encode() for each in objects)
    means = World(FakeCluster(), Answering(live or active())).means
    server = Told(b'{"metadata":{},"items":[' + items + b"]}")
    began = time.process_time()
    cluster = KubernetesCluster(server, page=500)
    scan = Pass(msgspec.structs.replace(means, cluster=cluster), Policy()).scan(healthy=True)
    assert time.process_time() - began < 5
    return scan


def printed(scan: Scan) -> str:
    """Print everything that there is to print: the table, each explanation, what was not seen; and read the JSON."""
    out = StringIO()
    began = time.process_time()
    with redirect_stdout(out):
        tables.table(scan, healthy=True)
        for each in scan.results:
            print(printed_one(each))
        page = console()
        report.tell_partial(scan, page)
        report.tell_foreign(scan, page)
        report.tell_leftovers(scan, page)
        report.tell_next(scan, "-A", page)
    assert time.process_time() - began < 5
    json.loads(documents.as_json(documents.of_scan(scan, healthy=True)))
    return out.getvalue()


def printed_one(judged: Judged) -> str:
    out = StringIO()
    with redirect_stdout(out):
        explanation.show(judged)
    json.loads(documents.as_json(documents.of_one(judged)))
    return out.getvalue()


def one(scan: Scan) -> Judged:
    (found,) = scan.results
    assert scan.partial == ()
    return found


# ---- too much --------------------------------------------------------------------------------------------------------


def big(text: str) -> dict[str, list[Json]]:
    """Put a text wherever the controller's words are read from."""
    terminal = [*synced(), {"type": "ACK.Terminal", "status": "True", "message": text}]
    return {
        "an error": failing(text),
        "a terminal error": terminal,
        "a reference": [{"type": "ACK.ReferencesResolved", "status": "Unknown", "reason": text}],
        "a type": [{"type": text, "status": "False"}],
        "an error while AWS is busy": failing(BUSY + text),
    }


@pytest.mark.parametrize("where", list(big("")))
def test_a_message_of_a_megabyte_is_cut_for_people_and_whole_for_machines(where: str) -> None:
    scan = scanned(function(conditions=big("x" * MEGABYTE)[where]))
    found = one(scan)
    text = printed(scan)
    assert len(text) < 20_000
    assert " characters more; -o json has them)" in " ".join(text.split())
    assert len(documents.as_json(documents.of_one(found))) > MEGABYTE


@pytest.mark.parametrize("word", ["User:", "User: a is not ", "Request ID:  ", "operation error Lambda: ", "\n", "日"])
def test_no_text_takes_for_ever(word: str) -> None:
    """A pattern that looks twice from each place of a long text on would take hours."""
    text = word * (MEGABYTE // 5 // len(word)) + " AccessDenied: not authorized"
    printed(scanned(function(conditions=failing(text)), deleting("other", conditions=failing(text))))


def test_ten_thousand_conditions() -> None:
    many = [{"type": f"Custom{number}", "status": "True"} for number in range(10_000)]
    conditions = [*many, *failing("AccessDenied")]
    scan = scanned(function("many", conditions=conditions), function("other", conditions=failing("no")))
    assert len(scan.results) == 2
    assert len(printed(scan)) < 20_000


def test_a_condition_that_is_there_twice_counts_as_it_is_first() -> None:
    first, second = synced(at(hours=1)), failing("never mind")
    assert one(scanned(function(conditions=[*first, *second[1:]]))).finding is None


def test_a_secret_is_masked_before_a_text_is_cut() -> None:
    """Else half of it would be left at the edge."""
    for edge in range(425, 500, 15):
        raw = function(conditions=failing("x" * edge + "correct-horse-battery" + "y" * 3000))
        raw["spec"]["environment"] = {"variables": {"DB_PASSWORD": "correct-horse-battery"}}
        assert "corr" not in printed(scanned(raw))


def test_forty_megabytes_in_one_list() -> None:
    ballast = [{"manager": "kubectl", "fieldsV1": {"f:spec": "x" * 20_000}}]
    objects = [function(f"f-{number}", metadata={"managedFields": ballast}) for number in range(2000)]
    scan = scanned(*objects)
    assert (len(scan.results), scan.count(State.HEALTHY)) == (2000, 2000)


# ---- not what it should be -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("generation", [-1, 0, 2**31, 2**63, 2**64 + 1, 10**30])
def test_generations_that_nobody_has(generation: int) -> None:
    scan = scanned(deleting(metadata={"generation": generation}), live=GONE)
    assert one(scan).plan is not None
    printed(scan)


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        (b'{"metadata":{"name":"bad","namespace":"shop"},"spec":{"description":"\xff\xfe"}}', "shop/bad"),
        (b'{"metadata":{"name":"bad","namespace":"shop","generation":1e999}}', "shop/bad"),
        (b'{"metadata":{"name":"bad","namespace":["shop"]}}', "?/bad"),
        (b'{"metadata":null}', "?/?"),
        (b"null", "?/?"),
        (b"[]", "?/?"),
        (b'"Function"', "?/?"),
    ],
)
def test_one_broken_object_hides_no_other(broken: bytes, named: str) -> None:
    scan = scanned(function("before"), broken, function("after"))
    assert [each.seen.resource.metadata.name for each in scan.results] == ["before", "after"]
    (missing,) = scan.partial
    assert missing.startswith(f"Function {named} cannot be read and was left out: ")
    assert f"not seen: Function {named}" in printed(scan)


def test_states_that_nobody_knows() -> None:
    odd = {"state": "Hibernating", "lastUpdateStatus": "Perhaps"}
    scan = scanned(function(status=odd), live=active(state="Hibernating", last_update_status="Perhaps"))
    assert one(scan).plan is None
    conditions = [{"type": "ACK.ResourceSynced", "status": "Maybe", "lastTransitionTime": at(hours=1)}]
    printed(scanned(function(conditions=conditions), live=active(state="Hibernating")))


def test_empty_strings_everywhere() -> None:
    def emptied(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: emptied(each) for key, each in node.items()}
        if isinstance(node, list):
            return [emptied(each) for each in node]
        return "" if isinstance(node, str) else node

    scan = scanned(emptied(deleting(conditions=failing("x"))), emptied(function()), live=GONE)
    assert len(scan.results) == 2
    assert all(each.plan is None for each in scan.results)
    printed(scan)


MARKUP = [
    "[bold red]x[/bold red] [/] [link=https://example.invalid]x[/link]",
    "<script>alert(1)</script> &amp; <b>x</b>",
    "\x1b[2J\x1b[31mred\x1b[0m \x9b31m \x07\x08\x08\x08 \x00",
    "\u202egnp.exe\u202c \u2066x\u2069 \u200f",
    "a\r\nSTATE healthy\u2028STATE healthy",
    "%s %d {0} {name} $(id) `id`",
]


@pytest.mark.parametrize("text", MARKUP)
def test_markup_is_text_and_no_terminal_obeys_it(text: str) -> None:
    raw = function(conditions=failing(text))
    raw["metadata"] |= {"name": f"name {text}", "namespace": text, "annotations": {text: text}, "labels": {text: text}}
    out = printed(scanned(raw, live=active(state_reason=text, state="Failed")))
    for forbidden in "\x1b\x9b\x07\x08\x00\r\u202e\u202c\u2066\u2069\u200f\u2028":
        assert forbidden not in out
    for literal in ("[bold red]x[/bold red]", "<script>", "$(id)"):
        assert (literal in out) == (literal in text)


# ---- clocks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [-1, 1, 24 * 365])
def test_times_of_another_clock_are_no_negative_ages(hours: float) -> None:
    """The cluster's clock, and AWS's, may be ahead of ours or behind."""
    moment = at(hours=-hours)
    objects = [
        function("failing", conditions=failing(BUSY, moment)),
        function("fresh", conditions=[], metadata={"creationTimestamp": moment}),
        function("synced", conditions=synced(moment)),
        function("deleting", conditions=failing(BUSY, moment), metadata={"deletionTimestamp": moment}),
    ]
    for live in (active(last_modified=NOW + timedelta(hours=hours)), active(state="Pending"), GONE):
        out = printed(scanned(*objects, live=live))
        assert "(in -" not in out
        assert " -1" not in out


def test_a_deletion_of_the_future_has_not_lasted_too_long() -> None:
    found = one(scanned(deleting(hours=-1), live=GONE))
    assert found.finding is not None
    assert (found.state, found.finding.name) == (State.WAITING, FindingName.FINALIZER_LEFT)
    assert found.finding.remedy is Remedy.WAIT
    assert found.finding.since == NOW


def test_a_change_of_the_future_is_not_waited_for() -> None:
    """AWS's clock may be ahead of ours, but nothing has settled that has yet to happen."""
    far = active(last_modified=NOW + timedelta(days=365_000))
    for raw in (deleting(conditions=failing(BUSY)), function(conditions=failing(BUSY, at(days=-365)))):
        found = one(scanned(raw, live=far))
        assert found.finding is not None
        heals = found.finding.self_heals_at
        assert heals is None or heals - NOW < timedelta(hours=1), found.finding.name


# ---- anything at all -------------------------------------------------------------------------------------------------

VALID = deleting("bad", conditions=failing(BUSY))
VALID["spec"] |= {
    "publish": False,
    "environment": {"variables": {"A": "secret-value"}},
    "vpcConfig": {"subnetIDs": ["subnet-1"], "subnetRefs": [{"from": {"name": "a"}}]},
    "snapStart": {"applyOn": "None"},
    "code": {"sha256": "x", "imageURI": "y"},
}
VALID["metadata"] |= {
    "labels": {"a": "b"},
    "annotations": {"ack-remediator.dev/resync": "1", "kubectl.kubernetes.io/last-applied-configuration": "{}"},
}


def places(node: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(each for key, child in inner for each in places(child, (*path, key)))]


def replaced(node: Any, path: tuple[str | int, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(node)
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return changed


anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(2**63, 2**80),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=20),
        st.sampled_from(["True", "False", "Unknown", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", at(hours=-1)]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=120)
@given(path=st.sampled_from(places(VALID)[1:]), value=anything, gone=st.booleans())
def test_whatever_a_field_holds_costs_at_most_its_object(path: tuple[str | int, ...], value: Any, gone: bool) -> None:
    scan = scanned(function("good"), replaced(VALID, path, value), live=GONE if gone else active())
    names = [each.seen.resource.metadata.name for each in scan.results]
    assert names[0] == "good"
    assert len(names) + len(scan.partial) == 2
    if scan.partial and path[0] != "metadata":
        assert scan.partial[0].startswith("Function shop/bad cannot be read")
    out = printed(scan)
    assert len(out) < 30_000
    assert "secret-value" not in out or path[:2] == ("spec", "environment")
