"""The one key to a write: a plan that every gate has let through."""

from __future__ import annotations

from typing import Generic, TypeVar

P = TypeVar("P")

_SEAL = object()


class Approved(Generic[P]):
    """A value that passed every gate. `decide` alone can make one, and writers accept nothing else.

    A forgotten check therefore cannot lead to a write: without this object there is nothing to call.
    """

    __slots__ = ("value",)

    def __init__(self, value: P, *, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("only decide() approves a plan")
        self.value = value


def seal(value: P) -> Approved[P]:
    """Approve a value. For `remediator.gates.decide` alone, which an import contract checks."""
    return Approved(value, seal=_SEAL)
