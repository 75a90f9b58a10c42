"""What an action would do, as data: anyone can read it, show it, or refuse it before it runs."""

from __future__ import annotations

import hashlib
import shlex
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from remediator.model.finding import FindingName
from remediator.model.live import LiveState
from remediator.model.resource import Ref, Resource

# One operation of an RFC 6902 JSON Patch.
Operation = dict[str, Any]


class ActionName(StrEnum):
    """What the remediator can do to a resource."""

    RESYNC = "Resync"
    RELEASE = "Release"
    CLEAR_FINALIZER = "ClearFinalizer"
    RESTART_CONTROLLER = "RestartController"

    @property
    def destructive(self) -> bool:
        """Whether it cannot be undone: what it ends, an object or the work of a controller, is gone afterwards."""
        return self is not ActionName.RESYNC


class Need(Struct, frozen=True):
    """One thing that an action asks of the world beside the gates, and whether it is so."""

    name: str
    met: bool
    why: str


class Step(Struct, frozen=True):
    """One write. A plan's first is guarded, and fails when the object moved; the others are repeated until done."""

    does: str
    patch: tuple[Operation, ...]


class Verification(StrEnum):
    """How the effect is looked for."""

    HEARTBEAT = "heartbeat"
    DELETION_PROGRESS = "deletion-progress"
    OBJECT_GONE = "object-gone"
    RELEASED = "released"
    CONTROLLER_PASSES = "controller-passes"


def proposal_id(digest: str) -> str:
    """Shorten a digest to what people type: the same situation has the same id, in every process."""
    return f"p-{digest[:10]}"


class Plan(Struct, frozen=True, kw_only=True):
    """An action on one resource as it was observed.

    `proofs` is how many times *gone* must be proven before it, `backup` whether the object is saved first.
    `notes` are consequences that an approver should know of. `live` is what AWS said of it, where anything.
    `witnesses` are other resources, as they were, on which a restarted controller is seen at work.
    """

    action: ActionName
    resource: Resource
    finding: FindingName
    digest: str
    summary: str
    needs: tuple[Need, ...]
    steps: tuple[Step, ...]
    verification: Verification
    proofs: int = 0
    backup: bool = False
    notes: tuple[str, ...] = ()
    live: LiveState | None = None
    witnesses: tuple[Resource, ...] = ()

    @property
    def secrets(self) -> frozenset[str]:
        """Every value that must not be shown, of both sides.

        What AWS says later can quote what it told of the environment before, even where it tells nothing of it then.
        """
        told = self.live.environment.values() if self.live else ()
        return self.resource.secrets | frozenset(value for value in told if value)

    @property
    def target(self) -> Ref:
        return self.resource.ref

    @property
    def proposal_id(self) -> str:
        """A short name for the digest: the same situation has the same id, in every process."""
        return proposal_id(self.digest)

    def kubectl(self) -> tuple[str, ...]:
        """Write the steps as the commands that a person could have typed."""
        where = f"-n {self.target.namespace} --type=json"
        kind = "functions.lambda.services.k8s.aws" if self.resource.is_function else "deployments.apps"
        return tuple(
            f"kubectl patch {kind} {self.target.name} {where} "
            f"-p {shlex.quote(msgspec.json.encode(list(step.patch)).decode())}"
            for step in self.steps
        )


def digest(resource: Resource, finding: FindingName, action: ActionName, live: LiveState) -> str:
    """Fingerprint what a decision rests on: "changed" means another digest.

    No times but deletionTimestamp, no resourceVersion, no heartbeat: those move every 5 s on a Pending function.
    """
    facts = {
        "uid": resource.metadata.uid,
        "generation": resource.metadata.generation,
        "finding": finding.value,
        "action": action.value,
        "arn": resource.arn_text,
        "live": live.kind_of_state,
        "finalizers": sorted(resource.finalizers),
        "deletionTimestamp": resource.metadata.deletion_timestamp,
    }
    return hashlib.sha256(msgspec.json.encode(facts, order="sorted")).hexdigest()


class Proof(Struct, frozen=True):
    """One answer of AWS, and when it was taken, in seconds of a clock that never jumps."""

    live: LiveState
    taken: float


class Evidence(Struct, frozen=True):
    """What is at hand right before the act: the digest that was approved, the proofs, and when the oldest was taken."""

    approved_digest: str
    proofs: tuple[Proof, ...] = ()
    taken: datetime | None = None


class Result(StrEnum):
    """How an action ended. An accepted patch is no success: only a seen effect is."""

    RESOLVED = "resolved"
    STILL_STUCK = "still-stuck"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of one action, in a sentence. `accepted` is when the API server took the first write.

    `orphan` is the ARN of a function that stays in AWS with no object that manages it.
    """

    action: ActionName
    target: Ref
    result: Result
    detail: str
    proposal_id: str = ""
    accepted: datetime | None = None
    backup: str | None = None
    orphan: str = ""
