"""What the page is made of: text of others stays text, everything is in one file, and a browser may do nothing."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from datetime import timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from remediator.model.printable import displayable
from remediator.page.rendering import LONGEST, content_policy, render
from remediator.page.values import Page
from tests.builders import NOW
from tests.page.markup import Markup
from tests.page.samples import filled

SCRIPTS = (
    "<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    "javascript:alert(1)",
    "<!-- --><svg/onload=alert(1)>",
    "{{ 7*7 }}{% raw %}",
    "&lt;b&gt; &#60;b&#62;",
    "]]><b>",
    "\ud800",
)
# Direction, no width, no room, terminals, no characters.
STEERING = (
    *"\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    *"\u200b\u200c\u200d\u2060\ufeff\u00ad\u061c\u180e",
    *"\x1b\x9b\0\x7f\ud800",
)
HOSTILE = st.one_of(
    st.text(st.characters(), max_size=40),
    st.text(st.sampled_from("<>\"'&/=;:{}%#`\\ -!\0\n\t\u202e\u200bab"), max_size=40),
    st.sampled_from(SCRIPTS),
)


@given(HOSTILE)
@example("".join(SCRIPTS))
def test_text_of_others_stays_text(text: str) -> None:
    page, plain = Markup(render(filled(f"x{text}"))), Markup(render(filled("x")))
    assert page.shape == plain.shape
    assert page.comments == []
    assert len(page.texts) == len(plain.texts)
    shown = displayable(f"x{text}")
    theirs = [index for index, each in enumerate(plain.texts) if each == "x"]
    assert len(theirs) > 30
    assert {page.texts[index] for index in theirs} == {shown}


@given(HOSTILE)
@example("".join(STEERING))
def test_nothing_steers_how_the_rest_is_read(text: str) -> None:
    page = render(filled(text))
    assert not set(page) & set(STEERING)
    assert not any(unicodedata.category(each) in ("Cc", "Cs") for each in page if each not in "\n\t")


@pytest.mark.parametrize(
    "name", ["check\u202etuo", "check\u200bout", "\u2066checkout", "\U000e0063heckout", "check\u00adout"]
)
def test_a_name_that_looks_like_another_does_not(name: str) -> None:
    page = filled("x")
    page = msgspec.structs.replace(page, items=[msgspec.structs.replace(page.items[0], title=name)])
    text = Markup(render(page)).text
    assert name not in text
    assert "\N{REPLACEMENT CHARACTER}" in text


def test_nothing_is_loaded_sent_or_run() -> None:
    page = Markup(render(filled("https://elsewhere.example/x.png")))
    assert {tag for tag, _ in page.elements}.isdisjoint(
        {"script", "link", "img", "iframe", "form", "input", "button", "object", "embed", "base", "video", "audio"}
    )
    assert not [
        name for _, attributes in page.elements for name in attributes if name.startswith("on") or name == "style"
    ]
    assert page.having("src") == []
    assert all(each.startswith("#") or each == "./" for each in page.having("href"))


def test_the_style_is_the_one_that_the_policy_allows() -> None:
    page = render(filled("x"))
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style
    expected = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{expected}'" in content_policy(inside=False)
    meta = Markup(page).each("meta")
    assert {"http-equiv": "Content-Security-Policy", "content": content_policy(inside=True)} in meta
    assert "frame-ancestors 'none'" in content_policy(inside=False)
    assert "url(" not in style[1] and "@import" not in style[1]


def test_links_lead_to_what_is_there_and_ids_are_unique() -> None:
    page = Markup(render(filled("x")))
    ids = page.having("id")
    assert len(ids) == len(set(ids))
    assert {each[1:] for each in page.having("href") if each.startswith("#")} <= set(ids)
    assert set(page.having("aria-labelledby")) <= set(ids)


def test_headings_go_down_one_step_at_a_time() -> None:
    levels = [int(tag[1]) for tag, _ in Markup(render(filled("x"))).elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_times_are_told_to_machines_in_utc_and_to_people_as_of_now() -> None:
    page = Markup(render(filled("x")))
    assert set(page.having("datetime")) == {"2026-11-21T12:00:00Z", "2026-11-21T11:58:00Z", "2026-11-21T11:00:00Z"}
    assert "Last look 2026-11-21 11:58 UTC (2m ago)" in page.words
    later = msgspec.structs.replace(filled("x"), now=NOW + timedelta(minutes=12))
    assert "2026-11-21 11:58 UTC (14m ago)" in Markup(render(later)).words


def test_a_text_without_end_is_cut_and_says_so() -> None:
    page = filled("x")
    page = msgspec.structs.replace(page, items=[msgspec.structs.replace(page.items[0], said="y" * (LONGEST + 1234))])
    text = Markup(render(page)).text
    assert "y" * LONGEST in text and "y" * (LONGEST + 1) not in text
    assert "… (1,234 characters more; -o json has them)" in text


def test_where_nothing_is_wrong_it_says_so() -> None:
    page = Page(place="eu1", scope="all namespaces", version="1", now=NOW, looked=NOW, totals="2 functions: 2 healthy.")
    text = Markup(render(page)).words
    assert "What is unwell now Nothing." in text
    assert "One by one" not in text


def test_where_nothing_was_looked_at_it_does_not_say_that_all_is_well() -> None:
    page = Page(place="eu1", scope="all namespaces", version="1", now=NOW, warnings=["No pass is over yet."])
    text = Markup(render(page)).words
    assert "Nothing." not in text
    assert "Mind: No pass is over yet." in text
    assert "Last look none yet" in text
    assert "nothing known – eu1" in text
    assert "0 unwell" not in text
