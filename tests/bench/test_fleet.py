"""What is measured on must be like what clusters have, or the ratios are of nothing."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime

import msgspec
import pytest

from bench.fleet import UNWELL_EVERY, fleet, is_gone, is_well_in_aws, name_of
from remediator.diagnosis import is_suspect
from remediator.model.resource import Resource
from remediator.model.timeouts import Timeouts

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
_GZIP = 31  # wbits of zlib's


@pytest.fixture(scope="module")
def written() -> list[bytes]:
    return [json.dumps(each, separators=(",", ":"), sort_keys=True).encode() for each in fleet(range(500), now=NOW)]


def _read(numbers: range, *, unwell: bool = False) -> list[Resource]:
    return [msgspec.convert(each, Resource) for each in fleet(numbers, now=NOW, unwell=unwell)]


def test_each_has_three_to_four_kilobytes(written: list[bytes]) -> None:
    assert all(3_000 <= len(each) <= 4_000 for each in written)


def test_gzip_packs_a_page_of_them_as_it_packs_those_of_real_clusters(written: list[bytes]) -> None:
    page = b",".join(written)
    packer = zlib.compressobj(level=1, wbits=_GZIP)  # the API server's level
    assert 6 <= len(page) / len(packer.compress(page) + packer.flush()) <= 9


def test_they_are_the_same_in_each_run() -> None:
    assert list(fleet(range(20), now=NOW)) == list(fleet(range(20), now=NOW))


def test_no_two_share_a_name_a_uid_or_a_digest() -> None:
    them = list(fleet(range(500), now=NOW))
    assert len({each["metadata"]["uid"] for each in them}) == 500
    assert len({each["status"]["codeSHA256"] for each in them}) == 500
    assert len({each["metadata"]["name"] for each in them}) == 500


def test_the_healthy_are_no_suspects() -> None:
    assert not any(is_suspect(each, NOW, Timeouts()) for each in _read(range(500)))


def test_the_unwell_are_suspects_of_five_kinds() -> None:
    numbers = range(0, 5 * UNWELL_EVERY, UNWELL_EVERY)
    assert all(is_suspect(each, NOW, Timeouts()) for each in _read(numbers, unwell=True))
    assert sum(is_gone(number) for number in numbers) == 1
    assert sum(is_well_in_aws(number) for number in numbers) == 1


def test_a_name_is_that_of_its_function() -> None:
    assert [each.metadata.name for each in _read(range(5))] == [name_of(number) for number in range(5)]
