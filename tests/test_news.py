"""What is told at the safe points of a pass: all that is new, once, and never at the cost of the pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import structs
from structlog.testing import capture_logs

from remediator.errors import Changed, ClusterError, Forbidden, NotFound, Unreachable
from remediator.model import episode as steps
from remediator.model.episode import Episode
from remediator.model.event import Event
from remediator.model.resource import Ref
from remediator.news import News, NoNews
from remediator.policy import Policy
from remediator.scan import Pass
from tests.builders import NOW
from tests.fakes import FakeClock
from tests.scanning import Bench, heal, healthy, stuck
from tests.spells import finding

STUCK = steps.sighted(None, finding(), NOW)


def ref(name: str, namespace: str = "shop") -> Ref:
    return Ref(namespace, name, f"uid-{namespace}-{name}")


class Board:
    """Where things are told: all that is, is noted; `fails` says by name or namespace what is raised instead."""

    def __init__(self, **more: Any) -> None:
        self.clock = FakeClock()
        self.asked: list[str] = []
        self.told: list[str] = []
        self.fails: dict[str, ClusterError] = {}
        self.takes = 0.0
        self.news = News(self.publish, monotonic=self.clock.monotonic, **more)

    def publish(self, event: Event) -> None:
        self.clock.slept += self.takes
        self.asked.append(event.ref.name)
        for each in (event.ref.name, event.ref.namespace):
            if each in self.fails:
                raise self.fails[each]
        self.told.append(f"{event.reason.value} {event.ref.name}")

    def found(self, *names: str, namespace: str = "shop") -> None:
        for each in names:
            self.news.noticed(ref(each, namespace), None, STUCK)


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with capture_logs() as entries:
        yield entries


def test_what_is_new_is_told_once(board: Board, logged: list[Any]) -> None:
    board.found("checkout")
    for _ in range(2):
        board.news.write()
    assert (board.told, logged) == (["Found checkout"], [])


def test_what_was_only_looked_at_is_not_told(board: Board) -> None:
    board.found("checkout")
    board.news.anew()
    board.news.write()
    assert board.told == []


def test_all_that_is_new_is_passed_on_at_once_whatever_is_told_beside_the_resources(logged: list[Any]) -> None:
    passed: list[list[str]] = []
    board = Board(most=1, pass_on=lambda found: passed.append([each.ref.name for each in found]))
    board.fails["a"] = Unreachable("no answer")
    board.found("a", "b", "c")
    for _ in range(2):
        board.news.write()
    assert (passed, board.told) == ([["a", "b", "c"], []], [])


def test_it_can_be_passed_on_alone(logged: list[Any]) -> None:
    passed: list[str] = []
    news = News(None, pass_on=lambda found: passed.extend(each.ref.name for each in found))
    news.noticed(ref("a"), None, STUCK)
    news.write()
    assert (passed, logged) == (["a"], [])


def test_many_steps_are_told_as_one(board: Board) -> None:
    episode: Episode | None = None
    for waits in (True, False, False):
        after = steps.sighted(episode, finding(summary=f"{waits}"), NOW)
        board.news.noticed(ref("checkout"), episode, after)
        episode = after
    board.news.write()
    assert board.told == ["Found checkout"]


def test_an_incident_is_told_of_as_much_as_goes_the_most_urgent_first(logged: list[Any]) -> None:
    board = Board(most=2)
    board.found("a", "b", "c")
    over = steps.resolved(STUCK, NOW, steps.ResolvedBy.ITSELF)
    board.news.noticed(ref("z"), STUCK, over)
    board.news.write()
    assert board.told == ["Resolved z", "Found a"]
    assert [(each["why"], each["left_out"], each["told"]) for each in logged] == [("no more than 2 at once", 2, 2)]


@pytest.mark.parametrize("error", [Unreachable("no answer"), ClusterError("the API server answered 500: no")])
def test_an_api_server_in_trouble_is_not_asked_again(board: Board, logged: list[Any], error: ClusterError) -> None:
    board.fails["shop"] = error
    board.found("a", "b", "c")
    board.news.write()
    assert board.asked == ["a"]
    assert [(each["log_level"], each["why"], each["left_out"]) for each in logged] == [("warning", error.message, 3)]


@pytest.mark.parametrize("error", [Forbidden("it is being terminated"), NotFound("no such namespace")])
def test_a_namespace_that_takes_none_does_not_keep_others_from_theirs(
    board: Board, logged: list[Any], error: ClusterError
) -> None:
    board.fails["ending"] = error
    board.found("a", "b", namespace="ending")
    board.found("c")
    board.news.write()
    assert (board.asked, board.told) == (["a", "c"], ["Found c"])
    assert [(each["why"], each["left_out"], each["told"]) for each in logged] == [(error.message, 2, 1)]


def test_without_the_right_a_few_are_tried_and_no_more(board: Board, logged: list[Any]) -> None:
    for number in range(9):
        board.fails[f"team-{number}"] = Forbidden("no")
        board.found("a", namespace=f"team-{number}")
    board.news.write()
    assert len(board.asked) == 3
    assert [each["left_out"] for each in logged] == [9]


def test_one_that_is_not_taken_keeps_nobody_else_from_theirs(board: Board, logged: list[Any]) -> None:
    board.fails["a"] = Changed("it is invalid")
    board.found("a", "b")
    board.news.write()
    assert board.told == ["Found b"]
    assert [(each["why"], each["left_out"]) for each in logged] == [("it is invalid", 1)]


def test_it_is_logged_once_a_pass(board: Board, logged: list[Any]) -> None:
    board.fails["shop"] = Unreachable("no answer")
    for number in range(3):
        board.found(f"a-{number}")
        board.news.write()
    assert len(logged) == 1
    board.news.anew()
    board.found("b")
    board.news.write()
    assert len(logged) == 2


def test_a_slow_api_server_holds_no_pass_up_for_long(board: Board, logged: list[Any]) -> None:
    board.takes = 4
    board.found(*(f"a-{number}" for number in range(9)))
    board.news.write()
    assert len(board.told) == 3
    assert [each["why"] for each in logged] == ["they took longer than 10 s"]


def test_where_nothing_is_to_be_told_nothing_is() -> None:
    news = NoNews()
    news.anew()
    news.write()
    assert not hasattr(news, "noticed")


# ---- the pass --------------------------------------------------------------------------------------------------------


class Spy:
    """The Events port, noting what it is told to do."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def anew(self) -> None:
        self.calls.append("anew")

    def write(self) -> None:
        self.calls.append("write")


def test_a_pass_tells_when_it_is_recorded_and_after_each_act_and_a_look_tells_nothing() -> None:
    bench, spy = Bench(*healthy(20), stuck("a"), stuck("b")), Spy()
    heal(bench)
    work = Pass(structs.replace(bench.world.means, events=spy), Policy())
    scan = work.scan()
    work.scan(again=True)
    work.examine("shop", "a")
    assert spy.calls == ["anew"]
    work.record(scan)
    assert spy.calls == ["anew", "write"]
    plans = frozenset(each.plan.digest for each in scan.results if each.plan)
    for number, _ in enumerate(work.remediate(scan, plans), 3):
        assert len(spy.calls) == number
    assert spy.calls == ["anew", "write", "write", "write"]
