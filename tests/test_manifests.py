"""What is shipped for the cluster: all of it is applied, and nobody gets more rights than their part needs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonpatch
import pytest
import yaml

from remediator import __version__
from remediator.model.limits import Mode
from remediator.model.shard import Shard
from remediator.policy.load import load_policy
from tests import yaml_files
from tests.crontab import minutes_between

MANIFESTS = Path(__file__).parents[1] / "manifests"
BASE = MANIFESTS / "base"
# What somebody applies, beside what they have of monitoring.
OVERLAYS = (
    "acting/cronjob",
    "acting/daemon",
    "cronjob",
    "daemon",
    "namespaced",
    "read-only",
    "sharded/cronjob",
    "sharded/daemon",
)
# The rest: what those are made of.
PARTS = ("acting/component", "base", "release", "restart-controller")
RECORDS = "ack-remediator.dev"

Json = dict[str, Any]


def objects(name: str) -> list[Json]:
    return yaml_files.read_all(BASE / name)


def granted(name: str, resource: str) -> set[str]:
    """Collect the verbs that a role gives on a resource of ours."""
    rules = [rule for each in objects(name) for rule in each.get("rules", ())]
    return {
        verb
        for rule in rules
        if {RECORDS, "*"} & set(rule["apiGroups"]) and {resource, "*"} & set(rule["resources"])
        for verb in rule["verbs"]
    }


def kustomization(folder: str) -> Json:
    [read] = yaml_files.read_all(MANIFESTS / folder / "kustomization.yaml")
    found: Json = read
    return found


def test_every_folder_is_one_that_is_told_of() -> None:
    found = {f"{each.parent.relative_to(MANIFESTS)}" for each in MANIFESTS.rglob("kustomization.yaml")}
    assert found == {*OVERLAYS, *PARTS, "monitoring"}


@pytest.mark.parametrize("folder", [*OVERLAYS, *PARTS])
def test_every_manifest_is_applied(folder: str) -> None:
    made = kustomization(folder)
    generated = {file for each in made.get("configMapGenerator", ()) for file in each["files"]}
    named = {*made.get("resources", ()), *generated}
    there = {each.name for each in (MANIFESTS / folder).glob("*.yaml")} - {"kustomization.yaml"}
    assert {each for each in named if each.endswith(".yaml")} == there
    elsewhere = {each for each in named if not each.endswith(".yaml")} | {*made.get("components", ())}
    for each in elsewhere:
        assert (MANIFESTS / folder / each / "kustomization.yaml").is_file(), each


def taken_in(folder: str) -> set[Path]:
    """Collect the folders that a kustomization is made of, however far down."""
    made, here = kustomization(folder), MANIFESTS / folder
    names = [*made.get("resources", ()), *made.get("components", ())]
    beneath = {(here / each).resolve() for each in names if not each.endswith(".yaml")}
    return beneath.union(*(taken_in(f"{each.relative_to(MANIFESTS.resolve())}") for each in beneath))


@pytest.mark.parametrize("folder", OVERLAYS)
def test_every_overlay_stands_on_the_base_and_is_of_one_release(folder: str) -> None:
    assert {BASE.resolve(), (MANIFESTS / "release").resolve()} <= taken_in(folder)


def test_the_release_is_the_one_that_the_code_is_of() -> None:
    """With its image and its labels in one place, and nowhere else."""
    made = kustomization("release")
    assert made["images"] == [{"name": "ack-remediator", "newTag": __version__}]
    [labels] = made["labels"]
    assert labels["pairs"]["app.kubernetes.io/version"] == __version__
    for path in MANIFESTS.rglob("*.yaml"):
        others = [each for each in path.read_text(encoding="utf-8").splitlines() if __version__ in each]
        assert path.parent.name == "release" or not others, path


def test_the_remediator_cannot_write_where_people_approve() -> None:
    assert granted("role-records.yaml", "remediations") == {"get", "list", "create", "delete"}
    assert granted("role-records.yaml", "remediations/status") == {"patch"}


def test_who_approves_cannot_write_what_is_proposed() -> None:
    assert granted("clusterrole-approver.yaml", "remediations") == {"get", "list", "watch", "patch", "approve"}
    assert granted("clusterrole-approver.yaml", "remediations/status") == set()


def test_the_remediator_creates_secrets_and_reads_none() -> None:
    """In its own namespace alone, so that whoever takes it over gains no Secret by it."""
    role, binding = objects("role-backups.yaml")
    assert (role["kind"], role["metadata"]["namespace"]) == ("Role", "ack-remediator")
    assert role["rules"] == [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]}]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert [each["name"] for each in binding["subjects"]] == ["ack-remediator"]
    others = {each.name for each in BASE.glob("*role*.yaml")} - {"role-backups.yaml"}
    for each in others:
        assert all("secrets" not in rule["resources"] for made in objects(each) for rule in made.get("rules", ()))


@pytest.mark.parametrize("role", ["clusterrole-viewer.yaml", "clusterrole-read.yaml"])
def test_who_looks_writes_nothing(role: str) -> None:
    assert granted(role, "remediations") <= {"get", "list", "watch"}
    assert granted(role, "remediations/status") == set()


ROLES = sorted(f"../{each.relative_to(MANIFESTS)}" for each in MANIFESTS.rglob("*role*.yaml"))


@pytest.mark.parametrize("name", ROLES)
def test_no_role_grants_everything(name: str) -> None:
    for each in objects(name):
        for rule in each.get("rules", ()):
            assert "*" not in {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}


def test_no_role_can_make_itself_greater() -> None:
    """Nor act as another: none of what lets a right grow, read a Secret, or run something."""
    for name in ROLES:
        for rule in (rule for each in objects(name) for rule in each.get("rules", ())):
            assert not {"escalate", "bind", "impersonate"} & set(rule["verbs"]), name
            assert not {"pods/exec", "serviceaccounts/token", "nodes", "nodes/proxy"} & set(rule["resources"]), name
            assert "rbac.authorization.k8s.io" not in rule["apiGroups"], name


def test_only_who_views_gets_a_role_by_what_they_are_elsewhere() -> None:
    """To approve is nobody's for being an admin of a namespace: it would come without anybody having said so."""
    aggregated = {
        each["metadata"]["name"]: label
        for path in BASE.glob("*.yaml")
        for each in objects(path.name)
        for label in each.get("metadata", {}).get("labels", ())
        if label.startswith("rbac.authorization.k8s.io/aggregate-to-")
    }
    assert aggregated == {"ack-remediator-viewer": "rbac.authorization.k8s.io/aggregate-to-view"}


