"""Which objects are for the same function: two owners of one overwrite each other for ever. Pure."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable

from remediator.model.resource import Ref, Resource

_BETWEEN = "\0"  # no name and no uid of an object has it
_AS_THEY_ARE = "surrogatepass"  # what somebody wrote for a function's name need not be text


class Claims:
    """The functions that objects name, as few bytes for each: nearly all of them are nobody else's, and are not kept.

    An object's names lie in one text after another; `_hashes` says which function each is for.
    """

    def __init__(self) -> None:
        self._hashes = array("q")
        self._ends = array("Q")
        self._named = bytearray()

    def take(self, resource: Resource) -> None:
        """Add the function that an object names, if it does."""
        name = resource.function_name
        if not name:
            return
        metadata = resource.metadata
        own = "" if name == metadata.name else name
        self._named += _BETWEEN.join((metadata.namespace, metadata.name, metadata.uid, own)).encode(errors=_AS_THEY_ARE)
        self._ends.append(len(self._named))
        self._hashes.append(hash(name))

    def of(self, resources: Iterable[Resource]) -> Callable[[Resource], tuple[Ref, ...]]:
        """Make the way to find the others that name the function of one of these; their places may yet differ."""
        wanted = {each.function_name for each in resources} - {""}
        hashes = {hash(each) for each in wanted}
        by_name: defaultdict[str, list[Ref]] = defaultdict(list)
        for index, found in enumerate(self._hashes):
            if found in hashes:
                name, ref = self._at(index)
                by_name[name].append(ref)

        def others(resource: Resource) -> tuple[Ref, ...]:
            found = by_name.get(resource.function_name, []) if resource.function_name else []
            return tuple(sorted(each for each in found if each != resource.ref))

        return others

    def _at(self, index: int) -> tuple[str, Ref]:
        begin = self._ends[index - 1] if index else 0
        text = self._named[begin : self._ends[index]].decode(errors=_AS_THEY_ARE)
        namespace, name, uid, own = text.split(_BETWEEN, 3)
        return own or name, Ref(namespace, name, uid)


def claims(resources: Iterable[Resource]) -> Callable[[Resource], tuple[Ref, ...]]:
    """Make the way to find, among what is at hand, the other objects that name a Function's function."""
    found, listed = Claims(), list(resources)
    for each in listed:
        found.take(each)
    return found.of(listed)
