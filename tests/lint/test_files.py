"""Which files are judged, which are passed over, and which cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from remediator.lint.judging import Judgement, judge, read_files
from remediator.lint.problem import Around
from tests.lint.cases import NOW

FUNCTION = """\
apiVersion: lambda.services.k8s.aws/v1alpha1
kind: Function
metadata: {name: checkout}
spec:
  name: checkout
  packageType: Image
  code: {imageURI: a}
  role: arn:aws:iam::111122223333:role/a
"""
TEMPLATE = "apiVersion: lambda.services.k8s.aws/v1alpha1\nkind: {{ .Values.kind }}\nmetadata: {{- toYaml . }}\n"
VALUES = "image: a\nreplicas: 3\n"


def judged(*names: object) -> Judgement:
    files = read_files([str(each) for each in names])
    return judge(files, Around(NOW, [manifest for file in files for manifest in file.manifests]))


def told(found: Judgement) -> list[str]:
    return [f"{Path(each.file).name}:{each.mark.line}: {each.rule.id}: {each.said}" for each in found.problems]


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A directory as they are: manifests, templates, values, other things."""
    for name, text in {
        "function.yaml": FUNCTION,
        "values.yaml": VALUES,
        "template.yaml": TEMPLATE,
        "kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n",
        "README.md": "# Read me",
        ".hidden.yaml": "a: [",
        "deployment.json": '{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}}',
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_what_is_no_manifest_in_a_directory_is_noted_and_nothing_more(chart: Path) -> None:
    found = judged(chart)
    assert [each.partition(": ")[2].partition(":")[0] for each in told(found)] == ["NotAManifest"] * 3
    assert (found.functions, len(found.files), found.failed, found.unreadable) == (1, 5, False, False)


@pytest.mark.parametrize("name", ["values.yaml", "template.yaml"])
def test_what_is_named_has_to_be_a_manifest(chart: Path, name: str) -> None:
    found = judged(chart / "function.yaml", chart / name)
    assert [each.rule.id for each in found.problems] == ["UnreadableFile"]
    assert (found.functions, found.unreadable) == (1, True)


def test_a_function_with_a_slip_in_its_yaml_is_not_passed_over(chart: Path) -> None:
    (chart / "broken.yaml").write_text(FUNCTION.replace("  name: checkout", "  name: checkout\n  name: till"))
    found = judged(chart)
    assert found.unreadable
    assert "broken.yaml:6: UnreadableFile: the key 'name' stands here twice" in told(found)


def test_a_directory_is_judged_but_once_with_what_is_in_it(chart: Path) -> None:
    assert judged(chart, chart / "function.yaml", chart).functions == 1


def test_a_manifest_of_something_else_is_no_problem(chart: Path) -> None:
    found = judged(chart / "deployment.json")
    assert (found.problems, found.functions) == ([], 0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "there is no Kubernetes object in it"),
        (b"# nothing\n---\n---\n", "there is no Kubernetes object in it"),
        (b"\x00\x01\xff\xfe", "is not UTF-8 text"),
        (b"a: [1,\n", "expected YAML or JSON"),
        (b"a: &a [*a]", "an alias names what it is in"),
        (b"[" * 100_000, "nested too deeply"),
    ],
    ids=["empty", "comments", "binary", "broken", "aliases", "deep"],
)
def test_a_file_that_cannot_be_read_is_told_and_the_others_are_judged(chart: Path, content: bytes, said: str) -> None:
    (chart / "odd.yaml").write_bytes(content)
    found = judged(chart / "odd.yaml", chart / "function.yaml")
    assert (found.unreadable, found.functions) == (True, 1)
    assert said in found.problems[0].said
    assert "odd.yaml" not in found.problems[0].said


