"""What AWS answers about one function, or one resource of another kind."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

# States of a function, and of an event source mapping, that pass by themselves (AWS Lambda API reference).
_BUSY = frozenset({"Pending", "Deleting", "Creating", "Enabling", "Disabling", "Updating"})


class Presence(StrEnum):
    """Whether it exists. Any doubt is `unreadable`, and unreadable is never gone."""

    PRESENT = "present"
    GONE = "gone"
    UNREADABLE = "unreadable"


class Vouched(StrEnum):
    """How well a *gone* is proven: by ARN and name, identity verified; or by an error code in a dump alone."""

    PROVEN = "proven"
    UNPROVEN = "unproven"


class LiveState(Struct, frozen=True, kw_only=True):
    """One answer of Lambda, or why there is none.

    `why` says, for unreadable, which call was refused, to which identity, and how; for an unproven *gone*, what is
    missing. `passing`: it is unreadable for now, and the same question may be answered in a moment. `environment` holds
    secrets: masked in every text, part of no report. `configuration` is what ACK compares (`settings.from_answer`);
    `image_uri` is None where the call that was used does not tell it.
    """

    presence: Presence
    why: str = ""
    passing: bool = False
    vouched: Vouched = Vouched.UNPROVEN
    at: datetime | None = None
    identity: str | None = None
    account: str | None = None
    region: str | None = None
    arn: str | None = None
    state: str | None = None
    state_reason: str | None = None
    state_reason_code: str | None = None
    last_update_status: str | None = None
    last_update_status_reason: str | None = None
    last_update_status_reason_code: str | None = None
    last_modified: datetime | None = None
    revision_id: str | None = None
    code_sha256: str | None = None
    package_type: str | None = None
    in_vpc: bool = False
    snap_start: bool = False
    image_uri: str | None = None
    configuration: tuple[tuple[str, str], ...] = ()
    environment: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"LiveState({self.kind_of_state})"

    @property
    def present(self) -> bool:
        return self.presence is Presence.PRESENT

    @property
    def gone(self) -> bool:
        return self.presence is Presence.GONE

    @property
    def proven_gone(self) -> bool:
        return self.gone and self.vouched is Vouched.PROVEN

    @property
    def busy(self) -> bool:
        """Whether AWS is still working on it: nothing that we make the controller do can succeed now."""
        return self.state in _BUSY or self.last_update_status == "InProgress"

    @property
    def kind_of_state(self) -> str:
        """The class that a digest is made of: it moves when AWS's answer changes in kind, never with a time."""
        if self.present and self.state is None and self.last_update_status is None:
            return self.presence.value  # a kind without states
        if self.present:
            return f"{self.state}/{self.last_update_status}"
        return self.presence.value


def unreadable(
    why: str, *, at: datetime | None = None, identity: str | None = None, passing: bool = False
) -> LiveState:
    """Build the answer for any doubt."""
    return LiveState(presence=Presence.UNREADABLE, why=why, passing=passing, at=at, identity=identity)
