"""Everything that ends a command early, and the exit code it ends with.

    RemediatorError            1   the tool could not do its work
    ├── UsageError             2   wrong flags, wrong files, a refused prompt
    │   ├── PolicyError        2   the policy file cannot be used
    │   └── InputError         2   a dump given to `diagnose` cannot be read
    ├── ClusterError           1   the Kubernetes API cannot be used
    │   ├── Unreachable        1   no answer at all
    │   ├── Refused            1   it said no, and did nothing (400, 429 and their like)
    │   │   ├── Unauthorized   1   it does not know us (401)
    │   │   ├── Forbidden      1   it knows us, and refuses (403)
    │   │   └── Unaudited      1   it was never asked: the audit log could not be written before
    │   ├── NotFound           1   the object, or its kind, is not there (404)
    │   │   └── NotServed      1   a 404 that names no object: of nothing it says that it is gone
    │   ├── Changed            1   a precondition failed (409, 422): re-read and decide anew
    │   │   └── Conflicts      1   others own fields that were applied (409)
    │   └── Busy               1   another remediator holds the lock
    ├── CloudError             1   AWS cannot be used at all (no credentials, no region)
    ├── NotSeen                5   not everything could be listed, and what was asked for is not in the rest
    └── NoPlace                1   a backup cannot be kept where it was meant to be: no right, or no such place

Codes that are not errors: 3 findings present, 4 held back, 5 partial, 130 interrupted (see `remediator.cli`).
A resource that cannot be judged is not an error either: it is reported as `Unreadable`.
"""

from __future__ import annotations

__all__ = [
    "Busy",
    "Changed",
    "CloudError",
    "ClusterError",
    "Conflicts",
    "Forbidden",
    "InputError",
    "NoPlace",
    "NotFound",
    "NotSeen",
    "NotServed",
    "PolicyError",
    "Refused",
    "RemediatorError",
    "Unaudited",
    "Unauthorized",
    "Unreachable",
    "UsageError",
]


class RemediatorError(Exception):
    """Say what happened, and what to do next; the text is shown to the user as it is."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(RemediatorError):
    """The command cannot start as it was given."""

    exit_code = 2


class PolicyError(UsageError):
    """The policy file is absent, unreadable, or says something that we do not understand."""


class InputError(UsageError):
    """A dump that was given to `diagnose` is absent or unreadable."""


class ClusterError(RemediatorError):
    """The Kubernetes API refused, or answered what we cannot use."""


class Unreachable(ClusterError):
    """No answer from the API server: name, route, TLS or time-out."""


class Refused(ClusterError):
    """The API server said no before it did anything: nothing was written."""


class Unauthorized(Refused):
    """The API server does not accept our credentials (401)."""


class Forbidden(Refused):
    """The API server refuses the verb (403)."""


class Unaudited(Refused):
    """A write was not sent, because the audit log could not be written before: nothing was written."""


class NotFound(ClusterError):
    """The object or its kind is not there (404)."""


class NotServed(NotFound):
    """A 404 that names no object: the kind is not installed, or another server answers. No object is gone by it."""


class Changed(ClusterError):
    """A precondition of a write failed (409 or 422): nothing was written."""


class Conflicts(Changed):
    """A server-side apply would change what other managers own: nothing was written.

    `fields` are those, each with its owner's name: `("kubectl-edit", ".spec.timeout")`, as the API server writes them.
    """

    def __init__(self, message: str, fields: tuple[tuple[str, str], ...], *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.fields = fields


class Busy(ClusterError):
    """Another remediator holds the lock, and went on holding it for as long as we waited."""


class CloudError(RemediatorError):
    """AWS cannot be asked at all: no credentials, no region, an unusable profile."""


class NotSeen(RemediatorError):
    """Whether a resource is there is not known: not everything could be listed."""

    exit_code = 5


class NoPlace(RemediatorError):
    """Where a backup was meant to be kept we have no right to keep one, or there is no such place."""
