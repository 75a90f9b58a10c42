"""`remediator demo --keep`: a sandbox to play with from another terminal, until somebody ends it."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from remediator.cli import demo, kept
from remediator.sandbox.scenarios.stage import Stage
from tests.cli.shop import Result, Typing

pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("models_read_once")]

PROGRAM = [sys.executable, "-c", "from remediator.cli import main; main()"]
READY = "takes it down and removes"
SECONDS_TO_BE_UP = 90.0


def exports(out: str) -> dict[str, str]:
    """Read what is to be pasted as a shell would."""
    lines = [shlex.split(line) for line in out.splitlines() if line.startswith("  export ")]
    pairs = [each[1].partition("=")[::2] for each in lines]
    return {name: value for name, value in pairs if name != "PATH"}


def ago(text: str) -> timedelta:
    return datetime.now(UTC) - datetime.fromisoformat(text)


# ---- from another process --------------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(machine: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of somebody else's terminal on this machine."""
    return {**os.environ, "COLUMNS": "80", "TMPDIR": str(tmp_path), "PYTHONFAULTHANDLER": "1"}


def ask(environment: dict[str, str], *words: str) -> Any:
    done = subprocess.run(
        [*PROGRAM, *words, "-o", "json"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ended(process: subprocess.Popen[bytes], seconds: float) -> int:
    """Wait for its end, and return its code; one that hangs is made to print where each of its threads is."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        return process.wait(10)


def test_another_terminal_sees_it_with_ages_that_are_right(elsewhere: dict[str, str], tmp_path: Path) -> None:
    """`denied-create` is tried again and again: in a sandbox whose clock runs fast, its heartbeat were yet to come."""
    printed = tmp_path / "printed"
    with (
        printed.open("wb") as out,
        subprocess.Popen(
            [*PROGRAM, "demo", "--keep", "--scenario", "denied-create"], env=elsewhere, stdout=out, stderr=out
        ) as demo,
    ):
        try:
            deadline = time.monotonic() + SECONDS_TO_BE_UP
            while READY not in " ".join(printed.read_text(encoding="utf-8").split()):
                assert demo.poll() is None, printed.read_text(encoding="utf-8")
                assert time.monotonic() < deadline
                time.sleep(0.1)
            pasted = exports(printed.read_text(encoding="utf-8"))
            visitor = elsewhere | pasted
            (found,) = ask(visitor, "scan", "-A")["results"]
            assert (found["name"], found["finding"]) == ("search", "PermissionDenied")
            assert timedelta(0) <= ago(found["heartbeat"]) < timedelta(minutes=2)
            assert timedelta(0) <= ago(found["since"]) < timedelta(minutes=2)
            assert ask(visitor, "explain", "search")["evidence"]["action"] == "lambda:CreateFunction"
            demo.send_signal(signal.SIGTERM)
            assert ended(demo, 30) == 0, printed.read_text(encoding="utf-8")
        finally:
            demo.kill()
    said = printed.read_text(encoding="utf-8")
    assert "Taking the sandbox down" in said
    assert "Traceback" not in said
    assert not Path(pasted["KUBECONFIG"]).parent.exists()


# ---- in this process -------------------------------------------------------------------------------------------------


@pytest.fixture
def keep(typed_anywhere: Typing, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Keep a sandbox without telling a story before; `meanwhile` is done while it is up, then comes Ctrl-C."""

    def run(name: str, meanwhile: Any = lambda stage: None, columns: int = 80) -> Result:
        def wait() -> None:
            meanwhile(stages[0])
            raise KeyboardInterrupt

        stages = []

        class Watched(Stage):
            def __enter__(self) -> Watched:
                stages.append(self)
                return super().__enter__()

        monkeypatch.setattr(demo, "_tell", lambda *_: None)
        monkeypatch.setattr(kept, "Stage", Watched)
        monkeypatch.setattr(kept, "_wait", wait)
        return typed_anywhere("demo", "--keep", "--scenario", name, columns=columns)

    return run


def test_it_says_how_to_reach_it_and_how_to_end_it(keep: Any) -> None:
    told = keep("refused-deletion")
    assert (told.code, told.err) == (0, "")
    pasted = exports(told.out)
    assert list(pasted) == [
        "KUBECONFIG", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_DISABLED", "REMEDIATOR_POLICY", "REMEDIATOR_RUN_BACKUPS",
    ]  # fmt: skip
    assert pasted["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    said = " ".join(told.out.split())
    assert "  unset AWS_PROFILE AWS_SESSION_TOKEN\n" in told.out
    assert "Its clock runs as fast as yours" in said
    assert f"Ctrl-C here, or `kill {os.getpid()}` elsewhere, takes it down" in said
    tried = re.findall(r"^  (remediator|kubectl|aws) ", told.out, flags=re.M)
    assert sorted(tried) == ["aws", "kubectl", "kubectl", "remediator", "remediator", "remediator"]
    assert "remediator explain function/ledger" in said


def test_its_clock_is_everybodys(keep: Any) -> None:
    clocks = {}

    def compare(stage: Stage) -> None:
        clocks["speed"] = stage.clock.speed
        clocks["ahead"] = abs((stage.clock.now() - datetime.now(UTC)).total_seconds())

    keep("missing-reference", compare)
    assert clocks["speed"] == 1.0
    assert clocks["ahead"] < 1.0


def test_its_files_are_their_owners_alone(keep: Any) -> None:
    modes: dict[str, int] = {}

    def look(stage: Stage) -> None:
        directory = stage.kubeconfig.parent
        modes.update({each.name: each.stat().st_mode & 0o777 for each in (directory, *directory.iterdir())})

    told = keep("missing-reference", look)
    directory = Path(exports(told.out)["KUBECONFIG"]).parent
    assert modes == {directory.name: 0o700, "kubeconfig": 0o600, "policy.yaml": 0o600}
    assert not directory.exists()


def test_what_is_to_be_pasted_is_not_wrapped(keep: Any) -> None:
    told = keep("missing-reference", columns=40)
    assert all(Path(path).is_absolute() for name, path in exports(told.out).items() if name.startswith("REMEDIATOR"))
    assert "\n  kubectl annotate functions.lambda.services.k8s.aws emails ack-remediator.dev/ignore=true\n" in told.out


def test_signals_are_given_back(keep: Any) -> None:
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    keep("missing-reference")
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


def test_the_things_to_try_work(keep: Any, typed_anywhere: Typing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of `remediator`, as typed; the environment of this process leads to the sandbox while it is up."""
    told: dict[str, Result] = {}

    def visit(stage: Stage) -> None:
        monkeypatch.setenv("REMEDIATOR_POLICY", str(stage.policy))
        told["scan"] = typed_anywhere("scan", "-A", "-o", "wide", columns=200)
        told["explain"] = typed_anywhere("explain", "function/receipts", "-o", "wide")

    keep("wrong-checksum", visit)
    assert [each.code for each in told.values()] == [0, 0]
    assert re.search(r"receipts +ChecksumMismatch .* 2h ago ", told["scan"].out)
    assert "ChecksumMismatch, advisory" in told["explain"].out
