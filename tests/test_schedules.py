"""Every cron expression that is shipped or documented is what the words beside it say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crontab import claimed, minutes_between

TOP = Path(__file__).parents[1]
CRON = re.compile(r"(?<![\w*/])((?:(?:\*|\d+)[\d*/,-]* ){4}(?:\*|\d+)[\d*/,-]*)(?![\w*/])")


def schedules() -> Iterator[tuple[str, str, str]]:
    """Yield every cron expression that is shipped or documented, where it is, and what is written around it."""
    files = [
        *TOP.glob("*.md"),
        *(path for name in ("manifests", "docs", "runbooks") for path in (TOP / name).rglob("*.*")),
    ]
    for path in sorted(files):
        if path.suffix not in (".md", ".yaml", ".yml"):
            continue
        text = path.read_text(encoding="utf-8")
        for found in CRON.finditer(text):
            around = text if path.suffix != ".md" else text[max(0, found.start() - 400) : found.end() + 400]
            yield f"{path.relative_to(TOP)}", found[1], around.replace("#", " ")


@pytest.mark.parametrize(
    ("expression", "gaps"),
    [
        ("*/5 * * * *", {5}),
        ("* */1 * * *", {1}),  # which is easily taken for once an hour
        ("* 0 * * *", {1, 24 * 60 - 59}),  # which is easily taken for every day at midnight
        ("0 0 * * *", {24 * 60}),
        ("*/7 * * * *", {7, 4}),
        ("10-20/5,40 * * * *", {5, 20, 30}),
    ],
)
def test_a_cron_expression_is_read_as_cron_reads_it(expression: str, gaps: set[int]) -> None:
    assert minutes_between(expression) == gaps


def test_every_schedule_is_what_is_said_of_it() -> None:
    found = list(schedules())
    assert "manifests/cronjob/cronjob.yaml" in {where for where, _, _ in found}
    for where, expression, around in found:
        assert minutes_between(expression) == {claimed(around)}, f"{where}: {expression}"
