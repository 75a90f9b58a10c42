"""The image of this checkout, built once for all of these tests, and a cluster for what runs in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from remediator.sandbox.clock import SandboxClock
from tests import yaml_files
from tests.cli.shop import Shop, machine, models_read_once, open_shop
from tests.image import building
from tests.image.building import Store, Unable
from tests.image.container import Image

__all__ = ["machine", "models_read_once"]

ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount"  # where /var/run leads to
POLICY = "/etc/ack-remediator"
_CRD = next((building.CHECKOUT / "manifests").rglob("crd-remediations.yaml"))
_EPOCH = 1_700_000_000


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A place for images, with the base in it."""
    made = Store(tmp_path_factory.mktemp("images") / "all")
    try:
        building.need_tools()
        made.base(building.stand_in())
    except Unable as reason:
        pytest.exit(f"cannot check the image: {reason}", returncode=2)
    yield made
    made.clear()


@pytest.fixture(scope="session")
def built(store: Store) -> str:
    """The name of the image."""
    store.build("ack-remediator:check", epoch=_EPOCH)
    return "ack-remediator:check"


@pytest.fixture(scope="session")
def again(store: Store, built: str) -> str:
    """The name of the image that comes of building it once more, from nothing."""
    store.build("ack-remediator:again", epoch=_EPOCH)
    return "ack-remediator:again"


@pytest.fixture
def image(store: Store, built: str) -> Image:
    """The image, to be run; what a test provides it with is there for that test only."""
    return Image(store.mounted(built), store.described(built))


@pytest.fixture
def shop(
    image: Image, models_read_once: None, machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    """A cluster that the container lives in: it has a ServiceAccount's token, and the policy where a pod has it."""
    with open_shop(tmp_path, monkeypatch, SandboxClock()) as made:
        made.api.seed(yaml_files.read(_CRD))
        made.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ack-remediator"}})
        made.furnish()
        account = {"token": made.api.token, "namespace": "ack-remediator", "ca.crt": made.certificate.read_text()}
        image.provide(ACCOUNT, account)
        image.provide(POLICY, {"policy.yaml": made.policy.read_text(encoding="utf-8")})
        yield made
