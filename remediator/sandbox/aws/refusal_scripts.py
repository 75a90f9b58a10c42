"""The half of a cloud that decides which calls are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict, Unpack

from remediator.sandbox.aws.errors import USUAL_STATUS, AwsError
from remediator.sandbox.aws.layer import Layer
from remediator.sandbox.aws.refusals import EVERY, Hang, Refusal
from remediator.sandbox.aws.wording import Asked, busy, denied, expired, function_arn, throttled, unrecognized


class Which(TypedDict, total=False):
    """Which calls of an operation are meant: all, unless narrowed.

    `name` is of the function; `access_key` and `account` are the caller's. `after` calls are let through first, then
    `times` are taken, or all until `allow`.
    """

    name: str | None
    access_key: str | None
    account: str | None
    times: int | None
    after: int


class RefusalScripts:
    """Refuse calls of Lambda and STS, by operation (`*` is every one); the refusal scripted first wins."""

    _layer: Layer

    def refuse(
        self, operation: str, code: str, message: str, *, status: int | None = None, **which: Unpack[Which]
    ) -> None:
        """Refuse with any error. `status` is the HTTP one; without it, the one that AWS uses with `code`, else 400."""
        error = AwsError(code, message, status or USUAL_STATUS.get(code, 400))
        self._add(operation, lambda asked: error, which)

    def deny(self, operation: str, *, explicit: bool = False, **which: Unpack[Which]) -> None:
        """Refuse as IAM does, with caller, action and resource; for an explicit Deny, or because nothing allows it."""
        self._add(operation, lambda asked: denied(asked, explicit=explicit), which)

    def throttle(
        self,
        operation: str,
        *,
        reason: str | None = "CallerRateLimitExceeded",
        retry_after: int | None = None,
        **which: Unpack[Which],
    ) -> None:
        """Refuse as too frequent: with a reason as TooManyRequestsException, with None as ThrottlingException.

        `retry_after` is in seconds, as in the header Retry-After.
        """
        self._add(operation, lambda asked: throttled(asked, reason=reason, retry_after=retry_after), which)

    def conflict(self, operation: str, *, state: str | None = None, **which: Unpack[Which]) -> None:
        """Refuse with the 409 of a function in a State that takes no write, or without one, of an update under way."""

        def outcome(asked: Asked) -> AwsError:
            return busy(function_arn(asked.region, asked.account, asked.function or ""), state)

        self._add(operation, outcome, which)

    def fail(self, operation: str, *, status: int = 500, **which: Unpack[Which]) -> None:
        """Refuse as a service that is broken does."""
        said = "An error occurred and the request cannot be processed."
        self.refuse(operation, "ServiceException", said, status=status, **which)

    def hang(self, operation: str, **which: Unpack[Which]) -> Hang:
        """Leave calls without an answer until they are released, by what this returns or by `allow`.

        When the cloud stops, their connections are closed.
        """
        hang = Hang()
        self._add(operation, hang, which)
        return hang

    def expire(self, access_key: str) -> None:
        """Refuse every call of an access key as one whose session is over."""
        self._add(EVERY, lambda asked: expired(asked.service), {"access_key": access_key})

    def disown(self, access_key: str) -> None:
        """Refuse every call of an access key as one that AWS does not know."""
        self._add(EVERY, lambda asked: unrecognized(asked.service), {"access_key": access_key})

    def allow(self) -> None:
        """Forget every refusal, and release every call that hangs."""
        with self._layer.lock:
            self._layer.refusals.clear()

    def _add(self, operation: str, outcome: Callable[[Asked], AwsError] | Hang, which: Which) -> None:
        refusal = Refusal(
            operation,
            outcome,
            function=which.get("name"),
            access_key=which.get("access_key"),
            account=which.get("account"),
            times=which.get("times"),
            after=which.get("after", 0),
        )
        with self._layer.lock:
            self._layer.refusals.add(refusal)
