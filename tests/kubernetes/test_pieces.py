"""A long list is cut into its items, however it comes and whatever is in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.errors import ClusterError
from remediator.kubernetes.answers import ListMeta
from remediator.kubernetes.pieces import items

API_VERSION = "lambda.services.k8s.aws/v1alpha1"
# What an item looks like from without, where it lies within another, or in a text.
LIKENESS: dict[str, Any] = {"apiVersion": API_VERSION, "kind": "Function", "metadata": {}}
LIKE_A_CUT = '},{"apiVersion":"lambda.services.k8s.aws/v1alpha1","kind":"Function","metadata":{'

texts = st.text(max_size=8) | st.sampled_from([LIKE_A_CUT, '"items":[', "]}", "\\", '"', "\u2028", "ß"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts | st.just([LIKENESS, LIKENESS, {"metadata": {}}]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.builds(lambda more: LIKENESS | {"metadata": {}} | more, st.dictionaries(texts, values, max_size=4))


def written(found: Iterable[Any], *, separators: tuple[str, str] = (",", ":"), **metadata: Any) -> bytes:
    """Write a list as an API server does, its words in the order of the alphabet."""
    whole = {"apiVersion": API_VERSION, "items": list(found), "kind": "FunctionList", "metadata": metadata}
    return json.dumps(whole, separators=separators).encode()


def cut(content: bytes, sizes: Iterable[int]) -> Iterator[bytes]:
    """Let it come in pieces of these sizes, and the rest at once."""
    for size in sizes:
        yield content[:size]
        content = content[size:]
    yield content


def read(content: bytes) -> Any:
    """Read an item, or say that it is none; a number is never what is wanted."""
    try:
        found = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return "no JSON"
    return "a number in the wrong place" if found.get("wrong") else found


def taken(pieces: Iterable[bytes]) -> tuple[list[Any], ListMeta]:
    found: list[Any] = []
    coming = items(pieces, read)
    while True:
        try:
            found.append(next(coming))
        except StopIteration as end:
            return found, end.value


@given(st.lists(objects, max_size=12), st.lists(st.integers(0, 6000), max_size=12), st.booleans())
def test_every_item_is_yielded_once_and_as_it_was(found: list[Any], sizes: list[int], spaced: bool) -> None:
    content = written(found, separators=(", ", ": ") if spaced else (",", ":"), **{"continue": "more"})
    assert taken(cut(content, sizes)) == (found, ListMeta(next="more"))


def long(number: int, **more: Any) -> dict[str, Any]:
    """An item of which two fill what is looked at first."""
    return LIKENESS | {"metadata": {"name": f"f-{number}"}, "spec": {"filling": "x" * 2500}} | more


def test_items_come_before_the_list_has_ended() -> None:
    content = written([long(number) for number in range(9)])
    pieces = cut(content, [len(content) // 3] * 2)
    coming: Iterator[Any] = items((each for each in pieces), read)
    assert [next(coming)["metadata"]["name"] for _ in range(2)] == ["f-0", "f-1"]
    assert next(pieces), "and the rest has not been asked for"


def test_owners_that_look_like_it_are_no_work() -> None:
    """Each cut that turns out to be none is a second reading of all that came before it."""
    owned = [{"apiVersion": API_VERSION, "kind": "Function", "name": f"o-{number}"} for number in range(2000)]
    content = written([long(number, metadata={"name": f"f-{number}", "ownerReferences": owned}) for number in range(4)])
    count = 0

    def counted(item: bytes) -> Any:
        nonlocal count
        count += 1
        return read(item)

    assert len(list(items(cut(content, [5000] * 100), counted))) == count == 4


@pytest.mark.parametrize("step", [1, 7, 100, 4096, 1 << 16])
def test_what_looks_like_the_end_of_an_item_is_no_end(step: int) -> None:
    owned = [LIKENESS | {"uid": str(number)} for number in range(3)]
    found = [long(number, owners=owned, text=LIKE_A_CUT) for number in range(5)]
    content = written(found, remainingItemCount=3)
    assert taken(cut(content, [step] * (len(content) // step))) == (found, ListMeta(remaining=3))


def test_one_that_cannot_be_read_ends_nothing() -> None:
    found = [long(0), long(1, wrong=True), long(2)]
    told, _ = taken(cut(written(found), [5000, 5000]))
    assert told == [found[0], "a number in the wrong place", found[2]]


def test_words_in_another_order_are_read_too() -> None:
    found = [long(0), {"kind": "Function", "apiVersion": API_VERSION, "x": "y" * 5000}, long(2), long(3)]
    assert taken(cut(written(found), [5000] * 3))[0] == found
    turned = [dict(reversed(each.items())) for each in found]
    assert taken(cut(written(turned), [5000] * 3))[0] == turned


@pytest.mark.parametrize("content", [b'{"items":null}', b'{"items":[]}', b'{"items":[],"metadata":{}}'])
def test_an_empty_list_has_nothing_in_it(content: bytes) -> None:
    assert taken([content]) == ([], ListMeta())


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"items":[{]}', b"[]", b'{"metadata":{}}'])
def test_what_is_no_list_is_refused(content: bytes) -> None:
    with pytest.raises(ClusterError, match="makes no sense"):
        taken([content])


def test_a_list_that_ends_in_the_middle_is_refused_after_what_came() -> None:
    content = written([long(number) for number in range(6)])
    coming: Iterator[Any] = items(cut(content[:-40], [6000, 6000]), read)
    assert [next(coming)["metadata"]["name"] for _ in range(3)] == ["f-0", "f-1", "f-2"]
    with pytest.raises(ClusterError, match="makes no sense"):
        list(coming)
