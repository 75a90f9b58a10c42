"""The scripts of a release, where something is not as they need it: one sentence says what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from release.__main__ import main

ROOT = Path(__file__).parents[2]
DIGEST = f"sha256:{'0a' * 32}"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Make a checkout that has these scripts, and nothing built."""
    (tmp_path / "dist").mkdir()
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n', encoding="utf-8")
    return tmp_path


def ran(script: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "BIN": f"{Path(sys.executable).parent}"} | environment
    return subprocess.run([script], env=env, capture_output=True, text=True, check=False)


def helm(folder: Path, says: str, code: int = 0) -> str:
    program = folder / "helm"
    program.write_text(f"#!/bin/sh\necho \"$@\" >{folder}/told\nprintf '{says}' >&2\nexit {code}\n", encoding="utf-8")
    program.chmod(0o755)
    return f"{program}"


def test_the_digest_that_helm_tells_is_what_will_be_signed(checkout: Path) -> None:
    said = ran(
        checkout / ".ci/push-chart",
        HELM=helm(checkout, f"Pushed: registry.test/charts/ack-remediator:1.2.3\\nDigest: {DIGEST}\\n"),
        TO="oci://registry.test/charts",
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, f"digest={DIGEST}\n", "")
    told = (checkout / "told").read_text(encoding="utf-8")
    assert told == "push dist/ack-remediator-1.2.3.tgz oci://registry.test/charts\n"


def test_where_helm_tells_no_digest_nothing_is_signed(checkout: Path) -> None:
    said = ran(checkout / ".ci/push-chart", HELM=helm(checkout, "Pushed somewhere\\n"), TO="oci://registry.test/charts")
    assert (said.returncode, said.stdout) == (1, "")
    assert "names no digest" in said.stderr and "Pushed somewhere" in said.stderr


def test_where_helm_fails_so_does_the_push(checkout: Path) -> None:
    said = ran(checkout / ".ci/push-chart", HELM=helm(checkout, f"Digest: {DIGEST}\\n", 1), TO="oci://registry.test/x")
    assert (said.returncode, said.stdout) == (1, "")


def test_without_a_wheel_no_plugin_is_frozen(checkout: Path) -> None:
    said = ran(checkout / ".ci/plugin")
    assert (said.returncode, said.stdout, len(said.stderr.splitlines())) == (1, "", 1)
    assert "dist/ack_remediator-1.2.3-py3-none-any.whl, and it is not there: make dist" in said.stderr


def test_a_release_that_is_not_ready_ends_with_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["release", "check", "main"])
    with pytest.raises(SystemExit, match="not released: the tag is 'main'"):
        main()
    assert capsys.readouterr().out == ""


def test_a_word_that_is_missing_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["release", "check"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "Missing argument 'TAG'" in capsys.readouterr().err
