"""A person's mark that one resource be left alone: on just that object, and only where the API server shows it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from remediator.errors import Changed, ClusterError, NotFound
from remediator.leaving import leave_alone
from remediator.model.resource import Ref
from tests.builders import NOW, function
from tests.fakes import FakeCluster, failing_with

MARK = "ack-remediator.dev/ignore-until"
UNTIL = NOW + timedelta(hours=12)
VALUE = "2026-11-22T00:00:00Z"


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster(function())


@pytest.fixture
def ref(cluster: FakeCluster) -> Ref:
    return cluster.get("shop", "checkout").ref


def marks(cluster: FakeCluster) -> dict[str, str]:
    return cluster.the()["metadata"].get("annotations") or {}


def test_nothing_but_the_mark_is_written(cluster: FakeCluster, ref: Ref) -> None:
    assert leave_alone(ref, UNTIL, cluster) == VALUE
    assert marks(cluster) == {MARK: VALUE}
    [patch] = cluster.patches
    assert [each["path"] for each in patch if each["op"] == "test"] == ["/metadata/uid", "/metadata/resourceVersion"]
    assert cluster.the()["metadata"]["generation"] == function()["metadata"]["generation"]


def test_an_older_mark_gives_way_and_other_annotations_stay(cluster: FakeCluster, ref: Ref) -> None:
    cluster.write(lambda found: found["metadata"].update(annotations={MARK: "2020-01-01T00:00:00Z", "team": "shop"}))
    leave_alone(ref, UNTIL, cluster)
    assert marks(cluster) == {MARK: VALUE, "team": "shop"}


def test_what_is_written_to_in_between_is_read_again(cluster: FakeCluster, ref: Ref) -> None:
    cluster.before = dict.fromkeys(range(2), failing_with(Changed("409")))
    assert leave_alone(ref, UNTIL, cluster) == VALUE
    cluster.before = dict.fromkeys(range(9), failing_with(Changed("409")))
    with pytest.raises(Changed, match="is written to all the time; nothing was written"):
        leave_alone(ref, UNTIL, cluster)


def test_another_object_of_the_name_is_not_meant(cluster: FakeCluster, ref: Ref) -> None:
    cluster.write(lambda found: found["metadata"].update(uid="another"))
    with pytest.raises(Changed, match="was deleted and created anew; nothing was written"):
        leave_alone(ref, UNTIL, cluster)
    cluster.objects.clear()
    with pytest.raises(NotFound):
        leave_alone(ref, UNTIL, cluster)
    assert cluster.patches == []


def test_a_mark_that_is_not_shown_is_none(cluster: FakeCluster, ref: Ref) -> None:
    cluster.after[0] = lambda here: here.write(lambda found: found["metadata"].pop("annotations"))
    original = cluster.patch

    def dropping(ref: Ref, patch: object) -> object:
        original(ref, patch)  # type: ignore[arg-type]
        return cluster.get("shop", "checkout")

    cluster.patch = dropping  # type: ignore[assignment, method-assign]
    with pytest.raises(ClusterError, match="does not show it"):
        leave_alone(ref, UNTIL, cluster)
