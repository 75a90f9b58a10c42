"""The page in a browser: on a phone and on a desk, by day and by night, for who cannot see it, and under attack.

SCREENSHOTS names a folder to keep what was seen in; else it goes with the other temporary files.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from remediator.page.answering import application
from remediator.page.rendering import render
from remediator.telemetry.listening import Listening, _Server
from tests.cli.shop import Shop
from tests.page.samples import filled

pytestmark = pytest.mark.timeout(300)

PHONE, DESK = 360, 1440
LONG = "a-name-without-end-" * 20
# What runs where any of it is taken for markup.
HOSTILE = (
    "</title></style></bdi></code><script>window.taken = 1</script>"
    "<img src=x onerror='window.taken = 1'><svg onload=\"window.taken = 1\">"
    "\" onclick=\"window.taken = 1\" autofocus onfocus='window.taken = 1' x='"
    "<a href='javascript:window.taken = 1'>"
)
# No header stops this one: the escapes alone do.
MOVING = "<meta http-equiv=refresh content='0;url=//elsewhere.example/'>"

Served = Callable[[str], Any]


@pytest.fixture(autouse=True)
def _stops_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Server, "expiration_interval", 0.02)


@pytest.fixture
def stuck(shop: Shop) -> str:
    """Draw a page with real findings on it."""
    return shop("scan", "-A", "-o", "html").out


class Seen:
    """One page as a browser shows it, and what it asked for and complained of meanwhile."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.asked: list[str] = []
        self.said: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))

    def opened(self) -> None:
        self.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")

    @property
    def width(self) -> int:
        return int(self.page.evaluate("document.documentElement.scrollWidth"))

    def violations(self) -> list[str]:
        """Ask axe what is wrong with it."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        return [f"{each['id']} ({each['impact']}): {each['nodes'][0]['html'][:200]}" for each in found]


@contextmanager
def shown(browser: Any, html: str, *, width: int = DESK, scheme: str = "light") -> Iterator[Seen]:
    """Serve a page as a daemon does, with all its headers, and open it."""
    with Listening(application(lambda: html, address="127.0.0.1"), "the page", port=0) as server:
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        try:
            seen = Seen(context.new_page())
            answer = seen.page.goto(f"http://127.0.0.1:{server.port}/")
            assert answer.status == 200
            yield seen
        finally:
            context.close()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get("SCREENSHOTS")
    made = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    made.mkdir(parents=True, exist_ok=True)
    return made


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_it_is_readable_everywhere_and_axe_finds_no_fault(
    browser: Any, stuck: str, folder: Path, width: int, scheme: str
) -> None:
    with shown(browser, stuck, width=width, scheme=scheme) as seen:
        seen.page.screenshot(path=folder / f"page-{scheme}-{width}.png", full_page=True)
        assert seen.width <= width, "it must be moved sideways to be read"
        seen.opened()
        assert seen.width <= width
        assert seen.violations() == []
        paper = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(16, 19, 24)") is (scheme == "dark")
        assert seen.said == []


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_names_without_end_are_wrapped(browser: Any, folder: Path, width: int) -> None:
    with shown(browser, render(filled(LONG)), width=width) as seen:
        seen.opened()
        seen.page.screenshot(path=folder / f"long-{width}.png", full_page=True)
        assert seen.width <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_to_see_is_no_fault_either(browser: Any, scheme: str) -> None:
    empty = msgspec.structs.replace(filled("x"), items=[], ended=[], cluster=[], warnings=[], left_out="")
    for page in (empty, msgspec.structs.replace(empty, totals="", looked=None, warnings=["No pass is over yet."])):
        with shown(browser, render(page), scheme=scheme) as seen:
            assert seen.violations() == []


def test_a_hostile_name_does_not_become_markup(browser: Any) -> None:
    def elements(seen: Seen) -> Counter[str]:
        return Counter(seen.page.evaluate("[...document.querySelectorAll('*')].map(each => each.localName)"))

    with shown(browser, render(filled("x"))) as plain:
        expected = elements(plain)
    with shown(browser, render(filled(HOSTILE + MOVING))) as seen:
        seen.opened()
        seen.page.mouse.move(200, 200)
        for link in seen.page.locator("a").all():
            assert link.get_attribute("href")[0] in "#."
        assert elements(seen) == expected
        assert seen.page.evaluate("window.taken") is None
        assert seen.page.locator("h3").nth(1).inner_text().startswith(HOSTILE[:40])
        assert len(seen.asked) == 1
        assert seen.said == []


def test_even_where_it_did_nothing_would_run_or_be_loaded(browser: Any) -> None:
    """Without the template's escapes the headers still hold; what they stop is told on the console."""
    broken = render(filled("x")).replace("<bdi>x</bdi>", f"<bdi>{HOSTILE}</bdi>")
    with shown(browser, broken) as seen:
        assert seen.page.evaluate("window.taken") is None
        assert any("Content Security Policy" in each for each in seen.said)
        assert [each for each in seen.asked if "127.0.0.1" not in each] == []


def test_links_lead_to_the_resource_and_back(browser: Any, stuck: str) -> None:
    with shown(browser, stuck, width=PHONE) as seen:
        seen.page.get_by_role("link", name="function/payments").first.click()
        target = seen.page.locator("article:target")
        assert target.count() == 1
        assert "FunctionPending" in target.inner_text()
        target.get_by_role("link", name="Back to the overview").click()
        assert seen.page.url.endswith("#overview")


def test_the_keyboard_alone_is_enough(browser: Any, stuck: str) -> None:
    with shown(browser, stuck) as seen:
        seen.page.keyboard.press("Tab")
        assert seen.page.evaluate("document.activeElement.textContent") == "Skip to what is stuck"
        seen.page.keyboard.press("Enter")
        assert seen.page.evaluate("document.activeElement.id") == "main"
        summary = seen.page.locator("article summary").first
        summary.focus()
        seen.page.keyboard.press("Enter")
        assert summary.evaluate("each => each.parentElement.open")


def test_it_prints_with_its_evidence(browser: Any, stuck: str, folder: Path) -> None:
    with shown(browser, stuck) as seen:
        seen.page.emulate_media(media="print")
        seen.page.screenshot(path=folder / "print.png", full_page=True)
        assert seen.page.get_by_text("Kubernetes says").first.is_visible()
