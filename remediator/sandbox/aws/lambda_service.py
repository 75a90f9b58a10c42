"""Lambda's operations: moto's, with what moto lacks laid over them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from moto.awslambda.models import LambdaFunction

from remediator.sandbox.aws.behaviour import Behaviour
from remediator.sandbox.aws.calls import Request
from remediator.sandbox.aws.errors import Answer, AwsError, json_answer
from remediator.sandbox.aws.functions import Functions
from remediator.sandbox.aws.lambda_states import FunctionState
from remediator.sandbox.aws.moto import Moto, put_body
from remediator.sandbox.aws.wording import Asked, denied_from_outside

# In the query of every code URL, where a presigned URL carries what lets anybody fetch the code. A test looks for it
# in what a program wrote.
CODE_URL_SECRET = "SANDBOXPRESIGNEDSECRET"

_UPDATES = ("UpdateFunctionCode", "UpdateFunctionConfiguration")
# Lambda answers 409 to these while it is busy with the function.
_GUARDED = (*_UPDATES, "DeleteFunction", "PublishVersion")
# What an account always keeps for functions that reserve nothing (Lambda Developer Guide, "Configuring reserved
# concurrency").
_LEAST_UNRESERVED = 100


class LambdaService:
    """Answer Lambda's requests, one at a time: its owner holds a lock."""

    def __init__(self, moto: Moto, behaviour: Behaviour) -> None:
        self._moto = moto
        self._behaviour = behaviour

    def answer(self, environ: dict[str, Any], request: Request, asked: Asked, functions: Functions) -> Answer:
        """Answer one request. Raise AwsError for what Lambda refuses."""
        _refuse_unreachable(request, asked)
        if request.operation.startswith("Invoke"):
            raise AwsError("ServiceException", "The sandbox's Lambda runs no code.", 500)
        if request.operation == "GetAccountSettings":
            return self._account_settings(functions.all(request.region))
        if request.operation == "ListFunctions":
            every = functions.all(request.region)
            listed = [
                functions.laid(request.region, each.function_name).listed(each.get_configuration()) for each in every
            ]
            return json_answer(200, _page(listed, request.query))
        name = request.name or ""
        function = functions.find(request.region, name) if name else None
        if function is None:
            return self._without_function(environ, request, functions)
        return self._on_function(environ, request, functions, function)

    def _without_function(self, environ: dict[str, Any], request: Request, functions: Functions) -> Answer:
        if request.operation != "CreateFunction":
            return self._moto.forward(environ, request.service, functions.account)
        functions.require_code(request.parameters.get("Code") or {})
        answer = self._moto.forward(environ, request.service, functions.account)
        if answer.status >= 300:
            return answer
        name, region = request.name or "", request.region
        functions.created(region, name, request.parameters, self._behaviour.create_takes)
        return json_answer(answer.status, functions.laid(region, name).lay_over(json.loads(answer.body)))

    def _on_function(
        self, environ: dict[str, Any], request: Request, functions: Functions, function: LambdaFunction
    ) -> Answer:
        operation, region, name = request.operation, request.region, function.function_name
        state = functions.laid(region, name)
        if operation in _GUARDED:
            if conflict := state.conflict(function.function_arn):
                raise conflict
            _refuse_old_revision(request, state.revision)
        if operation in _UPDATES:
            return self._update(environ, request, functions, name)
        if operation == "DeleteFunction":
            if self._behaviour.delete_takes:
                functions.delete_later(region, name, self._behaviour.delete_takes)
            else:
                functions.remove(region, name)
            return json_answer(204, None)
        if operation == "PutFunctionConcurrency":
            self._refuse_overdrawn(request, functions, name)
        if operation == "PutFunctionEventInvokeConfig":
            functions.forget_event_invoke_config(region, name)
        if operation == "PutFunctionCodeSigningConfig":
            function.code_signing_config_arn = request.parameters["CodeSigningConfigArn"]
            return json_answer(200, function.get_function_code_signing_config())
        if operation == "DeleteFunctionCodeSigningConfig":
            function.code_signing_config_arn = None
            return json_answer(204, None)
        answer = self._moto.forward(environ, request.service, functions.account)
        return _laid_over(answer, operation, state) if answer.status < 300 else answer

    def _update(self, environ: dict[str, Any], request: Request, functions: Functions, name: str) -> Answer:
        parameters = request.parameters
        kept = parameters
        if request.operation == "UpdateFunctionConfiguration":
            role = parameters.get("Role")
            if role and not functions.role_exists(role):
                raise AwsError(
                    "InvalidParameterValueException",
                    "The role defined for the function cannot be assumed by Lambda.",
                )
            put_body(environ, _as_moto_wants(parameters))
        else:
            functions.require_code(parameters)
            kept = {}
        before = functions.before_update(request.region, name)
        answer = self._moto.forward(environ, request.service, functions.account)
        if answer.status >= 300:
            return answer
        payload = json.loads(answer.body)
        if request.operation == "UpdateFunctionCode" and (architectures := parameters.get("Architectures")):
            functions.set_architectures(request.region, name, architectures)
            payload["Architectures"] = architectures
        functions.updated(request.region, name, before, kept, self._behaviour.update_takes)
        return json_answer(answer.status, functions.laid(request.region, name).lay_over(payload))

    def _account_settings(self, functions: list[LambdaFunction]) -> Answer:
        """Answer with the concurrency as scripted, and the usual limits of code in bytes."""
        limit = self._behaviour.concurrency_limit
        size = sum(each.code_size for each in functions)
        return json_answer(
            200,
            {
                "AccountLimit": {
                    "TotalCodeSize": 80 * 1024**3,
                    "CodeSizeUnzipped": 250 * 1024**2,
                    "CodeSizeZipped": 50 * 1024**2,
                    "ConcurrentExecutions": limit,
                    "UnreservedConcurrentExecutions": limit - _reserved(functions),
                },
                "AccountUsage": {"TotalCodeSize": size, "FunctionCount": len(functions)},
            },
        )

    def _refuse_overdrawn(self, request: Request, functions: Functions, name: str) -> None:
        others = [each for each in functions.all(request.region) if each.function_name != name]
        asked = int(request.parameters.get("ReservedConcurrentExecutions") or 0)
        if asked and self._behaviour.concurrency_limit - _reserved(others) - asked < _LEAST_UNRESERVED:
            raise AwsError(
                "InvalidParameterValueException",
                "Specified ReservedConcurrentExecutions for function decreases account's "
                f"UnreservedConcurrentExecution below its minimum value of [{_LEAST_UNRESERVED}].",
            )


