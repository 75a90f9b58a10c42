"""A cluster, its controller, AWS and the people in it, in memory; for remediators to work on.

Everything that outlives a process is here, as it would be in the API server: objects, records, the Lease, backups.
"""

from __future__ import annotations

import copy
import itertools
from datetime import datetime, timedelta

import msgspec

from remediator.errors import Changed, NotFound
from remediator.model.controller import ControllerFacts, Health
from remediator.model.lease import Terms
from remediator.model.live import LiveState, unreadable
from remediator.model.pause import Pause, Pauses
from remediator.model.resource import DELETION_POLICY, FUNCTION_FINALIZER, RETAIN, Resource
from remediator.model.times import format_time
from tests.builders import (
    ALIVE,
    BUSY,
    DOWN,
    GONE,
    NOW,
    UNPROVEN_GONE,
    Json,
    active,
    deleting,
    failing,
    function,
    synced,
)
from tests.fakes import FakeCluster
from tests.kubernetes.contenders import MemoryLease

RESTARTING = ControllerFacts(Health.ALIVE, "its pods are being replaced", restarting=True)
UNKNOWN = ControllerFacts()
FACTS = {"alive": ALIVE, "down": DOWN, "restarting": RESTARTING, "unknown": UNKNOWN}
ANSWERS = {
    "present": active(),
    "gone": GONE,
    "unproven": UNPROVEN_GONE,
    "unreadable": unreadable("AccessDenied"),
    "pending": active(state="Pending"),
}
PLACES = {"checkout": "shop", "billing": "shop", "archive": "post"}
HEALTHY = 6
BLOCKED = "the function cannot be deleted"


class Shelf:
    """The records of the home namespace, with the API server's rules for versions; what is on it is JSON."""

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self._versions = itertools.count(1)

    def listed(self) -> bytes:
        return msgspec.json.encode({"items": list(self.objects.values())})

    def get(self, name: str) -> bytes:
        return msgspec.json.encode(self._find(name))

    def create(self, body: Json, now: datetime) -> bytes:
        name = body["metadata"]["name"]
        if name in self.objects:
            raise Changed("already exists")
        made = copy.deepcopy(body)
        made["metadata"] |= {"uid": f"rem-{next(self._versions)}", "creationTimestamp": format_time(now)}
        return self._put(name, made)

    def patch_status(self, name: str, patch: list[Json]) -> bytes:
        found = self._find(name)
        version, status = patch
        if version["value"] != found["metadata"]["resourceVersion"]:
            raise Changed("the object has been modified")
        assert (status["op"], status["path"]) == ("add", "/status")
        return self._put(name, found | {"status": msgspec.json.decode(msgspec.json.encode(status["value"]))})

    def say(self, name: str, field: str, word: Json, now: datetime) -> None:
        """Write a person's word, in place of any other; the server dates it in whole seconds."""
        found = self._find(name)
        fields: Json = {"f:spec": {f"f:{field}": {}}}
        found["metadata"]["managedFields"] = [{"time": format_time(now), "fieldsV1": fields}]
        self._put(name, found | {"spec": {"target": found["spec"]["target"], field: word}})

    def delete(self, name: str, version: str) -> None:
        if self._find(name)["metadata"]["resourceVersion"] != version:
            raise Changed("the object has been modified")
        del self.objects[name]

    def attempts(self, uid: str) -> list[Json]:
        """Return what is written down of attempts at a resource."""
        found: list[Json] = self.objects.get(f"function-{uid}", {}).get("status", {}).get("attempts", [])
        return found

    def _find(self, name: str) -> Json:
        try:
            return self.objects[name]
        except KeyError:
            raise NotFound(f"remediations {name!r} not found") from None

    def _put(self, name: str, new: Json) -> bytes:
        new["metadata"]["resourceVersion"] = str(next(self._versions))
        self.objects[name] = new
        return msgspec.json.encode(new)


