"""Which image a release runs: by its name and its digest, so that what runs stays the same."""

from __future__ import annotations

import re

import msgspec

from release.version import NotReady


class Image(msgspec.Struct, frozen=True):
    """A pushed image: `name` has its registry and no tag, `digest` is `sha256:` and 64 hex digits."""

    name: str
    digest: str


def of(name: str, digest: str) -> Image:
    """Answer the image of this name and digest. Raises `NotReady` where they cannot be of one."""
    if not re.fullmatch(r"[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)+", name):
        raise NotReady(f"the image is {name!r}; name it with its registry, in lower case and without a tag")
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise NotReady(f"the digest of the image is {digest!r}; it should be sha256: and 64 hex digits")
    return Image(name, digest)
