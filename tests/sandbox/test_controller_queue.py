"""What makes the sandbox's controller look at a Function, and when it looks again."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.sandbox.ack.queue import Queue

ORDERS = ("shop", "orders")


def listed(generation: int = 1, uid: str = "u1", **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "shop", "name": "orders", "uid": uid, "generation": generation, **metadata}}


@pytest.fixture
def settled() -> Queue:
    queue = Queue()
    queue.observe([listed()], 0)
    queue.again(ORDERS, 0, None)
    return queue


def test_a_new_object_is_due_at_once() -> None:
    queue = Queue()
    queue.observe([listed()], 7)
    assert queue.ready(7) == [ORDERS]


def test_only_a_changed_generation_counts(settled: Queue) -> None:
    settled.observe([listed(annotations={"a": "b"}, labels={"c": "d"}, finalizers=["e"], resourceVersion="9")], 1)
    assert settled.ready(1_000_000) == []
    settled.observe([listed(generation=2)], 2)
    assert settled.ready(2) == [ORDERS]


def test_an_object_made_anew_under_its_old_name_is_new(settled: Queue) -> None:
    settled.observe([listed(uid="u2")], 1)
    assert settled.ready(1) == [ORDERS]


def test_an_object_that_is_gone_is_forgotten(settled: Queue) -> None:
    settled.again(ORDERS, 0, 5)
    settled.observe([], 1)
    settled.failed(ORDERS, 1)
    assert settled.ready(1_000_000) == []


def test_a_timer_makes_it_due(settled: Queue) -> None:
    settled.again(ORDERS, 10, 30)
    assert settled.ready(39.9) == []
    assert settled.ready(40) == [ORDERS]


def test_failures_back_off_from_5_ms_to_1000_s(settled: Queue) -> None:
    delays = []
    for _ in range(40):
        settled.failed(ORDERS, 0)
        delays.append(next(step for step in (0.005 * 2**n for n in range(20)) if settled.ready(step)))
    assert delays[:4] == [0.005, 0.01, 0.02, 0.04]
    assert settled.ready(999.9) == []
    assert settled.ready(1000) == [ORDERS]
    settled.again(ORDERS, 0, 5)
    settled.failed(ORDERS, 0)
    assert settled.ready(0.005) == [ORDERS]


def test_a_changed_spec_bypasses_the_back_off_but_does_not_reset_it(settled: Queue) -> None:
    for _ in range(30):
        settled.failed(ORDERS, 0)
    settled.observe([listed(generation=2)], 1)
    assert settled.ready(1) == [ORDERS]
    settled.failed(ORDERS, 1)
    assert settled.ready(1000) == []


def test_the_longest_due_goes_first() -> None:
    queue = Queue()
    bills = {"metadata": {"namespace": "shop", "name": "bills", "uid": "u2", "generation": 1}}
    queue.observe([listed(), bills], 0)
    queue.again(ORDERS, 0, 9)
    queue.again(("shop", "bills"), 0, 5)
    assert queue.ready(10) == [("shop", "bills"), ORDERS]
