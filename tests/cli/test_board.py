"""What a daemon's page shows: the last look, how old that is, and what was done since; it asks nobody for it."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest

from remediator.cli.board import NOT_YET, STANDS_BY, STANDS_BY_BESIDE_SHARDS, Board
from remediator.cli.report import sentence
from remediator.cli.showing import MOST, Where
from remediator.model.decision import Standing
from remediator.model.finding import State
from remediator.model.observation import Observation
from remediator.model.plan import ActionName, Outcome, Result
from remediator.model.scan import Judged
from remediator.model.shard import Shard
from remediator.policy import Mode
from tests.builders import NOW, active, decoded, function
from tests.page.markup import Markup
from tests.spells import finding
from tests.telemetry.passes import Story, stuck

SOON = NOW + timedelta(minutes=5)


class Telling:
    """What a daemon says of itself, as a test has it."""

    def __init__(self) -> None:
        self.trouble = ""
        self.stands_still = ""

    def alive(self) -> str:
        return self.stands_still

    def due(self, after: datetime, passes: int) -> datetime:
        return after + timedelta(minutes=5) * passes


class Scene:
    """A board over one cluster, its passes, and what can be read on its page."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.daemon = Telling()
        self.board = Board(story.metrics, story.clock.now)
        self.board.over(story.world.episodes, Where("eu1", "all namespaces", "-A"))
        self.board.follow(self.daemon)

    def look(self) -> None:
        scan = self.story.scan()
        self.board.scanned(scan, Standing(), self.story.policy, seconds=1.0)

    def later(self, **span: float) -> None:
        self.story.clock.sleep(timedelta(**span).total_seconds())

    @property
    def words(self) -> str:
        return Markup(self.board.html()).words


@pytest.fixture
def scene() -> Scene:
    return Scene(Story(stuck("checkout"), function("mailer")))


def test_before_the_first_look_nothing_is_said_to_be_well(scene: Scene) -> None:
    scene.board.leading(True)
    assert f"Mind: {NOT_YET}" in scene.words
    assert "Nothing." not in scene.words and "eu1, all namespaces" in scene.words


def test_who_stands_by_says_so_and_shows_nothing_old(scene: Scene) -> None:
    scene.board.leading(True)
    scene.look()
    scene.board.leading(False)
    assert f"Mind: {STANDS_BY}" in scene.words
    assert "checkout" not in scene.words


def test_a_shard_that_stands_by_may_do_so_for_another_number(scene: Scene) -> None:
    board = Board(scene.story.metrics, scene.story.clock.now, Shard(1, 4))
    board.leading(False)
    assert f"Mind: {STANDS_BY_BESIDE_SHARDS}" in Markup(board.html()).words


def test_what_a_pass_saw_is_shown(scene: Scene) -> None:
    scene.look()
    words = scene.words
    assert "2 functions: 1 stuck, 1 healthy." in words
    assert "function/checkout in shop stuck ControllerSilent" in words
    assert "Mind:" not in words and "look again" in words
    assert "mailer" not in words


