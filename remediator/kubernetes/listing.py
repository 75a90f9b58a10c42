"""Lists of ACK's objects, in one answer or page by page, each object read as it comes and not kept.

One answer is what costs a server least that writes it as it goes, and reads it from its watch cache (Kubernetes 1.33
and newer, KEP-5116): a quarter of the CPU, and of the time, of pages, of which it reads all but the first from etcd.
An older one would put the whole answer together in memory first: there it is pages. A list as a watch costs the same,
comes uncompressed, takes the right to watch, and tells of changes in between, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar
from urllib.parse import quote

from msgspec import Struct

from remediator.errors import ClusterError, NotServed
from remediator.kubernetes.pieces import Page, items
from remediator.kubernetes.transport import Expired, Transport, decoded
from remediator.model.kind import FUNCTION, Kind
from remediator.model.resource import FUNCTION_GROUP

API = f"/apis/{FUNCTION_GROUP}/v1alpha1"
_PAGE = 500
_STREAMS = (1, 33)  # the first release that writes a list as it goes
_EXPIRES = 5  # times; each is minutes after the one before
_DIGITS = re.compile(r"[0-9]{1,6}")

T = TypeVar("T")


class Lists:
    """The lists of one scope: a namespace, or None for all; a label selector as kubectl takes it.

    `whole`: whether the server is asked for a list in one answer; None: its version decides.
    """

    def __init__(
        self, transport: Transport, namespace: str | None, selector: str | None, *, whole: bool | None = None
    ) -> None:
        self._transport = transport
        self._where = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
        self._query: dict[str, str | int] = {"labelSelector": selector} if selector else {}
        self._whole = whole

    def of(self, kind: Kind, read: Callable[[bytes], T | str]) -> Generator[T | str, None, str]:
        """Yield what `read` makes of each object of a kind; a string says which it cannot read.

        Return in a sentence what was not seen where the list broke off after some came, and raise ClusterError where
        none did.
        """
        so_far = _SoFar()
        try:
            yield from (self._in_one if self._streams() else self._in_pages)(kind, read, so_far)
        except ClusterError as error:
            if not so_far.seen:
                raise (unknown(kind) if isinstance(error, NotServed) and kind.name == FUNCTION else error) from error
            why = f"{error.message.rstrip('.')}. {error.hint}".rstrip()
            return f"the list of {several(kind)} broke off after {so_far}: {why}"
        return ""

    def _in_one(self, kind: Kind, read: Callable[[bytes], T | str], so_far: _SoFar) -> Iterator[T | str]:
        with self._transport.streamed(f"{API}{self._where}/{kind.plural}", self._query) as pieces:
            for each in items(pieces, read):
                so_far.seen += 1
                yield each

    def _in_pages(self, kind: Kind, read: Callable[[bytes], T | str], so_far: _SoFar) -> Iterator[T | str]:
        """Fetch page by page; go on where a token expired, in the list as it is by then.

        Keys come in their order, so that nothing is seen twice; what was changed meanwhile is seen as it is or was.
        """
        query = self._query | {"limit": _PAGE}
        expired = 0
        while True:
            try:
                page = decoded(self._transport.get(f"{API}{self._where}/{kind.plural}", query), Page)
            except Expired as error:
                expired += 1
                if not error.next or expired > _EXPIRES:
                    raise
                query["continue"] = error.next
                continue
            so_far.remaining = page.metadata.remaining
            for each in page.items or ():
                so_far.seen += 1
                yield read(bytes(each))
            if not page.metadata.next:
                return
            query["continue"] = page.metadata.next

    def _streams(self) -> bool:
        """Whether the server writes a list as it goes. One that does not say how old it is may be any."""
        if self._whole is None:
            try:
                told = decoded(self._transport.get("/version"), _Version)
            except ClusterError:
                return False
            self._whole = (_number(told.major), _number(told.minor)) >= _STREAMS
        return self._whole


class _SoFar:
    """How much of a list was seen, and how much is about to follow, as far as the server told."""

    def __init__(self) -> None:
        self.seen = 0
        self.remaining: int | None = None

    def __str__(self) -> str:
        return f"{self.seen} of about {self.seen + self.remaining}" if self.remaining else str(self.seen)


class _Version(Struct, frozen=True):
    major: str = ""
    minor: str = ""


def _number(text: str) -> int:
    """Read the number that a part of a version begins with, such as `33+`."""
    found = _DIGITS.match(text)
    return int(found[0]) if found else 0


def unknown(kind: Kind) -> ClusterError:
    """Say that a cluster does not know a kind."""
    return ClusterError(
        f"this cluster does not know {kind.collection}",
        hint="Is ACK's lambda-controller installed here (its CRDs), and is this the right --context?",
    )


def several(kind: Kind) -> str:
    """Name more than one of a kind."""
    return f"{kind.name}es" if kind.name.endswith("s") else f"{kind.name}s"
