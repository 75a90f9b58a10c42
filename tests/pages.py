"""The pages of the runbooks, as their tests read them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from remediator.model.cluster import ClusterFindingName
from remediator.model.finding import FindingName

RUNBOOKS = Path(__file__).parent.parent / "runbooks"
PREVENTING = RUNBOOKS.parent / "docs" / "preventing.md"
FINDINGS = [each.value for each in FindingName]
CLUSTER = [each.value for each in ClusterFindingName]
NAMES = [*FINDINGS, *CLUSTER]
PAGES = sorted(RUNBOOKS.glob("*.md"))
FILES = [*PAGES, PREVENTING]
OPERATIONS = PREVENTING.with_name("operations.md")
SECURITY = PREVENTING.with_name("security.md")

by_page = pytest.mark.parametrize("name", NAMES)
by_cluster_page = pytest.mark.parametrize("name", CLUSTER)
by_finding = pytest.mark.parametrize("name", FINDINGS)
by_file = pytest.mark.parametrize("file", FILES, ids=lambda each: each.stem)
by_typed_file = pytest.mark.parametrize("file", [*FILES, OPERATIONS, SECURITY], ids=lambda each: each.stem)


def text_of(name: str) -> str:
    """Read one page."""
    return (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")


def first_sentence(name: str) -> str:
    """Tell what a finding means in the words in which its page begins."""
    paragraph, _, _ = sections(text_of(name))["What it means"].strip().partition("\n\n")
    return re.split(r"(?<=\.)\s", " ".join(paragraph.split()), maxsplit=1)[0]


def sections(text: str) -> dict[str, str]:
    """Cut a page at its headings."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def fences(text: str, kind: str) -> list[str]:
    """List the fenced blocks of one language."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def spans(text: str) -> list[str]:
    """List what stands between backticks in running text."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return [" ".join(each.split()) for each in re.findall(r"`([^`]+)`", prose)]


def commands(block: str) -> Iterator[list[str]]:
    """Split a shell block into commands: lines belong together while a quote or a backslash is open."""
    pending = ""
    for line in block.replace("\\\n", "").splitlines():
        pending += f"{line}\n"
        try:
            words = shlex.split(pending, comments=True)
        except ValueError:
            continue  # a quote is still open
        pending = ""
        if words:
            yield words[: words.index("|")] if "|" in words else words
    assert not pending, f"a quote is never closed: {pending}"


def commands_of(file: Path, program: str) -> Iterator[list[str]]:
    """Find every command of a program, on lines of code blocks and in running text."""
    text = file.read_text(encoding="utf-8")
    for each in spans(text):
        for part in each.split(" | "):
            if part.startswith(f"{program} ") and not part.endswith("…"):
                yield shlex.split(part)
    for block in fences(text, "sh"):
        yield from (each for each in commands(block) if each[0] == program)
