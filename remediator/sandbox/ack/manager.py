"""Read, create, update and delete one function, in the order and with the errors of lambda-controller's hooks.

Every operation returns the resource as it is now, or raises `Stopped` with the error and the resource to save.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime
from typing import Any

from remediator.sandbox.ack import function
from remediator.sandbox.ack.conditions import Conditions
from remediator.sandbox.ack.delta import touches_code, touches_configuration
from remediator.sandbox.ack.errors import (
    FunctionNotFound,
    LambdaError,
    PassError,
    RequeueAfter,
    TerminalState,
)
from remediator.sandbox.ack.lambda_client import LambdaClient
from remediator.sandbox.ack.resource import Resource

PENDING = "function in 'Pending' state, cannot be modified or deleted"
DELETING = "function in 'Deleting' state, cannot be modified or deleted"
NO_IMAGE = "source image does not exist"
NO_IMAGE_SIGNING = "cannot set function code signing config when package type is Image"
FIXED_TENANCY = "tenancy config cannot be modified after function creation"

_PENDING_SECONDS = 5.0
_DELETING_SECONDS = 5.0
_NO_IMAGE_SECONDS = 60.0


class Stopped(Exception):
    """An operation ended early: with an error, and with the resource whose status is to be saved (None: nothing)."""

    def __init__(self, error: PassError, latest: Resource | None) -> None:
        super().__init__(error.text)
        self.error = error
        self.latest = latest


class Manager:
    """The functions of one region."""

    def __init__(self, client: LambdaClient, account: str, region: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._account = account
        self._region = region
        self._now = now

    def read(self, resource: Resource) -> Resource:
        """Read the function by `spec.name` and what belongs to it: four calls. Any of them failing fails the read."""
        seen = copy.deepcopy(resource)
        try:
            seen = self._read(resource)
            self._read_more(seen)
        except PassError as error:
            raise self._stopped(seen, error) from error
        return self._succeeded(seen)

    def create(self, resource: Resource) -> Resource:
        """Create the function; the answer's defaults are in the resource that is returned."""
        try:
            answer = self._client.call("CreateFunction", **function.create_parameters(resource))
        except PassError as error:
            raise self._stopped(resource, error) from error
        created = function.observed(resource, answer)
        self._default_status(created)
        return self._succeeded(created)

    def update(self, desired: Resource, latest: Resource, different: frozenset[str]) -> Resource:
        """Bring the function to the spec as far as one pass does (customUpdateFunction)."""
        # Errors are saved on the user's spec with the status that was just read.
        unfinished = {**copy.deepcopy(desired), "status": copy.deepcopy(latest["status"])}
        try:
            if latest["status"].get("state") == "Pending":
                raise RequeueAfter(PENDING, _PENDING_SECONDS)
            self._update_parts(desired, latest, different)
            if "codeSigningConfigARN" in different and desired["spec"].get("packageType") == "Image":
                raise _Terminal(NO_IMAGE_SIGNING)
            if any(path.startswith("tenancyConfig") for path in different):
                raise _Terminal(FIXED_TENANCY)
            if touches_code(different):
                self._update_code(desired, latest, different)
            elif touches_configuration(different):
                parameters = function.configuration_parameters(desired, different)
                self._client.call("UpdateFunctionConfiguration", **parameters)
        except PassError as error:
            raise self._stopped(unfinished, error) from error
        try:
            return self.read(desired)
        except Stopped as stopped:
            raise self._stopped(unfinished, stopped.error) from stopped

    def delete(self, resource: Resource) -> None:
        """Ask for the deletion; always raise Stopped: the finalizer goes when a later read finds nothing."""
        try:
            if resource["status"].get("state") != "Deleting":
                self._client.call("DeleteFunction", FunctionName=resource["spec"]["name"])
            raise RequeueAfter(DELETING, _DELETING_SECONDS)
        except PassError as error:
            raise self._stopped(resource, error) from error

    def _read(self, resource: Resource) -> Resource:
        name = resource["spec"].get("name")
        if name is None:
            raise FunctionNotFound
        try:
            answer = self._client.call("GetFunction", FunctionName=name)
        except LambdaError as error:
            if error.code == "ResourceNotFoundException":
                raise FunctionNotFound from error
            raise
        seen = function.observed(resource, answer["Configuration"])
        self._default_status(seen)
        if image := (answer.get("Code") or {}).get("ImageUri"):
            seen["spec"].setdefault("code", {})["imageURI"] = image
        if answer.get("Tags"):
            seen["spec"]["tags"] = answer["Tags"]
        return seen

    def _read_more(self, seen: Resource) -> None:
        spec, name = seen["spec"], seen["spec"]["name"]
        reserved = self._optional("GetFunctionConcurrency", name).get("ReservedConcurrentExecutions")
        _put(spec, "reservedConcurrentExecutions", reserved)
        invoke = self._optional("GetFunctionEventInvokeConfig", name)
        _put(spec, "functionEventInvokeConfig", function.event_invoke_spec(invoke) if invoke else None)
        if spec.get("packageType") == "Zip":
            signing = self._client.call("GetFunctionCodeSigningConfig", FunctionName=name)
            if arn := signing.get("CodeSigningConfigArn"):
                spec["codeSigningConfigARN"] = arn
        elif spec.get("codeSigningConfigARN"):
            raise _Terminal(NO_IMAGE_SIGNING)

    def _optional(self, operation: str, name: str) -> dict[str, Any]:
        try:
            return self._client.call(operation, FunctionName=name)
        except LambdaError as error:
            if error.code == "ResourceNotFoundException":
                return {}
            raise

    def _update_parts(self, desired: Resource, latest: Resource, different: frozenset[str]) -> None:
        spec, name = desired["spec"], desired["spec"]["name"]
        if "tags" in different:
            self._update_tags(desired, latest)
        if "reservedConcurrentExecutions" in different:
            if (reserved := spec.get("reservedConcurrentExecutions")) is None:
                self._client.call("DeleteFunctionConcurrency", FunctionName=name)
            else:
                self._client.call("PutFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=reserved)
        if any(path.startswith("functionEventInvokeConfig") for path in different):
            if spec.get("functionEventInvokeConfig") is None:
                self._client.call("DeleteFunctionEventInvokeConfig", FunctionName=name)
            else:
                self._client.call("PutFunctionEventInvokeConfig", **function.event_invoke_parameters(desired))
        if "codeSigningConfigARN" in different and spec.get("packageType") != "Image":
            if arn := spec.get("codeSigningConfigARN"):
                self._client.call("PutFunctionCodeSigningConfig", FunctionName=name, CodeSigningConfigArn=arn)
            else:
                self._client.call("DeleteFunctionCodeSigningConfig", FunctionName=name)

    def _update_tags(self, desired: Resource, latest: Resource) -> None:
        arn = desired["status"]["ackResourceMetadata"]["arn"]
        want, have = desired["spec"].get("tags") or {}, latest["spec"].get("tags") or {}
        stale = [key for key, value in have.items() if want.get(key) != value and not key.startswith("aws:")]
        fresh = {key: value for key, value in want.items() if have.get(key) != value}
        if stale:
            self._client.call("UntagResource", Resource=arn, TagKeys=stale)
        if fresh:
            self._client.call("TagResource", Resource=arn, Tags=fresh)

    def _update_code(self, desired: Resource, latest: Resource, different: frozenset[str]) -> None:
        try:
            self._client.call("UpdateFunctionCode", **function.code_parameters(desired, latest, different))
        except LambdaError as error:
            if "Provide a valid source image." in error.text:
                raise RequeueAfter(NO_IMAGE, _NO_IMAGE_SECONDS) from error
            raise

    def _default_status(self, resource: Resource) -> None:
        identity = resource.setdefault("status", {}).setdefault("ackResourceMetadata", {})
        identity.setdefault("ownerAccountID", self._account)
        identity.setdefault("partition", "aws")
        identity.setdefault("region", self._region)
        resource["status"].setdefault("conditions", [])

    def _succeeded(self, resource: Resource) -> Resource:
        Conditions(resource, self._now()).recoverable(None)
        return resource

    def _stopped(self, resource: Resource, error: PassError) -> Stopped:
        """Save an error as ACK's updateConditions does: Terminal for the few it knows, else Recoverable."""
        latest = copy.deepcopy(resource)
        self._default_status(latest)
        conditions = Conditions(latest, self._now())
        if isinstance(error, _Terminal):
            conditions.terminal(error.text)
            return Stopped(TerminalState(), latest)
        conditions.recoverable(error.summary)
        return Stopped(error, latest)


class _Terminal(PassError):
    """An error that only another spec can cure."""


def _put(spec: dict[str, Any], key: str, value: Any) -> None:
    if value is None:
        spec.pop(key, None)
    else:
        spec[key] = value
