"""`make bench`: start-up against its yardstick, and listing against the official client's own objects.

Each pair is run in turn, several times, and the medians are compared: what else the machine does hits both alike.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_HELP_LIMIT = 2.0
_FUNCTIONS = 2000


def main() -> int:
    """Run all; 1 if a promised ratio is broken."""
    broken = [name for name, held in (("help", _help()), ("list", _list())) if not held]
    if broken:
        print(f"broken: {', '.join(broken)}")
    return 1 if broken else 0


def _ratio(name: str, ours: Callable[[], None], yardstick: Callable[[], None], rounds: int) -> float:
    times: dict[str, list[float]] = {"ours": [], "yardstick": []}
    for _ in range(rounds):
        for label, run in (("ours", ours), ("yardstick", yardstick)):
            began = time.perf_counter()
            run()
            times[label].append(time.perf_counter() - began)
    medians = {label: statistics.median(each) for label, each in times.items()}
    ratio = medians["ours"] / medians["yardstick"]
    print(f"{name}: {medians['ours']:.3f} s against {medians['yardstick']:.3f} s, ratio {ratio:.2f}")
    return ratio


def _help() -> bool:
    """`remediator --help` against importing click and rich."""
    command = str(Path(sys.executable).with_name("remediator"))

    def run(*words: str) -> Callable[[], None]:
        def call() -> None:
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)

        return call

    ours, imports = run(command, "--help"), run(sys.executable, "-c", "import click, rich")
    ratio = _ratio("remediator --help / import click, rich", ours, imports, rounds=15)
    return ratio < _HELP_LIMIT


def _list() -> bool:
    """Our list of Functions against the official client's dictionaries, on the sandbox."""
    from kubernetes import client, config

    from remediator.kubernetes.resources import KubernetesCluster
    from remediator.kubernetes.transport import Connection, Transport
    from remediator.model.kind import LAMBDA_KINDS
    from remediator.sandbox.apiserver import ApiServer
    from remediator.sandbox.clock import SandboxClock

    with tempfile.TemporaryDirectory() as directory, ApiServer(SandboxClock()) as api:
        kubeconfig = api.kubeconfig(Path(directory) / "kubeconfig")
        for number in range(_FUNCTIONS):
            api.seed(_function(number))
        ours = KubernetesCluster(Transport(Connection(kubeconfig, None)))
        configuration = client.Configuration()
        config.load_kube_config(config_file=str(kubeconfig), client_configuration=configuration)
        theirs = client.CustomObjectsApi(client.ApiClient(configuration))

        def list_ours() -> None:
            assert sum(1 for _ in ours.resources()) == _FUNCTIONS

        def list_theirs() -> None:
            found = 0
            for kind in LAMBDA_KINDS:  # ours looks at all of them, too
                token: str | None = None
                while token != "":
                    page: Any = theirs.list_cluster_custom_object(
                        kind.group, "v1alpha1", kind.plural, limit=500, _continue=token
                    )
                    found += len(page["items"])
                    token = page["metadata"].get("continue", "")
            assert found == _FUNCTIONS

        ratio = _ratio(f"list {_FUNCTIONS} Functions / the client's dictionaries", list_ours, list_theirs, rounds=5)
    return ratio < 1.0


def _function(number: int) -> dict[str, object]:
    name = f"function-{number:05d}"
    now = "2026-11-21T10:00:00Z"
    return {
        "apiVersion": "lambda.services.k8s.aws/v1alpha1",
        "kind": "Function",
        "metadata": {"name": name, "namespace": "default", "annotations": {"padding": "x" * 2000}},
        "spec": {"name": name, "code": {"s3Bucket": "b", "s3Key": "k"}, "memorySize": 256},
        "status": {
            "state": "Active",
            "conditions": [{"type": "ACK.ResourceSynced", "status": "True", "lastTransitionTime": now}],
        },
    }


if __name__ == "__main__":
    sys.exit(main())
