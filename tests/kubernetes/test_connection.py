"""Which cluster: the kubeconfig, as kubectl reads it, or the pod's own."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import yaml
from urllib3.util.ssl_ import create_urllib3_context

from remediator.errors import Unreachable, UsageError
from remediator.kubernetes.connection import Connection
from remediator.kubernetes.transport import Transport
from remediator.sandbox.apiserver import ApiServer
from tests.kubernetes.conftest import write_kubeconfig
from tests.tls import Authority
from tests.wire import Wire, answer

# ---- which cluster ---------------------------------------------------------------------------------------------------


def test_without_any_kubeconfig_it_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        Connection(None, None)
    assert str(tmp_path / "home/.kube/config") in raised.value.message
    assert "--kubeconfig" in raised.value.hint
    assert raised.value.exit_code == 2


def test_a_user_without_a_home_is_told_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a pod: its user is a number that no passwd knows."""

    def no_home(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", no_home)
    with pytest.raises(UsageError, match=r"there is no kubeconfig at ~/\.kube/config"):
        Connection(None, None)


def test_a_kubeconfig_that_is_named_and_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="absent"):
        Connection(tmp_path / "absent", None)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("clusters: [}", id="broken YAML"),
        pytest.param("", id="empty"),
        pytest.param("- a\n- list\n", id="a list"),
        pytest.param("just words", id="a string"),
        pytest.param("\t\ttabs: 1", id="tabs"),
        pytest.param("contexts: 7\n", id="contexts are a number"),
        pytest.param("contexts: [{name: a}]\ncurrent-context: a\n", id="a context without content"),
        pytest.param(
            "contexts: [{name: a, context: {cluster: c, user: u}}]\ncurrent-context: a\n", id="no such cluster"
        ),
        pytest.param("apiVersion: v1\nkind: Config\ncontexts: []\n", id="no current context"),
        pytest.param("a: \x00b", id="a control character"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_a_usage_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        Connection(path, None)
    assert "kubeconfig" in raised.value.message
    assert str(path) in raised.value.message


def test_a_kubeconfig_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "binary"
    path.write_bytes(b"\xff\xfe\x00\x9f")
    with pytest.raises(UsageError, match="cannot read the kubeconfig"):
        Connection(path, None)


def test_a_directory_is_no_kubeconfig(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the kubeconfig"):
        Connection(tmp_path, None)


def test_an_unknown_context_is_answered_with_those_that_there_are(kubeconfig: Path) -> None:
    with pytest.raises(UsageError) as raised:
        Connection(kubeconfig, "produktion")
    assert "produktion" in raised.value.message
    assert "shop-cluster" in raised.value.hint


def test_the_context_gives_server_and_namespace(kubeconfig: Path, api: ApiServer) -> None:
    connection = Connection(kubeconfig, None)
    assert (connection.context, connection.namespace, connection.server) == ("shop-cluster", "shop", api.url)


def test_a_context_without_namespace_means_default(tmp_path: Path) -> None:
    connection = Connection(write_kubeconfig(tmp_path / "k", "http://127.0.0.1:1"), None)
    assert connection.namespace == "default"


def test_KUBECONFIG_is_read_when_it_is_needed(  # noqa: N802 - the variable's own spelling
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The official client reads the variable once, when it is imported: long before a caller may set it."""
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    assert Connection(None, None).context == "shop-cluster"


def test_a_flag_beats_the_environment(kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(write_kubeconfig(tmp_path / "other", "http://127.0.0.1:1")))
    assert Connection(kubeconfig, None).context == "shop-cluster"


def test_several_files_are_one_kubeconfig(kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for kubectl: the first file says what is current, and files that are not there do not matter."""
    other = write_kubeconfig(tmp_path / "other", "http://127.0.0.1:1", context="other")
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(tmp_path / "absent"), str(kubeconfig), str(other)]))
    assert Connection(None, "other").server == "http://127.0.0.1:1"
    assert Connection(None, "shop-cluster").namespace == "shop"


def test_the_first_of_several_files_says_what_is_current(
    kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write_kubeconfig(tmp_path / "other", "http://127.0.0.1:1", context="other")
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(kubeconfig), str(other)]))
    assert Connection(None, None).context == "shop-cluster"


def test_a_context_that_is_named_needs_no_current_one(kubeconfig: Path) -> None:
    content = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    del content["current-context"]
    kubeconfig.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert Connection(kubeconfig, "shop-cluster").context == "shop-cluster"
    with pytest.raises(UsageError, match="has no current context") as raised:
        Connection(kubeconfig, None)
    assert raised.value.hint == "Choose one with --context; it has: shop-cluster."


def test_a_file_is_parsed_once(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reading is a tenth of a second of every command, where a hundred clusters are in it."""
    parse = Mock(wraps=yaml.safe_load)
    monkeypatch.setattr(yaml, "safe_load", parse)
    Connection(kubeconfig, None)
    parse.assert_called_once()


# ---- in a cluster ----------------------------------------------------------------------------------------------------


def test_in_a_pod_its_service_account_is_used(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kubernetes.config import incluster_config

    token = tmp_path / "token"
    token.write_text("pod-token", encoding="utf-8")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(authority.ca))
    with Wire(answer(200, {"items": []}), tls=authority.server) as wire:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(wire.port))
        connection = Connection(None, None)
        assert connection.context == "in-cluster"
        Transport(connection).get("/api/v1/namespaces")
    assert wire.heard[0].headers["authorization"].lower() == "bearer pod-token"


def test_an_authority_that_names_no_key_is_trusted_where_strict_checks_are_the_default(
    plain_authority: Authority, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with EKS, from Python 3.13 on. One that we do not trust stays so."""

    def strict(**settings: Any) -> ssl.SSLContext:
        context = create_urllib3_context(**settings)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr("remediator.kubernetes.transport.create_urllib3_context", strict)
    with Wire(answer(200, {"items": []}), answer(200, {"items": []}), tls=plain_authority.server) as wire:
        address = f"https://127.0.0.1:{wire.port}"
        trusting = write_kubeconfig(tmp_path / "trusting", address, ca=plain_authority.ca)
        assert Transport(Connection(trusting, None)).get("/api/v1/namespaces")
        other = write_kubeconfig(tmp_path / "other", address, ca=authority.ca)
        with pytest.raises(Unreachable, match="certificate"):
            Transport(Connection(other, None)).get("/api/v1/namespaces")


def test_in_a_pod_a_kubeconfig_still_wins(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "1")
    assert Connection(kubeconfig, None).context == "shop-cluster"


def test_in_a_pod_without_its_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kubernetes.config import incluster_config

    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "absent"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "1")
    with pytest.raises(UsageError, match="token"):
        Connection(None, None)