# ---- the daemon ------------------------------------------------------------------------------------------------------


def pod(name: str, *where: str) -> Json:
    """Read what is run, by the file that has it and the way to its pod's spec."""
    [found] = objects(name)
    for key in where:
        found = found[key]
    return found


def test_the_daemon_is_run_as_the_cronjob_is_but_for_what_makes_it_one() -> None:
    daemon = pod("../daemon/deployment.yaml", "spec", "template", "spec")
    job = pod("../cronjob/cronjob.yaml", "spec", "jobTemplate", "spec", "template", "spec")
    own = ("terminationGracePeriodSeconds", "restartPolicy", "containers", "topologySpreadConstraints")
    assert {key: each for key, each in daemon.items() if key not in own} == {
        key: each for key, each in job.items() if key not in own
    }
    [mine], [other] = daemon["containers"], job["containers"]
    apart = ("args", "env", "ports", "livenessProbe", "readinessProbe")
    assert {key: each for key, each in mine.items() if key not in apart} == {
        key: each for key, each in other.items() if key not in apart
    }


def test_the_daemon_understands_its_flags_and_has_the_time_that_it_is_told_to_take() -> None:
    from remediator.cli.daemon import command

    spec = pod("../daemon/deployment.yaml", "spec", "template", "spec")
    [container] = spec["containers"]
    name, *words = container["args"]
    flags = command.make_context("daemon", list(words)).params
    assert (name, flags["all_namespaces"], flags["metrics_address"]) == ("daemon", True, "0.0.0.0")
    assert spec["terminationGracePeriodSeconds"] >= flags["grace_period"] + 10
    assert [each["containerPort"] for each in container["ports"]] == [flags["metrics_port"]]
    probes = {each: container[each]["httpGet"] for each in ("livenessProbe", "readinessProbe")}
    assert probes == {
        "livenessProbe": {"path": "/healthz", "port": "metrics"},
        "readinessProbe": {"path": "/readyz", "port": "metrics"},
    }


