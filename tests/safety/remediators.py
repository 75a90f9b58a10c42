"""Remediators as they are wired, but for the wire: the real pass, store and lock over a world in memory.

Every call of a port can go wrong: `Fate`. Whoever is killed says nothing more, not even in a `finally`.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import msgspec

from remediator.actions import plan_for
from remediator.errors import NotFound, RemediatorError, Unreachable
from remediator.gates import decide
from remediator.kubernetes.action_lock import KubernetesActionLock
from remediator.kubernetes.approvals import Guard
from remediator.kubernetes.lease import Lock
from remediator.kubernetes.remediations import StoredEpisodes
from remediator.kubernetes.transport import Transport
from remediator.model.controller import ControllerFacts
from remediator.model.decision import Overrides, Population, Rehearsal, Rehearsed, Situation
from remediator.model.definition import Definitions
from remediator.model.identities import Identities
from remediator.model.kind import FUNCTION
from remediator.model.lease import Found, Record
from remediator.model.live import LiveState, unreadable
from remediator.model.log import ControllerLog
from remediator.model.namespace import Namespace
from remediator.model.pause import Pauses
from remediator.model.placement import Placement
from remediator.model.plan import ActionName, Operation, Outcome
from remediator.model.reference import Link
from remediator.model.resource import Ref, Resource
from remediator.model.scan import Judged, Scan
from remediator.model.workload import Workload
from remediator.news import NoNews
from remediator.policy import Policy
from remediator.ports import Means
from remediator.scan import Pass
from tests.builders import NOW, decoded
from tests.safety.world import World

T = TypeVar("T")

_REQUEST = 7.0  # seconds after which a request is given up
PORTS = ("list", "get", "patch", "rehearse", "probe", "record", "lease", "pauses", "backup", "sleep")


class Killed(BaseException):
    """kill -9."""


@dataclass(frozen=True)
class Fate:
    """What happens at the nth call of a port: right before it has its effect, or after, before anybody is told."""

    port: str
    nth: int
    after: bool
    what: str  # "killed", "silence", or the name of an event of the world


@dataclass
class Run:
    """One run, as a witness has to know it."""

    proposed: frozenset[str] = frozenset()
    terminal: frozenset[str] = frozenset()
    overrides: Overrides = field(default_factory=Overrides)
    listed: int = 0
    population: Population = field(default_factory=lambda: Population(0, 0))
    began: float = 0.0
    done: int = 0
    probes: list[tuple[float, str, LiveState]] = field(default_factory=list)
    controller: str = "alive"


class Remediator:
    """One process. `ahead` is how far its wall clock is from the API server's, in seconds."""

    def __init__(
        self,
        world: World,
        name: str,
        policy: Policy,
        ahead: float,
        event: Callable[[Remediator, str], None],
        witness: Callable[[Remediator, Resource, Sequence[Operation]], None],
    ) -> None:
        self.world = world
        self.name = name
        self.policy = policy
        self.ahead = ahead
        self.dead = False
        self.busy = False
        self.now_run = Run()
        self.tally: Counter[str] = Counter()
        self._event = event
        self._witness = witness
        self._fates: dict[tuple[str, int, bool], str] = {}
        self.calls: Counter[str] = Counter()
        self._thread = threading.current_thread()
        store = StoredEpisodes(
            cast(Transport, _Records(self)),
            "home",
            by=name,
            guard=lambda: Guard(True, "the tests say so"),
            max_attempts=policy.attempts.max,
        )
        lock = KubernetesActionLock(Lock(_Lease(self), self, name))
        self.episodes = store
        cluster, cloud, backups, pauses = _Cluster(self), _Cloud(self), _Backups(self), _Pauses(self)
        self._work = Pass(Means(cluster, cloud, store, backups, self, lock, NoNews(), pauses), policy)

    # -- a run ----------------------------------------------------------------------------------------------------

    def run(self, fates: Sequence[Fate], *, person: bool, overrides: Overrides) -> list[Outcome]:
        """Make a run, as the command does, until it ends or is killed."""
        self.busy = True
        self._fates = {(each.port, each.nth, each.after): each.what for each in fates}
        self.calls.clear()
        self.now_run = Run(overrides=overrides if person else Overrides())
        try:
            return self._run(person=person)
        except Killed:
            assert self.dead
            return []
        except Unreachable:
            return []  # the command ends with an error
        finally:
            self.busy = False

    def _run(self, *, person: bool) -> list[Outcome]:
        acts = person or self.policy.mode != "dry-run"
        scan = self._scan()
        if acts and self._work.recover(scan):
            self.tally["recovered"] += 1
            scan = self._scan()
        if person:
            scan = msgspec.structs.replace(scan, results=tuple(_asked(each) for each in scan.results))
        self._work.record(scan)
        run = self.now_run
        run.population = Population(run.listed, sum(each.state.value in ("stuck", "unknown") for each in scan.results))
        run.proposed = frozenset(each.plan.digest for each in scan.results if each.plan)
        if person:
            run.terminal = frozenset(each.plan.digest for each in scan.proposals if each.plan)
            return list(self._work.remediate(scan, run.terminal, overrides=run.overrides))
        return list(self._work.proceed(scan))  # in a dry run as well: it has to hold by itself

    def _scan(self) -> Scan:
        self.now_run.began = self.world.time
        return self._work.scan(rehearse=True, overrides=self.now_run.overrides)

    # -- what befalls it ------------------------------------------------------------------------------------------

    def call(self, port: str, request: Callable[[], T]) -> T:
        """Carry a request out, unless something befalls it."""
        if self.dead:
            raise Killed
        if threading.current_thread() is not self._thread:
            return request()  # AWS is asked about several at once
        nth = self.calls[port]
        self.calls[port] += 1
        self._befalls(port, nth, after=False)
        try:
            answer = request()
        except RemediatorError:
            self._befalls(port, nth, after=True)
            raise
        self._befalls(port, nth, after=True)
        return answer

    def _befalls(self, port: str, nth: int, *, after: bool) -> None:
        what = self._fates.get((port, nth, after))
        if what is None:
            return
        if what == "killed":
            self.dead = True
            self.tally[f"killed at {port}"] += 1
            raise Killed
        if what == "silence":
            self.world.passes(_REQUEST)
            raise Unreachable("no answer")
        # Between the question whether the lock is ours and the end of a write nobody can take it over.
        if port != "patch" or after:
            self._event(self, what)
        if self.dead:
            raise Killed

    def saw(self, before: Resource, patch: Sequence[Operation]) -> None:
        self._witness(self, before, patch)

    # -- the Clock port -------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.world.time + self.ahead)

    def monotonic(self) -> float:
        return 1e4 + self.world.time

    def sleep(self, seconds: float, /) -> None:
        self.call("sleep", lambda: self.world.passes(seconds))


