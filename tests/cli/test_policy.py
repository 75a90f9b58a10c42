"""`remediator validate` and `remediator policy`: what a policy file can say, and what one says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from remediator.policy.sample import sample_policy
from remediator.policy.schema import policy_schema
from tests.cli.shop import Typing

HEAD = "apiVersion: ack-remediator.dev/v1alpha1\nkind: Policy\n"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.yaml"
    path.write_text(sample_policy(), encoding="utf-8")
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.yaml"
    path.write_text(f"{HEAD}mdoe: auto\nsightings: 9\n", encoding="utf-8")
    return path


def test_a_policy_that_can_be_used_says_what_it_would_allow(typed_anywhere: Typing, good: Path) -> None:
    result = typed_anywhere("validate", str(good))
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"{good}: OK. Dry-run: shows what it would do")
    assert "At most 5 actions a run, 20 a day" in result.out


def test_every_fault_of_every_file_is_told_with_its_place(typed_anywhere: Typing, good: Path, bad: Path) -> None:
    missing = bad.with_name("missing.yaml")
    result = typed_anywhere("validate", str(bad), str(good), str(missing))
    assert result.code == 2
    assert result.out.startswith(f"{good}: OK. ")
    assert result.err.splitlines()[:3] == [
        f"error: {bad}:3:1: unknown key mdoe; did you mean mode?",
        f"{bad}:4:1: sightings: input should be less than or equal to 5; found 9",
        f"{missing}: cannot read the policy: No such file or directory",
    ]
    assert "remediator policy sample" in result.err


def test_when_the_windows_open_is_shown_for_any_moment(typed_anywhere: Typing, tmp_path: Path) -> None:
    path = tmp_path / "windows.yaml"
    path.write_text(f"{HEAD}windows: {{timeZone: Europe/Berlin, allow: [Sun 01:00-04:00]}}\n", encoding="utf-8")
    result = typed_anywhere("validate", str(path), "--at", "2027-03-27T12:00:00+01:00")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[1:3] == [
        "  Windows in Europe/Berlin, at Sat 2027-03-27 12:00 +01:00: closed outside of Sun 01:00-04:00.",
        "    opens   Sun 2027-03-28 01:00 +01:00  2027-03-28T00:00:00Z",
    ]
    assert "    closes  Sun 2027-03-28 04:00 +02:00  2027-03-28T02:00:00Z\n" in result.out
    refused = typed_anywhere("validate", str(path), "--at", "tomorrow")
    assert (refused.code, refused.out) == (2, "")
    assert "--at takes a time such as 2027-03-27T12:00:00+01:00, not 'tomorrow'" in refused.err


def test_validate_needs_a_file(typed_anywhere: Typing) -> None:
    result = typed_anywhere("validate")
    assert (result.code, result.out) == (2, "")


def test_the_sample_and_the_schema_are_printed(typed_anywhere: Typing) -> None:
    assert typed_anywhere("policy", "sample").out == sample_policy()
    printed = typed_anywhere("policy", "schema")
    assert (printed.code, json.loads(printed.out)) == (0, policy_schema())


def test_a_printed_sample_validates(typed_anywhere: Typing, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(typed_anywhere("policy", "sample").out, encoding="utf-8")
    assert typed_anywhere("validate", str(path)).code == 0


@pytest.mark.parametrize("words", [("policy", "sample"), ("policy", "schema"), ("validate", "FILE")])
def test_no_client_library_is_loaded_for_it(good: Path, words: tuple[str, ...]) -> None:
    """They are typed in an editor and in a pipeline: nothing of Kubernetes or AWS is needed."""
    argv = [str(good) if word == "FILE" else word for word in words]
    program = (
        "import sys\nfrom remediator.cli import cli\n"
        f"cli.main(args={argv!r}, standalone_mode=False)\n"
        "assert not {'kubernetes', 'boto3', 'structlog'} & set(sys.modules)\n"
    )
    here = Path(__file__).parents[2]
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=here, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
