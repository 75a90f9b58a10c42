"""The half of a cloud that decides what becomes of functions."""

from __future__ import annotations

from typing import Any

from remediator.sandbox.aws.functions import CODE_KEY, Functions
from remediator.sandbox.aws.lambda_states import Phase
from remediator.sandbox.aws.layer import Layer


class FunctionScripts:
    """Make, take away and move functions, without a request.

    Every method means the cloud's own `region` and `account` unless told otherwise, counts in seconds of the sandbox's
    clock, and raises LookupError where there is no such function.
    """

    region: str
    account: str
    _layer: Layer

    def create_function(
        self, name: str, *, region: str | None = None, account: str | None = None, **configuration: Any
    ) -> str:
        """Create an Active function; return its ARN.

        `configuration` takes CreateFunction's parameters; role, code, handler and runtime are made where not given.
        """
        with self._layer.lock:
            functions = self._of(account)
            parameters = {
                "FunctionName": name,
                "Role": functions.role_arn,
                "Code": {"S3Bucket": functions.bucket, "S3Key": CODE_KEY},
                "Handler": "app.handler",
                "Runtime": "python3.13",
                **configuration,
            }
            return functions.create(region or self.region, parameters)

    def remove(self, name: str, *, region: str | None = None, account: str | None = None) -> None:
        """Delete a function behind everyone's back; no error if there is none."""
        with self._layer.lock:
            self._of(account).remove(region or self.region, name)

    def configuration(self, name: str, *, region: str | None = None, account: str | None = None) -> dict[str, Any]:
        """Return what GetFunctionConfiguration answers now."""
        with self._layer.lock:
            return self._of(account).configuration(region or self.region, name)

    def set_state(
        self,
        name: str,
        state: str,
        *,
        reason_code: str | None = None,
        reason: str | None = None,
        seconds: float | None = None,
        then: str = "Active",
        region: str | None = None,
        account: str | None = None,
    ) -> None:
        """Put a function in a State: for good, or for `seconds` until it becomes `then`."""
        self.script_state(name, *_two(state, reason_code, reason, seconds, then), region=region, account=account)

    def set_update(
        self,
        name: str,
        status: str,
        *,
        reason_code: str | None = None,
        reason: str | None = None,
        seconds: float | None = None,
        then: str = "Successful",
        region: str | None = None,
        account: str | None = None,
    ) -> None:
        """Give a function a LastUpdateStatus: for good, or for `seconds` until it becomes `then`.

        An update by request that is under way is rolled back as soon as this becomes Failed.
        """
        self.script_update(name, *_two(status, reason_code, reason, seconds, then), region=region, account=account)

    def script_state(self, name: str, *phases: Phase, region: str | None = None, account: str | None = None) -> None:
        """Let the State of a function go through phases, from now on. Raise ValueError if but the last has no end."""
        with self._layer.lock:
            self._of(account).put_state(region or self.region, name, phases)

    def script_update(self, name: str, *phases: Phase, region: str | None = None, account: str | None = None) -> None:
        """Let the LastUpdateStatus of a function go through phases, as `script_state` does State."""
        with self._layer.lock:
            self._of(account).put_update(region or self.region, name, phases)

    def next_update_fails(
        self, name: str, reason_code: str, reason: str, *, region: str | None = None, account: str | None = None
    ) -> None:
        """Let the next update that is accepted fail after `update_takes`, and leave the function as it was before."""
        with self._layer.lock:
            state = self._of(account).state(region or self.region, name)
            state.next_failure = Phase("Failed", reason_code, reason)

    def _of(self, account: str | None) -> Functions:
        return self._layer.accounts.functions(account or self.account)


def _two(
    value: str, reason_code: str | None, reason: str | None, seconds: float | None, then: str
) -> tuple[Phase, ...]:
    first = Phase(value, reason_code, reason, seconds)
    return (first,) if seconds is None else (first, Phase(then))
