"""From a manifest that would lose half of itself to one that is through: lint, checksum and rollout, as typed."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from remediator.cli import main
from remediator.kubernetes.connection import Connection
from remediator.kubernetes.transport import Transport
from remediator.manifest.objects import manifests
from remediator.manifest.source import read_source
from remediator.sandbox.cloud import Cloud
from tests import contents, yaml_files
from tests.bed.functions import Function, heartbeat, is_ready, is_synced
from tests.bed.plane import Plane
from tests.contents import put_package

pytestmark = pytest.mark.usefixtures("controller", "identity")

Json = dict[str, Any]

ARGO_CD = Path(__file__).parents[2] / "docs" / "pipelines" / "argo-cd"

# What a pipeline's account may do in its namespace, as docs/pipelines says; nothing else.
RIGHTS = [{"apiGroups": ["lambda.services.k8s.aws"], "resources": ["functions"], "verbs": ["get", "create", "patch"]}]


class Ran(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


class Package(NamedTuple):
    """A zip on this machine and in S3, under a key of its own."""

    file: Path
    code: Json
    sha256: str

    @property
    def hex(self) -> str:
        return base64.b64decode(self.sha256).hex()


Remediator = Callable[..., Ran]
Manifest = Callable[..., Path]


@pytest.fixture
def package(cloud: Cloud, tmp_path: Path, namespace: str) -> Package:
    """The next version of a function's code."""
    code, sha256 = put_package(cloud, namespace)
    file = tmp_path / "function.zip"
    file.write_bytes(contents.package(namespace))
    return Package(file, code, sha256)


@pytest.fixture
def policy(cloud: Cloud, tmp_path: Path) -> Path:
    file = tmp_path / "policy.yaml"
    # GetFunction is not held back to one call a second.
    aws = {"endpointURL": cloud.endpoint, "call": "GetFunction"}
    file.write_text(json.dumps({"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy", "aws": aws}))
    return file


@pytest.fixture
def deployer(control_plane: Plane, namespace: str) -> Path:
    return control_plane.service_account(namespace, "deployer", RIGHTS, within=namespace)


@pytest.fixture
def remediator(
    deployer: Path, policy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Remediator:
    """Type commands as the pipeline does."""
    monkeypatch.setenv("KUBECONFIG", str(deployer))
    monkeypatch.setenv("REMEDIATOR_POLICY", str(policy))
    monkeypatch.setenv("COLUMNS", "400")

    def run(*words: object) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(each) for each in words])
        out, err = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        assert "Traceback" not in out + err
        return Ran(ended.value.code, out, err)

    return run


def spec_of(function: Function, cloud: Cloud, **spec: Any) -> Json:
    return {
        "name": function.name,
        "role": cloud.role_arn,
        "runtime": "python3.13",
        "handler": "app.handler",
        "packageType": "Zip",
    } | spec


@pytest.fixture
def manifest(tmp_path: Path, cloud: Cloud) -> Manifest:
    """Write a Function's manifest, as a person would; keywords are fields of its spec."""

    def write(function: Function, metadata: Json | None = None, **spec: Any) -> Path:
        body = {
            "apiVersion": "lambda.services.k8s.aws/v1alpha1",
            "kind": "Function",
            "metadata": {"name": function.name} | (metadata or {}),
            "spec": spec_of(function, cloud, **spec),
        }
        file = tmp_path / f"{function.name}.yaml"
        file.write_text(f"# Kept as it is.\n{json.dumps(body, indent=2)}\n", encoding="utf-8")
        return file

    return write


def level(value: str) -> Json:
    return {"variables": {"LEVEL": value}}


def environment(function: Function) -> Any:
    return ((function.live() or {}).get("Environment") or {}).get("Variables")


@pytest.fixture
def planned(control_plane: Plane, cloud: Cloud, namespace: str, request: pytest.FixtureRequest) -> Iterator[Function]:
    """A function that is not there yet."""
    stem = re.sub(r"[^a-z0-9]+", "-", request.node.originalname.removeprefix("test_"))[:30].strip("-")
    function = Function(control_plane.admin, cloud, control_plane.clock, namespace, f"{stem}-{namespace}")
    yield function
    function.discard()
    cloud.remove(function.name)


@pytest.fixture
def running(planned: Function, cloud: Cloud, manifest: Manifest, remediator: Remediator) -> Function:
    """A function in its first version, as the pipeline rolled it out."""
    code = {**cloud.code, "sha256": cloud.code_sha256}
    ran = remediator("rollout", "-f", manifest(planned, code=code, environment=level("info"), memorySize=128))
    assert ran.code == 0, ran.out + ran.err
    planned.falls_silent()
    return planned


