"""Reserved concurrency of an account in a region, as AWS tells it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Concurrency(Struct, frozen=True):
    """How many executions an account can run at a time, and how many nothing has reserved yet.

    `reserved` is each asked function's, as it is now; one that reserves nothing, or is not there yet, is not in it.
    `why` says why it could not be read; the rest says nothing then.
    """

    where: str = ""
    limit: int = 0
    unreserved: int = 0
    reserved: Mapping[str, int] = {}
    why: str = ""

    def left_after(self, wanted: Mapping[str, int]) -> int:
        """Say what stays unreserved once these functions reserve what is wanted for them."""
        return self.unreserved - sum(amount - self.reserved.get(name, 0) for name, amount in wanted.items())
