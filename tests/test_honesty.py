"""A dry run and the real run decide alike, on the same input: what differs is named here, and nothing else does."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from remediator.aws.answers import present
from remediator.cli.dumps import YAML_OF_TEXTS
from remediator.deciding import Decider
from remediator.model.controller import ControllerFacts, Health
from remediator.model.decision import Decision, DecisionKind, GateName, Rehearsal, Rehearsed, Ruling, Verdict
from remediator.model.live import LiveState, Presence, Vouched, unreadable
from remediator.model.placement import Placement
from remediator.model.plan import Outcome, Result
from remediator.model.resource import Resource
from remediator.model.scan import Judged, Scan
from remediator.model.word import Approval, Rejection
from remediator.observing import NOT_ASKED
from remediator.policy import Policy
from remediator.scan import Pass
from tests.builders import ALIVE, DOWN, NOW, Json
from tests.fakes import FakeClock, FakeCloud, FakeCluster, Log, World

pytestmark = pytest.mark.deep

CASES = Path(__file__).parent / "cases"

# The policy's mode is what a dry run differs in; an approval is not needed where the mode lets an action go by itself.
BY_MODE = frozenset({GateName.MODE, GateName.APPROVAL})
# A person at the terminal has looked, and said so.
BY_PERSON = BY_MODE | {GateName.GUARD, GateName.SIGHTINGS}
# What is done counts towards what is done next.
BY_ACTING = frozenset({GateName.BUDGET})
# What costs a request is asked last, and only where nothing else holds it back.
ASKED_LAST = frozenset({GateName.PERMISSION, GateName.REHEARSAL})
# One resource alone is no population.
BY_LOOKING_AT_ONE = frozenset({GateName.BREAKER})


# ---- what was recorded -----------------------------------------------------------------------------------------------


class Recorded(msgspec.Struct, frozen=True):
    """One resource as it was recorded, and AWS's answer about it."""

    raw: Json
    live: LiveState


@cache
def pool() -> tuple[Recorded, ...]:
    """Read every case there is; all are of the same moment."""
    found = [_recorded(each.parent, number) for number, each in enumerate(sorted(CASES.glob("*/*/resource.yaml")))]
    assert len(found) > 150
    return tuple(found)


def _recorded(directory: Path, number: int) -> Recorded:
    raw = _read(directory / "resource.yaml")
    metadata = raw["metadata"]
    metadata |= {"name": f"{metadata['name']}-{number}", "uid": f"uid-{number}", "namespace": f"team-{number % 3}"}
    metadata.setdefault("resourceVersion", "1")
    metadata.setdefault("generation", 1)
    return Recorded(raw, _answer(directory))


def _answer(directory: Path) -> LiveState:
    path = directory / "live.yaml"
    if not path.exists():
        return unreadable("AWS refused")
    answer = _read(path)
    if "Error" not in answer:
        return present(answer)
    if answer["Error"]["Code"] == "ResourceNotFoundException":
        proven = _read(directory / "expect.yaml")["given"].get("proven", False)
        return LiveState(presence=Presence.GONE, vouched=Vouched.PROVEN if proven else Vouched.UNPROVEN)
    return unreadable(str(answer["Error"]["Message"]))


def _read(path: Path) -> Any:
    return YAML_OF_TEXTS.load(path.read_text(encoding="utf-8"))


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a pass looks at beside its mode."""

    population: tuple[int, ...]
    controller: ControllerFacts = ALIVE
    passes_before: int = 0
    tried: Mapping[int, tuple[int, ...]] = {}
    approved: frozenset[int] = frozenset()
    rejected: frozenset[int] = frozenset()
    may: tuple[bool | None, str] = (True, "we may patch it")
    rehearsal: Rehearsal = Rehearsal(Rehearsed.VERIFIED, "taken")
    ahead: float | None = 0.0
    namespaces: Mapping[str, dict[str, str] | None] = {}
    place: str = "staging"
    policy: Mapping[str, Any] = {}


class Words(Log):
    """Records with people's words in them."""

    def __init__(self, cluster: FakeCluster) -> None:
        super().__init__(cluster)
        self.approvals: dict[str, Approval] = {}
        self.rejections: dict[str, Rejection] = {}

    def approval(self, uid: str) -> Approval | None:
        return self.approvals.get(uid)

    def rejection(self, uid: str) -> Rejection | None:
        return self.rejections.get(uid)


