"""What is wrong with the cluster as a whole, rather than with one resource."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from remediator.model.finding import State


class ClusterFindingName(StrEnum):
    """The names of the cluster-wide findings: part of the interface, stable, never reused."""

    CONTROLLER_DOWN = "ControllerDown"
    CRD_DELETING = "CrdDeleting"
    NAMESPACE_TERMINATING = "NamespaceTerminating"
    MASS_CHANGE = "MassChange"
    CONTROLLER_VERSION = "ControllerVersion"
    CONTROLLER_CONCURRENCY = "ControllerConcurrency"
    APPROVALS_UNGUARDED = "ApprovalsUnguarded"


class ClusterFinding(Struct, frozen=True, kw_only=True):
    """One diagnosis of the cluster: a sentence with its evidence, and to what it applies.

    `subject` is what it is about, as `kind/name`, so that two of one name can be told apart; `affected` is how many
    resources it explains.
    """

    name: ClusterFindingName
    state: State
    summary: str
    subject: str = ""
    affected: int = 0
    evidence: dict[str, str] = {}