def test_the_daemon_takes_the_place_of_the_cronjob() -> None:
    assert kustomization("daemon")["resources"][:2] == ["../base", "deployment.yaml"]
    assert kustomization("cronjob")["resources"] == ["../base", "cronjob.yaml"]
    kinds = [each["kind"] for path in BASE.glob("*.yaml") for each in objects(path.name)]
    assert not {"CronJob", "Deployment", "Job", "Pod", "StatefulSet", "DaemonSet"} & set(kinds), "the base runs nothing"


def test_whatever_selects_the_daemons_pods_selects_them() -> None:
    [deployment] = objects("../daemon/deployment.yaml")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    spread = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
    [budget] = objects("../daemon/poddisruptionbudget.yaml")
    [metrics] = objects("../daemon/networkpolicy.yaml")
    [pods] = objects("../monitoring/podmonitor.yaml")
    selectors = [deployment["spec"]["selector"], budget["spec"]["selector"], metrics["spec"]["podSelector"]]
    for selector in [*selectors, pods["spec"]["selector"], *(each["labelSelector"] for each in spread)]:
        assert selector == {"matchLabels": labels}
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert metrics["spec"]["ingress"][0]["ports"] == [{"protocol": "TCP", "port": container["ports"][0]["name"]}]


@pytest.mark.parametrize("name", ["../daemon/deployment.yaml", "../cronjob/cronjob.yaml"])
def test_the_network_policy_is_about_all_that_runs(name: str) -> None:
    [policy] = objects("networkpolicy.yaml")
    [workload] = objects(name)
    template = workload["spec"].get("jobTemplate", workload)["spec"]["template"]
    selected = policy["spec"]["podSelector"]["matchLabels"]
    assert selected.items() <= template["metadata"]["labels"].items()
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in policy["spec"], "from nowhere"


# ---- shards ----------------------------------------------------------------------------------------------------------


def flags(workload: str, words: list[str]) -> Json:
    """Read what a workload is told, for its last pod, as the kubelet puts in what it refers to."""
    from remediator.cli.daemon import command as daemon
    from remediator.cli.run import command as run

    last = [word.replace("$(SHARD)", "3").replace("$(JOB_COMPLETION_INDEX)", "3") for word in words]
    return {"daemon": daemon, "run": run}[workload].make_context(workload, last[1:]).params


def sharded_job() -> Json:
    """Apply the patch of manifests/sharded/cronjob to the CronJob."""
    [job] = objects("../cronjob/cronjob.yaml")
    [patch] = kustomization("sharded/cronjob")["patches"]
    changed: Json = jsonpatch.apply_patch(job, yaml.safe_load(patch["patch"]))
    return changed


def test_each_pod_of_an_indexed_job_is_a_shard_of_as_many_as_there_are() -> None:
    spec = sharded_job()["spec"]["jobTemplate"]["spec"]
    [container] = spec["template"]["spec"]["containers"]
    told = flags("run", container["args"])
    assert told["shard"] == Shard(3, spec["completions"])
    assert (spec["completionMode"], spec["parallelism"]) == ("Indexed", spec["completions"]), "all at once"
    assert "backoffLimit" not in spec and spec["backoffLimitPerIndex"] == 0, "one that fails takes no other along"


