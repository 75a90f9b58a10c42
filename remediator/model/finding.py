"""What a diagnosis says."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class FindingName(StrEnum):
    """The names of the catalogue: part of the interface, stable, never reused."""

    NAME_CHANGED = "NameChanged"
    IDENTITY_DRIFT = "IdentityDrift"
    ROLE_UNAVAILABLE = "RoleUnavailable"
    FINALIZER_LEFT = "FinalizerLeft"
    DELETION_IN_PROGRESS = "DeletionInProgress"
    REPLICATED_FUNCTION = "ReplicatedFunction"
    PERMISSION_DENIED = "PermissionDenied"
    DELETION_BACKOFF = "DeletionBackoff"
    DELETION_BLOCKED = "DeletionBlocked"
    DELETION_UNATTENDED = "DeletionUnattended"
    DELETION_UNEXPLAINED = "DeletionUnexplained"
    ALREADY_EXISTS = "AlreadyExists"
    TERMINAL_ERROR = "TerminalError"
    NEVER_RECONCILED = "NeverReconciled"
    REFERENCES_UNRESOLVED = "ReferencesUnresolved"
    CONTROLLER_SILENT = "ControllerSilent"
    CHECKSUM_MISMATCH = "ChecksumMismatch"
    UPDATE_FAILED = "UpdateFailed"
    CREATE_FAILED = "CreateFailed"
    FUNCTION_PENDING = "FunctionPending"
    STALE_PENDING = "StalePending"
    UPDATE_IN_PROGRESS = "UpdateInProgress"
    CONFLICT_BACKOFF = "ConflictBackoff"
    IMAGE_MISSING = "ImageMissing"
    ROLE_NOT_ASSUMABLE = "RoleNotAssumable"
    THROTTLED = "Throttled"
    CONCURRENCY_REFUSED = "ConcurrencyRefused"
    RUNTIME_RETIRED = "RuntimeRetired"
    INVALID_REQUEST = "InvalidRequest"
    ADOPTED_GONE = "AdoptedGone"
    FUNCTION_INACTIVE = "FunctionInactive"
    UNCLASSIFIED_ERROR = "UnclassifiedError"
    NOT_SYNCED_UNEXPLAINED = "NotSyncedUnexplained"
    LOST_UPDATE = "LostUpdate"
    UNREADABLE = "Unreadable"


class State(StrEnum):
    """How a resource stands."""

    STUCK = "stuck"
    WAITING = "waiting"
    UNKNOWN = "unknown"
    ADVISORY = "advisory"
    HEALTHY = "healthy"


class Remedy(StrEnum):
    """What helps now: to wait, a person, or an action of ours."""

    WAIT = "Wait"
    REPORT = "Report"
    RESYNC = "Resync"
    RELEASE = "Release"
    CLEAR_FINALIZER = "ClearFinalizer"
    RESTART_CONTROLLER = "RestartController"


class Finding(Struct, frozen=True, kw_only=True):
    """One diagnosis: a sentence, its evidence, since when, until when to wait, and what helps now.

    `since` is when it was first seen, or earlier where evidence says so. `stuck_at` is when waiting ends;
    `self_heals_at` is when it should have passed by itself, None where nothing says that it will: it can be later than
    `stuck_at`, where ACK's back-off is longer than the trouble should last.
    `also` names the other findings that hold, consequences of this one more often than not. `on_request` is what would
    help, too, and is done only where a person asks for it by name.
    """

    name: FindingName
    state: State
    summary: str
    since: datetime
    remedy: Remedy
    stuck_at: datetime | None = None
    self_heals_at: datetime | None = None
    evidence: dict[str, str] = {}
    also: tuple[FindingName, ...] = ()
    on_request: tuple[Remedy, ...] = ()
