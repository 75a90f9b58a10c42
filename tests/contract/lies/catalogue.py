"""The lies: what the contract says, reversed, and the test that must notice."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from remediator.sandbox.ack.queue import Queue

Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Lie:
    """One fact reversed. `test` is a node id below `tests/contract`."""

    tell: Callable[[Patch], None]
    test: str


def annotations_trigger_a_pass(patch: Patch) -> None:
    """An annotation makes the controller look."""
    changed = Queue.changed

    def seen(queue: Queue, resource: Any, now: float) -> None:
        generation = f"{resource['metadata'].get('annotations')}"
        changed(queue, resource | {"metadata": resource["metadata"] | {"generation": generation}}, now)

    patch.setattr(Queue, "changed", seen)


LIES = [
    Lie(annotations_trigger_a_pass, "controller/test_triggers.py::test_neither_annotation_nor_label_makes_it_look"),
]
