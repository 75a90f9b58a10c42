"""How values spread: a histogram that is added to."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate


class Spread:
    """Counts values by upper bounds, which ascend; the last one, without end, is implied."""

    def __init__(self, *bounds: float) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    @property
    def buckets(self) -> list[tuple[str, float]]:
        """Say for each bound how many values were no more than that."""
        names = [*(str(float(each)) for each in self._bounds), "+Inf"]
        return [(name, float(count)) for name, count in zip(names, accumulate(self._counts), strict=True)]
