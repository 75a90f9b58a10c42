"""Where objects are kept: one revision counter, and enough history for stable pages and watches."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from remediator.sandbox.api.values import Object
from remediator.sandbox.clock import SandboxClock

KEPT_SECONDS = 600.0
"""How long old revisions can be read. kube-apiserver compacts every 5 minutes, so one lives for 5 to 10."""


class Compacted(Exception):
    """The revision asked for is no longer known. `revision` is the oldest one that is."""

    def __init__(self, revision: int) -> None:
        super().__init__(revision)
        self.revision = revision


@dataclass(frozen=True)
class Change:
    """One write: `before` is None where the object is new, `after` None where it is gone."""

    revision: int
    shelf: str
    key: str
    before: Object | None
    after: Object | None
    at: float


def key_of(namespace: str, name: str) -> str:
    """Return an object's key on its shelf. Lists are in the order of these keys."""
    return f"{namespace}/{name}"


class Store:
    """A map of objects that remembers.

    Stored objects are never changed, only replaced, so that they can be shared.

    Callers hold `lock` around everything that must be seen as one step; `changed` is notified after every
    write.
    """

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._shelves: dict[str, dict[str, Object]] = {}
        self._changes: deque[Change] = deque()
        self._compacted = 0  # lists of older revisions are refused
        self._forgotten = 0  # changes up to here are not known any more
        self.revision = 1
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)

    def get(self, shelf: str, namespace: str, name: str) -> Object | None:
        """Return the object, or None. It is shared: copy it before changing it."""
        with self.lock:
            return self._shelves.get(shelf, {}).get(key_of(namespace, name))

    def put(self, shelf: str, obj: Object) -> Object:
        """Store `obj` under its own namespace and name, and return it with its new `resourceVersion`."""
        with self.lock:
            metadata = {**obj["metadata"], "resourceVersion": str(self.revision + 1)}
            stamped = {**obj, "metadata": metadata}
            key = key_of(metadata.get("namespace", ""), metadata["name"])
            objects = self._shelves.setdefault(shelf, {})
            before = objects.get(key)
            objects[key] = stamped
            self._record(shelf, key, before, stamped)
            return stamped

    def remove(self, shelf: str, obj: Object) -> None:
        """Drop the object. Raises `KeyError` if it is not there."""
        with self.lock:
            key = key_of(obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
            self._record(shelf, key, self._shelves[shelf].pop(key), None)

    def items(self, shelf: str, namespace: str | None, revision: int | None = None) -> list[tuple[str, Object]]:
        """Return keys and objects in order, as they are, or as they were at `revision`.

        Raises `Compacted`.
        """
        with self.lock:
            objects: Iterable[tuple[str, Object]] = self._shelves.get(shelf, {}).items()
            if revision is not None and revision < self.revision:
                objects = self._as_of(shelf, revision).items()
            prefix = "" if namespace is None else f"{namespace}/"
            return sorted((item for item in objects if item[0].startswith(prefix)), key=lambda item: item[0])

    def changes_after(self, revision: int, shelf: str) -> list[Change]:
        """Return what happened on a shelf after `revision`. Raises `Compacted`."""
        with self.lock:
            if revision < self._forgotten:
                raise Compacted(self._forgotten)
            return [change for change in self._changes if change.revision > revision and change.shelf == shelf]

    def compact(self) -> None:
        """Refuse lists as of now or before, as after a compaction of etcd: continue tokens expire.

        Watches go on: kube-apiserver serves them from its own memory (apiserver `storage/cacher`).
        """
        with self.lock:
            self._compacted = self.revision

    def forget(self) -> None:
        """Drop all history, as a server has none that was just started: old watches expire, too."""
        with self.lock:
            self._changes.clear()
            self._compacted = self._forgotten = self.revision

    def _as_of(self, shelf: str, revision: int) -> dict[str, Object]:
        self._expect(revision)
        objects = dict(self._shelves.get(shelf, {}))
        for change in reversed(self._changes):
            if change.revision <= revision:
                break
            if change.shelf == shelf:
                if change.before is None:
                    objects.pop(change.key, None)
                else:
                    objects[change.key] = change.before
        return objects

    def _expect(self, revision: int) -> None:
        if revision < self._compacted:
            raise Compacted(self._compacted)

    def _record(self, shelf: str, key: str, before: Object | None, after: Object | None) -> None:
        self.revision += 1
        now = self._clock.monotonic()
        self._changes.append(Change(self.revision, shelf, key, before, after, now))
        while now - self._changes[0].at > KEPT_SECONDS:
            self._forgotten = self._changes.popleft().revision
            self._compacted = max(self._compacted, self._forgotten)
        self.changed.notify_all()
