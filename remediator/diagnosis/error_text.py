"""Read what the controller complained of. Exception classes are not enough: one class covers busy and refused.

A text names one cause: the first row of the table that matches. Rows are fragments to be found in it, not expressions:
the texts are others', and can be a megabyte long.
"""

from __future__ import annotations

import re
from enum import StrEnum

from msgspec import Struct


class ErrorKind(StrEnum):
    """What an error text says is the matter."""

    KUBERNETES_CONFLICT = "a write of the controller was outdated"
    NO_ROLE = "the controller has no role to assume"
    PENDING = "the function is Pending"
    BUSY = "AWS is busy with the function"
    FAILED_STATE = "the function is Failed"
    ALREADY_EXISTS = "it exists already"
    REPLICATED = "CloudFront has replicas"
    IMAGE_MISSING = "the image is missing"
    ROLE_NOT_ASSUMABLE = "Lambda cannot assume the role"
    DENIED = "a permission is missing"
    THROTTLED = "AWS throttles"
    CONCURRENCY = "the account's concurrency does not allow for it"
    RUNTIME = "the runtime is not supported"
    CODE_STORAGE = "the account's code storage is full"
    PRECONDITION = "somebody else changed the function"
    IN_USE = "the event source mapping is in use"
    NOT_READY = "the function is not ready"
    INVALID = "the request is invalid"
    SERVICE = "Lambda failed internally"


class _Row(Struct, frozen=True):
    """One kind, and the fragments by which it is known: all of one group must be there. Lower case."""

    kind: ErrorKind
    groups: tuple[tuple[str, ...], ...]


def _row(kind: ErrorKind, *groups: str | tuple[str, ...]) -> _Row:
    return _Row(kind, tuple((each,) if isinstance(each, str) else each for each in groups))


TABLE: tuple[_Row, ...] = (
    # Not AWS at all, though it is a 409, too (community#1103).
    _row(ErrorKind.KUBERNETES_CONFLICT, "the object has been modified", "please apply your changes to the latest"),
    _row(ErrorKind.NO_ROLE, "retrieving role arn for account/team id", "iam role is not available"),
    # The controller's own words: it looks again every 5 s then. AWS's 409 about the same state is an error, with a
    # growing back-off.
    _row(ErrorKind.PENDING, "function in 'pending' state"),
    _row(
        ErrorKind.BUSY,
        "update is in progress",
        "following state: 'pending",
        "following state: pending",
        "following state: 'deleting",
        "following state: deleting",
        "concurrent requests",
        "function in 'deleting' state",
    ),
    _row(ErrorKind.FAILED_STATE, "following state: 'failed", "following state: failed"),
    _row(
        ErrorKind.ALREADY_EXISTS,
        ("conflict", "already exist"),
        ("statuscode: 409", "already exist"),
        "mapping already exists",
    ),
    _row(ErrorKind.REPLICATED, "replicated function"),
    _row(ErrorKind.IMAGE_MISSING, "source image does not exist", "provide a valid source image"),
    _row(ErrorKind.ROLE_NOT_ASSUMABLE, "cannot be assumed by lambda"),
    _row(ErrorKind.DENIED, "accessdenied", "not authorized"),
    _row(ErrorKind.THROTTLED, "toomanyrequests", "throttling", "throttled", "rate exceeded", "requestlimitexceeded"),
    _row(ErrorKind.CONCURRENCY, "unreservedconcurrentexecution"),
    _row(
        ErrorKind.RUNTIME,
        ("invalidparametervalue", "the runtime parameter of"),
        ("invalidparametervalue", "at 'runtime' failed"),
    ),
    _row(ErrorKind.CODE_STORAGE, "codestorageexceeded"),
    _row(ErrorKind.PRECONDITION, "preconditionfailed"),
    _row(
        ErrorKind.IN_USE,
        "resourceinuse",
        "cannot update the event source mapping because it is",
        "cannot delete the event source mapping because it is",
    ),
    _row(ErrorKind.NOT_READY, "resourcenotready"),
    _row(
        ErrorKind.INVALID,
        "invalidparametervalue",
        "validationexception",
        "validation error(s) found",
        "missing required field",
    ),
    _row(ErrorKind.SERVICE, "serviceexception"),
)

