"""Scripted refusals: what a person without rights, or a server in trouble, would meet."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from remediator.sandbox.api.routing import Target
from remediator.sandbox.api.status import ApiError, details_of, failure, overloaded
from remediator.sandbox.api.users import User

RETRY_SECONDS = 1
"""What 429 and 503 tell clients to wait."""


@dataclass
class Refusal:
    """One scripted refusal; `left` counts down, None means for ever."""

    verb: str
    resource: str
    code: int
    reason: str
    message: str
    left: int | None

    def holds(self, verb: str, resource: str) -> bool:
        """Tell whether this refusal is for that verb (`*`: any) on that resource (`*`: any)."""
        return self.verb in (verb, "*") and self.resource in (resource, "*") and self.left != 0


class Refusals:
    """Remember what is to be refused, and refuse it."""

    def __init__(self) -> None:
        self._script: list[Refusal] = []
        self._without_seat: set[str] = set()
        self._lock = threading.Lock()

    def add(self, refusal: Refusal) -> None:
        """Append to the script. The first entry that holds is the one that answers."""
        with self._lock:
            self._script.append(refusal)

    def unseat(self, user: str) -> None:
        """Have no seat for whatever a user asks, as priority and fairness can."""
        with self._lock:
            self._without_seat.add(user)

    def clear(self) -> None:
        """Forget the script."""
        with self._lock:
            self._script.clear()
            self._without_seat.clear()

    def expect_seat(self, user: User) -> None:
        """Raise 429 for a user without a seat."""
        with self._lock:
            if user.name in self._without_seat:
                raise overloaded()

    def forbids(self, verb: str, resource: str) -> bool:
        """Tell, without counting, whether the verb is refused for want of rights (403)."""
        with self._lock:
            return any(refusal.code == 403 and refusal.holds(verb, resource) for refusal in self._script)

    def check(self, verb: str, target: Target) -> None:
        """Raise the refusal that is scripted for this verb and target, if there is one, and count it."""
        resource = "/".join(part for part in (target.resource.plural, target.subresource) if part)
        with self._lock:
            for refusal in self._script:
                if refusal.holds(verb, resource):
                    if refusal.left is not None:
                        refusal.left -= 1
                    raise _error(refusal, target)


def _error(refusal: Refusal, target: Target) -> ApiError:
    details = details_of(target.resource, target.name)
    if refusal.code in (429, 503):
        details["retryAfterSeconds"] = RETRY_SECONDS
    return failure(refusal.code, refusal.reason, refusal.message, details)
