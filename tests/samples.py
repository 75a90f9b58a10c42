"""What the runbooks repeat of the product: `python -m tests.samples` writes it anew.

A page shows one row of `remediator scan` and some conditions beneath it. Both are those of a case of the finding, so
that nobody at night looks for words that are no longer said. The index has the catalogue's order and words.
"""

from __future__ import annotations

import difflib
import io
import os
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock

from remediator.cli.findings import groups
from remediator.cli.tables import table
from remediator.diagnosis import diagnose
from remediator.model.controller import ControllerFacts
from remediator.model.decision import Decision, DecisionKind
from remediator.model.finding import FindingName, Remedy
from remediator.model.resource import Resource
from remediator.model.scan import Judged, Scan
from tests import written_cases as cases
from tests.pages import RUNBOOKS

SECTION = "How you see it"
_SAMPLE = re.compile(rf"(?<=^## {SECTION}\n\n```text\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| \[(\w+)\]\((\w+)\.md\) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
_CONDITION = re.compile(r"^[\w.]+=(?:True|False|Unknown)\b")
_WIDTH = 108
_LONGEST = 120
# The case that a page shows, where likeness alone would choose one that shows less.
_SHOWN = {
    "AdoptedGone": "green-and-gone",
    "ConcurrencyRefused": "account-of-a-thousand",
    "ControllerSilent": "lost-one-object",
    "DeletionBackoff": "waits-for-the-next-try",
    "DeletionInProgress": "aws-is-deleting",
    "FunctionInactive": "controller-of-1-6-2",
    "FunctionPending": "signature",
    "IdentityDrift": "region-annotation-changed",
    "ImageMissing": "looked-for-every-minute",
    "InvalidRequest": "never-left-the-controller",
    "LostUpdate": "settings-and-environment",
    "NeverReconciled": "controller-down",
    "ReferencesUnresolved": "kind-not-installed",
    "ReplicatedFunction": "replicated-at-the-edge",
    "RoleNotAssumable": "role-of-the-same-chart",
    "RoleUnavailable": "key-missing-under-ready",
    "RuntimeRetired": "past-its-last-update",
    "TerminalError": "tenancy-changed",
    "Throttled": "too-many-requests",
    "UnclassifiedError": "code-storage-full",
    "Unreadable": "denied-to-us",
    "UpdateFailed": "transient",
    "UpdateInProgress": "second-change-refused",
}
# What is decided where no gate holds anything back.
_DECIDED = {Remedy.WAIT: DecisionKind.WAIT, Remedy.REPORT: DecisionKind.REPORT}


def hits(name: str) -> list[Path]:
    """List the cases in which a finding holds."""
    return [
        each
        for each in sorted((cases.CASES / name).glob("*/"))
        if (each / "expect.yaml").exists() and not each.name.startswith("near-miss-")
    ]


def sample(name: str) -> str:
    """Read the sample off a page."""
    found = _SAMPLE.search((RUNBOOKS / f"{name}.md").read_text(encoding="utf-8"))
    assert found, f"{name} has no sample"
    return found[0]


def row_of(text: str) -> str:
    """Take the row off a sample: all of it up to the first empty line."""
    return text.partition("\n\n")[0]


def conditions_of(text: str) -> list[str]:
    """Take the conditions off a sample."""
    return [each for each in text.splitlines() if _CONDITION.match(each)]


def printed_row(directory: Path) -> str:
    """Print what `remediator scan` does of a case."""
    seen = cases.observation(directory, cases.case_in(directory).given)
    found = diagnose(seen)
    assert found is not None, directory
    decision = Decision(kind=_DECIDED.get(found.remedy, DecisionKind.PROPOSE))
    scan = Scan((Judged(seen, found, decision),), (), (), ControllerFacts(), seen.now)
    out = io.StringIO()
    with mock.patch.dict(os.environ, COLUMNS=str(_WIDTH)), redirect_stdout(out):
        table(scan)
    return f"$ remediator scan -n {seen.resource.metadata.namespace}\n{out.getvalue().rstrip()}"


def printed_conditions(directory: Path) -> list[str]:
    """Print a case's conditions as the first kubectl command of the pages does, cut where no page is wide enough."""
    seen = cases.observation(directory, cases.case_in(directory).given)
    return [_shortened(each) for each in _conditions(seen.resource)]


def _conditions(resource: Resource) -> list[str]:
    return [
        f"{each.type}={each.status} {each.last_transition_time or ''} {each.reason or ''} {each.message or ''}".rstrip()
        for each in resource.conditions
    ]


def _shortened(line: str) -> str:
    first, _, more = line.partition("\n")
    return first if len(first) <= _LONGEST and not more else f"{first[: _LONGEST - 1].rstrip()}…"


def _likeliest(name: str) -> Path:
    """Choose the case that is most like what the page shows now; one with the name that all pages use goes first."""
    chosen = cases.CASES / name / _SHOWN.get(name, "-")
    if chosen.exists():
        return chosen
    shown, printed = row_of(sample(name)), {each: printed_row(each) for each in hits(name)}
    named = [each for each, row in printed.items() if re.search(r"^shop +checkout ", row, re.MULTILINE)]
    likeness = {
        each: difflib.SequenceMatcher(None, shown, printed[each], autojunk=False).ratio() for each in named or printed
    }
    return max(likeness, key=likeness.__getitem__)


def _renewed(name: str) -> str:
    """Write a page's sample anew: its row, and those conditions that it shows."""
    old = sample(name)
    case = _likeliest(name)
    _, _, beneath = old.partition("\n\n")
    by_type = {each.partition("=")[0]: each for each in printed_conditions(case)}
    lines = [by_type.get(each.partition("=")[0]) if _CONDITION.match(each) else each for each in beneath.splitlines()]
    return "\n".join([printed_row(case), "", *(each for each in lines if each is not None)]).rstrip() + "\n"


def rows_of(title: str) -> list[tuple[str, str, str, str]]:
    """Read one table of the index: name, meaning, when it is stuck, and remedy."""
    _, _, after = (RUNBOOKS / "README.md").read_text(encoding="utf-8").partition(f"\n## {title}\n")
    found = _ROW.findall(after.partition("\n## ")[0])
    assert found, f"the index has no {title!r}"
    assert all(label == target for label, target, *_ in found)
    return [(label, meaning, stuck, remedy) for label, _, meaning, stuck, remedy in found]


def _renewed_index(text: str) -> str:
    """Write the index in the catalogue's order and words; what the catalogue does not know goes to the end."""
    for group in groups():
        rows = {name: (meaning, stuck, remedy) for name, meaning, stuck, remedy in rows_of(group.title)}
        meanings = dict(group.entries)
        lines = [
            f"| [{name}]({name}.md) | {meanings.get(name, rows[name][0])} | {rows[name][1]} | {rows[name][2]} |"
            for name in (*(each for each in meanings if each in rows), *(each for each in rows if each not in meanings))
        ]
        before, heading, after = text.partition(f"\n## {group.title}\n")
        first, last = after.index("\n| ["), after.index("|\n\n") + 2
        text = f"{before}{heading}{after[: first + 1]}{chr(10).join(lines)}\n{after[last:]}"
    return text


def _write(page: Path, new: str) -> None:
    if new != page.read_text(encoding="utf-8"):
        page.write_text(new, encoding="utf-8")
        print(f"{page.name} written anew", file=sys.stderr)


def main() -> None:
    """Write everything anew that is no longer what the product says."""
    for name in FindingName:
        page = RUNBOOKS / f"{name}.md"
        if page.exists() and hits(name):
            _write(page, page.read_text(encoding="utf-8").replace(sample(name), _renewed(name)))
        else:
            print(f"{name}: no page, or no cases", file=sys.stderr)
    index = RUNBOOKS / "README.md"
    _write(index, _renewed_index(index.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
