"""Pages with everything on them."""

from __future__ import annotations

from datetime import timedelta

from remediator.page.values import (
    ClusterItem,
    Command,
    Ended,
    GateRow,
    Item,
    Moment,
    Page,
    Section,
    Tone,
)
from tests.builders import NOW


def filled(text: str) -> Page:
    """Build a page with this in every place that a text of others can come to."""
    moments = [Moment(at=NOW, tone=each, head=text, sentences=[text]) for each in Tone]
    return Page(
        place=text,
        scope=text,
        version=text,
        now=NOW,
        looked=NOW - timedelta(minutes=2),
        mode=text,
        warnings=[text],
        totals=text or "none",
        counts=[("stuck", 1)],
        controller=text or "alive",
        notes=[text],
        cluster=[ClusterItem(name=text, state="stuck", said=text, facts=[(text, text)])],
        items=[
            Item(
                anchor="r-1",
                title=text,
                namespace=text,
                name=text,
                finding=text,
                state="stuck",
                said=text,
                since=NOW - timedelta(hours=1),
                decision=text,
                remedy=text or "none",
                facts=[(text, text), (text, NOW)],
                hints=[text],
                word=text or "none",
                commands=[Command(text, text)],
                sections=[Section(text, [(text, text)])],
                gates=[GateRow("held", text, text)],
                timeline=moments,
            )
        ],
        left_out=text or "none",
        ended=[
            Ended(anchor="r-2", title=text, namespace=text, finding=text, said=text, at=NOW, timeline=moments),
        ],
        ended_left_out=text or "none",
        unwell=1,
        live=True,
    )
