"""A cluster with a place for records, for daemons in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from remediator.sandbox.clock import SandboxClock
from tests import yaml_files
from tests.cli.shop import Shop, machine, models_read_once, open_shop

__all__ = ["machine", "models_read_once"]

_CRD = Path(__file__).parents[2] / "manifests" / "base" / "crd-remediations.yaml"


@pytest.fixture
def shop(models_read_once: None, machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A shop in real time, whose home namespace takes records."""
    with open_shop(tmp_path, monkeypatch, SandboxClock()) as made:
        made.api.seed(yaml_files.read(_CRD))
        made.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ack-remediator"}})
        yield made
