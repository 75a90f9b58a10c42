"""Where a cluster is, and who we are to it: what the kubeconfig says, or the pod that we run in."""

from __future__ import annotations

import os
from pathlib import Path

import urllib3
import yaml
from kubernetes import client, config
from kubernetes.config.config_exception import ConfigException
from kubernetes.config.kube_config import KubeConfigLoader, KubeConfigMerger

from remediator.errors import UsageError


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
        # Read now: the client reads KUBECONFIG once, when it is imported.
        path = str(kubeconfig or os.environ.get("KUBECONFIG") or _usual_kubeconfig())
        files = [Path(each) for each in path.split(os.pathsep) if each]
        try:
            if in_cluster and context is None and not any(each.exists() for each in files):
                config.load_incluster_config(client_configuration=self.configuration)
                return "in-cluster", _own_namespace()
            if not any(each.exists() for each in files):
                raise UsageError(
                    f"there is no kubeconfig at {path}",
                    hint="Name one with --kubeconfig or KUBECONFIG; inside a cluster none is needed.",
                )
            merged = KubeConfigMerger(path)
            contexts = {each.value["name"]: each.value for each in merged.config["contexts"]}
            wanted = context or _current_context(merged)
            names = ", ".join(contexts) or "none"
            if wanted is None:
                raise UsageError(
                    f"the kubeconfig {path} has no current context", hint=f"Choose one with --context; it has: {names}."
                )
            if wanted not in contexts:
                raise UsageError(f"no context {wanted!r} in the kubeconfig", hint=f"It has: {names}.")
            # Beside what `load_kube_config` does, this reads the files once.
            loader = KubeConfigLoader(
                merged.config, wanted, config_base_path=None, config_persister=merged.save_changes
            )
            loader.load_and_set(self.configuration)
        except ConfigException as error:
            raise UsageError(
                f"cannot use the kubeconfig {path}: {error}",
                hint="Name one with --kubeconfig or KUBECONFIG, or choose a --context that is in it.",
            ) from error
        except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
            raise UsageError(
                f"cannot read the kubeconfig {path}: {_first_line(error)}",
                hint="Name another with --kubeconfig or KUBECONFIG.",
            ) from error
        return wanted, (contexts[wanted].get("context") or {}).get("namespace") or "default"


def _usual_kubeconfig() -> str:
    """Name the file that kubectl reads; where we have no home, as in a pod, that is nowhere."""
    usual = Path("~/.kube/config")
    try:
        return str(usual.expanduser())
    except RuntimeError:
        return str(usual)


def _current_context(merged: KubeConfigMerger) -> str | None:
    """Find the context that is current: that of the first file that names one, as kubectl has it.

    The official client lets the last one win, and an action would then go to another cluster than kubectl's.
    """
    for content in merged.config_files.values():
        if current := content.get("current-context"):
            return str(current)
    return None


def _first_line(error: Exception) -> str:
    said = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _own_namespace() -> str:
    mounted = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
    return mounted.read_text(encoding="utf-8").strip() if mounted.exists() else "default"
