"""How objects of S3 are named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.aws.s3 import S3Object, s3_object
from remediator.errors import UsageError


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("s3://packages/a.zip", S3Object("packages", "a.zip")),
        ("s3://packages/a/b c+d%20?x=y.zip", S3Object("packages", "a/b c+d%20?x=y.zip")),
        ("s3://packages//a", S3Object("packages", "/a")),
        ("s3://packages/a?versionId=3/L4k", S3Object("packages", "a", "3/L4k")),
        ("s3://packages/a?versionid=null", S3Object("packages", "a", "null")),
        ("s3://packages/a?versionId=1?versionId=2", S3Object("packages", "a?versionId=1", "2")),
    ],
)
def test_an_object_is_named_as_by_the_aws_cli(url: str, found: S3Object) -> None:
    assert s3_object(url) == found


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.zip",
        "s3://",
        "s3://packages",
        "s3://packages/",
        "s3:///a",
        "https://x/a",
        "s3://a/b?versionId=",
        "s3://Ü!/a",
    ],
)
def test_what_names_no_object_is_refused_with_the_form(url: str) -> None:
    with pytest.raises(UsageError) as why:
        s3_object(url)
    assert "s3://bucket/key" in why.value.hint


_PART_OF_NAME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda text: "?v" not in text.lower()
)


@given(_PART_OF_NAME, st.one_of(st.none(), st.from_regex(r"[\w./-]+", fullmatch=True)))
def test_what_is_named_is_written_as_it_is_read(key: str, version: str | None) -> None:
    which = S3Object("packages", key, version)
    assert s3_object(str(which)) == which
