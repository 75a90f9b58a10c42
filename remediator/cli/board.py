"""What a daemon's page is made of: the last look and the records, taken between two steps of a pass.

Who asks for the page makes no pass and no request: it gets what was seen, and is told how old that is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from msgspec import Struct, structs

from remediator.cli import showing
from remediator.cli.showing import Look, Where
from remediator.daemon import Telling
from remediator.model.decision import Standing
from remediator.model.episode import Episode
from remediator.model.limits import Mode
from remediator.model.message import Delivery
from remediator.model.plan import Outcome
from remediator.model.record import Record
from remediator.model.scan import Scan
from remediator.model.shard import WHOLE, Shard
from remediator.model.times import format_duration, format_time
from remediator.page.rendering import render
from remediator.page.values import Page
from remediator.policy import Policy
from remediator.ports import Episodes

# A pass that is asked for twice in that time is drawn once: a thousand findings take most of a second.
_DRAWN_FOR = timedelta(seconds=2)
# What a pass may take beyond the moment that it was due at.
_TAKES = timedelta(minutes=1)

STANDS_BY = (
    "This daemon stands by and looks at nothing: another one leads, and has this page with what it saw. "
    "The Lease ack-remediator-leader names it."
)
STANDS_BY_BESIDE_SHARDS = (
    "This daemon stands by and looks at nothing: another one leads in its shard, or shards of another number are at "
    "work. The Leases ack-remediator-leader* name them."
)
NOT_YET = "No pass is over yet, so nothing is known."


class Follows(Protocol):
    """What a daemon says of itself; `Daemon` is one."""

    @property
    def trouble(self) -> str:
        """What kept the last pass from doing its work; empty where nothing did."""

    def alive(self) -> str: ...

    def due(self, after: datetime, passes: int) -> datetime:
        """Tell when so many passes should have been made after a moment."""


class _Drawn(Struct, frozen=True):
    """Everything that is shown, of one moment; it is swapped as a whole."""

    where: Where | None = None
    look: Look | None = None
    records: tuple[Record, ...] = ()
    leads: bool | None = None


class Board:
    """Hears of passes what the metrics hear, hands it on to them, and draws the page from it. Shared by threads."""

    def __init__(self, telling: Telling, now: Callable[[], datetime], shard: Shard = WHOLE) -> None:
        self._telling = telling
        self._stands_by = STANDS_BY if shard.whole else STANDS_BY_BESIDE_SHARDS
        self._now = now
        self._shown = _Drawn()
        self._changing = threading.Lock()
        self._episodes: Episodes | None = None
        self._daemon: Follows | None = None
        self._drawing = threading.Lock()  # one at a time: who asks a hundred times at once must not stop the passes
        self._last: tuple[_Drawn, datetime, str] | None = None

    def follow(self, daemon: Follows) -> None:
        """Say from now on how this daemon is, too."""
        self._daemon = daemon

    def over(self, episodes: Episodes, where: Where) -> None:
        """Take what is recorded from here from now on, and know what is looked at."""
        self._episodes = episodes
        self._show(where=where)

    # -- what the passes tell ----------------------------------------------------------------------------------

    def kubernetes(self, verb: str, code: str) -> None:
        self._telling.kubernetes(verb, code)

    def aws(self, operation: str, code: str) -> None:
        self._telling.aws(operation, code)

    def scanned(self, scan: Scan, standing: Standing, policy: Policy, *, seconds: float) -> None:
        self._telling.scanned(scan, standing, policy, seconds=seconds)
        fleeting = self._episodes.fleeting if self._episodes else ""
        self._show(look=showing.look(scan, policy, fleeting), records=self._recorded())

    def failed(self) -> None:
        self._telling.failed()

    def acted(self, outcome: Outcome, mode: Mode) -> None:
        self._telling.acted(outcome, mode)
        self._show(records=self._recorded())

    def resolved(self, episode: Episode) -> None:
        self._telling.resolved(episode)

    def leading(self, leads: bool) -> None:
        """Forget what was seen where another daemon sees more now."""
        self._telling.leading(leads)
        self._show(leads=leads, look=None, records=())

    def reloaded(self, ok: bool, digest: str) -> None:
        self._telling.reloaded(ok, digest)

    def told(self, came_of_it: Delivery) -> None:
        self._telling.told(came_of_it)

    def _show(self, **changes: Any) -> None:
        with self._changing:
            self._shown = structs.replace(self._shown, **changes)

    def _recorded(self) -> tuple[Record, ...]:
        return self._episodes.records() if self._episodes else ()

    # -- the page ----------------------------------------------------------------------------------------------

    def html(self) -> str:
        """Draw the page as of now."""
        with self._drawing:
            shown, now = self._shown, self._now()
            if self._last and self._last[0] is shown and now - self._last[1] < _DRAWN_FOR:
                return self._last[2]
            drawn = render(self._page(shown, now))
            self._last = (shown, now, drawn)
            return drawn

    def _page(self, shown: _Drawn, now: datetime) -> Page:
        where = shown.where or Where("", "", "")
        if shown.look is None:
            said = self._stands_by if shown.leads is False else NOT_YET
            return showing.nothing_yet(where, now, [said, *self._troubles(None, now)])
        return showing.page(
            shown.look, shown.records, where, now, warnings=self._troubles(shown.look.at, now), live=True
        )

    def _troubles(self, looked: datetime | None, now: datetime) -> Sequence[str]:
        """Say what makes the page worth less than it looks."""
        if self._daemon is None:
            return ()
        told = [self._daemon.alive()]
        if self._daemon.trouble:
            told.append(f"The last pass did not do its work: {self._daemon.trouble}")
        if looked is not None and now > (due := self._daemon.due(looked, 1)) + _TAKES:
            told.append(
                f"The last look was {format_duration(now - looked)} ago, and another was due at {format_time(due)}: "
                "what is here may be over by now."
            )
        return [each for each in told if each]