def _asked(judged: Judged) -> Judged:
    """Let a person ask for a Release, where one can be had."""
    plan = plan_for(judged.finding, judged.seen, ActionName.RELEASE) if judged.finding else None
    if plan is None or judged.finding is None:
        return judged
    at = Situation(now=judged.seen.now, population=Population(1, 1))
    return msgspec.structs.replace(judged, decision=decide(judged.finding, plan, at))


class _Cluster:
    def __init__(self, own: Remediator) -> None:
        self._own = own
        self._api = own.world.api

    def resources(self) -> Iterator[Resource | str]:
        listed = self._own.call("list", lambda: list(self._api.resources()))
        self._own.now_run.listed = len(listed)
        yield from listed

    def get(self, namespace: str, name: str, kind: str = FUNCTION) -> Resource:
        return self._own.call("get", lambda: self._api.get(namespace, name, kind))

    def references(self, resource: Resource) -> tuple[Link, ...]:
        return ()

    def raw(self, ref: Ref) -> bytes:
        return self._own.call("get", lambda: self._api.raw(ref))

    def patch(self, ref: Ref, patch: Sequence[Operation]) -> Resource:
        def write() -> Resource:
            before = self._api.objects.get((ref.namespace, ref.name))
            seen = decoded(before) if before is not None else None
            after = self._api.patch(ref, patch)
            assert seen is not None
            self._own.saw(seen, patch)
            return after

        return self._own.call("patch", write)

    def controller(self, now: datetime) -> ControllerFacts:
        self._own.now_run.controller = self._own.world.controller
        return self._own.world.facts

    def saw_everything(self) -> bool:
        return False

    def namespace(self, name: str) -> Namespace | str:
        raise AssertionError("all of them were listed")

    def workload(self, namespace: str, name: str) -> Workload:
        raise NotFound(f"deployments.apps {name!r} not found")

    def definitions(self) -> Definitions:
        return self._api.definitions()

    def log_lines(self, ref: Ref) -> ControllerLog:
        return self._api.log_lines(ref)

    def permitted(self, ref: Ref) -> tuple[bool | None, str]:
        return True, "we may patch it"

    def rehearse(self, before: Resource, patch: Sequence[Operation]) -> Rehearsal:
        try:
            return self._own.call("rehearse", lambda: self._api.rehearse(before, patch))
        except Unreachable as error:
            return Rehearsal(Rehearsed.NOT_VERIFIED, error.message)

    def skew(self) -> float | None:
        return self._own.ahead

    def identities(self, namespaces: Iterable[str] | None, controller: ControllerFacts) -> Identities:
        return self._api.identities(namespaces, controller)

    def namespace_annotations(self, namespace: str) -> dict[str, str] | None:
        return self._api.namespace_annotations(namespace)


