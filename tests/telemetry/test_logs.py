"""Logs: for people, on stderr, and without what libraries would spill."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from collections.abc import Iterator

import pytest
import structlog

from remediator.telemetry.logs import configure, for_machines

Streams = pytest.CaptureFixture[str]
LIBRARIES = ("botocore", "botocore.endpoint", "boto3", "urllib3", "urllib3.connectionpool", "kubernetes.client.rest")

QUIETED = ("apscheduler", "boto3", "botocore", "botocore.credentials", "urllib3", "urllib3.connection", "kubernetes")


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in QUIETED}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()
    logging.captureWarnings(False)


def say() -> None:
    log = structlog.get_logger("remediator.scan")
    log.debug("a detail", count=1)
    log.info("acting", action="Resync")
    log.warning("could not undo", why="no leader")


@pytest.mark.parametrize(
    ("verbose", "told"),
    [(0, ["could not undo"]), (1, ["acting", "could not undo"]), (2, ["a detail", "acting", "could not undo"])],
)
def test_more_is_said_on_request(capsys: Streams, verbose: int, told: list[str]) -> None:
    configure(verbose)
    say()
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == len(told)
    for line, event in zip(lines, told, strict=True):
        assert event in line


def test_a_line_has_its_time_level_and_facts(capsys: Streams) -> None:
    configure(1)
    structlog.get_logger().info("acting", action="Resync", target="Function shop/checkout")
    (line,) = capsys.readouterr().err.splitlines()
    assert line[4] == "-" and line[19] == "Z"
    assert "info" in line
    assert "action=Resync" in line
    assert "Function shop/checkout" in line


def test_no_colours_where_no_terminal_shows_them(capsys: Streams) -> None:
    configure(2)
    say()
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("verbose", [0, 2, 9])
def test_libraries_never_tell_what_they_send_and_receive(capsys: Streams, name: str, verbose: int) -> None:
    """Below WARNING botocore logs whole answers: environment variables, and links to code."""
    configure(verbose)
    logging.getLogger(name).debug("Response body: %s", '{"Variables": {"DB_PASSWORD": "correct-horse-battery"}}')
    logging.getLogger(name).info("Location: https://example.invalid/?X-Amz-Signature=5ec7e7")
    assert capsys.readouterr().err == ""


def test_a_session_that_cannot_be_renewed_is_told_without_botocores_traceback(capsys: Streams) -> None:
    configure(2)
    logging.getLogger("botocore.credentials").warning("Refreshing temporary credentials failed")
    assert capsys.readouterr().err == ""


def test_other_loggers_go_the_same_way(capsys: Streams) -> None:
    configure(0)
    logging.getLogger("asyncio").warning("slow: %s", "a task")
    assert "slow: a task" in capsys.readouterr().err


def test_configuring_twice_says_nothing_twice(capsys: Streams) -> None:
    configure(0)
    configure(0)
    structlog.get_logger().warning("once")
    assert capsys.readouterr().err.count("once") == 1


def test_an_exception_is_told_without_the_values_around_it(capsys: Streams) -> None:
    """Local variables hold secrets: functions, their environments, credentials."""
    configure(2)

    def break_down(environment: dict[str, str]) -> None:
        raise ValueError(f"{len(environment)} variables")

    try:
        break_down({"DB_PASSWORD": "-".join(("correct", "horse", "battery"))})
    except ValueError:
        structlog.get_logger().exception("broken")
    told = capsys.readouterr().err
    assert "1 variables" in told
    assert "correct-horse-battery" not in told


# ---- for machines ----------------------------------------------------------------------------------------------------


def test_for_a_machine_each_line_is_one_object_with_all_facts(capsys: Streams) -> None:
    configure(1, machine=True)
    say()
    logging.getLogger("asyncio").warning("slow: %s", "a task")
    ours, *_, theirs = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {key: ours[key] for key in ("event", "level", "action")} == {
        "event": "acting",
        "level": "info",
        "action": "Resync",
    }
    assert ours["timestamp"].endswith("Z")
    assert (theirs["event"], theirs["level"]) == ("slow: a task", "warning")


def test_for_a_machine_an_exception_is_one_line_without_the_values_around_it(capsys: Streams) -> None:
    configure(1, machine=True)

    def break_down(environment: dict[str, str]) -> None:
        raise ValueError(f"{len(environment)} variables")

    try:
        break_down({"DB_PASSWORD": "-".join(("correct", "horse", "battery"))})
    except ValueError:
        structlog.get_logger().exception("broken")
    (line,) = capsys.readouterr().err.splitlines()
    assert "ValueError: 1 variables" in json.loads(line)["exception"]
    assert "correct-horse-battery" not in line


def test_a_scheduler_does_not_tell_of_each_job(capsys: Streams) -> None:
    configure(2)
    logging.getLogger("apscheduler.executors.default").info("Running job")
    assert capsys.readouterr().err == ""


# ---- one stream ------------------------------------------------------------------------------------------------------

LINK = "https://awslambda.s3.amazonaws.com/snapshots/1/checkout?X-Amz-Security-Token=t&X-Amz-Signature=5ec7e7"


@pytest.mark.parametrize("machine", [False, True])
def test_a_link_to_code_is_in_no_line_whoever_logs_it(capsys: Streams, machine: bool) -> None:
    configure(2, machine=machine)
    structlog.get_logger().warning("refused", why=f"GET {LINK} failed")
    logging.getLogger("asyncio").warning("slow: %s", LINK)
    try:
        int(LINK)  # its error quotes what it was given
    except ValueError:
        structlog.get_logger().exception("broken")
    told = capsys.readouterr().err
    assert "5ec7e7" not in told
    assert told.count("(a presigned link)") == 3


def test_what_python_warns_of_is_a_line_like_the_others(capsys: Streams) -> None:
    logging.captureWarnings(False)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        configure(0, machine=True)
        warnings.warn("no certificate is verified", UserWarning, stacklevel=1)
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["level"], "no certificate is verified" in told["event"]) == ("warning", True)


@pytest.mark.parametrize(
    ("in_a_pod", "terminal", "machine"),
    [(True, False, True), (True, True, False), (False, False, False), (False, True, False)],
)
def test_a_machine_reads_it_in_a_pod_without_a_terminal(
    monkeypatch: pytest.MonkeyPatch, in_a_pod: bool, terminal: bool, machine: bool
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    if in_a_pod:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    assert for_machines() is machine
