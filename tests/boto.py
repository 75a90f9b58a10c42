"""Botocore's service models and handlers, read once: reading them takes longer than most tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.session
import pytest

from remediator.aws import clients


@contextmanager
def shared_models() -> Iterator[None]:
    """Let every session that the adapter makes use the same loader and built-in handlers; all else is its own."""
    first = botocore.session.Session()
    loader, handlers = first.get_component("data_loader"), first.get_component("event_emitter")

    def session(botocore_session: botocore.session.Session | None = None, **options: Any) -> boto3.Session:
        core = botocore_session or botocore.session.Session(event_hooks=copy(handlers), include_builtin_handlers=False)
        core.register_component("data_loader", loader)
        return boto3.Session(botocore_session=core, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clients, "boto3", SimpleNamespace(Session=session))
        yield