class Answers(FakeCloud):
    """AWS, answering by what the resource is."""

    def __init__(self, answers: Mapping[str, LiveState]) -> None:
        super().__init__()
        self._by_uid = answers

    def probe(self, resource: Resource, placement: Placement | None = None) -> LiveState:
        return self._by_uid[resource.metadata.uid]


class StillClock(FakeClock):
    """Time that waiting does not move on: what is looked at last is of the same moment as what is looked at first."""

    def __init__(self) -> None:
        super().__init__()
        self.later = timedelta(0)

    def now(self) -> datetime:
        return NOW + self.later


class Replay:
    """The recorded world once more, from its beginning, under one mode."""

    def __init__(self, of: Circumstances, mode: str) -> None:
        records = [pool()[number] for number in of.population]
        self.cluster = FakeCluster(*(copy.deepcopy(each.raw) for each in records), facts=of.controller)
        self.cluster.may, self.cluster.rehearsal, self.cluster.ahead = of.may, of.rehearsal, of.ahead
        self.cluster.annotated = dict(of.namespaces)
        self.world = World(self.cluster, Answers({each.raw["metadata"]["uid"]: each.live for each in records}))
        self.episodes = Words(self.cluster)
        self.clock = StillClock()
        means = msgspec.structs.replace(self.world.means, episodes=self.episodes, clock=self.clock)
        head = {"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy", "mode": mode}
        self.work = Pass(means, Policy.model_validate(head | dict(of.policy)), places=(of.place,))
        for _ in range(of.passes_before):
            self.work.scan()
            self.clock.later += timedelta(minutes=10)
        if of.tried or of.approved or of.rejected:
            self._remember(of)

    def _remember(self, of: Circumstances) -> None:
        """Let things have been tried, and people have had their word."""
        now = self.clock.now()
        known = {each.seen.resource.metadata.uid: each.plan for each in self.work.scan().results}
        for number, minutes in of.tried.items():
            plan = known.get(f"uid-{number}")
            for ago in minutes if plan else ():
                assert plan is not None
                self.episodes.intend(plan, now - timedelta(minutes=ago))
                failed = Outcome(action=plan.action, target=plan.target, result=Result.STILL_STUCK, detail="no effect")
                self.episodes.conclude(plan.target.uid, failed, now - timedelta(minutes=ago))
        self.episodes.intents.clear()
        for number in of.approved | of.rejected:
            plan = known.get(uid := f"uid-{number}")
            if plan is not None and number in of.approved:
                self.episodes.proposed(plan.resource, plan, now)
                self.episodes.approvals[uid] = Approval("mara", plan.digest, at=now)
            elif plan is not None:
                self.episodes.rejections[uid] = Rejection("mara", plan.digest)

    def scan(self) -> Scan:
        return self.work.scan(rehearse=True)


@contextmanager
def decisions_at_the_act() -> Iterator[dict[str, Decision]]:
    """Note what is decided right before each write, by the uid of what is written to."""
    noted: dict[str, Decision] = {}
    decide = Decider.decide

    def noting(self: Decider, finding: Any, plan: Any, at: Any) -> Any:
        decision, at = decide(self, finding, plan, at)
        noted[plan.target.uid] = decision
        return decision, at

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Decider, "decide", noting)
        yield noted


@cache
def helpable() -> tuple[int, ...]:
    """Say which of the pool something would help, when all goes well."""
    found = Replay(Circumstances(population=tuple(range(len(pool())))), "dry-run").scan().results
    return tuple(number for number, each in enumerate(found) if each.plan is not None)


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """Draw the usual four times out of five: there are many circumstances, and each can hold everything back."""
    return st.sampled_from([usual] * 4 * max(1, len(others)) + list(others))


# How many minutes ago it was tried in vain.
tries = st.sampled_from([(20,), (200,), (200, 20), (300, 200), (300, 200, 100)])


