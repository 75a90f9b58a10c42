"""What a story is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from remediator.sandbox.api.values import Object

if TYPE_CHECKING:
    from remediator.sandbox.scenarios.shop import Shop


class Ending(Enum):
    """How a story ends: a person has to look, time heals it, or an action that a person approves."""

    PERSON = auto()
    TIME = auto()
    APPROVAL = auto()


def conditions(function: Object) -> dict[str, str]:
    """Return the status of each condition, by type."""
    return {each["type"]: each["status"] for each in function.get("status", {}).get("conditions") or []}


def synced(function: Object) -> bool:
    return conditions(function).get("ACK.ResourceSynced") == "True"


def looked_at(function: Object) -> bool:
    return bool(conditions(function))


def applied(shop: Shop, name: str) -> None:
    """Let a user make a Function that is as it should be."""
    shop.apply(name)


def at_once(_function: Object) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One Function's trouble.

    `make` is what its user does, `made` says when the controller is through with that. Then `strike` lays the trouble
    on, where making it was not trouble enough, and `shown` says when it can be seen. `title` says in one sentence
    what happened, `lesson` what to take home.
    """

    name: str
    function: str
    title: str
    lesson: str
    ending: Ending = Ending.PERSON
    make: Callable[[Shop, str], None] = applied
    made: Callable[[Object], bool] = synced
    strike: Callable[[Shop, str], None] | None = None
    shown: Callable[[Object], bool] = at_once
