"""Before a write: may we, would the API server take it and keep it, and does it agree with us on the time?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import msgspec
import pytest

from remediator.actions.clear_finalizer import clear_finalizer
from remediator.actions.release import release
from remediator.actions.resync import resync
from remediator.errors import Changed, NotFound
from remediator.kubernetes.connection import Connection
from remediator.kubernetes.resources import KubernetesCluster
from remediator.kubernetes.transport import Transport
from remediator.model.decision import Rehearsed
from remediator.model.finding import FindingName
from remediator.model.observation import Observation
from remediator.model.plan import Operation
from remediator.model.resource import FUNCTION_FINALIZER, Ref, Resource
from remediator.sandbox.apiserver import ApiServer
from tests.builders import GONE
from tests.kubernetes.conftest import Connect, write_kubeconfig
from tests.kubernetes.test_resources import function
from tests.wire import Heard, Wire, answer, status

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CHECKOUT = Ref("shop", "checkout", "u-1")
Plant = Callable[..., Resource]


@pytest.fixture
def cluster(transport: Transport) -> KubernetesCluster:
    return KubernetesCluster(transport)


@pytest.fixture
def plant(api: ApiServer, cluster: KubernetesCluster) -> Plant:
    def put(**more: Any) -> Resource:
        api.seed(function("checkout", **more))
        return cluster.get("shop", "checkout")

    return put


def first(resource: Resource) -> tuple[Operation, ...]:
    """Return the first patch of the action that we would take: a Resync, or a ClearFinalizer of what is deleted."""
    seen = Observation(resource, GONE, NOW)
    build = clear_finalizer if resource.deleting else resync
    return build(seen, FindingName.FINALIZER_LEFT).steps[0].patch


# ---- may we ----------------------------------------------------------------------------------------------------------


def test_who_may_patch_may(cluster: KubernetesCluster) -> None:
    assert cluster.permitted(CHECKOUT) == (True, "we may patch it")


def test_who_may_not_patch_is_told_before_it_tries(api: ApiServer, cluster: KubernetesCluster) -> None:
    api.refuse("patch", "functions", code=403, reason="Forbidden", message="read-only install")
    assert cluster.permitted(CHECKOUT) == (False, "we may not patch functions in shop")


def test_the_question_is_about_just_that_write(connect: Connect) -> None:
    told = answer(201, {"status": {"allowed": False, "reason": "no RBAC policy matched"}})
    with Wire(told) as wire:
        may = KubernetesCluster(connect(wire.url)).permitted(CHECKOUT)
    assert may == (False, "we may not patch functions in shop: no RBAC policy matched")
    assert (wire.heard[0].method, wire.heard[0].path) == (
        "POST",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    )
    for said in (b'"verb": "patch"', b'"name": "checkout"', b'"namespace": "shop"', b'"resource": "functions"'):
        assert said in wire.heard[0].body
    assert b'"group": "lambda.services.k8s.aws"' in wire.heard[0].body


@pytest.mark.parametrize(
    "told", [status(403, "no reviews for you"), status(500, "no leader"), answer(201, "<html>"), answer(201, {})]
)
def test_whether_we_may_is_not_known_where_nobody_says(connect: Connect, told: bytes) -> None:
    with Wire(told) as wire:
        may, why = KubernetesCluster(connect(wire.url)).permitted(CHECKOUT)
    assert may is None
    assert why.startswith("whether we may patch it could not be asked: ")


# ---- would it be taken -----------------------------------------------------------------------------------------------


def test_a_resync_is_tried_and_nothing_is_stored(cluster: KubernetesCluster, plant: Plant) -> None:
    before = plant()
    tried = cluster.rehearse(before, first(before))
    assert tried.result is Rehearsed.VERIFIED
    assert cluster.get("shop", "checkout") == before


@pytest.mark.parametrize(
    "annotations", [None, {"team": "shop"}, {"services.k8s.aws/deletion-policy": "delete"}], ids=str
)
def test_a_release_is_tried_and_nothing_is_stored(
    cluster: KubernetesCluster, plant: Plant, annotations: dict[str, str] | None
) -> None:
    going = {"deletionTimestamp": "2026-11-21T10:00:00Z", "finalizers": [FUNCTION_FINALIZER]}
    before = plant(metadata=going | ({"annotations": annotations} if annotations else {}))
    seen = Observation(before, GONE, NOW)
    tried = cluster.rehearse(before, release(seen, FindingName.DELETION_BLOCKED).steps[0].patch)
    assert tried.result is Rehearsed.VERIFIED
    assert cluster.get("shop", "checkout") == before


def test_a_removed_finalizer_is_tried_and_nothing_is_stored(cluster: KubernetesCluster, plant: Plant) -> None:
    going = {"deletionTimestamp": "2026-11-21T10:00:00Z"}
    for finalizers in ([FUNCTION_FINALIZER], ["a.example/b", FUNCTION_FINALIZER, "a.example/c"]):
        before = plant(metadata=going | {"finalizers": finalizers})
        tried = cluster.rehearse(before, first(before))
        assert tried.result is Rehearsed.VERIFIED
        assert cluster.get("shop", "checkout") == before


def test_an_object_that_moved_has_to_be_looked_at_again(cluster: KubernetesCluster, plant: Plant) -> None:
    before = plant()
    plant(metadata={"labels": {"moved": "true"}})
    with pytest.raises(Changed):
        cluster.rehearse(before, first(before))


def test_an_object_that_went_is_gone(cluster: KubernetesCluster, plant: Plant) -> None:
    before = plant()
    with pytest.raises(NotFound):
        cluster.rehearse(msgspec.convert(function("another"), Resource), first(before))


def test_without_the_right_to_patch_nothing_is_verified(
    api: ApiServer, cluster: KubernetesCluster, plant: Plant
) -> None:
    before = plant()
    said = 'functions "checkout" is forbidden: User "joe" cannot patch resource "functions"'
    api.refuse("patch", "functions", code=403, reason="Forbidden", message=said)
    tried = cluster.rehearse(before, first(before))
    assert tried.result is Rehearsed.NOT_VERIFIED
    assert said in tried.why


POLICY_SAYS = (
    "functions.lambda.services.k8s.aws \"checkout\" is forbidden: ValidatingAdmissionPolicy 'frozen' with binding "
    "'frozen' denied request: change freeze"
)


def stored(generation: int = 3, **more: Any) -> dict[str, Any]:
    """Write what the API server would answer to the first patch of a Resync."""
    spec = {"name": "checkout", "publish": False} | more
    return function("checkout", metadata={"generation": generation, "annotations": {MARK: "id"}}) | {"spec": spec}


MARK = "ack-remediator.dev/resync"
RESYNC: tuple[Operation, ...] = (
    {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
    {"op": "add", "path": "/metadata/annotations/ack-remediator.dev~1resync", "value": "id"},
    {"op": "add", "path": "/spec/publish", "value": False},
)


@pytest.mark.parametrize(
    ("told", "result", "why"),
    [
        pytest.param(answer(200, stored()), Rehearsed.VERIFIED, "takes the first write", id="taken"),
        pytest.param(answer(200, stored(2)), Rehearsed.REFUSED, "generation would be 2, and not 3", id="no effect"),
        pytest.param(answer(200, stored(4)), Rehearsed.REFUSED, "generation would be 4", id="a webhook adds to it"),
        pytest.param(
            answer(200, function("checkout", metadata={"generation": 3, "annotations": {MARK: "id"}})),
            Rehearsed.REFUSED,
            "the API server drops /spec/publish",
            id="pruned",
        ),
        pytest.param(answer(200, stored(publish=True)), Rehearsed.REFUSED, "drops /spec/publish", id="another value"),
        pytest.param(
            answer(200, function("checkout", spec=[], metadata={"generation": 3})),
            Rehearsed.REFUSED,
            "drops /metadata/annotations/ack-remediator.dev~1resync, /spec/publish",
            id="all of it",
        ),
        pytest.param(
            status(403, 'admission webhook "x" denied the request: no'), Rehearsed.REFUSED, "denied", id="a webhook"
        ),
        pytest.param(status(422, POLICY_SAYS), Rehearsed.REFUSED, "change freeze", id="an admission policy"),
        pytest.param(
            status(400, 'admission webhook "x" does not support dry run'),
            Rehearsed.NOT_VERIFIED,
            "does not support dry run",
            id="a webhook that knows no dry run",
        ),
        pytest.param(status(500, "no leader"), Rehearsed.NOT_VERIFIED, "no leader", id="trouble"),
        pytest.param(answer(200, "<html>"), Rehearsed.NOT_VERIFIED, "makes no sense", id="a page"),
        pytest.param(answer(200, "[1, 2]"), Rehearsed.REFUSED, "drops", id="another object"),
    ],
)
def test_what_is_made_of_the_answer(connect: Connect, told: bytes, result: Rehearsed, why: str) -> None:
    before = msgspec.convert(function("checkout", metadata={"generation": 2}), Resource)
    with Wire(told) as wire:
        tried = KubernetesCluster(connect(wire.url)).rehearse(before, RESYNC)
    assert tried.result is result
    assert why in tried.why
    assert wire.heard[0].query["dryRun"] == "All"


def test_a_finalizer_that_is_put_back_by_a_webhook_is_noticed(connect: Connect) -> None:
    metadata = {"generation": 2, "finalizers": [FUNCTION_FINALIZER], "deletionTimestamp": "2026-11-21T10:00:00Z"}
    before = msgspec.convert(function("checkout", metadata=metadata), Resource)
    with Wire(answer(200, function("checkout", metadata=metadata))) as wire:
        tried = KubernetesCluster(connect(wire.url)).rehearse(before, first(before))
    assert tried.result is Rehearsed.REFUSED
    assert "drops /metadata/finalizers/0" in tried.why


@pytest.mark.parametrize(
    ("annotations", "result"),
    [
        ({MARK: "id"}, Rehearsed.VERIFIED),
        ({MARK: "id", "a.example/by": "a webhook"}, Rehearsed.VERIFIED),
        ({MARK: "another"}, Rehearsed.REFUSED),
        ({"a.example/by": "a webhook"}, Rehearsed.REFUSED),
    ],
)
def test_what_a_webhook_adds_beside_ours_is_no_loss(
    connect: Connect, annotations: dict[str, str], result: Rehearsed
) -> None:
    patch: tuple[Operation, ...] = (
        {"op": "add", "path": "/metadata/annotations", "value": {MARK: "id"}},
        {"op": "add", "path": "/spec/publish", "value": False},
    )
    before = msgspec.convert(function("checkout", metadata={"generation": 2}), Resource)
    after = stored() | {"metadata": {"name": "checkout", "generation": 3, "annotations": annotations}}
    with Wire(answer(200, after)) as wire:
        assert KubernetesCluster(connect(wire.url)).rehearse(before, patch).result is result


def test_a_removal_that_nothing_was_tested_for_has_to_leave_nothing(connect: Connect) -> None:
    patch: tuple[Operation, ...] = ({"op": "remove", "path": "/spec/publish"},)
    before = msgspec.convert(function("checkout", metadata={"generation": 2}), Resource)
    with Wire(answer(200, stored())) as wire:
        assert KubernetesCluster(connect(wire.url)).rehearse(before, patch).result is Rehearsed.REFUSED
    with Wire(answer(200, function("checkout", metadata={"generation": 3}))) as wire:
        assert KubernetesCluster(connect(wire.url)).rehearse(before, patch).result is Rehearsed.VERIFIED


# ---- namespaces ------------------------------------------------------------------------------------------------------


def test_the_annotations_of_a_namespace(api: ApiServer, cluster: KubernetesCluster) -> None:
    marks = {"lambda.services.k8s.aws/deletion-policy": "retain"}
    api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "annotations": marks}})
    assert cluster.namespace_annotations("shop") == marks
    assert cluster.namespace_annotations("default") == {}


def test_annotations_that_cannot_be_read_are_not_none_at_all(api: ApiServer, cluster: KubernetesCluster) -> None:
    assert cluster.namespace_annotations("nowhere") is None
    api.refuse("get", "namespaces", code=403, reason="Forbidden", message="not yours")
    assert cluster.namespace_annotations("default") is None


@pytest.mark.parametrize("told", ["<html>", '{"metadata": 7}', "{}"])
def test_an_answer_that_is_no_namespace_says_nothing(connect: Connect, told: str) -> None:
    with Wire(answer(200, told)) as wire:
        assert KubernetesCluster(connect(wire.url)).namespace_annotations("../secrets") is None
    assert wire.heard[0].path == "/api/v1/namespaces/..%2Fsecrets"


# ---- clocks ----------------------------------------------------------------------------------------------------------


class Ticking:
    """A clock of ours that is so far ahead, and moves on by so much whenever it is read."""

    def __init__(self, ahead: float, tick: float = 0.0) -> None:
        self._now = NOW + timedelta(seconds=ahead)
        self._tick = timedelta(seconds=tick)

    def __call__(self) -> datetime:
        self._now += self._tick
        return self._now


def dated(date: str) -> bytes:
    return answer(200, {"metadata": {}}, Date=date)


def skew(tmp_path: Any, clock: Ticking, *dates: str) -> float | None:
    with Wire(*[dated(each) for each in dates]) as wire:
        transport = Transport(Connection(write_kubeconfig(tmp_path / "kubeconfig", wire.url), None), now=clock)
        for _ in dates:
            transport.get("/version")
    return KubernetesCluster(transport).skew()


TOLD = format_datetime(NOW, usegmt=True)


def test_before_the_first_answer_nothing_is_known(transport: Transport) -> None:
    assert KubernetesCluster(transport).skew() is None


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [(0.0, 0.0), (0.5, 0.0), (1.0, 0.0), (1.5, 0.5), (-0.5, -0.5), (90.0, 89.0), (-90.0, -90.0)],
)
def test_the_difference_is_the_least_that_it_can_be(tmp_path: Any, ahead: float, expected: float) -> None:
    """`Date` has whole seconds: the server's clock is anywhere within the one that it names."""
    assert skew(tmp_path, Ticking(ahead), TOLD) == pytest.approx(expected)


