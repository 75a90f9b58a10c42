"""`remediator findings`: the catalogue, and the runbooks on a terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import remediator as package
from remediator.cli import runbook
from remediator.diagnosis.catalogue import CATALOGUE
from remediator.errors import RemediatorError
from remediator.model.cluster import ClusterFindingName
from remediator.model.finding import FindingName
from tests.cli.conftest import Remediator

_NAMES = [*FindingName, *ClusterFindingName]


def test_the_catalogue_is_listed_in_its_order_then_what_is_wrong_with_the_cluster(remediator: Remediator) -> None:
    ran = remediator("findings")
    assert ran.code == 0
    groups = re.split(r"^(\S.*)\n", ran.out, flags=re.MULTILINE)[1:]
    assert groups[::2] == ["Being deleted", "Not being deleted", "The cluster"]
    listed = [[line.split()[0] for line in each.splitlines()] for each in groups[1::2]]
    assert listed[0] + listed[1] == [each.name.value for each in CATALOGUE]
    assert listed[2] == [each.value for each in ClusterFindingName]


def test_each_is_listed_with_its_meaning(remediator: Remediator) -> None:
    out = remediator("findings").out
    for entry in CATALOGUE:
        assert re.search(rf"^  {entry.name} +{re.escape(entry.meaning)}$", out, re.MULTILINE)
    assert re.search(r"^  CrdDeleting +A definition of ACK's kinds is being deleted, and .+\.$", out, re.MULTILINE)


@pytest.mark.parametrize("name", _NAMES)
def test_every_finding_is_explained_by_its_runbook(remediator: Remediator, name: str) -> None:
    ran = remediator("findings", name.lower())
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0] == name
    assert all(heading in lines for heading in ("What it means", "Check it yourself", "What to do", "Never"))


@pytest.mark.parametrize("name", [*_NAMES, "README"])
def test_raw_is_the_page_as_it_is(remediator: Remediator, name: str) -> None:
    ran = remediator("findings", name, "--raw")
    assert (ran.code, ran.out) == (0, runbook.text(name))


def test_the_index_is_shown_by_its_name(remediator: Remediator) -> None:
    out = remediator("findings", "readme").out
    assert out.startswith("Runbooks\n")
    assert "\nThe gates\n" in out


def test_a_page_names_the_pages_to_which_it_leads(remediator: Remediator) -> None:
    last = remediator("findings", "ConflictBackoff").out.splitlines()[-1]
    assert last.startswith("See also: remediator findings UpdateFailed, remediator findings README")


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("name", [*_NAMES, "README"])
def test_prose_is_wrapped_to_the_terminal_and_commands_are_not(
    remediator: Remediator, monkeypatch: pytest.MonkeyPatch, name: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = remediator("findings", name).out.splitlines()
    fenced = re.findall(r"^```\w*\n(.*?)^```$", runbook.text(name), re.MULTILINE | re.DOTALL)
    code = [line for block in fenced for line in block.splitlines()]
    assert [line for line in code if line not in lines] == []
    prose = [line for line in lines if line not in code]
    assert all(len(line) <= width for line in prose if " " in line.strip())
    assert any(len(line) > width - 20 for line in prose)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("Checksum", "Did you mean ChecksumMismatch?"),
        ("FinalizerLeftt", "Did you mean FinalizerLeft?"),
        ("ControllerDwn", "Did you mean ControllerDown?"),
        ("zzzzzz", "`remediator findings` lists them."),
    ],
)
def test_a_finding_that_is_none_is_guessed_at(remediator: Remediator, typed: str, said: str) -> None:
    ran = remediator("findings", typed)
    assert (ran.code, ran.out) == (2, "")
    assert f"there is no finding {typed!r}" in ran.err
    assert said in ran.err


# -- where the pages are ----------------------------------------------------------------------------------------------


def test_a_checkout_has_its_pages_beside_the_package() -> None:
    assert runbook.folder() == Path(package.__file__).parent.parent / "runbooks"


def test_a_wheel_has_its_pages_in_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "CrdDeleting.md").write_text("# CrdDeleting\n")
    monkeypatch.setattr(runbook, "files", lambda _package: tmp_path)
    assert runbook.text("CrdDeleting").startswith("# CrdDeleting\n")


def test_an_installation_without_pages_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runbook, "files", lambda _package: tmp_path)
    monkeypatch.setattr(package, "__file__", str(tmp_path / "remediator" / "__init__.py"))
    with pytest.raises(RemediatorError, match="this installation has no page for CrdDeleting"):
        runbook.text("CrdDeleting")


def test_the_build_takes_the_pages_along() -> None:
    """The wheel's own layout; a source distribution has to have them too, since wheels are built from it."""
    import tomllib

    top = Path(package.__file__).parent.parent
    targets = tomllib.loads((top / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]
    assert "runbooks" in targets["wheel"]["packages"]
    assert targets["wheel"]["sources"] == {"runbooks": "remediator/runbooks"}
    assert "runbooks" in targets["sdist"]["include"]
    assert "COPY runbooks ./runbooks\n" in (top / "Dockerfile").read_text(encoding="utf-8")
