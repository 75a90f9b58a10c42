"""Remediators, people, a controller, AWS and an API server do what they can: nothing happens that must not.

What must not is said by `Witness`. The machine cannot pass by doing nothing: what it did is counted.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

import pytest
import structlog
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from remediator.gates import OVERRIDABLE
from remediator.model.decision import GateName, Overrides
from remediator.model.plan import Result
from remediator.model.resource import RETAIN
from remediator.policy import Policy
from tests.builders import Json
from tests.safety.remediators import PORTS, Fate, Remediator
from tests.safety.witness import FAR, Witness
from tests.safety.world import ANSWERS, FACTS, HEALTHY, PLACES, World

EXAMPLES, STEPS = 280, 45
SEED = 20261122
TALLY: Counter[str] = Counter()

# What must have happened how often, lest the machine passes by doing nothing.
AT_LEAST = {
    "Resync": 200,
    "Release": 30,
    "ClearFinalizer": 100,
    "a person's word at the terminal": 100,
    "a stored word": 60,
    "nobody's word": 60,
    "a budget was lifted": 10,
    "a window was lifted": 10,
    "told of an orphan": 20,
    "recovered": 10,
    "event: another": 50,
    "event: robbed": 20,
    "event: edited": 20,
    **{f"killed at {port}": 3 for port in ("get", "patch", "record", "lease")},
}

_HEAD: Json = {"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy"}
_RULES: Json = {
    "sightings": 1,
    "budgets": {"perRun": 2, "perDay": 5, "perNamespace": 1},
    "breaker": {"percent": 35},
    # Closed a quarter of each hour, so that runs begin in there, and others end in there.
    "windows": {"timeZone": "Europe/Berlin", "deny": [f"{hour:02}:20-{hour:02}:35" for hour in range(24)]},
}

names = st.sampled_from(sorted(PLACES))
spells = names.map(lambda each: [each]) | st.just(sorted(PLACES))
numbers = st.integers(0, 2)
modes = st.sampled_from(["approve", "approve", "auto", "auto", "dry-run"])
kinds = st.sampled_from(["stale", "left", "left", "blocked", "doubtful"])
overrides = st.sampled_from([(), (), (), OVERRIDABLE])
events = st.one_of(
    st.just("killed"),
    st.just("killed"),
    st.just("silence"),
    st.sampled_from(["5 s", "20 s", "61 s", "700 s", "another", "another", "another is killed", "robbed", "robbed"]),
    st.sampled_from(["paused shop", "resumed"]),
    st.sampled_from(["clock back", "clock on", "controller down", "controller alive", "hangs"]),
    st.builds(
        "{} {}".format, st.sampled_from(["ignored", "edited", "recreated", "present", "unreadable", "unproven"]), names
    ),
)
ports = st.sampled_from([*PORTS, "patch", "patch", "record", "get", "probe"])
scattered: st.SearchStrategy[list[Fate]] = st.lists(
    st.builds(Fate, ports, st.sampled_from([0, 1, 2, 3, 4, 5, 8]), st.booleans(), events), min_size=1, max_size=3
)
# Between the decision and the write, and while the effect is watched for, everything counts.
crossed = st.lists(
    st.builds(
        Fate,
        st.sampled_from(["record", "record", "record", "lease", "backup", "probe", "sleep", "sleep"]),
        st.sampled_from([0, 1, 2, 3, 4, 4, 5, 6]),
        st.booleans(),
        st.sampled_from(["robbed", "another", "another", "another is killed"])
        | st.builds("{} {}".format, st.sampled_from(["edited", "ignored"]), names),
    ),
    min_size=1,
    max_size=2,
)
# In the midst of it, by the calls that an act is made of: what recovery is for.
slain = st.builds(
    Fate, st.sampled_from(["get", "patch", "lease"]), st.sampled_from([0, 1, 2, 3]), st.booleans(), st.just("killed")
).map(lambda fate: [fate])
fates: st.SearchStrategy[list[Fate]] = st.one_of(st.just([]), scattered, scattered, crossed, crossed, crossed, slain)


@cache
def _policy(mode: str) -> Policy:
    return Policy.model_validate(_HEAD | _RULES | {"mode": mode})


class Machine(RuleBasedStateMachine):
    """Three machines with a remediator each, and everything else that can happen."""

    @initialize(modes=st.tuples(modes, modes, modes))
    def begin(self, modes: Sequence[str]) -> None:
        self.world = World()
        self.witness = Witness(self.world, TALLY)
        self.born = 0
        self.all = [self._new(mode) for mode in modes]
        TALLY["examples"] += 1

    def _new(self, mode: str, ahead: float = 0.0) -> Remediator:
        self.born += 1
        return Remediator(self.world, f"r{self.born}", _policy(mode), ahead, self._event, self.witness.sees)

    # -- remediators ----------------------------------------------------------------------------------------------

    def _run(self, number: int, fates: Sequence[Fate], *, person: bool, lifted: Sequence[GateName] = ()) -> None:
        one = self.all[number]
        if one.dead:
            one = self.all[number] = self._new(str(one.policy.mode), one.ahead)
        if one.busy:
            return
        chosen = Overrides(frozenset(lifted), "joe", "drill") if lifted else Overrides()
        for each in one.run(fates, person=person, overrides=chosen):
            TALLY[f"{each.action} {each.result}"] += 1
            if each.result is Result.RESOLVED and each.orphan:
                TALLY["told of an orphan"] += 1
        TALLY.update(one.tally)
        one.tally.clear()

    @rule(number=numbers, fates=fates)
    def a_run_by_itself(self, number: int, fates: Sequence[Fate]) -> None:
        TALLY["steps"] += 1
        self._run(number, fates, person=False)

    @rule(number=numbers, fates=fates, lifted=overrides)
    def a_run_with_a_person_at_the_terminal(
        self, number: int, fates: Sequence[Fate], lifted: Sequence[GateName]
    ) -> None:
        TALLY["steps"] += 1
        self._run(number, fates, person=True, lifted=lifted)

    @rule(stuck=spells, kind=kinds, heals=st.booleans(), down=st.booleans(), number=numbers, fates=fates)
    def a_spell_and_a_person_at_the_terminal(
        self, stuck: list[str], kind: str, heals: bool, down: bool, number: int, fates: Sequence[Fate]
    ) -> None:
        """Let one be stuck where something can be done, and do it."""
        TALLY["steps"] += 1
        self._calm(stuck, kind, heals=heals, down=down)
        self._run(number, fates, person=True)

    @rule(
        stuck=spells,
        kind=kinds,
        heals=st.booleans(),
        down=st.booleans(),
        number=numbers,
        fates=fates,
        later=st.sampled_from([0.0, 1.0, 1.0, 300.0, 25 * 3600.0]),
    )
    def a_spell_and_a_stored_word(
        self, stuck: list[str], kind: str, heals: bool, down: bool, number: int, fates: Sequence[Fate], later: float
    ) -> None:
        """Let one be stuck, be proposed, be approved, and let the next run act."""
        TALLY["steps"] += 1
        self._calm(stuck, kind, heals=heals, down=down)
        self._run(number, (), person=False)
        for name in stuck:
            self._approve(name, ())
        self.world.passes(later)
        self._run(number, fates, person=False)

    def _calm(self, stuck: Iterable[str], kind: str, *, heals: bool, down: bool) -> None:
        """Let nothing be wrong for as long as an incident counts, and then let these be stuck, and no others."""
        self.world.controller, self.world.hangs = "down" if down else "alive", False
        self.world.api.annotated.clear()
        for number in range(HEALTHY):
            self.world.sicken(f"healthy-{number}", ill=False)
        self.world.passes(2000)
        for name in stuck:
            self.world.make(name, kind, heals=heals)

    @rule(number=numbers, mode=modes)
    def a_process_begins_anew(self, number: int, mode: str) -> None:
        TALLY["steps"] += 1
        self.all[number] = self._new(mode, self.all[number].ahead)

    @rule(number=numbers, ahead=st.sampled_from([0.0, 0.0, 0.0, 4.0, -4.0, 60.0, -60.0, FAR, -FAR]))
    def a_clock_is_set(self, number: int, ahead: float) -> None:
        TALLY["steps"] += 1
        self.all[number].ahead = ahead

    # -- people ---------------------------------------------------------------------------------------------------

    @rule(name=names, lifted=overrides)
    def a_person_approves(self, name: str, lifted: Sequence[GateName]) -> None:
        TALLY["steps"] += 1
        self._approve(name, lifted)

    def _approve(self, name: str, lifted: Sequence[GateName]) -> None:
        word = {"approvedBy": "jane", "override": [str(each) for each in lifted], "reason": "drill" if lifted else ""}
        self._say(name, "approval", word)

    @rule(name=names)
    def a_person_rejects(self, name: str) -> None:
        TALLY["steps"] += 1
        self._say(name, "rejection", {"rejectedBy": "jane"})

    @rule(name=names)
    def a_person_lets_it_out_of_quarantine(self, name: str) -> None:
        TALLY["steps"] += 1
        self._say(name, "release", {"requestedBy": "jane"})

    def _say(self, name: str, field: str, word: Json) -> None:
        found = self.world.found(name)
        record = f"function-{found['metadata']['uid']}" if found else ""
        if record not in self.world.shelf.objects:
            return
        proposal = self.world.shelf.objects[record].get("status", {}).get("proposal")
        if field != "release":
            if proposal is None:
                return
            word = word | {"digest": proposal["digest"]}
        self.born += 1
        nonce = {} if field == "rejection" else {"nonce": str(self.born)}
        self.world.shelf.say(record, field, word | nonce, self.world.now)

    @rule(name=names, key=st.sampled_from(["ack-remediator.dev/ignore", "example.com/note"]))
    def a_person_annotates_it(self, name: str, key: str) -> None:
        TALLY["steps"] += 1
        self._annotate(name, key)

    @rule(namespace=st.sampled_from(sorted(set(PLACES.values()))), retain=st.sampled_from([False, False, True]))
    def a_namespace_says_what_is_to_be_kept(self, namespace: str, retain: bool) -> None:
        TALLY["steps"] += 1
        self.world.api.annotated[namespace] = {"lambda.services.k8s.aws/deletion-policy": RETAIN} if retain else {}

    def _annotate(self, name: str, key: str) -> None:
        if self.world.found(name):
            self.world.api.write(
                lambda each: each["metadata"].setdefault("annotations", {}).update({key: "true"}), name
            )

    def _edit(self, name: str) -> None:
        if self.world.found(name):
            self.world.api.write(lambda each: each["spec"].update(memorySize=each["spec"]["memorySize"] + 1), name)

    @rule(
        seconds=st.sampled_from([None, None, None, 300.0, 4000.0]),
        namespace=st.sampled_from(["", *sorted(set(PLACES.values()))]),
    )
    def a_person_pauses_or_resumes(self, seconds: float | None, namespace: str) -> None:
        TALLY["steps"] += 1
        TALLY["a pause" if seconds else "resumed"] += 1
        self.world.paused(seconds, namespace)

    # -- the world ------------------------------------------------------------------------------------------------

    @rule(name=names, kind=kinds, heals=st.booleans())
    def something_is_stuck(self, name: str, kind: str, heals: bool) -> None:
        TALLY["steps"] += 1
        self.world.make(name, kind, heals=heals)

    @rule(seconds=st.sampled_from([5.0, 61.0, 61.0, 700.0, 4000.0, 25 * 3600.0]))
    def time_passes(self, seconds: float) -> None:
        TALLY["steps"] += 1
        self.world.passes(seconds)

    @rule(state=st.sampled_from([*FACTS, "alive", "down"]), hangs=st.booleans())
    def the_controller_changes(self, state: str, hangs: bool) -> None:
        TALLY["steps"] += 1
        self.world.controller, self.world.hangs = state, hangs

    @rule(name=names, kind=st.sampled_from(sorted(ANSWERS)))
    def aws_answers_otherwise(self, name: str, kind: str) -> None:
        TALLY["steps"] += 1
        self.world.answer(name, kind)

    @rule(ill=st.sampled_from([False, False, True]))
    def many_turn_bad_at_once(self, ill: bool) -> None:
        TALLY["steps"] += 1
        for number in range(HEALTHY // 2):
            self.world.sicken(f"healthy-{number}", ill=ill)

    def _event(self, one: Remediator, what: str) -> None:
        """Let something happen in the middle of a run."""
        TALLY[f"event: {what.partition(' ')[0]}"] += 1
        kind, _, name = what.partition(" ")
        if name == "s":
            self.world.passes(float(kind))
        elif kind == "another":
            others = [number for number, each in enumerate(self.all) if not each.busy]
            if others:
                deaths = [Fate("patch", 0, after=True, what="killed")] if "killed" in name else []
                self._run(others[0], deaths, person=bool(self.born % 2))
        elif kind in ("paused", "resumed"):
            self.world.paused(1000.0 if name else None, name)
        elif kind == "robbed":
            self.world.robbed()
        elif kind == "clock":
            one.ahead = max(-FAR, min(FAR, one.ahead + (90.0 if name == "on" else -90.0)))
        elif kind == "controller":
            self.world.controller = name
        elif kind == "hangs":
            self.world.hangs = not self.world.hangs
        elif kind in ANSWERS:
            self.world.answer(name, kind)
        elif kind == "ignored":
            self._annotate(name, "ack-remediator.dev/ignore")
        elif kind == "edited":
            self._edit(name)
        elif kind == "recreated":
            self.world.make(name, "left")
        else:
            raise AssertionError(what)

    def teardown(self) -> None:
        """Let a last one look, after everybody has ended: it finds or makes order."""
        if not hasattr(self, "world"):
            return
        self.world.controller, self.world.hangs = "alive", False
        last = self._new("approve")
        for _ in range(3):
            self.world.passes(700)
            last.run((), person=False, overrides=Overrides())
            TALLY.update(last.tally)
            last.tally.clear()
        self.witness.expects_order()


@pytest.mark.deep
@pytest.mark.timeout(300)
def test_nothing_happens_that_must_not() -> None:
    TALLY.clear()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        machine = seed(SEED)(Machine)
        rules = settings(
            max_examples=EXAMPLES, stateful_step_count=STEPS, suppress_health_check=list(HealthCheck), deadline=None
        )
        run_state_machine_as_test(machine, settings=rules)
    finally:
        structlog.reset_defaults()
    print(*(f"{count:6} {what}" for what, count in sorted(TALLY.items())), sep="\n")
    assert TALLY["steps"] >= 10_000
    rare = {what: TALLY[what] for what, least in AT_LEAST.items() if TALLY[what] < least}
    assert not rare, f"the machine did too little of {rare}"
