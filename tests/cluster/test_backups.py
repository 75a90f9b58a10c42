"""Backups and restores on the real thing: who may read what was saved, and what ACK makes of what comes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from remediator.cli.restoration import Restoration
from remediator.cli.wiring import wire
from remediator.clock import SystemClock
from remediator.errors import Forbidden, Unreachable, UsageError
from remediator.kubernetes.backups import SecretBackups, StoredBackups
from remediator.kubernetes.connection import Connection
from remediator.kubernetes.resources import KubernetesCluster
from remediator.kubernetes.transport import Transport
from remediator.model.resource import Ref
from remediator.sandbox.cloud import Cloud
from tests.bed.api import Api, Refused
from tests.bed.functions import FINALIZER, Function, condition, is_ready, synced
from tests.bed.plane import RBAC, Plane
from tests.bed.plugin import Create
from tests.cluster.records import shipped

pytestmark = pytest.mark.usefixtures("controller")

SECRET = "correct-horse-battery"

Restore = Callable[..., int]


@pytest.fixture(autouse=True)
def _identity(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREMEDIATOR000000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", cloud.region)


@pytest.fixture(scope="module")
def home(control_plane: Plane) -> str:
    return control_plane.namespace()


@pytest.fixture(scope="module")
def token(control_plane: Plane, home: str) -> str:
    """The remediator's ServiceAccount, with the roles of the manifests that concern it."""
    role = {"metadata": {"name": f"{home}-read"}}
    subject = {"kind": "ServiceAccount", "namespace": home, "name": "ack-remediator"}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role["metadata"]["name"]}
    rules = shipped("clusterrole-read.yaml")[0]["rules"] + shipped("clusterrole-act.yaml")[0]["rules"]
    control_plane.admin.post(f"{RBAC}/clusterroles", role | {"rules": rules})
    control_plane.admin.post(f"{RBAC}/clusterrolebindings", role | {"subjects": [subject], "roleRef": reference})
    rules = [
        rule
        for name in ("role-records.yaml", "role-locks.yaml", "role-backups.yaml")
        for rule in shipped(name)[0]["rules"]
    ]
    return control_plane.token(home, "ack-remediator", rules, within=home)


@pytest.fixture(scope="module")
def runner(control_plane: Plane, token: str, home: str) -> Transport:
    return Transport(Connection(control_plane.kubeconfig("ack-remediator", token, home), None))


@pytest.fixture(scope="module")
def person(control_plane: Plane) -> Path:
    """Somebody who restores: reads backups, creates Functions."""
    control_plane.namespace("restoring")
    rules = [
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]},
        {"apiGroups": ["lambda.services.k8s.aws"], "resources": ["functions"], "verbs": ["get", "create"]},
    ]
    return control_plane.service_account("restoring", "somebody", rules)


@pytest.fixture
def save(runner: Transport, home: str) -> Callable[[Function], str]:
    """Back a Function up as an action does: read whole, and save, as the remediator's ServiceAccount."""

    def saved(function: Function) -> str:
        ref = Ref(function.namespace, function.name, function.read()["metadata"]["uid"])
        return SecretBackups(runner, home, SystemClock()).save(ref, KubernetesCluster(runner).raw(ref))

    return saved


