"""Where a cluster is, and who we are to it: what the kubeconfig says, or the pod that we run in."""

from __future__ import annotations

import os
from pathlib import Path

import urllib3
from kubernetes import client, config

from remediator.kubernetes import kubeconfig as files


class Connection:
    """Where the cluster is and what the kubeconfig says of it: server, context, namespace.

    `acting_as` is the user that each request is made as, where that is another than the kubeconfig's.
    """

    def __init__(self, kubeconfig: Path | None, context: str | None, acting_as: str = "") -> None:
        self.acting_as = acting_as
        self.configuration = client.Configuration()
        self.configuration.retries = urllib3.Retry(
            connect=2, read=0, redirect=0, status=0, other=0, respect_retry_after_header=False
        )
        self.context, self.namespace = self._load(kubeconfig, context)
        self.server: str = self.configuration.host

    def _load(self, kubeconfig: Path | None, context: str | None) -> tuple[str, str]:
        in_cluster = "KUBERNETES_SERVICE_HOST" in os.environ
        path = files.path_of(kubeconfig)
        if in_cluster and context is None and not files.exist(path):
            with files.told_of(path):
                config.load_incluster_config(client_configuration=self.configuration)
                return "in-cluster", _own_namespace()
        return files.load(path, context, self.configuration)


def _own_namespace() -> str:
    mounted = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
    return mounted.read_text(encoding="utf-8").strip() if mounted.exists() else "default"
