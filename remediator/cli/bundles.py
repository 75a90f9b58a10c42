"""What `remediator collect` writes and `remediator diagnose` reads back: one resource, with all that is known of it.

A gzipped tar archive. `bundle.json` has everything; the other files are for people. The same bundle is the same bytes.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from remediator.errors import InputError
from remediator.model.applied import with_owners
from remediator.model.log import ControllerLog
from remediator.model.observation import Observation

API_VERSION = "ack-remediator.dev/v1alpha1"
KIND = "Bundle"
GZIP = b"\x1f\x8b"

_MEMBER = "bundle.json"
_LARGEST = 64 * 1024 * 1024  # bytes, unpacked
_WHOLE = "A bundle is what `remediator collect` wrote: send and save it as it is."


class Bundle(Struct, frozen=True, rename="camel", kw_only=True):
    """`bundle.json`.

    `object` is the resource as the API server has it, `observation` what else a diagnosis rests on, `explained` what
    `explain -o json` said, `episode` what is on record; secrets are masked in all of it.
    """

    api_version: str
    kind: str
    collected: datetime
    versions: dict[str, str]
    object: dict[str, Any]
    observation: dict[str, Any]
    explained: dict[str, Any]
    log: ControllerLog = ControllerLog()
    episode: dict[str, Any] | None = None

    def observed(self) -> Observation:
        """Put together what was seen, as it was seen; raise InputError where that makes no sense."""
        try:
            seen = msgspec.convert({**self.observation, "resource": self.object}, Observation)
            resource = with_owners(seen.resource, msgspec.json.encode(self.object))
            return msgspec.structs.replace(seen, resource=resource)
        except (msgspec.ValidationError, RecursionError) as error:
            raise InputError(f"the bundle's observation makes no sense: {error}", hint=_WHOLE) from error


def pack(files: Mapping[str, str], at: datetime) -> bytes:
    """Write an archive of texts, in their order; for its owner alone, and nobody's in particular."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, text in files.items():
            content = text.encode()
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(content), int(at.timestamp()), 0o600
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(written.getvalue(), mtime=0)


def unpack(filename: str, content: bytes) -> Bundle:
    """Read a bundle; raise InputError for what is none. Nothing is written to disk, and only so much is unpacked."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as zipped:
            plain = zipped.read(_LARGEST + 1)
        if len(plain) > _LARGEST:
            raise InputError(f"{filename}: is larger than any bundle, unpacked", hint=_WHOLE)
        with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
            member = archive.extractfile(_MEMBER)
            text = member.read() if member is not None else b""
    except (OSError, EOFError, zlib.error, tarfile.TarError, KeyError) as error:
        raise InputError(f"{filename}: is no bundle that can be unpacked: {error}", hint=_WHOLE) from error
    try:
        bundle = msgspec.json.decode(text, type=Bundle)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{filename}: its {_MEMBER} makes no sense: {error}", hint=_WHOLE) from error
    if (bundle.api_version, bundle.kind) != (API_VERSION, KIND):
        raise InputError(
            f"{filename}: is a {bundle.kind} of {bundle.api_version}, and no {KIND} of {API_VERSION}",
            hint="Is it from a newer remediator? Then diagnose it with that.",
        )
    return bundle
