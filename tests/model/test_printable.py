"""Texts of others, before they are shown."""

from __future__ import annotations

import pytest

from remediator.model.printable import displayable, in_one_line, printable
from remediator.model.record import record_name
from remediator.model.resource import Ref

REPLACED = "\N{REPLACEMENT CHARACTER}"


def test_what_steers_a_terminal_is_replaced_and_lines_are_kept() -> None:
    assert printable("a\x1b[31m\u202eb\n\tc") == f"a{REPLACED}[31m{REPLACED}b\n\tc"
    assert in_one_line("a\n\tb") == f"a{REPLACED}{REPLACED}b"


@pytest.mark.parametrize("hidden", ["\u200b", "\u200d", "\u2060", "\u00ad", "\U000e0041", "\ud800", "\ufffe", "\x07"])
def test_what_a_browser_hides_or_refuses_is_replaced(hidden: str) -> None:
    assert displayable(f"a{hidden}b\n") == f"a{REPLACED}b\n"


def test_a_record_is_named_by_kind_and_uid() -> None:
    assert record_name(Ref("shop", "checkout", "AB-1")) == "function-ab-1"
