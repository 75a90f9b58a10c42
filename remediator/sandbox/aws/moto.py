"""The door to moto's own web applications."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import run_wsgi_app

from remediator.sandbox.aws.errors import Answer, AwsError

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@cache
def _application(service: str) -> WsgiApp:
    """Give moto's application of a service. It is the same for every cloud: what it keeps, it keeps by account."""
    application: WsgiApp = create_backend_app(service)
    return application


class Moto:
    """Moto's services, one application each; `any_service` finds the one by itself."""

    def __init__(self) -> None:
        self.any_service: WsgiApp = DomainDispatcherApplication(_application)

    def forward(self, environ: dict[str, Any], service: str, account: str) -> Answer:
        """Let moto answer for an account. Raise AwsError where moto breaks."""
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
        # The service is known: moto's dispatcher would look for it in a directory of modules, at every request.
        try:
            body, status, headers = run_wsgi_app(_application(service), environ, buffered=True)
        except Exception as error:
            # Moto breaks on what AWS refuses, as a parameter of a wrong type; a caller must still get an AWS error.
            raise AwsError("ServiceException", f"moto: {type(error).__name__}: {error}", 500) from error
        replaced = ("content-length", "x-amzn-requestid")
        kept = tuple((key, value) for key, value in headers if key.lower() not in replaced)
        code = next((value for key, value in headers if key.lower() == "x-amzn-errortype"), None)
        return Answer(int(status.split()[0]), (*kept, ("x-amzn-RequestId", str(uuid.uuid4()))), b"".join(body), code)


def put_body(environ: dict[str, Any], parameters: dict[str, Any]) -> None:
    """Replace the JSON body of a request."""
    body = json.dumps(parameters).encode()
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
