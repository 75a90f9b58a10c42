"""A share of all resources, by uid: what one of several workers takes upon itself.

Who owns a resource is a matter of its uid and of how many share, and of nothing that changes: each process finds the
same without asking.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from msgspec import Struct

# As many as there are Leases to lead by: a role has to name each.
MOST = 16

_WRITTEN = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")
_SIGNED = re.compile(r"#(shard|run)-([0-9]{1,9})/([0-9]{1,9})")
_HASHED = 8  # bytes


class Shard(Struct, frozen=True):
    """One of `count` shares; `index` counts from 0, as a Job's completion index and a StatefulSet's ordinal do."""

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count <= MOST:
            raise ValueError(f"{self.index}/{self.count} is no shard")

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @property
    def whole(self) -> bool:
        """Whether it is all there is."""
        return self.count == 1

    @property
    def said(self) -> str:
        """Say which it is, as people count its siblings; empty where there are none."""
        return "" if self.whole else f"shard {self.index} of {self.count}"

    def owns(self, uid: str) -> bool:
        """Whether a resource is this shard's: that of exactly one among `count`."""
        return self.count == 1 or owner(uid, self.count) == self.index

    def signed(self, holder: str, *, passing: bool = False) -> str:
        """Add to who holds a lock for which share they do; `passing`: for one run only.

        A daemon of all there is signs as it is.
        """
        if self.whole and not passing:
            return holder
        return f"{holder}#{'run' if passing else 'shard'}-{self}"


WHOLE = Shard()


def owner(uid: str, count: int) -> int:
    """Number the shard that a resource belongs to. Python's own hash is another one in each process."""
    return int.from_bytes(blake2b(uid.encode(), digest_size=_HASHED).digest()) % count


def parse_shard(text: str) -> Shard:
    """Read `I/N`, such as 0/4; raise ValueError, with what is wrong, for what is none."""
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no shard")
    index, count = int(match[1]), int(match[2])
    if count > MOST:
        raise ValueError(f"{text}: there are no more than {MOST} shards")
    if index >= count:
        raise ValueError(f"{text}: there is no shard {index} among {count}: they are counted from 0")
    return Shard(index, count)


class Signature(Struct, frozen=True):
    """What a holder signed for: how many share, and whether it is only for one run."""

    count: int
    passing: bool = False


def signature(holder: str) -> Signature | None:
    """Read what somebody signed with; None where they named no share."""
    match = _SIGNED.fullmatch(holder, holder.rfind("#")) if "#" in holder else None
    return Signature(int(match[3]), match[1] == "run") if match else None
