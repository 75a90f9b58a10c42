"""Every overlay applies, exactly as it is written down to be applied, and its pods are taken."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from remediator import __version__
from tests.bed.api import Refused
from tests.cluster.install.installation import HOME, MANIFESTS, OVERLAYS, Installation, Json, refused

TEAM = "team"

RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}


def versions(installation: Installation, applied: list[str], namespace: str = HOME) -> dict[str, tuple[str, int]]:
    """Read how often each of what was applied was written to."""
    words = ("get", "-n", namespace, "-o", "json", *applied)

    items = json.loads(installation.kubectl(*words))["items"]
    return {
        f"{each['kind']}/{each['metadata']['name']}": (
            each["metadata"]["resourceVersion"],
            each["metadata"].get("generation", 0),
        )
        for each in items
    }


@pytest.mark.parametrize("overlay", ["base", *OVERLAYS])
def test_an_overlay_is_applied_and_a_second_time_changes_nothing(installation: Installation, overlay: str) -> None:
    first = installation.apply(overlay)
    before = versions(installation, first)
    assert installation.apply(overlay) == first
    assert len(before) == len(first) == len(installation.render(overlay))
    assert versions(installation, first) == before


def test_what_monitoring_reads_is_applied_where_that_runs(installation: Installation) -> None:
    installation.kubectl("apply", "-f", "-", given="{apiVersion: v1, kind: Namespace, metadata: {name: monitoring}}")
    applied = installation.apply("monitoring")
    before = versions(installation, applied, "monitoring")
    assert installation.apply("monitoring") == applied
    assert versions(installation, applied, "monitoring") == before


@pytest.mark.parametrize("overlay", ["base", "monitoring", "namespaced", *OVERLAYS])
def test_everything_says_what_it_belongs_to(installation: Installation, overlay: str) -> None:
    wanted = {
        "app.kubernetes.io/name": "ack-remediator",
        "app.kubernetes.io/part-of": "ack-remediator",
        "app.kubernetes.io/version": __version__,
    }
    for each in installation.render(overlay):
        assert wanted.items() <= each["metadata"]["labels"].items(), each["kind"]


def test_what_is_for_one_namespace_is_applied_there_and_nowhere_else(installation: Installation) -> None:
    team(installation)
    first = installation.apply("namespaced")
    assert installation.apply("namespaced") == first
    for each in installation.render("namespaced"):
        assert each["metadata"]["namespace"] == TEAM, each["kind"]


def team(installation: Installation) -> None:
    """Let there be a namespace of a team's."""
    installation.kubectl("apply", "-f", "-", given=f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {TEAM}}}}}")


def pod(template: Json) -> Json:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "tried", **template["metadata"]}} | {
        "spec": template["spec"]
    }


@pytest.mark.parametrize(
    ("overlay", "kind"), [("cronjob", "CronJob"), ("daemon", "Deployment"), ("read-only", "CronJob")]
)
def test_its_pods_are_taken_where_only_restricted_ones_are(installation: Installation, overlay: str, kind: str) -> None:
    installation.apply(overlay)
    labels = installation.admin.get(f"/api/v1/namespaces/{HOME}")["metadata"]["labels"]
    assert RESTRICTED.items() <= labels.items()
    body = pod(installation.workload(kind).template)
    path = f"/api/v1/namespaces/{HOME}/pods?dryRun=All"
    taken = installation.admin.post(path, body)
    assert taken["spec"]["serviceAccountName"] == "ack-remediator"
    mounts = [each["mountPath"] for each in taken["spec"]["containers"][0]["volumeMounts"]]
    assert "/var/run/secrets/kubernetes.io/serviceaccount" in mounts, (
        "it asks for its token, which is not given unasked"
    )
    root = copy.deepcopy(body)
    root["spec"]["securityContext"] |= {"runAsUser": 0, "runAsNonRoot": False}
    assert 'violates PodSecurity "restricted' in refused(installation.admin, path, root)
    writing = copy.deepcopy(body)
    del writing["spec"]["containers"][0]["securityContext"]
    assert "allowPrivilegeEscalation != false" in refused(installation.admin, path, writing)


@pytest.mark.parametrize("old", ["acting/daemon", "acting/cronjob", "daemon"])
def test_read_only_over_another_install_takes_its_rights_away(installation: Installation, old: str) -> None:
    installation.apply(old)
    installation.apply("read-only")
    verbs = {verb for rule in installation.rules() for verb in rule["verbs"]}
    assert verbs == {"get", "list"}


@pytest.mark.parametrize("kind", ["cronjob", "daemon"])
def test_to_act_no_more_is_to_apply_what_does_not_act(installation: Installation, kind: str) -> None:
    installation.apply(f"acting/{kind}")
    rule = {"apiGroups": ["lambda.services.k8s.aws"], "resources": ["functions"], "verbs": ["patch"], "within": ""}
    assert rule in installation.rules()
    installation.apply(kind)
    assert rule not in installation.rules()


def test_who_applied_without_the_server_before_can_go_on_with_it(installation: Installation) -> None:
    """Plain `kubectl apply -k` takes rights away, too, and `--server-side` takes over what that left."""
    for overlay in ("acting/cronjob", "cronjob"):
        installation.kubectl("apply", "-k", f"{MANIFESTS / overlay}")
    verbs = {verb for rule in installation.rules() if not rule["within"] for verb in rule["verbs"]}
    assert verbs == {"get", "list", "create", "patch"}, "those of reading, and of Events"
    patched = [rule["resources"] for rule in installation.rules() if "patch" in rule["verbs"] and not rule["within"]]
    assert patched == [["events"]]
    applied = installation.apply("read-only")
    before = versions(installation, applied)
    assert installation.apply("read-only") == applied
    assert versions(installation, applied) == before


def test_an_image_of_ones_own_is_named_in_one_place(installation: Installation, tmp_path: Path) -> None:
    """By a kustomization beside ours, as the README has it."""
    (tmp_path / "manifests").symlink_to(MANIFESTS)
    digest = f"sha256:{'0' * 64}"
    (tmp_path / "kustomization.yaml").write_text(
        f"resources: [manifests/daemon]\nimages: [{{name: ack-remediator, newName: r.example/a, digest: '{digest}'}}]\n"
    )
    told = installation.kubectl("kustomize", f"{tmp_path}")
    assert f"image: r.example/a@{digest}\n" in told
    assert told.count("image: ") == 1


def test_a_typing_error_would_not_pass(installation: Installation, tmp_path: Path) -> None:
    """What `--validate=strict` is worth: the server knows each field."""
    (tmp_path / "kustomization.yaml").write_text("resources: [it.yaml]\n")
    (tmp_path / "it.yaml").write_text(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: it, namespace: default}\nautomountToken: true\n"
    )
    with pytest.raises(AssertionError, match="automountToken"):
        installation.apply(tmp_path)
    with pytest.raises(Refused):
        installation.admin.get("/api/v1/namespaces/default/serviceaccounts/it")
