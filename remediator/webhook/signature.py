"""Signatures as Standard Webhooks has them (standardwebhooks.com), for which there are libraries in every language.

A header has one signature per secret, so that a secret can be replaced while both ends still know the former.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

_PREFIX = "whsec_"
_LEAST, _MOST = 24, 64
_MOST_SECRETS = 4


def secrets_in(text: str) -> tuple[bytes, ...]:
    """Read the secrets of a file, one a line. Raises ValueError, which never repeats what is there."""
    lines = text.split()
    if not 1 <= len(lines) <= _MOST_SECRETS:
        raise ValueError(f"expected 1 to {_MOST_SECRETS} secrets, one a line, but there are {len(lines)}")
    return tuple(_secret(each) for each in lines)


def signed(secrets: Iterable[bytes], ident: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Give the headers of a message that is sent at a moment, in seconds since 1970; its id is the same each time."""
    what = b".".join((ident.encode(), str(timestamp).encode(), body))
    signatures = [base64.b64encode(hmac.digest(each, what, hashlib.sha256)).decode() for each in secrets]
    headers = {"webhook-id": ident, "webhook-timestamp": str(timestamp)}
    return headers | ({"webhook-signature": " ".join(f"v1,{each}" for each in signatures)} if signatures else {})


def _secret(line: str) -> bytes:
    try:
        secret = base64.b64decode(line.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        secret = b""
    if not line.startswith(_PREFIX) or not _LEAST <= len(secret) <= _MOST:
        raise ValueError(
            f"a secret is {_PREFIX} and {_LEAST} to {_MOST} bytes in base64; "
            f"make one: echo {_PREFIX}$(openssl rand -base64 32)"
        )
    return secret
