"""The SHA-256 of a package as `spec.code.sha256` needs it: base64 of the 32 bytes, as Lambda's CodeSha256."""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple

_HEX_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_BYTES = 32


class Form(NamedTuple):
    """What is wrong with how a checksum is written (`hex`, `malformed`, or nothing), and what was meant, if known."""

    variant: str
    meant: str | None


def encoded(digest: bytes) -> str:
    """Write a digest as Lambda does."""
    return base64.b64encode(digest).decode()


def form_of(stated: str) -> Form:
    """Judge what stands in `spec.code.sha256`: ACK compares it with Lambda's letter by letter."""
    if _HEX_DIGEST.fullmatch(stated):
        return Form("hex", encoded(bytes.fromhex(stated)))
    try:
        digest = base64.b64decode(stated, validate=True)
    except (binascii.Error, ValueError):
        return Form("malformed", None)
    if len(digest) != _BYTES or encoded(digest) != stated:
        return Form("malformed", None)
    return Form("", stated)
