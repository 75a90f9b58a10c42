"""Episodes that outlive a process: each is the status of one `Remediation` in the home namespace.

Reads come once a pass. Notes are steps taken in memory first, and taken again on what somebody else wrote meanwhile.
Where the API server has no place for them, memory serves, and `fleeting` says why.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache, partial

import msgspec
import structlog

from remediator.episodes import MemoryEpisodes, Noticed, Step, nobody, notice_nothing, tell_nobody
from remediator.errors import Changed, ClusterError, Forbidden, NotFound, Refused, Unauthorized, Unreachable
from remediator.kubernetes import remediation_object as objects
from remediator.kubernetes.approvals import Guard
from remediator.kubernetes.pages import listed
from remediator.kubernetes.remediation_object import Stored, Unusable
from remediator.kubernetes.transport import Transport
from remediator.model.attempt import Answered, Attempt
from remediator.model.episode import MEMORY, Episode, Phase, phase, released, worth_writing
from remediator.model.kind import FUNCTION
from remediator.model.plan import Operation, Outcome, Plan
from remediator.model.record import Record
from remediator.model.resource import Ref
from remediator.model.times import format_time
from remediator.model.word import Approval, Rejection, Release

_log = structlog.get_logger(__name__)

_TRIES = 3
_TROUBLES_TOLD = 3
_STEPS_KEPT = 64
_NOBODY_ASKED = "approvals are off: nobody asked whether forged ones are refused"
_MEANWHILE = "until this process ends, what is seen and done is kept in memory only"


class StoredEpisodes(MemoryEpisodes):
    """The Episodes port on the API server.

    `by` says who acts, `user` as whom; `guard` tells whether the admission policy holds, so that a person's word
    counts, and why: it is asked when there is a word, once until `anew`. `retention` is how long a resolved episode is
    kept, at least as long as attempts count; one that tells of an orphan is kept until a person deletes it. `mine`
    tells by a uid which records are ours to tidy up: the others are other shards'.
    """

    def __init__(
        self,
        transport: Transport,
        namespace: str,
        *,
        by: str = "",
        guard: Callable[[], Guard] = lambda: Guard(False, _NOBODY_ASKED),
        max_attempts: int = 3,
        retention: timedelta = timedelta(hours=168),
        user: Callable[[], str] = nobody,
        resolved: Callable[[Episode], None] = tell_nobody,
        noticed: Noticed = notice_nothing,
        mine: Callable[[str], bool] = lambda _: True,
    ) -> None:
        super().__init__(by, user=user, resolved=resolved, noticed=noticed)
        self._transport = transport
        self._namespace = namespace
        self._ask_guard = guard
        self._guard = cache(guard)
        self._max_attempts = max_attempts
        self._mine = mine
        self._retention = max(retention, MEMORY)
        self._why_fleeting = ""
        self._unread = f"Remediations in namespace {namespace} were never read"
        self._stored: dict[str, Stored] = {}
        self._unusable: dict[str, str] = {}
        self._pending: dict[str, list[Step]] = {}

    @property
    def fleeting(self) -> str:
        """Say why it dies with this process; empty where it is stored."""
        return self._why_fleeting

    # -- a pass ------------------------------------------------------------------------------------------------

    def anew(self) -> None:
        """Believe neither that the policy still holds, nor that the cluster still has no place for records.

        What memory had to serve for is then written down as it is known.
        """
        self._guard = cache(self._ask_guard)
        if self._why_fleeting:
            self._why_fleeting = ""
            for uid, (_, episode) in self._known.items():
                self._pending[uid] = [partial(_or_else, episode)]

    def load(self, now: datetime) -> tuple[str, ...]:
        """Read every record. What could not be written since the last time is taken along."""
        if self._why_fleeting:
            return ()
        try:
            items = listed(self._transport, objects.collection(self._namespace))
        except NotFound:
            return self._forgo(
                f"this cluster does not know {objects.PLURAL}.{objects.GROUP} (manifests/base has the definition)"
            )
        except Forbidden as error:
            return self._forgo(f"records in namespace {self._namespace} cannot be read ({error.message})")
        except ClusterError as error:
            self._unread = f"Remediations in namespace {self._namespace} could not be read: {error.message}"
            return (self._unread,)
        self._unread = ""
        self._stored, self._unusable = {}, {}
        for item in items:
            self._read(item)
        gone = self._known.keys() - self._stored.keys() - self._pending.keys()
        for uid in gone:
            del self._known[uid]
        for uid in list(self._stored):
            self._adopt(uid)
        return (*self._unusable.values(), *self._disbelieved())

    def save(self, now: datetime) -> tuple[str, ...]:
        """Write what is worth it, one record after the other, until the API server shows that it is of no use."""
        if self.fleeting:
            return super().save(now)
        troubles: list[str] = []
        for uid, (ref, episode) in list(self._known.items()):
            if self._why_fleeting or len(troubles) >= _TROUBLES_TOLD:
                return tuple(troubles)
            if self._blocked(ref) or not self._worth_writing(uid, episode, now):
                continue
            try:
                self._write(ref, now)
            except (Forbidden, NotFound) as error:
                troubles += self._forgo(f"records in namespace {self._namespace} cannot be written ({error.message})")
            except ClusterError as error:
                troubles.append(f"what was seen of {ref} could not be recorded: {error.message}")
                if isinstance(error, Unreachable | Unauthorized):
                    return tuple(troubles)
        return (*troubles, *self._prune(now))

    def records(self) -> tuple[Record, ...]:
        """List what is known, with the words as they were last read, vouched for or not."""
        return tuple(self._with_words(each) for each in super().records())

    def _with_words(self, known: Record) -> Record:
        read = self._stored.get(known.ref.uid)
        return msgspec.structs.replace(read, ref=known.ref, episode=known.episode) if read else known

    # -- a person's word ---------------------------------------------------------------------------------------

    def approval(self, uid: str) -> Approval | None:
        """Return a person's approval; None where nothing vouches for who wrote it."""
        stored = self._stored.get(uid)
        return stored.approval if stored and self._believed(stored.approval) else None

    def approvals_guarded(self) -> tuple[bool | None, str]:
        """Say whether the API server holds approvals to their rules; asked once, with a forged one as a dry run."""
        if self._why_fleeting:
            return super().approvals_guarded()
        guard = self._guard()
        return (True if guard.holds else False if guard.forged else None), guard.why

    def _believed(self, word: Approval | Release | None) -> bool:
        """Whether the API server vouches for who wrote it: not for what was there before the policy was as it is."""
        if word is None:
            return False
        guard = self._guard()
        return guard.holds and (guard.since is None or (word.at is not None and word.at > guard.since))

    def _disbelieved(self) -> tuple[str, ...]:
        """Say why words that stand do not count, where they do not."""
        said = [(stored, stored.approval or stored.release) for stored in self._stored.values()]
        standing = [(stored, word) for stored, word in said if word is not None]
        if not standing:
            return ()
        guard = self._guard()
        if not guard.holds or guard.since is None:
            return () if guard.holds else (guard.why,)
        since = format_time(guard.since)
        return tuple(
            f"what was approved for {stored.ref} does not count: it is older than the admission policy, changed at "
            f"{since}; approve it anew"
            for stored, word in standing
            if not self._believed(word)
        )

    def rejection(self, uid: str) -> Rejection | None:
        """Return a person's rejection, vouched for or not: it can hold back, and nothing else."""
        stored = self._stored.get(uid)
        return stored.rejection if stored else None

    # -- an act ------------------------------------------------------------------------------------------------

    def intend(self, plan: Plan, at: datetime, approved_by: str = "", backup: str = "") -> Attempt:
        """Write an attempt down; when this returns, the API server has it, or `fleeting` had said that it will not.

        Raises ClusterError where it may not have it. A lost answer is looked up.
        """
        ref = plan.target
        if self._why_fleeting:
            return super().intend(plan, at, approved_by, backup)
        if self._unread:
            raise ClusterError(f"{self._unread}; nobody knows what was tried before")
        before, pending = self._known.get(ref.uid), list(self._pending.get(ref.uid, ()))
        attempt = super().intend(plan, at, approved_by, backup)
        try:
            self._write(ref, at)
        except ClusterError as error:
            if not self._arrived(ref, attempt, error):
                self._withdraw(ref, before, pending)
                raise
            self._pending.pop(ref.uid, None)
        written = self._known[ref.uid][1].under_way
        assert written is not None
        return written

    def accepted(self, uid: str, at: datetime, answer: Answered | None = None) -> None:
        super().accepted(uid, at, answer)
        self._write_if_possible(uid, at)

    def conclude(self, uid: str, outcome: Outcome, at: datetime) -> None:
        super().conclude(uid, outcome, at)
        self._write_if_possible(uid, at)

    def _withdraw(self, ref: Ref, before: tuple[Ref, Episode] | None, pending: list[Step]) -> None:
        """Take the last step back: nothing will be done, so nothing was intended."""
        self._pending[ref.uid] = pending
        if ref.uid in self._stored:
            self._adopt(ref.uid)
        elif before is not None:
            self._known[ref.uid] = before
        else:
            del self._known[ref.uid]

    def _arrived(self, ref: Ref, attempt: Attempt, error: ClusterError) -> bool:
        """Whether a write was taken after all, where its answer was lost; a refusal is an answer."""
        if isinstance(error, Refused | Changed | NotFound):
            return False
        try:
            self._reread(ref)
        except ClusterError:
            return False
        stored = self._stored.get(ref.uid)
        there = stored.episode.under_way if stored and stored.episode else None
        return there is not None and (there.digest, there.intended) == (attempt.digest, attempt.intended)

    def _write_if_possible(self, uid: str, at: datetime) -> None:
        if self._why_fleeting or not self._pending.get(uid):
            return
        ref, _ = self._known[uid]
        try:
            self._write(ref, at)
        except ClusterError as error:
            _log.warning("could not record what came of an action yet", target=str(ref), why=error.message)

    # -- steps -------------------------------------------------------------------------------------------------

    def _step(self, ref: Ref, step: Step) -> None:
        super()._step(ref, step)
        if not self._why_fleeting and ref.uid in self._known:
            pending = self._pending.setdefault(ref.uid, [])
            pending.append(step)
            del pending[:-_STEPS_KEPT]

    def _adopt(self, uid: str) -> None:
        """Begin from what is stored, and take again the steps that are not in it yet."""
        stored = self._stored[uid]
        episode = stored.episode
        for step in self._pending.get(uid, ()):
            episode = step(episode)
        if episode is None:
            self._known.pop(uid, None)
            return
        self._known[uid] = (stored.ref, episode)
        release = stored.release if self._mine(uid) and self._believed(stored.release) else None
        if released(episode, release) != episode:
            self._step(stored.ref, lambda before: before and released(before, release))

    # -- reading -----------------------------------------------------------------------------------------------

    def _read(self, content: msgspec.Raw | bytes) -> Stored | None:
        """Take a record in, or note why it is not to be used."""
        name = objects.name_of(content)
        try:
            stored = objects.read(content)
        except Unusable as why:
            self._unusable[name] = f"Remediation {self._namespace}/{name} is left alone: {why}"
            return None
        twin = self._stored.get(stored.ref.uid)
        if twin is not None and twin.name != stored.name and stored.ref.kind != FUNCTION:
            self._unusable[name] = f"Remediation {self._namespace}/{name} is left alone: {twin.name} has that uid"
            return None
        self._unusable.pop(name, None)
        self._stored[stored.ref.uid] = stored
        return stored

    def _reread(self, ref: Ref) -> None:
        """Read one record again; forget it where it is gone."""
        try:
            content = self._transport.get(objects.path(self._namespace, objects.object_name(ref.uid, ref.kind)))
        except NotFound:
            self._stored.pop(ref.uid, None)
            return
        if self._read(content) is not None:
            self._adopt(ref.uid)

    # -- writing -----------------------------------------------------------------------------------------------

    def _worth_writing(self, uid: str, episode: Episode, now: datetime) -> bool:
        if not self._pending.get(uid):
            return False
        stored = self._stored.get(uid)
        if stored is None or worth_writing(stored.episode, episode):
            return True
        return stored.phase != self._phase(uid, episode, now).value

    def _phase(self, uid: str, episode: Episode, now: datetime) -> Phase:
        return phase(episode, self.approval(uid), self._max_attempts, now, rejection=self.rejection(uid))

    def _write(self, ref: Ref, now: datetime) -> None:
        """Create or patch one record; where somebody else wrote, read it again and take the steps anew."""
        last: ClusterError | None = None
        for _ in range(_TRIES):
            if blocked := self._blocked(ref):
                raise ClusterError(blocked)
            try:
                self._put(ref, now)
            except Changed as error:
                last = error
            except NotFound as error:
                if ref.uid not in self._stored:
                    raise  # the namespace itself
                last = error
            else:
                self._pending.pop(ref.uid, None)
                return
            self._reread(ref)
        assert last is not None
        raise last

    def _put(self, ref: Ref, now: datetime) -> None:
        stored = self._stored.get(ref.uid)
        if stored is None:
            created = self._transport.create(objects.collection(self._namespace), objects.new_object(ref))
            stored = self._taken(created)
        episode = self._known[ref.uid][1]
        stands = self._phase(ref.uid, episode, now)
        approval = self.approval(ref.uid)
        patch: list[Operation] = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": stored.resource_version},
            {
                "op": "add",
                "path": "/status",
                "value": objects.status(episode, stands, approval.at if approval else None),
            },
        ]
        self._taken(self._transport.patch(f"{objects.path(self._namespace, stored.name)}/status", patch))

    def _taken(self, content: bytes) -> Stored:
        stored = self._read(content)
        if stored is None:
            raise ClusterError(self._unusable[objects.name_of(content)])
        return stored

    def _blocked(self, ref: Ref) -> str:
        """Say why there is no record to write to, empty if there is one, or can be."""
        name, stored = objects.object_name(ref.uid, ref.kind), self._stored.get(ref.uid)
        if stored is not None and stored.ref != ref:
            return f"Remediation {self._namespace}/{name} is about {stored.ref}, not about {ref}"
        return self._unusable.get(name, "")

    def _prune(self, now: datetime) -> list[str]:
        """Delete what was resolved long ago, and what was created for nothing."""
        for uid, stored in [each for each in self._stored.items() if self._mine(each[0])]:
            ended = stored.episode.resolved_at if stored.episode else stored.created
            if ended is None or now - ended < self._retention or self._pending.get(uid) or _orphaned(stored):
                continue
            try:
                self._transport.delete(
                    objects.path(self._namespace, stored.name), uid=stored.uid, resource_version=stored.resource_version
                )
            except (Changed, NotFound, Forbidden):
                continue  # somebody else was quicker, or has to do it
            except ClusterError as error:
                return [f"old records could not be deleted: {error.message}"]
            del self._stored[uid]
            self._known.pop(uid, None)
        return []

    def _forgo(self, why: str) -> tuple[str, ...]:
        """Serve from memory from now on."""
        self._why_fleeting = f"{why}: {_MEANWHILE}"
        self._pending.clear()
        return (self._why_fleeting,)


def _or_else(known: Episode, before: Episode | None) -> Episode:
    """Take what is stored, and what is known where nothing is."""
    return before or known


def _orphaned(stored: Stored) -> bool:
    """Whether it tells of a function that was left in AWS: nothing else in the cluster does."""
    return stored.episode is not None and any(each.orphan for each in stored.episode.attempts)
