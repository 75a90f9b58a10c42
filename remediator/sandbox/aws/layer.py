"""The WSGI layer before moto: logs every call, refuses what is scripted, and lays Lambda's states over the answers."""

from __future__ import annotations

import io
import json
import threading
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.test import run_wsgi_app

from remediator.sandbox.aws.calls import Call, Request, read_request
from remediator.sandbox.aws.errors import Answer, AwsError, error_answer, json_answer
from remediator.sandbox.aws.functions import Functions, paged
from remediator.sandbox.aws.lambda_states import CREATING, Phase
from remediator.sandbox.aws.refusals import Refusal

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_UPDATES = ("UpdateFunctionCode", "UpdateFunctionConfiguration")
# Lambda answers 409 to these while it is busy with the function.
_GUARDED = (*_UPDATES, "DeleteFunction", "PublishVersion")


class Layer:
    """Stand before moto's WSGI application, for one default account.

    `accounts` maps an access key to another account; an identity that the map does not know is of the default account.
    `create_takes`, `update_takes` and `delete_takes` are seconds of the sandbox's clock.
    """

    def __init__(self, app: WsgiApp, functions: Callable[[str], Functions], account: str) -> None:
        self._app = app
        self._backends: dict[str, WsgiApp] = {}
        self._functions = functions
        self._account = account
        self.lock = threading.RLock()
        self.accounts: dict[str, str] = {}
        self.refusals: list[Refusal] = []
        self.calls: list[Call] = []
        self.create_takes = 0.0
        self.update_takes = 0.0
        self.delete_takes = 0.0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request. Lambda and STS answer one at a time, so that no state changes under a request."""
        request = read_request(environ)
        if request is None:
            return self._app(environ, start_response)
        with self.lock:
            try:
                answer = self._answer(environ, request)
            except AwsError as error:
                answer = error_answer(request.service, error)
        status = f"{answer.status} {HTTP_STATUS_CODES.get(answer.status, 'Unknown')}"
        start_response(status, [*answer.headers, ("Content-Length", str(len(answer.body)))])
        return [answer.body]

    def _answer(self, environ: dict[str, Any], request: Request) -> Answer:
        account = self.accounts.get(request.access_key or "", self._account)
        functions = self._functions(account)
        name = request.function.split(":function:")[-1].split(":")[0] if request.function else None
        self.calls.append(Call(request.operation, name, request.access_key, functions.now(), request.region))
        for refusal in self.refusals:
            if refusal.matches(request.operation, name, request.access_key):
                raise refusal.take()
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
        if request.service == "sts":
            return self._forward(environ, request.service)
        _refuse_unreachable(request, account)
        if request.operation.startswith("Invoke"):
            raise AwsError("ServiceException", "The sandbox's Lambda runs no code.", 500)
        return self._lambda(environ, request, functions, name or "")

    def _lambda(self, environ: dict[str, Any], request: Request, functions: Functions, name: str) -> Answer:
        operation, region = request.operation, request.region
        function = functions.find(region, name) if name else None
        if function is not None and operation in _GUARDED:
            state = functions.state(region, name)
            if conflict := state.conflict(function.function_arn):
                raise conflict
            _refuse_old_revision(request, state.revision)
        if operation == "CreateFunction" and function is None:
            functions.require_code(request.parameters.get("Code") or {})
        if operation == "UpdateFunctionCode" and function is not None:
            functions.require_code(request.parameters)
        if operation == "UpdateFunctionConfiguration":
            _put_body(environ, _as_moto_wants(request.parameters))
            role = request.parameters.get("Role")
            if role and not functions.role_exists(role):
                raise AwsError(
                    "InvalidParameterValueException",
                    "The role defined for the function cannot be assumed by Lambda.",
                )
        if operation == "PutFunctionEventInvokeConfig":
            functions.forget_event_invoke_config(region, name)
        if operation == "PutFunctionCodeSigningConfig" and function is not None:
            function.code_signing_config_arn = request.parameters["CodeSigningConfigArn"]
            return json_answer(200, function.get_function_code_signing_config())
        if operation == "DeleteFunctionCodeSigningConfig" and function is not None:
            function.code_signing_config_arn = None
            return json_answer(204, None)
        if operation == "DeleteFunction" and function is not None and self.delete_takes:
            functions.delete_later(region, name, self.delete_takes)
            return json_answer(204, None)
        if operation == "ListFunctions":
            functions.settle_all(region)
        answer = self._forward(environ, request.service)
        return self._lay_over(answer, request, functions, name) if answer.status < 300 else answer

    def _lay_over(self, answer: Answer, request: Request, functions: Functions, name: str) -> Answer:
        """Note what an accepted request changed, and answer with the states laid over."""
        operation, region = request.operation, request.region
        if operation == "DeleteFunction":
            functions.remove(region, name)
            return json_answer(204, None)
        if operation == "CreateFunction":
            pending = functions.phase("Pending", "Creating", CREATING, self.create_takes, "Active")
            functions.created(region, name, request.parameters, pending if self.create_takes else Phase("Active"))
        if operation in _UPDATES:
            self._updated(request, functions, name)
        if answer.status == 204:
            return json_answer(204, None)
        payload = json.loads(answer.body)
        if operation == "ListFunctions":
            listed = [functions.state(region, one["FunctionName"]).lay_over(one) for one in payload["Functions"]]
            return json_answer(answer.status, paged(listed, request.query))
        if operation == "GetFunction":
            payload["Configuration"] = functions.state(region, name).lay_over(payload["Configuration"])
        elif operation == "GetFunctionEventInvokeConfig":
            # AWS always answers with both destinations, empty where none is set.
            destinations = {"OnSuccess": {}, "OnFailure": {}, **payload.get("DestinationConfig", {})}
            payload["DestinationConfig"] = destinations
        elif operation in (*_UPDATES, "CreateFunction", "GetFunctionConfiguration"):
            payload = functions.state(region, name).lay_over(payload)
        return json_answer(answer.status, payload)

    def _updated(self, request: Request, functions: Functions, name: str) -> None:
        state = functions.state(request.region, name)
        state.change(functions.now())
        if request.operation == "UpdateFunctionConfiguration":
            state.keep(request.parameters)
        elif architectures := request.parameters.get("Architectures"):
            functions.set_architectures(request.region, name, architectures)
        state.update = (
            functions.phase("InProgress", "Creating", CREATING, self.update_takes, "Successful")
            if self.update_takes
            else Phase("Successful")
        )

    def _forward(self, environ: dict[str, Any], service: str) -> Answer:
        # The service is known: moto's dispatcher would look for it in a directory of modules, at every request.
        if service not in self._backends:
            self._backends[service] = create_backend_app(service)
        try:
            body, status, headers = run_wsgi_app(self._backends[service], environ, buffered=True)
        except Exception as error:
            # Moto breaks on what AWS refuses, as a parameter of a wrong type; a caller must still get an AWS error.
            raise AwsError("ServiceException", f"moto: {type(error).__name__}: {error}", 500) from error
        replaced = ("content-length", "x-amzn-requestid")
        kept = tuple((key, value) for key, value in headers if key.lower() not in replaced)
        return Answer(int(status.split()[0]), (*kept, ("x-amzn-RequestId", str(uuid.uuid4()))), b"".join(body))


def _refuse_unreachable(request: Request, account: str) -> None:
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
    if owner != account:
        raise AwsError(
            "AccessDeniedException",
            f"User: arn:aws:iam::{account}:user/sandbox is not authorized to perform: lambda:{request.operation} on "
            f"resource: {request.function} because no resource-based policy allows the "
            f"lambda:{request.operation} action",
            403,
        )


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


def _put_body(environ: dict[str, Any], parameters: dict[str, Any]) -> None:
    body = json.dumps(parameters).encode()
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
