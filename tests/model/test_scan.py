"""What a scan counts: what it kept, and what was plainly well beside that."""

from __future__ import annotations

from remediator.model.finding import State
from remediator.model.scan import Scan, Well
from tests.builders import other
from tests.scanning import Bench, healthy, stuck


def scanned() -> Scan:
    return Bench(*healthy(4), other("Alias", "live"), stuck()).work.scan()


def test_what_was_not_kept_counts_as_healthy() -> None:
    scan = scanned()
    assert (len(scan.results), scan.total) == (1, 6)
    assert (scan.count(State.HEALTHY), scan.count(State.STUCK), scan.count(State.WAITING)) == (5, 1, 0)
    assert scan.well == {Well("Function", "shop"): 4, Well("Alias", "shop"): 1}


def test_the_population_is_functions_and_kinds_are_all_that_were_seen() -> None:
    scan = scanned()
    assert (scan.population.total, scan.population.unwell) == (5, 1)
    assert scan.kinds == {"Function", "Alias"}
    assert Bench().work.scan().kinds == frozenset()
