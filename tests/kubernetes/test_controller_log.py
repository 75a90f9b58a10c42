"""Where the controller's log is read, and what is said where it cannot be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from remediator.kubernetes import controller_log
from remediator.kubernetes.controller_log import log_lines
from remediator.model.log import ControllerLog
from remediator.model.resource import Ref
from tests.kubernetes.conftest import Connect
from tests.kubernetes.test_log_entries import entry
from tests.wire import Heard, Wire, answer, status

CHECKOUT = Ref("shop", "checkout", "uid-1")
IMAGE = "example.invalid/aws-controllers-k8s/lambda-controller:1.14.1"
LABELS = {"app": "ack"}
PODS = "/api/v1/namespaces/ack-system/pods"


def deployment(image: str = IMAGE, selector: Any = None) -> dict[str, Any]:
    containers = [{"name": "proxy", "image": "example.invalid/envoy:1"}, {"name": "controller", "image": image}]
    return {
        "metadata": {"name": "ack-lambda-controller", "namespace": "ack-system"},
        "spec": {
            "selector": {"matchLabels": LABELS} if selector is None else selector,
            "template": {"spec": {"containers": containers}},
        },
    }


def pod(name: str, created: str = "2026-11-22T09:00:00Z") -> dict[str, Any]:
    return {"metadata": {"name": name, "creationTimestamp": created}}


class Told:
    """What an API server with a controller on it answers, by path; `Told.logs` are those of its pods."""

    def __init__(self, **logs: Any) -> None:
        self.logs = logs or {"one": entry()}
        self.deployments: bytes = answer(200, {"items": [deployment()]})
        self.leases: bytes = answer(200, {"items": []})
        self.pods: bytes = answer(200, {"items": [pod(each) for each in self.logs]})

    def __call__(self, heard: Heard) -> bytes:
        if heard.path.endswith("/deployments"):
            return self.deployments
        if heard.path.endswith("/leases"):
            return self.leases
        if heard.path == PODS:
            return self.pods
        log = self.logs[heard.path.removeprefix(f"{PODS}/").removesuffix("/log")]
        told = log(heard) if callable(log) else log
        return told if isinstance(told, bytes) else answer(200, told, kind="text/plain")


@pytest.fixture
def read(connect: Connect) -> Callable[[Callable[[Heard], bytes]], tuple[ControllerLog, list[Heard]]]:
    def run(told: Callable[[Heard], bytes]) -> tuple[ControllerLog, list[Heard]]:
        with Wire(told) as wire:
            return log_lines(connect(wire.url), CHECKOUT), wire.heard

    return run


Read = Callable[[Callable[[Heard], bytes]], tuple[ControllerLog, list[Heard]]]


def test_the_log_of_the_controllers_pods_is_read(read: Read) -> None:
    log, heard = read(Told(one=entry("first"), two=entry("second")))
    assert ([each.text for each in log.lines], log.why) == (["first", "second"], "")
    pods, logs = heard[1], heard[3]
    assert (pods.path, pods.query) == (PODS, {"labelSelector": "app=ack"})
    assert logs.query == {"container": "controller", "tailLines": "2000", "limitBytes": str(4 * 1024 * 1024)}


def test_the_last_ten_are_shown(read: Read) -> None:
    log, _ = read(Told(one="\n".join(entry(f"said {number}") for number in range(30))))
    assert [each.text for each in log.lines] == [f"said {number}" for number in range(20, 30)]


def test_of_many_pods_the_leader_and_the_newest_are_asked(read: Read) -> None:
    told = Told(**dict.fromkeys(("a", "b", "c", "d"), entry()))
    told.pods = answer(200, {"items": [pod(name, f"2026-11-22T09:00:0{at}Z") for at, name in enumerate("abcd")]})
    told.leases = answer(200, {"items": [{"spec": {"holderIdentity": "a_0815"}}]})
    _, heard = read(told)
    assert [each.path for each in heard if each.path.endswith("/log")] == [f"{PODS}/{name}/log" for name in "adc"]


def test_a_lease_that_may_not_be_read_is_no_reason_to_stop(read: Read) -> None:
    told = Told()
    told.leases = status(403, "leases is forbidden")
    assert len(read(told)[0].lines) == 1


def test_less_is_asked_for_where_it_is_too_much(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end is what matters, and it would be cut off."""
    monkeypatch.setattr(controller_log, "_BYTES", 1000)

    def long(heard: Heard) -> str:
        return "\n".join([entry("old")] * 100)[:1000] if heard.query["tailLines"] == "2000" else entry("new")

    log, heard = read(Told(one=long))
    assert [each.text for each in log.lines] == ["new"]
    assert heard[-1].query["tailLines"] == "200"