class World:
    """True time, and all that is in the world."""

    def __init__(self) -> None:
        self.time = 0.0
        self.api = FakeCluster()
        self.shelf = Shelf()
        self.lease = MemoryLease()
        self.backups: dict[str, float] = {}
        self.controller = "alive"
        self.hangs = False
        self.pauses = Pauses()
        self.aws: dict[str, str] = {}
        self.aws_moved: dict[str, float] = {}
        self.heals: dict[str, bool] = {}
        self.let_go: set[str] = set()
        self._observed: dict[str, int] = {}
        self._uids = itertools.count(1)
        for number in range(HEALTHY):
            self.make(f"healthy-{number}", "healthy", namespace="calm")

    @property
    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.time)

    def passes(self, seconds: float) -> None:
        self.time += seconds
        self.controller_looks()

    def robbed(self) -> None:
        """Let so much time pass that anybody may take the action lock, and let a stranger take it."""
        self.passes(31.0)
        if (found := self.lease.stored) is not None:
            self.lease.replace(found, found.record.taken("a stranger", Terms(), self.now))

    def paused(self, seconds: float | None, namespace: str = "") -> None:
        """Let somebody pause from now on, or end all pauses."""
        if seconds is None:
            self.pauses = Pauses()
            return
        until = self.now + timedelta(seconds=seconds)
        pause = Pause(f"pause-{len(self.pauses.found)}", "alice", until, self.now, "drill", namespace)
        self.pauses = Pauses((*self.pauses.found, pause))

    # -- objects --------------------------------------------------------------------------------------------------

    def make(self, name: str, kind: str, *, namespace: str = "", heals: bool = True) -> None:
        """Make an object anew, in the place of any of that name: `stale`, `left`, `doubtful`, `blocked`, `healthy`."""
        space = namespace or PLACES[name]
        made = self._of(name, kind, {"uid": f"u{next(self._uids)}"})
        made["metadata"]["namespace"] = space
        self.api.objects[space, name] = made
        self.answer(name, {"left": "gone", "doubtful": "unproven"}.get(kind, "present"))
        self.heals[name] = heals
        self._observed[made["metadata"]["uid"]] = made["metadata"]["generation"]

    def _of(self, name: str, kind: str, metadata: Json) -> Json:
        past = self.now - timedelta(hours=1)
        if kind == "stale":
            return function(name, metadata=metadata, conditions=failing(BUSY, format_time(past)))
        if kind == "healthy":
            return function(name, metadata=metadata, conditions=synced(format_time(past)))
        metadata = metadata | {"deletionTimestamp": format_time(self.now - timedelta(minutes=45))}
        conditions = (
            synced(format_time(past)) if kind == "left" else [*synced(format_time(past)), *failing(BLOCKED)[:1]]
        )
        return deleting(name, metadata=metadata, conditions=conditions)

    def found(self, name: str) -> Json | None:
        return next((each for (_, key), each in self.api.objects.items() if key == name), None)

    def sicken(self, name: str, *, ill: bool) -> None:
        found = self.found(name)
        if found is not None:
            moment = format_time(self.now - timedelta(hours=1))
            found["status"]["conditions"] = failing(BUSY, moment) if ill else synced(moment)

    def answer(self, name: str, kind: str) -> None:
        if self.aws.get(name) != kind:
            self.aws[name], self.aws_moved[name] = kind, self.time

    def live(self, resource: Resource) -> LiveState:
        found = ANSWERS[self.aws.get(resource.function_name, "gone")]
        return msgspec.structs.replace(found, arn=resource.arn_text) if found.present else found

    # -- the controller -------------------------------------------------------------------------------------------

    @property
    def facts(self) -> ControllerFacts:
        return FACTS[self.controller]

    def controller_looks(self) -> None:
        """Let the controller run the passes that are due, if it is there and does not hang."""
        if self.hangs or self.controller in ("down", "restarting"):
            return
        for each in list(self.api.objects.values()):
            uid, generation = each["metadata"]["uid"], each["metadata"]["generation"]
            if self._observed.get(uid) != generation:
                self._observed[uid] = generation
                self._look_at(each["metadata"]["name"])

    def _look_at(self, name: str) -> None:
        found = self.found(name)
        assert found is not None
        metadata = found["metadata"]
        if not metadata.get("deletionTimestamp"):
            moment = format_time(self.now)
            conditions = synced(moment) if self.heals[name] else failing(BUSY, moment)
            self.api.write(lambda each: each["status"].update(conditions=conditions), name)
            return
        retained = (metadata.get("annotations") or {}).get(DELETION_POLICY, "delete") == RETAIN
        if FUNCTION_FINALIZER in metadata["finalizers"] and (
            retained or (self.heals[name] and self.aws[name] in ("gone", "unproven"))
        ):
            self.let_go.add(metadata["uid"])
            self.api.write(lambda each: each["metadata"]["finalizers"].remove(FUNCTION_FINALIZER), name)