# What is known of texts that no finding of their own is made of, and of those that speak of something that is over.
_HINTS = {
    ErrorKind.PENDING: "AWS was busy with the function then",
    ErrorKind.BUSY: "AWS was busy with the function then",
    ErrorKind.KUBERNETES_CONFLICT: "this is Kubernetes' own 409, not AWS's: somebody wrote to the object in between, "
    "and the controller reads it again",
    ErrorKind.FAILED_STATE: "waiting does not cure it: the function itself has to be brought up first",
    ErrorKind.ALREADY_EXISTS: "waiting does not cure it: find out whose the existing one is",
    ErrorKind.CODE_STORAGE: "waiting does not cure it: delete versions that nobody uses, or have the quota raised",
    ErrorKind.PRECONDITION: "somebody else changes the function at the same time: find out who",
    ErrorKind.IN_USE: "AWS is at work on the event source mapping: it passes",
    ErrorKind.NOT_READY: "the function is being brought back after idling: it passes",
    ErrorKind.SERVICE: "Lambda failed on its side: it mostly passes",
    ErrorKind.THROTTLED: "AWS throttles the controller: it passes when fewer ask at a time",
}

# Those of them that ACK's retries never get over.
_LASTING = (ErrorKind.FAILED_STATE, ErrorKind.ALREADY_EXISTS, ErrorKind.CODE_STORAGE, ErrorKind.PRECONDITION)

_DENIED_DETAIL = re.compile(r" is not authorized to perform:\s*(?P<action>[\w:*]+)")
_OPERATION = re.compile(r"operation error Lambda: (?P<operation>\w+)")
_NO_ROLE = re.compile(r'account/team ID "(?P<key>[^"]{1,200})" from "(?P<map>[^"]{1,200})" configmap')
_MINIMUM = re.compile(r"minimum value of \[?(?P<minimum>[0-9]{1,9})")
_STATE_REASON = re.compile(r"StateReasonCode: '?(?P<code>[\w.]{1,100})")
_RUNTIME = re.compile(
    r"runtime parameter of (?P<parameter>[^\s]{1,100})|Value '?(?P<value>[^\s']{1,100})'? at 'runtime'"
)
_FIELDS = re.compile(r"missing required field, ([\w.\[\]]{1,300})|' at '([^'\n]{1,300})' failed to satisfy")
_MOST_FIELDS = 5


def kind_of(text: str) -> ErrorKind | None:
    """Say what a text is about; None where no row of the table knows it."""
    said = text.lower()
    return next(
        (row.kind for row in TABLE if any(all(part in said for part in group) for group in row.groups)),
        None,
    )


def hint_of(text: str) -> str:
    """Say what is known of a text that has no finding of its own; empty where nothing is."""
    kind = kind_of(text)
    return _HINTS.get(kind, "") if kind else ""


def may_pass(text: str) -> bool:
    """Whether another try may succeed, as far as is known; of an unknown text it is hoped."""
    return kind_of(text) not in _LASTING


def is_busy(text: str) -> bool:
    """Whether AWS said: not now (409 while Pending, Deleting or InProgress). `Failed` in a 409 is not busy."""
    return kind_of(text) in (ErrorKind.BUSY, ErrorKind.PENDING)


def who_may_not_what(text: str) -> dict[str, str]:
    """Name the principal and the action of a refusal, as far as the text does."""
    found = _DENIED_DETAIL.search(text)
    # Looked for backwards: a pattern that began at each `User:` would take hours on a megabyte of them.
    principal = text[: found.start()].rpartition("User:")[2].split() if found and "User:" in text else []
    if found and len(principal) == 1:
        return {"principal": principal[0], "action": found["action"]}
    operation = _OPERATION.search(text)
    return {"action": f"lambda:{operation['operation']}"} if operation else {}


def which_map(text: str) -> dict[str, str]:
    """Name the ConfigMap that lacks a role, and the key that it lacks it for."""
    found = _NO_ROLE.search(text)
    return {"map": found["map"], "key": found["key"]} if found else {}


def unreserved_minimum(text: str) -> str:
    """Read how much of an account's concurrency must stay unreserved; empty where the text does not say."""
    found = _MINIMUM.search(text)
    return found["minimum"] if found else ""


def state_reason_code(text: str) -> str:
    """Read the reason code that a 409 quotes; empty where it quotes none."""
    found = _STATE_REASON.search(text)
    return found["code"] if found else ""


def runtime_of(text: str) -> str:
    """Read which runtime was refused; empty where the text does not say."""
    found = _RUNTIME.search(text)
    return (found["parameter"] or found["value"]) if found else ""


def field_paths(text: str) -> tuple[str, ...]:
    """Name the fields that a request was refused for, the first few of them."""
    found = (first or second for first, second in _FIELDS.findall(text))
    return tuple(dict.fromkeys(each.strip(".") for each in found if each.strip(".")))[:_MOST_FIELDS]
