"""Everything laid over moto's Lambda in one account: states per function, and the doors to moto's own backends."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from datetime import datetime
from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.models import LambdaBackend, LambdaFunction, lambda_backends
from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends
from moto.s3.exceptions import MissingBucket
from moto.s3.models import s3_backends
from moto.sts.models import sts_backends

from remediator.sandbox.aws.errors import AwsError
from remediator.sandbox.aws.lambda_states import FunctionState, Phase
from remediator.sandbox.clock import SandboxClock

ROLE = "sandbox-lambda"
CODE_KEY = "function.zip"


class Functions:
    """The functions of one account, in every region. Not thread-safe: its owner holds a lock."""

    def __init__(self, account: str, clock: SandboxClock) -> None:
        self.account = account
        self._clock = clock
        self._states: dict[tuple[str, str], FunctionState] = {}
        self.role_arn = f"arn:aws:iam::{account}:role/{ROLE}"
        # S3 has one name space for all accounts, so the account is part of the name.
        self.bucket = f"sandbox-code-{account}"

    def reset(self) -> None:
        """Forget what an earlier cloud of this process left in the account; moto's backends are global.

        S3 stays: resetting it for one account closes the objects of every other. All that is in it is the code.
        """
        self._states.clear()
        for backends in (lambda_backends, iam_backends, sts_backends):
            if self.account in backends:
                backends[self.account].reset()

    def furnish(self) -> None:
        """Make the execution role and the code object that every function of the sandbox can use."""
        trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}]}
        iam_backends[self.account]["aws"].create_role(ROLE, json.dumps(trust), "/", None, "", [], None)
        s3 = s3_backends[self.account]["aws"]
        if self.bucket not in s3.buckets:
            s3.create_bucket(self.bucket, "us-east-1")
        s3.put_object(self.bucket, CODE_KEY, code_archive())

    def role_exists(self, arn: str) -> bool:
        """Tell whether IAM has the role."""
        try:
            iam_backends[self.account]["aws"].get_role_by_arn(arn)
        except NotFoundException:
            return False
        return True

    def require_code(self, code: dict[str, Any]) -> None:
        """Raise AwsError as Lambda does when the S3 object of a function is not there; moto takes a missing key."""
        bucket, key = code.get("S3Bucket"), code.get("S3Key")
        if not bucket or not key:
            return
        try:
            found = s3_backends[self.account]["aws"].get_object(bucket, key)
        except MissingBucket:
            raise _no_code("NoSuchBucket", "The specified bucket does not exist") from None
        if found is None:
            raise _no_code("NoSuchKey", "The specified key does not exist.")

    def find(self, region: str, name: str) -> LambdaFunction | None:
        """Return moto's function, after the transitions that are due; None if there is none of that name."""
        self._settle(region, name)
        return self._moto_function(region, name)

    def state(self, region: str, name: str) -> FunctionState:
        """Return what is laid over the function, to be read or changed. Raise LookupError without a function."""
        if self.find(region, name) is None:
            raise LookupError(f"no function {name} in {region} of account {self.account}")
        return self._states.setdefault((region, name), FunctionState(self._clock.now()))

    def configuration(self, region: str, name: str) -> dict[str, Any]:
        """Return what GetFunctionConfiguration answers now."""
        state = self.state(region, name)
        function = self._moto_function(region, name)
        assert function is not None
        return state.lay_over(function.get_configuration())

    def create(self, region: str, parameters: dict[str, Any]) -> str:
        """Create a function without a request; return its ARN."""
        function = self._backend(region).create_function(parameters)
        self.created(region, function.function_name, parameters, Phase("Active"))
        arn: str = function.function_arn
        return arn

    def created(self, region: str, name: str, parameters: dict[str, Any], state: Phase) -> None:
        """Note that moto has a new function."""
        made = FunctionState(self._clock.now(), state=state)
        made.keep(parameters)
        self._states[(region, name)] = made

    def remove(self, region: str, name: str) -> None:
        """Take the function away, whatever its state."""
        if self._moto_function(region, name) is not None:
            self._backend(region).delete_function(name)
        self._states.pop((region, name), None)

    def forget_event_invoke_config(self, region: str, name: str) -> None:
        """Make room for the next PutFunctionEventInvokeConfig: moto appends to a list and answers with its first."""
        if (function := self._moto_function(region, name)) is not None:
            function.event_invoke_config = []

    def set_architectures(self, region: str, name: str, architectures: list[str]) -> None:
        """Set what UpdateFunctionCode may change and moto ignores."""
        if (function := self._moto_function(region, name)) is not None:
            function.architectures = architectures

    def delete_later(self, region: str, name: str, seconds: float) -> None:
        """Put the function in State Deleting; it is gone after `seconds` of the clock."""
        state = self.state(region, name)
        state.state = Phase("Deleting", until=self._clock.monotonic() + seconds, then="Gone")
        state.change(self._clock.now())

    def settle_all(self, region: str) -> None:
        """Let everything that is due in a region happen."""
        for other_region, name in list(self._states):
            if other_region == region:
                self._settle(region, name)

    def phase(self, value: str, reason_code: str | None, reason: str | None, seconds: float | None, then: str) -> Phase:
        """Build a phase that starts now."""
        timed = Phase(value, reason_code, reason)
        return timed if seconds is None else replace(timed, until=self._clock.monotonic() + seconds, then=then)

    def now(self) -> datetime:
        """Return the sandbox's time."""
        return self._clock.now()

    def _settle(self, region: str, name: str) -> None:
        state = self._states.get((region, name))
        if state is None:
            return
        state.settle(self._clock.monotonic())
        if state.state.value == "Gone":
            self.remove(region, name)

    def _backend(self, region: str) -> LambdaBackend:
        return lambda_backends[self.account][region]

    def _moto_function(self, region: str, name: str) -> LambdaFunction | None:
        try:
            return self._backend(region).get_function(name)
        except UnknownFunctionException:
            return None


def _no_code(code: str, message: str) -> AwsError:
    return AwsError(
        "InvalidParameterValueException",
        f"Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}",
    )


def code_archive() -> bytes:
    """Make a zip archive with a handler in it, the same bytes each time: its checksum must not depend on the hour."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        member = zipfile.ZipInfo("app.py", date_time=(2026, 1, 1, 0, 0, 0))
        archive.writestr(member, "def handler(event, context):\n    return event\n")
    return buffer.getvalue()


def paged(functions: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
    """Cut a list of functions into AWS's pages (50 at most); the marker is where the next one starts."""
    size = min(int(query.get("MaxItems", 50)), 50)
    start = int(query.get("Marker", 0))
    page: dict[str, Any] = {"Functions": functions[start : start + size]}
    if start + size < len(functions):
        page["NextMarker"] = str(start + size)
    return page
