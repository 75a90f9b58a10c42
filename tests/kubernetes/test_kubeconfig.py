"""What the kubeconfig knows, before anybody logs in; and logins by several threads."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client
from kubernetes.config import kube_config

from remediator.errors import UsageError
from remediator.kubernetes import kubeconfig
from remediator.kubernetes.kubeconfig import check_contexts, load


def written(path: Path, *contexts: str, **user: Any) -> Path:
    """Write a kubeconfig whose contexts share a cluster, with its certificate, and a user."""
    trusted = base64.b64encode(b"a certificate").decode()
    cluster = {"server": "https://127.0.0.1:9", "certificate-authority-data": trusted}
    content = {
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": each, "context": {"cluster": "c", "user": "u"}} for each in contexts],
    }
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def test_contexts_are_looked_up_without_a_login(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [str(mark)]}
    path = written(tmp_path / "config", "a", "b", exec=plugin)
    check_contexts(path, ["a", "b"])
    with pytest.raises(UsageError, match="no context 'c' in the kubeconfig") as raised:
        check_contexts(path, ["a", "c"])
    assert raised.value.hint == "It has: a, b."
    assert not mark.exists()


def test_contexts_of_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no kubeconfig at"):
        check_contexts(tmp_path / "absent", ["a"])
    (tmp_path / "broken").write_text("contexts: 7\n", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot read the kubeconfig"):
        check_contexts(tmp_path / "broken", ["a"])


def test_certificates_are_written_by_one_thread_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another with the same content would be given a file that is not written yet."""
    write, locked = kube_config._create_temp_file_with_content, []

    def watched(*content: Any, **more: Any) -> Any:
        locked.append(kubeconfig._Loader._writing.locked())
        return write(*content, **more)

    monkeypatch.setattr(kube_config, "_create_temp_file_with_content", watched)
    configuration = client.Configuration()
    assert load(str(written(tmp_path / "config", "a", token="t")), "a", configuration) == ("a", "default")
    assert locked
    assert all(locked)
    assert not kubeconfig._Loader._writing.locked()
