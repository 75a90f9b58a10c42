"""One text of a file is changed where it stands: all else stays, byte for byte, or nothing is changed at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from remediator.errors import InputError
from remediator.manifest.objects import manifests
from remediator.manifest.patch import set_text
from remediator.manifest.source import Source
from remediator.manifest.tree import Path, dotted

NEW = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
SHA256: Path = ("spec", "code", "sha256")
HEAD = "apiVersion: lambda.services.k8s.aws/v1alpha1\nkind: Function\n"


def patched(text: str, path: Path = SHA256, value: str = NEW, *, index: int = 0) -> str:
    """Set a value of one object of a file; ⟨⟩ stands for the checksum that is written."""
    source = Source("f.yaml", text)
    return set_text(source, manifests(source)[index], path, value).text.replace(NEW, "⟨⟩")


def refused(text: str, path: Path = SHA256, value: str = NEW, *, index: int = 0) -> str:
    with pytest.raises(InputError) as why:
        patched(text, path, value, index=index)
    assert why.value.hint == "The file is as it was. Edit it by hand."
    return why.value.message


# ---- over what is there ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "is_now"),
    [
        ("abc", "⟨⟩"),
        ('"abc"', '"⟨⟩"'),
        ("'abc'", "'⟨⟩'"),
        ("abc   # why", "⟨⟩   # why"),
        ("# why", "⟨⟩ # why"),
        ("", "⟨⟩"),
        ("null", "⟨⟩"),
        ("~", "⟨⟩"),
        ("12345", "⟨⟩"),
        ("&mine abc", "&mine ⟨⟩"),
        ("&mine 'abc'", "&mine '⟨⟩'"),
        ('!!str "abc" # why', '!!str "⟨⟩" # why'),
        ("one line\n      and another", "⟨⟩"),
        ("'one line\n\n      and another'", "'⟨⟩'"),
        (">-\n      abc", "⟨⟩"),
        ("|\n      abc\n", "⟨⟩\n"),
        ("ÄÖ😀", "⟨⟩"),
    ],
)
@pytest.mark.parametrize("after", ["", "\n", "\n    s3Key: x # c\n\n# the end", "\n---\nkind: Other\n"])
def test_a_value_is_written_over_in_its_own_quotes(written: str, is_now: str, after: str) -> None:
    before = f"{HEAD}# a comment 😀\nspec:\n  code:\n    sha256:{' ' if written else ''}"
    assert patched(f"{before}{written}{after}") == f"{before.rstrip(' ')} {is_now}{after}"


def test_what_has_the_value_is_given_back_as_it_is() -> None:
    source = Source("f.yaml", f"spec: {{code: {{sha256: &a {NEW}}}}}\nother: *a\n")
    assert set_text(source, manifests(source)[0], SHA256, NEW) is source


@pytest.mark.parametrize(
    ("value", "is_now"),
    [
        ("plain", "plain"),
        ("", '""'),
        ("yes", '"yes"'),
        ("5", '"5"'),
        ("null", '"null"'),
        ("a: b", '"a: b"'),
        ("a #b", '"a #b"'),
        ("- a", '"- a"'),
        (" a ", '" a "'),
        ('say "no"\\', 'say "no"\\'),
        ("two\nlines\t", '"two\\nlines\\t"'),
        ("\x07\x85\u2028\ufeff", '"\\u0007\\u0085\\u2028\\ufeff"'),
        ("{{ x }}", '"{{ x }}"'),
        ("😀", "😀"),
    ],
)
def test_what_would_mean_something_else_is_quoted(value: str, is_now: str) -> None:
    assert patched("spec: {code: {}}\nv: old # c\n", ("v",), value) == f"spec: {{code: {{}}}}\nv: {is_now} # c\n"


def test_single_quotes_in_single_quotes_are_doubled() -> None:
    assert patched("v: 'old'", ("v",), "it's") == "v: 'it''s'"
    assert patched("v: 'old'", ("v",), "two\nlines") == 'v: "two\\nlines"'


def test_an_entry_of_a_list_can_be_written_over() -> None:
    assert patched("v:\n- a\n- {w: [b, 'c']}\n", ("v", 1, "w", 1), "d") == "v:\n- a\n- {w: [b, 'd']}\n"
    assert patched('{"v": [1, 2]}', ("v", 1), "d") == '{"v": [1, "d"]}'
    assert "there is no v with other values in it" in refused("v: [a]\n", ("v", 1))


def test_of_several_objects_the_one_is_changed_that_is_meant() -> None:
    one = "kind: Function\nspec: {code: {sha256: abc}}\n"
    assert patched(f"{one}---\n{one}", index=1) == f"{one}---\n{one.replace('abc', '⟨⟩')}"
    listed = (
        f"kind: List\nitems:\n- {one.replace(chr(10), chr(10) + '  ').strip()}\n- kind: Function\n  spec:\n    code:\n"
    )
    listed += "      sha256: abc\n"
    assert patched(listed, index=1) == listed[:-4] + "⟨⟩\n"
    assert patched("[{spec: {code: {sha256: abc}}}, {}]\n") == "[{spec: {code: {sha256: ⟨⟩}}}, {}]\n"


# ---- beside what is there --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("siblings", "added"),
    [
        ("    s3Key: x", "\n    sha256: ⟨⟩"),
        ("    s3Key: x\n", "    sha256: ⟨⟩\n"),
        ("    s3Key: x # c", "\n    sha256: ⟨⟩"),
        ("    's3Key': x\n", "    'sha256': ⟨⟩\n"),
        ('          "s3Key":   x\n', '          "sha256": ⟨⟩\n'),
        ("    s3Key:\n", "    sha256: ⟨⟩\n"),
        ("    s3Key: # c\n", "    sha256: ⟨⟩\n"),
        ("    s3Key: one\n      and two\n", "    sha256: ⟨⟩\n"),
        ("    s3Key: &a b\n    s3Bucket: *a\n", "    sha256: ⟨⟩\n"),
        ("    s3BucketRef:\n      from:\n        name: x # c\n", "    sha256: ⟨⟩\n"),
        ("    s3BucketRef: {from: {name: x}}\n", "    sha256: ⟨⟩\n"),
        ("    list:\n    - a\n    - b\n", "    sha256: ⟨⟩\n"),
        ("    zipFile: |\n      abc\n", "    sha256: ⟨⟩\n"),
        ("    zipFile: |+\n      abc\n\n\n", "    sha256: ⟨⟩\n"),
        ("    zipFile: >-\n      abc\n\n", "    sha256: ⟨⟩\n"),
    ],
)
@pytest.mark.parametrize(
    "after", ["", "  name: x\n", "# at the margin\n---\nkind: Other\n", "    # about what follows\n"]
)
def test_a_missing_value_becomes_the_last_line_of_its_block(siblings: str, added: str, after: str) -> None:
    if not siblings.endswith("\n") and after:
        after = f"\n{after}"
    before = f"{HEAD}spec:\n  code:\n{siblings}"
    assert patched(before + after) == f"{before}{added}{after}"


@pytest.mark.parametrize(
    ("text", "is_now"),
    [
        ("s:\n  a: 1\n", 's:\n  a: 1\n  b: "5"\n'),
        ("s:\n  a: |\n    x\n", 's:\n  a: |\n    x\n  b: "5"\n'),
        ("s: {a: 1}\n", 's: {a: 1, b: "5"}\n'),
        ("s: {}\n", 's: {"b": "5"}\n'),
    ],
)
def test_what_is_added_is_quoted_where_it_would_be_another_value(text: str, is_now: str) -> None:
    assert patched(text, ("s", "b"), "5") == is_now


def test_it_has_the_line_end_of_the_line_above() -> None:
    text = "spec:\r\n  code:\r\n    s3Key: x\r\n"
    assert patched(text) == f"{text}    sha256: ⟨⟩\r\n"
    assert patched(text[:-2]) == f"{text}    sha256: ⟨⟩"
    literal = "spec:\r\n  code:\r\n    zipFile: |\r\n      x\r\n"
    assert patched(literal) == f"{literal}    sha256: ⟨⟩\r\n"


def test_a_block_within_a_list_keeps_its_indentation() -> None:
    assert patched("v:\n- a: 1\n  b: 2\n- c\n", ("v", 0, "d"), "x") == "v:\n- a: 1\n  b: 2\n  d: x\n- c\n"


@pytest.mark.parametrize(
    ("code", "is_now"),
    [
        ("{s3Key: x}", "{s3Key: x, sha256: ⟨⟩}"),
        ("{ s3Key: x }", "{ s3Key: x, sha256: ⟨⟩ }"),
        ("{a: b,s3Key: x}", "{a: b,s3Key: x,sha256: ⟨⟩}"),
        ("{s3Key: x, }", "{s3Key: x, sha256: ⟨⟩ }"),
        ("{s3Key: {}}", "{s3Key: {}, sha256: ⟨⟩}"),
        ("{s3Key: [a, b]}", "{s3Key: [a, b], sha256: ⟨⟩}"),
        ('{"s3Key":"x"}', '{"s3Key":"x","sha256":"⟨⟩"}'),
        ('{"s3Key": "x"}', '{"s3Key": "x", "sha256": "⟨⟩"}'),
        ("{\n    a: b, # one\n    s3Key: x # two\n  }", "{\n    a: b, # one\n    s3Key: x,\n    sha256: ⟨⟩ # two\n  }"),
        ("{}", "{sha256: ⟨⟩}"),
        ("&a { }", "&a {sha256: ⟨⟩ }"),
    ],
)  # fmt: skip
def test_a_missing_value_goes_within_the_braces(code: str, is_now: str) -> None:
    assert patched(f"{HEAD}spec:\n  code: {code} # c\n") == f"{HEAD}spec:\n  code: {is_now} # c\n"


def test_what_a_merge_key_brings_can_be_told_beside_it() -> None:
    text = "base: &b {s3Key: x}\nspec:\n  code:\n    <<: *b\n"
    assert patched(text) == f"{text}    sha256: ⟨⟩\n"


# ---- JSON ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("indent", [None, 2, "\t"])
@pytest.mark.parametrize("code", [{"s3Key": "x"}, {"sha256": None}, {"sha256": "abc", "z": [1]}, {}])
def test_json_stays_json(indent: Any, code: dict[str, Any]) -> None:
    value = {"kind": "Function", "metadata": {"name": "ä😀"}, "spec": {"code": code, "timeout": 3}}
    text = json.dumps(value, indent=indent)
    is_now = patched(text)
    assert json.loads(is_now) == {**value, "spec": {"code": code | {"sha256": "⟨⟩"}, "timeout": 3}}
    if "sha256" not in code and code:
        beside = {**value, "spec": {"code": code | {"sha256": "SUM"}, "timeout": 3}}
        assert is_now == json.dumps(beside, indent=indent).replace("SUM", "⟨⟩")


# ---- refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x: &a abc\nspec: {code: {sha256: *a}}\n", "f.yaml:1:4: … here: spec.code.sha256 is"),
        ("spec: {code: {sha256: &a abc}}\nx: *a\n", "f.yaml:1:23: "),
        ("x: &a {sha256: abc}\nspec: {code: *a}\n", "f.yaml:1:16: "),
        ("x: &a {sha256: abc}\nspec: {code: {<<: *a}}\n", "f.yaml:1:16: "),
        ("x: &a {s3Key: abc}\nspec: {code: *a}\n", "what it belongs to, spec.code, is used in more than one place"),
        ("x: &a {code: {s3Key: abc}}\nspec: *a\n", "by an anchor, an alias or <<"),
        ("kind: List\nitems:\n- &a {spec: {code: {sha256: abc}}}\n- *a\n", "by an anchor, an alias or <<"),
        ("spec:\n  code:\n    sha256: '{{ .Values.sum }}'\n", "f.yaml:3:13: … here: what stands there is a template"),
        ("spec: {code: {sha256: '${CHECKSUM}'}}\n", "is a template"),
        ("spec: {code: {sha256: $(CHECKSUM)}}\n", "is a template"),
        ("spec: {code: {sha256: !!binary abc=}}\n", "with the tag tag:yaml.org,2002:binary"),
        ("spec:\n  code:\n    sha256: | # why\n      abc\n", "a comment stands between it and its text"),
        ("spec: {code: {sha256: [abc]}}\n", "f.yaml:1:23: … here: what stands there is no single value"),
        ("spec: {code: {sha256}}\n", "no way was found"),
        ("spec:\n  code:\n    ? s3Key\n    : x\n", "f.yaml:3:5: … here: no way was found"),
        ("spec:\n  code:\n    zipFile: |\n      x", "no way was found"),
        ("spec:\n  code:\n", "f.yaml:2:8: … here: there is no spec.code with other values in it"),
        ("spec: {code: text}\n", "there is no spec.code"),
        ("spec: {code: [a]}\n", "there is no spec.code"),
        ("spec: {}\n", "there is no spec.code"),
        ("kind: Function\n", "there is no spec.code"),
    ],
)  # fmt: skip
def test_what_cannot_be_changed_alone_is_not_changed(text: str, said: str) -> None:
    assert said in refused(text).replace("spec.code.sha256 cannot be changed", "…")


def test_a_path_is_written_as_people_do() -> None:
    assert dotted(("spec", "layers", 0, "arn")) == "spec.layers[0].arn"


# ---- whatever the file looks like ------------------------------------------------------------------------------------

# No controls: YAML allows none. No break that YAML 1.1 alone knows.
_CHARACTERS = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="\ufeff\ufffe\uffff")
_WORDS = st.text(_CHARACTERS, max_size=12)
_KEYS = st.sampled_from(["a", "b", "c-d", "sha256", "x y", "😀", "ключ"])
_COMMENTS = st.one_of(st.just(""), _WORDS.map(lambda text: f"  # {text}"))
_TARGETS = st.sampled_from(["abc", "'abc'", '"a\\u0041b"', "~", "", "12", "&mine abc", '!!str "1"', ">-\n{}  abc"])


def _scalar(text: str, style: int) -> str:
    return (json.dumps(text, ensure_ascii=False), "'{}'".format(text.replace("'", "''")), json.dumps(text))[style]


_SCALARS = st.one_of(
    st.builds(_scalar, _WORDS, st.integers(0, 1)),
    st.sampled_from(["plain", "5", "1.5e3", ".nan", "~", "2026-11-21", "[]", "{a: [1, 'x']}", "*known", "|-\n{}  x"]),
)


class _Written(NamedTuple):
    """A file, with the path of the text to change and the number of the document that it is in."""

    text: str
    path: Path
    number: int


@st.composite
def _files(draw: Callable[[Any], Any]) -> _Written:
    """Write YAML as a person does: comments, quotes, depths, line ends and documents of any kind."""
    depth, lines, path = draw(st.integers(0, 3)), ["known: &known text"], []
    indentation = 0
    for level in range(depth + 1):
        lines += _siblings(draw, indentation, before=True)
        lines += [draw(st.sampled_from(["", "# a note", f"{' ' * indentation}# a note 😀"]))]
        key = f"target{level}"
        path.append(key)
        if level < depth:
            lines.append(f"{' ' * indentation}{key}:{draw(_COMMENTS)}")
            indentation += draw(st.integers(1, 4))
    there = draw(st.booleans())
    if there:
        target = draw(_TARGETS).format(" " * indentation)
        comment = "" if "\n" in target else draw(_COMMENTS)
        lines.append(f"{' ' * indentation}{path[-1]}: {target}{comment}")
    lines += _siblings(draw, indentation, before=False) if not there or draw(st.booleans()) else []
    document = "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n# the end", "\n\n"]))
    before, after = draw(st.sampled_from(["", "kind: Other\n---\n", "# first\n---\n"])), draw(
        st.sampled_from(["", "\n---\nx: [1, {y: z}]", "\n...\n"])
    )  # fmt: skip
    text = (before + document + after).replace("\n", draw(st.sampled_from(["\n", "\r\n"])))
    return _Written(text, tuple(path), int(before.startswith("kind")))


def _siblings(draw: Callable[[Any], Any], indentation: int, *, before: bool) -> list[str]:
    """Write keys beside; behind a value that is not there at least one, so that it has something to be beside of."""
    keys = draw(st.lists(_KEYS, unique=True, min_size=0 if before else 1, max_size=2))
    when = f"before {indentation}" if before else "after"
    return [
        f"{' ' * indentation}{json.dumps(f'{key} {when}', ensure_ascii=False)}: "
        + (value := draw(_SCALARS)).replace("{}  x", f"{' ' * indentation}  x")
        + ("" if "\n" in value else draw(_COMMENTS))
        for key in keys
    ]


def _lines_of(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _read_by_another(text: str, written: _Written) -> Any:
    """Read the value by libyaml, of which kubectl's parser is a port."""
    found = [each for each in yaml.load_all(text, Loader=yaml.CBaseLoader) if each]
    value = found[written.number]
    for part in written.path:
        value = value[part]
    return value


