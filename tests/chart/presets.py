"""Each folder of kustomize's, as the chart has it: `python -m tests.chart.presets FOLDER` renders them into files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import yaml_files
from tests.bed.toolchain import find_helm, find_kubectl

TOP = Path(__file__).parents[2]
CHART, MANIFESTS = TOP / "chart", TOP / "manifests"
RELEASE = "ack"

Json = dict[str, Any]


@dataclass(frozen=True)
class Preset:
    """A folder of manifests, and the values that make the same of the chart."""

    folder: str
    values: Mapping[str, Any]
    namespace: str = "ack-remediator"

    @property
    def words(self) -> list[str]:
        """What is typed for it."""
        return [f"--set={key}={'true' if each is True else each}" for key, each in self.values.items()]


_MONITORING = {"monitoring.kubeStateMetrics": True, "monitoring.dashboard": True}
PRESETS = (
    Preset("cronjob", {}),
    Preset("daemon", {"workload": "daemon"}),
    Preset("acting/cronjob", {"access": "act"}),
    Preset("acting/daemon", {"workload": "daemon", "access": "act"}),
    Preset("read-only", {"access": "read-only"}),
    Preset("namespaced", {"scope": "namespace"}, namespace="team"),
)
# Beside one of those.
MONITORING = Preset("monitoring", _MONITORING)
# What is neither of kustomize's overlays: the objects of the Prometheus operator.
OPERATOR = Preset(
    "operator", {"workload": "daemon", "monitoring.podMonitor": True, "monitoring.rules": True} | _MONITORING
)


class Helm:
    """Helm, and the kustomize that kubectl has in it."""

    def __init__(self) -> None:
        self._helm = find_helm(os.environ, _say).path
        self._kubectl = find_kubectl(os.environ, _say).path

    def tried(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run helm, whatever comes of it. It reads nobody's settings."""
        command = [str(self._helm), *words]
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)

    def __call__(self, *words: str) -> str:
        done = self.tried(*words)
        assert done.returncode == 0, f"helm {' '.join(words)}:\n{done.stderr}"
        return done.stdout

    def text(self, *words: str, namespace: str = "ack-remediator") -> str:
        """Render the chart."""
        return self("template", RELEASE, f"{CHART}", f"--namespace={namespace}", *words)

    def objects(self, *words: str, namespace: str = "ack-remediator") -> list[Json]:
        """Render the chart, and read it."""
        return [each for each in yaml_files.parsed(self.text(*words, namespace=namespace)) if each]

    def notes(self, *words: str, namespace: str = "ack-remediator") -> str:
        """Tell what is printed after an install."""
        said = self("install", RELEASE, f"{CHART}", "--dry-run=client", f"--namespace={namespace}", *words)
        return said.partition("\nNOTES:\n")[2]

    def kustomize(self, folder: str) -> list[Json]:
        """Render a folder of manifests, and read it."""
        command = [str(self._kubectl), "kustomize", f"{MANIFESTS / folder}"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        return list(yaml_files.parsed(done.stdout))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str]) -> None:
    """Render each preset into a file of a folder."""
    [folder] = arguments
    helm = Helm()
    for each in (*PRESETS, MONITORING):
        text = helm.text(*each.words, namespace=each.namespace)
        Path(folder, f"chart-{each.folder.replace('/', '-')}.yaml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
