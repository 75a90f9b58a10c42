"""Scripted refusals: which calls AWS shall refuse or leave unanswered, how, and how often."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from remediator.sandbox.aws.errors import AwsError
from remediator.sandbox.aws.wording import Asked

EVERY = "*"


class Hang:
    """Calls that get no answer until they are released; each then goes on as if it had only been slow."""

    def __init__(self) -> None:
        self._released = threading.Event()

    def release(self) -> None:
        """Let go of every call that waits, and of those to come."""
        self._released.set()

    def wait(self) -> None:
        """Wait to be released."""
        self._released.wait()


@dataclass(slots=True)
class Refusal:
    """A refusal of one operation (or of `*`), narrowed to a function, access key or account where these are given.

    `outcome` makes the error, or holds the call. `after` calls are let through first; then `times` counts down, None
    refuses for ever.
    """

    operation: str
    outcome: Callable[[Asked], AwsError] | Hang
    function: str | None = None
    access_key: str | None = None
    account: str | None = None
    times: int | None = None
    after: int = 0

    def takes(self, asked: Asked) -> bool:
        """Tell whether this refusal is for such a call, and count it."""
        if (
            self.times == 0
            or self.operation not in (EVERY, asked.operation)
            or self.function not in (None, asked.function)
            or self.access_key not in (None, asked.access_key)
            or self.account not in (None, asked.account)
        ):
            return False
        if self.after:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Refusals:
    """Every refusal that is scripted, in order. Not thread-safe: its owner holds a lock."""

    def __init__(self) -> None:
        self._scripted: list[Refusal] = []

    def add(self, refusal: Refusal) -> None:
        """Script one more, to be tried after the others."""
        self._scripted.append(refusal)

    def take(self, asked: Asked) -> AwsError | Hang | None:
        """Return what becomes of a call by the first refusal that takes it; None if none does."""
        for refusal in self._scripted:
            if refusal.takes(asked):
                return refusal.outcome if isinstance(refusal.outcome, Hang) else refusal.outcome(asked)
        return None

    def clear(self) -> None:
        """Forget them all, and release every call that hangs."""
        for refusal in self._scripted:
            if isinstance(refusal.outcome, Hang):
                refusal.outcome.release()
        self._scripted.clear()
