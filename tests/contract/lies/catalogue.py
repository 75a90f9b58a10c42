"""The lies: what the contract says, reversed, and the test that must notice."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from remediator.sandbox.ack.queue import Queue
from remediator.sandbox.api import verbs

Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Lie:
    """One fact reversed. `test` is a node id below `tests/contract`."""

    tell: Callable[[Patch], None]
    test: str


def annotations_trigger_a_pass(patch: Patch) -> None:
    """An annotation makes the controller look."""
    observe = Queue.observe

    def seen(queue: Queue, listed: Any, now: float) -> None:
        observed = [
            each | {"metadata": each["metadata"] | {"generation": f"{each['metadata'].get('annotations')}"}}
            for each in listed
        ]
        observe(queue, observed, now)

    patch.setattr(Queue, "observe", seen)


def leases_rise_again(patch: Patch) -> None:
    """A Lease that was deleted comes back with the next renewal."""
    patch.setattr(verbs, "_expect_uid", lambda *_: None)


LIES = [
    Lie(annotations_trigger_a_pass, "controller/test_facts.py::test_neither_annotation_nor_label_makes_it_look"),
    Lie(leases_rise_again, "api/test_leases.py::test_one_that_is_gone_is_not_written_back"),
]