def test_a_file_that_is_not_there_or_may_not_be_read_is_told(chart: Path) -> None:
    (chart / "no-right.yaml").write_text(FUNCTION)
    (chart / "no-right.yaml").chmod(0)
    names = ["absent.yaml"] if os.geteuid() == 0 else ["absent.yaml", "no-right.yaml"]
    found = judged(*(chart / each for each in names))
    assert [each.rule.id for each in found.problems] == ["UnreadableFile"] * len(names)
    assert all(each.said.startswith("cannot be read: ") for each in found.problems)


def test_an_endless_file_ends() -> None:
    (problem,) = judged("/dev/zero").problems
    assert "is larger than 32 MiB" in problem.said


def test_lists_and_streams_are_taken_apart(tmp_path: Path) -> None:
    indented = FUNCTION.replace("\n", "\n    ").rstrip()
    (tmp_path / "list.yaml").write_text(f"apiVersion: v1\nkind: List\nitems:\n  - {indented}\n---\n{FUNCTION}")
    assert judged(tmp_path).functions == 2


# ---- comments that let a problem pass --------------------------------------------------------------------------------

HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
ZIP = f"""\
apiVersion: lambda.services.k8s.aws/v1alpha1
kind: Function
metadata: {{name: checkout}}
spec:
  name: checkout
  packageType: Zip
  role: arn:aws:iam::111122223333:role/a
  runtime: python3.13
  handler: a.b
  code:
    s3Bucket: packages
    s3Key: a.zip
    sha256: {HEX}
"""


def with_comment(tmp_path: Path, comment: str, *, above: bool) -> Judgement:
    line = f"    sha256: {HEX}"
    text = ZIP.replace(line, f"    {comment}\n{line}" if above else f"{line}  {comment}")
    (tmp_path / "f.yaml").write_text(text)
    return judged(tmp_path / "f.yaml")


@pytest.mark.parametrize("above", [True, False], ids=["above", "beside"])
@pytest.mark.parametrize("comment", ["ignore=ChecksumForm", "ignore=ChecksumForm we know", "ignore=ChecksumForm\twhy"])
def test_a_comment_lets_a_problem_pass(tmp_path: Path, comment: str, above: bool) -> None:
    found = with_comment(tmp_path, f"# remediator-lint: {comment}", above=above)
    assert (found.problems, found.ignored) == ([], 1)


def test_a_comment_may_stand_among_others(tmp_path: Path) -> None:
    found = with_comment(tmp_path, "# remediator-lint: ignore=ChecksumForm\n\n    # more\n", above=True)
    assert (found.problems, found.ignored) == ([], 1)


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ("# remediator-lint: ignore=ChecksumMissing", "ChecksumMissing finds nothing here"),
        ("# remediator-lint: ignore=ChecksumFrom", "there is no rule ChecksumFrom; did you mean ChecksumForm?"),
        ("# remediator-lint: ignore ChecksumForm", "write it as # remediator-lint: ignore=RuleId why"),
        ("# remediator-lint: disable", "write it as # remediator-lint: ignore=RuleId why"),
    ],
)
def test_a_comment_that_lets_nothing_pass_is_told(tmp_path: Path, comment: str, said: str) -> None:
    found = with_comment(tmp_path, comment, above=False)
    assert sorted(each.rule.id for each in found.problems) == ["ChecksumForm", "UnusedIgnore"]
    assert said in [each.said for each in found.problems if each.rule.id == "UnusedIgnore"]


def test_several_rules_are_named_in_one_comment(tmp_path: Path) -> None:
    found = with_comment(tmp_path, "# remediator-lint: ignore=ChecksumForm,ChecksumUnused", above=False)
    assert [each.said for each in found.problems] == ["ChecksumUnused finds nothing here"]
    assert found.ignored == 1


def test_a_comment_on_another_line_lets_nothing_pass(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text(
        ZIP.replace("  name: checkout", "  name: checkout  # remediator-lint: ignore=ChecksumForm")
    )
    assert {each.rule.id for each in judged(tmp_path).problems} == {"ChecksumForm", "UnusedIgnore"}