@given(_files(), st.one_of(st.just(NEW), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)))
def test_of_any_file_that_text_is_changed_and_nothing_else(written: _Written, value: str) -> None:
    source = Source("f.yaml", written.text)
    found = manifests(source)
    before = [each.value for each in found]
    changed = set_text(source, found[written.number], written.path, value)
    after = manifests(changed)
    assert after[written.number].at(*written.path) == value
    assert _read_by_another(changed.text, written) == value
    assert set_text(changed, after[written.number], written.path, value) is changed
    parent = after[written.number].at(*written.path[:-1])
    was = found[written.number].at(*written.path[:-1])
    parent.pop(written.path[-1])
    was.pop(written.path[-1], None)
    assert repr([each.value for each in after]) == repr(before)
    # What is before and after the one place is the same, and no longer than a line or two.
    old, new = _lines_of(source.text), _lines_of(changed.text)
    same = next(
        (n for n, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), min(len(old), len(new))
    )
    rest = next(
        (n for n, pair in enumerate(zip(old[::-1], new[::-1], strict=False)) if pair[0] != pair[1]),
        min(len(old), len(new)),
    )
    assert len(old) - same - rest <= 2
    assert len(new) - same - rest <= 2


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), _WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_WORDS, inner, max_size=3)),
    max_leaves=8,
)


@given(
    st.dictionaries(_WORDS, _JSON, max_size=3),
    st.dictionaries(_WORDS, _JSON, max_size=3),
    st.one_of(st.none(), _WORDS),
    st.sampled_from([None, 0, 2, "\t"]),
    st.booleans(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
def test_of_any_json_that_text_is_changed_and_it_stays_json(
    beside: Any, code: Any, old: Any, indent: Any, plain_ascii: bool, value: str
) -> None:
    there = {} if old is None else {"sha256": old}
    document = {"kind": "Function", **beside, "spec": {"code": {**code, **there}}}
    text = json.dumps(document, indent=indent, ensure_ascii=plain_ascii)
    source = Source("f.json", text)
    (found,) = manifests(source)
    changed = set_text(source, found, SHA256, value)
    document["spec"]["code"]["sha256"] = value
    assert json.loads(changed.text) == document
