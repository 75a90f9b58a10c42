"""Read what Lambda answers: the same for a live call and for a dump that the AWS CLI printed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from remediator.model.live import LiveState, Presence, unreadable
from remediator.model.settings import from_answer
from remediator.model.times import parse_time


def present(
    answer: Mapping[str, Any],
    *,
    at: datetime | None = None,
    identity: str | None = None,
    account: str | None = None,
    region: str | None = None,
) -> LiveState:
    """Build live state from an answer of GetFunction (its `Configuration`) or GetFunctionConfiguration.

    Whatever has an unexpected type is left out: an answer newer than this tool must not break it. But what state the
    function is in must be said in words: else nothing is known of it. Of the code, GetFunction tells the name of an
    image, which is read, and a link, which never is.
    """
    found = answer.get("Configuration", answer)
    configuration: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    for key in ("State", "LastUpdateStatus"):
        if not isinstance(configuration.get(key), str | None):
            return unreadable(f"the answer's {key} is no text", at=at, identity=identity)
    vpc, snap_start = _mapping(configuration, "VpcConfig"), _mapping(configuration, "SnapStart")
    variables = _mapping(_mapping(configuration, "Environment"), "Variables")
    return LiveState(
        presence=Presence.PRESENT,
        at=at,
        identity=identity,
        account=account,
        region=region,
        arn=text(configuration, "FunctionArn"),
        # Functions from before states existed answer without them; they are ready.
        state=text(configuration, "State") or "Active",
        state_reason=text(configuration, "StateReason"),
        state_reason_code=text(configuration, "StateReasonCode"),
        last_update_status=text(configuration, "LastUpdateStatus"),
        last_update_status_reason=text(configuration, "LastUpdateStatusReason"),
        last_update_status_reason_code=text(configuration, "LastUpdateStatusReasonCode"),
        last_modified=parse_time(text(configuration, "LastModified")),
        revision_id=text(configuration, "RevisionId"),
        code_sha256=text(configuration, "CodeSha256"),
        package_type=text(configuration, "PackageType"),
        in_vpc=bool(vpc.get("SubnetIds")),
        snap_start=text(snap_start, "ApplyOn") == "PublishedVersions",
        image_uri=text(_mapping(answer, "Code"), "ImageUri"),
        configuration=tuple((path, unicode_only(value)) for path, value in from_answer(configuration)),
        environment={key: value for key, value in variables.items() if isinstance(value, str)},
    )


def text(answer: Mapping[str, Any], key: str) -> str | None:
    """Read a text; None where there is none, or nothing in it."""
    value = answer.get(key)
    return unicode_only(value) if isinstance(value, str) and value else None


def unicode_only(text: str) -> str:
    """Replace lone surrogates, which JSON can spell and no terminal, file or other JSON can take."""
    return text.encode(errors="replace").decode()


def _mapping(answer: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = answer.get(key)
    return value if isinstance(value, Mapping) else {}
