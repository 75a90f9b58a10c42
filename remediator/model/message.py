"""What a webhook is told: what is new, in one message, with nothing in it that Events do not tell. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from remediator.model.event import Event, EventReason, EventType

# In an incident there are hundreds; whoever reads them looks at the records.
MOST_ITEMS = 50


class Delivery(StrEnum):
    """What came of a message."""

    DELIVERED = "delivered"
    REFUSED = "refused"  # the receiver does not take it, and would not take it again
    FAILED = "failed"  # it was tried as often as it may be, or what is needed for it is not there
    DROPPED = "dropped"  # too many were waiting, or the process ended


class About(Struct, frozen=True, rename="camel"):
    """The resource that something is told of."""

    kind: str
    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class Item(Struct, frozen=True, rename="camel"):
    """One thing that is new: an Event, without what only Kubernetes needs."""

    reason: EventReason
    action: str
    type: EventType
    resource: About
    note: str


class Sender(Struct, frozen=True, rename="camel"):
    """The process that tells it."""

    name: str
    version: str


class Message(Struct, frozen=True, rename="camel", kw_only=True):
    """All that is new at one moment. `id` is the same however often it is sent; `left_out`: how many more there are."""

    api_version: str = "ack-remediator.dev/v1alpha1"
    kind: str = "News"
    id: str
    at: datetime
    cluster: str
    sender: Sender
    items: tuple[Item, ...]
    left_out: int = 0

    @property
    def headline(self) -> str:
        """Say how much there is, by reason: `2 acted, 1 found`."""
        counts = Counter(each.reason for each in self.items)
        said = [f"{counts[reason]} {reason.lower()}" for reason in EventReason if counts[reason]]
        return ", ".join([*said, *([f"{self.left_out} more"] if self.left_out else [])])


def message(found: Iterable[Event], *, id: str, at: datetime, cluster: str, sender: Sender) -> Message:  # noqa: A002
    """Put what is new into one message, in the order given."""
    items: Sequence[Item] = [_item(each) for each in found]
    kept = tuple(items[:MOST_ITEMS])
    return Message(id=id, at=at, cluster=printable(cluster), sender=sender, items=kept, left_out=len(items) - len(kept))


def _item(event: Event) -> Item:
    ref = event.ref
    about = About(*(printable(each) for each in (ref.kind, ref.namespace, ref.name, ref.uid)))
    return Item(event.reason, event.action, event.type, about, event.note)


def printable(text: str) -> str:
    """Leave out what steers a terminal or turns the direction of what is written."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
