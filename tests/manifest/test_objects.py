"""Files with manifests: what is in them, as kubectl would send it, and where it stands."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from remediator.errors import InputError
from remediator.manifest.objects import Manifest, manifests
from remediator.manifest.source import Source, files_of, read_source

FUNCTION = """\
# a comment
apiVersion: lambda.services.k8s.aws/v1alpha1
kind: Function
metadata:
  name: checkout
  namespace: shop
spec:
  name: checkout
  code: {s3Bucket: packages, sha256: abc}
  environment:
    variables:
      A: "1"
"""


def of(text: str) -> list[Manifest]:
    return manifests(Source("f.yaml", text))


def value_of(text: str) -> Any:
    (found,) = of(f"v: {text}")
    return found.value["v"]


def test_a_function_is_told_from_others_of_that_kind() -> None:
    (found,) = of(FUNCTION)
    assert (found.is_function, found.namespace, found.name) == (True, "shop", "checkout")
    (other,) = of(FUNCTION.replace("lambda.services.k8s.aws", "fission.io"))
    assert not other.is_function


def test_each_value_is_known_with_its_place() -> None:
    (found,) = of(FUNCTION)
    assert found.at("spec", "code", "sha256") == "abc"
    assert found.mark("spec", "code", "sha256") == (9, 38)
    assert found.mark("spec", "environment", "variables", "A") == (12, 10)


def test_what_is_not_there_stands_where_it_would_be_missed() -> None:
    (found,) = of(FUNCTION)
    assert found.at("spec", "code", "imageURI") is None
    assert found.mark("spec", "code", "imageURI") == found.mark("spec", "code")


def test_documents_lists_and_arrays_are_taken_apart_and_empty_ones_left_out() -> None:
    listed = json.dumps({"kind": "List", "apiVersion": "v1", "items": [{"kind": "A"}, {"kind": "B"}]}, indent="\t")
    found = of("---\n# nothing\n---\nkind: One\n---\nnull\n---\n[{kind: Two}, 5]\n")
    assert [each.kind for each in found] == ["One", "Two"]
    assert [(each.kind, each.mark("kind").line) for each in of(listed)] == [("A", 6), ("B", 9)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("off", False),
        ("n", False),
        ("2026-11-21", "2026-11-21"),
        ("2026-11-21T14:32:00Z", "2026-11-21T14:32:00Z"),
        ("1:30", "1:30"),
        ("0o17", 15),
        ("017", 15),
        ("0x1F", 31),
        ("1_000", 1000),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("089", "089"),
        ("1.2.3", "1.2.3"),
        ('"yes"', "yes"),
        ("'5'", "5"),
        ("~", None),
        ("", None),
        ('"\\ud83d\\ude00"', "😀"),
        ("=", "="),
    ],
)
def test_values_are_what_kubectl_takes_them_for(text: str, value: object) -> None:
    found = value_of(text)
    assert (found, type(found)) == (value, type(value))


def test_merge_keys_are_followed_and_own_keys_come_first() -> None:
    (found,) = of("base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\nv:\n  <<: [*b, *m]\n  x: 9\n")
    assert found.value["v"] == {"x": 9, "y": 2, "z": 4}


def test_what_stands_elsewhere_too_is_told() -> None:
    (found,) = of("base: &b {x: 1}\none: *b\ntwo:\n  <<: *b\nthree: {x: 1}\n")
    assert [found.way((key, "x"))[-1].borrowed for key in ("base", "one", "two", "three")] == [True, True, True, False]


def test_an_anchor_of_another_object_of_the_list_is_shared() -> None:
    one, two = of("kind: List\nitems:\n- {kind: A, spec: &s {x: 1}}\n- {kind: B, spec: *s}\n")
    assert one.way(("spec", "x"))[-1].borrowed
    assert two.way(("spec", "x"))[-1].borrowed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2\n", "f.yaml:2:1: the key 'a' stands here twice"),
        ("a: [1\nb: 2\n", "f.yaml:2:2: "),
        ("? [a]\n: 1\n", "a key that is no text"),
        ("a:\n  <<: 5\n", "<< takes a mapping"),
        ("a: !!python/object:os.system {}\nb: *nowhere", "undefined alias"),
        ("kind: List\nitems: 5\n", "items of its List are no list"),
        ("[" * 5000, "nested too deeply"),
        ("a: &a [*a]", "nested too deeply"),
        ("a: \0", "special characters are not allowed"),
    ],
)
def test_what_kubectl_refuses_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        of(text)
    assert said in str(refused.value)


def test_aliases_of_aliases_come_to_an_end() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(InputError, match="aliases stand for more than"):
        of("\n".join(lines))


@pytest.mark.parametrize("text", ["name: {{ .Values.name }}\nother: [\n", "{{ .Values.all }}", "a: {{ .b }}"])
def test_a_template_is_told_from_bad_yaml(text: str) -> None:
    with pytest.raises(InputError) as refused:
        of(text)
    assert "render it first" in str(refused.value)


# ---- where they are read from --------------------------------------------------------------------------------------


def test_a_directory_gives_its_manifests_in_order_and_hidden_ones_stay_hidden(tmp_path: Path) -> None:
    for name in ("b.yaml", "a/c.yml", "a/d.JSON", "readme.md", ".git/e.yaml", ".f.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("kind: A")
    found = [str(Path(each).relative_to(tmp_path)) for each in files_of(str(tmp_path))]
    assert found == ["a/c.yml", "a/d.JSON", "b.yaml"]
    assert list(files_of("-")) == ["-"]


def test_bytes_are_kept_as_they_are_with_their_mark_and_line_ends(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes("\ufeffkind: A\r\nname: ü\r\n".encode())
    source = read_source(str(file))
    assert source.encoded == file.read_bytes()
    assert manifests(source)[0].value == {"kind": "A", "name": "ü"}


def test_stdin_is_a_file_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"kind: A")))
    assert manifests(read_source("-"))[0].kind == "A"


def test_what_cannot_be_read_says_what_to_do(tmp_path: Path) -> None:
    binary = tmp_path / "p.zip"
    binary.write_bytes(b"PK\x03\x04\xff\xfe")
    for name, said in (
        (str(tmp_path / "none.yaml"), "No such file"),
        (str(tmp_path), "Is a directory"),
        (str(binary), "is not UTF-8 text"),
    ):
        with pytest.raises(InputError) as refused:
            read_source(name)
        assert said in refused.value.message
        assert refused.value.hint


def test_a_huge_file_is_not_read_whole(tmp_path: Path) -> None:
    huge = tmp_path / "huge.yaml"
    with huge.open("wb") as file:
        file.truncate(40 * 2**20)
    with pytest.raises(InputError, match="is larger than 32 MiB"):
        read_source(str(huge))


@pytest.mark.parametrize(
    "value", ["*hunter2", "!hunter2!x y", "&hunter2 [*hunter3]", "%hunter2", "@hunter2", "`hunter2"]
)
def test_a_value_that_is_no_yaml_is_not_told(value: str) -> None:
    with pytest.raises(InputError) as told:
        of(f"DB_PASSWORD: {value}\n")
    assert "hunter" not in str(told.value)
    assert "f.yaml:1:" in str(told.value)
