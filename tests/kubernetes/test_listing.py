"""How lists are asked for: long pages of a server that reads them from its cache, short ones of one that does not."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from typing import Any

import pytest

from remediator.errors import ClusterError, Unreachable
from remediator.kubernetes.resources import KubernetesCluster
from remediator.kubernetes.transport import Transport
from remediator.model.resource import Resource
from tests.kubernetes.conftest import Connect
from tests.kubernetes.test_resources import function, names
from tests.wire import Wire, answer, status

OTHERS = answer(200, {"resources": [{"name": "functions"}]})


def version(minor: str, major: str = "1") -> bytes:
    return answer(200, {"major": major, "minor": minor, "gitVersion": f"v{major}.{minor}.4-eks-1a2b3c"})


def listed(*found: str, **more: Any) -> dict[str, Any]:
    """A list as an API server writes it."""
    spec = {"filling": "x" * 3000}
    items = [function(name, spec={"name": name} | spec) for name in found]
    return {"apiVersion": items[0]["apiVersion"], "items": items, "kind": "FunctionList", "metadata": more}


def packed(content: bytes) -> bytes:
    """Write an answer as a server does that compresses it."""
    body = gzip.compress(content)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}"
    return f"{head}\r\nConnection: close\r\n\r\n".encode() + body


@pytest.mark.parametrize("minor", ["34", "34+", "37", "102"])
def test_a_server_that_reads_pages_from_its_cache_is_asked_for_long_ones(connect: Connect, minor: str) -> None:
    """And once in a process how old it is."""
    with Wire(version(minor), answer(200, listed("a", "b")), OTHERS, answer(200, listed("c")), OTHERS) as wire:
        cluster = KubernetesCluster(connect(wire.url), "shop", "team=shop")
        assert names(cluster) == ["a", "b"]
        assert names(cluster) == ["c"]
    paths = [each.path.rpartition("/")[2] for each in wire.heard]
    assert paths == ["version", "functions", "v1alpha1", "functions", "v1alpha1"]
    assert wire.heard[1].query == wire.heard[3].query == {"labelSelector": "team=shop", "limit": "10000"}


@pytest.mark.parametrize(
    "told",
    [version("33"), version("30+"), version("", ""), version("99", "0"), answer(200, {}), status(403, "not yours")],
)
def test_an_older_one_and_one_that_does_not_say_are_asked_for_short_ones(connect: Connect, told: bytes) -> None:
    with Wire(told, answer(200, {"items": [function("a")]}), OTHERS) as wire:
        assert names(KubernetesCluster(connect(wire.url))) == ["a"]
    assert wire.heard[1].query == {"limit": "500"}


def test_a_list_may_come_compressed(connect: Connect) -> None:
    content = json.dumps(listed(*(f"f-{number}" for number in range(300))), separators=(",", ":")).encode()
    with Wire(packed(content), OTHERS) as wire:
        assert names(KubernetesCluster(connect(wire.url), page=10_000)) == [f"f-{number}" for number in range(300)]
    assert wire.heard[0].headers["accept-encoding"] == "gzip"


def test_what_came_counts_though_the_rest_does_not(connect: Connect) -> None:
    content = json.dumps(listed(*(f"f-{number}" for number in range(60))), separators=(",", ":"))
    half = content[: len(content) // 2]
    with Wire(answer(200, half, length=len(content))) as wire:
        *came, missing = names(KubernetesCluster(connect(wire.url), page=10_000))
    assert 15 <= len(came) < 40
    assert missing.startswith(f"the list of Functions broke off after {len(came)}: no answer from the API server")
    assert len(wire.heard) == 1, "and nothing more is asked of a server that breaks off"


def test_what_is_cut_off_by_somebody_in_between_is_no_whole_list(connect: Connect) -> None:
    content = json.dumps(listed(*(f"f-{number}" for number in range(60))), separators=(",", ":"))
    with Wire(answer(200, content[: len(content) // 2])) as wire:
        *came, missing = names(KubernetesCluster(connect(wire.url), page=10_000))
    assert missing.startswith(f"the list of Functions broke off after {len(came)}: the API server's answer makes no ")


@pytest.mark.parametrize(
    ("told", "kind"),
    [(status(500, "no leader"), ClusterError), (b"", Unreachable), (answer(200, "<html>"), ClusterError)],
)
def test_where_nothing_came_that_is_an_error(connect: Connect, told: bytes, kind: type[Exception]) -> None:
    with Wire(told) as wire, pytest.raises(kind):
        names(KubernetesCluster(connect(wire.url), page=10_000))


def test_a_server_that_asks_for_patience_gets_it(connect: Connect) -> None:
    busy = status(429, "storage is (re)initializing", after="0")
    with Wire(busy, busy, answer(200, listed("a")), OTHERS) as wire:
        assert names(KubernetesCluster(connect(wire.url), page=10_000)) == ["a"]


def test_each_request_is_counted_once_by_what_came_of_it(connect: Connect) -> None:
    counted: Counter[tuple[str, str]] = Counter()
    content = json.dumps(listed("a", "b"))
    script = [status(429, "busy", after="0"), answer(200, content, length=len(content) + 9)]
    with Wire(*script) as wire:
        transport = connect(wire.url)
        transport._count = lambda verb, code: counted.update([(verb, code)])
        with pytest.raises(ClusterError):
            names(KubernetesCluster(transport, page=10_000))
    assert counted == {("GET", "429"): 1, ("GET", "none"): 1}


def test_who_has_seen_enough_lets_go_of_the_connection(connect: Connect) -> None:
    content = json.dumps(listed(*(f"f-{number}" for number in range(200))), separators=(",", ":"))
    with Wire(answer(200, content), answer(200, {"items": []})) as wire:
        coming = KubernetesCluster(connect(wire.url), page=10_000).resources()
        first = next(coming)
        assert isinstance(first, Resource)
        coming.close()  # type: ignore[attr-defined]
        assert list(KubernetesCluster(connect(wire.url), page=500).functions()) == []


@pytest.mark.parametrize("page", [None, 1, 7, 40, 500])
def test_pages_of_any_length_see_the_same(transport: Transport, api: Any, page: int | None) -> None:
    for number in range(40):
        api.seed(function(f"f-{number:02d}", metadata={"labels": {"team": "shop" if number % 2 else "post"}}))
    found = [f"f-{number:02d}" for number in range(40)]
    assert names(KubernetesCluster(transport, page=page)) == found
    assert names(KubernetesCluster(transport, "shop", "team=shop", page=page)) == found[1::2]
    assert names(KubernetesCluster(transport, "nowhere", page=page)) == []
