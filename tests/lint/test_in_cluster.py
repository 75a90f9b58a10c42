"""What the cluster has, whatever the API server answers."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from remediator.errors import ClusterError, Forbidden, NotFound, NotServed
from remediator.kubernetes.transport import Transport
from remediator.lint.in_cluster import InCluster
from remediator.lint.problem import Key

FUNCTION = Key("lambda.services.k8s.aws", "Function", "shop", "checkout")
ROLE = Key("iam.services.k8s.aws", "Role", "shop", "a/b")


class Server:
    """A transport that answers with what it is given, and remembers what it was asked for."""

    def __init__(self, answer: bytes | Exception) -> None:
        self._answer = answer
        self.asked: list[str] = []

    def get(self, path: str, _query: Any = None) -> bytes:
        self.asked.append(path)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def asking(answer: bytes | Exception) -> tuple[InCluster, Server]:
    server = Server(answer)
    return InCluster(cast("Transport", server)), server


def test_an_object_that_is_there_is_what_was_before() -> None:
    cluster, server = asking(json.dumps({"spec": {"name": "checkout"}}).encode())
    found = cluster.before([FUNCTION])
    assert found[FUNCTION].value == {"spec": {"name": "checkout"}}
    assert found[FUNCTION].live
    assert server.asked == ["/apis/lambda.services.k8s.aws/v1alpha1/namespaces/shop/functions/checkout"]


def test_an_object_that_is_not_there_is_new() -> None:
    cluster, _ = asking(NotFound('functions.lambda.services.k8s.aws "checkout" not found'))
    assert cluster.before([FUNCTION]) == {}
    assert cluster.exists(FUNCTION) is False


def test_a_cluster_without_the_kind_is_not_the_one_that_was_meant() -> None:
    cluster, _ = asking(NotServed("404 page not found"))
    with pytest.raises(ClusterError, match=r"the cluster has no kind Function of lambda\.services") as told:
        cluster.before([FUNCTION])
    assert "--context" in told.value.hint
    assert cluster.exists(ROLE) is False


def test_what_may_not_be_read_is_not_known() -> None:
    cluster, _ = asking(Forbidden("the API server refuses: no"))
    assert cluster.exists(ROLE) == "the API server refuses: no"
    with pytest.raises(Forbidden):
        cluster.before([FUNCTION])


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b"[" * 100_000], ids=["html", "list", "deep"])
def test_an_answer_that_is_no_object_is_told(answer: bytes) -> None:
    cluster, _ = asking(answer)
    with pytest.raises(ClusterError, match="answer makes no sense"):
        cluster.before([FUNCTION])


def test_each_object_is_asked_for_once_and_by_a_name_that_stays_one() -> None:
    cluster, server = asking(b"{}")
    assert [cluster.exists(ROLE), cluster.exists(ROLE)] == [True, True]
    assert server.asked == ["/apis/iam.services.k8s.aws/v1alpha1/namespaces/shop/roles/a%2Fb"]