class _Cloud:
    def __init__(self, own: Remediator) -> None:
        self._own = own

    def probe(self, resource: Resource, placement: Placement | None = None) -> LiveState:
        own = self._own
        try:
            found = own.call("probe", lambda: own.world.live(resource))
        except Unreachable as error:
            found = unreadable(error.message)
        own.now_run.probes.append((own.world.time, resource.metadata.uid, found))
        return found


class _Records:
    """A Transport, as far as the store uses one."""

    def __init__(self, own: Remediator) -> None:
        self._own = own
        self._shelf = own.world.shelf

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> bytes:
        if query is not None:
            return self._own.call("record", self._shelf.listed)
        return self._own.call("record", lambda: self._shelf.get(path.rsplit("/", 1)[1]))

    def create(self, path: str, body: dict[str, Any], *, dry_run: bool = False) -> bytes:
        return self._own.call("record", lambda: self._shelf.create(body, self._own.world.now))

    def patch(self, path: str, patch: list[Operation], *, dry_run: bool = False) -> bytes:
        name = path.removesuffix("/status").rsplit("/", 1)[1]
        return self._own.call("record", lambda: self._shelf.patch_status(name, patch))

    def delete(self, path: str, *, uid: str, resource_version: str) -> None:
        self._own.call("record", lambda: self._shelf.delete(path.rsplit("/", 1)[1], resource_version))


class _Lease:
    def __init__(self, own: Remediator) -> None:
        self._own = own
        self._lease = own.world.lease

    def __str__(self) -> str:
        return str(self._lease)

    def read(self) -> Found | None:
        return self._own.call("lease", self._lease.read)

    def create(self, record: Record) -> Found:
        return self._own.call("lease", lambda: self._lease.create(record))

    def replace(self, found: Found, record: Record) -> Found:
        return self._own.call("lease", lambda: self._lease.replace(found, record))


class _Pauses:
    def __init__(self, own: Remediator) -> None:
        self._own = own

    def read(self) -> Pauses:
        try:
            return self._own.call("pauses", lambda: self._own.world.pauses)
        except Unreachable as error:
            return Pauses(unknown=error.message)


class _Backups:
    def __init__(self, own: Remediator) -> None:
        self._own = own

    def save(self, ref: Ref, content: bytes) -> str:
        def keep() -> str:
            uid = msgspec.json.decode(content)["metadata"]["uid"]
            if uid != ref.uid:
                raise NotFound("it was recreated")
            self._own.world.backups[uid] = self._own.world.time
            return f"secret/{uid}"

        return self._own.call("backup", keep)
