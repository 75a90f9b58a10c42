"""Nobody is given a right that is not needed: all that is granted to the remediator is used while it does its work."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from remediator.cli.wiring import wire
from remediator.kubernetes.leading import LEADER_LEASES
from remediator.kubernetes.lease import ACTION_LEASE
from remediator.kubernetes.remediation_object import collection
from remediator.model.kind import KINDS, LAMBDA_GROUP, LAMBDA_KINDS
from remediator.model.plan import ActionName, Result
from remediator.model.shard import MOST
from remediator.sandbox.cloud import Cloud
from tests.bed.api import found
from tests.bed.controllers import Handle
from tests.bed.controlplane import ControlPlane
from tests.bed.functions import Function
from tests.bed.plugin import Create
from tests.builders import definition, waiting
from tests.cluster.install.installation import HOME, Installation, Json, Mounted, Request
from tests.cluster.runner import Elsewhere
from tests.cluster.stuck import nobody_wrote, rolled_back
from tests.daemon.process import started

pytestmark = [pytest.mark.usefixtures("controller", "identity"), pytest.mark.timeout(300)]

_NOW = timedelta(0)

Right = tuple[str, str, str, str, str]  # within a namespace or "", group, resource, verb, name or ""


def granted(rules: list[Json]) -> set[Right]:
    return {
        (rule["within"], group, resource, verb, name)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }


def uses(request: Request, right: Right) -> bool:
    within, group, resource, verb, name = right
    asked = (request.group, request.resource, request.verb)
    where = not within or request.namespace == within
    return asked == (group, resource, verb) and where and (not name or request.name == name)


def unused(installation: Installation, since: int, namespace: str = HOME) -> set[Right]:
    """Collect what the remediator is given and never asked for, since; what it asked for in vain does not count."""
    answered = [each for each in installation.asked(since, namespace) if each.code != 403]
    return {
        right
        for right in granted(installation.rules(namespace))
        if not any(uses(request, right) for request in answered)
    }


@pytest.fixture
def quick(cloud: Cloud) -> Json:
    """What no story has time for."""
    return {
        "sightings": 1,
        "breaker": {"percent": 100},
        "timeouts": {"deletion": "0s"},
        "aws": {"endpointURL": cloud.endpoint},
    }


@pytest.fixture
def remediator(installation: Installation, quick: Json, folder: Path) -> Mounted:
    """The daemon that may act, as it is applied."""
    installation.apply("acting/daemon")
    installation.wait_for_rights()
    return installation.mounted("Deployment", HOME, folder, **quick)


def test_all_that_is_granted_is_used(
    installation: Installation,
    control_plane: ControlPlane,
    remediator: Mounted,
    settled: Create,
    controller: Handle,
    cloud: Cloud,
    request: pytest.FixtureRequest,
) -> None:
    """Whoever takes a right away breaks a story; whoever adds one that none of these needs is told here."""
    since = installation.mark()
    forget_leases(installation)
    stuck, going = settled(), settled()
    rolled_back(control_plane, cloud, stuck)
    shares(remediator)
    leads(remediator)
    approve(installation, stuck)
    assert acts(remediator) == [(ActionName.RESYNC, Result.STILL_STUCK)]
    controller.stop()
    team = namespace_of_a_team(control_plane)
    everything_refers_to_everything(installation, team)
    for kind in LAMBDA_KINDS:
        explains(remediator, kind.name.lower(), "it", team)
    explains(remediator, "function", stuck.name, stuck.namespace)
    request.getfixturevalue("deployment_is_down")
    cloud.remove(going.name)
    going.delete()
    nobody_wrote(control_plane, going)
    assert acts(remediator) == []
    approve(installation, going)
    assert acts(remediator) == [(ActionName.CLEAR_FINALIZER, Result.RESOLVED)]
    assert acts(remediator) == []
    acts(remediator, timedelta(days=8), meanwhile=partial(another_writes, installation, stuck))
    assert unused(installation, since) == set()


def test_all_that_is_granted_in_one_namespace_is_used(
    installation: Installation,
    control_plane: ControlPlane,
    quick: Json,
    folder: Path,
    settled: Create,
    controller: Handle,
    cloud: Cloud,
) -> None:
    stuck, going = settled(), settled()
    team = stuck.namespace
    installation.apply("base")
    installation.apply_for(team, folder)
    installation.wait_for_rights(team)
    remediator = installation.mounted("CronJob", team, folder, **quick)
    since = installation.mark()
    for each in (stuck, going):
        rolled_back(control_plane, cloud, each)
    acts(remediator, within=team)
    controller.stop()
    going.discard()
    everything_refers_to_everything(installation, team)
    for kind in LAMBDA_KINDS:
        explains(remediator, kind.name.lower(), "it", team)
    for _ in range(2):
        acts(remediator, within=team)
    acts(remediator, timedelta(days=8), within=team, meanwhile=partial(another_writes, installation, stuck, team))
    assert unused(installation, since, team) == set()


def leads(remediator: Mounted) -> None:
    """Let the daemon make a pass."""
    words, environment = remediator.loopback()
    with started(*words, **environment) as process:
        process.told("scanned")
        process.terminate()
        assert process.ends() == 0


def shares(remediator: Mounted) -> None:
    """Make a run as each of as many shards as there can be, side by side."""
    with ThreadPoolExecutor(4) as pool:
        for ran in pool.map(lambda index: remediator.instead("run", "-A", "--shard", f"{index}/{MOST}"), range(MOST)):
            assert ran.returncode == 0, ran.stderr


def explains(remediator: Mounted, kind: str, name: str, namespace: str) -> None:
    """Type what people on call type in the daemon's pod."""
    explained = remediator.instead("explain", f"{kind}/{name}", "-n", namespace)
    assert explained.returncode == 0, explained.stderr


