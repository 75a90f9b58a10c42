"""Handle a Function as a user would, on both sides: create, edit, annotate, delete, look; see what AWS was asked."""

from collections.abc import Callable, Mapping
from typing import Any

from remediator.sandbox.aws.calls import Call
from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Cloud
from tests.bed.api import Api, found
from tests.bed.waiting import eventually, throughout

FINALIZER = "finalizers.lambda.services.k8s.aws/Function"

# How the controller reads a function. It reads twice in a pass that ends well, once more after each write.
READS = ["GetFunction", "GetFunctionConcurrency", "GetFunctionEventInvokeConfig", "GetFunctionCodeSigningConfig"]

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
        """Make the controller look, and answer what it leaves once it is done."""
        before = heartbeat(self.read())
        self.toggle()
        self.becomes(lambda seen: heartbeat(seen) != before, "its heartbeat moves")
        self.falls_silent()
        return self.read()

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

    def falls_silent(self, seconds: float = 1.2) -> None:
        """Wait until nobody has asked AWS anything about it for that long.

        A heartbeat has whole seconds: one written in the same second as its predecessor cannot be seen to move.
        """

        def silence() -> float:
            return (self.clock.now() - max(call.at for call in self.calls())).total_seconds()

        what = f"AWS is asked nothing about {self.name} for {seconds} s"
        eventually(silence, lambda passed: passed > seconds, what, self.clock)

    def backs_off(self) -> None:
        """Wait until ACK will not try again by itself for at least 2 seconds: its gaps double, from 5 ms on.

        After 2.7 seconds of silence the gap is the one of 5.12 seconds, or a longer one.
        """
        self.falls_silent(2.7)

    def discard(self) -> None:
        """Remove it from the cluster, whatever holds it."""
        if self.find() is not None:
            self._api.delete(self.path)
        if self.find() is not None:
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
