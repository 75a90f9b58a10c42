"""Resources that wait for what they refer to: the root of the chain is told, and nothing between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from remediator.diagnosis.build import AT_ONCE, timed
from remediator.model.finding import Finding, FindingName
from remediator.model.kind import KINDS
from remediator.model.observation import Observation
from remediator.model.reference import Link, LinkState
from remediator.model.reference_text import complaint, is_mistake, links_by_text


def references_unresolved(seen: Observation) -> Finding | None:
    """Hold when a referenced object is not ready: ACK then writes no other condition than this one.

    It takes what it refers to only when that is synced and not Terminal, so one stuck object holds up all that refer
    to it, and what refers to those in turn.
    """
    said = complaint(seen.resource)
    if not said or seen.resource.condition("ACK.ResourceSynced") is not None:
        return None
    timeout, evidence = seen.timeouts.references_unresolved, {"references": said}
    if is_mistake(said):
        summary, timeout = f"The references in its spec are wrong, and waiting cures nothing: {said}", AT_ONCE
    elif way := way_to_root(seen.references or links_by_text(seen.resource)):
        summary, root = _summary(way, said), way[-1]
        chain = " → ".join(f"{each.field} → {each}" for each in way)
        evidence |= {"root": str(root), "rootState": root.state.value, "chain": chain}
    elif seen.references:
        summary = f"All that it refers to is ready by now; the controller, which tries within 17 minutes, said: {said}"
    else:
        summary = f"A referenced resource is not ready, and the controller waits for it: {said}"
    return timed(seen, FindingName.REFERENCES_UNRESOLVED, summary, timeout=timeout, evidence=evidence)


def way_to_root(links: Sequence[Link]) -> tuple[Link, ...]:
    """Go from reference to reference down to what none of the others has to wait for; empty where all are ready.

    Where several are not ready, ACK complains of the first.
    """
    way: list[Link] = []
    while blocked := next((each for each in links if not each.ready), None):
        way.append(blocked)
        links = blocked.beneath
    return tuple(way)


def with_findings(links: Sequence[Link], found: Mapping[tuple[str, str, str], FindingName]) -> tuple[Link, ...]:
    """Note at each link what was found wrong with what it leads to, by kind, namespace and name."""
    return tuple(
        msgspec.structs.replace(
            each, finding=found.get(each.target, each.finding), beneath=with_findings(each.beneath, found)
        )
        for each in links
    )


def _summary(way: Sequence[Link], said: str) -> str:
    first, *others = way
    told = f"{first.field} refers to {first}"
    for each in others:
        told += f", which waits for {each} ({each.field})"
    root = way[-1]
    also = f" It is itself {root.finding}; look there first." if root.finding else ""
    return f"{told}, {_what_is_wrong(root, said)}.{also}"


def _what_is_wrong(root: Link, said: str) -> str:
    because = f": {root.why.rstrip('.')}" if root.why else ""
    match root.state:
        case LinkState.MISSING:
            return "which does not exist"
        case LinkState.KIND_MISSING:
            known = KINDS.get(root.kind)
            return f"and {known.collection if known else root.kind} is not installed in this cluster"
        case LinkState.TERMINAL:
            return f"which ACK has given up on (Terminal){because}"
        case LinkState.DELETING:
            return f"which is being deleted{because}"
        case LinkState.FORBIDDEN:
            return "and the controller refuses references to another namespace (--enable-cross-namespace)"
        case LinkState.CIRCULAR:
            return "and these refer to each other in a circle: none of them can be the first"
        case LinkState.UNREADABLE:
            return f"which could not be looked at ({root.why}); the controller says: {said.rstrip('.')}"
        case _:
            return f"which is not synced{because}"