def test_each_pod_of_the_statefulset_is_a_shard_of_as_many_as_there_are() -> None:
    [made] = objects("../sharded/daemon/statefulset.yaml")
    [container] = made["spec"]["template"]["spec"]["containers"]
    assert flags("daemon", container["args"])["shard"] == Shard(3, made["spec"]["replicas"])
    [index] = [each for each in container["env"] if each["name"] == "SHARD"]
    assert index["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.labels['apps.kubernetes.io/pod-index']"}}
    assert made["spec"]["podManagementPolicy"] == "Parallel", "one that is not ready must not keep others away"


def test_a_shard_is_run_as_the_daemon_is_but_for_what_makes_it_one() -> None:
    [shard], [daemon] = objects("../sharded/daemon/statefulset.yaml"), objects("../daemon/deployment.yaml")
    [gone] = kustomization("sharded/daemon")["patches"]
    assert (gone["target"]["kind"], yaml.safe_load(gone["patch"])["$patch"]) == ("Deployment", "delete")
    assert shard["metadata"] == daemon["metadata"]
    assert shard["spec"]["selector"] == daemon["spec"]["selector"], "budget, network policy and monitoring find it"
    mine, other = shard["spec"]["template"], daemon["spec"]["template"]
    for spread in other["spec"]["topologySpreadConstraints"]:
        assert spread.pop("matchLabelKeys") == ["pod-template-hash"]
    for template in (mine, other):
        [container] = template["spec"]["containers"]
        container["args"] = [each for each in container["args"] if each not in ("--shard", "$(SHARD)/4")]
        container["env"] = [each for each in container["env"] if each["name"] != "SHARD"]
    assert mine == other


# ---- what is run -----------------------------------------------------------------------------------------------------

WRITES = {"create", "update", "patch", "delete", "deletecollection"}


