"""`remediator demo`: a story that ends by itself, and ends well."""

from __future__ import annotations

import importlib.util
import io
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import structlog

from remediator.cli import main
from remediator.sandbox.scenarios import stage
from remediator.sandbox.scenarios.shop import FINALIZER
from tests.cli.shop import SECRET, Typing

COLUMNS = 80


@dataclass
class Told:
    """What the demo printed, and what it left in its sandbox."""

    code: int = -1
    out: str = ""
    err: str = ""
    left: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    memory: int = 0

    def scene(self, number: int) -> str:
        """Return one scene of the story, without its line breaks."""
        return " ".join(re.split(r"^(\d)\. ", self.out, flags=re.M)[2 * number].split())


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    """Run it once, as a person would in an 80-column terminal, and keep what is in the sandbox when it ends."""
    story = Told()

    class Watched(stage.Stage):
        def __exit__(self, *details: Any) -> None:
            for name in ("checkout", "archive", "legacy", "exports", "ledger"):
                try:
                    story.left[name] = self.shop.stored(name)
                except LookupError:
                    story.left[name] = None
            story.memory = self.cloud.configuration("checkout")["MemorySize"]
            super().__exit__(*details)

    out, err = io.StringIO(), io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(stage, "Stage", Watched)
        patch.setenv("COLUMNS", str(COLUMNS))
        patch.setenv("AWS_PROFILE", "a-profile-of-the-person")
        patch.setenv("KUBECONFIG", "/nowhere/kubeconfig")
        before = dict(os.environ)
        with pytest.raises(SystemExit) as ended:
            main(["demo"])
        assert dict(os.environ) == before, "the person's environment is as it was"
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    story.code, story.out, story.err = int(str(ended.value.code)), out.getvalue(), err.getvalue()
    yield story


pytestmark = pytest.mark.timeout(120)


def test_it_ends_by_itself_and_well(told: Told) -> None:
    assert told.code == 0
    assert "That was all, in" in told.out
    for text in (told.out, told.err):
        assert "Traceback" not in text
        assert "error:" not in text


def test_it_says_what_it_is_and_that_its_clock_runs_fast(told: Told) -> None:
    opening = " ".join(told.out.split("1. ")[0].split())
    assert "Nothing else is touched" in opening
    assert "The sandbox's clock runs 30 times as fast as yours" in opening


def test_it_reads_well_at_80_columns(told: Told) -> None:
    for line in (*told.out.splitlines(), *told.err.splitlines()):
        assert len(line.rstrip()) <= COLUMNS or line.startswith("  kubectl patch "), line


def test_it_begins_with_a_dozen_in_trouble(told: Told) -> None:
    scan = told.scene(1)
    for name, finding in (
        ("archive", "FinalizerLeft"),
        ("avatars", "AlreadyExists"),
        ("checkout", "UpdateFailed"),
        ("emails", "ReferencesUnresolved"),
        ("exports", "Unreadable"),
        ("invoices", "UpdateInProgress"),
        ("ledger", "DeletionBlocked"),
        ("legacy", "FinalizerLeft"),
        ("payments", "FunctionPending"),
        ("receipts", "ChecksumMismatch"),
        ("search", "PermissionDenied"),
        ("thumbnails", "CreateFailed"),
    ):
        assert re.search(rf"shop {name} +{finding} ", scan), name


def test_it_explains_one_and_refuses_another(told: Told) -> None:
    assert "Decision: propose" in told.scene(2)
    assert "kubectl patch functions.lambda.services.k8s.aws checkout" in told.scene(2)
    assert "Decision: blocked" in told.scene(3)
    assert "HELD opt-out ack-remediator.dev/ignore is set" in told.scene(3)


def test_the_approved_resync_worked(told: Told) -> None:
    said = " ".join(told.err.split())
    assert "resolved Resync shop/checkout: the controller ran a pass at" in said
    checkout = told.left["checkout"]
    assert checkout is not None
    assert "publish" not in checkout["spec"]
    assert told.memory == 512


def test_the_approved_finalizer_was_cleared_after_two_proofs(told: Told) -> None:
    said = " ".join(told.err.split())
    assert "proof 1 of 2: AWS says gone" in said
    assert "resolved ClearFinalizer shop/archive: the object is gone" in said
    assert told.left["archive"] is None


def test_hands_off_means_hands_off(told: Told) -> None:
    for name in ("legacy", "exports", "ledger"):
        stored = told.left[name]
        assert stored is not None
        assert stored["metadata"]["finalizers"] == [FINALIZER]
        assert "publish" not in stored["spec"]


def test_what_waited_for_aws_has_healed_by_the_end(told: Told) -> None:
    last = told.scene(6)
    for name in ("checkout", "archive", "payments", "invoices"):
        assert f"shop {name} " not in last
    for name in ("legacy", "exports", "ledger", "search"):
        assert f"shop {name} " in last


def test_it_shows_no_secret(told: Told) -> None:
    assert SECRET not in told.out + told.err


def test_it_leaves_no_file(told: Told) -> None:
    (saved,) = set(re.findall(r"\S*ack-remediator-demo-[^/\s]*", told.err + told.out)) or {"none"}
    assert not Path(saved).exists()


def test_without_its_extra_it_says_what_to_install(typed_anywhere: Typing, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "moto" else find(name, *more))
    monkeypatch.delitem(sys.modules, "remediator.cli.demo", raising=False)
    result = typed_anywhere("demo")
    assert (result.code, result.out) == (1, "")
    assert "ack-remediator[demo]" in result.err
