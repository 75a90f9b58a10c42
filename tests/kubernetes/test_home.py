"""Where the remediator keeps its records."""

from __future__ import annotations

from pathlib import Path

import pytest

from remediator.kubernetes.home import home_namespace


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    """What a pod finds of its ServiceAccount."""
    path = tmp_path / "namespace"
    path.write_text("of-the-account\n")
    return path


@pytest.mark.parametrize("own", ["", "of-the-pod"])
def test_a_flag_beats_all(monkeypatch: pytest.MonkeyPatch, mounted: Path, own: str) -> None:
    monkeypatch.setenv("POD_NAMESPACE", own)
    assert home_namespace("given", mounted) == "given"


def test_the_pods_own_namespace_is_next(monkeypatch: pytest.MonkeyPatch, mounted: Path) -> None:
    monkeypatch.setenv("POD_NAMESPACE", "of-the-pod")
    assert home_namespace(None, mounted) == "of-the-pod"


def test_then_that_of_its_service_account(monkeypatch: pytest.MonkeyPatch, mounted: Path) -> None:
    monkeypatch.delenv("POD_NAMESPACE", raising=False)
    assert home_namespace(None, mounted) == "of-the-account"


def test_a_person_finds_the_records_where_the_manifests_put_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("POD_NAMESPACE", raising=False)
    assert home_namespace(None, tmp_path / "absent") == "ack-remediator"
