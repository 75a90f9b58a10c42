"""Metrics as a file for node_exporter: whole or not at all, and readable by whoever it runs as."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from remediator.telemetry import textfile
from remediator.telemetry.metrics import Metrics
from tests.builders import NOW, function
from tests.telemetry.passes import Story, stuck

SUCCESS = "remediator_last_success_timestamp_seconds"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ack-remediator.prom"


def told(file: Path) -> dict[str, float]:
    families = text_string_to_metric_families(file.read_text(encoding="utf-8"))
    return {sample.name: sample.value for family in families for sample in family.samples}


def test_it_writes_what_a_scrape_would_read(file: Path) -> None:
    story = Story(stuck())
    story.look()
    assert textfile.write(story.metrics, file) == ""
    assert file.read_bytes() == story.metrics.exposition()


def test_everybody_can_read_it_and_nothing_else_is_left(file: Path) -> None:
    before = os.umask(0o077)
    try:
        assert textfile.write(Metrics(now=lambda: NOW), file) == ""
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert list(file.parent.iterdir()) == [file]


def test_it_is_replaced_at_once(file: Path) -> None:
    """Who has the former file open reads it to its end."""
    file.write_text("former 1\n", encoding="utf-8")
    with file.open(encoding="utf-8") as reading:
        assert textfile.write(Metrics(now=lambda: NOW), file) == ""
        assert reading.read() == "former 1\n"


def test_what_recovered_is_gone_from_it(file: Path) -> None:
    for each in (stuck(), function()):
        story = Story(each)
        story.look()
        assert textfile.write(story.metrics, file) == ""
    assert "remediator_findings" not in told(file)


def test_the_last_success_is_kept_until_there_is_another(file: Path) -> None:
    first = Story(function())
    first.look()
    textfile.write(first.metrics, file)
    partial = Story(function())
    partial.clock.sleep(300)
    partial.world.cluster.missing.append("a list failed")
    partial.look()
    textfile.write(partial.metrics, file)
    assert told(file)[SUCCESS] == NOW.timestamp()
    later = Story(function())
    later.clock.sleep(600)
    later.look()
    textfile.write(later.metrics, file)
    assert told(file)[SUCCESS] == NOW.timestamp() + 600


@pytest.mark.parametrize(
    "former", [b"", b"no metrics at all {", b"\xff\xfe", b"# TYPE remediator_last_success_timestamp_seconds gauge\n"]
)
def test_a_former_file_that_tells_nothing_is_replaced_all_the_same(file: Path, former: bytes) -> None:
    file.write_bytes(former)
    assert textfile.write(Metrics(now=lambda: NOW), file) == ""
    assert SUCCESS not in told(file)


def test_what_cannot_be_written_is_said_and_leaves_nothing_behind(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    file.write_text("former 1\n", encoding="utf-8")
    monkeypatch.setattr(Path, "replace", full)
    said = textfile.write(Metrics(now=lambda: NOW), file)
    assert said == f"metrics could not be written to {file}: No space left on device"
    assert [each.read_text(encoding="utf-8") for each in file.parent.iterdir()] == ["former 1\n"]


def test_a_directory_that_went_is_said(tmp_path: Path) -> None:
    said = textfile.write(Metrics(now=lambda: NOW), tmp_path / "gone" / "metrics.prom")
    assert "No such file or directory" in said
