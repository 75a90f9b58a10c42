"""Which clusters there are: the kubeconfig, as kubectl reads it, and its login."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client
from kubernetes.config.config_exception import ConfigException
from kubernetes.config.kube_config import KubeConfigLoader, KubeConfigMerger

from remediator.errors import UsageError


def path_of(named: Path | None) -> str:
    """Say which files are meant. Read now: the client reads KUBECONFIG once, when it is imported."""
    return str(named or os.environ.get("KUBECONFIG") or _usual_kubeconfig())


def exist(path: str) -> bool:
    """Whether one of the files is there, at least."""
    return any(Path(each).exists() for each in path.split(os.pathsep) if each)


def check_contexts(kubeconfig: Path | None, wanted: Sequence[str]) -> None:
    """Raise UsageError where the kubeconfig lacks one of these contexts; no plugin is run, and nobody asked."""
    path = path_of(kubeconfig)
    with told_of(path):
        _, contexts = _read(path)
        for each in wanted:
            _expect(each, contexts)


def load(path: str, context: str | None, configuration: client.Configuration) -> tuple[str, str]:
    """Log in as a context says, else as the current one; return its name, and its namespace. Raise UsageError."""
    with told_of(path):
        merged, contexts = _read(path)
        wanted = context or _current_context(merged)
        if wanted is None:
            raise UsageError(
                f"the kubeconfig {path} has no current context",
                hint=f"Choose one with --context; it has: {_listed(contexts)}.",
            )
        _expect(wanted, contexts)
        # Beside what `load_kube_config` does, this reads the files once.
        loader = _Loader(merged.config, wanted, config_base_path=None, config_persister=merged.save_changes)
        loader.load_and_set(configuration)
        return wanted, (contexts[wanted].get("context") or {}).get("namespace") or "default"


@contextmanager
def told_of(path: str) -> Iterator[None]:
    """Tell by its name what is wrong with a kubeconfig."""
    try:
        yield
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


class _Loader(KubeConfigLoader):
    """Load as the official client does, by several threads at once.

    It remembers in one dict for all which content it wrote to which file, and names a file there before it is written:
    another thread with the same certificate would read an empty one (kube_config.py, `_create_temp_file_with_content`).
    The login comes before that, without the lock: a plugin may take its time, or hang.
    """

    _writing = threading.Lock()

    def _load_cluster_info(self) -> None:
        with self._writing:
            super()._load_cluster_info()


def _read(path: str) -> tuple[KubeConfigMerger, dict[str, Any]]:
    """Read the files as one; return also its contexts by name."""
    if not exist(path):
        raise UsageError(
            f"there is no kubeconfig at {path}",
            hint="Name one with --kubeconfig or KUBECONFIG; inside a cluster none is needed.",
        )
    merged = KubeConfigMerger(path)
    return merged, {each.value["name"]: each.value for each in merged.config["contexts"]}


def _expect(wanted: str, contexts: Iterable[str]) -> None:
    if wanted not in contexts:
        raise UsageError(f"no context {wanted!r} in the kubeconfig", hint=f"It has: {_listed(contexts)}.")


def _listed(contexts: Iterable[str]) -> str:
    return ", ".join(contexts) or "none"


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
