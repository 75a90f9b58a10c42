"""What each value does, and that it does nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from remediator import __version__
from remediator.model.limits import Mode
from remediator.policy.load import load_policy
from tests.chart.presets import Helm, Json

DIGEST = f"sha256:{'0' * 64}"


def one(objects: list[Json], kind: str, name: str = "ack-remediator") -> Json:
    [found] = [each for each in objects if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def template(objects: list[Json]) -> Json:
    [workload] = [each for each in objects if each["kind"] in ("CronJob", "Deployment")]
    found: Json = workload["spec"].get("jobTemplate", workload)["spec"]["template"]
    return found


def container(objects: list[Json]) -> Json:
    [found] = template(objects)["spec"]["containers"]
    return dict(found)


WORKLOADS = pytest.mark.parametrize("workload", ["cronjob", "daemon"])


@WORKLOADS
@pytest.mark.parametrize(
    ("words", "image"),
    [
        ("image.repository=r.example/team/ack", f"r.example/team/ack:{__version__}"),
        ("image.repository=r.example:5000/ack,image.tag=1.2.3-rc.1", "r.example:5000/ack:1.2.3-rc.1"),
        (f"image.tag=1.2.3,image.digest={DIGEST}", f"ack-remediator@{DIGEST}"),
    ],
)
def test_the_image_is_the_one_that_is_named(helm: Helm, workload: str, words: str, image: str) -> None:
    assert container(helm.objects(f"--set=workload={workload},{words}"))["image"] == image


@WORKLOADS
def test_what_pods_are_given_is_beside_what_they_have(helm: Helm, workload: str, tmp_path: Path) -> None:
    toleration = {"key": "team", "operator": "Equal", "value": "ops", "effect": "NoSchedule"}
    term = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}
    given = {
        "workload": workload,
        "image": {"pullPolicy": "Always", "pullSecrets": ["regcred"]},
        "args": ["--push", "https://pushgateway.example:9091"],
        "env": [{"name": "AWS_REGION", "value": "eu-west-1"}],
        "volumes": [{"name": "ca", "configMap": {"name": "ca"}}],
        "volumeMounts": [{"name": "ca", "mountPath": "/ca", "readOnly": True}],
        "resources": {"requests": {"cpu": 1}, "limits": {"memory": "1Gi"}},
        "podAnnotations": {"team": "ops"},
        "podLabels": {"team": "ops"},
        "priorityClassName": "important",
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [toleration],
        "affinity": affinity,
    }
    values = tmp_path / "values.yaml"
    values.write_text(json.dumps(given), encoding="utf-8")
    bare, full = helm.objects(f"--set=workload={workload}"), helm.objects(f"--values={values}")
    before, after = template(bare)["spec"], template(full)["spec"]
    assert after["volumes"] == [*before["volumes"], *given["volumes"]]
    assert after["imagePullSecrets"] == [{"name": "regcred"}]
    for key in ("priorityClassName", "nodeSelector", "tolerations", "affinity"):
        assert (key in before, after[key]) == (False, given[key])
    was, found = container(bare), container(full)
    assert found["args"] == [*was["args"], *given["args"]]
    assert found["env"] == [*was["env"], *given["env"]]
    assert found["volumeMounts"] == [*was["volumeMounts"], *given["volumeMounts"]]
    assert found["imagePullPolicy"] == "Always"
    assert found["resources"]["limits"] == {"memory": "1Gi"}
    metadata = template(full)["metadata"]
    assert metadata["annotations"] == {"team": "ops"}
    assert metadata["labels"] == {**template(bare)["metadata"]["labels"], "team": "ops"}


def test_the_cronjob_runs_when_it_is_said(helm: Helm) -> None:
    words = "cronjob.schedule=*/15 6-18 * * 1-5,cronjob.timeZone=Europe/Berlin,cronjob.activeDeadlineSeconds=900"
    spec = one(helm.objects(f"--set={words}"), "CronJob")["spec"]
    assert (spec["schedule"], spec["timeZone"], "suspend" in spec) == ("*/15 6-18 * * 1-5", "Europe/Berlin", False)
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 900
    assert one(helm.objects("--set=cronjob.suspend=true"), "CronJob")["spec"]["suspend"] is True


def test_the_daemon_has_the_time_that_it_is_told_to_take(helm: Helm) -> None:
    objects = helm.objects("--set=workload=daemon,daemon.replicas=3,daemon.gracePeriodSeconds=45")
    assert one(objects, "Deployment")["spec"]["replicas"] == 3
    assert template(objects)["spec"]["terminationGracePeriodSeconds"] == 55
    words = container(objects)["args"]
    assert words[words.index("--grace-period") + 1] == "45"


def test_the_policy_is_what_is_said_and_what_follows_from_access(helm: Helm, tmp_path: Path) -> None:
    policy = tmp_path / "values.yaml"
    said = {
        "timeouts": {"functionPending": "15m"},
        "selection": {"exclude": {"namespaces": ["kube-*"], "labels": "tier in (gold,silver),!canary"}},
        "aws": {"accounts": {"123456789012": {"roleArn": "arn:aws:iam::123456789012:role/read"}}},
        "findings": {"ControllerSilent": {"mode": "approve"}},
    }
    policy.write_text(json.dumps({"access": "act", "policy": said}), encoding="utf-8")
    found = one(helm.objects(f"--values={policy}"), "ConfigMap", "ack-remediator-policy")
    file = tmp_path / "policy.yaml"
    file.write_text(found["data"]["policy.yaml"], encoding="utf-8")
    read = load_policy(file)
    assert read.mode is Mode.APPROVE
    assert list(read.aws.accounts) == ["123456789012"], "no number, though it looks like one"
    head = {"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy"}
    file.write_text(json.dumps({**head, "mode": "approve", **said}), encoding="utf-8")
    assert read == load_policy(file)


@pytest.mark.parametrize("mode", ["dry-run", "auto"])
def test_a_mode_that_is_said_goes_before_what_access_brings(helm: Helm, mode: str) -> None:
    found = one(helm.objects(f"--set=access=act,policy.mode={mode}"), "ConfigMap", "ack-remediator-policy")
    assert f"mode: {mode}\n" in found["data"]["policy.yaml"]


def test_the_definition_may_be_somebody_elses(helm: Helm) -> None:
    with_it, without = helm.objects(), helm.objects("--set=crd=false")
    assert [each for each in with_it if each not in without] == [
        one(with_it, "CustomResourceDefinition", "remediations.ack-remediator.dev")
    ]


def test_a_role_of_aws_is_an_annotation_of_the_account(helm: Helm) -> None:
    arn = "arn:aws:iam::111122223333:role/ack-remediator"
    objects = helm.objects(rf"--set=serviceAccount.annotations.eks\.amazonaws\.com/role-arn={arn}")
    account = one(objects, "ServiceAccount")
    assert account["metadata"]["annotations"] == {"eks.amazonaws.com/role-arn": arn}
    assert account["automountServiceAccountToken"] is False


def test_network_policies_take_rules_more_or_go(helm: Helm, tmp_path: Path) -> None:
    rule = {"ports": [{"protocol": "TCP", "port": 9091}]}
    values = tmp_path / "values.yaml"
    values.write_text(json.dumps({"networkPolicy": {"egress": [rule]}}), encoding="utf-8")
    before = one(helm.objects(), "NetworkPolicy")["spec"]["egress"]
    assert one(helm.objects(f"--values={values}"), "NetworkPolicy")["spec"]["egress"] == [*before, rule]
    gone = helm.objects("--set=workload=daemon,networkPolicy.enabled=false")
    assert "NetworkPolicy" not in {each["kind"] for each in gone}


def test_monitoring_is_where_it_is_said_to_be(helm: Helm) -> None:
    words = "workload=daemon,monitoring.namespace=metrics,monitoring.podMonitor=true,monitoring.rules=true"
    more = "monitoring.dashboard=true,monitoring.kubeStateMetrics=true,monitoring.labels.release=prom"
    objects = helm.objects(f"--set={words},{more},monitoring.runbooks=https://wiki.example/ack/", namespace="ops")
    for kind in ("PodMonitor", "PrometheusRule"):
        [found] = [each for each in objects if each["kind"] == kind]
        assert found["metadata"]["namespace"] == "metrics"
        assert found["metadata"]["labels"]["release"] == "prom"
    assert one(objects, "PodMonitor")["spec"]["namespaceSelector"] == {"matchNames": ["ops"]}
    text = json.dumps(one(objects, "PrometheusRule"))
    assert "https://wiki.example/ack/docs/alerts.md" in text
    assert "ack-remediator.invalid" not in text
    reach = one(objects, "NetworkPolicy", "ack-remediator-metrics")["spec"]["ingress"][0]["from"]
    assert reach == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "metrics"}}}]


def numbers(each: Any, where: str = "") -> set[str]:
    """Collect where numbers stand."""
    if isinstance(each, dict):
        return {place for key, value in each.items() for place in numbers(value, f"{where}.{key}")}
    if isinstance(each, list):
        return {place for value in each for place in numbers(value, f"{where}[]")}
    return {where} if isinstance(each, int | float) and not isinstance(each, bool) else set()


@WORKLOADS
def test_a_name_that_looks_like_a_number_is_a_name(helm: Helm, workload: str) -> None:
    words = f"workload={workload},access=act,monitoring.kubeStateMetrics=true,monitoring.rules=true"
    as_text = [
        f"--set-string={each}" for each in ("priorityClassName=8", "monitoring.namespace=9", "image.pullSecrets={7}")
    ]
    usual = [numbers(each) for each in helm.objects(f"--set={words}")]
    assert [numbers(each) for each in helm.objects(f"--set={words}", *as_text, namespace="123")] == usual
