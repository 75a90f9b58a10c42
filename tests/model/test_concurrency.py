"""What is left of an account's concurrency."""

from __future__ import annotations

import pytest

from remediator.model.concurrency import Concurrency

ACCOUNT = Concurrency(
    where="account 1 in eu-west-1", limit=1000, unreserved=500, reserved={"checkout": 400, "till": 100}
)


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        ({}, 500),
        ({"mailer": 50}, 450),
        ({"checkout": 400}, 500),
        ({"checkout": 450, "mailer": 1}, 449),
        ({"till": 0}, 600),
    ],
    ids=str,
)
def test_what_a_function_has_reserved_already_is_not_counted_twice(wanted: dict[str, int], left: int) -> None:
    assert ACCOUNT.left_after(wanted) == left
