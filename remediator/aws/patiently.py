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
        except ClientError as error:
            if _is_throttled(error):
                pace.slow_down(at)
            elif _status(error) not in _PASSING:
                raise
            if not left:
                raise
        except (HTTPClientError, NoConnection):
            if not left:
                raise


def _is_throttled(error: ClientError) -> bool:
    return error.response.get("Error", {}).get("Code") in _THROTTLED or _status(error) == 429


def _status(error: ClientError) -> int | None:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
