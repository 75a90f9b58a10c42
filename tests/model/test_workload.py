"""The Deployment of a controller: when its rollout is over."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workloads import workload


def test_its_name_is_as_kubectl_takes_it_with_its_namespace() -> None:
    assert workload().name == "ack-system/ack"


@pytest.mark.parametrize(
    ("changes", "over"),
    [
        ({}, True),
        ({"rolling": True}, False),
        ({"updated": 0}, False),
        ({"current": 2}, False),
        ({"available": 0}, False),
        ({"desired": 2}, False),
    ],
)
def test_a_rollout_is_over_when_all_pods_are_new_and_work(changes: dict[str, Any], over: bool) -> None:
    assert workload(**changes).rolled is over
