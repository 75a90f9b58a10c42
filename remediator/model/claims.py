"""Which objects are for the same function: two owners of one overwrite each other for ever. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from remediator.model.resource import Ref, Resource


def claims(resources: Iterable[Resource]) -> Callable[[Resource], tuple[Ref, ...]]:
    """Make the way to find the other objects that name a Function's function; their places may yet differ."""
    by_name: defaultdict[str, list[Ref]] = defaultdict(list)
    for each in resources:
        if each.function_name:
            by_name[each.function_name].append(each.ref)

    def others(resource: Resource) -> tuple[Ref, ...]:
        found = by_name.get(resource.function_name, []) if resource.function_name else []
        return tuple(sorted(each for each in found if each != resource.ref))

    return others
