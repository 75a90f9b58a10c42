"""Values into HTML: one template, whose every value is escaped, with its style in it."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from remediator.model.printable import displayable
from remediator.model.times import format_duration, format_time
from remediator.page.values import Page

# A text that is longer is cut: nobody reads it here, and the document of `-o json` has all of it.
LONGEST = 4000
_SHORT = 200


def render(page: Page) -> str:
    """Write the page. Texts of others become text: never markup, nor anything that steers how the rest is read."""
    return _template().render(page=page, style=_style(), policy=content_policy(inside=True))


def content_policy(*, inside: bool) -> str:
    """Write the Content-Security-Policy: nothing is loaded, sent or run; `inside` the document some may not be said."""
    rules = ["default-src 'none'", f"style-src 'sha256-{_fingerprint()}'", "base-uri 'none'", "form-action 'none'"]
    return "; ".join(rules if inside else [*rules, "frame-ancestors 'none'"])


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("remediator.page", ""),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"rfc3339": format_time, "clock": _clock, "ago": _away, "span": _span}
    return environment.get_template("page.html.j2")


@cache
def _style() -> Markup:
    """Read the style. It is ours, and has no `<` in it: a style sheet knows no escapes of HTML."""
    environment = Environment(loader=PackageLoader("remediator.page", ""), autoescape=False)  # noqa: S701 - no value in it
    assert environment.loader is not None
    text, _, _ = environment.loader.get_source(environment, "page.css")
    assert "<" not in text
    return Markup(text)  # noqa: S704 - ours


@cache
def _fingerprint() -> str:
    return base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()


def _shown(value: Any) -> Any:
    """Make a text harmless to look at, and escape it; called for whatever the template prints."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return _often(value) if len(value) <= _SHORT else _text(value)


def _text(value: str) -> Markup:
    left = len(value) - LONGEST
    cut = value if left <= 0 else f"{value[:LONGEST]}… ({left:,} characters more; -o json has them)"
    return escape(displayable(cut))


@lru_cache(maxsize=4096)
def _often(value: str) -> Markup:
    """Remember what most resources have in common: the names of facts and gates, and what these say."""
    return _text(value)


def _clock(at: datetime) -> str:
    """Write a moment for people."""
    return at.strftime("%Y-%m-%d %H:%M UTC")


def _span(at: datetime, now: datetime) -> str:
    return format_duration(now - at)


def _away(at: datetime, now: datetime) -> str:
    """Say how far a moment is from now."""
    if at > now:
        return f"in {format_duration(at - now)}"
    return f"{format_duration(now - at)} ago"
