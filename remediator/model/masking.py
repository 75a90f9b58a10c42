"""Keep secrets out of every text: AWS's messages can echo a function's environment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

MASK = "•••"

# Shorter values ("1", "on") are no secrets, and occur in any sentence by chance: masking them would make the text
# unreadable, and reveal by its gaps what it hides.
SHORTEST_SECRET = 3


def mask(text: str, secrets: Iterable[str]) -> str:
    """Replace every occurrence of a secret, the longest first, so that no part of a longer one is left over."""
    spelled = {form for each in secrets if len(each) >= SHORTEST_SECRET for form in spellings(each)}
    for secret in sorted(spelled, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def spellings(secret: str) -> Iterator[str]:
    r"""Spell a secret as it is, and as who quotes it does: `a"b` is `a\"b` in JSON and in Go's %q.

    Once more for a text that quotes what quotes it, as the last applied configuration is in a patch.
    """
    yield secret
    for ascii_only in (False, True):
        quoted = secret
        for _ in range(2):
            quoted = json.dumps(quoted, ensure_ascii=ascii_only)[1:-1]
            yield quoted
            yield quoted.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")  # as Go writes JSON
