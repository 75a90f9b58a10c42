"""A function that ACK calls Pending: its status is written anew every 5 s, and that is no change.

A living one is looked at by its controller every 5 s, so that nothing has to be done to it; one that is being deleted
can need us all the same.
"""

from __future__ import annotations

from collections import Counter

import pytest

from remediator.model.decision import Overrides
from remediator.model.times import format_time
from remediator.policy import Policy
from tests.builders import PENDING, Json, failing
from tests.safety.remediators import Remediator
from tests.safety.witness import Witness
from tests.safety.world import World

_POLICY = Policy.model_validate(
    {"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy", "mode": "approve", "sightings": 1}
)


class Beating(World):
    """A world in which the controller writes the status of `checkout` every 5 s."""

    beats = 0

    def passes(self, seconds: float) -> None:
        while seconds > 0:
            super().passes(min(5.0, seconds))
            seconds -= 5.0
            if self.found("checkout"):
                self.beats += 1
                self.api.write(self._beat)

    def _beat(self, found: Json) -> None:
        found["status"]["conditions"] = failing(PENDING, format_time(self.now))


@pytest.mark.parametrize(("controller", "action"), [("alive", "Resync"), ("down", "ClearFinalizer")])
def test_what_beats_every_5_s_is_still_acted_on_and_its_approval_still_matches(controller: str, action: str) -> None:
    world = Beating()
    witness = Witness(world, Counter())
    world.make("checkout", "left")
    world.controller = controller
    record = f"function-{world.api.the()['metadata']['uid']}"

    def run() -> None:
        Remediator(world, "r", _POLICY, 0.0, lambda *_: None, witness.sees).run((), person=False, overrides=Overrides())

    run()
    approved = world.shelf.objects[record]["status"]["proposal"]["digest"]
    world.shelf.say(record, "approval", {"approvedBy": "jane", "digest": approved}, world.now)
    world.passes(3600)
    assert world.beats > 700
    assert world.shelf.objects[record]["status"]["proposal"]["digest"] == approved
    run()
    assert [(str(each.action), each.digest) for each in witness.firsts] == [(action, approved)]
    assert world.found("checkout") is None
    (attempt,) = world.shelf.attempts(record.removeprefix("function-"))
    assert (attempt["result"], attempt["approvedBy"]) == ("resolved", "jane")