@pytest.fixture
def restore(person: Path, cloud: Cloud, home: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Restore:
    """Restore as that person; no value of an environment may be printed."""
    policy = tmp_path / "policy.yaml"
    settings = {"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy", "aws": {"endpointURL": cloud.endpoint}}
    policy.write_text(json.dumps(settings), encoding="utf-8")

    def run(reference: str, *, adopt: bool = False, told: str = "") -> int:
        wired = wire(kubeconfig=person, home=home, policy=policy)
        code = Restoration(wired, adopt=adopt, confirm=wired.connection.context).run(reference, None)
        out, err = capsys.readouterr()
        assert SECRET not in out + err
        assert told in " ".join(err.split())
        return code

    return run


def test_the_remediator_saves_what_it_can_never_read(
    settled: Create, save: Callable[[Function], str], runner: Transport, control_plane: Plane, token: str, home: str
) -> None:
    function = settled(environment={"variables": {"DB_PASSWORD": SECRET}})
    before = function.read()
    _, namespace, name = save(function).split("/")
    path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
    myself = Api(control_plane.url, control_plane.certificate, token)
    with myself:
        for attempt in (
            lambda: myself.get(path),
            lambda: myself.get(path.rpartition("/")[0]),
            lambda: myself.delete(path),
            lambda: myself.merge(path, {"metadata": {"labels": {"a": "b"}}}),
            lambda: myself.post(f"/api/v1/namespaces/{function.namespace}/secrets", {"metadata": {"name": "x"}}),
        ):
            with pytest.raises(Refused) as refused:
                attempt()
            assert refused.value.status == 403
    with pytest.raises(Forbidden, match="cannot read Secret"):
        StoredBackups(runner).read(namespace, name)
    assert namespace == home
    admin = Transport(Connection(control_plane.kubeconfig(), None))
    saved = json.loads(StoredBackups(admin).read(namespace, name))
    assert saved["spec"] == before["spec"]
    assert saved["metadata"]["uid"] == before["metadata"]["uid"]
    with pytest.raises(Refused, match="immutable"):
        control_plane.admin.merge(path, {"data": {"object.json.gz": ""}})


def test_an_answer_that_was_lost_is_found_by_its_name(
    settled: Create, runner: Transport, control_plane: Plane, home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real API server says of the second create what we take for proof of the first."""
    function = settled()
    ref = Ref(function.namespace, function.name, function.read()["metadata"]["uid"])
    create, answers = Transport.create, list[bytes]()

    def cut(self: Transport, path: str, body: dict[str, object], *, dry_run: bool = False) -> bytes:
        answers.append(create(self, path, body, dry_run=dry_run))
        raise Unreachable("connection reset")

    monkeypatch.setattr(Transport, "create", cut)
    reference = SecretBackups(runner, home, SystemClock()).save(ref, KubernetesCluster(runner).raw(ref))
    assert len(answers) == 1
    assert json.loads(answers[0])["metadata"]["name"] == reference.split("/")[2]


def test_a_function_that_is_gone_is_created_anew(
    settled: Create, save: Callable[[Function], str], restore: Restore, cloud: Cloud
) -> None:
    function = settled(memorySize=512, environment={"variables": {"DB_PASSWORD": SECRET}})
    before, reference = function.read(), save(function)
    cloud.remove(function.name)
    function.delete()
    function.disappears(40)
    assert function.live() is None
    assert restore(reference, told="ACK will create the function anew from this spec") == 0
    after = function.becomes(is_ready, "is synced and ready", within=40)
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert after["spec"] == before["spec"]
    assert after["metadata"]["finalizers"] == [FINALIZER]
    live = function.live()
    assert live is not None
    assert (live["MemorySize"], live["Environment"]["Variables"]) == (512, {"DB_PASSWORD": SECRET})


def kept(function: Function) -> None:
    """Let the object go, and its function stay."""
    function.annotate({"services.k8s.aws/deletion-policy": "retain"})
    function.delete()
    function.disappears(40)
    assert function.live() is not None


def test_a_function_that_exists_is_not_taken_over_by_itself(
    settled: Create, save: Callable[[Function], str], restore: Restore
) -> None:
    function = settled()
    reference = save(function)
    kept(function)
    assert restore(reference, told='ACK will say "Resource already exists" (Terminal)') == 0
    seen = function.becomes(lambda seen: condition(seen, "ACK.Terminal").get("status") == "True", "is Terminal")
    assert "Resource already exists" in condition(seen, "ACK.Terminal")["message"]


def test_a_function_that_exists_is_adopted_and_made_to_match_the_spec(
    settled: Create, save: Callable[[Function], str], restore: Restore, cloud: Cloud
) -> None:
    function = settled(memorySize=512, environment={"variables": {"DB_PASSWORD": SECRET}})
    before, reference = function.read(), save(function)
    kept(function)
    aws = boto3.client("lambda", endpoint_url=cloud.endpoint, region_name=cloud.region)
    aws.update_function_configuration(FunctionName=function.name, MemorySize=256)
    assert restore(reference, adopt=True, told="ACK will take it over, and make it match this spec") == 0
    after = function.becomes(
        lambda seen: is_ready(seen) and FINALIZER in seen["metadata"].get("finalizers", ()), "is adopted", within=60
    )
    assert synced(after) == "True"
    assert condition(after, "ACK.Terminal").get("status") != "True"
    assert after["metadata"]["annotations"]["services.k8s.aws/adopted"] == "true"
    assert after["spec"] == before["spec"]
    function.becomes_live(lambda live: live is not None and live["MemorySize"] == 512, "matches the spec", 40)
    # And its new object goes the way of any other: nothing of the old one holds it.
    function.delete()
    function.disappears(40)
    assert function.live() is None


def test_what_is_there_is_not_overwritten(settled: Create, save: Callable[[Function], str], restore: Restore) -> None:
    function = settled()
    reference = save(function)
    before = function.read()
    with pytest.raises(UsageError, match="already; nothing is restored"):
        restore(reference)
    assert function.read() == before


def test_the_newest_backup_of_a_function_is_found(
    settled: Create, save: Callable[[Function], str], person: Path, home: str
) -> None:
    function = settled()
    references = [save(function) for _ in range(2)]
    stored = StoredBackups(Transport(Connection(person, None))).of(home, function.namespace, function.name)
    assert [each.reference for each in stored] == references[::-1]
