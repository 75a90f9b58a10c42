"""What is recorded of one resource: its episode, and the word of a person that stands."""

from __future__ import annotations

from msgspec import Struct

from remediator.model.episode import Episode
from remediator.model.resource import Ref
from remediator.model.word import Approval, Rejection, Release


class Record(Struct, frozen=True, kw_only=True):
    """One record. `episode` is None where nothing was noted yet; `phase` is as it was last written, empty where never.

    Of the words at most one is there. Nothing vouches for them: what counts is what the gates say of them.
    """

    name: str
    ref: Ref
    phase: str = ""
    episode: Episode | None = None
    approval: Approval | None = None
    rejection: Rejection | None = None
    release: Release | None = None


def record_name(ref: Ref) -> str:
    """Name the one record of a resource."""
    return f"{ref.kind.lower()}-{ref.uid.lower()}"
