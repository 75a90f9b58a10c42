"""What was before, from a revision of git or from other files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from remediator.errors import InputError, UsageError
from remediator.lint.problem import Around, Before, Key
from remediator.lint.revision import of_files, of_revision
from tests.lint.cases import NOW

FUNCTION = """\
apiVersion: lambda.services.k8s.aws/v1alpha1
kind: Function
metadata: {{name: {name}, namespace: shop}}
spec: {{name: {name}, timeout: {timeout}}}
"""
AROUND = Around(NOW)


def git(repository: Path, *words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    ran = subprocess.run(["git", "-C", str(repository), *who, *words], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two functions in it, of which one changed after the first commit, and one came after it."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    top = tmp_path / "repository"
    (top / "apps").mkdir(parents=True)
    git(top, "init", "-q", "-b", "main")
    (top / "apps" / "a.yaml").write_text(FUNCTION.format(name="a", timeout=3))
    (top / "apps" / "values.yaml").write_text("a: {{ .b }}\n")
    (top / "apps" / "c.txt").write_text(FUNCTION.format(name="c", timeout=3))
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "one")
    (top / "apps" / "a.yaml").write_text(FUNCTION.format(name="a", timeout=9))
    (top / "apps" / "b.yaml").write_text(FUNCTION.format(name="b", timeout=9))
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "two")
    (top / "apps" / "a.yaml").write_text(FUNCTION.format(name="a", timeout=27))
    return top


def timeouts(found: dict[Key, Before]) -> dict[str, int]:
    return {key.name: each.value["spec"]["timeout"] for key, each in found.items()}


@pytest.mark.parametrize(
    ("revision", "there"), [("HEAD", {"a": 9, "b": 9}), ("HEAD~1", {"a": 3}), ("main", {"a": 9, "b": 9})]
)
def test_a_directory_is_read_as_it_was(repository: Path, revision: str, there: dict[str, int]) -> None:
    found = of_revision(revision, [str(repository / "apps")], AROUND)
    assert timeouts(found) == there
    assert {each.where for each in found.values()} == {revision}


def test_a_file_is_read_as_it_was(repository: Path) -> None:
    assert timeouts(of_revision("HEAD~1", [str(repository / "apps" / "a.yaml")], AROUND)) == {"a": 3}


def test_a_file_that_was_not_there_is_new(repository: Path) -> None:
    assert of_revision("HEAD~1", [str(repository / "apps" / "b.yaml")], AROUND) == {}


def test_a_file_is_named_from_wherever_one_stands(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository / "apps")
    assert timeouts(of_revision("HEAD~1", ["a.yaml"], AROUND)) == {"a": 3}
    assert timeouts(of_revision("HEAD~1", ["."], AROUND)) == {"a": 3}


@pytest.mark.parametrize(
    "name", ["*.yaml", "[ab].yaml", ":(glob)a.yaml", "-r.yaml", "a b.yaml", "ä.yaml", "--help.yaml"]
)
def test_odd_names_are_names(repository: Path, name: str) -> None:
    (repository / name).write_text(FUNCTION.format(name="odd", timeout=3))
    git(repository, "--literal-pathspecs", "add", "--", name)
    git(repository, "commit", "-q", "-m", "odd")
    assert timeouts(of_revision("HEAD", [str(repository / name)], AROUND)) == {"odd": 3}


@pytest.mark.parametrize("revision", ["absent", "--help", "-h", "--output=/tmp/x", "HEAD:apps", "", "HEAD^{tree}"])
def test_a_revision_that_there_is_not_is_told(repository: Path, revision: str) -> None:
    with pytest.raises(UsageError, match="there is no revision") as told:
        of_revision(revision, [str(repository / "apps")], AROUND)
    assert "git fetch" in told.value.hint


def test_where_there_is_no_repository_that_is_told(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a git repository") as told:
        of_revision("HEAD", [str(tmp_path)], AROUND)
    assert "--against 'HEAD': there is no such file" in told.value.message
    assert "a revision only in a git repository" in told.value.hint


def test_without_git_that_is_told(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/absent")
    with pytest.raises(UsageError, match="git cannot be run"):
        of_revision("HEAD", [str(repository)], AROUND)


def test_stdin_has_no_revision() -> None:
    with pytest.raises(UsageError, match="stdin has no revision"):
        of_revision("HEAD", ["-"], AROUND)


def test_nothing_of_the_repository_is_run(repository: Path) -> None:
    git(repository, "config", "diff.evil.textconv", f"touch {repository}/ran; cat")
    (repository / ".gitattributes").write_text("*.yaml diff=evil filter=evil\n")
    git(repository, "config", "filter.evil.smudge", f"touch {repository}/ran; cat")
    assert timeouts(of_revision("HEAD", [str(repository / "apps")], AROUND)) == {"a": 9, "b": 9}
    assert not (repository / "ran").exists()


def test_a_hook_of_git_s_finds_it_as_anybody_does(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q", "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", "absent")
    monkeypatch.setenv("GIT_PREFIX", "apps/")
    assert timeouts(of_revision("HEAD", [str(repository / "apps")], AROUND)) == {"a": 9, "b": 9}


def test_other_files_are_what_was_before(repository: Path) -> None:
    assert timeouts(of_files(str(repository / "apps"), AROUND)) == {"a": 27, "b": 9}
    assert timeouts(of_files(str(repository / "apps" / "a.yaml"), AROUND)) == {"a": 27}


def test_another_file_that_cannot_be_read_is_told(repository: Path) -> None:
    with pytest.raises(InputError, match=r"values\.yaml"):
        of_files(str(repository / "apps" / "values.yaml"), AROUND)


def test_a_manifest_without_a_namespace_is_of_the_one_that_is_asked_about(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(FUNCTION.format(name="a", timeout=3).replace(", namespace: shop", ""))
    (key,) = of_files(str(tmp_path), Around(NOW, namespace="till"))
    assert key.namespace == "till"
