"""Keep secrets out of every text: AWS's messages can echo a function's environment."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

MASK = "•••"

# Shorter values ("1", "on") are no secrets, and occur in any sentence by chance: masking them would make the text
# unreadable, and reveal by its gaps what it hides.
SHORTEST_SECRET = 3

# Links to code that anyone who has them may follow, for minutes: as they are, as Go, HTML and URLs quote them. Before
# the first X-Amz- are a few hundred characters; without a bound, a megabyte of `http:` would take hours.
PRESIGNED = re.compile(
    r"https?(?::|%(?:25)*3A)[^\s\"'<>]{0,1000}"
    r"(?:[?&;]|\\u0026|\\u003f|\\x26|%(?:25)*26|%(?:25)*3F)X-Amz-[^\s\"'<>]*",
    re.IGNORECASE,
)


def mask(text: str, secrets: Iterable[str]) -> str:
    """Replace every occurrence of a secret, the longest first, so that no part of a longer one is left over."""
    for form in _longest_first(frozenset(secrets)):
        text = text.replace(form, MASK)
    return text


@lru_cache(maxsize=16)
def _longest_first(secrets: frozenset[str]) -> tuple[str, ...]:
    """Spell all secrets; kept, since many texts of one function are masked one after the other."""
    spelled = {form for each in secrets if len(each) >= SHORTEST_SECRET for form in spellings(each)}
    return tuple(sorted(spelled, key=len, reverse=True))


def spellings(secret: str) -> Iterator[str]:
    r"""Spell a secret as it is, and as who quotes it does: `a"b` is `a\"b` in JSON and in Go's %q.

    Once more for a text that quotes what quotes it, as the last applied configuration is in a patch. And each as it
    stands in a text of several lines that was put into one, where nothing so short comes of it that it is no secret.
    """
    for plain in dict.fromkeys((secret, one_line(secret))):
        for form in _quoted(plain):
            for spelled in (form, one_line(form)):
                if len(spelled) >= SHORTEST_SECRET:
                    yield spelled


def without_links(text: str) -> str:
    """Leave out links that anyone who has them may follow to a function's code."""
    return PRESIGNED.sub("(a presigned link)", text)


def one_line(text: str) -> str:
    """Put a text into one line, with one space where there were several, or a new line."""
    return " ".join(text.split())


def _quoted(secret: str) -> Iterator[str]:
    yield secret
    for ascii_only in (False, True):
        quoted = [secret]
        for _ in range(2):
            quoted = [form for each in quoted for form in _as_json(each, ascii_only)]
            yield from quoted


def _as_json(text: str, ascii_only: bool) -> tuple[str, str]:
    """Quote a text as most do, and as Go does."""
    plain = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
    return plain, plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
