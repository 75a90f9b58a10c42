"""Ask AWS about the kinds that are no function: one call each, and *gone* is never proven."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from remediator.aws.answers import present, text
from remediator.model.in_aws import function_of
from remediator.model.live import LiveState, Presence, unreadable
from remediator.model.resource import FunctionSpec, FunctionStatus, Resource
from remediator.model.times import parse_time

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_NOT_FOUND = "ResourceNotFoundException"
_UNPROVEN = "unproven: of this kind no answer proves it"
# Which field of an answer is the ARN of what was asked for.
_ARNS = {
    "Alias": "AliasArn",
    "Version": "FunctionArn",
    "FunctionURLConfig": "FunctionArn",
    "EventSourceMapping": "EventSourceMappingArn",
    "LayerVersion": "LayerVersionArn",
    "CodeSigningConfig": "CodeSigningConfigArn",
}


def ask(
    client: LambdaClient, resource: Resource, *, at: datetime, identity: str, account: str, region: str
) -> LiveState:
    """Ask for one resource that is no function, as whoever `identity` is in `account` and `region`.

    What is of another account, what its object does not name well enough, and an answer about something else are
    unreadable. Raises ClientError for every refusal but *not found*, and what botocore raises for an answer without
    sense.
    """
    place = resource.status.ack_resource_metadata if resource.status else None
    owner = place.owner_account_id if place else None
    if owner and owner != account:
        return unreadable(f"it is in account {owner}, we are in {account}", at=at, identity=identity)
    named = _named(resource)
    if not all(named.values()):
        lacking = ", ".join(key for key, value in named.items() if not value)
        return unreadable(f"the object does not tell its {lacking}", at=at, identity=identity)
    try:
        answer = _call(client, resource.kind, named)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != _NOT_FOUND:
            raise
        return LiveState(
            presence=Presence.GONE, why=_UNPROVEN, at=at, identity=identity, account=account, region=region
        )
    arn = text(answer, _ARNS[resource.kind])
    # Mappings have told their ARN since 2024 only (botocore service-2.json).
    if f":lambda:{region}:{account}:" not in (arn or "") and not (arn is None and "UUID" in answer):
        return unreadable(f"the answer is about {arn or 'nothing that has an ARN'}", at=at, identity=identity)
    if resource.kind == "Version":
        return present(answer, at=at, identity=identity, account=account, region=region)
    return LiveState(
        presence=Presence.PRESENT,
        at=at,
        identity=identity,
        account=account,
        region=region,
        arn=arn,
        state=text(answer, "State"),
        state_reason=text(answer, "StateTransitionReason"),
        last_modified=_time(answer.get("LastModified")),
    )


def _named(resource: Resource) -> dict[str, Any]:
    """Say by what it is asked for, in the call's own words; what the object does not tell is empty."""
    spec, status = resource.spec or FunctionSpec(), resource.status or FunctionStatus()
    match resource.kind:
        case "Alias":
            return {"FunctionName": function_of(resource), "Name": spec.name}
        case "Version":
            return {"FunctionName": function_of(resource), "Qualifier": status.version}
        case "FunctionURLConfig":
            qualifier = {"Qualifier": spec.qualifier} if spec.qualifier else {}
            return {"FunctionName": function_of(resource), **qualifier}
        case "EventSourceMapping":
            return {"UUID": status.uuid}
        case "LayerVersion":
            return {"LayerName": spec.layer_name, "VersionNumber": status.version_number}
        case _:
            return {"CodeSigningConfigArn": resource.arn_text}


def _call(client: LambdaClient, kind: str, named: dict[str, Any]) -> Mapping[str, Any]:
    """Make the one call. That of a layer answers with a link to its code, which is never looked at."""
    match kind:
        case "Alias":
            return client.get_alias(**named)
        case "Version":
            return client.get_function_configuration(**named)
        case "FunctionURLConfig":
            return client.get_function_url_config(**named)
        case "EventSourceMapping":
            return client.get_event_source_mapping(**named)
        case "LayerVersion":
            return client.get_layer_version(**named)
        case _:
            return client.get_code_signing_config(**named)["CodeSigningConfig"]


def _time(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else parse_time(value) if isinstance(value, str) else None