@pytest.fixture
def kubectl(deployer: Path) -> Callable[[Path], None]:
    """Apply a file as `kubectl apply --server-side --force-conflicts` does: all at once."""
    transport = Transport(Connection(deployer, None))

    def apply(file: Path) -> None:
        (found,) = manifests(read_source(str(file)))
        namespace = Connection(deployer, None).namespace
        path = f"/apis/lambda.services.k8s.aws/v1alpha1/namespaces/{namespace}/functions/{found.name}"
        transport.apply(path, found.value, manager="kubectl", force=True)

    return apply


def test_without_it_half_is_lost_and_with_it_all_gets_through(
    running: Function,
    package: Package,
    manifest: Manifest,
    remediator: Remediator,
    kubectl: Callable[[Path], None],
) -> None:
    """The change is the same both times: another package and another environment."""
    # As a pipeline does it that has never heard of this: everything at once, the checksum as sha256sum prints it.
    file = manifest(running, code={**package.code, "sha256": package.hex}, environment=level("debug"), memorySize=256)
    before = running.read()
    kubectl(file)
    after = running.becomes(
        lambda seen: heartbeat(seen) != heartbeat(before) and seen["spec"]["memorySize"] == 128, "the edit is gone"
    )
    assert is_synced(after)
    assert after["spec"]["environment"] == level("info")
    assert environment(running) == {"LEVEL": "info"}

    found = remediator("lint", file)
    assert found.code == 3
    assert package.sha256 in found.out

    refused = remediator("rollout", "-f", file)
    assert refused.code == 3
    assert "checksum" in refused.out + refused.err
    assert environment(running) == {"LEVEL": "info"}

    assert remediator("checksum", package.file, "--check", file).code == 3
    patched = remediator("checksum", package.file, "--patch", file)
    assert patched.code == 0, patched.err
    assert file.read_text(encoding="utf-8").startswith("# Kept as it is.\n")
    assert remediator("checksum", package.file, "--check", file).code == 0
    assert remediator("lint", file).code == 0

    through = remediator("rollout", "-f", file, "--timeout", "2m")
    assert through.code == 0, through.out + through.err
    live, seen = running.live(), running.read()
    assert live is not None
    assert (live["CodeSha256"], live["MemorySize"], environment(running)) == (package.sha256, 256, {"LEVEL": "debug"})
    assert (seen["spec"]["memorySize"], seen["spec"]["environment"]) == (256, level("debug"))
    assert is_ready(seen)

    again = remediator("rollout", "-f", file, "-o", "json")
    assert again.code == 0
    assert json.loads(again.out)["rollouts"][0]["steps"] == []


def test_code_and_configuration_take_a_step_each_and_aws_is_given_its_time(
    running: Function, package: Package, manifest: Manifest, remediator: Remediator, cloud: Cloud
) -> None:
    cloud.update_takes = 3.0
    index = len(cloud.calls)
    file = manifest(running, code={**package.code, "sha256": package.sha256}, environment=level("debug"))
    planned = json.loads(remediator("rollout", "-f", file, "--dry-run", "-o", "json").out)["plans"][0]["steps"]
    assert [each["part"] for each in planned] == ["code", "configuration"]
    assert running.read()["spec"]["environment"] == level("info")

    ran = remediator("rollout", "-f", file, "-o", "json")
    assert ran.code == 0, ran.err
    (rolled,) = json.loads(ran.out)["rollouts"]
    assert rolled["steps"] == planned
    assert rolled["seconds"] >= 6
    updates = [each for each in running.asked(index) if each.startswith("Update")]
    assert updates == ["UpdateFunctionCode", "UpdateFunctionConfiguration"], "no update met a 409"
    assert environment(running) == {"LEVEL": "debug"}


def test_one_that_stopped_halfway_goes_on_where_it_was(
    running: Function, package: Package, manifest: Manifest, remediator: Remediator, cloud: Cloud
) -> None:
    cloud.update_takes = 4.0
    file = manifest(running, code={**package.code, "sha256": package.sha256}, environment=level("debug"))
    stopped = remediator("rollout", "-f", file, "--timeout", "1s")
    assert stopped.code == 124
    assert "Applied so far: code" in " ".join(stopped.out.split())
    assert running.read()["spec"]["environment"] == level("info")

    index = len(cloud.calls)
    went_on = remediator("rollout", "-f", file, "-o", "json")
    assert went_on.code == 0, went_on.err
    (rolled,) = json.loads(went_on.out)["rollouts"]
    assert [each["part"] for each in rolled["steps"]] == ["configuration"]
    assert "UpdateFunctionCode" not in running.asked(index)
    assert environment(running) == {"LEVEL": "debug"}


