"""From what was observed to what is wrong: pure functions over an Observation.

`diagnose` walks the catalogue; the first rule that holds is the root, the others are named under `also`.
"""

from __future__ import annotations

import msgspec

from remediator.diagnosis.build import since
from remediator.diagnosis.catalogue import DELETING, LIVING, Entry
from remediator.diagnosis.other_kinds import harmless
from remediator.diagnosis.suspect import is_suspect, is_worth_a_call
from remediator.model.finding import Finding, FindingName, Remedy, State
from remediator.model.live import Presence
from remediator.model.masking import mask
from remediator.model.namespace import Namespace
from remediator.model.observation import LiveStateNeeded, Observation
from remediator.model.times import format_time

__all__ = ["diagnose", "is_suspect", "is_worth_a_call"]


def diagnose(seen: Observation) -> Finding | None:
    """Name what is wrong with a resource; None where nothing is.

    The first rule that needs AWS's answer, where there is none, ends the walk in `Unreadable`. Secrets are masked in
    everything that leaves this function.
    """
    resource = seen.resource
    if resource.deleting and not resource.managed:
        return None
    if seen.live_state.presence is Presence.UNREADABLE and not _is_worth_a_look(seen):
        return None
    walk = DELETING if resource.deleting else LIVING
    entries = tuple(entry for entry in walk if entry.rule_for(resource.kind) is not None)
    root = _root(seen, entries)
    if root is None:
        return None
    also = tuple(
        entry.name for entry in entries if not entry.fallback and entry.name is not root.name and _holds(seen, entry)
    )
    if not resource.is_function:
        root = harmless(root)
    secrets = seen.secrets
    return msgspec.structs.replace(
        root,
        also=also,
        on_request=_on_request(seen, root, entries),
        summary=mask(root.summary, secrets),
        evidence={key: mask(value, secrets) for key, value in (_both_sides(seen) | root.evidence).items() if value},
    )


def _is_worth_a_look(seen: Observation) -> bool:
    """Whether anything says that something may be wrong. Where ACK looks elsewhere, the object itself shows nothing."""
    elsewhere = seen.placement is not None and bool(seen.placement.drift)
    return elsewhere or is_suspect(seen.resource, seen.now, seen.timeouts)


def _ask(entry: Entry, seen: Observation) -> Finding | None:
    rule = entry.rule_for(seen.resource.kind)
    assert rule is not None  # the walk has only rows with a rule for this kind
    return rule(seen)


def _root(seen: Observation, entries: tuple[Entry, ...]) -> Finding | None:
    try:
        return next((found for entry in entries if (found := _ask(entry, seen)) is not None), None)
    except LiveStateNeeded:
        return _unreadable(seen)


def _holds(seen: Observation, entry: Entry) -> bool:
    try:
        return _ask(entry, seen) is not None
    except LiveStateNeeded:
        return False


def _on_request(seen: Observation, root: Finding, entries: tuple[Entry, ...]) -> tuple[Remedy, ...]:
    """Offer what a person may ask for once waiting is over: a deletion looks stuck in its first minutes, and is not.

    Nothing that gives something up is offered on a guess: a function is let go only where it is there, and a finalizer
    only where the function is proven gone.
    """
    if root.state is not State.STUCK or not seen.resource.deleting or not seen.resource.is_function:
        return ()
    sure = {Remedy.RELEASE: seen.live_state.present, Remedy.CLEAR_FINALIZER: seen.live_state.proven_gone}
    offered = next((entry.on_request for entry in entries if entry.name is root.name), ())
    return tuple(each for each in offered if sure[each])


def _unreadable(seen: Observation) -> Finding:
    live = seen.live_state
    who = f" (as {live.identity})" if live.identity else ""
    return Finding(
        name=FindingName.UNREADABLE,
        state=State.UNKNOWN,
        summary=f"AWS's side could not be read{who}, so nothing is concluded: {live.why}",
        since=since(seen),
        remedy=Remedy.REPORT,
    )


def _going(namespace: Namespace | None) -> str:
    """Say that a namespace is being deleted, and what holds it: its resources go with it."""
    if namespace is None or not namespace.terminating:
        return ""
    return f"being deleted{f': {namespace.why}' if namespace.why else ''}"


def _both_sides(seen: Observation) -> dict[str, str]:
    """Collect what both sides say, in the order in which a person would look."""
    resource, live = seen.resource, seen.live_state
    conditions = ", ".join(f"{each.type}={each.status}" for each in resource.conditions)
    return {
        "namespace": _going(seen.namespace),
        "deletionTimestamp": format_time(resource.deleted_at) or "",
        "finalizers": ", ".join(resource.finalizers) if resource.deleting else "",
        "conditions": conditions or "none",
        "errorText": resource.error_text,
        "heartbeat": format_time(resource.heartbeat) or "none",
        "arn": resource.arn_text or "",
        "aws": live.kind_of_state,
        "awsReason": live.why or ": ".join(filter(None, (live.state_reason_code, live.state_reason))),
        "awsUpdateReason": ": ".join(
            filter(None, (live.last_update_status_reason_code, live.last_update_status_reason))
        ),
        "awsLastModified": format_time(live.last_modified) or "",
        "awsIdentity": live.identity or "",
        "controller": f"{seen.controller.health.value}: {seen.controller.why}",
    }
