"""What is out of order for everybody: so many at once, or the rules for approving."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from remediator.diagnosis.naming import naming
from remediator.model.cluster import ClusterFinding, ClusterFindingName
from remediator.model.cluster_facts import ClusterFacts
from remediator.model.finding import State


def mass_change(facts: ClusterFacts) -> Iterator[ClusterFinding]:
    """Hold where the breaker does: so many are unwell at once that the cause lies elsewhere."""
    if not facts.incident:
        return
    unwell = [each for each in facts.results if each.state in (State.STUCK, State.UNKNOWN)]
    others = facts.elsewhere
    yield ClusterFinding(
        name=ClusterFindingName.MASS_CHANGE,
        state=State.STUCK,
        summary=f"{len(unwell) + others.functions.unwell} of {facts.total + others.resources} resources are stuck or "
        f"unreadable at once; {facts.incident}: the cause lies elsewhere, and the breaker holds every action.",
        affected=len(unwell),
        evidence={"findings": _by_name(facts), "resources": naming(unwell)},
    )


def _by_name(facts: ClusterFacts) -> str:
    """Count what was found, the most frequent first: what they have in common is looked for next."""
    names = [each.finding.name for each in facts.results if each.finding and each.state in (State.STUCK, State.UNKNOWN)]
    counts = sorted(Counter(names).items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{count} {name}" for name, count in counts)


def approvals_unguarded(facts: ClusterFacts) -> Iterator[ClusterFinding]:
    """Hold where approvals are read, and the API server was seen to take a forged one."""
    if not facts.unguarded:
        return
    yield ClusterFinding(
        name=ClusterFindingName.APPROVALS_UNGUARDED,
        state=State.ADVISORY,
        summary=f"{facts.unguarded[:1].upper()}{facts.unguarded[1:]}",
        subject="validatingadmissionpolicy/ack-remediator-approvals",
    )