@pytest.mark.parametrize("name", ["../daemon/deployment.yaml", "../cronjob/cronjob.yaml"])
def test_an_image_is_one_that_stays_the_same(name: str) -> None:
    [image] = kustomization("release")["images"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", image["newTag"])
    [workload] = objects(name)
    [container] = workload["spec"].get("jobTemplate", workload)["spec"]["template"]["spec"]["containers"]
    assert container["image"] == image["name"]
    assert container.get("imagePullPolicy", "IfNotPresent") != "Always"


def test_no_two_jobs_run_side_by_side_and_none_for_ever() -> None:
    [job] = objects("../cronjob/cronjob.yaml")
    spec, each = job["spec"], job["spec"]["jobTemplate"]["spec"]
    assert (spec["concurrencyPolicy"], spec["timeZone"], each["backoffLimit"]) == ("Forbid", "Etc/UTC", 0)
    assert 0 < each["activeDeadlineSeconds"] <= 600
    assert 0 < spec["startingDeadlineSeconds"] < 60 * min(minutes_between(spec["schedule"]))
    assert each["template"]["spec"]["restartPolicy"] == "Never"


def bindings() -> dict[str, list[Json]]:
    """Collect who has which ClusterRole in the whole cluster, of the base."""
    return {
        each["roleRef"]["name"]: each["subjects"]
        for path in BASE.glob("*.yaml")
        for each in objects(path.name)
        if each["kind"] == "ClusterRoleBinding"
    }


def test_to_read_and_to_act_are_two_roles_and_the_base_binds_the_one_that_reads() -> None:
    [read], [act] = objects("clusterrole-read.yaml"), objects("clusterrole-act.yaml")
    assert not {verb for rule in read["rules"] for verb in rule["verbs"]} & WRITES
    assert {verb for rule in act["rules"] for verb in rule["verbs"]} == {"patch"}
    bound = {name for name, subjects in bindings().items() if subjects}
    assert bound == {read["metadata"]["name"], "ack-remediator-events"}


ME = {"kind": "ServiceAccount", "name": "ack-remediator", "namespace": "ack-remediator"}


def test_acting_is_turned_on_by_a_right_and_a_mode_in_one_step() -> None:
    made = kustomization("acting/component")
    [patch] = made["patches"]
    [step] = yaml.safe_load(patch["patch"])
    assert bindings()[patch["target"]["name"]] == []
    assert (patch["target"]["kind"], step) == ("ClusterRoleBinding", {"op": "add", "path": "/subjects/-", "value": ME})
    [generated] = made["configMapGenerator"]
    [base] = kustomization("base")["configMapGenerator"]
    assert generated == base | {"behavior": "replace"}
    policy = load_policy(MANIFESTS / "acting" / "component" / "policy.yaml")
    assert policy == load_policy(BASE / "policy.yaml").model_copy(update={"mode": Mode.APPROVE})


def test_read_only_changes_nothing_of_the_policy_but_that_it_tells_no_events() -> None:
    policy = load_policy(MANIFESTS / "read-only" / "policy.yaml")
    assert policy == load_policy(BASE / "policy.yaml").model_copy(update={"events": False})


def test_read_only_leaves_nobody_with_a_right_to_write() -> None:
    """Bindings that name nobody, and not none: applied over another install it takes away what that gave."""
    [patch] = kustomization("read-only")["patches"]
    [step] = yaml.safe_load(patch["patch"])
    assert step == {"op": "replace", "path": "/subjects", "value": []}
    emptied = re.compile(patch["target"]["name"])
    written = {
        each["metadata"]["name"]
        for path in BASE.glob("*role*.yaml")
        for each in objects(path.name)
        if {verb for rule in each.get("rules", ()) for verb in rule["verbs"]} & WRITES
    }
    bound = {
        each["roleRef"]["name"] for path in BASE.glob("*.yaml") for each in objects(path.name) if "roleRef" in each
    }
    assert {each for each in bound if emptied.fullmatch(each)} == written & bound


def rights(rules: list[Json]) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_what_is_for_one_namespace_is_part_of_what_is_for_all() -> None:
    role, binding = objects("../namespaced/role-read.yaml")
    whole = [rule for name in ("read", "events") for rule in objects(f"clusterrole-{name}.yaml")[0]["rules"]]
    missing = rights(whole) - rights(role["rules"])
    assert rights(role["rules"]) <= rights(whole)
    assert (role["kind"], binding["subjects"]) == ("Role", [ME])
    # All else lies elsewhere: in the controller's namespace, or in none.
    assert {f"{resource}.{group}" for group, resource, _ in missing} == {
        "configmaps.",
        "customresourcedefinitions.apiextensions.k8s.io",
        "deployments.apps",
        "iamroleselectors.services.k8s.aws",
        "leases.coordination.k8s.io",
        "namespaces.",
        "pods.",
        "validatingadmissionpolicies.admissionregistration.k8s.io",
        "validatingadmissionpolicybindings.admissionregistration.k8s.io",
    }


def test_what_is_for_one_namespace_has_nothing_outside_of_it() -> None:
    made = kustomization("namespaced")
    removed = re.compile(made["patches"][0]["target"]["kind"])
    assert [yaml.safe_load(each["patch"])["$patch"] for each in made["patches"][:2]] == ["delete", "delete"]
    for each in (each for path in BASE.glob("*.yaml") for each in objects(path.name) if "metadata" in each):
        assert bool(removed.fullmatch(each["kind"])) == ("namespace" not in each["metadata"]), each["kind"]


def test_what_tells_of_resources_can_do_nothing_else() -> None:
    """It is bound to the remediator everywhere, since Events live beside what they are about."""
    role, binding = objects("clusterrole-events.yaml")
    assert role["rules"] == [{"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]}]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert [each["name"] for each in binding["subjects"]] == ["ack-remediator"]