def _laid_over(answer: Answer, operation: str, state: FunctionState) -> Answer:
    if answer.status == 204:
        return json_answer(204, None)
    if operation not in ("GetFunction", "GetFunctionConfiguration", "GetFunctionEventInvokeConfig"):
        return answer
    payload = json.loads(answer.body)
    if operation == "GetFunctionConfiguration":
        payload = state.lay_over(payload)
    elif operation == "GetFunctionEventInvokeConfig":
        # AWS always answers with both destinations, empty where none is set.
        payload["DestinationConfig"] = {"OnSuccess": {}, "OnFailure": {}, **payload.get("DestinationConfig", {})}
    else:
        payload["Configuration"] = state.lay_over(payload["Configuration"])
        if "Location" in payload.get("Code", {}):
            payload["Code"]["Location"] += f"?{_presigned()}"
    return json_answer(answer.status, payload)


def _presigned() -> str:
    """Make the query of a code URL: for ten minutes whoever has it can fetch the code (API Reference, GetFunction)."""
    return urlencode(
        {
            "versionId": "sandbox",
            "X-Amz-Security-Token": CODE_URL_SECRET,
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-SignedHeaders": "host",
            "X-Amz-Expires": "600",
            "X-Amz-Credential": "ASIASANDBOX",
            "X-Amz-Signature": CODE_URL_SECRET,
        }
    )


def _reserved(functions: list[LambdaFunction]) -> int:
    return sum(int(each.reserved_concurrency or 0) for each in functions)


def _page(functions: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
    """Cut a list of functions into AWS's pages (50 at most); the marker is where the next one starts."""
    size = min(int(query.get("MaxItems", 50)), 50)
    start = int(query.get("Marker", 0))
    page: dict[str, Any] = {"Functions": functions[start : start + size]}
    if start + size < len(functions):
        page["NextMarker"] = str(start + size)
    return page


def _refuse_unreachable(request: Request, asked: Asked) -> None:
    """Answer as AWS does when an ARN is of another region or account; moto looks at its last part only."""
    if not request.function or not request.function.startswith("arn:"):
        return
    region, owner = request.function.split(":")[3:5]
    if region != request.region:
        raise AwsError(
            "ResourceNotFoundException",
            f"Functions from '{region}' are not reachable in this region ('{request.region}')",
            404,
        )
    if owner != asked.account:
        raise denied_from_outside(asked)


def _refuse_old_revision(request: Request, revision: str) -> None:
    asked = request.parameters.get("RevisionId")
    if asked and asked != revision:
        raise AwsError(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the "
            "GetFunction/GetAlias API to retrieve the latest Revision Id",
            412,
        )


def _as_moto_wants(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return an update that moto can take: it looks for keys that AWS lets a caller leave out."""
    wanted = dict(parameters)
    if "Environment" in wanted:
        wanted["Environment"] = {"Variables": (wanted["Environment"] or {}).get("Variables") or {}}
    if "VpcConfig" in wanted:
        network = wanted["VpcConfig"] or {}
        wanted["VpcConfig"] = {"SecurityGroupIds": [], "SubnetIds": [], **network} if any(network.values()) else None
    return wanted
