"""A long list as it comes: cut into its items, each read and let go before the next.

A list of ten thousand objects is forty megabytes of JSON, and no decoder reads half of it. But where one item ends and
the next begins is seen from their first words, which are the same in all of them, and whether a cut was right is seen
from what is before it: no beginning of a JSON object is a whole one, so that what is whole is just one item.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain
from typing import TypeVar

import msgspec

from remediator.kubernetes.answers import MALFORMED, ListMeta, Page
from remediator.kubernetes.transport import decoded

_ITEMS = re.compile(rb'"items"\s*:\s*\[\s*')
# As far as `metadata`: an object can have thousands of owners, each of which begins with a version and a kind.
_BEGINNING = re.compile(rb'\{"apiVersion":"[^"\\]*","kind":"[^"\\]*","metadata":\{')
# The list's own words come to less, and so does the beginning of an item.
_SEEN_FIRST = 4096

T = TypeVar("T")


def items(pieces: Iterable[bytes], read: Callable[[bytes], T | str]) -> Generator[T | str, None, ListMeta]:
    """Yield what `read` makes of each item of a list, in order, and return the list's metadata.

    `read` says in a sentence what is wrong with an item that it cannot read. Raises ClusterError where the list is not
    JSON, or none of a list; what was yielded before that was in it.
    """
    coming = iter(pieces)
    begun = _first(coming)
    start = _start(begun)
    if start is None:
        # Another order of words than Kubernetes' own: it is read at once, whatever room that takes.
        return (yield from _at_once(b"".join((begun, *coming)), read))
    opening, beginning, body = start
    between = b"}," + beginning
    held = b""
    for piece in chain((b"",), coming):  # what is there is cut before more is waited for
        body += piece
        *whole, body = body.split(between)
        for each in whole:
            item = held + beginning + each + b"}"
            found = read(item)
            if isinstance(found, str) and not _is_whole(item):
                held = item + b","  # the words were those of something within the item
                continue
            held = b""
            yield found
    return (yield from _at_once(opening + held + beginning + body, read))


def _first(coming: Iterator[bytes]) -> bytes:
    """Take as much as the list's own words and the beginning of an item come to, if there is as much."""
    begun = b""
    for piece in coming:
        begun += piece
        if len(begun) >= _SEEN_FIRST:
            break
    return begun


def _start(begun: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Take apart what comes before the items, the words that each begins with, and what follows; None: there are none.

    Before the items there is nothing but words of the server's, and what it counts: no text that could hold any.
    """
    found = _ITEMS.search(begun)
    beginning = _BEGINNING.match(begun, found.end()) if found else None
    if found is None or beginning is None:
        return None
    return begun[: found.end()], beginning[0], begun[beginning.end() :]


def _at_once(content: bytes, read: Callable[[bytes], T | str]) -> Generator[T | str, None, ListMeta]:
    page = decoded(content, Page)
    for each in page.items or ():
        yield read(bytes(each))
    return page.metadata


def _is_whole(content: bytes) -> bool:
    try:
        msgspec.json.decode(content, type=msgspec.Raw)
    except MALFORMED:
        return False
    return True
