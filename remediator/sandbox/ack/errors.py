"""How a pass can end other than well. `text` is what ends up as the reason of ResourceSynced.

PassError
├── LambdaError          an AWS call failed; retried with back-off
├── RequeueAfter         wait a fixed time, then look again
├── FunctionNotFound     Lambda has no such function
├── PassFailed           anything else; retried with back-off
└── TerminalState        not retried until the spec changes

Panicked stands apart: nothing of the pass is kept, it is only tried again.
"""

from __future__ import annotations


class PassError(Exception):
    """A pass did not end well."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    @property
    def summary(self) -> str:
        """Return the message of ACK.Recoverable."""
        return self.text


class LambdaError(PassError):
    """An AWS call failed, worded as aws-sdk-go-v2 words it."""

    def __init__(self, code: str, text: str, summary: str) -> None:
        super().__init__(text)
        self.code = code
        self._summary = summary

    @property
    def summary(self) -> str:
        """Return the API error alone, without operation, status and request id."""
        return self._summary


class RequeueAfter(PassError):
    """Look again after a fixed time in seconds of the clock; the back-off starts anew."""

    def __init__(self, text: str, seconds: float) -> None:
        super().__init__(text)
        self.seconds = seconds


class FunctionNotFound(PassError):
    """Lambda has no such function."""

    def __init__(self) -> None:
        super().__init__("resource not found")


class PassFailed(PassError):
    """Something else went wrong."""


class TerminalState(PassError):
    """The resource is in a terminal condition."""

    def __init__(self) -> None:
        super().__init__("resource is in terminal condition")


class Panicked(Exception):
    """The real controller crashes here, and its framework recovers: no status is written, the back-off goes on."""
