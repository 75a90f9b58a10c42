"""Which functions of AWS the objects of a cluster are for, so that what is left over is nobody's here. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import msgspec

from remediator.model.placement import Placement
from remediator.model.resource import ADOPTION_FIELDS, Ref, Resource, function_arn

Placed = tuple[Resource, Placement]


class Claim(NamedTuple):
    """A function by its name, and where ACK looks for it; None: that is not certain, so it can be anywhere."""

    name: str
    account: str | None
    region: str | None


def claims_of(resource: Resource, placement: Placement) -> Iterator[Claim]:
    """Yield every function that an object is, or may be, for: too many rather than too few.

    A recorded ARN is certain, whatever the spec says by now. Without one ACK asks by name, in the account and region
    of the placement; of an object that was never looked at a doubt about these leaves both open.
    """
    arn = resource.arn
    account, region = placement.account, placement.region
    if arn is not None:
        yield Claim(arn.name, arn.account, arn.region)
        account, region = arn.account, arn.region
    elif placement.unsure or placement.obstacle:
        account = region = None
    for name in (resource.function_name, _to_adopt(resource)):
        if name:
            yield Claim(name, account, region)


def claimed(placed: Iterable[Placed]) -> Callable[[str], Ref | None]:
    """Make the way to find the object that a function, by its ARN, is claimed by; None: no object here is for it."""
    by_arn: dict[str, Ref] = {}
    by_name: defaultdict[str, list[tuple[Claim, Ref]]] = defaultdict(list)
    for resource, placement in placed:
        if resource.is_function:
            if resource.arn_text:
                by_arn[resource.arn_text] = resource.ref
            for claim in claims_of(resource, placement):
                by_name[claim.name].append((claim, resource.ref))

    def claimant(text: str) -> Ref | None:
        arn = function_arn(text)
        if text in by_arn or arn is None:
            return by_arn.get(text)
        for claim, ref in by_name.get(arn.name, ()):
            if claim.account in (None, arn.account) and claim.region in (None, arn.region):
                return ref
        return None

    return claimant


def _to_adopt(resource: Resource) -> str:
    """Read which function an object is to take over: that counts, and not its spec."""
    try:
        fields = msgspec.json.decode(resource.annotations.get(ADOPTION_FIELDS, "{}"), type=_Fields)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return ""
    return fields.name


class _Fields(msgspec.Struct, frozen=True):
    name: str = ""
