"""Examples of each rule, in tests/lint/cases/RuleId.yaml: what it finds, and what is nearly that and no problem.

An example is a clean Function with something merged into it (`edit`), or taken out of it (`without`, by dotted paths).
`base: image` begins with an Image. `before` is what is compared with, made the same way; with `live` it is the
cluster's.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from remediator.lint.judging import File, judge
from remediator.lint.problem import Around, Before, Problem, key_of
from remediator.manifest.objects import Manifest, manifests
from remediator.manifest.source import Source
from remediator.model.concurrency import Concurrency
from tests import yaml_files

DIRECTORY = Path(__file__).parent / "cases"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
Json = dict[str, Any]

_METADATA: Json = {"name": "checkout", "namespace": "shop"}
_OBJECT: Json = {"apiVersion": "lambda.services.k8s.aws/v1alpha1", "kind": "Function", "metadata": _METADATA}
BASES: Mapping[str, Json] = {
    "zip": _OBJECT
    | {
        "spec": {
            "name": "checkout",
            "packageType": "Zip",
            "role": "arn:aws:iam::111122223333:role/checkout",
            "runtime": "python3.13",
            "handler": "app.handler",
            "memorySize": 256,
            "code": {
                "s3Bucket": "packages",
                "s3Key": "checkout.zip",
                "sha256": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
            },
            "environment": {"variables": {"STAGE_NAME": "test", "RETRIES": "3"}},
        }
    },
    "image": _OBJECT
    | {
        "spec": {
            "name": "checkout",
            "packageType": "Image",
            "role": "arn:aws:iam::111122223333:role/checkout",
            "code": {"imageURI": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/checkout@sha256:abc"},
        }
    },
}


class Example(NamedTuple):
    """One example of a rule; `found` says whether it is to be found."""

    rule: str
    found: bool
    text: Json

    @property
    def id(self) -> str:
        return f"{self.rule}-{self.text['name']}".replace(" ", "-")


def examples() -> Iterator[Example]:
    """Read all of them."""
    for path in sorted(DIRECTORY.glob("*.yaml")):
        content = yaml_files.read(path)
        for key, found in (("found", True), ("missed", False)):
            for each in content[key]:
                yield Example(path.stem, found, each)


def made(text: Json) -> Json:
    """Make the object of an example."""
    value = copy.deepcopy(BASES[text.get("base", "zip")])
    for path in text.get("without", ()):
        *above, last = path.split(".")
        inner = value
        for part in above:
            inner = inner[part]
        del inner[last]
    return _merged(value, text.get("edit", {}))


def _merged(value: Json, edit: Json) -> Json:
    for key, inner in edit.items():
        both = isinstance(inner, dict) and inner and isinstance(value.get(key), dict)
        value[key] = _merged(value[key], inner) if both else inner
    return value


def read(*objects: Json, name: str = "function.yaml") -> File:
    """Write objects to a file, and read it as the command does."""
    text = "---\n".join(yaml.safe_dump(each, sort_keys=False) for each in objects)
    source = Source(name, text)
    return File(name, source, manifests(source))


def problems(example: Json) -> list[Problem]:
    """Judge an example."""
    file = read(*example.get("others", ()), made(example), *example.get("after", ()))
    (manifest,) = [each for each in file.manifests if each.is_function][-1:]
    return list(judge([file], _around(example, file, manifest)).problems)


def _around(example: Json, file: File, manifest: Manifest) -> Around:
    before = None
    if "before" in example:
        was = made({"base": example.get("base", "zip")} | (example["before"] or {}))
        live = example.get("live", False)
        where = "the cluster" if live else "HEAD"
        before = {key_of(manifest): Before(was, where, live=live)} if example["before"] is not None else {}
    exists = example.get("exists")
    return Around(
        now=datetime.fromisoformat(example["now"]) if "now" in example else NOW,
        manifests=tuple(file.manifests),
        before=before,
        exists=(lambda _key: exists) if exists is not None else None,
        account=Concurrency(**example["account"]) if "account" in example else None,
    )
