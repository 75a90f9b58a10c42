"""The cloud's WSGI application: logs every call, refuses or holds what is scripted, lets the rest be answered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from werkzeug.http import HTTP_STATUS_CODES

from remediator.sandbox.aws import tagging
from remediator.sandbox.aws.accounts import Accounts
from remediator.sandbox.aws.behaviour import Behaviour
from remediator.sandbox.aws.calls import Call, Request, read_request
from remediator.sandbox.aws.errors import Answer, AwsError, error_answer
from remediator.sandbox.aws.identities import Identities
from remediator.sandbox.aws.lambda_service import LambdaService
from remediator.sandbox.aws.moto import Moto
from remediator.sandbox.aws.refusals import Hang, Refusals
from remediator.sandbox.aws.wording import Asked, function_arn, wrong_scope


class Layer:
    """Stand before moto. Whoever reads or changes what it holds takes `lock`.

    Its services answer one at a time, so that no state changes under a request; what makes a request wait, latency or
    a hang, is outside of that.
    """

    def __init__(
        self, accounts: Accounts, identities: Identities, behaviour: Behaviour, now: Callable[[], datetime]
    ) -> None:
        self.lock = threading.RLock()
        self.accounts = accounts
        self.identities = identities
        self.refusals = Refusals()
        self.calls: list[Call] = []
        self._behaviour = behaviour
        self._now = now
        self._moto = Moto()
        self._lambda = LambdaService(self._moto, behaviour)
        self._closing = threading.Event()

    def open(self) -> None:
        """Begin to answer."""
        self._closing.clear()

    def close(self) -> None:
        """Break off every call that waits."""
        self._closing.set()
        with self.lock:
            self.refusals.clear()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        request = read_request(environ)
        if request is None:
            return self._moto.any_service(environ, start_response)
        with self.lock:
            asked = self._asked(request)
            index = len(self.calls)
            self.calls.append(
                Call(asked.operation, asked.function, asked.access_key, self._now(), asked.region, asked.account)
            )
            outcome = self._refuse_identity(request) or self.refusals.take(asked)
        self._closing.wait(self._behaviour.latency)
        if isinstance(outcome, Hang):
            outcome.wait()
        if self._closing.is_set():
            raise ConnectionAbortedError("the cloud stopped before it answered")
        with self.lock:
            try:
                if isinstance(outcome, AwsError):
                    raise outcome
                answer = self._answer(environ, request, asked)
            except AwsError as error:
                answer = error_answer(request.service, error)
            self.calls[index] = replace(self.calls[index], status=answer.status, error_code=answer.error_code)
        status = f"{answer.status} {HTTP_STATUS_CODES.get(answer.status, 'Unknown')}"
        start_response(status, [*answer.headers, ("Content-Length", str(len(answer.body)))])
        return [answer.body]

    def _asked(self, request: Request) -> Asked:
        caller = self.identities.of(request.access_key)
        name, on = request.name, "*"
        if name is not None:
            by_arn = request.function is not None and request.function.startswith("arn:")
            on = str(request.function) if by_arn else function_arn(request.region, caller.account, name)
        elif request.operation == "AssumeRole":
            on = str(request.parameters.get("RoleArn"))
        return Asked(
            service=request.service,
            operation=request.operation,
            function=name,
            access_key=request.access_key,
            account=caller.account,
            region=request.region,
            caller=caller.arn,
            on=on,
        )

    def _refuse_identity(self, request: Request) -> AwsError | None:
        if self._behaviour.endpoint_region not in (None, request.region):
            return wrong_scope(request.service)
        try:
            self.identities.check(request)
        except AwsError as error:
            return error
        return None

    def _answer(self, environ: dict[str, Any], request: Request, asked: Asked) -> Answer:
        if request.service == "sts":
            answer = self.identities.answer(request, asked)
            return answer or self._moto.forward(environ, request.service, asked.account)
        if request.service == "tagging":
            return tagging.answer(request, self.accounts.functions(asked.account))
        return self._lambda.answer(environ, request, asked, self.accounts.functions(asked.account))