def test_it_asks_nobody(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.look()

    def asked(*_: object, **__: object) -> None:
        raise AssertionError("the page asked somebody")

    world = scene.story.world
    for port, names in (
        (world.cluster, ("resources", "get", "controller", "definitions", "references", "permitted", "rehearse")),
        (world.cloud, ("probe",)),
        (world.episodes, ("load", "save", "anew", "approvals_guarded")),
    ):
        for name in names:
            monkeypatch.setattr(port, name, asked)
    scene.later(minutes=3)
    assert "function/checkout" in scene.words


def test_a_look_that_is_old_is_told_loudly(scene: Scene) -> None:
    scene.look()
    scene.later(minutes=5)
    assert "Mind:" not in scene.words
    scene.later(minutes=9)
    assert "Mind: The last look was 14m ago, and another was due at " in scene.words
    assert "(14m ago)" in scene.words


def test_a_pass_that_failed_is_told_with_what_was_seen_before(scene: Scene) -> None:
    scene.look()
    scene.daemon.trouble = "the API server is away"
    scene.daemon.stands_still = "no pass has moved since noon"
    scene.later(seconds=5)
    words = scene.words
    assert "Mind: The last pass did not do its work: the API server is away" in words
    assert "Mind: no pass has moved since noon" in words
    assert "function/checkout" in words


@pytest.mark.parametrize(
    ("times", "before", "after"),
    [
        ({"self_heals_at": SOON}, "Should heal by itself by 12:05 UTC (in 2m)", "Was to heal by itself by 12:05 UTC"),
        ({"stuck_at": SOON}, "Counts as stuck from 12:05 UTC (in 2m)", "Counts as stuck since 12:05 UTC"),
    ],
)
def test_a_moment_that_passed_since_is_not_still_to_come(times: dict[str, datetime], before: str, after: str) -> None:
    waits = finding(state=State.WAITING, summary="Lambda is at it.", **times)
    judged = Judged(Observation(decoded(function()), active(), NOW), waits, None)
    assert sentence(judged, NOW + timedelta(minutes=3)) == f"Lambda is at it. {before}."
    late = sentence(judged, NOW + timedelta(minutes=9))
    assert late == f"Lambda is at it. {after} (4m ago); the next pass tells."


def test_what_was_done_since_is_there_before_the_next_look(scene: Scene) -> None:
    scene.look()
    judged = scene.story.scan().results[0]
    assert judged.plan is not None
    episodes, now = scene.story.world.episodes, scene.story.clock.now()
    attempt = episodes.intend(judged.plan, now, "mara")
    outcome = Outcome(
        action=ActionName.RESYNC, target=judged.seen.resource.ref, result=Result.STILL_STUCK, detail="nothing moved"
    )
    episodes.conclude(judged.seen.resource.ref.uid, outcome, now)
    scene.board.acted(outcome, Mode.APPROVE)
    assert "Resync: still-stuck nothing moved on the word of mara" in scene.words
    assert attempt.action is ActionName.RESYNC


def test_what_is_well_again_is_told_with_its_timeline(scene: Scene) -> None:
    scene.look()
    scene.story.world.cluster.objects = {}
    for _ in range(2):
        scene.later(minutes=5)
        scene.story.work.record(scene.story.scan())
    scene.look()
    words = scene.words
    assert "Well again, or gone function/checkout in shop ControllerSilent until" in words
    assert "gone It was deleted." in words


def test_twice_at_once_is_drawn_once(scene: Scene) -> None:
    scene.look()
    first = scene.board.html()
    assert scene.board.html() is first
    scene.look()
    assert scene.board.html() is not first


def test_metrics_hear_what_the_page_hears(scene: Scene) -> None:
    scene.board.leading(True)
    scene.look()
    scene.board.failed()
    scene.board.kubernetes("GET", "200")
    scene.board.aws("GetFunction", "ok")
    scene.board.reloaded(True, "digest")
    scrape = scene.story.scrape()
    assert scrape["remediator_leader"] == 1.0
    assert scrape['remediator_kubernetes_requests_total{code="200",verb="GET"}'] == 1.0


def test_a_thousand_findings_are_drawn_in_less_than_a_second_of_cpu() -> None:
    scene = Scene(Story(*(stuck(f"function-{number:04}") for number in range(MOST + 7))))
    scene.look()
    taken: list[float] = []
    for _ in range(3):  # at the first the template is compiled; and a machine has other things to do
        scene.later(seconds=10)
        began = time.process_time()
        page = scene.board.html()
        taken.append(time.process_time() - began)
    assert page.count('<article class="card stuck" id="') == MOST
    assert "7 more are not on this page: remediator scan -A" in Markup(page).words
    assert f"{MOST + 7} functions: {MOST + 7} stuck." in Markup(page).words
    assert min(taken) < 1.0, taken
