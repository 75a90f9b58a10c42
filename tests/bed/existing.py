"""A cluster that is there already, such as one of kind: nobody else may work in it, and it goes after the tests."""

import base64
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

import pytest
from ruamel.yaml import YAML

from remediator.sandbox.clock import SandboxClock
from tests.bed.api import Api
from tests.bed.plane import Plane


class Existing(Plane):
    """The cluster of a kubeconfig, whose user has a token and may do everything.

    Unlike a control plane of one's own it has controllers: namespaces go away, and owners take along what they own.
    What tests leave in it stays.
    """

    def __init__(self, kubeconfig: Path, folder: Path, clock: SandboxClock) -> None:
        super().__init__(folder, clock)
        config = YAML(typ="safe").load(kubeconfig.read_text(encoding="utf-8"))
        context = _named(config["contexts"], config["current-context"])["context"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        self.url = cluster["server"]
        self.certificate = folder / "ca.crt"
        self.certificate.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
        self.admin_token = _named(config["users"], context["user"])["user"]["token"]
        self.admin = Api(self.url, self.certificate, self.admin_token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.admin.__exit__()

    def compact(self) -> None:
        """Skip the test: nobody gets at the etcd of others."""
        pytest.skip("cannot compact the etcd of a cluster that is there already")

    def overloaded(self, user: str) -> AbstractContextManager[None]:
        """Skip the test: who has seats is for the cluster's own administrators to say."""
        pytest.skip("cannot take seats away in a cluster that is there already")


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(each for each in entries if each["name"] == name)
