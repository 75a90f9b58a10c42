"""A login to AWS that cannot be used: told before anything is written, and not at all by who has nothing to ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.shop import Shop


@pytest.fixture
def locked_out(empty_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop for a person whose profile is not there."""
    empty_shop.function("checkout")
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    return empty_shop


def test_where_all_is_well_nobody_needs_a_login(locked_out: Shop) -> None:
    told = locked_out("scan", "-A")
    assert (told.code, told.out) == (0, "")
    assert "1 function: 1 healthy." in told.err


def test_who_has_to_ask_is_told_and_nothing_is_concluded(locked_out: Shop) -> None:
    locked_out.function("archive", error="boom")
    told = locked_out("scan", "-A", "-o", "json")
    assert (told.code, told.out) == (1, "")
    assert "nowhere" in told.err


def test_who_will_ask_is_told_before_anything_is_written(locked_out: Shop, tmp_path: Path) -> None:
    manifest = tmp_path / "function.yaml"
    manifest.write_text(
        "apiVersion: lambda.services.k8s.aws/v1alpha1\nkind: Function\n"
        "metadata: {name: checkout, namespace: shop}\nspec: {name: checkout, memorySize: 512}\n",
        encoding="utf-8",
    )
    before = locked_out.stored("checkout")
    told = locked_out("rollout", "-f", str(manifest))
    assert told.code == 1
    assert "nowhere" in told.err
    assert locked_out.stored("checkout") == before


@pytest.mark.parametrize("command", ["wait", "daemon"])
def test_who_goes_on_for_long_is_told_at_once(locked_out: Shop, command: str) -> None:
    words = ("function/checkout", "--for", "synced") if command == "wait" else ("--metrics-port", "0", "--no-page")
    told = locked_out(command, *words)
    assert told.code == 1
    assert "nowhere" in told.err