def acts(
    remediator: Mounted,
    later: timedelta = _NOW,
    meanwhile: Callable[[], object] = lambda: None,
    within: str | None = None,
) -> list[tuple[ActionName, Result]]:
    """Make one pass, by a clock that is ahead and waits for nothing long; answer what was done.

    `meanwhile` is done after it looked, and before it writes.
    """
    wired = wire(
        kubeconfig=Path(remediator.environment["KUBECONFIG"]),
        namespace=within,
        all_namespaces=within is None,
        home=within or HOME,
        policy=remediator.policy_file,
        clock=Elsewhere(later),
    )
    scan = wired.work.scan(rehearse=True)
    meanwhile()
    assert (scan.partial, scan.records, wired.work.record(scan)) == ((), (), ())
    return [(each.action, each.result) for each in wired.work.proceed(scan, print)]


def another_writes(installation: Installation, function: Function, home: str = HOME) -> None:
    """Write to the record of a Function, as another remediator would."""
    path = f"{collection(home)}/function-{function.read()['metadata']['uid']}"
    seen = datetime.fromisoformat(installation.admin.get(path)["status"]["lastSeen"]) - timedelta(seconds=1)
    status = {"lastSeen": seen.strftime("%Y-%m-%dT%H:%M:%SZ")}
    installation.admin.merge(f"{path}/status", {"status": status})


def forget_leases(installation: Installation) -> None:
    """Let nobody have ever led or acted."""
    for name in (*LEADER_LEASES, ACTION_LEASE):
        path = f"/apis/coordination.k8s.io/v1/namespaces/{HOME}/leases/{name}"
        if found(installation.admin, path):
            installation.admin.delete(path)


def namespace_of_a_team(control_plane: ControlPlane) -> str:
    """Make the namespace of a team that ACK has roles for."""
    name = control_plane.namespace()
    annotations = {"services.k8s.aws/team-id": "team-a"}
    control_plane.admin.merge(f"/api/v1/namespaces/{name}", {"metadata": {"annotations": annotations}})
    return name


def approve(installation: Installation, function: Function) -> None:
    installation.wait_for_policy()
    name, api = installation.person("alice", function.namespace)
    uid = function.read()["metadata"]["uid"]
    path = f"{collection(HOME)}/function-{uid}"
    digest = installation.admin.get(path)["status"]["proposal"]["digest"]
    with api:
        api.merge(path, {"spec": {"approval": {"approvedBy": name, "digest": digest}}})


# What the definitions of the lambda-controller ask for beside references.
_NEEDED: dict[str, Json] = {
    "Alias": {"name": "it", "functionVersion": "1"},
    "FunctionURLConfig": {"authType": "NONE"},
    "LayerVersion": {"layerName": "it", "content": {}},
    "CodeSigningConfig": {"allowedPublishers": {}},
    "Function": {"name": "it", "code": {}},
}


def everything_refers_to_everything(installation: Installation, namespace: str) -> None:
    """Make one of each kind, called `it`, none of them ready, that refers to others wherever its kind can."""
    others = [definition(each.name) for each in KINDS.values() if each.group != LAMBDA_GROUP]
    installation.kubectl("apply", "-f", "-", given="\n---\n".join(map(json.dumps, others)))
    names = [f"crd/{each['metadata']['name']}" for each in others]
    installation.kubectl("wait", "--for=condition=Established", "--timeout=30s", *names)
    for kind in KINDS.values():
        spec = dict(_NEEDED.get(kind.name, {}))
        for path, _ in kind.references:
            refer(spec, path.split("."))
        body = {
            "apiVersion": f"{kind.group}/v1alpha1",
            "kind": kind.name,
            "metadata": {"name": "it", "namespace": namespace},
            "spec": spec,
        }
        made = installation.tried("create", "-f", "-", given=json.dumps(body))
        assert made.returncode == 0, made.stderr
        if kind.group == LAMBDA_GROUP and kind.references:
            first = f"resource:{kind.references[0][1]}, namespace:{namespace}, name:it"
            reason = f"the referenced resource is not synced yet. {first}"
            path = f"/apis/{kind.group}/v1alpha1/namespaces/{namespace}/{kind.plural}/it/status"
            installation.admin.merge(path, {"status": {"conditions": waiting(reason)}})


def refer(spec: Json, path: list[str]) -> None:
    """Put a reference to `it` where a path leads; `[]` is a list of its own entries."""
    name, *rest = path
    reference: Json = {"from": {"name": "it"}}
    if name.endswith("[]"):
        entry: Json = {}
        if rest:
            refer(entry, rest)
        spec.setdefault(name.removesuffix("[]"), []).append(entry or reference)
    elif rest:
        refer(spec.setdefault(name, {}), rest)
    else:
        spec[name] = reference