@st.composite
def circumstances(draw: st.DrawFn) -> Circumstances:
    some = st.one_of(st.sampled_from(helpable()), st.integers(0, len(pool()) - 1))
    population = tuple(draw(st.lists(some, min_size=1, max_size=8, unique=True)))
    among = st.frozensets(st.sampled_from(population))
    return Circumstances(
        population=population,
        controller=draw(mostly(ALIVE, DOWN, ControllerFacts(), ControllerFacts(Health.ALIVE, "new", restarting=True))),
        passes_before=draw(st.integers(0, 3)),
        tried=draw(st.dictionaries(st.sampled_from(population), tries, max_size=2)),
        approved=draw(among),
        rejected=draw(among) if draw(mostly(False, True)) else frozenset(),
        may=draw(mostly((True, "we may patch it"), (False, "no rights"), (None, "cannot be asked"))),
        rehearsal=draw(
            mostly(Rehearsal(Rehearsed.VERIFIED, "taken"), *(Rehearsal(each, "a webhook") for each in Rehearsed))
        ),
        ahead=draw(mostly(0.0, 60.0, -60.0, None)),
        namespaces=draw(
            mostly(
                {},
                {"team-0": None, "team-1": {"lambda.services.k8s.aws/deletion-policy": "retain"}},
            )
        ),
        place=draw(mostly("staging", "prod-1")),
        policy=draw(policies()),
    )


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    ceiling = st.sampled_from(["dry-run", "approve", "auto"])
    policy: dict[str, Any] = {
        "breaker": draw(mostly({"percent": 100}, {"percent": 20}, {"percent": 100, "objects": 1})),
        "sightings": draw(mostly(1, 2, 3)),
        "budgets": draw(mostly({}, {"perRun": 1}, {"perDay": 1})),
        "attempts": draw(mostly({}, {"max": 1}, {"coolDown": "6h"})),
    }
    if draw(mostly(False, True)):
        policy["actions"] = {"Resync": {"mode": draw(ceiling)}, "ClearFinalizer": {"mode": draw(mostly("approve"))}}
    if draw(mostly(False, True)):
        policy["findings"] = {draw(st.sampled_from(["ControllerSilent", "UpdateFailed"])): {"mode": draw(ceiling)}}
    if draw(mostly(False, True)):
        policy["selection"] = {"exclude": {"namespaces": ["team-2"]}}
    return policy


# ---- what is decided -------------------------------------------------------------------------------------------------


def verdicts(of: Judged, but: frozenset[GateName] = frozenset()) -> tuple[Verdict, ...]:
    return tuple(each for each in (of.decision.verdicts if of.decision else ()) if each.gate not in but)


def proposal(of: Judged) -> Any:
    return (of.seen.resource.ref, of.state, of.finding, of.plan)


def rulings(of: Decision, but: frozenset[GateName] = frozenset()) -> dict[str, Ruling]:
    return {each.gate: each.ruling for each in of.verdicts if each.gate not in but}


def spared(there: Mapping[str, Ruling]) -> frozenset[GateName]:
    """Name the gates that were not asked at the act, since another held it back."""
    held = any(ruling is Ruling.HELD for gate, ruling in there.items() if gate not in ASKED_LAST)
    return ASKED_LAST if held else frozenset()


@given(of=circumstances())
@settings(max_examples=60)
def test_in_every_mode_the_same_is_found_and_proposed_and_every_other_gate_says_the_same(of: Circumstances) -> None:
    dry, approve, auto = (Replay(of, mode).scan() for mode in ("dry-run", "approve", "auto"))
    assert not dry.ready
    for real in (approve, auto):
        assert [proposal(each) for each in real.results] == [proposal(each) for each in dry.results]
        for there, here in zip(real.results, dry.results, strict=True):
            assert verdicts(there, but=BY_MODE) == verdicts(here, but=BY_MODE)
        # Whatever waits for nobody is something that the dry run proposed, and in its order.
        assert [proposal(each) for each in real.proposals] == [proposal(each) for each in dry.proposals]
        ready = {each.seen.resource.ref for each in real.ready}
        assert ready <= {each.seen.resource.ref for each in dry.proposals}
    event(f"proposed: {min(2, len(dry.proposals))}, ready under auto: {min(2, len(auto.ready))}")


