"""From what is known of the cluster to what is wrong with it as a whole: pure, and beside the findings of resources.

Behind many of those stands one of these; `CLUSTER_CATALOGUE` has them in the order in which they are told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from remediator.diagnosis import cluster_controller, cluster_going, cluster_order
from remediator.model.cluster import ClusterFinding, ClusterFindingName
from remediator.model.cluster_facts import ClusterFacts

ClusterRule = Callable[[ClusterFacts], Iterable[ClusterFinding]]


class ClusterEntry(Struct, frozen=True):
    """One row: the rule, what it means in a line, and what to do."""

    name: ClusterFindingName
    rule: ClusterRule
    meaning: str
    advice: str


CLUSTER_CATALOGUE: tuple[ClusterEntry, ...] = (
    ClusterEntry(
        ClusterFindingName.CONTROLLER_DOWN,
        cluster_controller.controller_down,
        "No ACK controller works on the resources: what is found is its silence, what looks healthy is its last word.",
        "Bring the controller back, then look again. Do not remove finalizers meanwhile.",
    ),
    ClusterEntry(
        ClusterFindingName.CRD_DELETING,
        cluster_going.crd_deleting,
        "A definition of ACK's kinds is being deleted, and with it every object of the kind.",
        "Find out at once who deleted it. A deletion cannot be taken back: save the objects, and where the functions "
        "are to stay, set services.k8s.aws/deletion-policy: retain on each that is still there. "
        "Every action is held meanwhile.",
    ),
    ClusterEntry(
        ClusterFindingName.NAMESPACE_TERMINATING,
        cluster_going.namespace_terminating,
        "A namespace with resources in it is being deleted: they go with it, and nothing can be created there.",
        "Free the resources that hold it, as their own findings say. Never clear the finalizers of the namespace.",
    ),
    ClusterEntry(
        ClusterFindingName.MASS_CHANGE,
        cluster_order.mass_change,
        "So many are stuck or unreadable at once that the cause lies elsewhere; the breaker holds every action.",
        "Look for what they have in common: credentials, a region, a controller, a change that was rolled out.",
    ),
    ClusterEntry(
        ClusterFindingName.CONTROLLER_VERSION,
        cluster_controller.controller_version,
        "The version of the controller that runs has known bugs that a newer one has not.",
        "Upgrade the controller to the version that is named.",
    ),
    ClusterEntry(
        ClusterFindingName.CONTROLLER_CONCURRENCY,
        cluster_controller.controller_concurrency,
        "The controller works on several Functions at a time, and AWS keeps refusing as busy.",
        "Set --reconcile-resource-max-concurrent-syncs=Function=1, its default, and see whether the conflicts end.",
    ),
    ClusterEntry(
        ClusterFindingName.APPROVALS_UNGUARDED,
        cluster_order.approvals_unguarded,
        "The API server does not hold approvals to their rules, so that anyone's words would count; none do.",
        "Apply manifests/base/approvals.yaml: the ValidatingAdmissionPolicy and its binding.",
    ),
)


def diagnose_cluster(facts: ClusterFacts) -> tuple[ClusterFinding, ...]:
    """Name what is wrong with the cluster, in the order of the catalogue."""
    return tuple(found for entry in CLUSTER_CATALOGUE for found in entry.rule(facts))
