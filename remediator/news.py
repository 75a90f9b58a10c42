"""What is new on the targets, gathered while a pass goes on, and told at its safe points, as well as may be.

Nobody may rely on it: what cannot be told is logged, once a pass, and changes nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import structlog

from remediator.errors import Changed, ClusterError, Forbidden, NotFound
from remediator.model.episode import Episode
from remediator.model.event import Event, EventReason, events
from remediator.model.resource import Ref

_log = structlog.get_logger(__name__)

# At once, and for so many seconds: an incident has hundreds, and the pass is not to wait for them.
_MOST = 50
_PATIENCE = 10.0
# Namespaces that refuse us, one after the other, until we take it that all do.
_REFUSALS = 3

_URGENCY = {reason: rank for rank, reason in enumerate(EventReason)}

# Tells one thing, or raises ClusterError.
Publish = Callable[[Event], None]
# Lets all that is new be told elsewhere; raises nothing, and waits for nobody.
PassOn = Callable[[Sequence[Event]], None]


def pass_on_nothing(_: Sequence[Event]) -> None:
    """Do nothing with what is new."""


class News:
    """The Events port. What happens to an episode is to be `noticed`.

    `publish` writes one thing beside its resource, None: nothing is written there. `pass_on` takes all, at once.
    `monotonic` is real time, in seconds, whatever clock the pass goes by: it is how long an API server takes.
    """

    def __init__(
        self,
        publish: Publish | None,
        *,
        pass_on: PassOn = pass_on_nothing,
        most: int = _MOST,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._publish = publish
        self._pass_on = pass_on
        self._monotonic = monotonic
        self._most = most
        self._changes: dict[str, tuple[Ref, Episode | None, Episode]] = {}
        self._logged = False

    def noticed(self, ref: Ref, before: Episode | None, after: Episode) -> None:
        """Take in one step of an episode; what it was before the first of them counts."""
        if ref.uid in self._changes:
            before = self._changes[ref.uid][1]
        self._changes[ref.uid] = (ref, before, after)

    def anew(self) -> None:
        """Forget what was noticed and never told: it was a pass that only looked, or broke off."""
        self._changes.clear()
        self._logged = False

    def write(self) -> None:
        """Tell what is new, the most urgent first, and none of it twice."""
        found = sorted(
            (event for each in self._changes.values() for event in events(*each)),
            key=lambda each: _URGENCY[each.reason],
        )
        self._changes.clear()
        self._pass_on(found)
        if self._publish is None:
            return
        told, why = self._told(found, self._publish)
        if told < len(found) and not self._logged:
            self._logged = True
            _log.warning("not all that is new was told in Events", why=why, left_out=len(found) - told, told=told)

    def _told(self, found: list[Event], publish: Publish) -> tuple[int, str]:
        """Tell them; say how many were, and why the others were not."""
        told, why = 0, f"no more than {self._most} at once"
        closed: set[str] = set()
        until = self._monotonic() + _PATIENCE
        for each in found[: self._most]:
            if each.ref.namespace in closed:
                continue
            if self._monotonic() >= until:
                return told, f"they took longer than {_PATIENCE:.0f} s"
            try:
                publish(each)
            except (Forbidden, NotFound) as error:  # a namespace on its way out takes none
                closed.add(each.ref.namespace)
                why = error.message
                if len(closed) >= _REFUSALS:
                    break
            except Changed as error:
                why = error.message
            except ClusterError as error:
                return told, error.message
            else:
                told += 1
        return told, why


class NoNews:
    """The Events port where nothing is to be told."""

    def anew(self) -> None: ...

    def write(self) -> None: ...
