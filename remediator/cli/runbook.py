"""The runbooks: one page for each finding, and an index. They are the same in the repository and in the wheel."""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import remediator
from remediator.errors import RemediatorError

INDEX = "README"


def folder() -> Traversable:
    """Find the pages: inside the package where it was built, beside it in a checkout (also an editable install's)."""
    packaged = files(remediator).joinpath("runbooks")
    return packaged if packaged.is_dir() else Path(remediator.__file__).parent.parent / "runbooks"


def text(name: str) -> str:
    """Read the page of a finding, or the index.

    Raises:
        RemediatorError: The installation has no such page.
    """
    try:
        return folder().joinpath(f"{name}.md").read_text(encoding="utf-8")
    except OSError as error:
        raise RemediatorError(
            f"this installation has no page for {name}: {error}", hint="Install ack-remediator anew, from its wheel."
        ) from error


def linked(page: str) -> list[str]:
    """Name the other pages to which one leads, in the order in which it does, each once."""
    return list(dict.fromkeys(re.findall(r"\]\((\w+)\.md[#)]", page)))
