"""Episodes in memory: what this process has seen and done. Gone when it ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from remediator import __version__
from remediator.model import episode as steps
from remediator.model.attempt import Answered, Attempt
from remediator.model.decision import DecisionKind, Standing, Verdict
from remediator.model.episode import MEMORY, UNDER_WAY_LASTS, Episode, ResolvedBy
from remediator.model.finding import Finding
from remediator.model.observation import History
from remediator.model.plan import ActionName, Outcome, Plan, Result
from remediator.model.record import Record, record_name
from remediator.model.resource import Ref, Resource
from remediator.model.word import Approval, Rejection

# From one episode to the next; None where there is none. It can be taken again on what somebody else wrote meanwhile.
Step = Callable[[Episode | None], Episode | None]


# Told of each step of an episode: of which resource, and what it was before and after.
Noticed = Callable[[Ref, Episode | None, Episode], None]


def tell_nobody(_: Episode) -> None:
    """Do nothing with a spell that ended."""


def nobody() -> str:
    """Say that nobody knows who we are to the API server."""
    return ""


def notice_nothing(_: Ref, __: Episode | None, ___: Episode) -> None:
    """Do nothing with a step."""


def all_told(listeners: Iterable[Noticed]) -> Noticed:
    """Tell each of them of every step, in their order."""
    told = tuple(listeners)

    def tell(ref: Ref, before: Episode | None, after: Episode) -> None:
        for each in told:
            each(ref, before, after)

    return tell


class MemoryEpisodes:
    """The Episodes port for one process. `by` says who acts, in the record of each attempt; `user`, as whom.

    `resolved` is told of each spell that this process saw end, once; `noticed` of every step.
    """

    def __init__(
        self,
        by: str = "",
        *,
        user: Callable[[], str] = nobody,
        resolved: Callable[[Episode], None] = tell_nobody,
        noticed: Noticed = notice_nothing,
    ) -> None:
        self._by = by
        self._user = user
        self._resolved = resolved
        self._noticed = noticed
        self._known: dict[str, tuple[Ref, Episode]] = {}

    @property
    def fleeting(self) -> str:
        """Say why it dies with this process."""
        return "what was seen and done is kept in memory only, until this process ends"

    def anew(self) -> None:
        """Do nothing: nothing was asked of anybody."""

    def load(self, now: datetime) -> tuple[str, ...]:
        """Do nothing: all that is known is here."""
        return ()

    def save(self, now: datetime) -> tuple[str, ...]:
        """Forget what was resolved so long ago that its attempts no longer count, but for orphans it tells of."""
        for uid, (_, each) in list(self._known.items()):
            over = each.resolved_at is not None and now - each.resolved_at >= MEMORY
            if over and not any(attempt.orphan for attempt in each.attempts):
                del self._known[uid]
        return ()

    def episode(self, uid: str) -> Episode | None:
        found = self._known.get(uid)
        return found[1] if found else None

    def history(self, uid: str, now: datetime) -> History:
        """Tell since when it was seen unwell, what was tried, and what a person said of what is proposed."""
        found = self.episode(uid)
        if found is None:
            return History()
        counted = {action: tuple(each.intended for each in found.counted(action, now)) for action in ActionName}
        attempts = {action: times for action, times in counted.items() if times}
        if found.resolved_at is not None:
            return History(attempts=attempts)
        approval = self.approval(uid)
        return History(
            since=found.first_seen,
            resync_without_effect=found.resync_without_effect(now),
            sightings=found.sightings,
            attempts=attempts,
            approval=approval if found.approved(approval, now) else None,
            rejection=self.rejection(uid),
            own_retain=found.under_way is not None and found.under_way.action is ActionName.RELEASE,
        )

    def records(self) -> tuple[Record, ...]:
        return tuple(Record(name=record_name(ref), ref=ref, episode=each) for ref, each in self._known.values())

    def approvals_guarded(self) -> tuple[bool | None, str]:
        """Say that nothing has to be guarded: there is no place for approvals here."""
        return True, "there is no place for approvals"

    def standing(self, now: datetime) -> Standing:
        """Sum up what was done to all, and what somebody may be at right now.

        What was killed before it could tell counts as done: it may have been.
        """
        tried = [(ref, each) for ref, episode in self._known.values() for each in episode.attempts]
        today = sum(1 for _, each in tried if each.result is not Result.SKIPPED and now - each.intended < MEMORY)
        busy = Counter(
            ref.namespace for ref, each in tried if each.result is None and now - each.intended < UNDER_WAY_LASTS
        )
        incidents = (each.incident_at for _, each in self._known.values() if each.incident_at is not None)
        return Standing(acted_today=today, under_way=dict(busy), breaker_opened_at=max(incidents, default=None))

    def incident(self, at: datetime) -> None:
        """Let one of those that are unwell keep it for all: the one that did before, so that one record is written."""
        unwell = [(ref, each) for ref, each in self._known.values() if each.resolved_at is None]
        if unwell:
            ref, _ = min(unwell, key=lambda each: (each[1].incident_at is None, each[0]))
            self._step(ref, lambda before: before and steps.incident(before, at))

    def unfinished(self, now: datetime) -> tuple[tuple[Ref, Attempt], ...]:
        """List what was begun and never concluded.

        Who has done its writes watches for the effect without the lock: that is left alone for as long as it can take.
        """
        begun = [(ref, each.under_way) for ref, each in self._known.values()]
        return tuple(
            (ref, each)
            for ref, each in begun
            if each is not None and (each.accepted is None or now - each.accepted >= UNDER_WAY_LASTS)
        )

    def unresolved(self) -> tuple[Ref, ...]:
        return tuple(ref for ref, each in self._known.values() if each.resolved_at is None)

    def approval(self, uid: str) -> Approval | None:
        """Return None: there is no place for a person's word."""
        return None

    def rejection(self, uid: str) -> Rejection | None:
        """Return None: there is no place for a person's word."""
        return None

    def sighted(self, resource: Resource, finding: Finding, at: datetime) -> None:
        generation = resource.metadata.generation
        self._step(resource.ref, lambda before: steps.sighted(before, finding, at, generation=generation))

    def recovered(self, resource: Resource, at: datetime) -> None:
        """Take one clean sighting for luck, and the second for recovery: findings flip into each other."""
        found, generation = self.episode(resource.metadata.uid), resource.metadata.generation
        if found is not None and found.resolved_at is None:
            self._step(resource.ref, lambda before: before and steps.clean(before, at, generation=generation))

    def ended(self, ref: Ref, at: datetime, by: ResolvedBy | None) -> None:
        if self.episode(ref.uid) is not None:
            self._step(ref, lambda before: before and steps.resolved(before, at, by))

    def proposed(self, resource: Resource, plan: Plan | None, at: datetime) -> None:
        if self.episode(resource.metadata.uid) is not None:
            self._step(resource.ref, lambda before: before and steps.proposed(before, plan, at))

    def judged(self, resource: Resource, verdicts: Sequence[Verdict], decision: DecisionKind | None = None) -> None:
        if self.episode(resource.metadata.uid) is not None:
            self._step(resource.ref, lambda before: before and steps.judged(before, verdicts, decision))

    def intend(self, plan: Plan, at: datetime, approved_by: str = "", backup: str = "") -> Attempt:
        """Note an attempt. It dies with this process; a Resync's mark on the object, and a backup, outlive it."""
        who = {"user": self._user(), "version": __version__}
        self._step(
            plan.target,
            lambda before: steps.intended(before or steps.unseen(at), plan, at, self._by, approved_by, backup, **who),
        )
        attempt = self._known[plan.target.uid][1].under_way
        assert attempt is not None
        return attempt

    def accepted(self, uid: str, at: datetime, answer: Answered | None = None) -> None:
        ref, attempt = self._under_way(uid)
        if ref and attempt:
            self._step(ref, lambda before: before and steps.accepted(before, attempt.id, at, answer))

    def conclude(self, uid: str, outcome: Outcome, at: datetime) -> None:
        """Note what came of what is under way; where nothing is, nothing was begun, and there is nothing to note."""
        ref, attempt = self._under_way(uid)
        if ref is None or attempt is None or attempt.action is not outcome.action:
            return

        def step(before: Episode | None) -> Episode | None:
            return before and steps.concluded(
                before,
                attempt.id,
                outcome.result,
                outcome.detail,
                at,
                accepted=outcome.accepted,
                backup=outcome.backup or "",
                orphan=outcome.orphan,
            )

        self._step(ref, step)

    def _under_way(self, uid: str) -> tuple[Ref | None, Attempt | None]:
        found = self._known.get(uid)
        return (found[0], found[1].under_way) if found else (None, None)

    def _step(self, ref: Ref, step: Step) -> None:
        """Take a step with the episode of a target."""
        before = self.episode(ref.uid)
        after = step(before)
        if after is not None:
            self._known[ref.uid] = (ref, after)
            self._noticed(ref, before, after)
        if before and after and before.resolved_at is None and after.resolved_at is not None and after.resolved_by:
            self._resolved(after)
