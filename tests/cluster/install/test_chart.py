"""The Helm chart on a real API server: what it makes there is what kustomize makes, and records outlive it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests import yaml_files
from tests.bed.api import Refused
from tests.chart.presets import CHART, PRESETS, RELEASE, Helm, Preset
from tests.chart.test_agreement import HASHED, OF_HELM, name
from tests.cluster.install.installation import HOME, Installation, Json

KEPT = "customresourcedefinition.apiextensions.k8s.io/remediations.ack-remediator.dev"
# What the API server writes.
OF_THE_SERVER = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields")
# How Helm knows its own.
MARKS = ("meta.helm.sh/release-name", "meta.helm.sh/release-namespace", "helm.sh/resource-policy")


class Release:
    """The chart's one release, wherever it is."""

    def __init__(self, helm: Helm, installation: Installation) -> None:
        self._helm, self.installation = helm, installation
        self._kubeconfig = f"--kubeconfig={installation.plane.kubeconfig()}"
        self._all = _everything(helm)

    def __call__(self, verb: str, *words: str, namespace: str = HOME) -> str:
        chart = [f"{CHART}"] if verb in ("install", "upgrade") else []
        return self._helm(verb, RELEASE, *chart, self._kubeconfig, f"--namespace={namespace}", *words)

    def live(self, objects: list[Json], namespace: str) -> dict[tuple[str, str], Json]:
        """Read objects as they are now, without what tells who made them, and when."""
        names = [f"{_kind(each)}/{each['metadata']['name']}" for each in objects]
        items = json.loads(self.installation.kubectl("get", "-n", namespace, "-o", "json", *names))["items"]
        return {name(each): plain(each) for each in items}

    def clear(self) -> None:
        """Leave nothing but the namespaces: nobody here would see them off."""
        for namespace in {preset.namespace for preset in PRESETS}:
            self._helm.tried("uninstall", RELEASE, self._kubeconfig, f"--namespace={namespace}")
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": self._all})
        self.installation.kubectl("delete", "--ignore-not-found", "-f", "-", given=text)


@cache
def _everything(helm: Helm) -> list[Json]:
    """List what any of the folders makes, but for the namespaces."""
    folders = ("acting/daemon", "cronjob", "read-only", "namespaced")
    return [each for folder in folders for each in helm.kustomize(folder) if each["kind"] != "Namespace"]


def _kind(each: Json) -> str:
    """Name a kind so that no other is meant."""
    group, _, version = each["apiVersion"].rpartition("/")
    return f"{each['kind']}.{version}.{group}" if group else str(each["kind"])


def plain(live: Json) -> Json:
    metadata = {key: each for key, each in live.pop("metadata").items() if key not in OF_THE_SERVER}
    for key, without in (("labels", OF_HELM), ("annotations", MARKS)):
        metadata[key] = {mark: each for mark, each in metadata.get(key, {}).items() if mark not in without}
    live.pop("status", None)
    if HASHED.sub(r"\1", metadata["name"]) == "ack-remediator-policy":
        live.pop("data")  # differs in comments
    text = json.dumps(live | {"metadata": metadata})
    told: Json = json.loads(HASHED.sub(r"\1", text))
    return told


@pytest.fixture(scope="session")
def helm() -> Helm:
    return Helm()


@pytest.fixture
def release(helm: Helm, installation: Installation) -> Iterator[Release]:
    for namespace in (HOME, "team"):
        given = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        installation.kubectl("apply", "--server-side", "-f", "-", given=given)
    made = Release(helm, installation)
    made.clear()
    yield made
    made.clear()


@pytest.mark.parametrize("preset", PRESETS, ids=lambda each: str(each.folder))
def test_both_ways_to_install_make_the_same_objects(release: Release, helm: Helm, preset: Preset) -> None:
    release.installation.apply(preset.folder)
    objects = [each for each in helm.kustomize(preset.folder) if each["kind"] != "Namespace"]
    wanted = release.live(objects, preset.namespace)
    release.clear()
    release("install", *preset.words, namespace=preset.namespace)
    found = release.live(helm.objects(*preset.words, namespace=preset.namespace), preset.namespace)
    assert found.keys() == wanted.keys()
    for key, each in found.items():
        assert each == wanted[key], key


def record(installation: Installation) -> str:
    """Write a record, as a run does; answer its path."""
    path = f"/apis/ack-remediator.dev/v1alpha1/namespaces/{HOME}/remediations"
    target = {"apiVersion": "lambda.services.k8s.aws/v1alpha1", "kind": "Function", "namespace": "shop", "name": "a"}
    body: dict[str, Any] = {
        "apiVersion": "ack-remediator.dev/v1alpha1",
        "kind": "Remediation",
        "metadata": {"name": "function-kept"},
        "spec": {"target": target | {"uid": "kept"}},
    }
    installation.admin.post(path, body)
    return f"{path}/function-kept"


@pytest.mark.timeout(600)
def test_records_outlive_an_upgrade_and_an_uninstall(release: Release) -> None:
    release("install")
    admin = release.installation.admin
    path = record(release.installation)
    before = admin.get(path)
    release("upgrade", "--set=workload=daemon")
    assert admin.get(path) == before
    release("upgrade", "--set=crd=false")
    assert admin.get(path) == before, "how a former version comes back without a former definition"
    release("upgrade", "--set=crd=true")  # without a word it would keep those of the last time
    said = release("uninstall")
    assert "CustomResourceDefinition" in said and "kept due to the resource policy" in said
    assert admin.get(path) == before
    with pytest.raises(Refused):
        admin.get(f"/apis/apps/v1/namespaces/{HOME}/deployments/ack-remediator")
    release("install")
    assert admin.get(path) == before, "and the next install takes them over"


def test_an_upgrade_takes_away_what_an_install_gave(release: Release) -> None:
    verbs = {"report": False, "act": True, "read-only": False}
    release("install", "--set=access=act")
    for access, patches in (("act", True), *verbs.items()):
        release("upgrade", f"--set=access={access}")
        may = [
            rule
            for rule in release.installation.rules()
            if "patch" in rule["verbs"] and "functions" in rule["resources"]
        ]
        assert bool(may) == patches, access
    assert {verb for rule in release.installation.rules() for verb in rule["verbs"]} == {"get", "list"}


def test_a_cronjob_goes_where_a_daemon_comes(release: Release) -> None:
    """By kustomize it has to be deleted by hand."""
    release("install")
    release("upgrade", "--set=workload=daemon")
    there = release.installation.kubectl("get", "cronjobs,deployments,pdb", "-n", HOME, "-o", "name").split()
    assert sorted(there) == ["deployment.apps/ack-remediator", "poddisruptionbudget.policy/ack-remediator"]


def test_who_installed_by_kustomize_goes_over_by_one_word(release: Release, tmp_path: Path) -> None:
    release.installation.apply("daemon")
    path = record(release.installation)
    release("install", "--set=workload=daemon", "--take-ownership", "--force-conflicts")
    assert release.installation.admin.get(path)
    policy = yaml_files.parsed(
        release.installation.kubectl("get", "cm", "ack-remediator-policy", "-n", HOME, "-o", "yaml")
    )
    assert policy[0]["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
