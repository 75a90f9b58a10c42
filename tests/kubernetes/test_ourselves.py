"""Our name to the API server is asked for once, and nobody waits for it again and again."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.errors import ClusterError, Forbidden
from remediator.kubernetes import ourselves
from remediator.kubernetes.ourselves import Ourselves
from tests.fakes import FakeClock


class Asked:
    """Answers as told, the last for good; an error is raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.times = 0

    def __call__(self, _: object) -> str:
        self.times += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, ClusterError):
            raise answer
        return str(answer)


def us(monkeypatch: pytest.MonkeyPatch, asked: Asked) -> tuple[Ourselves, FakeClock]:
    clock = FakeClock()
    monkeypatch.setattr(ourselves, "whoami", asked)
    return Ourselves(object(), clock), clock  # type: ignore[arg-type]


def test_it_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked("jane")
    who, _ = us(monkeypatch, asked)
    assert [who.told(), who.told(), who.name()] == [("jane", ""), ("jane", ""), "jane"]
    assert asked.times == 1


def test_where_nobody_tells_it_why_is_kept_and_it_is_asked_again_in_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(Forbidden("no"), "jane")
    who, clock = us(monkeypatch, asked)
    assert [who.told(), who.told()] == [("", "no")] * 2
    assert asked.times == 1
    clock.sleep(60)
    assert who.told() == ("jane", "")
