"""A backup as it lies in the API server: one immutable Secret for each object and moment.

A Secret, because a function's environment is one. Its name follows from what is in it and when it was made, so that a
create whose answer was lost can be repeated: what is there under that name then is what we wrote.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import re
import zlib
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from remediator.errors import InputError, RemediatorError
from remediator.kubernetes.answers import MALFORMED
from remediator.kubernetes.remediation_object import GROUP, NAME_LABEL, NAMESPACE_LABEL, label
from remediator.model.resource import Ref
from remediator.model.times import format_micro_time

SECRET_TYPE = f"{GROUP}/backup"
KEY = "object.json.gz"
TARGET = f"{GROUP}/target"
SAVED_AT = f"{GROUP}/saved-at"
FORMAT = f"{GROUP}/backup-format"
CURRENT_FORMAT = "1"

# What a Secret may hold (kubernetes pkg/apis/core/types.go, MaxSecretSize); objects reach 1.5 MiB in etcd.
_MOST = 1024 * 1024
# An API object is never as large: more is a file of something else, or made to fill our memory.
_MOST_UNPACKED = 16 * 1024 * 1024
_GZIP = b"\x1f\x8b"

Json = dict[str, Any]


class Metadata(Struct, frozen=True, rename="camel"):
    """`metadata` of a Secret, as far as we use it."""

    name: str
    namespace: str = ""
    uid: str = ""
    creation_timestamp: str = ""
    annotations: dict[str, str] | None = None


class Stored(Struct, frozen=True):
    """One Secret as it was read."""

    metadata: Metadata
    type: str = ""
    data: dict[str, str] | None = None

    @property
    def annotations(self) -> dict[str, str]:
        return self.metadata.annotations or {}

    @property
    def saved_at(self) -> str:
        """When it was made: the API server's time, and ours within the same second."""
        return f"{self.metadata.creation_timestamp} {self.annotations.get(SAVED_AT, '')}"

    @property
    def reference(self) -> str:
        """What `remediator restore` takes."""
        return f"secret/{self.metadata.namespace}/{self.metadata.name}"


def collection(namespace: str) -> str:
    return f"/api/v1/namespaces/{quote(namespace, safe='')}/secrets"


def path(namespace: str, name: str) -> str:
    return f"{collection(namespace)}/{quote(name, safe='')}"


def labels(namespace: str, name: str) -> dict[str, str]:
    """Return what the backups of one object are found by; names that are too long for a label are cut."""
    return {NAMESPACE_LABEL: label(namespace), NAME_LABEL: label(name)}


def new_object(ref: Ref, content: bytes, at: datetime) -> Json:
    """Write the Secret as it is created; raise RemediatorError where the object is too large for one."""
    packed = gzip.compress(content, mtime=0)
    if len(packed) > _MOST:
        raise RemediatorError(
            f"cannot save {ref}: it is too large for a Secret, even compressed "
            f"({len(packed):,} bytes of {_MOST:,}); without a backup nothing is done",
            hint="Name a directory that you may write with --backups.",
        )
    moment = format_micro_time(at)
    mark = hashlib.sha256(moment.encode() + b"\0" + content).hexdigest()[:10]
    uid = re.sub("[^a-z0-9]", "", ref.uid.lower())[:8]
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": f"backup-function-{uid}-{at.astimezone(UTC):%Y%m%dt%H%M%Sz}-{mark}",
            "labels": labels(ref.namespace, ref.name),
            "annotations": {
                TARGET: f"function/{ref.namespace}/{ref.name}/{ref.uid}",
                SAVED_AT: moment,
                FORMAT: CURRENT_FORMAT,
            },
        },
        "type": SECRET_TYPE,
        "immutable": True,
        "data": {KEY: base64.b64encode(packed).decode()},
    }


def is_of(stored: Stored, namespace: str, name: str) -> bool:
    """Whether it is a backup of an object of that name: labels are cut, and anybody can set them."""
    target = f"function/{namespace}/{name}/"
    return stored.type == SECRET_TYPE and stored.annotations.get(TARGET, "").startswith(target)


def content_of(stored: Stored) -> bytes:
    """Return the object in a Secret; raise InputError where there is none that we can read."""
    called = f"Secret {stored.metadata.namespace}/{stored.metadata.name}"
    if stored.type != SECRET_TYPE:
        raise InputError(f"{called} is no backup: its type is {stored.type!r}", hint=f"Backups are {SECRET_TYPE}.")
    written = stored.annotations.get(FORMAT, CURRENT_FORMAT)
    if written != CURRENT_FORMAT:
        raise InputError(
            f"{called} has format {written!r}; this version reads format {CURRENT_FORMAT} only",
            hint="It was saved by a newer remediator: restore it with that one.",
        )
    encoded = (stored.data or {}).get(KEY)
    if encoded is None:
        raise InputError(f"{called} has no {KEY} in it", hint="Was it made by hand? Name another backup.")
    try:
        return unpacked(base64.b64decode(encoded, validate=True), called)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"{called}: {KEY} is not base64", hint="Name another backup.") from error


def unpacked(content: bytes, called: str) -> bytes:
    """Decompress what is compressed; raise InputError where it was cut off, damaged, or is far too large."""
    if content.startswith(_GZIP):
        stream = zlib.decompressobj(wbits=31)  # 31: gzip, with its checksum
        try:
            content = stream.decompress(content, _MOST_UNPACKED + 1)
        except zlib.error as error:
            raise InputError(f"{called} is damaged: {error}", hint="Name another backup.") from error
        if not stream.eof and len(content) <= _MOST_UNPACKED:
            raise InputError(f"{called} is cut off: its end is missing", hint="Copy it anew, or name another backup.")
    if len(content) > _MOST_UNPACKED:
        raise InputError(f"{called} is larger than any object of Kubernetes", hint="Name another backup.")
    return content


def read(content: bytes, called: str) -> Stored:
    """Read a Secret; raise InputError for what is none. No word of the content is repeated."""
    try:
        return msgspec.json.decode(content, type=Stored)
    except MALFORMED as error:
        raise InputError(f"{called} cannot be read: the API server's answer is no Secret") from error