@given(of=circumstances(), mode=st.sampled_from(["auto", "auto", "approve"]))
@settings(max_examples=40)
def test_what_a_dry_run_says_it_would_do_is_what_the_run_does_in_that_order(of: Circumstances, mode: str) -> None:
    announced = Replay(of, mode).scan()
    replay = Replay(of, mode)
    with decisions_at_the_act() as at_the_act:
        outcomes = list(replay.work.proceed(replay.scan()))
    assert [each.target for each in outcomes] == [each.seen.resource.ref for each in announced.ready]
    for judged in announced.ready:
        decision = judged.decision
        assert decision is not None
        there = rulings(at_the_act[judged.seen.resource.metadata.uid])
        assert not decision.held
        for gate, ruling in rulings(decision, but=BY_ACTING | spared(there)).items():
            assert ruling is Ruling.LATER or there[gate] is ruling, gate
    event(f"acted on: {min(3, sum(each.result is not Result.SKIPPED for each in outcomes))}")


@given(of=circumstances())
@settings(max_examples=40)
def test_a_person_who_approves_lifts_what_waits_for_a_person_and_nothing_else(of: Circumstances) -> None:
    dry = Replay(of, "dry-run").scan()
    replay = Replay(of, "dry-run")
    scan = replay.scan()
    approved = frozenset(each.plan.digest for each in scan.proposals if each.plan)
    with decisions_at_the_act() as at_the_act:
        outcomes = list(replay.work.remediate(scan, approved))
    assert [each.target for each in outcomes] == [each.seen.resource.ref for each in dry.proposals]
    for judged in dry.proposals:
        assert judged.decision is not None
        there = rulings(at_the_act[judged.seen.resource.metadata.uid])
        for gate, ruling in rulings(judged.decision, but=BY_ACTING | spared(there)).items():
            if gate in BY_PERSON:
                assert there[gate] is Ruling.ALLOWED, gate
            else:
                assert ruling is Ruling.LATER or there[gate] is ruling, gate
    event(f"acted on: {min(3, sum(each.result is not Result.SKIPPED for each in outcomes))}")


@given(of=circumstances(), mode=st.sampled_from(["dry-run", "approve", "auto"]))
@settings(max_examples=40)
def test_one_looked_at_alone_is_judged_as_among_all(of: Circumstances, mode: str) -> None:
    """`explain` tells the same as `scan`, but for what only a population can tell."""
    together = Replay(of, mode).scan()
    for each in together.results:
        ref = each.seen.resource.ref
        alone = Replay(of, mode).work.examine(ref.namespace, ref.name, ref.kind)
        if each.seen.live_state.why == NOT_ASKED:
            continue  # a scan asks AWS about suspects; `explain` asks whatever the object shows, and can know more
        assert proposal(alone) == proposal(each)
        others = BY_LOOKING_AT_ONE | (ASKED_LAST if held_by_number(each) else frozenset())
        assert verdicts(alone, but=others) == verdicts(each, but=others)


def held_by_number(of: Judged) -> bool:
    """Whether just the breaker holds it: nothing is rehearsed then, as nothing would be done."""
    return of.decision is not None and {each.gate for each in of.decision.held_by_fact} == {GateName.BREAKER}


@pytest.mark.parametrize("mode", ["dry-run", "approve", "auto"])
def test_a_pass_that_only_looks_writes_nothing_down_as_done(mode: str) -> None:
    replay = Replay(
        Circumstances(population=tuple(range(187)), policy={"breaker": {"percent": 100, "objects": 500}}), mode
    )
    before = copy.deepcopy(replay.cluster.objects)
    scan = replay.scan()
    replay.work.record(scan)
    assert len(scan.proposals) > 10, "or these tests would show nothing"
    assert replay.cluster.objects == before
    assert (replay.cluster.patches, replay.episodes.intents, replay.episodes.outcomes) == ([], [], [])
    now = replay.clock.now()
    for each in scan.results:
        assert replay.episodes.history(each.seen.resource.metadata.uid, now).attempts == {}
    assert replay.episodes.standing(now).acted_today == 0
    assert all(each.decision and each.decision.kind is DecisionKind.ACT for each in scan.ready)
