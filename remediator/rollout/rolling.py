"""One Function's rollout: look, apply a step, wait for both sides, look again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from remediator.errors import Changed, RemediatorError
from remediator.model.differences import Call, next_pass
from remediator.model.finding import Finding
from remediator.model.masking import mask
from remediator.model.observation import Observation
from remediator.model.owners import owners
from remediator.model.resource import READ_ONLY
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


class Rollout:
    """Rolls out what an applier may apply. `say` is told, in a sentence, what is done and what is waited for."""

    def __init__(
        self, means: Means, observer: Observer, objects: Objects, applier: Applier, say: Callable[[str], None]
    ) -> None:
        self._means = means
        self._observer = observer
        self._objects = objects
        self._applier = applier
        self._say = say

    def plan(self, wanted: Object) -> tuple[Step, ...]:
        """Say which steps are left, in order; nothing is stored. Raises RemediatorError where it must not be done."""
        namespace, name = _names(wanted)
        current = self._objects.find(namespace, name)
        if current is None:
            self._applier.rehearse(wanted)
            return (Step(Part.NEW, wanted, ()),)
        _refuse_what_is_going(current)
        self._refuse_owned(namespace, name)
        return steps(wanted, current, self._applier.rehearse(wanted), self._applier.manager)

    def roll_out(self, wanted: Object, seconds: float) -> Rolled:
        """Take step after step, and wait for each; at most so many seconds in all."""
        return _OneRollout(self, wanted, seconds).until_it_ends()

    # ---- what one rollout asks of it -------------------------------------------------------------------------------

    def apply(self, step: Step) -> None:
        self._applier.apply(step.body)

    def wait(self, namespace: str, name: str, goal: Goal, seconds: float) -> Waited:
        return wait_for(self._means, self._observer, namespace, name, goal, seconds=seconds, say=self._say)

    def look(self, namespace: str, name: str) -> Observation:
        resource = self._means.cluster.get(namespace, name)
        return self._observer.asked(resource, self._observer.controller([resource]))

    def say(self, sentence: str) -> None:
        self._say(sentence)

    def monotonic(self) -> float:
        return self._means.clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self._means.clock.sleep(seconds)

    def _refuse_owned(self, namespace: str, name: str) -> None:
        """Leave alone what a tool keeps as it has it: it would undo each step, or the rollout its next one."""
        resource = self._means.cluster.get(namespace, name)
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


class _OneRollout:
    """The steps of one manifest."""

    def __init__(self, rollout: Rollout, wanted: Object, seconds: float) -> None:
        self._rollout = rollout
        self._wanted = wanted
        self._namespace, self._name = _names(wanted)
        self._began = rollout.monotonic()
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
                self._rollout.apply(left[0])
            except Changed:
                self._rollout.sleep(_PAUSE)  # ACK wrote its status in between, more often than not
                continue
            self._tell(left[0], more=len(left) > 1)
            self._taken.append(left[0])
            return True
        raise Changed(f"Function {self._namespace}/{self._name} is written to all the time: try again")

    def _let_rest(self, step: Step) -> Waited | None:
        """Wait for what is under way already, which this step would be refused for, or lose; None: it is over."""
        seen = self._rollout.look(self._namespace, self._name)
        if seen.live_state.busy:
            self._rollout.say("AWS is still at an update: it would refuse the next one")
            waited = self._wait(_SETTLED)
            if waited.ending is Ending.TIMED_OUT:
                return waited
            seen = self._rollout.look(self._namespace, self._name)
        coming = next_pass(seen)
        pending = coming.call if coming else Call.UNKNOWN
        if step.part is Part.REST and pending is Call.CODE:
            self._rollout.say("The code of an earlier change is not through yet: the configuration would be lost")
            waited = self._wait(_SYNCED)
            return None if waited.reached else waited
        if step.part is Part.CODE and pending is Call.CONFIGURATION:
            self._rollout.say("The configuration of an earlier change is not through yet: the code would undo it")
            waited = self._wait(_SYNCED)
            if waited.ending is Ending.TIMED_OUT:
                return waited
            if not waited.reached:
                self._rollout.say(f"It does not get through ({waited.why}); going on with the code")
        return None

    def _wait(self, goal: Goal) -> Waited:
        left = max(0.0, self._deadline - self._rollout.monotonic())
        return self._rollout.wait(self._namespace, self._name, goal, left)

    def _tell(self, step: Step, *, more: bool) -> None:
        what = {
            Part.NEW: "created it",
            Part.CODE: f"applied the code ({listed(step.fields)})",
            Part.REST: f"applied the configuration ({listed(step.fields)})",
        }[step.part]
        self._rollout.say(f"{what}{'; the configuration follows' if more else ''}")

    def _taken_back(self, step: Step) -> Rolled:
        return self._rolled(
            Ending.HOPELESS,
            f"ACK has written other values over what was applied: {listed(step.fields)}",
        )

    def _ended(self, waited: Waited) -> Rolled:
        return self._rolled(waited.ending, waited.why, finding=waited.finding, page=waited.page)

    def _rolled(self, ending: Ending, why: str, *, finding: Finding | None = None, page: str = "") -> Rolled:
        return Rolled(
            namespace=self._namespace,
            name=self._name,
            taken=tuple(self._taken),
            ending=ending,
            why=mask(why, secrets_of(self._wanted)),
            seconds=self._rollout.monotonic() - self._began,
            finding=finding,
            page=page,
        )


def secrets_of(wanted: Object) -> frozenset[str]:
    """List the values of a manifest that no text may repeat."""
    variables: Any = ((wanted.get("spec") or {}).get("environment") or {}).get("variables")
    values = variables.values() if isinstance(variables, dict) else ()
    return frozenset(str(each) for each in values if each is not None and str(each))


def _names(wanted: Object) -> tuple[str, str]:
    return wanted["metadata"]["namespace"], wanted["metadata"]["name"]


def _refuse_what_is_going(current: Object) -> None:
    metadata = current["metadata"]
    if metadata.get("deletionTimestamp"):
        raise RemediatorError(
            f"Function {metadata['namespace']}/{metadata['name']} is being deleted: nothing can be rolled out to it",
            hint=f"remediator wait function/{metadata['name']} -n {metadata['namespace']} --for deleted",
        )
