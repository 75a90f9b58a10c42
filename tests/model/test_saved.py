"""A backup is of the object that was meant, or it is none."""

from __future__ import annotations

import json

import pytest

from remediator.model.resource import Ref
from remediator.model.saved import why_not_of

REF = Ref("shop", "checkout", "0a1b2c3d")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (json.dumps({"metadata": {"uid": "0a1b2c3d", "name": "checkout"}}).encode(), ""),
        (b'{"metadata": {"uid": "another"}}', "what was read is another object"),
        (b'{"metadata": {}}', "what was read is another object"),
        (b"{}", "what was read is another object"),
        (b"[]", "what was read is no object"),
        (b"<html>", "what was read is no object"),
        (b'{"metadata": {"uid": "\xff"}}', "what was read is no object"),
        (b"[" * 100_000, "what was read is no object"),
    ],
)
def test_an_object_is_known_by_its_uid(content: bytes, why: str) -> None:
    assert why_not_of(REF, content) == why
