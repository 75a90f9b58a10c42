"""A release is of one version, and says what is new in it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release import version
from release.version import NotReady, Version
from remediator import __version__

ROOT = Path(__file__).parents[2]
CHART = "apiVersion: v2\nname: ack-remediator\nversion: {0}\nappVersion: {0}\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Copy every file that says the version, and a chart that does."""
    for name in version.PLACES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        if name.startswith("chart/"):
            (tmp_path / name).write_text(CHART.format(__version__), encoding="utf-8")
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_a_checkout_that_says_one_version_everywhere_is_ready(checkout: Path) -> None:
    version.check(checkout, Version(__version__))
    assert {says for _, says in version.said_in(checkout)} == {__version__}


def test_this_checkout_says_one_version_everywhere() -> None:
    assert {says for name, says in version.said_in(ROOT) if (ROOT / name).is_file()} == {__version__}


@pytest.mark.parametrize("name", version.PLACES)
def test_each_place_that_says_another_is_named(checkout: Path, name: str) -> None:
    path = checkout / name
    path.write_text(path.read_text(encoding="utf-8").replace(__version__, "9.8.7"), encoding="utf-8")
    with pytest.raises(NotReady, match=rf"{re.escape(name)}: 9\.8\.7") as refused:
        version.check(checkout, Version(__version__))
    assert f"{refused.value}".count("9.8.7") == len(version.PLACES[name])


@pytest.mark.parametrize("name", version.PLACES)
def test_a_place_that_is_missing_is_named(checkout: Path, name: str) -> None:
    (checkout / name).unlink()
    with pytest.raises(NotReady, match=rf"{re.escape(name)}: not there"):
        version.check(checkout, Version(__version__))


def test_a_tag_is_v_and_three_numbers() -> None:
    assert version.of_tag("v0.12.3") == "0.12.3"


@pytest.mark.parametrize("tag", ["", "0.1.0", "v0.1", "v0.1.0-rc.1", "v01.0.0", "v0.1.0\n", "v0.1.0; rm -rf /"])
def test_any_other_tag_is_refused(tag: str) -> None:
    with pytest.raises(NotReady, match="three numbers, as v0"):
        version.of_tag(tag)


@given(st.text())
def test_no_text_gets_past_as_a_version_that_is_none(tag: str) -> None:
    try:
        found = version.of_tag(tag)
    except NotReady:
        return
    assert tag == "v" + ".".join(f"{int(part)}" for part in found.split("."))


LOG = """\
# Changelog

## [Unreleased]

- x

## [0.2.0] - 2026-12-01

### Added

- y

## [0.1.0] - 2026-11-01

- z
"""


def test_the_notes_are_the_section_of_that_version_and_no_other() -> None:
    assert version.notes(LOG, Version("0.2.0")) == "### Added\n\n- y\n"
    assert version.notes(LOG, Version("0.1.0")) == "- z\n"


@pytest.mark.parametrize(
    ("log", "says"),
    [
        (LOG, "no section of 0.3.0: name what is under"),
        (LOG.replace("[0.2.0] - 2026-12-01", "[0.3.0]"), "write ## .0.3.0. - YYYY-MM-DD"),
        (LOG.replace("[0.1.0] - 2026-11-01\n\n- z", "[0.3.0] - 2026-12-02"), "says nothing of 0.3.0"),
    ],
)
def test_a_changelog_that_is_not_ready_says_what_to_write(log: str, says: str) -> None:
    with pytest.raises(NotReady, match=says):
        version.notes(log, Version("0.3.0"))


def test_one_version_is_not_taken_for_another_that_begins_alike() -> None:
    with pytest.raises(NotReady, match="no section"):
        version.notes(LOG.replace("0.2.0", "0.2.01"), Version("0.2.0"))
