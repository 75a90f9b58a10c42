"""Ask AWS at one's pace, and again where it has a bad moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

from remediator.aws.pace import Pace, Place

T = TypeVar("T")

_THROTTLED = (
    "TooManyRequestsException",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestLimitExceeded",
    "SlowDown",
)
_PASSING = (500, 502, 503, 504)
# What ends with the line or the server that was at fault, unlike a file or a profile that is not there.
_NO_ANSWER = (HTTPClientError, NoConnection)


class TooOften(Exception):
    """AWS throttles us in one account and region, and is left alone there for a while."""

    def __init__(self, at: Place) -> None:
        super().__init__(f"AWS throttles our calls in account {at.account}, {at.region}: it is not asked for a minute")


def patiently(pace: Pace, at: Place, attempts: int, ask: Callable[[], T]) -> T:
    """Ask up to so many times: each when it is one's turn, so that no retry is too many.

    Raises what the last attempt did, and TooOften where nobody is to ask there for now.
    """
    left = attempts
    while True:
        if not pace.wait(at):
            raise TooOften(at)
        left -= 1
        try:
            return ask()
        except (ClientError, *_NO_ANSWER) as error:
            if not is_passing(error):
                raise
            if _is_throttled(error):
                pace.slow_down(at)
            if not left:
                raise


def is_passing(error: Exception) -> bool:
    """Whether the same question may be answered in a moment: AWS has a bad one, or the line to it."""
    if isinstance(error, ClientError):
        return _is_throttled(error) or _status(error) in _PASSING
    return isinstance(error, _NO_ANSWER)


def _is_throttled(error: Exception) -> bool:
    return isinstance(error, ClientError) and (
        error.response.get("Error", {}).get("Code") in _THROTTLED or _status(error) == 429
    )


def _status(error: ClientError) -> int | None:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
