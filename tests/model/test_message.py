"""One message of all that is new."""

from __future__ import annotations

from remediator.model.event import EventReason, EventType
from remediator.model.message import MOST_ITEMS, About, Item
from tests.webhook.receiving import event, news


def test_it_has_what_an_event_has() -> None:
    told = news(event("checkout", note="UpdateFailed: no"))
    about = About("Function", "shop", "checkout", "uid-checkout")
    assert told.items == (Item(EventReason.FOUND, "Diagnose", EventType.WARNING, about, "UpdateFailed: no"),)
    assert (told.api_version, told.kind, told.left_out) == ("ack-remediator.dev/v1alpha1", "News", 0)
    assert str(about) == "Function shop/checkout"


def test_the_headline_counts_by_reason_the_most_urgent_first() -> None:
    found = [event(reason=EventReason.FOUND), event(reason=EventReason.ACTED), event(reason=EventReason.FOUND)]
    assert news(*found).headline == "1 acted, 2 found"


def test_an_incident_is_counted_and_not_told_one_by_one() -> None:
    told = news(*(event(f"f{number}") for number in range(MOST_ITEMS + 7)))
    assert (len(told.items), told.left_out) == (MOST_ITEMS, 7)
    assert told.headline == f"{MOST_ITEMS} found, 7 more"


def test_names_steer_no_terminal() -> None:
    assert news(event("a\x1b[2J\u202eb")).items[0].resource.name == "a�[2J�b"
    assert news(cluster="x\ny").cluster == "x�y"
