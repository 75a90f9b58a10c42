"""Scripted refusals: which calls AWS shall refuse, how, and how often."""

from __future__ import annotations

from dataclasses import dataclass

from remediator.sandbox.aws.errors import AwsError


@dataclass(slots=True)
class Refusal:
    """A refusal of one operation, narrowed to a function or an access key where these are given.

    `times` counts down; None refuses for ever.
    """

    operation: str
    error: AwsError
    function: str | None = None
    access_key: str | None = None
    times: int | None = None

    def matches(self, operation: str, function: str | None, access_key: str | None) -> bool:
        """Tell whether this refusal is for such a call, and is not used up."""
        return (
            self.times != 0
            and self.operation == operation
            and self.function in (None, function)
            and self.access_key in (None, access_key)
        )

    def take(self) -> AwsError:
        """Use the refusal once."""
        if self.times is not None:
            self.times -= 1
        return self.error
