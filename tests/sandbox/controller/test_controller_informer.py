"""How the sandbox's controller keeps up with the Functions of a cluster."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from remediator.sandbox.ack.cluster import CLUSTER_ERRORS, Cluster, WatchFailed
from remediator.sandbox.ack.informer import Informer
from remediator.sandbox.apiserver import ApiServer
from remediator.sandbox.clock import SandboxClock


def function(name: str, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "lambda.services.k8s.aws/v1alpha1",
        "kind": "Function",
        "metadata": {"name": name, "namespace": "default", **metadata},
        "spec": {"name": name, "code": {}},
    }


class Notes:
    """Write down what is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def listed(self, resources: Iterable[dict[str, Any]]) -> None:
        self.told.append(f"listed {' '.join(one['metadata']['name'] for one in resources)}")

    def changed(self, resource: dict[str, Any]) -> None:
        self.told.append(f"changed {resource['metadata']['name']}")

    def deleted(self, resource: dict[str, Any]) -> None:
        self.told.append(f"deleted {resource['metadata']['name']}")


class Script:
    """A cluster whose lists and watches are written down; halted where the script ends."""

    def __init__(self, halted: threading.Event, watches: list[list[tuple[str, str]] | Exception]) -> None:
        self.halted = halted
        self.watches = watches
        self.watched_from: list[str] = []

    def functions(self) -> tuple[list[dict[str, Any]], str]:
        return [function("a")], "10"

    def watch(self, version: str) -> Iterator[tuple[str, dict[str, Any]]]:
        self.watched_from.append(version)
        following = self.watches.pop(0)
        if not self.watches:
            self.halted.set()
        if isinstance(following, Exception):
            raise following
        for kind, at in following:
            yield kind, function("b", resourceVersion=at)
        if self.halted.is_set():
            raise WatchFailed("the script ends here")


def follow(watches: list[list[tuple[str, str]] | Exception]) -> tuple[list[str], list[str]]:
    """Answer what was told, and the versions that were watched from."""
    halted, notes = threading.Event(), Notes()
    script = Script(halted, watches)
    Informer(script, notes, halted).run()  # type: ignore[arg-type]
    return notes.told, script.watched_from


def test_it_lists_and_then_watches_from_there() -> None:
    told, watched = follow([[("ADDED", "11"), ("MODIFIED", "12"), ("DELETED", "13")]])
    assert told == ["listed a", "changed b", "changed b", "deleted b"]
    assert watched == ["10"]


def test_a_watch_that_the_server_ends_goes_on_where_it_was() -> None:
    told, watched = follow([[("MODIFIED", "12"), ("BOOKMARK", "15")], []])
    assert told == ["listed a", "changed b"]
    assert watched == ["10", "15"]


def test_a_place_that_the_server_has_forgotten_is_listed_anew() -> None:
    told, watched = follow([[("MODIFIED", "12")], WatchFailed("too old resource version"), []])
    assert told == ["listed a", "changed b", "listed a"]
    assert watched == ["10", "12", "10"]


def test_a_server_that_hangs_up_is_listed_anew() -> None:
    told, _ = follow([ConnectionResetError(), []])
    assert told == ["listed a", "listed a"]


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(SandboxClock()) as server:
        yield server


@pytest.fixture
def cluster(server: ApiServer, tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(server.kubeconfig(tmp_path / "kubeconfig"), lambda: None)
    yield cluster
    cluster.close()


def test_a_watch_begins_where_the_list_ended(server: ApiServer, cluster: Cluster) -> None:
    server.seed(function("a"))
    listed, version = cluster.functions()
    server.seed(function("b"))
    kind, resource = next(events := cluster.watch(version))
    assert [one["metadata"]["name"] for one in listed] == ["a"]
    assert (kind, resource["metadata"]["name"]) == ("ADDED", "b")
    events.close()


def test_a_version_from_before_the_servers_time_is_an_error(server: ApiServer, cluster: Cluster) -> None:
    server.seed(function("a"))
    with pytest.raises(CLUSTER_ERRORS, match="too old resource version"):
        next(cluster.watch("1"))


def test_a_silent_watch_can_be_cut_from_another_thread(cluster: Cluster) -> None:
    _, version = cluster.functions()
    ended = threading.Event()

    def watch() -> None:
        try:
            list(cluster.watch(version))
        except CLUSTER_ERRORS:
            pass
        finally:
            ended.set()

    thread = threading.Thread(target=watch)
    thread.start()
    while not ended.wait(0.05):
        cluster.hang_up()
    thread.join()
    cluster.hang_up()
