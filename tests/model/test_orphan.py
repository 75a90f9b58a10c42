"""Whose a function without an object is: by a record, by its tags, or nobody knows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from remediator.model.attempt import Attempt
from remediator.model.episode import Episode
from remediator.model.live import LiveState, Presence
from remediator.model.orphan import ClusterTag, Left, Orphan, Owner, Tagged, dated, left_by, orphan
from remediator.model.plan import ActionName, Result
from remediator.model.resource import Ref
from tests.builders import ARN, NOW

TAG = ClusterTag("cluster", "prod-eu1")
REF = Ref("shop", "checkout", "u-1")
LEFT = Left(arn=ARN, ref=REF, action="Release", at=NOW, approved_by="jane", record="function-u-1")
ACK = {"services.k8s.aws/namespace": "shop", "services.k8s.aws/controller-version": "lambda-v1.14.1"}
EKS = {"eks:kubernetes-namespace": "shop", "eks:kubernetes-resource-name": "till", "eks:eks-capability-arn": "arn:cap"}


def judged(tags: dict[str, str], left: Left | None = None, tag: ClusterTag | None = TAG) -> Orphan:
    found = orphan(Tagged(ARN, tags), left, tag)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("tags", "left", "tag", "owner", "why"),
    [
        pytest.param(ACK, LEFT, TAG, Owner.RELEASED, "approved by jane, which left it in AWS.", id="a record"),
        pytest.param(ACK, LEFT, None, Owner.RELEASED, "Release of Function shop/checkout at", id="a record, no tag"),
        pytest.param({}, LEFT, TAG, Owner.RELEASED, "It has no tags of ACK now.", id="a record alone"),
        pytest.param({**ACK, "cluster": "prod-eu1"}, LEFT, TAG, Owner.RELEASED, "Release", id="a record and our tag"),
        pytest.param(
            {**ACK, "cluster": "dr"}, LEFT, TAG, Owner.OTHER_CLUSTER, "Of cluster dr, by its tag", id="taken since"
        ),
        pytest.param(
            {**ACK, "services.k8s.aws/namespace": "post"},
            LEFT,
            TAG,
            Owner.UNKNOWN,
            "by its tags it is of namespace post now: somebody took it over",
            id="a record, but of another namespace now",
        ),
        pytest.param(
            {**ACK, "cluster": "prod-eu1"},
            None,
            TAG,
            Owner.TAGGED,
            "ACK made it for namespace shop of this cluster (cluster=prod-eu1).",
            id="our tag",
        ),
        pytest.param(
            {**EKS, "cluster": "prod-eu1"}, None, TAG, Owner.TAGGED, "namespace shop", id="our tag, ACK run by EKS"
        ),
        pytest.param(
            {"services.k8s.aws/controller-version": "lambda-v1", "cluster": "prod-eu1"},
            None,
            TAG,
            Owner.TAGGED,
            "for namespace ? of",
            id="our tag, without a namespace",
        ),
        pytest.param(
            EKS,
            None,
            ClusterTag("eks:eks-capability-arn", "arn:cap"),
            Owner.TAGGED,
            "of this cluster (eks:eks-capability-arn=arn:cap)",
            id="the capability is our tag",
        ),
        pytest.param(ACK, None, TAG, Owner.UNKNOWN, "no tag says for which cluster", id="no cluster's tag"),
        pytest.param(EKS, None, TAG, Owner.UNKNOWN, "as arn:cap: this cluster's, or another's", id="some capability's"),
        pytest.param(
            {**ACK, "cluster": "prod-eu1"}, None, None, Owner.UNKNOWN, "no tag says", id="the policy names no tag"
        ),
        pytest.param({**ACK, "Cluster": "prod-eu1"}, None, TAG, Owner.UNKNOWN, "no tag says", id="tags have a case"),
        pytest.param({**ACK, "cluster": ""}, None, TAG, Owner.OTHER_CLUSTER, "Of cluster , by", id="an empty tag"),
    ],
)
def test_whose_it_is(tags: dict[str, str], left: Left | None, tag: ClusterTag | None, owner: Owner, why: str) -> None:
    found = judged(tags, left, tag)
    assert found.owner is owner
    assert why in found.why
    assert found.owner.ours == (owner in (Owner.RELEASED, Owner.TAGGED))


@pytest.mark.parametrize("tags", [{}, {"cluster": "prod-eu1"}, {"team": "shop"}])
def test_what_has_no_tags_of_ack_is_nobodys_business(tags: dict[str, str]) -> None:
    assert orphan(Tagged(ARN, tags), None, TAG) is None


def test_what_is_no_function_is_no_orphan() -> None:
    assert orphan(Tagged(f"{ARN}:live", ACK), LEFT, TAG) is None


def test_only_tags_of_ack_and_the_clusters_are_repeated() -> None:
    found = judged({**ACK, "cluster": "prod-eu1", "note": "a secret"})
    assert found.tags == {**ACK, "cluster": "prod-eu1"}
    assert judged(ACK, tag=None).tags == ACK


def test_it_is_called_as_its_object_was_or_as_kubernetes_spells_names() -> None:
    assert (judged(ACK, LEFT).namespace, judged(ACK, LEFT).object_name) == ("shop", "checkout")
    assert judged({**EKS, "cluster": "prod-eu1"}).object_name == "till"
    odd = orphan(Tagged(ARN.replace("checkout", "_My_Fn-"), ACK), None, TAG)
    assert odd is not None
    assert odd.object_name == "my-fn"
    bare = orphan(Tagged(ARN.replace("checkout", "__"), ACK), None, TAG)
    assert bare is not None
    assert bare.object_name == "function"


def attempt(number: int, orphan: str = "", concluded: bool = True) -> Attempt:
    at = NOW + timedelta(minutes=number)
    return Attempt(
        id=f"p-{number}",
        action=ActionName.RELEASE,
        digest="d",
        intended=at,
        approved_by="jane",
        result=Result.RESOLVED,
        concluded=at + timedelta(seconds=5) if concluded else None,
        backup="secret/ack-remediator/b",
        orphan=orphan,
    )


def test_a_record_tells_of_what_it_left_and_of_nothing_else() -> None:
    episode = Episode(
        unhealthy_since=NOW,
        first_seen=NOW,
        last_seen=NOW,
        attempts=(attempt(1), attempt(2, ARN), attempt(3, "b", False)),
    )
    first, second = left_by(REF, episode, "function-u-1")
    assert first == Left(
        arn=ARN,
        ref=REF,
        action="Release",
        at=NOW + timedelta(minutes=2, seconds=5),
        approved_by="jane",
        backup="secret/ack-remediator/b",
        record="function-u-1",
    )
    assert (second.arn, second.at) == ("b", NOW + timedelta(minutes=3))
    nameless = Left(arn=ARN, ref=REF, action="ClearFinalizer", at=NOW)
    assert str(nameless) == "ClearFinalizer of Function shop/checkout at 2026-11-21T12:00:00Z"


@pytest.mark.parametrize(
    ("left", "minutes", "minded"),
    [
        pytest.param(LEFT, 1, True, id="changed since it was left"),
        pytest.param(LEFT, -1, False, id="as it was left"),
        pytest.param(LEFT, None, False, id="nobody knows when"),
        pytest.param(None, 1, False, id="no record"),
    ],
)
def test_when_it_was_changed_is_told(left: Left | None, minutes: int | None, minded: bool) -> None:
    changed = None if minutes is None else NOW + timedelta(minutes=minutes)
    found = dated(judged(ACK, left), LiveState(presence=Presence.PRESENT, last_modified=changed))
    assert found.last_modified == changed
    assert bool(found.minds) == minded


def test_another_function_of_that_name_is_not_taken_for_the_one_that_was_left() -> None:
    """Made anew by somebody who tags nothing as ACK does, it is changed later than the record."""
    live = LiveState(presence=Presence.PRESENT, last_modified=NOW + timedelta(minutes=1))
    found = dated(judged({}, LEFT), live)
    assert found.owner is Owner.UNKNOWN
    assert "but it has no tags of ACK now, and was changed in AWS after" in found.why
    before = LiveState(presence=Presence.PRESENT, last_modified=NOW - timedelta(minutes=1))
    assert dated(judged({}, LEFT), before).owner is Owner.RELEASED
    assert dated(judged(ACK, LEFT), live).owner is Owner.RELEASED
