"""Who leads, as others see it: a daemon of all there is, or those of shards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from remediator.kubernetes.leader import Leaders, live_leaders
from remediator.kubernetes.transport import Transport
from remediator.model.shard import WHOLE, Shard
from remediator.model.times import format_micro_time
from remediator.sandbox.apiserver import ApiServer

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def lease(api: ApiServer, name: str, holder: str | None, *, seconds_ago: float = 2.0) -> None:
    renewed = format_micro_time(NOW - timedelta(seconds=seconds_ago))
    spec = {"holderIdentity": holder, "leaseDurationSeconds": 30, "renewTime": renewed}
    spec = {key: value for key, value in spec.items() if value is not None}
    metadata = {"name": name, "namespace": "default"}
    api.seed({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec})


def test_where_nobody_holds_a_lease_nobody_leads(api: ApiServer, transport: Transport) -> None:
    lease(api, "ack-remediator-leader", None)
    lease(api, "ack-remediator-action", "somebody")
    leaders = live_leaders(transport, "default", NOW)
    assert leaders == Leaders()
    assert (leaders.of("uid"), leaders.missing) == ("", ())


def test_one_of_all_there_is_looks_after_everything(api: ApiServer, transport: Transport) -> None:
    lease(api, "ack-remediator-leader", "pod@node/1/ab")
    leaders = live_leaders(transport, "default", NOW)
    assert leaders == Leaders({WHOLE: "pod@node/1/ab"})
    assert (leaders.of("uid"), leaders.missing) == ("pod@node/1/ab", ())


def test_each_shard_looks_after_its_own_and_one_that_is_missing_is_known(api: ApiServer, transport: Transport) -> None:
    for index in (0, 2):
        lease(api, f"ack-remediator-leader-{index}", f"pod-{index}@node/1/ab#shard-{index}/3")
    lease(api, "ack-remediator-leader-1", "pod-1@node/1/ab#shard-1/3", seconds_ago=31)
    leaders = live_leaders(transport, "default", NOW)
    assert leaders.missing == (Shard(1, 3),)
    for index, name in enumerate(("pod-0@node/1/ab#shard-0/3", "", "pod-2@node/1/ab#shard-2/3")):
        uid = next(f"uid-{number}" for number in range(100) if Shard(index, 3).owns(f"uid-{number}"))
        assert leaders.of(uid) == name


@pytest.mark.parametrize(
    ("name", "holder"),
    [
        ("ack-remediator-leader-1", "pod@node/1/ab#run-1/4"),
        ("ack-remediator-leader", "pod@node/1/ab#run-0/1"),
        ("ack-remediator-leader-1", "pod@node/1/ab"),
        ("ack-remediator-leader-3", "pod@node/1/ab#shard-3/3"),
        ("ack-remediator-leader-3", "pod@node/1/ab#shard-3/99"),
    ],
    ids=["a run of a shard", "a run of all", "no shard", "none of three", "too many"],
)
def test_who_is_no_daemon_is_left_nothing(api: ApiServer, transport: Transport, name: str, holder: str) -> None:
    lease(api, name, holder)
    assert live_leaders(transport, "default", NOW) == Leaders()


def test_who_cannot_ask_knows_of_nobody(transport: Transport) -> None:
    assert live_leaders(transport, "no such/namespace", NOW) == Leaders()
