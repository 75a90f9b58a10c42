"""Texts of others, made so that they steer neither a terminal nor the order in which they are read."""

from __future__ import annotations

# What steers a terminal, or the order of what is read, and is not seen itself: C0 and C1 controls, bidirectional
# marks and overrides, Unicode's separators of lines.
UNSEEN = tuple(
    chr(code)
    for code in (
        *range(32), *range(127, 160), 0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xFEFF
    )
    if chr(code) not in "\n\t"
)  # fmt: skip
# What takes no room: two names that differ in these alone look the same, and a browser shows nothing in their place.
_NO_ROOM = (0x00AD, 0x034F, 0x180E, *range(0x200B, 0x200E), *range(0x2060, 0x2066), *range(0xE0000, 0xE0080))

_REPLACED = {ord(each): "\N{REPLACEMENT CHARACTER}" for each in UNSEEN}
_REPLACED_IN_A_BROWSER = _REPLACED | dict.fromkeys(
    (*_NO_ROOM, *range(0xD800, 0xE000), 0xFFFE, 0xFFFF), "\N{REPLACEMENT CHARACTER}"
)


def printable(text: str) -> str:
    """Replace control characters: conditions are other people's texts, and a terminal obeys what it is sent."""
    return text.translate(_REPLACED)


def in_one_line(text: str) -> str:
    """Make a text printable that must not begin a line of its own, such as a cell: names in dumps are not checked."""
    return printable(text).replace("\n", "\N{REPLACEMENT CHARACTER}").replace("\t", "\N{REPLACEMENT CHARACTER}")


def displayable(text: str) -> str:
    """Replace what a browser obeys or hides: control characters, what takes no room, and what is no character."""
    return text.translate(_REPLACED_IN_A_BROWSER)
