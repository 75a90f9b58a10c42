"""What is being deleted around the resources, and takes them along."""

from __future__ import annotations

from collections.abc import Iterator

from remediator.diagnosis.naming import counted, naming
from remediator.model.cluster import ClusterFinding, ClusterFindingName
from remediator.model.cluster_facts import ClusterFacts
from remediator.model.finding import State
from remediator.model.times import format_time


def crd_deleting(facts: ClusterFacts) -> Iterator[ClusterFinding]:
    """Hold for each definition that is being deleted, at once: what ACK still works on, it deletes in AWS."""
    for each in facts.definitions.deleting:
        objects = [found for found in facts.results if found.seen.resource.kind == each.kind]
        plain = sum(count for well, count in facts.well.items() if well.kind == each.kind)
        count = len(objects) + plain
        since = format_time(each.since)
        told = f" since {since}" if since else ""
        yield ClusterFinding(
            name=ClusterFindingName.CRD_DELETING,
            state=State.STUCK,
            summary=f"{each.name} is being deleted{told}, and every object of it, {count} of them seen here: "
            "ACK deletes in AWS what each of them stands for. Every action is held.",
            subject=f"customresourcedefinition/{each.name}",
            affected=count,
            evidence={
                key: value
                for key, value in (("since", since), ("why", each.why), ("objects", naming(objects, plain)))
                if value
            },
        )


def namespace_terminating(facts: ClusterFacts) -> Iterator[ClusterFinding]:
    """Hold for each namespace that is being deleted with resources in it; stuck as soon as one of those is."""
    for name, namespace in sorted(facts.namespaces.items()):
        if not namespace.terminating:
            continue
        inside = [each for each in facts.results if each.seen.resource.metadata.namespace == name]
        plain = sum(count for well, count in facts.well.items() if well.namespace == name)
        if not inside and not plain:
            continue
        holding = [each for each in inside if each.seen.resource.managed]
        stuck = any(each.state is State.STUCK for each in inside)
        held = f", held by {counted(len(holding), 'finalizer')} of ACK" if holding else ""
        yield ClusterFinding(
            name=ClusterFindingName.NAMESPACE_TERMINATING,
            state=State.STUCK if stuck else State.ADVISORY,
            summary=f"Namespace {name} is being deleted with {counted(len(inside) + plain, 'resource')} in it{held}; "
            "nothing can be created in it any more.",
            subject=f"namespace/{name}",
            affected=len(inside) + plain,
            evidence={
                key: value for key, value in (("why", namespace.why), ("resources", naming(inside, plain))) if value
            },
        )
