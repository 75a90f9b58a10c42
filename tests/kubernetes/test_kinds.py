"""The other kinds in the cluster: one list each, of those that the API server names; read, and never written to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from remediator.errors import ClusterError, NotFound
from remediator.kubernetes import remediation_object
from remediator.kubernetes.remediation_object import Unusable, new_object, object_name
from remediator.kubernetes.resources import KubernetesCluster, decode
from remediator.kubernetes.transport import Transport
from remediator.model.kind import LAMBDA_KINDS, OTHER_KINDS
from remediator.model.resource import Ref, Resource
from remediator.sandbox.apiserver import ApiServer
from tests.builders import Json, decoded, function, other
from tests.kubernetes.conftest import Connect
from tests.wire import Wire, answer

GROUP = "/apis/lambda.services.k8s.aws/v1alpha1"
OTHERS = [each.name for each in OTHER_KINDS]


@pytest.fixture
def seed(api: ApiServer) -> Callable[[Json], None]:
    """Put objects there as they are; what only other kinds have is dropped as the server drops it."""

    def plant(raw: Json) -> None:
        api.seed(raw)

    return plant


def seen(cluster: KubernetesCluster) -> list[str]:
    return [str(each.ref) if isinstance(each, Resource) else each for each in cluster.resources()]


def test_every_kind_is_listed_with_one_request(
    transport: Transport, seed: Callable[[Json], None], asked: list[str]
) -> None:
    seed(function())
    for kind in OTHERS:
        seed(other(kind, "checkout"))
    assert seen(KubernetesCluster(transport, page=500)) == [
        "Function shop/checkout", *(f"{kind} shop/checkout" for kind in OTHERS)
    ]  # fmt: skip
    assert asked == [f"{GROUP}/functions", GROUP, *(f"{GROUP}/{each.plural}" for each in OTHER_KINDS)]


def test_namespace_and_selector_hold_for_every_kind(transport: Transport, seed: Callable[[Json], None]) -> None:
    seed(other("Alias", "a", metadata={"labels": {"team": "shop"}}))
    seed(other("Alias", "b"))
    seed(other("Version", "c", namespace="post", metadata={"labels": {"team": "shop"}}))
    assert seen(KubernetesCluster(transport, "shop", "team=shop")) == ["Alias shop/a"]
    assert seen(KubernetesCluster(transport, None, "team=shop")) == ["Alias shop/a", "Version post/c"]


def test_a_kind_that_is_not_installed_is_not_asked_for(
    transport: Transport, seed: Callable[[Json], None], asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(function())
    served = transport.get

    def only_aliases(path: str, query: dict[str, str | int] | None = None) -> bytes:
        content = served(path, query)
        if path == GROUP:
            return msgspec.json.encode({"resources": [{"name": "functions"}, {"name": "aliases"}, {}]})
        return content

    monkeypatch.setattr(transport, "get", only_aliases)
    assert seen(KubernetesCluster(transport, page=500)) == ["Function shop/checkout"]
    assert asked == [f"{GROUP}/functions", GROUP, f"{GROUP}/aliases"]


def test_a_kind_that_goes_between_discovery_and_list_is_none(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    streamed = transport.streamed

    def gone(path: str, query: dict[str, str | int] | None = None) -> Any:
        if path.endswith("/aliases"):
            raise NotFound("404 page not found")
        return streamed(path, query)

    monkeypatch.setattr(transport, "streamed", gone)
    assert seen(KubernetesCluster(transport, page=500)) == []


def test_what_may_not_be_listed_is_told_once(
    api: ApiServer, transport: Transport, seed: Callable[[Json], None]
) -> None:
    seed(function())
    seed(other("LayerVersion", "shared"))
    for plural in ("aliases", "versions"):
        message = f"{plural}.lambda.services.k8s.aws is forbidden"
        api.refuse("list", plural, code=403, reason="Forbidden", message=message)
    told = seen(KubernetesCluster(transport, page=500))
    assert told[:2] == ["Function shop/checkout", "LayerVersion shop/shared"]
    assert told[2:] == [
        "Aliases, Versions could not be listed: the API server refuses: aliases.lambda.services.k8s.aws is forbidden. "
        "manifests/base/clusterrole-read.yaml has the role."
    ]


def test_without_discovery_there_are_functions_and_a_sentence(connect: Connect) -> None:
    functions = answer(200, {"metadata": {}, "items": [function()]})
    with Wire(functions, answer(500, {"message": "etcd is away"})) as wire:
        told = seen(KubernetesCluster(connect(wire.url), page=500))
    assert told[0] == "Function shop/checkout"
    assert told[1].startswith("which other kinds lambda.services.k8s.aws has could not be asked: ")
    assert len(told) == 2


def test_a_list_that_breaks_off_names_its_kind(
    transport: Transport, seed: Callable[[Json], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        seed(other("Alias", name))
    streamed = transport.streamed

    def breaking(path: str, query: dict[str, str | int] | None = None) -> Any:
        if "continue" in (query or {}):
            raise ClusterError("no leader")
        return streamed(path, query)

    monkeypatch.setattr(transport, "streamed", breaking)
    assert seen(KubernetesCluster(transport, page=1)) == [
        "Alias shop/a",
        "the list of Aliases broke off after 1 of about 2: no leader.",
    ]


def test_one_of_a_kind_is_read(transport: Transport, seed: Callable[[Json], None]) -> None:
    seed(function("live"))
    seed(other("Alias", "live"))
    cluster = KubernetesCluster(transport)
    assert cluster.get("shop", "live", "Alias").ref.uid == "uid-of-Alias-shop-live"
    assert cluster.get("shop", "live").ref.uid == "uid-of-shop-live"
    assert b'"Alias"' in cluster.raw(Ref("shop", "live", "", "Alias"))
    with pytest.raises(NotFound, match='"live" not found'):
        cluster.get("shop", "live", "Version")


@pytest.mark.parametrize("kind", OTHERS)
def test_no_other_kind_is_ever_written_to(
    transport: Transport, seed: Callable[[Json], None], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(function("live"))
    seed(other(kind, "live"))
    found = KubernetesCluster(transport).get("shop", "live", kind)
    monkeypatch.setattr(Transport, "_write", lambda *_, **__: pytest.fail("a write"))
    monkeypatch.setattr(Transport, "post", lambda *_, **__: pytest.fail("a question about writing"))
    cluster = KubernetesCluster(transport)
    patch = [{"op": "add", "path": "/spec/publish", "value": False}]
    for attempt in (
        lambda: cluster.patch(found.ref, patch),
        lambda: cluster.rehearse(found, patch),
        lambda: cluster.permitted(found.ref),
    ):
        with pytest.raises(ClusterError, match=f"{kind} shop/live is never written to"):
            attempt()


def test_what_has_no_kind_is_what_was_asked_for() -> None:
    raw = b'{"metadata": {"name": "live"}}'
    found = decode(raw, "Alias")
    assert isinstance(found, Resource)
    assert (found.kind, found.is_function) == ("Alias", False)
    assert str(decode(b"{}", "Alias")).startswith("Alias ?/? cannot be read")


# ---- records ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [each.name for each in LAMBDA_KINDS])
def test_a_record_is_named_after_kind_and_uid(kind: str) -> None:
    ref = Ref("shop", "live", "0b1c", kind)
    written = new_object(ref)
    assert written["metadata"]["name"] == object_name("0b1c", kind) == f"{kind.lower()}-0b1c"
    assert written["spec"]["target"]["kind"] == kind
    assert remediation_object.read(msgspec.json.encode(written)).ref == ref


@pytest.mark.parametrize(("kind", "name"), [("Role", "role-0b1c"), ("Alias", "function-0b1c"), ("Alias", "alias-0b1d")])
def test_a_record_of_what_is_not_ours_is_left_alone(kind: str, name: str) -> None:
    written = new_object(Ref("shop", "live", "0b1c", kind))
    written["metadata"]["name"] = name
    with pytest.raises(Unusable, match="does not follow from its target"):
        remediation_object.read(msgspec.json.encode(written))


def test_kinds_go_by_their_own_finalizer() -> None:
    for kind in LAMBDA_KINDS:
        raw = function() if kind.name == "Function" else other(kind.name)
        assert raw["metadata"]["finalizers"] == [kind.finalizer]
        assert decoded(raw).managed