def test_a_new_function_is_created(
    planned: Function, package: Package, manifest: Manifest, remediator: Remediator
) -> None:
    file = manifest(planned, code={**package.code, "sha256": package.sha256}, environment=level("debug"))
    made = remediator("rollout", "-f", file, "-o", "json")
    assert made.code == 0, made.err
    assert [each["part"] for each in json.loads(made.out)["rollouts"][0]["steps"]] == ["new object"]
    assert environment(planned) == {"LEVEL": "debug"}


def test_what_ack_wrote_is_taken_and_what_another_owns_is_not(
    running: Function, control_plane: Plane, manifest: Manifest, remediator: Remediator, cloud: Cloud
) -> None:
    code = {**cloud.code, "sha256": cloud.code_sha256}
    # ACK wrote the default of 3 seconds into the object.
    file = manifest(running, code=code, environment=level("info"), memorySize=128, timeout=9)
    assert remediator("rollout", "-f", file).code == 0
    assert (running.live() or {})["Timeout"] == 9

    api = control_plane.admin
    path = f"{running.path}?fieldManager=somebody-else"
    api.merge(path, {"spec": {"memorySize": 512}})
    running.becomes_live(lambda it: it and it["MemorySize"] == 512, "the other's edit is through")
    refused = remediator("rollout", "-f", file)
    assert refused.code == 1
    assert "somebody-else owns spec.memorySize" in refused.err
    assert running.read()["spec"]["memorySize"] == 512
    assert remediator("rollout", "-f", file, "--take-from", "somebody-else").code == 0
    assert (running.live() or {})["MemorySize"] == 128

    running.annotate({"argocd.argoproj.io/tracking-id": "shop:lambda.services.k8s.aws/Function:shop/checkout"})
    refused = remediator("rollout", "-f", file)
    assert refused.code == 1
    assert "owned by Argo CD shop" in refused.err


def test_it_ends_early_where_waiting_does_not_help(
    running: Function, manifest: Manifest, remediator: Remediator, cloud: Cloud
) -> None:
    running.refuse("UpdateFunctionConfiguration")
    file = manifest(running, code={**cloud.code, "sha256": cloud.code_sha256}, environment=level("debug"))
    began = time.monotonic()
    ran = remediator("rollout", "-f", file, "--timeout", "5m", "-o", "json")
    assert ran.code == 3, ran.out + ran.err
    (rolled,) = json.loads(ran.out)["rollouts"]
    assert (rolled["finding"]["finding"], rolled["runbook"]) == ("PermissionDenied", "PermissionDenied")
    assert time.monotonic() - began < 30


def test_it_waits_for_an_update_that_is_under_way(
    running: Function, manifest: Manifest, remediator: Remediator, cloud: Cloud
) -> None:
    cloud.set_update(running.name, "InProgress")
    over = threading.Timer(4.0, lambda: cloud.set_update(running.name, "Successful"))
    index = len(cloud.calls)
    file = manifest(running, code={**cloud.code, "sha256": cloud.code_sha256}, environment=level("debug"))
    over.start()
    ran = remediator("rollout", "-f", file)
    over.join()
    assert ran.code == 0, ran.out + ran.err
    assert running.asked(index).count("UpdateFunctionConfiguration") == 1, "no try met a 409"


def test_the_hooks_for_argo_cd_may_do_what_they_do(
    running: Function,
    package: Package,
    control_plane: Plane,
    namespace: str,
    manifest: Manifest,
    remediator: Remediator,
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (role,) = [each for each in yaml_files.read_all(ARGO_CD / "access.yaml") if each["kind"] == "Role"]
    account = control_plane.service_account(namespace, "functions-hooks", role["rules"], within=namespace)
    monkeypatch.setenv("KUBECONFIG", str(account))
    same = {"code": {**cloud.code, "sha256": cloud.code_sha256}, "environment": level("info"), "memorySize": 128}
    file = manifest(running, **same)
    ours = {"/manifests": str(file), "shop": namespace, "function/checkout": f"function/{running.name}"}
    lint, wait = (
        [ours.get(each, each) for each in job["spec"]["template"]["spec"]["containers"][0]["args"]]
        for job in yaml_files.read_all(ARGO_CD / "hooks.yaml")
    )
    assert remediator(*lint).code == 0
    assert remediator(*wait).code == 0

    manifest(running, **{**same, "code": {**package.code, "sha256": package.sha256}, "memorySize": 256})
    refused = remediator(*lint)
    assert refused.code == 3
    assert "CodeWithConfiguration" in refused.out
