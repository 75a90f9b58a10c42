"""Messages beside the pass: in their order, again where there is use in it, and nobody waits for them for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tenacity import RetryCallState, Retrying, wait_fixed, wait_none

from remediator.model.message import Delivery
from remediator.policy.webhook import WebhookSection
from remediator.webhook import deliveries as module
from remediator.webhook import sending
from remediator.webhook.deliveries import Deliveries
from remediator.webhook.sending import NotYet
from tests.webhook.receiving import HOOK, event, news, read, section
from tests.wire import SILENCE, Wire, answer


class Counted:
    """Deliveries whose outcomes are noted."""

    def __init__(self, **more: Any) -> None:
        self.outcomes: list[str] = []
        self.deliveries = Deliveries(lambda each: self.outcomes.append(each.value), **{"back_off": wait_none()} | more)


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    with capture_logs() as entries:
        yield entries


def test_they_arrive_in_their_order(tmp_path: Path, logged: list[Any]) -> None:
    counted = Counted()
    with Wire(answer(200)) as wire:
        to = section(wire.url, tmp_path)
        for number in range(5):
            counted.deliveries.post(to, news(ident=f"msg_{number}"))
        assert counted.deliveries.close(10) == 0
        assert [each.headers["webhook-id"] for each in wire.heard] == [f"msg_{number}" for number in range(5)]
    assert counted.outcomes == ["delivered"] * 5
    assert {each["log_level"] for each in logged} == {"info"}


def test_what_did_not_arrive_is_sent_again_as_the_same_message(tmp_path: Path) -> None:
    counted = Counted()
    with Wire(answer(500), b"", answer(429, after="0"), answer(202)) as wire:
        counted.deliveries.post(section(wire.url, tmp_path), news())
        assert counted.deliveries.close(10) == 0
        assert len(wire.heard) == 4
        assert {(each.headers["webhook-id"], each.body) for each in wire.heard} == {("msg_1", wire.heard[0].body)}
    assert counted.outcomes == ["delivered"]


def test_what_is_refused_is_not_sent_again_and_the_next_message_is(tmp_path: Path, logged: list[Any]) -> None:
    counted = Counted()
    with Wire(answer(403, "no_service"), answer(200)) as wire:
        to = section(f"{wire.url}{HOOK}", tmp_path)
        for ident in ("msg_1", "msg_2"):
            counted.deliveries.post(to, news(ident=ident))
        assert counted.deliveries.close(10) == 0
        assert [each.headers["webhook-id"] for each in wire.heard] == ["msg_1", "msg_2"]
    assert counted.outcomes == ["refused", "delivered"]
    assert logged[0] == {
        "event": "the webhook was not told",
        "what": "1 found",
        "why": "it answered 403 (no_service)",
        "message": "msg_1",
        "log_level": "warning",
    }


def test_trouble_that_does_not_end_is_given_up(tmp_path: Path) -> None:
    counted = Counted()
    with Wire(answer(503)) as wire:
        counted.deliveries.post(section(wire.url, tmp_path), news())
        assert counted.deliveries.close(10) == 0
        assert len(wire.heard) == 6
    assert counted.outcomes == ["failed"]


def test_a_file_that_is_not_there_is_not_waited_for(tmp_path: Path, logged: list[Any]) -> None:
    counted = Counted()
    to = section("https://chat.example.com/", tmp_path)
    (tmp_path / "url").unlink()
    counted.deliveries.post(to, news())
    assert counted.deliveries.close(10) == 0
    assert counted.outcomes == ["failed"]
    assert "urlFile" in logged[0]["why"]


def test_an_error_of_our_own_does_not_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: list[Any]
) -> None:
    counted = Counted()
    monkeypatch.setattr(sending, "body", lambda *_: 1 / 0)
    to = section(f"https://chat.example.com{HOOK}", tmp_path)
    for _ in range(2):
        counted.deliveries.post(to, news())
    assert counted.deliveries.close(10) == 0
    assert counted.outcomes == ["failed", "failed"]
    assert logged[0]["why"] == "ZeroDivisionError, which should not have happened"


def test_nobody_waits_for_a_receiver_that_hangs(tmp_path: Path) -> None:
    counted = Counted()
    with Wire(SILENCE) as wire:
        to = section(wire.url, tmp_path)
        began = time.monotonic()
        for _ in range(3):
            counted.deliveries.post(to, news())
        assert time.monotonic() - began < 1
        assert counted.deliveries.close(0.3) == 3
        assert 0.2 < time.monotonic() - began < 5
    assert counted.outcomes == ["dropped"] * 3


def test_who_waits_for_the_next_try_is_not_waited_for(tmp_path: Path) -> None:
    counted = Counted(back_off=wait_fixed(60))
    with Wire(answer(500)) as wire:
        counted.deliveries.post(section(wire.url, tmp_path), news())
        while not wire.heard:
            time.sleep(0.01)
        assert counted.deliveries.close(0.2) == 1
        thread = next((each for each in threading.enumerate() if each.name == "webhook"), None)
        if thread is not None:
            thread.join(5)
        assert len(wire.heard) == 1, "it was sent after it was said to be lost"
    assert counted.outcomes == ["dropped"]


def test_of_too_many_the_last_are_left_out(tmp_path: Path, logged: list[Any]) -> None:
    counted = Counted(most=2)
    let_go = threading.Event()

    def slowly(_: Any) -> bytes:
        let_go.wait(10)
        return answer(200)

    with Wire(slowly) as wire:
        to = section(wire.url, tmp_path)
        counted.deliveries.post(to, news(ident="msg_0"))
        while not wire.heard:
            time.sleep(0.01)
        for number in range(1, 5):
            counted.deliveries.post(to, news(ident=f"msg_{number}"))
        let_go.set()
        assert counted.deliveries.close(10) == 0
        assert [each.headers["webhook-id"] for each in wire.heard] == ["msg_0", "msg_1", "msg_2"]
    assert sorted(counted.outcomes) == ["delivered"] * 3 + ["dropped"] * 2
    assert {each["why"] for each in logged if each["log_level"] == "warning"} == {"2 messages wait already"}


def test_after_its_end_it_takes_none(tmp_path: Path) -> None:
    counted = Counted()
    assert counted.deliveries.close(10) == 0
    counted.deliveries.post(section("https://chat.example.com/", tmp_path), news())
    assert counted.outcomes == ["dropped"]


def test_who_is_never_told_anything_needs_no_thread() -> None:
    before = threading.active_count()
    Deliveries(lambda _: None)
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("error", "least", "most"),
    [
        (NotYet("busy", 30.0), 30.0, 90.0),
        (NotYet("busy", 86400.0), 300.0, 300.0),
        (NotYet("busy"), 0.0, 60.0),
        (NotYet("busy", -5.0), 0.0, 60.0),
    ],
)
def test_it_waits_as_long_as_the_receiver_asks_within_reason(error: NotYet, least: float, most: float) -> None:
    deliveries = Deliveries(lambda _: None)
    for attempt in range(1, 7):
        state = RetryCallState(Retrying(), None, (), {})
        state.attempt_number = attempt
        state.set_exception((NotYet, error, None))
        assert least <= deliveries._wait(state) <= most


def test_many_threads_may_post(tmp_path: Path) -> None:
    counted = Counted()
    with Wire(answer(200)) as wire:
        to = section(wire.url, tmp_path)
        posting = [
            threading.Thread(target=counted.deliveries.post, args=(to, news(event(f"f{number}"))))
            for number in range(20)
        ]
        for each in posting:
            each.start()
        for each in posting:
            each.join()
        assert counted.deliveries.close(20) == 0
        names = {read(each)["items"][0]["resource"]["name"] for each in wire.heard}
    assert names == {f"f{number}" for number in range(20)}


def test_it_sends_by_the_section_that_was_posted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon takes in another policy while messages of the former wait."""
    seen: list[WebhookSection] = []
    monkeypatch.setattr(module, "send", lambda to, _: seen.append(to))
    counted = Counted()
    sections = [section("https://a.example.com/", tmp_path, cluster=name) for name in ("a", "b")]
    for each in sections:
        counted.deliveries.post(each, news())
    assert counted.deliveries.close(10) == 0
    assert (seen, counted.outcomes) == (sections, [Delivery.DELIVERED.value] * 2)
