"""A run is killed at each call of each of its ports in turn: the next ones make order, and nothing is done twice."""

from __future__ import annotations

from collections import Counter

import pytest

from remediator.model.decision import Overrides
from remediator.policy import Policy
from tests.safety.remediators import PORTS, Fate, Remediator
from tests.safety.witness import Witness
from tests.safety.world import World

pytestmark = pytest.mark.deep

_POLICY = Policy.model_validate(
    {"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy", "mode": "approve", "sightings": 1}
)
_NONE = Overrides()
# How something is stuck, and how the controller is then; with what is done to it in the end.
SPELLS = [
    ("stale", "alive", "Resync"),
    ("left", "alive", "Resync"),
    ("left", "down", "ClearFinalizer"),
    ("blocked", "alive", "Release"),
]


class Scene:
    """One stuck object among healthy ones, and those who work on it one after the other."""

    def __init__(self, kind: str, controller: str) -> None:
        self.world = World()
        self.tally: Counter[str] = Counter()
        self.witness = Witness(self.world, self.tally)
        self.world.make("checkout", kind)
        self.world.controller = controller
        self._born = 0

    def run(self, *fates: Fate) -> Remediator:
        self._born += 1
        one = Remediator(self.world, f"r{self._born}", _POLICY, 0.0, self._event, self.witness.sees)
        one.run(fates, person=True, overrides=_NONE)
        return one

    def _event(self, _: Remediator, what: str) -> None:
        if what == "robbed":
            self.world.robbed()
        else:
            self.run()

    def comes_to_order(self) -> None:
        for _ in range(2):
            self.world.passes(700)
            self.run()
        self.witness.expects_order()


def deaths(kind: str, controller: str) -> list[Fate]:
    """List every call that a run makes which nobody kills, before and after its effect."""
    calls = Scene(kind, controller).run().calls
    return [Fate(port, nth, after, "killed") for port in PORTS for nth in range(calls[port]) for after in (False, True)]


@pytest.mark.parametrize(("kind", "controller", "action"), SPELLS)
def test_killed_at_any_call_it_is_finished_or_undone_and_done_once(kind: str, controller: str, action: str) -> None:
    every = deaths(kind, controller)
    assert {each.port for each in every} >= {"list", "get", "patch", "rehearse", "record", "lease"}
    assert len(every) >= 40
    for death in every:
        scene = Scene(kind, controller)
        assert scene.run(death).dead, death
        scene.run()
        scene.comes_to_order()
        done = [str(each.action) for each in scene.witness.firsts]
        assert done == [action], f"{death}: {done}"


@pytest.mark.parametrize(("kind", "controller"), [each[:2] for each in SPELLS])
@pytest.mark.parametrize("hangs", [False, True])
def test_an_answer_that_is_lost_at_any_call_leaves_no_disorder(kind: str, controller: str, *, hangs: bool) -> None:
    for each in deaths(kind, controller):
        scene = Scene(kind, controller)
        scene.world.hangs = hangs
        scene.run(Fate(each.port, each.nth, each.after, "silence"))
        scene.world.hangs = False
        scene.comes_to_order()
        assert len(scene.witness.firsts) <= 2, f"{each}: {scene.witness.firsts}"


@pytest.mark.parametrize(("kind", "controller", "action"), SPELLS)
@pytest.mark.parametrize("what", ["robbed", "another"])
def test_whoever_comes_between_at_any_call_it_is_done_at_most_once(
    kind: str, controller: str, action: str, what: str
) -> None:
    """Somebody else takes the action lock, when it may be taken; or makes a whole run of their own."""
    done: set[int] = set()
    for each in deaths(kind, controller):
        if each.port == "patch" and not each.after:
            continue  # nobody can take the lock while a write may be under way
        scene = Scene(kind, controller)
        scene.run(Fate(each.port, each.nth, each.after, what))
        scene.comes_to_order()
        assert {str(first.action) for first in scene.witness.firsts} <= {action}, each
        done.add(len(scene.witness.firsts))
    assert 1 in done and done <= {0, 1}
