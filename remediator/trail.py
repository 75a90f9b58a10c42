"""The audit trail of one process: every decision that is new, and every write to a target, told before it is sent.

It stands around each patch of a target, whoever asks for it. What an attempt is about it learns from the steps of
episodes. A first write that cannot be told is not made. Those after it are: they take
our own mark back, and leaving it there would be worse.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

import msgspec
import structlog
from msgspec import Struct

from remediator import __version__
from remediator.errors import Changed, ClusterError, NotFound, Refused, RemediatorError, Unaudited
from remediator.model.attempt import Attempt
from remediator.model.audit import (
    Answer,
    AuditEvent,
    AuditRecord,
    Moment,
    Verb,
    decided,
    line,
    of_attempt,
    outcome,
    same,
    target,
)
from remediator.model.episode import Episode
from remediator.model.plan import Operation
from remediator.model.resource import Ref, Resource
from remediator.model.scan import Judged
from remediator.model.written import shown
from remediator.ports import Clock

_log = structlog.get_logger(__name__)

Sent = TypeVar("Sent")

_LEFT = "an interrupted action is undone"


class Lines(Protocol):
    """What takes the lines."""

    def append(self, lines: bytes) -> None:
        """Write them; raise Unaudited where they may be lost."""


class Who(Struct, frozen=True):
    """Who we are. `user` asks for our name to the API server: it returns that, and else why it is not known."""

    process: str
    user: Callable[[], tuple[str, str]]
    cluster: str = ""
    server: str = ""


class Trail:
    """The Audit port on something that takes lines."""

    def __init__(self, lines: Lines, who: Who, clock: Clock) -> None:
        self._lines = lines
        self._who = who
        self._clock = clock
        self._under_way: dict[str, Attempt] = {}
        self._written: set[str] = set()
        self._known: dict[str, tuple[Any, ...]] = {}

    def now(self) -> datetime:
        """Tell the time that lines are dated by."""
        return self._clock.now()

    def decided(self, judged: Iterable[Judged], moment: Moment = Moment.SCAN) -> str:
        """Write down what was decided. A pass tells what is as it told it before once; an act is always told."""
        at = self._clock.now()
        told = {each.seen.resource.metadata.uid: decided(each, at, moment) for each in judged}
        if moment is Moment.SCAN:
            self._known = {uid: known for uid, known in self._known.items() if told.get(uid) is not None}
        fresh = {
            uid: record
            for uid, record in told.items()
            if record is not None and (moment is Moment.ACT or self._known.get(uid) != same(record))
        }
        try:
            self.write(*fresh.values())
        except Unaudited as error:
            return error.message
        if moment is Moment.SCAN:
            self._known |= {uid: same(record) for uid, record in fresh.items()}
        return ""

    def noticed(self, ref: Ref, before: Episode | None, after: Episode) -> None:
        """Take in one step of an episode: what is begun, and what came of it."""
        if after.under_way is None:
            self._under_way.pop(ref.uid, None)
        else:
            self._under_way[ref.uid] = after.under_way
        open_before = {each.id for each in before.attempts if each.result is None} if before else set()
        for each in after.attempts:
            if each.id in open_before and each.result is not None:
                self._tell(outcome(ref, each, self._clock.now()))

    def around(self, ref: Ref, patch: Sequence[Operation], send: Callable[[], Resource]) -> Resource:
        """Send a patch of a target: told before, and its answer after.

        Raises what `send` does, and Unaudited where it cannot be told, and it is the first of its attempt, or of none.
        """
        attempt = self._under_way.get(ref.uid)
        request = AuditRecord(
            at=self._clock.now(),
            event=AuditEvent.REQUEST,
            **target(ref),
            **(of_attempt(attempt) if attempt else {}),
            verb=Verb.PATCH,
            patch=shown(patch),
        )
        if attempt is not None and attempt.id in self._written:
            return self.send(request, send, _version, must_be_told=False)
        if attempt is None or attempt.by != self._who.process:
            return self.send(msgspec.structs.replace(request, reason=_LEFT), send, _version)
        request = msgspec.structs.replace(
            request,
            before={path: msgspec.json.decode(value) for path, value in attempt.before.items()},
            generation=attempt.generation,
            resource_version=attempt.resource_version,
        )
        return self.send(request, send, _version, sent=lambda: self._written.add(attempt.id))

    def send(
        self,
        request: AuditRecord,
        send: Callable[[], Sent],
        version: Callable[[Sent], tuple[str, int]],
        *,
        must_be_told: bool = True,
        sent: Callable[[], object] = lambda: None,
    ) -> Sent:
        """Send anything: told before, and its answer after, with the resourceVersion and generation it came to.

        Raises what `send` does, and Unaudited where it cannot be told before, but must be. `sent` is called in between.
        """
        request = msgspec.structs.replace(request, write=secrets.token_hex(8))
        if must_be_told:
            self.write(request)
        else:
            self._tell(request)
        sent()
        after, answer = ("", 0), Answer.UNKNOWN
        try:
            result = send()
            after, answer = version(result), Answer.TAKEN
        except RemediatorError as error:
            answer = answer_of(error)
            raise
        finally:
            # It is out by now: what cannot be told is logged.
            self._tell(_answered(request, self._clock.now(), answer, after))
        return result

    def write(self, *records: AuditRecord) -> None:
        """Write records down, each with who we are; raise Unaudited where they may be lost."""
        if not records:
            return
        user, unknown = self._who.user()
        signed = {
            "process": self._who.process,
            "version": __version__,
            "user": user,
            "user_unknown": unknown,
            "cluster": self._who.cluster,
            "server": self._who.server,
        }
        self._lines.append(b"".join(line(msgspec.structs.replace(each, **signed)) for each in records))

    def _tell(self, record: AuditRecord) -> None:
        try:
            self.write(record)
        except Unaudited as error:
            told = f"{record.kind} {record.namespace}/{record.name}"
            _log.error("not in the audit log", what=record.event.value, target=told, why=error.message)


def answer_of(error: RemediatorError) -> Answer:
    """Say in a word how a write was answered."""
    if isinstance(error, Changed):
        return Answer.CHANGED
    if isinstance(error, NotFound):
        return Answer.GONE
    known = isinstance(error, Refused) or not isinstance(error, ClusterError)
    return Answer.REFUSED if known else Answer.UNKNOWN


def _version(of: Resource) -> tuple[str, int]:
    return of.metadata.resource_version, of.metadata.generation


def _answered(request: AuditRecord, at: datetime, answer: Answer, after: tuple[str, int]) -> AuditRecord:
    """Turn a request into its answer: what was sent is told once."""
    version, generation = after
    return msgspec.structs.replace(
        request,
        at=at,
        event=AuditEvent.ANSWER,
        answer=answer,
        resource_version=version,
        generation=generation,
        patch=(),
        fields=(),
        before={},
    )
