"""`remediator restart-controller`: a person restarts a controller that hangs, and sees whether that helped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.shop import CONTEXT, Json, Shop

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
NAME = "ack-lambda-controller"
LABELS = {"app": NAME}
ON = "breaker: {percent: 10}\nactions: {RestartController: {mode: approve}}\n"
YES = ("--confirm", CONTEXT)


class Rollout:
    """The Deployment of a controller that hangs, and what Kubernetes does once somebody restarts it.

    Whoever waits lets it go on by a step; `heals`: the new pods look at what the old ones did not.
    """

    def __init__(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shop = shop
        self.heals = self.ready = True
        self.waited: list[Callable[[], object]] = []
        self.restarts = 0
        self._seen: str | None = None
        slept = shop.clock.sleep

        def sleep(seconds: float) -> None:
            slept(seconds)
            if self.waited:
                self.waited.pop(0)()
            self.go_on()

        monkeypatch.setattr(shop.clock, "sleep", sleep)
        self.deploy()

    def deploy(self, name: str = NAME, *, days: float = 1, annotations: Json | None = None, **spec: Any) -> None:
        began = self.shop.ago(days=days)
        image = "example.invalid/aws-controllers-k8s/lambda-controller:1.14.1"
        self.shop.api.seed(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {
                    "name": name,
                    "namespace": "ack-system",
                    "generation": 1,
                    "annotations": annotations or {},
                },
                "spec": {
                    "replicas": 1,
                    "selector": {"matchLabels": LABELS},
                    "template": {
                        "metadata": {"labels": LABELS},
                        "spec": {"containers": [{"name": "controller", "image": image}]},
                    },
                    **spec,
                },
                "status": self.status(began),
            }
        )
        self.pod("old", began)

    def status(self, began: str, generation: int = 1, available: int = 1) -> Json:
        done = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "lastUpdateTime": began}
        up = {"type": "Available", "status": "True", "lastTransitionTime": began}
        counts = dict.fromkeys(("replicas", "updatedReplicas"), 1) | {"availableReplicas": available}
        return {"observedGeneration": generation, "conditions": [done, up]} | counts

    def pod(self, name: str, began: str) -> None:
        metadata = {"name": name, "namespace": "ack-system", "labels": LABELS, "creationTimestamp": began}
        spec = {"containers": [{"name": "controller", "image": "any"}]}
        self.shop.api.seed({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})

    def stored(self) -> Json:
        return self.shop.api.stored("apps/v1", "Deployment", "ack-system", NAME)

    @property
    def restarted_at(self) -> str | None:
        annotations = self.stored()["spec"]["template"]["metadata"].get("annotations") or {}
        value: str | None = annotations.get(RESTARTED_AT)
        return value

    def go_on(self) -> None:
        if self.restarted_at in (None, self._seen) or not self.ready:
            return
        self._seen, self.restarts = self.restarted_at, self.restarts + 1
        found, began = self.stored(), self.shop.ago(seconds=-1)
        generation = found["metadata"]["generation"]
        self.shop.api.seed(found | {"status": self.status(began, generation)})
        self.pod(f"new-{self.restarts}", began)
        if self.heals:
            for name in ("checkout", "mailer", "search"):
                self.looked_at(name)

    def looked_at(self, name: str) -> None:
        found = self.shop.stored(name)
        beat = {"type": "ACK.ResourceSynced", "status": "True", "lastTransitionTime": self.shop.ago(seconds=-5)}
        found["status"]["conditions"] = [beat]
        self.shop.api.seed(found)


@pytest.fixture
def hung(empty_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Rollout:
    """A shop in which two of three Functions wait for a controller that does nothing, under a policy that helps."""
    for name in ("checkout", "mailer"):
        empty_shop.function(name, error="ServiceException: try again", heartbeat=empty_shop.ago(hours=5))
    empty_shop.function("search", heartbeat=empty_shop.ago(hours=5))
    empty_shop.write_policy(ON)
    return Rollout(empty_shop, monkeypatch)


def restart(of: Rollout, *words: str, **more: Any) -> Any:
    return of.shop("restart-controller", *(words or YES), columns=300, **more)


def test_a_controller_that_hangs_is_restarted_and_seen_at_work(hung: Rollout) -> None:
    told = restart(hung)
    assert told.code == 0, told.err
    assert "RestartController ack-system/ack-lambda-controller: restart Deployment" in told.err
    assert "Mind: This cannot be undone" in told.err
    assert "2 of 2 that are unwell wait for the controller" in told.err
    assert "about 18 calls to Lambda" in told.err
    assert f"resolved    RestartController ack-system/{NAME}: its pods are new since {hung.restarted_at}" in told.err
    assert "it finished a pass at" in told.err
    assert hung.restarts == 1


def test_it_changes_nothing_else(hung: Rollout) -> None:
    before = hung.stored()
    hung.heals = False
    restart(hung)
    after = hung.stored()
    assert after["spec"]["template"]["metadata"].pop("annotations") == {RESTARTED_AT: hung.restarted_at}
    before["spec"]["template"]["metadata"].pop("annotations", None)
    assert after["spec"] == before["spec"]


def test_it_is_asked_for_at_the_terminal(hung: Rollout) -> None:
    assert restart(hung, "--wait", "0s", typed=f"{CONTEXT}\n").code == 0
    assert hung.restarts == 1


@pytest.mark.parametrize(("words", "typed"), [((), "another\n"), (("--confirm", "another"), None)])
def test_another_cluster_restarts_nothing(hung: Rollout, words: tuple[str, ...], typed: str | None) -> None:
    told = restart(hung, *words, "--wait", "0s", typed=typed)
    assert told.code == 2
    assert "that is not the context's name; nothing was restarted" in told.err
    assert hung.restarted_at is None


def test_without_a_terminal_the_cluster_has_to_be_named(hung: Rollout) -> None:
    told = restart(hung, "--wait", "0s")
    assert told.code == 2
    assert "Pass --confirm with the context's name." in told.err


def held(of: Rollout, said: str, *words: str) -> None:
    told = restart(of, *(words or YES))
    assert told.code == 4, told.err
    assert said in told.err
    assert of.restarted_at is None


def test_it_is_off_until_the_policy_turns_it_on(hung: Rollout) -> None:
    hung.shop.write_policy()
    held(hung, "The policy has to allow it: actions: {RestartController: {mode: approve}}.")


def test_never_twice_within_its_interval(hung: Rollout) -> None:
    assert restart(hung).code == 0
    for name in ("checkout", "mailer"):
        hung.shop.function(name, live=False, error="ServiceException: try again", heartbeat=hung.shop.ago(hours=5))
    told = restart(hung)
    assert told.code == 4
    assert "it has run long enough: it was started last at" in told.err
    assert hung.restarts == 1


def test_a_pod_that_somebody_deleted_counts_as_a_restart(hung: Rollout) -> None:
    hung.pod("younger", hung.shop.ago(minutes=5))
    held(hung, "it has run long enough: it was started last at")


def test_it_waits_for_no_create_in_flight(hung: Rollout) -> None:
    made = hung.shop.function("fresh")
    made["metadata"]["creationTimestamp"] = hung.shop.ago(minutes=1)
    hung.shop.api.seed(made | {"status": {}})
    held(hung, "no create is in flight: ACK may be making Function shop/fresh")
    held(hung, "Wait for that with --wait, such as --wait 10m.")
    hung.waited = [lambda: None, lambda: hung.shop.api.seed(made)]
    told = restart(hung, *YES, "--wait", "1m")
    assert told.code == 0, told.err
    assert told.err.count("waiting until ACK has made Function shop/fresh") == 1
    assert hung.restarts == 1


def test_a_create_that_takes_too_long_keeps_it_from_being_restarted(hung: Rollout) -> None:
    made = hung.shop.function("fresh")
    made["metadata"]["creationTimestamp"] = hung.shop.ago(minutes=1)
    hung.shop.api.seed(made | {"status": {}})
    told = restart(hung, *YES, "--wait", "20s")
    assert told.code == 4, told.err
    assert "skipped     RestartController" in told.err
    assert "held back by no create is in flight" in told.err
    assert hung.restarted_at is None


def test_never_for_one_alone(hung: Rollout) -> None:
    hung.looked_at("mailer")
    held(hung, "for one alone a Resync is enough")


def test_one_that_looks_at_nothing_any_more_is_restarted_though_all_is_green(hung: Rollout) -> None:
    for name in ("checkout", "mailer", "search"):
        hung.shop.function(name, live=False, heartbeat=hung.shop.ago(hours=13))
    told = restart(hung)
    assert told.code == 0, told.err
    assert "it helps: Deployment ack-system/ack-lambda-controller is available, but no pass was finished" in told.err
    assert hung.restarts == 1


def test_a_list_that_is_not_whole_holds_it(hung: Rollout) -> None:
    broken = hung.shop.stored("search")
    broken["spec"] = {"name": ["not", "a", "name"]}
    hung.shop.api.seed(broken)
    held(hung, "everything was seen: Function shop/search cannot be read and was left out")


def test_what_costs_too_much_is_held(hung: Rollout) -> None:
    for number in range(30):
        hung.shop.function(f"more-{number}", live=False)
    hung.shop.write_policy("actions: {RestartController: {mode: approve, maxQuotaTime: 10s}}\n")
    held(hung, "about 198 calls to Lambda, which take 14s of its quota; the policy allows 10s")


def test_a_mark_on_the_deployment_keeps_hands_off_it(hung: Rollout) -> None:
    hung.deploy(annotations={"ack-remediator.dev/ignore": "true"})
    held(hung, "opt-out: ack-remediator.dev/ignore is set")


def test_one_that_is_paused_is_not_restarted(hung: Rollout) -> None:
    hung.deploy(paused=True)
    held(hung, "it is paused: nothing would come of it")


def test_where_there_is_no_deployment_nothing_can_be_restarted(empty_shop: Shop) -> None:
    empty_shop.function("checkout")
    told = empty_shop("restart-controller", *YES)
    assert told.code == 1
    assert "there is no controller to restart" in told.err


def test_of_several_one_has_to_be_named(hung: Rollout) -> None:
    hung.deploy("another")
    told = restart(hung)
    assert (told.code, hung.restarted_at) == (2, None)
    assert f"Name one with --deployment: ack-system/{NAME}, ack-system/another." in told.err
    told = restart(hung, *YES, "--deployment", "ack-system/none")
    assert told.code == 2
    assert "no controller runs in Deployment ack-system/none" in told.err
    assert restart(hung, *YES, "--deployment", f"ack-system/{NAME}").code == 0
    assert hung.restarts == 1


def test_new_pods_that_do_not_come_up_are_told(hung: Rollout) -> None:
    hung.ready = False
    told = restart(hung)
    assert "still-stuck RestartController" in told.err
    assert "its pods were not replaced within 300 s" in told.err


def test_new_pods_that_hang_as_the_old_ones_did_are_told(hung: Rollout) -> None:
    hung.heals = False
    told = restart(hung)
    assert told.code == 0
    assert "still-stuck RestartController" in told.err
    assert "but it finished no pass within 240 s on any of Function shop/search" in told.err


def test_one_that_somebody_put_back_is_not_known_to_have_helped(hung: Rollout) -> None:
    hung.ready = False

    def undone() -> None:
        if hung.restarted_at is None:
            hung.waited.append(undone)  # not restarted yet
        else:
            hung.deploy()

    hung.waited = [undone]
    told = restart(hung)
    assert told.code == 5
    assert f"{RESTARTED_AT} on it is not ours any more" in told.err


def test_explain_says_how_to_ask_for_it(hung: Rollout) -> None:
    told = hung.shop("explain", "checkout", columns=200)
    assert "RestartController, where many wait for it and not one: remediator restart-controller" in told.out
