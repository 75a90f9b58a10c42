"""Botocore's service models, read once: reading them takes longer than most tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.session
import pytest

from remediator.aws import clients


@contextmanager
def shared_models() -> Iterator[None]:
    """Let every session that the adapter makes use the same loader; all else of it is its own."""
    loader = botocore.session.get_session().get_component("data_loader")

    def session(**options: Any) -> boto3.Session:
        made = boto3.Session(**options)
        made._session.register_component("data_loader", loader)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clients, "boto3", SimpleNamespace(Session=session))
        yield
