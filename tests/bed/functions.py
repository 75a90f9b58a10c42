"""Handle a Function as a user would, on both sides: create, edit, annotate, delete, look; see what AWS was asked."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import pairwise
from typing import Any

from remediator.sandbox.aws.calls import Call
from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Cloud
from tests.bed.api import Api, Refused, found
from tests.bed.waiting import eventually, throughout

# Real seconds without a call after which a pass is over: at least, and at most, for a busy machine takes longer.
_QUIET, _PATIENCE = 0.1, 0.5

# ACK's wait after the first failure, and the seconds that are left of one for a test to do what it is about.
_FIRST_WAIT, _REST = timedelta(milliseconds=5), 3.0

FINALIZER = "finalizers.lambda.services.k8s.aws/Function"

# How the controller reads a function. It reads twice in a pass that ends well, once more after each write.
READS = ["GetFunction", "GetFunctionConcurrency", "GetFunctionEventInvokeConfig", "GetFunctionCodeSigningConfig"]

# One call of a read, and the next.
_WITHIN = set(pairwise(READS))

Object = dict[str, Any]


class Function:
    """One Function. Its name in the cluster and in AWS is the same."""

    def __init__(self, api: Api, cloud: Cloud, clock: SandboxClock, namespace: str, name: str) -> None:
        self._api = api
        self._cloud = cloud
        self.clock = clock
        self.namespace = namespace
        self.name = name
        self.path = f"{collection(namespace)}/{name}"

    def read(self) -> Object:
        """Read it; it must be there."""
        return self._api.get(self.path)

    def find(self) -> Object | None:
        """Read it, if it is there."""
        return found(self._api, self.path)

    def edit(self, **spec: Any) -> Object:
        """Merge into the spec; None removes a field."""
        return self._api.merge(self.path, {"spec": spec})

    def annotate(self, annotations: Mapping[str, str | None]) -> Object:
        """Set annotations; None removes one."""
        return self._api.merge(self.path, {"metadata": {"annotations": annotations}})

    def label(self, labels: Mapping[str, str | None]) -> Object:
        """Set labels; None removes one."""
        return self._api.merge(self.path, {"metadata": {"labels": labels}})

    def refuse(
        self, operation: str, code: str = "AccessDeniedException", message: str = "", times: int | None = None
    ) -> None:
        """Make AWS refuse an operation on it, so many `times` or until `cloud.allow()`; in IAM's words, if in none."""
        self._cloud.refuse(
            operation,
            code,
            message or f"not authorized to perform: lambda:{operation}",
            name=self.name,
            times=times,
        )

    def toggle(self) -> None:
        """Set `spec.publish` and take it away again: the bare change that makes a controller look."""
        self.patch({"op": "add", "path": "/spec/publish", "value": False})
        self.patch({"op": "test", "path": "/spec/publish", "value": False}, {"op": "remove", "path": "/spec/publish"})

    def resync(self) -> Object:
        """Make the controller run one pass that ends well, and answer what it leaves."""
        self.falls_silent()
        before = self.read()
        self.edit(publish=None if "publish" in before["spec"] else False)
        return self.becomes(lambda seen: heartbeat(seen) != heartbeat(before), "its heartbeat moves")

    def patch(self, *operations: Mapping[str, Any]) -> Object:
        """Apply a JSON patch."""
        return self._api.patch(self.path, *operations)

    def delete(self) -> None:
        """Ask for its deletion; finalizers may hold it."""
        self._api.delete(self.path)

    def becomes(self, until: Callable[[Object], object], what: str, within: float = 20.0) -> Object:
        """Wait until the predicate holds of it, and answer it."""
        return eventually(self.read, until, f"{self.name}: {what}", self.clock, within)

    def stays(self, holds: Callable[[Object], object], what: str, seconds: float) -> Object:
        """Fail unless the predicate holds all that time, and answer it as it is then."""
        return throughout(self.read, holds, f"{self.name}: {what}", self.clock, seconds)

    def disappears(self, within: float = 20.0) -> None:
        """Wait until it is gone from the cluster."""
        what = f"{self.name} is gone from the cluster"
        eventually(self.find, lambda seen: seen is None, what, self.clock, within)

    def live(self) -> Object | None:
        """Read what is in AWS, by no call that would count; None: there is no such function."""
        try:
            return self._cloud.configuration(self.name)
        except LookupError:
            return None

    def becomes_live(self, until: Callable[[Object | None], object], what: str, within: float = 20.0) -> None:
        """Wait until the predicate holds of what is in AWS."""
        eventually(self.live, until, f"{self.name} in AWS: {what}", self.clock, within)

    def calls(self, since: int = 0) -> list[Call]:
        """List the calls about it, by whomever, since the call of that number (`len(cloud.calls)`)."""
        return [call for call in self._cloud.calls_since(since) if call.function == self.name]

    def asked(self, since: int = 0) -> list[str]:
        """List the operations of those calls."""
        return [call.operation for call in self.calls(since)]

    def looks(self, since: int = 0) -> list[Call]:
        """List those calls that begin a read of it: a pass that fails at once has one, a good one several."""
        return [call for call in self.calls(since) if call.operation == READS[0]]

    def gets_asked(self, until: Callable[[list[str]], object], what: str, since: int = 0, within: float = 20.0) -> None:
        """Wait until the predicate holds of the operations since."""
        eventually(lambda: self.asked(since), until, f"{self.name}: {what}", self.clock, within)

    def is_quiet(self) -> bool:
        """Tell whether no pass is under way, by how far apart its calls have been: some milliseconds, or more."""
        calls = self.calls()
        within = [(b.at - a.at).total_seconds() for a, b in pairwise(calls) if (a.operation, b.operation) in _WITHIN]
        pace = min(max([_QUIET * self.clock.speed, *(3 * gap for gap in within)]), _PATIENCE * self.clock.speed)
        return (self.clock.now() - calls[-1].at).total_seconds() > pace

    def is_written(self, seen: Object) -> bool:
        """Tell whether a pass that ends well has written its heartbeat, in the second of its last call or later."""
        return datetime.fromisoformat(str(heartbeat(seen))) >= self.calls()[-1].at.replace(microsecond=0)

    def falls_silent(self) -> None:
        """Wait until a pass under way is over, and the second in which it was.

        A heartbeat has whole seconds: one written in the same second as its predecessor cannot be seen to move.
        """

        def is_over() -> bool:
            last = self.calls()[-1].at
            written = heartbeat(self.find() or {})
            ended = max(last, datetime.fromisoformat(written)) if written else last
            return self.is_quiet() and self.clock.now() > ended.replace(microsecond=0) + timedelta(seconds=1)

        eventually(is_over, bool, f"AWS is asked nothing more about {self.name}", self.clock)

    def backs_off(self, since: int) -> None:
        """Wait until ACK will not try again by itself for some seconds; all passes since the call `since` failed.

        Its waits double from 5 ms on: the one after the eleventh failure is of 5.12 seconds. On a fast clock they are
        over in no time, so there it is a later one.
        """

        def rests() -> bool:
            looks = self.looks(since)
            if len(looks) <= 10 or not self.is_quiet():
                return False
            wait: timedelta = _FIRST_WAIT * 2 ** (len(looks) - 1)
            return (looks[-1].at + wait - self.clock.now()).total_seconds() > _REST * max(1.0, self.clock.speed / 4)

        eventually(rests, bool, f"{self.name} fails eleven times and rests", self.clock, 80)

    def discard(self) -> None:
        """Remove it from the cluster, whatever holds it."""
        for remove in (self.delete, self._let_go):
            try:
                remove()
            except Refused as refused:
                # The controller may have let it go already, or do so just now.
                if refused.status != HTTPStatus.NOT_FOUND:
                    raise

    def _let_go(self) -> None:
        self._api.merge(self.path, {"metadata": {"finalizers": None}})


