"""Lists of ACK's objects, page by page, each object read as it comes and not kept.

How long a page should be is the server's matter. Since Kubernetes 1.34 it reads the first from its watch cache
(KEP-4988, ListFromCacheSnapshot), and the others, too, unless nothing was written for some minutes: those then come
from etcd, at four times the cost. So a page is long; but not the whole of a large list, of which the server would hold
a copy meanwhile, 34 KB for each Function. An older server reads every page from etcd, and puts its JSON together in
memory before it writes any of it (docs/performance.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import TypeVar
from urllib.parse import quote

from msgspec import Struct

from remediator.errors import ClusterError, NotServed
from remediator.kubernetes.answers import ListMeta
from remediator.kubernetes.pieces import items
from remediator.kubernetes.transport import Expired, Transport, decoded
from remediator.model.kind import FUNCTION, Kind
from remediator.model.resource import FUNCTION_GROUP

API = f"/apis/{FUNCTION_GROUP}/v1alpha1"
_PAGE = 500
_LONG_PAGE = 10_000
_FROM_CACHE = (1, 34)  # the first release that reads pages from its watch cache
_EXPIRES = 5  # times; each is minutes after the one before
_DIGITS = re.compile(r"[0-9]{1,6}")

T = TypeVar("T")


class Lists:
    """The lists of one scope: a namespace, or None for all; a label selector as kubectl takes it.

    `page`: how many objects are asked for at a time; None: the server's version decides.
    """

    def __init__(
        self, transport: Transport, namespace: str | None, selector: str | None, *, page: int | None = None
    ) -> None:
        self._transport = transport
        self._where = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
        self._query: dict[str, str | int] = {"labelSelector": selector} if selector else {}
        self._page = page

    def of(self, kind: Kind, read: Callable[[bytes], T | str]) -> Generator[T | str, None, str]:
        """Yield what `read` makes of each object of a kind; a string says which it cannot read.

        Return in a sentence what was not seen where the list broke off after some came, and raise ClusterError where
        none did.
        """
        so_far = _SoFar()
        try:
            yield from self._pages(kind, read, so_far)
        except ClusterError as error:
            if not so_far.seen:
                raise (unknown(kind) if isinstance(error, NotServed) and kind.name == FUNCTION else error) from error
            why = f"{error.message.rstrip('.')}. {error.hint}".rstrip()
            return f"the list of {several(kind)} broke off after {so_far}: {why}"
        return ""

    def _pages(self, kind: Kind, read: Callable[[bytes], T | str], so_far: _SoFar) -> Iterator[T | str]:
        """Fetch page by page; go on where a token expired, in the list as it is by then.

        Keys come in their order, so that nothing is seen twice; what was changed meanwhile is seen as it is or was.
        """
        query = self._query | {"limit": self._length()}
        expired = 0
        while True:
            try:
                page = yield from self._one(f"{API}{self._where}/{kind.plural}", query, read, so_far)
            except Expired as error:
                expired += 1
                if not error.next or expired > _EXPIRES:
                    raise
                query["continue"] = error.next
                continue
            so_far.remaining = page.remaining
            if not page.next:
                return
            query["continue"] = page.next

    def _one(
        self, path: str, query: Mapping[str, str | int], read: Callable[[bytes], T | str], so_far: _SoFar
    ) -> Generator[T | str, None, ListMeta]:
        with self._transport.streamed(path, query) as pieces:
            coming = items(pieces, read)
            while True:
                try:
                    each = next(coming)
                except StopIteration as end:
                    meta: ListMeta = end.value
                    return meta
                so_far.seen += 1
                yield each

    def _length(self) -> int:
        """Say how long a page should be. A server that does not say how old it is may be any."""
        if self._page is None:
            try:
                told = decoded(self._transport.get("/version"), _Version)
            except ClusterError:
                return _PAGE
            recent = (_number(told.major), _number(told.minor)) >= _FROM_CACHE
            self._page = _LONG_PAGE if recent else _PAGE
        return self._page


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
