"""The form of a checksum."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.model.checksum import encoded, form_of

DIGEST = hashlib.sha256(b"a package").digest()


@given(st.binary(min_size=32, max_size=32))
def test_lambdas_form_of_any_digest_is_right(digest: bytes) -> None:
    assert form_of(encoded(digest)) == ("", base64.b64encode(digest).decode())


@given(st.binary(min_size=32, max_size=32))
def test_of_hex_the_form_that_was_meant_is_known(digest: bytes) -> None:
    assert form_of(digest.hex()) == form_of(digest.hex().upper()) == ("hex", encoded(digest))


@pytest.mark.parametrize(
    "stated",
    [
        "",
        "placeholder",
        encoded(DIGEST)[:-1],
        encoded(DIGEST) + "\n",
        base64.urlsafe_b64encode(b"\xff" * 32).decode(),
        base64.b64encode(hashlib.md5(b"a package").digest()).decode(),
        base64.b64encode(DIGEST.hex().encode()).decode(),
        "sha256:" + DIGEST.hex(),
        DIGEST.hex()[:-2],
        # The same 32 bytes, with one of the two bits set that nothing reads: another text, which never matches.
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=",
        "ÄÖÜ",
    ],
)
def test_anything_else_is_malformed(stated: str) -> None:
    assert form_of(stated) == ("malformed", None)
