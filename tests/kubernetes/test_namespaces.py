"""Namespaces: what is read of them, and what their state says."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.errors import ClusterError, Forbidden, NotFound
from remediator.kubernetes.namespaces import list_namespaces, read_namespace
from remediator.kubernetes.transport import Transport
from remediator.model.namespace import Namespace
from remediator.sandbox.apiserver import ApiServer
from tests.kubernetes.conftest import Connect
from tests.wire import Wire, answer


def seed(api: ApiServer, name: str, metadata: dict[str, Any] | None = None, **more: Any) -> None:
    api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name} | (metadata or {}), **more})


def test_all_are_listed_with_labels_and_annotations(api: ApiServer, transport: Transport) -> None:
    seed(api, "shop", {"annotations": {"services.k8s.aws/team-id": "blue"}, "labels": {"team": "blue"}})
    seed(api, "pay")
    found = list_namespaces(transport)
    assert found["shop"].annotations == {"services.k8s.aws/team-id": "blue"}
    assert found["shop"].labels.items() >= {"team": "blue"}.items()
    assert not (found["shop"].terminating or found["shop"].why)
    assert {"shop", "pay", "default"} <= found.keys()
    assert all(name == each.name for name, each in found.items())


def test_a_long_list_is_read_page_by_page(connect: Connect) -> None:
    first = answer(200, {"metadata": {"continue": "more"}, "items": [{"metadata": {"name": "pay"}}]})
    with Wire(first, answer(200, {"items": [{"metadata": {"name": "shop"}}]})) as wire:
        assert sorted(list_namespaces(connect(wire.url))) == ["pay", "shop"]


def test_one_is_read_by_its_path(api: ApiServer, transport: Transport) -> None:
    seed(api, "shop", {"annotations": {"a": "b"}})
    assert read_namespace(transport, "/api/v1/namespaces/shop").annotations == {"a": "b"}
    with pytest.raises(NotFound):
        read_namespace(transport, "/api/v1/namespaces/nowhere")


def test_one_that_is_terminating_says_what_it_waits_for(connect: Connect) -> None:
    waits = [
        {"type": "NamespaceContentRemaining", "status": "True", "message": "functions. has 1 resource instances"},
        {"type": "NamespaceFinalizersRemaining", "status": "True", "message": "in use by a finalizer"},
        {"type": "NamespaceDeletionDiscoveryFailure", "status": "False", "message": "All resources discovered"},
        {"type": "Other", "status": "True"},
    ]
    told = {"metadata": {"name": "shop"}, "status": {"phase": "Terminating", "conditions": waits}}
    with Wire(answer(200, told)) as wire:
        found = read_namespace(connect(wire.url), "/api/v1/namespaces/shop")
    assert found == Namespace(
        "shop", terminating=True, why="functions. has 1 resource instances; in use by a finalizer"
    )


def test_what_is_refused_is_raised(api: ApiServer, transport: Transport) -> None:
    api.refuse("list", "namespaces", code=403, reason="Forbidden", message="not yours")
    with pytest.raises(Forbidden, match="not yours"):
        list_namespaces(transport)


@pytest.mark.parametrize("told", ["<html>", '{"items": [{}]}', '{"items": 7}'])
def test_an_answer_that_is_no_list_of_namespaces_is_an_error(connect: Connect, told: str) -> None:
    with Wire(answer(200, told)) as wire, pytest.raises(ClusterError, match="makes no sense"):
        list_namespaces(connect(wire.url))
