"""The ports in memory: a cluster that takes JSON Patches, a cloud that answers as scripted, time that jumps."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import jsonpatch
import msgspec

from remediator.episodes import MemoryEpisodes
from remediator.errors import Changed, NotFound, RemediatorError
from remediator.model.attempt import Attempt
from remediator.model.controller import ControllerFacts
from remediator.model.decision import Rehearsal, Rehearsed
from remediator.model.definition import Definitions
from remediator.model.identities import Identities, RoleMap
from remediator.model.kind import FUNCTION
from remediator.model.live import LiveState
from remediator.model.log import ControllerLog
from remediator.model.namespace import Namespace
from remediator.model.pause import Pauses
from remediator.model.placement import Placement
from remediator.model.plan import ActionName, Operation, Outcome, Plan
from remediator.model.reference import Link
from remediator.model.resource import FUNCTION_FINALIZER, Ref, Resource
from remediator.model.workload import Workload
from remediator.news import NoNews
from remediator.ports import Means
from tests.builders import ALIVE, NOW, Json, decoded

Hook = Callable[["FakeCluster"], None]


class FakeClock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.slept = 0.0
        self.on_sleep: list[Callable[[], None]] = []

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.slept)

    def monotonic(self) -> float:
        return 1000.0 + self.slept

    def sleep(self, seconds: float, /) -> None:
        self.slept += seconds
        if self.on_sleep:
            self.on_sleep.pop(0)()


class FakeCluster:
    """Objects with the API server's rules for uid, resourceVersion, generation and finalizers.

    `before` and `after` hold, per patch that is to come, what happens right before or after it is applied; an
    exception raised there is what the client sees.
    """

    def __init__(self, *objects: Json, facts: ControllerFacts = ALIVE) -> None:
        functions = [each for each in objects if each["kind"] == FUNCTION]
        self.objects = {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in functions}
        self.others = {
            (each["metadata"]["namespace"], each["metadata"]["name"], each["kind"]): each
            for each in objects
            if each["kind"] != FUNCTION
        }
        self.links: dict[tuple[str, str], tuple[Link, ...]] = {}
        self.followed: list[Ref] = []
        self.facts = facts
        self.missing: list[str] = []
        self.patches: list[list[Operation]] = []
        self.before: dict[int, Hook] = {}
        self.after: dict[int, Hook] = {}
        self.on_get: list[Hook] = []
        self.raw_fails: RemediatorError | None = None
        self.may: tuple[bool | None, str] = (True, "we may patch it")
        self.rehearsed: list[list[Operation]] = []
        self.on_rehearsal: list[Hook] = []
        self.rehearsal = Rehearsal(Rehearsed.VERIFIED, "taken")
        self.ahead: float | None = 0.0
        self.defined = Definitions()
        self.log = ControllerLog(why="there is no log in memory")
        self.annotated: dict[str, dict[str, str] | None] = {}
        self.known: dict[str, Namespace] = {}
        self.roles = RoleMap()

    def the(self, name: str = "checkout") -> Json:
        return next(each for (_, key), each in self.objects.items() if key == name)

    def write(self, change: Callable[[Json], object], name: str = "checkout") -> None:
        """Change an object as somebody else would."""
        found = self.the(name)
        before = copy.deepcopy(found)
        change(found)
        self._bump(before, found)
        self._collect(found)

    def resources(self) -> Iterator[Resource | str]:
        yield from [decoded(each) for each in (*self.objects.values(), *self.others.values())]
        yield from self.missing

    def functions(self) -> Iterator[Resource | str]:
        yield from [decoded(each) for each in self.objects.values()]
        yield from self.missing

    def get(self, namespace: str, name: str, kind: str = FUNCTION) -> Resource:
        if self.on_get:
            self.on_get.pop(0)(self)
        return decoded(self._find(namespace, name, kind))

    def references(self, resource: Resource) -> tuple[Link, ...]:
        self.followed.append(resource.ref)
        return self.links.get((resource.kind, resource.metadata.name), ())

    def raw(self, ref: Ref) -> bytes:
        if self.raw_fails:
            raise self.raw_fails
        return msgspec.json.encode(self._find(ref.namespace, ref.name, ref.kind))

    def patch(self, ref: Ref, patch: Sequence[Operation]) -> Resource:
        number = len(self.patches)
        self.patches.append(list(patch))
        if number in self.before:
            self.before[number](self)
        assert ref.kind == FUNCTION, f"a write to {ref}"
        found = self._find(ref.namespace, ref.name)
        changed = self._patched(found, ref, patch)
        self._bump(found, changed)
        self.objects[ref.namespace, ref.name] = changed
        self._collect(changed)
        if number in self.after:
            self.after[number](self)
        return decoded(changed)

    def controller(self, now: datetime) -> ControllerFacts:
        return self.facts

    def saw_everything(self) -> bool:
        return False

    def workload(self, namespace: str, name: str) -> Workload:
        raise NotFound(f"deployments.apps {name!r} not found")

    def definitions(self) -> Definitions:
        return self.defined

    def permitted(self, ref: Ref) -> tuple[bool | None, str]:
        return self.may

    def rehearse(self, before: Resource, patch: Sequence[Operation]) -> Rehearsal:
        self.rehearsed.append(list(patch))
        if self.on_rehearsal:
            self.on_rehearsal.pop(0)(self)
        self._patched(self._find(before.metadata.namespace, before.metadata.name), before.ref, patch)
        return self.rehearsal

    def skew(self) -> float | None:
        return self.ahead

    def identities(self, namespaces: Iterable[str] | None, controller: ControllerFacts) -> Identities:
        if namespaces is None:
            namespaces = {each["metadata"]["namespace"] for each in (*self.objects.values(), *self.others.values())}
        marks = {name: self.annotated.get(name, {}) for name in namespaces}
        readable = {name: Namespace(name, each) for name, each in marks.items() if each is not None} | self.known
        return Identities(
            namespaces=readable,
            namespaces_unread="" if len(readable) == len(marks) else "a namespace could not be read",
            accounts=self.roles,
            teams=RoleMap(),
            selectors_unread="",
        )

    def namespace(self, name: str) -> Namespace | str:
        raise AssertionError("all of them were listed")

    def log_lines(self, ref: Ref) -> ControllerLog:
        return self.log

    def namespace_annotations(self, namespace: str) -> dict[str, str] | None:
        return self.annotated.get(namespace, {})

    @staticmethod
    def _patched(found: Json, ref: Ref, patch: Sequence[Operation]) -> Json:
        try:
            changed: Json = jsonpatch.apply_patch(copy.deepcopy(found), json.dumps(list(patch)))
        except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
            raise Changed(f"{ref}: {error}") from error
        return changed

    def _find(self, namespace: str, name: str, kind: str = FUNCTION) -> Json:
        try:
            return self.objects[namespace, name] if kind == FUNCTION else self.others[namespace, name, kind]
        except KeyError:
            raise NotFound(f"functions {name!r} not found") from None

    def _collect(self, found: Json) -> None:
        """Let an object go that is being deleted and that nobody holds any more."""
        metadata = found["metadata"]
        if metadata.get("deletionTimestamp") and not metadata.get("finalizers"):
            del self.objects[metadata["namespace"], metadata["name"]]

    @staticmethod
    def _bump(before: Json, after: Json) -> None:
        metadata = after["metadata"]
        metadata["resourceVersion"] = str(int(metadata["resourceVersion"]) + 1)
        if before.get("spec") != after.get("spec"):
            metadata["generation"] += 1


class FakeCloud:
    """Answers per function, one after the other; the last one stays."""

    def __init__(self, **answers: LiveState | list[LiveState]) -> None:
        self._answers = {name: each if isinstance(each, list) else [each] for name, each in answers.items()}
        self.asked: list[tuple[str, float]] = []
        self.placements: list[Placement | None] = []
        self.clock: FakeClock | None = None

    def probe(self, resource: Resource, placement: Placement | None = None) -> LiveState:
        name = resource.function_name
        self.placements.append(placement)
        self.asked.append((name, self.clock.monotonic() if self.clock else 0.0))
        answers = self._answers[name]
        return answers.pop(0) if len(answers) > 1 else answers[0]


class FakeBackups:
    """Remembers what was saved."""

    def __init__(self) -> None:
        self.saved: list[Json] = []
        self.fails: RemediatorError | None = None

    def save(self, ref: Ref, content: bytes) -> str:
        if self.fails:
            raise self.fails
        self.saved.append(json.loads(content))
        return f"/backups/{ref.name}.json"


class Log(MemoryEpisodes):
    """Episodes that tell in which order things were written down."""

    def __init__(self, cluster: FakeCluster) -> None:
        super().__init__()
        self._cluster = cluster
        self.intents: list[tuple[ActionName, int]] = []
        self.outcomes: list[Outcome] = []

    def intend(self, plan: Plan, at: datetime, approved_by: str = "", backup: str = "") -> Attempt:
        self.intents.append((plan.action, len(self._cluster.patches)))
        return super().intend(plan, at, approved_by, backup)

    def conclude(self, uid: str, outcome: Outcome, at: datetime) -> None:
        self.outcomes.append(outcome)
        super().conclude(uid, outcome, at)


class FakeLock:
    """An action lock that nobody else wants, unless a test says so.

    `busy` is raised where it is asked for; `lost_after` is how many writes it is good for.
    """

    def __init__(self) -> None:
        self.why = "it is ours"
        self.busy: RemediatorError | None = None
        self.lost_after: int | None = None
        self.asked = 0
        self.taken = False

    def keep(self) -> bool:
        assert self.taken, "asked for a lock that is not held"
        self.asked += 1
        return self.lost_after is None or self.asked <= self.lost_after

    @contextmanager
    def held(self, say: Callable[[str], None]) -> Iterator[FakeLock]:
        if self.busy:
            raise self.busy
        self.taken = True
        try:
            yield self
        finally:
            self.taken = False


class FakePauses:
    """Pauses as a test has them; each reading takes the next of `coming`, where there is one."""

    def __init__(self, pauses: Pauses | None = None) -> None:
        self.now = pauses or Pauses()
        self.coming: list[Pauses] = []

    def read(self) -> Pauses:
        if self.coming:
            self.now = self.coming.pop(0)
        return self.now


class World:
    """Every port together, as a test needs them."""

    def __init__(self, cluster: FakeCluster, cloud: FakeCloud) -> None:
        self.cluster, self.cloud = cluster, cloud
        self.clock = cloud.clock = FakeClock()
        self.backups = FakeBackups()
        self.episodes = Log(cluster)
        self.lock = FakeLock()
        self.pauses = FakePauses()
        self.means = Means(cluster, cloud, self.episodes, self.backups, self.clock, self.lock, NoNews(), self.pauses)

    def passed(self, heartbeat: str, conditions: list[Json] | None = None) -> Hook:
        """Build what a controller does after a change of the spec: one pass."""

        def one_pass(cluster: FakeCluster) -> None:
            def change(found: Json) -> None:
                if conditions is not None:
                    found["status"]["conditions"] = conditions
                for each in found["status"]["conditions"]:
                    if each["type"] == "ACK.ResourceSynced":
                        each["lastTransitionTime"] = heartbeat

            cluster.write(change)

        return one_pass


def without_ack(found: Json) -> None:
    """Drop ACK's finalizer, as the controller does when AWS has no such function."""
    found["metadata"]["finalizers"].remove(FUNCTION_FINALIZER)


def failing_with(error: BaseException) -> Callable[..., Any]:
    """Build a hook that raises."""

    def fail(*_: object) -> None:
        raise error

    return fail
