"""Keep secrets out of every text: AWS's messages can echo a function's environment."""

from __future__ import annotations

from collections.abc import Iterable

MASK = "•••"

# Shorter values ("1", "on") are no secrets, and occur in any sentence by chance: masking them would make the text
# unreadable, and reveal by its gaps what it hides.
SHORTEST_SECRET = 3


def mask(text: str, secrets: Iterable[str]) -> str:
    """Replace every occurrence of a secret, the longest first, so that no part of a longer one is left over."""
    for secret in sorted((each for each in secrets if len(each) >= SHORTEST_SECRET), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text
