"""Long lists, page by page."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from remediator.kubernetes.answers import Page
from remediator.kubernetes.transport import Expired, Transport, decoded

_PAGE = 500
_RESTARTS = 2


def listed(transport: Transport, path: str) -> list[msgspec.Raw]:
    """Read a whole collection or raise ClusterError; one that took longer than etcd remembers is begun anew."""
    for _ in range(_RESTARTS):
        try:
            return list(pages(transport, path))
        except Expired:
            continue
    return list(pages(transport, path))


def pages(transport: Transport, path: str) -> Iterator[msgspec.Raw]:
    """Read a collection page by page; raise ClusterError where one fails, Expired where it takes too long."""
    query: dict[str, str | int] = {"limit": _PAGE}
    while True:
        page = decoded(transport.get(path, query), Page)
        yield from page.items or ()
        if not page.metadata.next:
            return
        query["continue"] = page.metadata.next
