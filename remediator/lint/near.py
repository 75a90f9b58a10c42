"""Which known word is meant by one that is not."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_NEAR = 0.75  # of 1: `memorysize` and `memory_size` are near memorySize, `mem` is not


def near(word: str, known: Iterable[str]) -> str | None:
    """Find the known word that is most like this one, whatever its case, its dashes and its underscores."""
    plain = {_plain(each): each for each in known}
    found = difflib.get_close_matches(_plain(word), plain, n=1, cutoff=_NEAR)
    return plain[found[0]] if found else None


def meant(word: str, known: Iterable[str]) -> str:
    """Ask whether that is meant, as the end of a sentence; nothing where nothing is near."""
    found = near(word, known)
    return f"; did you mean {found}?" if found else ""


def _plain(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")
