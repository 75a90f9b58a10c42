"""Everything laid over moto's Lambda in one account: states per function, and the doors to moto's own backends."""

from __future__ import annotations

import copy
import io
import json
import zipfile
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
from remediator.sandbox.aws.lambda_states import CREATING, Before, Course, FunctionState, Phase
from remediator.sandbox.clock import SandboxClock

ROLE = "sandbox-lambda"
CODE_KEY = "function.zip"


# What an update changes of moto's function, and a failed one gives back; the rest (tags, concurrency) is no part of it.
_SETTINGS = (
    "_architectures",
    "_vpc_config",
    "code",
    "code_bytes",
    "code_digest",
    "code_sha_256",
    "code_size",
    "description",
    "environment_vars",
    "handler",
    "layers",
    "memory_size",
    "role",
    "run_time",
    "timeout",
)


class Functions:
    """The functions of one account, in every region. Not thread-safe: its owner holds a lock."""

    def __init__(self, account: str, clock: SandboxClock) -> None:
        self.account = account
        self._clock = clock
        self._states: dict[tuple[str, str], FunctionState] = {}
        self.role_arn = f"arn:aws:iam::{account}:role/{ROLE}"
        # S3 has one name space for all accounts, so the account is part of the name.
        self.bucket = f"sandbox-code-{account}"

    def furnish(self) -> None:
        """Make the account anew, with the execution role and the code object that every function can use.

        Moto's backends are global: what an earlier cloud of this process left is forgotten. S3 stays, because resetting
        it for one account closes the objects of every other. All that is in it is the code.
        """
        self._states.clear()
        for backends in (lambda_backends, iam_backends, sts_backends):
            if self.account in backends:
                backends[self.account].reset()
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
        return self.laid(region, name)

    def laid(self, region: str, name: str) -> FunctionState:
        """Return the same of a function that is there, as it was when last looked for: no transition happens now."""
        return self._states.setdefault((region, name), self._new(Phase("Active")))

    def configuration(self, region: str, name: str) -> dict[str, Any]:
        """Return what GetFunctionConfiguration answers now."""
        state = self.state(region, name)
        function = self._moto_function(region, name)
        assert function is not None
        return state.lay_over(function.get_configuration())

    def create(self, region: str, parameters: dict[str, Any]) -> str:
        """Create a function without a request; return its ARN."""
        function = self._backend(region).create_function(parameters)
        self.created(region, function.function_name, parameters, 0)
        arn: str = function.function_arn
        return arn

    def created(self, region: str, name: str, parameters: dict[str, Any], takes: float) -> None:
        """Note that moto has a new function, which is Pending for a while."""
        pending = (Phase("Pending", "Creating", CREATING, takes),) if takes else ()
        made = self._new(*pending, Phase("Active"))
        made.keep(parameters)
        self._states[(region, name)] = made

    def before_update(self, region: str, name: str) -> Before:
        """Copy what an update may change."""
        settings = vars(self._backend(region).get_function(name))
        return Before(
            {key: copy.copy(settings[key]) for key in _SETTINGS if key in settings}, self.laid(region, name).kept
        )

    def updated(self, region: str, name: str, before: Before, parameters: dict[str, Any], takes: float) -> None:
        """Note that moto took an update, which is InProgress for a while and then ends as it was told to."""
        state = self.laid(region, name)
        end, state.next_failure = state.next_failure or Phase("Successful"), None
        # Where no time passes, the answer to an update that is to fail still has to come before the failure.
        under_way = Phase("InProgress", "Creating", CREATING, takes)
        phases = (under_way, end) if takes or end.value == "Failed" else (end,)
        state.accept(self._clock.now(), before, self.course(phases))
        state.keep(parameters)

    def put_state(self, region: str, name: str, phases: tuple[Phase, ...]) -> None:
        """Let the State of a function take another course from now on."""
        self.state(region, name).put_state(self.course(phases))

    def put_update(self, region: str, name: str, phases: tuple[Phase, ...]) -> None:
        """Let the LastUpdateStatus of a function take another course from now on."""
        self._restore(region, name, self.state(region, name).put_update(self.course(phases)))

    def remove(self, region: str, name: str) -> None:
        """Take the function away, whatever its state."""
        if self._moto_function(region, name) is not None:
            self._backend(region).delete_function(name)
        self._states.pop((region, name), None)

    def all(self, region: str) -> list[LambdaFunction]:
        """Return moto's functions of a region, after the transitions that are due."""
        for other_region, name in list(self._states):
            if other_region == region:
                self._settle(region, name)
        return list(self._backend(region).list_functions())

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
        self.put_state(region, name, (Phase("Deleting", seconds=seconds), Phase("Gone")))

    def course(self, phases: tuple[Phase, ...]) -> Course:
        """Begin a course now. Raise ValueError for one that does not say how long its phases are."""
        return Course(phases, self._clock.monotonic())

    def now(self) -> datetime:
        """Return the sandbox's time."""
        return self._clock.now()

    def _new(self, *phases: Phase) -> FunctionState:
        update = self.course((Phase("Successful"),)) if phases[0].value == "Active" else None
        return FunctionState(self._clock.now(), self.course(phases), update)

    def _settle(self, region: str, name: str) -> None:
        state = self._states.get((region, name))
        if state is None:
            return
        self._restore(region, name, state.settle(self._clock.monotonic()))
        if state.state.now.value == "Gone":
            self.remove(region, name)

    def _restore(self, region: str, name: str, before: Before | None) -> None:
        if before is not None and (function := self._moto_function(region, name)) is not None:
            vars(function).update(before.settings)

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
