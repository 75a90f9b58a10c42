"""Functions in the cluster: listed whole whatever is among them, read, and patched under guards."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from remediator.errors import Changed, ClusterError, Forbidden, NotFound, RemediatorError
from remediator.kubernetes.resources import KubernetesCluster, decode
from remediator.kubernetes.transport import Expired, Transport
from remediator.model.controller import Health
from remediator.model.heartbeat import Heartbeats, heard
from remediator.model.resource import Ref, Resource
from remediator.sandbox.apiserver import ApiServer
from tests.kubernetes.conftest import Connect
from tests.wire import Wire, answer, status

API_VERSION = "lambda.services.k8s.aws/v1alpha1"


def function(name: str, namespace: str = "shop", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, **more.pop("metadata", {})}
    spec = {"name": name, "code": {"s3Bucket": "b", "s3Key": "k"}}
    return {"apiVersion": API_VERSION, "kind": "Function", "metadata": metadata, "spec": spec, **more}


@pytest.fixture
def seed(api: ApiServer) -> Callable[..., None]:
    def plant(*names: str, **more: Any) -> None:
        for name in names:
            api.seed(function(name, **more))

    return plant


def names(cluster: KubernetesCluster) -> list[str]:
    return [each.metadata.name if isinstance(each, Resource) else each for each in cluster.resources()]


# ---- list ------------------------------------------------------------------------------------------------------------


def test_all_namespaces_or_one(transport: Transport, seed: Callable[..., None]) -> None:
    seed("checkout")
    seed("mailer", namespace="post")
    assert names(KubernetesCluster(transport)) == ["mailer", "checkout"]
    assert names(KubernetesCluster(transport, "shop")) == ["checkout"]
    assert names(KubernetesCluster(transport, "nowhere")) == []


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("team=shop", ["checkout"]),
        ("team!=shop", ["loose", "mailer"]),
        ("team in (shop,post)", ["checkout", "mailer"]),
        ("team", ["checkout", "mailer"]),
        ("!team", ["loose"]),
        ("team=shop,tier=gold", []),
    ],
)
def test_selectors_are_those_of_kubectl(
    transport: Transport, seed: Callable[..., None], selector: str, found: list[str]
) -> None:
    seed("checkout", metadata={"labels": {"team": "shop"}})
    seed("mailer", metadata={"labels": {"team": "post"}})
    seed("loose")
    assert names(KubernetesCluster(transport, "shop", selector)) == found


def test_a_selector_that_is_none_is_refused_in_words(transport: Transport) -> None:
    with pytest.raises(ClusterError, match="400: unable to parse requirement"):
        names(KubernetesCluster(transport, "shop", "team in (shop"))


def test_a_list_comes_in_pages(transport: Transport, seed: Callable[..., None]) -> None:
    expected = [f"f-{number:02d}" for number in range(10)]
    seed(*expected)
    assert names(KubernetesCluster(transport, page=3)) == expected


def test_pages_ask_for_no_resourceVersion_and_carry_the_selector(  # noqa: N802 - Kubernetes' own spelling
    connect: Connect,
) -> None:
    """A resourceVersion of 0 would be answered from a cache, which may be older than what a run has just written."""
    first = answer(200, {"metadata": {"continue": "more"}, "items": [function("a")]})
    with Wire(first, answer(200, {"metadata": {}, "items": [function("b")]})) as wire:
        assert names(KubernetesCluster(connect(wire.url), "shop", "team=shop", page=500)) == ["a", "b"]
    assert [each.query for each in wire.heard] == [
        {"limit": "500", "labelSelector": "team=shop"},
        {"limit": "500", "labelSelector": "team=shop", "continue": "more"},
        {},  # which other kinds there are
    ]
    assert wire.heard[0].path == "/apis/lambda.services.k8s.aws/v1alpha1/namespaces/shop/functions"


def test_a_list_that_took_too_long_goes_on_where_it_was(connect: Connect) -> None:
    """Nothing is seen twice: keys come in their order, and the server says where to go on."""
    page = answer(200, {"metadata": {"continue": "more"}, "items": [function("a")]})
    old = answer(410, {"message": "too old", "metadata": {"continue": "from there on"}})
    with Wire(page, old, answer(200, {"metadata": {}, "items": [function("b")]})) as wire:
        assert names(KubernetesCluster(connect(wire.url), page=500)) == ["a", "b"]
    assert [each.query.get("continue") for each in wire.heard[:3]] == [None, "more", "from there on"]


def test_history_compacted_in_the_middle_of_a_list(
    api: ApiServer, transport: Transport, seed: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [f"f-{number}" for number in range(5)]
    seed(*expected)
    asked: list[str] = []
    streamed = transport.streamed

    def compacting(path: str, query: dict[str, str | int] | None = None) -> Any:
        asked.append(path)
        if len(asked) == 2:
            api.seed(function("f-0", metadata={"labels": {"moved": "true"}}))
            api.compact()
        return streamed(path, query)

    monkeypatch.setattr(transport, "streamed", compacting)
    assert names(KubernetesCluster(transport, page=2)) == expected
    assert len(asked) > 3


def test_a_list_that_expires_before_anything_came_is_told(connect: Connect) -> None:
    with Wire(status(410, "too old")) as wire:
        with pytest.raises(Expired, match="too old"):
            names(KubernetesCluster(connect(wire.url), page=500))
        assert len(wire.heard) == 1


@pytest.mark.parametrize(
    ("told", "said"),
    [
        pytest.param(status(500, "etcdserver: no leader"), "the API server answered 500", id="500"),
        pytest.param(status(401, "Unauthorized"), "Log in again", id="a token that expired meanwhile"),
        pytest.param(b"", "no answer from the API server", id="a hang-up"),
        pytest.param(answer(200, '{"items": [{"metadata"', length=400), "no answer", id="half of it"),
        pytest.param(answer(200, '{"items": [{"metadata": }'), "makes no sense", id="JSON that breaks off"),
        pytest.param(answer(200, '{"items": [' + "[" * 100_000), "makes no sense", id="JSON without bottom"),
        pytest.param(status(404, "page not found"), "page not found.", id="404"),
    ],
)
def test_what_was_listed_counts_though_the_next_page_does_not_come(connect: Connect, told: bytes, said: str) -> None:
    first = answer(200, {"metadata": {"continue": "more", "remainingItemCount": 7}, "items": [function("a")]})
    with Wire(first, told) as wire:
        seen, missing = names(KubernetesCluster(connect(wire.url), page=500))
    assert seen == "a"
    assert missing.startswith("the list of Functions broke off after 1 of about 8: ")
    assert said in missing


def test_a_list_that_expires_again_and_again_breaks_off(connect: Connect) -> None:
    page = answer(200, {"metadata": {"continue": "more"}, "items": [function("a")]})
    old = answer(410, {"message": "too old", "metadata": {"continue": "from there on"}})
    with Wire(page, *[old] * 9) as wire:
        told = names(KubernetesCluster(connect(wire.url), page=500))
    assert told == ["a", "the list of Functions broke off after 1: too old."]
    assert len(wire.heard) == 7


def test_a_list_that_nobody_says_how_to_go_on_with_breaks_off(connect: Connect) -> None:
    page = answer(200, {"metadata": {"continue": "more"}, "items": [function("a")]})
    with Wire(page, status(410, "too old")) as wire:
        told = names(KubernetesCluster(connect(wire.url), page=500))
    assert told == ["a", "the list of Functions broke off after 1: too old."]


@pytest.mark.parametrize(
    "more",
    [
        pytest.param([status(500, "no leader")], id="the list broke off"),
        pytest.param([answer(200, {"items": [{"metadata": {"name": 7}}]})], id="an object could not be read"),
        pytest.param([answer(200, {"items": []})], id="nothing was missing"),
    ],
)
def test_the_silence_of_what_was_not_seen_condemns_no_controller(connect: Connect, more: list[bytes]) -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    first = answer(200, {"metadata": {"continue": "more"}, "items": [function("a")]})
    with Wire(first, *more, answer(200, {"items": []})) as wire:
        cluster = KubernetesCluster(connect(wire.url), page=500)
        saw_all = all(isinstance(each, Resource) for each in cluster.resources())
        beats = Heartbeats(now - timedelta(hours=12), 1)
        facts = heard(cluster.controller(now), beats, now, everywhere=cluster.saw_everything())
    assert facts.health is (Health.DOWN if saw_all else Health.UNKNOWN)


def test_a_cluster_without_the_crd(connect: Connect) -> None:
    """An API server answers for a path that it does not serve with a line of text, not with a Status."""
    told = answer(404, "404 page not found\n", kind="text/plain; charset=utf-8")
    with Wire(told) as wire, pytest.raises(ClusterError) as raised:
        names(KubernetesCluster(connect(wire.url), page=500))
    assert not isinstance(raised.value, NotFound)
    assert "does not know functions.lambda.services.k8s.aws" in raised.value.message
    assert "--context" in raised.value.hint


def test_no_right_to_list(api: ApiServer, transport: Transport) -> None:
    said = 'functions.lambda.services.k8s.aws is forbidden: User "joe" cannot list resource "functions"'
    api.refuse("list", "functions", code=403, reason="Forbidden", message=said)
    with pytest.raises(Forbidden, match="joe"):
        names(KubernetesCluster(transport, page=500))


# ---- what is in a list -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"spec": {"name": 7}}, id="a name that is a number"),
        pytest.param({"spec": "none"}, id="a spec that is a string"),
        pytest.param({"status": {"conditions": {"type": "Ready"}}}, id="conditions that are a mapping"),
        pytest.param({"status": {"conditions": ["Ready"]}}, id="conditions that are strings"),
        pytest.param({"metadata": {"annotations": {"a": 1}}}, id="an annotation that is a number"),
        pytest.param({"metadata": {"generation": "x"}}, id="a generation that is no number"),
        pytest.param({"spec": {"name": "bad", "memorySize": "a lot"}}, id="a memory size in words"),
        pytest.param({"spec": {"name": "bad", "environment": {"variables": ["A=1"]}}}, id="variables in a list"),
    ],
)
def test_one_object_that_cannot_be_read_does_not_end_the_list(
    transport: Transport, seed: Callable[..., None], broken: dict[str, Any]
) -> None:
    seed("after", "before")
    seed("bad", **broken)
    after, left_out, before = KubernetesCluster(transport).resources()
    assert isinstance(after, Resource)
    assert isinstance(before, Resource)
    assert isinstance(left_out, str)
    assert left_out.startswith("Function shop/bad cannot be read and was left out: ")


def test_the_sentence_about_an_object_does_not_quote_it(transport: Transport, seed: Callable[..., None]) -> None:
    variables = {"DB_PASSWORD": {"hunter2-hunter2": "correct-horse-battery"}}
    seed("bad", spec={"name": "bad", "environment": {"variables": variables}})
    (left_out,) = KubernetesCluster(transport).resources()
    assert isinstance(left_out, str)
    assert "correct-horse" not in left_out
    assert "hunter2" not in left_out


@pytest.mark.parametrize(
    ("metadata", "named"),
    [
        (b'"name": "bad", "namespace": "shop", "uid": "\xff"', "shop/bad"),
        (b'"name": "bad", "namespace": "shop", "uid": "\\ud800"', "shop/bad"),
        (b'"name": "bad", "namespace": 7', "?/bad"),
        (b'"name": null, "namespace": "shop"', "shop/?"),
        (b'"name": "", "namespace": "shop", "generation": 1e999', "shop/?"),
        (b'"namespace": "shop"', "shop/?"),
    ],
)
def test_what_is_broken_is_named_as_far_as_it_has_a_name(metadata: bytes, named: str) -> None:
    left_out = decode(b'{"metadata": {' + metadata + b"}}")
    assert isinstance(left_out, str)
    assert left_out.startswith(f"Function {named} cannot be read")


@pytest.mark.parametrize(
    "strange",
    [
        pytest.param({}, id="no status"),
        pytest.param({"status": None}, id="a null status"),
        pytest.param({"status": {}}, id="an empty status"),
        pytest.param({"status": {"conditions": None}}, id="null conditions"),
        pytest.param({"status": {"conditions": [{}]}}, id="a condition without type"),
        pytest.param(
            {"status": {"conditions": [{"type": "ACK.ResourceSynced", "lastTransitionTime": "yesterday"}]}},
            id="a strange timestamp",
        ),
        pytest.param({"status": {"state": "Hibernating", "lastUpdateStatus": "Odd"}}, id="unknown states"),
        pytest.param({"status": {"newField": {"deep": [1, 2]}}}, id="fields of a newer controller"),
        pytest.param({"metadata": {"creationTimestamp": "0001-01-01T00:00:00Z"}}, id="Go's absent time"),
        pytest.param({"metadata": {"finalizers": None, "annotations": None, "labels": None}}, id="null metadata"),
        pytest.param({"spec": None}, id="a null spec"),
        pytest.param({"spec": {"name": "odd", "publish": None}}, id="publish is null"),
    ],
)
def test_what_is_merely_strange_is_read(
    transport: Transport, seed: Callable[..., None], strange: dict[str, Any]
) -> None:
    seed("odd", **strange)
    assert names(KubernetesCluster(transport)) == ["odd"]


def test_publish_absent_null_and_false_are_three_things() -> None:
    specs: list[Any] = [{}, {"publish": None}, {"publish": False}]
    seen = [decode(json.dumps(function("f", spec=spec)).encode()) for spec in specs]
    assert [each.spec.publish for each in seen if isinstance(each, Resource) and each.spec] == [UNSET, None, False]


@pytest.mark.parametrize(
    "content", [b"", b"[", b"null", b'"text"', b"\xff\xfe", b'{"metadata": 7}', b"[" * 10_000, b'{"metadata":' * 10_000]
)
def test_what_is_no_object_at_all_is_told_in_a_sentence(content: bytes) -> None:
    left_out = decode(content)
    assert isinstance(left_out, str)
    assert left_out.startswith("Function ?/? cannot be read")


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(answer(200, "<html>Please log in</html>", kind="text/html"), id="a page"),
        pytest.param(answer(200, ""), id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Ty", id="half of the headers"),
        pytest.param(answer(200, '{"items": [{"metadata"'), id="half"),
        pytest.param(answer(200, [1]), id="an array"),
        pytest.param(answer(200, {"items": {"a": 1}}), id="items that are a mapping"),
        pytest.param(answer(200, {"kind": "Status", "status": "Success"}), id="another object"),
    ],
)
def test_an_answer_that_is_no_list_is_an_error_and_not_an_empty_cluster(connect: Connect, told: bytes) -> None:
    with Wire(told) as wire, pytest.raises(ClusterError):
        names(KubernetesCluster(connect(wire.url)))


# ---- one object ------------------------------------------------------------------------------------------------------


def test_get(transport: Transport, seed: Callable[..., None]) -> None:
    seed("checkout")
    found = KubernetesCluster(transport).get("shop", "checkout")
    assert found.ref[:2] == ("shop", "checkout")
    assert found.metadata.resource_version


def test_get_of_what_is_not_there(transport: Transport) -> None:
    with pytest.raises(NotFound, match='"checkout" not found'):
        KubernetesCluster(transport).get("shop", "checkout")


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(answer(404, "404 page not found\n", kind="text/plain; charset=utf-8"), id="no such path"),
        pytest.param(answer(404, "<html>Not Found</html>", kind="text/html"), id="a proxy"),
        pytest.param(status(404, "the server could not find the requested resource"), id="no such kind"),
    ],
)
def test_a_404_that_names_no_object_says_of_none_that_it_is_gone(connect: Connect, told: bytes) -> None:
    """Else a deletion would be taken for done, and its record for over, while nobody was asked."""
    before = msgspec.convert(function("checkout"), Resource)
    with Wire(told, told, told) as wire:
        cluster = KubernetesCluster(connect(wire.url))
        for ask in (
            lambda: cluster.get("shop", "checkout"),
            lambda: cluster.patch(before.ref, marked(before)),
            lambda: cluster.rehearse(before, marked(before)),
        ):
            with pytest.raises(ClusterError, match="does not know functions") as raised:
                ask()
            assert not isinstance(raised.value, NotFound)


def test_get_of_what_cannot_be_read(transport: Transport, seed: Callable[..., None]) -> None:
    seed("bad", spec={"name": []})
    with pytest.raises(ClusterError, match="shop/bad cannot be read"):
        KubernetesCluster(transport).get("shop", "bad")


def test_a_name_cannot_leave_its_path(connect: Connect) -> None:
    """Names come from the command line: `explain ../../secrets` must not ask for something else."""
    with Wire(status(404, "not found")) as wire:
        cluster = KubernetesCluster(connect(wire.url))
        for name in ("../../../../api/v1/secrets", "a?watch=1", "a#b", "a/status"):
            with pytest.raises(RemediatorError):
                cluster.get("shop", name)
    for each in wire.heard:
        assert each.path.startswith("/apis/lambda.services.k8s.aws/v1alpha1/namespaces/shop/functions/")
        assert each.path.count("/") == 7
        assert each.query == {}


def test_raw_gives_the_whole_object(transport: Transport, seed: Callable[..., None]) -> None:
    """A backup is worth nothing without the fields that this tool does not know."""
    seed("checkout", spec={"name": "checkout", "layers": ["a-layer"], "unknownField": 1})
    cluster = KubernetesCluster(transport)
    whole = json.loads(cluster.raw(cluster.get("shop", "checkout").ref))
    assert whole["spec"] == {"name": "checkout", "layers": ["a-layer"], "unknownField": 1}


# ---- writes ----------------------------------------------------------------------------------------------------------


def marked(resource: Resource, **guards: str) -> tuple[dict[str, Any], ...]:
    tests = {"uid": resource.metadata.uid, "resourceVersion": resource.metadata.resource_version, **guards}
    return (
        *({"op": "test", "path": f"/metadata/{key}", "value": value} for key, value in tests.items()),
        {"op": "add", "path": "/metadata/labels", "value": {"marked": "true"}},
    )


def test_a_guarded_patch_answers_with_the_new_object(
    api: ApiServer, transport: Transport, seed: Callable[..., None]
) -> None:
    seed("checkout")
    cluster = KubernetesCluster(transport)
    before = cluster.get("shop", "checkout")
    after = cluster.patch(before.ref, marked(before))
    assert after.metadata.labels == {"marked": "true"}
    assert after.metadata.resource_version != before.metadata.resource_version
    assert after == cluster.get("shop", "checkout")


@pytest.mark.parametrize("guard", ["uid", "resourceVersion"])
def test_a_guard_that_fails_writes_nothing(transport: Transport, seed: Callable[..., None], guard: str) -> None:
    seed("checkout")
    cluster = KubernetesCluster(transport)
    before = cluster.get("shop", "checkout")
    with pytest.raises(Changed):
        cluster.patch(before.ref, marked(before, **{guard: "another"}))
    assert cluster.get("shop", "checkout") == before


def test_a_patch_of_what_is_gone(transport: Transport) -> None:
    with pytest.raises(NotFound):
        KubernetesCluster(transport).patch(Ref("shop", "checkout", "u-1"), ())


def test_a_patch_without_the_right_to_it(api: ApiServer, transport: Transport, seed: Callable[..., None]) -> None:
    seed("checkout")
    api.refuse("patch", "functions", code=403, reason="Forbidden", message="read-only install")
    cluster = KubernetesCluster(transport)
    found = cluster.get("shop", "checkout")
    with pytest.raises(Forbidden, match="read-only install"):
        cluster.patch(found.ref, marked(found))


@pytest.mark.parametrize("told", ["", "<html>", '{"metadata": 7}'])
def test_a_patch_answered_with_nonsense_is_a_cluster_error(connect: Connect, told: str) -> None:
    with Wire(answer(200, told)) as wire, pytest.raises(ClusterError):
        KubernetesCluster(connect(wire.url)).patch(Ref("shop", "checkout", "u-1"), ())


def test_writers_side_by_side_exclude_each_other(transport: Transport, seed: Callable[..., None]) -> None:
    """Of those that read the same version one writes; the others are told to look again."""
    seed("checkout")
    cluster = KubernetesCluster(transport)
    before = cluster.get("shop", "checkout")

    def attempt(_: int) -> bool:
        try:
            cluster.patch(before.ref, marked(before))
        except Changed:
            return False
        return True

    with ThreadPoolExecutor(max_workers=6) as pool:
        assert sum(pool.map(attempt, range(12))) == 1
