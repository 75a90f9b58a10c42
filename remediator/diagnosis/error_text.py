"""Read what the controller complained of. Exception classes are not enough: one class covers busy and refused."""

from __future__ import annotations

import re

_BUSY = re.compile(
    r"update is in progress|following state: '?(Pending|Deleting)|concurrent requests"
    r"|function in '(Pending|Deleting)' state",
    re.IGNORECASE,
)
_PENDING = re.compile(r"function in 'Pending' state", re.IGNORECASE)
_DENIED = re.compile(r"AccessDenied|not authorized", re.IGNORECASE)
_DENIED_DETAIL = re.compile(r" is not authorized to perform:\s*(?P<action>[\w:*]+)")
_OPERATION = re.compile(r"operation error Lambda: (?P<operation>\w+)")


def is_busy(text: str) -> bool:
    """Whether AWS said: not now (409 while Pending, Deleting or InProgress). `Failed` in a 409 is not busy."""
    return bool(_BUSY.search(text))


def says_pending(text: str) -> bool:
    """Whether the text is the controller's own `function in 'Pending' state, cannot be modified or deleted`.

    It looks again every 5 s then. AWS's 409 about the same state is an error, with a growing back-off.
    """
    return bool(_PENDING.search(text))


def is_denied(text: str) -> bool:
    """Whether AWS refused for want of a permission. Lambda's own message can be empty (community#1886)."""
    return bool(_DENIED.search(text))


def who_may_not_what(text: str) -> dict[str, str]:
    """Name the principal and the action of a refusal, as far as the text does."""
    found = _DENIED_DETAIL.search(text)
    # Looked for backwards: a pattern that began at each `User:` would take hours on a megabyte of them.
    principal = text[: found.start()].rpartition("User:")[2].split() if found and "User:" in text else []
    if found and len(principal) == 1:
        return {"principal": principal[0], "action": found["action"]}
    operation = _OPERATION.search(text)
    return {"action": f"lambda:{operation['operation']}"} if operation else {}