@pytest.mark.parametrize(
    ("selector", "written"),
    [
        ({"matchLabels": {"a": "1", "b": "2"}}, "a=1,b=2"),
        (
            {
                "matchLabels": {"a": "1"},
                "matchExpressions": [
                    {"key": "b", "operator": "In", "values": ["x", "y"]},
                    {"key": "c", "operator": "NotIn", "values": ["z"]},
                    {"key": "d", "operator": "Exists"},
                    {"key": "e", "operator": "DoesNotExist"},
                ],
            },
            "a=1,b in (x,y),c notin (z),d,!e",
        ),
    ],
)
def test_pods_are_found_by_the_deployments_selector(read: Read, selector: Any, written: str) -> None:
    told = Told()
    told.deployments = answer(200, {"items": [deployment(selector=selector)]})
    assert read(told)[1][1].query == {"labelSelector": written}


def test_a_pod_that_has_not_started_hides_no_others_log(read: Read) -> None:
    log, _ = read(Told(one=status(400, "container is waiting to start"), two=entry("second")))
    assert ([each.text for each in log.lines], log.why) == (["second"], "")
    log, _ = read(Told(one=entry(name="another"), two=status(400, "container is waiting to start")))
    assert log.why == "The last 1 lines of the controller's log do not name it."


def test_a_namespace_that_is_forbidden_hides_no_others_log(read: Read) -> None:
    told, theirs = Told(), deployment()
    theirs["metadata"]["namespace"] = "theirs"
    told.deployments = answer(200, {"items": [theirs, deployment()]})

    def hidden(heard: Heard) -> bytes:
        return status(403, "not yours") if "/namespaces/theirs/pods" in heard.path else told(heard)

    log, _ = read(hidden)
    assert [each.text for each in log.lines] == ["updated resource"]


# ---- where there is nothing to show ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "items",
    [
        [],
        [deployment("example.invalid/other:1")],
        [deployment("example.invalid/not-lambda-controller:1")],
        [deployment(selector={})],
    ],
)
def test_an_ack_that_is_managed_elsewhere(read: Read, items: list[Any]) -> None:
    told = Told()
    told.deployments = answer(200, {"items": items})
    log, heard = read(told)
    assert log == ControllerLog(
        why="No Deployment of the controller is seen here: its log is elsewhere, as with EKS's own."
    )
    assert len(heard) == 1


def test_the_missing_right_is_named(read: Read) -> None:
    sentence = (
        "The controller's log may not be read (ClusterRole ack-remediator-logs of manifests/base has the rights; "
        "it is bound to nobody)."
    )
    told = Told()
    told.pods = status(403, "pods is forbidden")
    assert read(told)[0] == ControllerLog(why=sentence)
    assert read(Told(one=status(403, 'pods "one" is forbidden')))[0] == ControllerLog(why=sentence)


def test_a_failure_is_a_sentence(read: Read) -> None:
    log, _ = read(Told(one=status(500, "container is not running")))
    assert log.why.startswith("The controller's log could not be read: the API server answered 500")
    told = Told()
    told.deployments = status(500, "etcd is gone")
    assert read(told)[0].why.startswith("The controller's Deployment could not be looked for: ")


def test_a_deployment_without_pods_has_no_log(read: Read) -> None:
    told = Told()
    told.pods = answer(200, {"items": []})
    assert read(told)[0].why == "The controller's Deployment has no pods now, so that there is no log."


def test_a_log_that_does_not_name_it(read: Read) -> None:
    log, _ = read(Told(one=entry(name="another")))
    assert log == ControllerLog(why="The last 1 lines of the controller's log do not name it.")


def test_bytes_that_are_no_text_are_borne(read: Read) -> None:
    told = Told(one=lambda _: _raw(b"\xff\n" + entry().encode()))
    assert len(read(told)[0].lines) == 1


def _raw(body: bytes) -> bytes:
    return b"HTTP/1.1 200 Told\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body


def test_the_log_of_a_controller_that_works_on_other_kinds_is_not_read(read: Read) -> None:
    told, other = Told(), deployment()
    other["spec"]["template"]["spec"]["containers"][1]["args"] = ["--reconcile-resources=Alias,Version"]
    told.deployments = answer(200, {"items": [other]})
    log, heard = read(told)
    assert "No Deployment of the controller" in log.why
    assert [each.path for each in heard] == ["/apis/apps/v1/deployments"]
