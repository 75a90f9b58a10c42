"""Lambda as the controller calls it: through boto3, but with the retries and the error texts of aws-sdk-go-v2."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from remediator.sandbox.ack.errors import LambdaError

_ATTEMPTS = 3
_THROTTLED = ("TooManyRequestsException", "Throttling", "ThrottlingException")


_session_lock = threading.Lock()


@functools.cache
def _session() -> Any:
    """Return one session for the process: it keeps the service models, which take long to read. Hold the lock."""
    return boto3.session.Session()


class LambdaClient:
    """The Lambda of one region, and STS. Raise LambdaError for whatever goes wrong with a call.

    `check` is called before each request; `sleep` waits seconds of the sandbox's clock between attempts.
    """

    def __init__(
        self,
        endpoint: str,
        region: str,
        access_key: str,
        check: Callable[[], None],
        sleep: Callable[[float], None],
    ) -> None:
        # One attempt each: retries are counted and worded here.
        config = Config(
            connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 1}, parameter_validation=False
        )
        who = {"aws_access_key_id": access_key, "aws_secret_access_key": "sandbox", "region_name": region}
        with _session_lock:
            self._lambda: Any = _session().client("lambda", endpoint_url=endpoint, config=config, **who)
            self._sts: Any = _session().client("sts", endpoint_url=endpoint, config=config, **who)
        self._endpoint = endpoint
        self._check = check
        self._sleep = sleep

    def account(self) -> str:
        """Return the account of the controller's identity."""
        account: str = self._call(self._sts, "STS", "GetCallerIdentity", {})["Account"]
        return account

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation of Lambda by its AWS name."""
        return self._call(self._lambda, "Lambda", operation, parameters)

    def close(self) -> None:
        """Close the connections."""
        self._lambda.close()
        self._sts.close()

    def _call(self, client: Any, service: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        methods = {api: method for method, api in client.meta.method_to_api_mapping.items()}
        for attempt in range(1, _ATTEMPTS + 1):
            self._check()
            try:
                answer: dict[str, Any] = getattr(client, methods[operation])(**parameters)
            except ClientError as error:
                if not _retryable(error):
                    raise self._refused(client, service, operation, error, "") from error
                if attempt == _ATTEMPTS:
                    exceeded = f"exceeded maximum number of attempts, {_ATTEMPTS}, "
                    raise self._refused(client, service, operation, error, exceeded) from error
            except BotoCoreError as error:
                if attempt == _ATTEMPTS:
                    text = (
                        f"operation error {service}: {operation}, exceeded maximum number of attempts, {_ATTEMPTS}, "
                        f"https response error StatusCode: 0, RequestID: , request send failed, {error}"
                    )
                    raise LambdaError("", text, text) from error
            else:
                return answer
            self._sleep(0.1 * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    def _refused(self, client: Any, service: str, operation: str, error: ClientError, exceeded: str) -> LambdaError:
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        metadata = error.response["ResponseMetadata"]
        modelled = {shape.name for shape in client.meta.service_model.operation_model(operation).error_shapes}
        summary = f"{code}: {message}" if code in modelled else f"api error {code}: {message}"
        text = (
            f"operation error {service}: {operation}, {exceeded}https response error "
            f"StatusCode: {metadata['HTTPStatusCode']}, RequestID: {metadata.get('RequestId', '')}, {summary}"
        )
        return LambdaError(code, text, summary)


def _retryable(error: ClientError) -> bool:
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status == 429 or status >= 500 or error.response["Error"]["Code"] in _THROTTLED