def collection(namespace: str) -> str:
    """Answer the path of a namespace's Functions."""
    return f"/apis/lambda.services.k8s.aws/v1alpha1/namespaces/{namespace}/functions"


def condition(seen: Object, kind: str) -> Object:
    """Pick a condition; an absent one is empty."""
    conditions = seen.get("status", {}).get("conditions") or []
    return next((entry for entry in conditions if entry["type"] == kind), {})


def synced(seen: Object) -> str | None:
    """Answer the status of ACK.ResourceSynced."""
    return condition(seen, "ACK.ResourceSynced").get("status")


def heartbeat(seen: Object) -> str | None:
    """Answer when the controller last finished a pass, as written: whole seconds."""
    return condition(seen, "ACK.ResourceSynced").get("lastTransitionTime")


def error_text(seen: Object) -> str:
    """Answer the message of ACK.Recoverable while it is True."""
    recoverable = condition(seen, "ACK.Recoverable")
    return recoverable.get("message", "") if recoverable.get("status") == "True" else ""


def is_synced(seen: Object) -> bool:
    """Tell whether ACK.ResourceSynced is True."""
    return synced(seen) == "True"


def is_ready(seen: Object) -> bool:
    """Tell whether both ACK.ResourceSynced and Ready are True."""
    return is_synced(seen) and condition(seen, "Ready").get("status") == "True"
