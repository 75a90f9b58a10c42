"""What `remediator daemon` refuses before it does anything. How it works is in tests/daemon."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.shop import Shop, Typing


@pytest.mark.parametrize(
    "words",
    [
        ("--metrics-cert", "tls.crt"),
        ("--metrics-key", "tls.key"),
        ("--metrics-client-ca", "ca.crt"),
        ("--metrics-cert", "tls.crt", "--metrics-client-ca", "ca.crt"),
    ],
)
def test_tls_needs_a_certificate_and_its_key(typed_anywhere: Typing, words: tuple[str, ...]) -> None:
    told = typed_anywhere("daemon", *words)
    assert told.code == 2
    assert "TLS for metrics needs a certificate and its key" in told.err


def test_files_of_tls_that_are_not_there_are_named(empty_shop: Shop, tmp_path: Path) -> None:
    files = [str(tmp_path / name) for name in ("tls.crt", "tls.key", "ca.crt")]
    flags = ("--metrics-cert", "--metrics-key", "--metrics-client-ca")
    told = empty_shop("daemon", *(word for pair in zip(flags, files, strict=True) for word in pair), columns=400)
    assert told.code == 2
    assert f"({', '.join(files)})" in told.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("-A", "-n", "shop"), "-n and -A exclude each other"),
        (("--home-namespace", "No/Namespace"), "No/Namespace"),
        (("--grace-period", "0"), "0"),
        (("--metrics-port", "65536"), "65536"),
    ],
)
def test_what_makes_no_sense_is_refused(empty_shop: Shop, words: tuple[str, ...], why: str) -> None:
    told = empty_shop("daemon", *words)
    assert told.code == 2
    assert why in told.err
