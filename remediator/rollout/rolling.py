"""One Function's rollout: look, apply a step, wait for both sides, look again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from msgspec import Struct

from remediator.errors import Changed, RemediatorError
from remediator.model.differences import Call, next_pass
from remediator.model.finding import Finding
from remediator.model.heartbeat import heartbeats
from remediator.model.masking import mask
from remediator.model.observation import Observation
from remediator.model.owners import owners
from remediator.model.resource import READ_ONLY, Resource
from remediator.observing import Observer
from remediator.ports import Means
from remediator.rollout.objects import Applier, Objects
from remediator.rollout.steps import Object, Part, Step, listed, steps
from remediator.waiting import Ending, Goal, GoalKind, Waited, wait_for

_TRIES, _PAUSE = 20, 0.2  # seconds
_SYNCED, _SETTLED = Goal(GoalKind.SYNCED), Goal(GoalKind.SETTLED)


class Rolled(Struct, frozen=True, kw_only=True):
    """What came of it: the steps that were taken, how the waiting after the last of them ended, and why.

    `ending` is *hopeless*, too, where ACK took back what was applied.
    """

    namespace: str
    name: str
    taken: tuple[Step, ...]
    ending: Ending
    why: str
    seconds: float
    finding: Finding | None = None
    page: str = ""

    @property
    def done(self) -> bool:
        return self.ending is Ending.REACHED


class Rollout(Struct, frozen=True):
    """Rolls out what an applier may apply. `say` is told, in a sentence, what is done and what is waited for."""

    means: Means
    observer: Observer
    objects: Objects
    applier: Applier
    say: Callable[[str], None]

    def plan(self, wanted: Object) -> tuple[Step, ...]:
        """Say which steps are left, in order; nothing is stored. Raises RemediatorError where it must not be done."""
        current = self.objects.find(*_names(wanted))
        with _secret(wanted, current or {}):
            if current is None:
                self.applier.rehearse(wanted)
                return (Step(Part.NEW, wanted),)
            _refuse_what_is_not_ours(current)
            return steps(wanted, current, self.applier.rehearse(wanted), self.applier.manager)

    def roll_out(self, wanted: Object, seconds: float) -> Rolled:
        """Take step after step, and wait for each; at most so many seconds in all."""
        return _OneRollout(self, wanted, seconds).until_it_ends()


class _OneRollout:
    """The steps of one manifest."""

    def __init__(self, rollout: Rollout, wanted: Object, seconds: float) -> None:
        self._rollout = rollout
        self._say, self._clock = rollout.say, rollout.means.clock
        self._wanted = wanted
        self._namespace, self._name = _names(wanted)
        self._began = self._clock.monotonic()
        self._deadline = self._began + seconds
        self._taken: list[Step] = []

    def until_it_ends(self) -> Rolled:
        waited: Waited | None = None
        while left := self._rollout.plan(self._wanted):
            if left[0].part in (each.part for each in self._taken):
                return self._taken_back(left[0])
            if left[0].part is not Part.NEW and (stopped := self._let_rest(left[0])) is not None:
                return self._ended(stopped)
            if not self._take(left):
                continue
            waited = self._wait(_SYNCED)
            if not waited.reached:
                return self._ended(waited)
        return self._ended(waited or self._wait(_SYNCED))

    def _take(self, planned: tuple[Step, ...]) -> bool:
        """Apply the first step as it is now; False where another one has become the first while others were at it."""
        for _ in range(_TRIES):
            left = self._rollout.plan(self._wanted)
            if [each.part for each in left] != [each.part for each in planned]:
                return False
            try:
                with _secret(self._wanted, left[0].body):
                    self._rollout.applier.apply(left[0])
            except Changed:
                self._clock.sleep(_PAUSE)  # ACK wrote its status in between, more often than not
                continue
            self._tell(left[0], more=len(left) > 1)
            self._taken.append(left[0])
            return True
        raise Changed(f"Function {self._namespace}/{self._name} is written to all the time: try again")

    def _let_rest(self, step: Step) -> Waited | None:
        """Wait for what is under way already, which this step would be refused for, or lose; None: it is over."""
        seen = self._look()
        if seen.live_state.busy:
            self._say("AWS is still at an update: it would refuse the next one")
            waited = self._wait(_SETTLED)
            if waited.ending is Ending.TIMED_OUT:
                return waited
            seen = self._look()
        coming = next_pass(seen)
        pending = coming.call if coming else Call.UNKNOWN
        if step.part is Part.REST and pending is Call.CODE:
            self._say("The code of an earlier change is not through yet: the configuration would be lost")
            waited = self._wait(_SYNCED)
            return None if waited.reached else waited
        if step.part is Part.CODE and pending is Call.CONFIGURATION:
            self._say("The configuration of an earlier change is not through yet: the code would undo it")
            waited = self._wait(_SYNCED)
            if waited.ending is Ending.TIMED_OUT:
                return waited
            if not waited.reached:
                self._say(f"It does not get through ({waited.why}); going on with the code")
        return None

    def _look(self) -> Observation:
        observer = self._rollout.observer
        resource = self._rollout.means.cluster.get(self._namespace, self._name)
        return observer.asked(resource, observer.controller(heartbeats([resource])))

    def _wait(self, goal: Goal) -> Waited:
        left = max(0.0, self._deadline - self._clock.monotonic())
        rollout = self._rollout
        return wait_for(rollout.means, rollout.observer, self._namespace, self._name, goal, seconds=left, say=self._say)

    def _tell(self, step: Step, *, more: bool) -> None:
        what = {
            Part.NEW: "created it",
            Part.CODE: f"applied the code ({listed(step.fields)})",
            Part.REST: f"applied the configuration ({listed(step.fields)})",
        }[step.part]
        self._say(f"{what}{'; the configuration follows' if more else ''}")

    def _taken_back(self, step: Step) -> Rolled:
        return self._rolled(
            Ending.HOPELESS,
            f"what was applied is not so any more: {listed(step.fields)}. ACK writes over it what AWS has, where that "
            "is of another form; or somebody else writes it, too",
        )

    def _ended(self, waited: Waited) -> Rolled:
        return self._rolled(waited.ending, waited.why, finding=waited.finding, page=waited.page)

    def _rolled(self, ending: Ending, why: str, *, finding: Finding | None = None, page: str = "") -> Rolled:
        return Rolled(
            namespace=self._namespace,
            name=self._name,
            taken=tuple(self._taken),
            ending=ending,
            why=mask(why, _secrets_of(self._wanted)),
            seconds=self._clock.monotonic() - self._began,
            finding=finding,
            page=page,
        )


@contextmanager
def _secret(*objects: Object) -> Iterator[None]:
    """Keep the environments of these out of what the API server says: whoever refuses an object can quote it."""
    try:
        yield
    except RemediatorError as error:
        error.message = mask(error.message, frozenset().union(*(_secrets_of(each) for each in objects)))
        raise


def _secrets_of(obj: Object) -> frozenset[str]:
    """List the values of a Function that no text may repeat; a manifest's need not be texts."""
    spec = obj.get("spec") or {}
    variables: Any = (spec.get("environment") or {}).get("variables")
    values = variables.values() if isinstance(variables, dict) else ()
    return frozenset(str(each) for each in (*values, (spec.get("code") or {}).get("zipFile")) if each)