def test_the_time_that_an_answer_takes_is_no_difference(tmp_path: Any) -> None:
    assert skew(tmp_path, Ticking(-20, tick=10), TOLD) == 0.0


def test_of_several_answers_the_quickest_counts(tmp_path: Any) -> None:
    clock = Ticking(90, tick=10)
    with Wire(dated(TOLD)) as wire:
        transport = Transport(Connection(write_kubeconfig(tmp_path / "kubeconfig", wire.url), None), now=clock)
        transport.get("/version")
        clock._tick = timedelta(0)
        transport.get("/version")
    assert transport.skew == pytest.approx(109.0)


@pytest.mark.parametrize("date", ["", "yesterday", "21 Nov 2026 12:00:00", "Sat, 21 Nov 99999999 12:00:00 GMT"])
def test_a_strange_date_says_nothing(tmp_path: Any, date: str) -> None:
    assert skew(tmp_path, Ticking(0), date) is None


def test_a_refusal_has_a_date_too(tmp_path: Any) -> None:
    def refused(_: Heard) -> bytes:
        return answer(404, {"message": "not found"}, Date=TOLD)

    with Wire(refused) as wire:
        transport = Transport(Connection(write_kubeconfig(tmp_path / "kubeconfig", wire.url), None), now=Ticking(60))
        with pytest.raises(NotFound):
            transport.get("/version")
    assert transport.skew == pytest.approx(59.0)


def test_sandbox_and_we_agree(cluster: KubernetesCluster, plant: Plant) -> None:
    plant()
    assert cluster.skew() == 0.0
