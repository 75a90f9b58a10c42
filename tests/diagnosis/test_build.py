"""When ACK tries again, by how long the trouble has lasted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from remediator.diagnosis.build import next_try
from tests.builders import NOW

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("lasted", "wait"),
    [
        pytest.param(-1, 1060, id="begun after the last try"),
        pytest.param(0, 65, id="begun with the last try"),
        pytest.param(4, 65, id="hardly begun"),
        pytest.param(300, 360, id="as long again"),
        pytest.param(5000, 1060, id="the longest wait"),
    ],
)
def test_the_next_try_comes_after_as_long_again_within_bounds(lasted: int, wait: int) -> None:
    assert next_try(NOW, NOW - lasted * SECOND) == NOW + wait * SECOND


def test_where_the_beginning_is_not_known_the_longest_wait_is_assumed() -> None:
    assert next_try(NOW, None) == NOW + 1060 * SECOND