def _names(wanted: Object) -> tuple[str, str]:
    return wanted["metadata"]["namespace"], wanted["metadata"]["name"]


def _refuse_what_is_not_ours(current: Object) -> None:
    """Leave alone what is going, what ACK only looks at, and what a tool keeps as it has it, and would put back."""
    resource = _read(current)
    namespace, name = resource.metadata.namespace, resource.metadata.name
    if resource.deleting:
        raise RemediatorError(
            f"Function {namespace}/{name} is being deleted: nothing can be rolled out to it",
            hint=f"remediator wait function/{name} -n {namespace} --for deleted",
        )
    if resource.annotations.get(READ_ONLY, "").lower() == "true":
        raise RemediatorError(
            f"Function {namespace}/{name} was left as it is: {READ_ONLY} is set, so ACK changes nothing in AWS",
            hint="Take the annotation away first, if that is meant.",
        )
    if owned := owners(resource):
        raise RemediatorError(
            f"Function {namespace}/{name} was left as it is: it is owned by {', '.join(owned)}",
            hint="Change it where that gets it from: code in one commit, configuration in the next.",
        )


def _read(current: Object) -> Resource:
    try:
        return msgspec.convert(current, Resource)
    except msgspec.ValidationError as error:
        raise RemediatorError(f"the object in the cluster cannot be read, and is left as it is: {error}") from error
