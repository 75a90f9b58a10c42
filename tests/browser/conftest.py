"""A browser for the page: the Chromium of this machine, without a network of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.shop import empty_shop, machine, models_read_once, shop

__all__ = ["empty_shop", "machine", "models_read_once", "shop"]

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def chromium() -> str | None:
    """Find a Chromium: the one that CHROMIUM names, else that of PATH."""
    return os.environ.get("CHROMIUM") or next((path for each in _NAMES if (path := shutil.which(each))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    program = chromium()
    if program is None:
        pytest.skip("there is no Chromium here (PATH, CHROMIUM): how the page looks is NOT tried")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(_QUIET))
        yield started
        started.close()
