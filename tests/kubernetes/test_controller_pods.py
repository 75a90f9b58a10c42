"""Why a controller's Deployment is not available: its pods may tell."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.kubernetes.transport import Transport
from remediator.sandbox.apiserver import ApiServer
from remediator.sandbox.faults import Faults, refusing
from tests.kubernetes.conftest import Connect
from tests.kubernetes.controllers import ago, deployment, facts

AWAY = "Deployment ack-system/ack-lambda-controller is not available since 2026-11-21T11:00:00Z"
LABELS = {"app": "ack", "part": "controller"}


@pytest.fixture(autouse=True)
def away(api: ApiServer) -> None:
    """A Deployment that is not available."""
    found = deployment(available=0, since=ago(hours=1))
    found["spec"]["selector"] = {"matchLabels": LABELS}
    api.seed(found)


def pod(api: ApiServer, name: str = "ack-1", labels: dict[str, str] = LABELS, **status: Any) -> None:
    told = {"name": "controller", **status}
    api.seed(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "ack-system", "labels": labels},
            "status": {"containerStatuses": [told] if status else []},
        }
    )


def waiting(reason: str) -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": "back-off 5m0s"}}


def ended(reason: str, code: int) -> dict[str, Any]:
    return {"terminated": {"reason": reason, "exitCode": code, "message": "secret words"}}


def test_a_crash_loop_is_told_with_how_it_ended(api: ApiServer, transport: Transport) -> None:
    pod(api, restartCount=17, state=waiting("CrashLoopBackOff"), lastState=ended("OOMKilled", 137))
    assert facts(transport).why == (
        f"{AWAY}; its container controller is in CrashLoopBackOff after 17 restarts, last ended with OOMKilled, "
        "exit code 137"
    )


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ({"state": waiting("ImagePullBackOff")}, "; its container controller is in ImagePullBackOff"),
        (
            {"state": waiting("CrashLoopBackOff"), "lastState": ended("", 1)},
            "; its container controller is in CrashLoopBackOff, last ended with no reason, exit code 1",
        ),
        ({"state": waiting("ContainerCreating")}, ""),
        ({"state": {"running": {}}, "lastState": ended("Error", 1)}, ""),
        ({}, ""),
    ],
)
def test_what_its_container_waits_for(api: ApiServer, transport: Transport, status: dict[str, Any], told: str) -> None:
    pod(api, **status)
    assert facts(transport).why == f"{AWAY}{told}"


def test_of_several_pods_the_one_in_trouble_tells(api: ApiServer, transport: Transport) -> None:
    pod(api, "a", state={"running": {}})
    pod(api, "b", state=waiting("CrashLoopBackOff"))
    assert facts(transport).why.endswith("is in CrashLoopBackOff")


def test_the_pods_of_others_tell_nothing(api: ApiServer, transport: Transport) -> None:
    pod(api, labels={"app": "ack"}, state=waiting("CrashLoopBackOff"))
    assert facts(transport).why == AWAY


def test_without_a_selector_nobody_is_asked(api: ApiServer, transport: Transport) -> None:
    api.seed(deployment(available=0, since=ago(hours=1)))
    pod(api, state=waiting("CrashLoopBackOff"))
    assert facts(transport).why == AWAY


def test_where_pods_may_not_be_listed_that_is_said(api: ApiServer, transport: Transport) -> None:
    api.refuse("list", "pods", code=403, reason="Forbidden", message="not yours")
    assert facts(transport).why == f"{AWAY}; its pods may not be listed"


def test_a_fault_takes_away_a_detail_only(api: ApiServer, trusted: Any, connect: Connect) -> None:
    with Faults(api.url, ca=trusted) as faults:
        faults.add(refusing(500, "no leader"), path="pods")
        assert facts(connect(faults.url, token=api.token)).why == AWAY
