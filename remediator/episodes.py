"""Episodes in memory: what this process has seen and done. Gone when it ends."""

from __future__ import annotations

from datetime import datetime, timedelta

from remediator.model.observation import History
from remediator.model.plan import ActionName, Outcome, Result

_CLEAN_SIGHTINGS = 2
_EFFECT_DUE = timedelta(seconds=60)


class MemoryEpisodes:
    """The Episodes port for one process."""

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}
        self._clean: dict[str, int] = {}
        self._outcomes: dict[str, list[Outcome]] = {}

    def history(self, uid: str, now: datetime) -> History:
        """Tell since when it is unwell, and whether a Resync, accepted long enough ago, changed nothing."""
        tried = any(
            each.action is ActionName.RESYNC
            and each.result in (Result.STILL_STUCK, Result.UNKNOWN)
            and each.accepted is not None
            and now - each.accepted >= _EFFECT_DUE
            for each in self._outcomes.get(uid, ())
        )
        return History(since=self._since.get(uid), resync_without_effect=tried)

    def sighted(self, uid: str, at: datetime) -> None:
        self._since.setdefault(uid, at)
        self._clean.pop(uid, None)

    def recovered(self, uid: str) -> None:
        """Take one clean sighting for luck, and the second for recovery: findings flip into each other."""
        if uid in self._since:
            self._clean[uid] = self._clean.get(uid, 0) + 1
            if self._clean[uid] >= _CLEAN_SIGHTINGS:
                del self._since[uid], self._clean[uid]

    def intend(self, uid: str, action: ActionName, at: datetime) -> None:
        """Keep nothing: it would die with this process. A Resync's mark on the object, and a backup, outlive it."""

    def conclude(self, uid: str, outcome: Outcome) -> None:
        self._outcomes.setdefault(uid, []).append(outcome)
