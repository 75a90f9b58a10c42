"""Episodes in memory: what this process has seen and done. Gone when it ends."""

from __future__ import annotations

from datetime import datetime, timedelta

from remediator.model.decision import Standing
from remediator.model.episode import MEMORY
from remediator.model.observation import History
from remediator.model.plan import ActionName, Outcome, Result

_CLEAN_SIGHTINGS = 2
_EFFECT_DUE = timedelta(seconds=60)


class MemoryEpisodes:
    """The Episodes port for one process."""

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}
        self._clean: dict[str, int] = {}
        self._sightings: dict[str, int] = {}
        self._outcomes: dict[str, list[Outcome]] = {}
        self._incident: datetime | None = None

    def history(self, uid: str, now: datetime) -> History:
        """Tell since when it is unwell, and whether a Resync, accepted long enough ago, changed nothing."""
        tried = any(
            each.action is ActionName.RESYNC
            and each.result in (Result.STILL_STUCK, Result.UNKNOWN)
            and each.accepted is not None
            and now - each.accepted >= _EFFECT_DUE
            for each in self._outcomes.get(uid, ())
        )
        return History(
            since=self._since.get(uid),
            resync_without_effect=tried,
            sightings=self._sightings.get(uid, 0),
            attempts={action: counted for action in ActionName if (counted := self._counted(uid, action, now))},
        )

    def _counted(self, uid: str, action: ActionName, now: datetime) -> tuple[datetime, ...]:
        """List the attempts at an action that count: of the last day, since one helped."""
        counted: list[datetime] = []
        for each in self._outcomes.get(uid, ()):
            if each.action is not action or each.accepted is None:
                continue
            if each.result is Result.RESOLVED:
                counted.clear()
            elif now - each.accepted < MEMORY:
                counted.append(each.accepted)
        return tuple(counted)

    def standing(self, now: datetime) -> Standing:
        """Sum up what this process did; it does one thing at a time, so nothing is ever under way beside it."""
        accepted = [each.accepted for known in self._outcomes.values() for each in known]
        today = sum(1 for moment in accepted if moment is not None and now - moment < MEMORY)
        return Standing(acted_today=today, breaker_opened_at=self._incident)

    def incident(self, at: datetime) -> None:
        self._incident = at

    def sighted(self, uid: str, at: datetime) -> None:
        self._since.setdefault(uid, at)
        self._sightings[uid] = self._sightings.get(uid, 0) + 1
        self._clean.pop(uid, None)

    def recovered(self, uid: str) -> None:
        """Take one clean sighting for luck, and the second for recovery: findings flip into each other."""
        self._sightings.pop(uid, None)
        if uid in self._since:
            self._clean[uid] = self._clean.get(uid, 0) + 1
            if self._clean[uid] >= _CLEAN_SIGHTINGS:
                del self._since[uid], self._clean[uid]

    def intend(self, uid: str, action: ActionName, at: datetime) -> None:
        """Keep nothing: it would die with this process. A Resync's mark on the object, and a backup, outlive it."""

    def conclude(self, uid: str, outcome: Outcome) -> None:
        self._outcomes.setdefault(uid, []).append(outcome)
