"""One attempt at an action: who made it, on whose word, what was written, and what was there before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from remediator.model import written
from remediator.model.plan import ActionName, Operation, Plan, Result
from remediator.model.resource import Resource

LONGEST_TEXT = 1024
LONGEST_EVIDENCE = 512
LONGEST_NAME = 253
PATHS_KEPT = 8


class Answered(Struct, frozen=True, rename="camel"):
    """How the object was answered right after the first write of an attempt."""

    resource_version: str
    generation: int


class Attempt(Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """One action, from the intent to what came of it. No result yet: under way, or its process was killed.

    `by` is the process that acts, `user` its name to the API server, `aws_identity` its name to AWS; `approved_by` is
    whose word it acts on. `arn` is the function that it is about, so that another process can ask AWS about it when the
    object is gone. `generation` and `resource_version` are the object's before the first write, `request` that write
    and `before` what it changed, by JSON Pointers, neither with a value of anybody's; `answer` is how the object was
    then. `orphan` is the function that was left in AWS.
    """

    id: str
    action: ActionName
    digest: str
    intended: datetime
    by: str = ""
    user: str = ""
    aws_identity: str = ""
    version: str = ""
    approved_by: str = ""
    finding: str = ""
    arn: str = ""
    generation: int = 0
    resource_version: str = ""
    request: str = ""
    before: dict[str, str] = {}
    answer: Answered | None = None
    accepted: datetime | None = None
    result: Result | None = None
    detail: str = ""
    concluded: datetime | None = None
    backup: str = ""
    orphan: str = ""


def begun(
    plan: Plan,
    ident: str,
    at: datetime,
    *,
    by: str = "",
    approved_by: str = "",
    backup: str = "",
    user: str = "",
    version: str = "",
) -> Attempt:
    """Write an attempt down as it is known before its first write."""
    first = plan.steps[0].patch if plan.steps else ()
    live, resource = plan.live, plan.resource
    return Attempt(
        id=ident,
        action=plan.action,
        digest=plan.digest,
        intended=at,
        by=text_of(by),
        user=text_of(user),
        aws_identity=text_of((live.identity if live else None) or ""),
        version=version,
        approved_by=text_of(approved_by),
        finding=plan.finding.value,
        arn=text_of(resource.arn_text or ""),
        generation=resource.metadata.generation,
        resource_version=text_of(resource.metadata.resource_version, LONGEST_NAME),
        request=text_of(_json(written.shown(first))),
        before=_were(first, resource),
        backup=text_of(backup),
    )


def text_of(text: str, limit: int = LONGEST_TEXT) -> str:
    """Cut a text to what the definition takes."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _were(patch: Sequence[Operation], resource: Resource) -> dict[str, str]:
    """Tell what was there before a patch, each value as JSON."""
    found = list(written.before(patch, resource).items())[:PATHS_KEPT]
    return {path: text_of(_json(value), LONGEST_EVIDENCE) for path, value in found}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
