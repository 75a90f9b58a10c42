"""What makes the sandbox's controller look at a Function, and when it looks again."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.sandbox.ack.queue import Queue
from remediator.sandbox.ack.reconcile import RESYNC_SECONDS

ORDERS = ("shop", "orders")


def function(generation: int = 1, uid: str = "u1", **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "shop", "name": "orders", "uid": uid, "generation": generation, **metadata}}


@pytest.fixture
def settled() -> Queue:
    queue = Queue()
    queue.listed([function()], 0)
    queue.take(0)
    queue.again(ORDERS, 0, None)
    return queue


def test_a_new_object_is_due_at_once() -> None:
    queue = Queue()
    queue.changed(function(), 7)
    assert queue.next_due() == 7
    assert queue.take(7) == ORDERS
    assert queue.take(1_000_000) is None


def test_only_a_changed_generation_counts(settled: Queue) -> None:
    touched = function(annotations={"a": "b"}, labels={"c": "d"}, finalizers=["e"], resourceVersion="9")
    settled.changed(touched, 1)
    settled.listed([touched], 1)
    assert settled.next_due() is None
    settled.changed(function(generation=2), 2)
    assert settled.take(2) == ORDERS


def test_an_object_made_anew_under_its_old_name_is_new(settled: Queue) -> None:
    settled.listed([function(uid="u2")], 1)
    assert settled.take(1) == ORDERS


def test_an_object_that_is_gone_has_a_last_pass(settled: Queue) -> None:
    settled.deleted(function(), 1)
    assert settled.take(1) == ORDERS
    settled.again(ORDERS, 1, None)
    settled.listed([], 2)
    assert settled.next_due() is None


def test_a_list_tells_what_is_gone_too(settled: Queue) -> None:
    settled.listed([], 1)
    assert settled.take(1) == ORDERS


def test_a_timer_makes_it_due(settled: Queue) -> None:
    settled.again(ORDERS, 10, 30)
    assert settled.take(39.9) is None
    assert settled.next_due() == 40
    assert settled.take(40) == ORDERS


def test_the_timer_of_success_is_ten_hours_long() -> None:
    # Too long to wait for where the controller runs.
    assert RESYNC_SECONDS == 10 * 3600


def test_what_changes_during_a_pass_has_a_pass_of_its_own(settled: Queue) -> None:
    settled.changed(function(generation=2), 1)
    assert settled.take(1) == ORDERS
    settled.changed(function(generation=3), 2)
    settled.again(ORDERS, 3, 30)
    assert settled.take(3) == ORDERS
    assert settled.next_due() is None


def test_changes_before_a_pass_are_one(settled: Queue) -> None:
    settled.changed(function(generation=2), 1)
    settled.changed(function(generation=3), 2)
    assert settled.take(3) == ORDERS
    assert settled.next_due() is None


def test_failures_back_off_from_5_ms_to_1000_s(settled: Queue) -> None:
    delays = []
    for _ in range(40):
        settled.failed(ORDERS, 0)
        delays.append(settled.next_due())
        assert settled.take(1000) == ORDERS
    assert delays[:4] == [0.005, 0.01, 0.02, 0.04]
    assert delays[17:20] == [655.36, 1000, 1000]
    settled.again(ORDERS, 0, None)
    settled.failed(ORDERS, 0)
    assert settled.next_due() == 0.005


def test_a_changed_spec_bypasses_the_back_off_but_does_not_reset_it(settled: Queue) -> None:
    for _ in range(30):
        settled.failed(ORDERS, 0)
        settled.take(1000)
    settled.failed(ORDERS, 0)
    settled.changed(function(generation=2), 1)
    assert settled.take(1) == ORDERS
    settled.failed(ORDERS, 1)
    assert settled.next_due() == 1001


def test_the_longest_due_goes_first() -> None:
    queue = Queue()
    bills = {"metadata": {"namespace": "shop", "name": "bills", "uid": "u2", "generation": 1}}
    queue.listed([function(), bills], 0)
    queue.take(0)
    queue.take(0)
    queue.again(ORDERS, 0, 9)
    queue.again(("shop", "bills"), 0, 5)
    assert [queue.take(10), queue.take(10)] == [("shop", "bills"), ORDERS]
