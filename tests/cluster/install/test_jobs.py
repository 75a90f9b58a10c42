"""What was applied does its whole job: its args, read from the API server, run with a token of its ServiceAccount."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from remediator.kubernetes.lease import ACTION_LEASE, LEADER_LEASE
from remediator.kubernetes.remediation_object import GROUP, object_name, path
from remediator.model.episode import Phase
from remediator.model.plan import Result
from remediator.sandbox.cloud import Cloud
from tests.bed.controlplane import ControlPlane
from tests.bed.functions import Function, heartbeat
from tests.bed.plugin import Create
from tests.cluster.install.installation import HOME, Installation, Json, Mounted, Request
from tests.cluster.stuck import rolled_back
from tests.daemon.process import started

pytestmark = [pytest.mark.usefixtures("controller", "identity"), pytest.mark.timeout(300)]

# No right at all but to ask what one may do, and who one is.
REVIEWS = ("authorization.k8s.io", "authentication.k8s.io")

Mount = Callable[..., Mounted]


@pytest.fixture
def stuck(settled: Create, control_plane: ControlPlane, cloud: Cloud) -> Function:
    """A Function that a Resync is for."""
    function = settled()
    rolled_back(control_plane, cloud, function)
    return function


@pytest.fixture
def mount(installation: Installation, cloud: Cloud, folder: Path) -> Mount:
    """Apply an overlay, and give what runs its token and policy; nothing is changed but what a test has no time for."""

    def make(overlay: str | Path, kind: str, namespace: str = HOME, **policy: Any) -> Mounted:
        installation.apply(overlay)
        installation.wait_for_rights(namespace)
        quick = {"sightings": 1, "breaker": {"percent": 100}, "aws": {"endpointURL": cloud.endpoint}}
        return installation.mounted(kind, namespace, folder, **quick | policy)

    return make


def record(installation: Installation, function: Function, home: str = HOME) -> Json:
    return installation.admin.get(path(home, object_name(function.read()["metadata"]["uid"])))


def approve(installation: Installation, function: Function) -> str:
    """Let somebody on call say yes, as `kubectl patch` does; answer their name."""
    installation.wait_for_policy()
    name, api = installation.person("alice", function.namespace)
    proposal = record(installation, function)["status"]["proposal"]
    word = {"spec": {"approval": {"approvedBy": name, "digest": proposal["digest"]}}}
    with api:
        api.merge(path(HOME, object_name(function.read()["metadata"]["uid"])), word)
    return name


def told(control_plane: ControlPlane, function: Function) -> set[str]:
    """List the reasons of our Events beside a Function."""
    uid = function.read()["metadata"]["uid"]
    selector = quote(f"involvedObject.uid={uid}")
    events = control_plane.admin.get(f"/api/v1/namespaces/{function.namespace}/events?fieldSelector={selector}")
    return {each["reason"] for each in events["items"] if each["reportingComponent"] == GROUP}


def test_the_cronjob_finds_records_and_tells_and_touches_nothing(
    stuck: Function, installation: Installation, control_plane: ControlPlane, mount: Mount
) -> None:
    before = stuck.read()
    job = mount("cronjob", "CronJob")
    since = installation.mark()
    ran = job.run()
    assert (ran.returncode, ran.stderr.count("refuses")) == (0, 0), ran.stderr
    assert "UpdateFailed" in ran.stdout
    status = record(installation, stuck)["status"]
    assert (status["finding"], status["phase"]) == ("UpdateFailed", Phase.AWAITING_APPROVAL)
    assert told(control_plane, stuck) == {"Found", "Proposed"}
    assert stuck.read() == before
    assert tried(installation, since) == []
    assert job.run().returncode == 0, "the next one knows what the first saw"


def may_have_a_root_of_its_own() -> bool:
    """Tell whether this user may mount; the root of a CI that runs as one may."""
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not may_have_a_root_of_its_own(), reason="only root may mount")
def test_it_needs_no_more_than_a_container_has(
    stuck: Function, installation: Installation, control_plane: ControlPlane, mount: Mount, tmp_path: Path
) -> None:
    """Its token from where the kubelet puts it, and no place to write to: `readOnlyRootFilesystem`, and no /tmp."""
    job = mount("cronjob", "CronJob")
    ran = job.in_a_pod(control_plane, installation.token(), tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "UpdateFailed" in ran.stdout
    assert record(installation, stuck)["status"]["phase"] == Phase.AWAITING_APPROVAL


def test_the_cronjob_that_acts_does_what_a_person_approved(
    stuck: Function, installation: Installation, mount: Mount
) -> None:
    before = heartbeat(stuck.read())
    job = mount("acting/cronjob", "CronJob")
    assert job.policy["mode"] == "approve"
    assert job.run().returncode == 0
    assert heartbeat(stuck.read()) == before, "nobody has approved it"
    alice = approve(installation, stuck)
    ran = job.run()
    assert ran.returncode == 0, ran.stderr
    (attempt,) = record(installation, stuck)["status"]["attempts"]
    assert (attempt["action"], attempt["result"], attempt["approvedBy"]) == ("Resync", Result.STILL_STUCK, alice)
    assert heartbeat(stuck.read()) != before, "the controller looked again"


def test_the_cronjob_that_does_not_act_does_not_whoever_approved(
    stuck: Function, installation: Installation, mount: Mount
) -> None:
    mount("acting/cronjob", "CronJob").run()
    approve(installation, stuck)
    ran = mount("cronjob", "CronJob").run()
    assert ran.returncode == 0, ran.stderr
    assert "attempts" not in record(installation, stuck)["status"]
    assert stuck.read()["metadata"]["generation"] == 2


def test_of_two_daemons_one_leads_and_both_tell_how_they_are(
    stuck: Function, installation: Installation, control_plane: ControlPlane, mount: Mount
) -> None:
    daemon = mount("daemon", "Deployment", schedule={"interval": "5s", "jitter": "0s"})
    words, environment = daemon.loopback()
    since = installation.mark()
    with started(*words, **environment) as first:
        first.told("scanned", lambda each: each["proposed"] == 1)
        assert first.is_ready()
        lease = installation.admin.get(f"/apis/coordination.k8s.io/v1/namespaces/{HOME}/leases/{LEADER_LEASE}")
        assert "ack-remediator-abc12" in lease["spec"]["holderIdentity"], "by the pod's name"
        with started(*words, **environment) as second:
            second.told("standing by: another daemon leads")
            assert second.is_ready()
            assert "remediator_leader 0.0" in second.get("/metrics")[1]
            assert "remediator_findings{" in first.get("/metrics")[1]
            for each in (first, second):
                each.terminate()
                assert each.ends() == 0
    assert record(installation, stuck)["status"]["phase"] == Phase.AWAITING_APPROVAL
    assert told(control_plane, stuck) == {"Found", "Proposed"}
    assert tried(installation, since) == []


def test_the_daemon_that_acts_does_what_a_person_approved(
    stuck: Function, installation: Installation, mount: Mount
) -> None:
    daemon = mount("acting/daemon", "Deployment", schedule={"interval": "5s", "jitter": "0s"})
    words, environment = daemon.loopback()
    with started(*words, **environment) as process:
        process.told("scanned", lambda each: each["proposed"] == 1)
        alice = approve(installation, stuck)
        assert process.told("acted")["result"] == Result.STILL_STUCK
        process.terminate()
        assert process.ends() == 0
    (attempt,) = record(installation, stuck)["status"]["attempts"]
    assert attempt["approvedBy"] == alice
    lease = installation.admin.get(f"/apis/coordination.k8s.io/v1/namespaces/{HOME}/leases/{ACTION_LEASE}")
    assert lease["spec"].get("holderIdentity") is None


def tried(installation: Installation, since: int, namespace: str = HOME) -> list[Request]:
    """List what was asked for in earnest and refused: forged approvals are tried as dry runs, and have to be."""
    return [each for each in installation.asked(since, namespace) if each.code == 403 and not each.dry]


@pytest.mark.parametrize(("mode", "code"), [("dry-run", 0), ("approve", 0), ("auto", 2)])
def test_what_is_read_only_writes_nothing_whatever_its_policy_says(
    stuck: Function, installation: Installation, control_plane: ControlPlane, mount: Mount, mode: str, code: int
) -> None:
    installation.apply("acting/cronjob")  # and all that it was given is gone again
    before = stuck.read()
    job = mount("read-only", "CronJob", mode=mode)
    since = installation.mark()
    ran = job.run()
    assert ran.returncode == code, ran.stderr
    assert ("mode: auto is refused" in ran.stderr) == (mode == "auto")
    assert "UpdateFailed" in ran.stdout
    assert "kept in memory only" in ran.stderr
    asked = installation.asked(since)
    assert {each.verb for each in asked if each.code < 300 and each.group not in REVIEWS} == {"get", "list"}
    others = [each for each in asked if each.verb not in ("get", "list") and each.group not in REVIEWS]
    assert all(each.dry and each.code == 403 for each in others), "a rehearsal at most, which is refused"
    assert (stuck.read(), told(control_plane, stuck)) == (before, set())


def test_what_is_for_one_namespace_sees_what_is_there_and_says_what_it_cannot_know(
    stuck: Function, installation: Installation, control_plane: ControlPlane, mount: Mount, tmp_path: Path
) -> None:
    installation.apply("base")  # the definition and the admission policy, by who may
    installation.apply_for(stuck.namespace, tmp_path)
    job = mount(tmp_path, "CronJob", stuck.namespace)
    assert not [each for each in installation.rules(stuck.namespace) if each["within"] != stuck.namespace]
    since = installation.mark()
    ran = job.run()
    assert ran.returncode == 0, ran.stderr
    assert "UpdateFailed" in ran.stdout
    assert record(installation, stuck, stuck.namespace)["status"]["phase"] == Phase.AWAITING_APPROVAL
    assert told(control_plane, stuck) == {"Found", "Proposed"}
    # What docs/namespaced.md says of it: all of these, and nothing else.
    assert {each.resource for each in tried(installation, since, stuck.namespace)} == {
        "configmaps",
        "customresourcedefinitions",
        "deployments",
        "iamroleselectors",
        "leases",
    }
    where = ("-n", stuck.namespace, "--policy", f"{job.policy_file}")
    explained = job.instead("explain", f"function/{stuck.name}", *where, "-o", "wide")
    assert explained.returncode == 0, explained.stderr
    said = " ".join(explained.stdout.split())
    assert "(Deployments may not be listed; judged by heartbeats)" in said
    assert "whether a definition is being deleted is not known" in said
    assert "unsure IAMRoleSelectors could not be listed" in said
    assert "The controller's Deployment could not be looked for" in said
    assert "we may not patch functions" in said
    everywhere = job.instead("scan", "--all-namespaces")
    assert (everywhere.returncode, everywhere.stdout) == (1, "")
    assert 'cannot list resource "functions"' in everywhere.stderr
