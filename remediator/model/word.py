"""What a person says about a proposal, or about a quarantine, in a `Remediation`'s spec.

One word stands at a time. `at` is the API server's own record of when it was written, never something a user wrote.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

# An approval is for a situation that a person has just looked at.
APPROVAL_LASTS = timedelta(hours=24)
# The API server dates a word by a clock of its own, which may be ahead of ours.
SKEW = timedelta(seconds=5)


class Override(StrEnum):
    """The gates that a person may pass by; never those of identity, proofs, digest or opt-out."""

    BUDGET = "budget"
    BREAKER = "breaker"
    WINDOW = "window"
    COOL_DOWN = "cool-down"
    SIGHTINGS = "sightings"


class Approval(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A person's word for one digest. `nonce` tells it from an earlier one that says the same."""

    approved_by: str
    digest: str
    ticket: str = ""
    override: tuple[Override, ...] = ()
    reason: str = ""
    nonce: str = ""
    at: datetime | None = None

    def covers(self, digest: str, now: datetime) -> bool:
        """Whether it is for this digest, and not older than a day; one without a date covers nothing."""
        if self.at is None or not self.approved_by or not digest:
            return False
        return self.digest == digest and self.at - SKEW <= now < self.at + APPROVAL_LASTS


class Rejection(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A person's word against one digest. It does not expire: it can hold back, and nothing else."""

    rejected_by: str
    digest: str
    reason: str = ""
    at: datetime | None = None

    def covers(self, digest: str) -> bool:
        """Whether it is for this digest."""
        return self.digest == digest


class Release(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A person's word that what is in quarantine may be tried again. `nonce` tells it from an earlier one."""

    requested_by: str
    reason: str = ""
    nonce: str = ""
    at: datetime | None = None
