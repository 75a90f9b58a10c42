"""kill -9 at every request that a run makes: one effect, nothing left behind, a whole history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from remediator.model.plan import ActionName
from tests.cli.shop import FINALIZER
from tests.resilience import ground as grounds
from tests.resilience.approving import MARK
from tests.resilience.ground import KEPT, Ground
from tests.resilience.killing import Case

# All cases are made ready before the first.
pytestmark = [pytest.mark.deep, pytest.mark.timeout(300)]

_AT_ONCE = 4
# Longer than anybody can still be at an action whose writes were taken.
_LATER = timedelta(minutes=11)

_STATUS, _FUNCTION, _TOLD = "PATCH remediations/status", "PATCH functions", "POST events"
_BEGIN_UNASKED = ("POST remediations", _STATUS, _TOLD, "POST leases")
_BEGIN = ("POST remediations", _STATUS, _TOLD, _TOLD, "POST leases")  # found, and proposed
_END = ("PUT leases/ack-remediator-action", _STATUS, _TOLD)


@dataclass(frozen=True)
class Kind:
    """One way to act, how to come to it, and every write and every question to AWS of an undisturbed run."""

    name: str
    action: ActionName
    make: Callable[[Ground, str], None]
    writes: tuple[str, ...]
    looks: int


KINDS = (
    Kind("resync", ActionName.RESYNC, grounds.resynced, (*_BEGIN, _STATUS, _FUNCTION, _FUNCTION, _STATUS, *_END), 3),
    Kind("let-go", ActionName.RESYNC, grounds.let_go, (*_BEGIN, _STATUS, _FUNCTION, _FUNCTION, _STATUS, *_END), 4),
    Kind(
        "release",
        ActionName.RELEASE,
        grounds.released,
        (*_BEGIN_UNASKED, "POST secrets", _STATUS, _FUNCTION, _FUNCTION, _STATUS, *_END),
        3,
    ),
    Kind(
        "books",
        ActionName.RELEASE,
        grounds.held_by_others,
        (*_BEGIN_UNASKED, "POST secrets", _STATUS, _FUNCTION, _FUNCTION, _STATUS, _END[0], _FUNCTION, *_END[1:]),
        3,
    ),
    Kind(
        "clear",
        ActionName.CLEAR_FINALIZER,
        grounds.cleared,
        (*_BEGIN, "POST secrets", _STATUS, _FUNCTION, _STATUS, *_END),
        8,
    ),
)


@dataclass(frozen=True)
class Death:
    """Where a run is killed: at its nth write, or question to AWS, before that is passed on or after it was done."""

    kind: Kind
    number: int | None = None
    reached: bool = False
    aws: bool = False

    @property
    def name(self) -> str:
        if self.number is None:
            return f"{self.kind.name}-0-alive"
        where = "aws" if self.aws else "write"
        return f"{self.kind.name}-{where}-{self.number}-{'after' if self.reached else 'before'}"


UNDISTURBED = [Death(kind) for kind in KINDS]
DEATHS = [
    *(
        Death(kind, number, reached)
        for kind in KINDS
        for number in range(len(kind.writes))
        for reached in (False, True)
    ),
    *(Death(kind, number, aws=True) for kind in KINDS for number in range(kind.looks)),
]


@dataclass(frozen=True)
class Told:
    """What a case left, when the runs after the kill had ended."""

    case: Case
    ended: tuple[bool, ...]


@pytest.fixture(scope="module")
def told(
    request: pytest.FixtureRequest, models_read_once: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Told]]]:
    """Let all that were chosen happen, some at once."""
    items: list[Any] = request.session.items
    asked = [each.callspec.params["death"] for each in items if _is_of(each, request.path)]
    chosen: dict[str, Death] = {each.name: each for each in asked}
    with (
        pytest.MonkeyPatch.context() as patch,
        Ground(tmp_path_factory.mktemp("killed"), patch) as ground,
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAONCALL")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-test")
        ground.furnish({name: death.kind.make for name, death in chosen.items()})
        happening = {name: pool.submit(_happen, ground, death) for name, death in chosen.items()}
        # All of them, before the first is looked at: pytest writes to the environment between tests, and clients in
        # other threads read it as they are made.
        wait(happening.values())
        yield happening


def _is_of(item: Any, path: Path) -> bool:
    return isinstance(item, pytest.Function) and item.path == path and "death" in item.callspec.params


def _happen(ground: Ground, death: Death) -> Told:
    with ground.case(death.name, death.kind.action) as case:
        proxy = case.aws if death.aws else case.kubernetes
        proxy.fatal, proxy.reached = death.number, death.reached
        ended = [case.run()]
        if death.number is not None:
            ended.append(case.run())
        if any("result" not in each for each in case.attempts):
            ended.append(case.run(_LATER))
        return Told(case, tuple(ended))


@pytest.mark.parametrize("death", UNDISTURBED, ids=lambda death: death.name)
def test_these_are_the_requests_of_a_run_that_nobody_kills(told: dict[str, Future[Told]], death: Death) -> None:
    """Whoever adds a write to a run adds it to `KINDS`, and with it two deaths."""
    case = told[death.name].result().case
    assert tuple(case.runs[0]) == death.kind.writes
    assert len(case.aws.counted) == death.kind.looks
    (attempt,) = case.attempts
    assert attempt["result"] == "resolved", attempt
    _expect_tidy(case)


@pytest.mark.parametrize("death", DEATHS, ids=lambda death: death.name)
def test_a_killed_run_is_finished_or_undone_by_the_next(told: dict[str, Future[Told]], death: Death) -> None:
    happened = told[death.name].result()
    case = happened.case
    first, *others = happened.ended
    assert not first, "nobody was killed"
    assert all(others)
    assert len(case.first_steps) == 1, "one effect"
    assert all("result" in each and "concluded" in each for each in case.attempts), "a whole history"
    _expect_tidy(case)
    _expect_told_of_orphans(case)


def _expect_tidy(case: Case) -> None:
    assert case.holder == "", "the action lock is free"
    left = case.object
    if left is None:
        return
    marks = left["metadata"].get("annotations") or {}
    assert not [key for key in marks if key.startswith(MARK.split("/")[0])], marks
    assert marks.get(KEPT, "delete") == "delete"
    assert "publish" not in left["spec"]


def _expect_told_of_orphans(case: Case) -> None:
    left = case.object
    let_go = left is None or FINALIZER not in left["metadata"].get("finalizers", [])
    orphans = {each["orphan"] for each in case.attempts if "orphan" in each}
    assert orphans == ({case.arn} if let_go and case.in_aws else set())
