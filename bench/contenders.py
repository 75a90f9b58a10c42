"""What is measured side by side: our scan, a script's first step, a plain client's loop, and the floor beneath them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from bench.stage import Stage

OURS, KUBECTL, CLIENT, FLOOR = "remediator scan", "kubectl get -o json", "the client's loop", "raw read"


class Contender(NamedTuple):
    """A command, and the variables that it needs beside those of the shell."""

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]

    @property
    def account(self) -> str:
        """Name the ServiceAccount that it asks as, by which its requests are counted."""
        return self.name.split()[0].replace("'", "")

    @property
    def environment(self) -> dict[str, str]:
        """Give it a whole environment, in which bytecode is kept, as in an installation."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "KUBE", "REMEDIATOR_"))}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        return kept | dict(self.environ)

    def through(self, url: str, folder: Path) -> Contender:
        """Let it reach the API server by another address, where the same server answers."""
        config = json.loads(Path(self.environ["KUBECONFIG"]).read_text(encoding="utf-8"))
        config["clusters"][0]["cluster"]["server"] = url
        path = folder / f"{self.account}-through.kubeconfig"
        path.write_text(json.dumps(config), encoding="utf-8")
        return self._replace(environ={**self.environ, "KUBECONFIG": str(path)})


def contenders(stage: Stage) -> tuple[Contender, ...]:
    """Make all of them for a stage, each with an account of its own."""
    return tuple(_contender(stage, name, command) for name, command in _commands(stage).items())


def _commands(stage: Stage) -> dict[str, tuple[str, ...]]:
    remediator = str(Path(sys.executable).with_name("remediator"))
    kubectl = ("get", "functions.lambda.services.k8s.aws", "--all-namespaces", "-o", "json")
    return {
        OURS: (remediator, "scan", "--all-namespaces"),
        KUBECTL: (str(stage.kubectl), *kubectl),
        CLIENT: (sys.executable, "-m", "bench.plain_client"),
        FLOOR: (sys.executable, "-m", "bench.raw_read"),
    }


def keeper(stage: Stage) -> Contender:
    """Make what looks twice in one process, and keeps records."""
    command = (sys.executable, "-m", "bench.twice")
    return Contender("keeper", command, _environ(stage, stage.keeper("keeper")))


def _contender(stage: Stage, name: str, command: tuple[str, ...]) -> Contender:
    found = Contender(name, command, {})
    return found._replace(environ=_environ(stage, stage.reader(found.account)))


def _environ(stage: Stage, kubeconfig: Path) -> dict[str, str]:
    policy = stage.folder / "policy.yaml"
    whole = {
        "apiVersion": "ack-remediator.dev/v1alpha1",
        "kind": "Policy",
        "aws": {"endpointURL": stage.cloud.endpoint},
    }
    policy.write_text(json.dumps(whole), encoding="utf-8")
    return {
        "KUBECONFIG": str(kubeconfig),
        "KUBECACHEDIR": str(stage.folder / "kubectl"),
        "REMEDIATOR_POLICY": str(policy),
        "AWS_ACCESS_KEY_ID": "AKIABENCH",
        "AWS_SECRET_ACCESS_KEY": "of-the-bench",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
