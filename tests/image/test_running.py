"""The image at work as a pod runs it: another user, PID 1, a file system that takes no writes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from remediator.sandbox.faults import Faults, late
from tests import yaml_files
from tests.cli.shop import SECRET, Shop
from tests.image.building import CHECKOUT
from tests.image.conftest import POLICY
from tests.image.container import Image

pytestmark = pytest.mark.timeout(600)

_MANIFESTS = CHECKOUT / "manifests"
_LEADER = ("coordination.k8s.io/v1", "Lease", "ack-remediator", "ack-remediator-leader")


def in_cluster(shop: Shop, **more: str) -> dict[str, str]:
    """What a kubelet puts into the environment of a pod, and AWS's identity of it."""
    server = urlsplit(shop.api.url)
    return {
        "KUBERNETES_SERVICE_HOST": str(server.hostname),
        "KUBERNETES_SERVICE_PORT": str(server.port),
        "AWS_ACCESS_KEY_ID": "AKIAPOD",
        "AWS_SECRET_ACCESS_KEY": "secret-of-the-pod",
        "AWS_DEFAULT_REGION": shop.cloud.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        **more,
    }


def args(file: str) -> list[str]:
    """Read the words that a manifest starts the image with."""
    found: list[dict[str, Any]] = []
    for manifest in _MANIFESTS.rglob(file):
        spec = yaml_files.read(manifest)["spec"]
        pod = spec.get("jobTemplate", {"spec": spec})["spec"]["template"]["spec"]
        found += pod["containers"]
    (container,) = found
    words: list[str] = container["args"]
    return words


def test_it_is_pid_1_of_nobody_and_can_write_nowhere(image: Image) -> None:
    places = ["/", "/tmp", "/var/tmp", "/run", "/home", "/opt/ack-remediator", "/dev", "/dev/shm", "/proc"]
    told = image.python(
        "import json, os, pathlib\n"
        "def writes(place):\n"
        "    try:\n"
        "        pathlib.Path(place, 'written').touch()\n"
        "    except OSError:\n"
        "        return False\n"
        "    return True\n"
        "status = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
        f"places = [place for place in {places} if writes(place)]\n"
        "print(json.dumps([os.getpid(), os.getuid(), os.getgid(), os.getgroups(), places,"
        " status['CapEff'].strip(), status['NoNewPrivs'].strip()]))"
    )
    assert json.loads(told) == [1, 65532, 65532, [], [], "0" * 16, "1"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--help"], "Usage: remediator"),
        ([], "Usage: remediator"),
        (["version"], "ack-remediator 0."),
        (["findings"], "ChecksumMismatch"),
        (["findings", "ChecksumMismatch"], "ChecksumMismatch"),
        (["policy", "sample"], "kind: Policy"),
        (["diagnose", "--help"], "Usage: remediator diagnose"),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else "",
)
def test_what_needs_no_cluster_answers(image: Image, words: list[str], expected: str) -> None:
    ran = image.run(*(words or image.config["Cmd"]))
    assert (ran.returncode, expected in ran.stdout) == (0, True)


def test_a_policy_that_is_mounted_is_checked(image: Image) -> None:
    sample = image.run("policy", "sample").stdout
    image.provide(POLICY, {"policy.yaml": sample, "wrong.yaml": sample.replace("kind: Policy", "kind: Police")})
    assert image.run("validate", f"{POLICY}/policy.yaml").returncode == 0
    assert image.run("validate", f"{POLICY}/wrong.yaml").returncode == 2


def test_the_demo_says_what_it_lacks(image: Image) -> None:
    ran = image.run("demo")
    assert (ran.returncode, "ack-remediator[demo]" in ran.stderr) == (1, True)


def test_a_scan_finds_what_is_stuck(image: Image, shop: Shop) -> None:
    ran = image.run("scan", "-A", "-o", "json", "--policy", f"{POLICY}/policy.yaml", **in_cluster(shop))
    assert ran.returncode == 0
    assert "checkout" in {each["name"] for each in json.loads(ran.stdout)["results"]}
    assert SECRET not in ran.stdout + ran.stderr


def test_the_cron_jobs_words_make_a_pass_that_leaves_a_record(image: Image, shop: Shop) -> None:
    ran = image.run(*args("cronjob.yaml"), **in_cluster(shop))
    assert ran.returncode == 0, ran.stderr
    uid = shop.stored("checkout")["metadata"]["uid"]
    assert shop.api.stored("ack-remediator.dev/v1alpha1", "Remediation", "ack-remediator", f"function-{uid}")


def test_a_daemon_that_is_told_to_end_hands_over_and_ends_well(image: Image, shop: Shop) -> None:
    here = ("--metrics-address", "127.0.0.1", "--metrics-port", "0")
    process = image.start(*args("deployment.yaml"), *here, **in_cluster(shop, POD_NAME="ack-remediator-0"))
    try:
        process.told("scanned")
        assert process.is_ready()
        assert "ack-remediator-0" in shop.api.stored(*_LEADER)["spec"]["holderIdentity"]
        process.terminate()
        assert process.ends(20) == 0, process.log
    finally:
        process.kill()
    assert "holderIdentity" not in shop.api.stored(*_LEADER)["spec"]
    assert (process.odd, [each for each in process.log if each["level"] == "error"]) == ([], [])


@pytest.mark.parametrize("command", ["run", "scan"])
def test_what_looks_once_ends_when_told_though_it_is_pid_1(
    image: Image, shop: Shop, command: str, tmp_path: Path
) -> None:
    """For PID 1 the kernel drops signals that nobody handles."""
    with Faults(shop.api.url, ca=shop.certificate) as faults:
        faults.add(late(60.0))
        through = faults.kubeconfig(shop.kubeconfig, tmp_path / "through")
        image.provide(POLICY, {"kubeconfig": through.read_text(encoding="utf-8")})
        process = image.start(command, "-A", KUBECONFIG=f"{POLICY}/kubeconfig", **in_cluster(shop))
        try:
            deadline = time.monotonic() + 30
            while not faults.requests:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            process.terminate()
            assert process.ends(10) == 130, process.odd
        finally:
            process.kill()
