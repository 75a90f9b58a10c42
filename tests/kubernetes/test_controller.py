"""How the controller is: its Deployment is the best witness, its Lease the next, heartbeats the last."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from remediator.kubernetes.controller import discover
from remediator.kubernetes.resources import KubernetesCluster
from remediator.kubernetes.transport import Transport
from remediator.model.controller import ControllerFacts, Health, Install
from remediator.model.heartbeat import heard, heartbeats
from remediator.sandbox.apiserver import ApiServer
from remediator.sandbox.faults import Fault, Faults, answering, dropped, refusing
from tests.builders import Json, decoded, function, other, synced
from tests.kubernetes.conftest import Connect
from tests.kubernetes.controllers import NOW, REPOSITORY, Deploy, ago, deployment, facts
from tests.wire import Wire, answer, status

UNSEEN = "no Deployment of the lambda-controller is seen: perhaps ACK is managed by EKS"

# ---- by its Deployment -----------------------------------------------------------------------------------------------


def test_an_available_deployment(transport: Transport, deploy: Deploy) -> None:
    deploy()
    name, why = "ack-system/ack-lambda-controller", "Deployment ack-system/ack-lambda-controller is available"
    assert facts(transport) == ControllerFacts(
        Health.ALIVE,
        why,
        "1.14.1",
        deployment=name,
        installs=(Install(name, Health.ALIVE, why, version="1.14.1"),),
    )


def test_it_is_known_by_its_image_wherever_it_is_and_whatever_its_name(transport: Transport, deploy: Deploy) -> None:
    deploy("lambda", "platform", containers=[{"name": "proxy", "image": "example.invalid/envoy:1"}])
    assert facts(transport).why == "Deployment platform/lambda is available"


@pytest.mark.parametrize(
    "image",
    [
        "example.invalid/aws-controllers-k8s/s3-controller:1.0.0",
        "example.invalid/lambda-controller-tests:1",
        "example.invalid/not-lambda-controller:1",
        "example.invalid/lambda-controller/sidecar:1",
        "",
    ],
)
def test_other_deployments_are_not_it(transport: Transport, deploy: Deploy, image: str) -> None:
    deploy("other", image=image)
    assert facts(transport).health is Health.UNKNOWN


@pytest.mark.parametrize(
    ("image", "version"),
    [
        (f"{REPOSITORY}:1.14.1", "1.14.1"),
        (f"{REPOSITORY}:v1.7.4-rc.1", "v1.7.4-rc.1"),
        (f"{REPOSITORY}:1.14.1@sha256:{'0a' * 32}", "1.14.1"),
        (f"{REPOSITORY}@sha256:{'0a' * 32}", None),
        (REPOSITORY, None),
        ("127.0.0.1:5000/lambda-controller:1.2.3", "1.2.3"),
        ("127.0.0.1:5000/lambda-controller", None),
        ("lambda-controller:latest", "latest"),
    ],
)
def test_its_version_is_the_image_tag(transport: Transport, deploy: Deploy, image: str, version: str | None) -> None:
    deploy(image=image)
    assert facts(transport).health is Health.ALIVE
    assert facts(transport).version == version


def test_an_unavailable_deployment(transport: Transport, deploy: Deploy) -> None:
    deploy(available=0, since=ago(minutes=50))
    found = facts(transport, NOW - timedelta(hours=2))
    assert found.health is Health.DOWN
    assert found.why == "Deployment ack-system/ack-lambda-controller is not available since 2026-11-21T11:10:00Z"
    assert found.version == "1.14.1"


def rolling(reason: str, *, status: str = "True", available: int = 1, **more: Any) -> dict[str, Any]:
    """Build a Deployment in a rollout, or after it."""
    found = deployment(available=available, since=ago(minutes=1))
    found["status"]["conditions"][0] = {"type": "Progressing", "status": status, "reason": reason}
    found["spec"]["replicas"] = more.pop("replicas", 1)
    found["status"] |= more.pop("state", {})
    found["metadata"] |= more
    return found


@pytest.mark.parametrize(
    ("found", "restarting"),
    [
        (rolling("ReplicaSetUpdated"), True),
        (rolling("NewReplicaSetCreated", available=0), True),
        (rolling("NewReplicaSetAvailable"), False),
        (rolling("NewReplicaSetAvailable", available=0), False),
        (rolling("ProgressDeadlineExceeded", status="False", available=0), False),
        (rolling("ReplicaSetUpdated", available=0, replicas=0), False),
        (rolling("NewReplicaSetAvailable", generation=4, state={"observedGeneration": 3}), True),
        (rolling("NewReplicaSetAvailable", generation=4, state={"observedGeneration": 4}), False),
    ],
)
def test_a_rollout_is_a_restart_until_kubernetes_gives_it_up(
    api: ApiServer, transport: Transport, *, found: dict[str, Any], restarting: bool
) -> None:
    api.seed(found)
    told = facts(transport)
    assert told.restarting is restarting
    assert ("is being rolled out" in told.why) is restarting
    assert told.health is (Health.ALIVE if found["status"]["availableReplicas"] else Health.DOWN)


def test_a_deployment_scaled_to_nothing_has_no_status(api: ApiServer, transport: Transport) -> None:
    stopped = deployment()
    stopped["status"] = {}
    api.seed(stopped)
    found = facts(transport)
    assert (found.health, found.why) == (
        Health.DOWN,
        "Deployment ack-system/ack-lambda-controller is not available",
    )


@pytest.mark.parametrize(("seconds", "health"), [(59, Health.DOWN), (60, Health.DOWN), (61, Health.ALIVE)])
def test_a_heartbeat_after_it_went_away_means_that_another_one_works(
    transport: Transport, deploy: Deploy, seconds: int, health: Health
) -> None:
    """Such as the EKS capability after a migration; what the last pass wrote just before the end proves nothing."""
    gone = NOW - timedelta(hours=1)
    deploy(available=0, since=ago(hours=1))
    found = facts(transport, gone - timedelta(hours=5), gone + timedelta(seconds=seconds))
    assert found.health is health
    if health is Health.ALIVE:
        assert found.why.endswith("is not available, but a pass was finished at 2026-11-21T11:01:01Z")


def test_of_several_the_available_one_counts(transport: Transport, deploy: Deploy) -> None:
    deploy("a-old", available=0, since=ago(hours=9), image=f"{REPOSITORY}:1.0.0")
    deploy("b-new", args=["--watch-namespace", "shop"])
    found = facts(transport)
    assert (found.health, found.version, found.watched_namespaces) == (Health.ALIVE, "1.14.1", ("shop",))


def test_of_several_that_are_all_away_one_is_named(transport: Transport, deploy: Deploy) -> None:
    deploy("a", available=0)
    deploy("b", available=0)
    assert facts(transport).why == "Deployment ack-system/a is not available"


def test_of_several_the_one_that_restarts_is_told(api: ApiServer, transport: Transport, deploy: Deploy) -> None:
    deploy("another")
    api.seed(rolling("ReplicaSetUpdated"))
    found = facts(transport)
    assert found.restarting
    assert found.why == "Deployment ack-system/ack-lambda-controller is being rolled out"


@pytest.mark.parametrize("kinds", ["Alias,Version", "alias"])
def test_one_that_leaves_functions_to_another_does_not_count(transport: Transport, deploy: Deploy, kinds: str) -> None:
    deploy("aliases", args=["--reconcile-resources", kinds])
    assert facts(transport).health is Health.UNKNOWN
    deploy("functions", available=0, args=["--reconcile-resources", "Function"])
    assert facts(transport).why == "Deployment ack-system/functions is not available"


def test_two_that_share_the_namespaces_between_them(transport: Transport, deploy: Deploy) -> None:
    """ACK can be installed once per team: what either of them watches is watched."""
    deploy("a", args=["--watch-namespace=shop"])
    deploy("b", args=["--watch-namespace=post"])
    found = facts(transport)
    assert found.watches("shop")
    assert found.watches("post")
    assert not found.watches("ops")


def test_who_watches_everything_is_enough(transport: Transport, deploy: Deploy) -> None:
    deploy("a", args=["--watch-namespace=shop"])
    deploy("b")
    assert facts(transport).watches("ops")


def test_what_only_one_that_is_away_watches_is_known_to_be_unattended(transport: Transport, deploy: Deploy) -> None:
    deploy("a", args=["--watch-namespace=shop"], available=0, since=ago(hours=1))
    deploy("b", args=["--watch-namespace=post"], image=f"{REPOSITORY}:1.13.0")
    found = facts(transport)
    assert (found.health, found.watches("shop")) == (Health.ALIVE, False)
    away, there = found.installs
    assert (away.deployment, away.health, away.watches("shop"), away.watches("post")) == (
        *("ack-system/a", Health.DOWN),
        *(True, False),
    )
    assert (away.since, there.version) == (NOW - timedelta(hours=1), "1.13.0")


def test_of_what_several_differ_in_nothing_is_claimed(transport: Transport, deploy: Deploy) -> None:
    deploy("a", args=["--aws-region=eu-west-1", "--watch-selectors=team=a", "--reconcile-default-resync-seconds=60"])
    deploy("b", args=["--aws-region=us-east-1", "--watch-selectors=team=b"])
    found = facts(transport)
    assert (found.region, found.watch_selector) == (None, "")
    assert found.unsure == (
        "2 Deployments differ in watch selector; 2 Deployments differ in resync; 2 Deployments differ in region"
    )


# ---- by its Deployment, and yet silent -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "age", "health"),
    [
        ([], timedelta(hours=11), Health.ALIVE),
        ([], timedelta(hours=11, seconds=1), Health.DOWN),
        (["--reconcile-default-resync-seconds=7200"], timedelta(hours=2, minutes=12), Health.ALIVE),
        (["--reconcile-default-resync-seconds=7200"], timedelta(hours=2, minutes=12, seconds=1), Health.DOWN),
        (["--reconcile-default-resync-seconds=172800"], timedelta(hours=50), Health.ALIVE),
        # What fails is retried every 1000 s at the latest, however often what is well is looked at.
        (["--reconcile-default-resync-seconds=60"], timedelta(seconds=1060), Health.ALIVE),
        (["--reconcile-default-resync-seconds=60"], timedelta(seconds=1061), Health.DOWN),
        (["--watch-namespace=shop"], timedelta(hours=12), Health.ALIVE),
        (["--watch-selectors=team=shop"], timedelta(hours=12), Health.ALIVE),
        (["--watch-namespace=$(ELSEWHERE)"], timedelta(hours=12), Health.ALIVE),
    ],
)
def test_one_that_is_there_and_looks_at_nothing_any_more_is_as_good_as_none(
    transport: Transport, deploy: Deploy, args: list[str], age: timedelta, health: Health
) -> None:
    """Longer than its resync period and a tenth; what some controller does not watch says nothing of it."""
    deploy(args=args, since=ago(days=9))
    older = NOW - timedelta(days=3)
    found = facts(transport, older, NOW - age)
    assert found.health is health
    assert facts(transport, older, NOW - age, everywhere=False).health is Health.ALIVE
    assert facts(transport, NOW - age).health is Health.ALIVE, "one object alone says nothing"
    if health is Health.DOWN:
        assert "is available, but no pass was finished anywhere for " in found.why


@pytest.mark.parametrize(("minutes", "health"), [(17, Health.ALIVE), (18, Health.DOWN)])
def test_one_that_was_just_started_has_its_time(
    transport: Transport, deploy: Deploy, minutes: int, health: Health
) -> None:
    deploy(since=ago(minutes=minutes))
    assert facts(transport, *[NOW - timedelta(hours=12)] * 2).health is health


def test_without_heartbeats_or_a_time_it_is_believed(transport: Transport, deploy: Deploy) -> None:
    deploy(since=ago(days=9))
    assert facts(transport).health is Health.ALIVE
    deploy("a-new")
    assert facts(transport, *[NOW - timedelta(hours=12)] * 2).health is Health.ALIVE


# ---- by its Lease ----------------------------------------------------------------------------------------------------


def lease(api: ApiServer, name: str = "ack-lambda.services.k8s.aws", *, renewed: str | None, seconds: int = 15) -> None:
    spec: dict[str, Any] = {"holderIdentity": "ack-lambda-1", "leaseDurationSeconds": seconds}
    if renewed:
        spec["renewTime"] = renewed
    api.seed(
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": name, "namespace": "kube-system"},
            "spec": spec,
        }
    )


@pytest.mark.parametrize("refusal", [False, True])
def test_a_fresh_lease_is_a_sign_of_life(api: ApiServer, transport: Transport, *, refusal: bool) -> None:
    if refusal:
        api.refuse("list", "deployments", code=403, reason="Forbidden", message="not yours")
    lease(api, renewed="2026-11-21T11:59:50.123456Z")
    unseen = "Deployments may not be listed" if refusal else UNSEEN
    assert facts(transport) == ControllerFacts(
        Health.ALIVE, f"its Lease ack-lambda.services.k8s.aws is fresh ({unseen})"
    )


@pytest.mark.parametrize("renewed", [ago(seconds=31), ago(days=1), None, "a while ago"])
def test_a_lease_that_is_not_fresh_says_nothing(api: ApiServer, transport: Transport, renewed: str | None) -> None:
    lease(api, renewed=renewed)
    assert facts(transport).health is Health.UNKNOWN


def test_the_lease_of_another_controller_says_nothing(api: ApiServer, transport: Transport) -> None:
    lease(api, "ack-s3.services.k8s.aws", renewed=ago(seconds=1))
    assert facts(transport).health is Health.UNKNOWN


def test_a_deployment_that_is_away_counts_more_than_a_lease(
    api: ApiServer, transport: Transport, deploy: Deploy
) -> None:
    deploy(available=0)
    lease(api, renewed=ago(seconds=1))
    assert facts(transport).health is Health.DOWN


# ---- by heartbeats alone ---------------------------------------------------------------------------------------------


def test_no_witness_at_all(transport: Transport) -> None:
    told = f"there is no heartbeat to judge it by ({UNSEEN})"
    assert facts(transport) == ControllerFacts(Health.UNKNOWN, told, unwitnessed=UNSEEN)


@pytest.mark.parametrize(
    ("age", "health"),
    [
        (timedelta(seconds=5), Health.ALIVE),
        (timedelta(seconds=1059), Health.ALIVE),
        (timedelta(seconds=1060), Health.UNKNOWN),
        (timedelta(hours=11), Health.UNKNOWN),
        (timedelta(hours=11, seconds=1), Health.DOWN),
    ],
)
def test_heartbeats_tell_by_their_age(transport: Transport, age: timedelta, health: Health) -> None:
    """A failing resource is retried at least every 1000 s, a synced one looked at every ten hours."""
    found = facts(transport, NOW - timedelta(days=3), NOW - age)
    assert found.health is health
    assert found.version is None


def test_a_heartbeat_of_the_future_is_a_sign_of_life(transport: Transport) -> None:
    assert facts(transport, NOW + timedelta(minutes=5)).health is Health.ALIVE


def test_what_may_not_be_read_is_not_held_against_it(api: ApiServer, transport: Transport) -> None:
    for resource in ("deployments", "leases"):
        api.refuse("list", resource, code=403, reason="Forbidden", message="not yours")
    found = facts(transport, NOW - timedelta(minutes=2))
    assert (found.health, found.why) == (
        Health.ALIVE,
        "a pass was finished 2m ago (Deployments may not be listed; judged by heartbeats)",
    )
    assert facts(transport).why == "there is no heartbeat to judge it by (Deployments may not be listed)"


def test_where_deployments_may_not_be_listed_silence_is_no_evidence(api: ApiServer, transport: Transport) -> None:
    """One of them may rest for days between two looks, by its flags."""
    api.refuse("list", "deployments", code=403, reason="Forbidden", message="not yours")
    assert facts(transport, NOW - timedelta(hours=12)).health is Health.UNKNOWN


def test_a_controller_outside_the_cluster_is_a_normal_case(transport: Transport) -> None:
    found = facts(transport, NOW - timedelta(minutes=2))
    assert (found.health, found.deployment, found.installs) == (Health.ALIVE, None, ())
    assert found.why == f"a pass was finished 2m ago ({UNSEEN}; judged by heartbeats)"


def test_an_answer_of_another_shape_is_no_witness(connect: Connect) -> None:
    for told in (answer(200, {"items": [{"metadata": 7}]}), answer(200, "<html>"), status(500, "no leader")):
        with Wire(told) as wire:
            assert facts(connect(wire.url)).health is Health.UNKNOWN


def test_the_port_asks_for_it(transport: Transport, deploy: Deploy) -> None:
    deploy()
    assert KubernetesCluster(transport, "shop").controller(NOW).health is Health.ALIVE


def test_a_quiet_namespace_does_not_condemn_it(transport: Transport) -> None:
    long_ago = NOW - timedelta(hours=12)
    assert facts(transport, long_ago).health is Health.DOWN
    assert facts(transport, long_ago, everywhere=False).health is Health.UNKNOWN


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(refusing(500, "etcdserver: no leader"), id="500"),
        pytest.param(refusing(401, "Unauthorized"), id="a token that expired meanwhile"),
        pytest.param(dropped(), id="a hang-up"),
        pytest.param(answering(200, "<html>log in</html>"), id="a page"),
        pytest.param(answering(200, b"\xff"), id="no text"),
        pytest.param(answering(200, "[" * 100_000), id="JSON without bottom"),
    ],
)
@pytest.mark.parametrize("witness", ["deployments", "leases"])
def test_a_witness_that_cannot_be_heard_condemns_no_controller(
    api: ApiServer, trusted: Path, connect: Connect, witness: str, trouble: Fault
) -> None:
    """Silence counts only where nothing better could be known: what may not be read, or is not there."""
    long_ago = NOW - timedelta(hours=12)
    with Faults(api.url, ca=trusted) as faults:
        transport = connect(faults.url, token=api.token)
        assert facts(transport, long_ago).health is Health.DOWN
        faults.add(trouble, path=witness)
        assert facts(transport, long_ago).health is Health.UNKNOWN
        assert facts(transport, NOW).health is Health.ALIVE


# ---- whose heartbeats ------------------------------------------------------------------------------------------------


def seen_by(transport: Transport, *objects: Json) -> ControllerFacts:
    """Tell how a controller is by these objects, as a pass finds it out."""
    beats = heartbeats([decoded(each) for each in objects])
    return heard(discover(transport, NOW), beats, NOW, everywhere=True)


def test_a_quiet_alias_does_not_condemn_a_controller_that_visits_functions_each_minute(
    transport: Transport, deploy: Deploy
) -> None:
    deploy(since=ago(days=9), args=["--reconcile-resource-resync-seconds=Function=60"])
    aliases = [other("Alias", name, conditions=synced(ago(hours=5))) for name in ("live", "test")]
    assert seen_by(transport, *aliases).health is Health.ALIVE
    quiet = [function(name, conditions=synced(ago(hours=5))) for name in ("a", "b")]
    assert seen_by(transport, *aliases, *quiet).health is Health.DOWN


def test_an_alias_that_another_controller_visits_does_not_save_one_of_functions_that_is_away(
    transport: Transport, deploy: Deploy
) -> None:
    deploy("functions", available=0, since=ago(hours=2), args=["--reconcile-resources=Function"])
    deploy("aliases", args=["--reconcile-resources=Alias"])
    alias, silent = other("Alias", conditions=synced(ago(minutes=1))), function(conditions=synced(ago(hours=3)))
    assert seen_by(transport, silent, alias).health is Health.DOWN


def test_a_deployment_that_makes_no_sense_hides_no_other(connect: Connect) -> None:
    broken = {"metadata": {"name": 7}}
    with Wire(answer(200, {"items": [broken, deployment()]}), answer(200, {"items": []})) as wire:
        assert facts(connect(wire.url), NOW).deployment == "ack-system/ack-lambda-controller"


def test_where_one_makes_no_sense_nobody_says_that_there_is_no_controller(connect: Connect) -> None:
    broken = answer(200, {"items": [{"metadata": {"name": 7}}]})
    long_ago = NOW - timedelta(days=2)
    with Wire(broken, answer(200, {"items": []})) as wire:
        found = facts(connect(wire.url), long_ago)
    assert found.health is Health.UNKNOWN
    assert "1 of the Deployments make no sense" in found.why


def test_a_controller_on_the_second_page_is_found(connect: Connect) -> None:
    first = answer(200, {"metadata": {"continue": "more"}, "items": [deployment("web", image="web:1")]})
    with Wire(first, answer(200, {"items": [deployment()]})) as wire:
        assert facts(connect(wire.url), NOW).deployment == "ack-system/ack-lambda-controller"
    assert [each.query.get("continue") for each in wire.heard] == [None, "more"]
