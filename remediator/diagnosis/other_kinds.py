"""The rules for the other kinds of the lambda-controller, where they differ from a Function's.

They go by what the object shows; AWS's answer makes them say more, and none of them needs it. Nothing is done to these
kinds, so what is advised is to wait, or that a person looks.
"""

from __future__ import annotations

import re

import msgspec

from remediator.diagnosis.build import AT_ONCE, advisory, next_pass, since, timed, until
from remediator.diagnosis.deletion import nobody_deletes, refusal
from remediator.diagnosis.error_text import ErrorKind, kind_of
from remediator.diagnosis.terminal import EXISTS, terminal_message
from remediator.diagnosis.terminal import terminal_error as terminal_error_of
from remediator.model.finding import Finding, FindingName, Remedy
from remediator.model.in_aws import in_aws, renamed
from remediator.model.observation import Observation

# Lambda's own words: aws/serverless-application-model#1320.
_MAPPED = "mapping already exists"
_UUID = re.compile(r"UUID:?\s{0,3}(?P<uuid>[0-9a-f-]{36})", re.IGNORECASE)
_NOTHING_NEW = "No changes were made to $LATEST since publishing last version"


def name_changed(seen: Observation) -> Finding | None:
    """Hold when a name in the spec is not the one in the recorded ARN. ACK asks AWS for the new one, and finds none."""
    found = renamed(seen.resource)
    if found is None:
        return None
    return timed(
        seen,
        FindingName.NAME_CHANGED,
        f"{found.field} says {found.says!r}, what this object made has {found.recorded!r}: deleting the object now "
        f"would orphan it. Set {found.field} back.",
        timeout=AT_ONCE,
    )


# ---- being deleted ---------------------------------------------------------------------------------------------------


def finalizer_left(seen: Observation) -> Finding | None:
    """Hold when AWS says that it is not there. One answer is no proof, so nothing follows from it but a report."""
    if not seen.live_state.gone:
        return None
    return timed(
        seen,
        FindingName.FINALIZER_LEFT,
        f"AWS says that it has no {in_aws(seen.resource)} ({seen.live_state.why or 'unproven'}), but ACK's finalizer "
        "still holds the object: the controller drops it at its next look.",
        timeout=seen.timeouts.deletion,
        evidence={"gone": seen.live_state.vouched.value},
    )


def deletion_in_progress(seen: Observation) -> Finding | None:
    """Hold while AWS is still busy with an event source mapping."""
    if not (seen.live_state.present and seen.live_state.busy):
        return None
    return timed(
        seen,
        FindingName.DELETION_IN_PROGRESS,
        f"AWS is still at it ({seen.live_state.state}): the deletion goes on when that has ended.",
        timeout=seen.timeouts.deletion,
        remedy=Remedy.WAIT,
    )


def deletion_blocked(seen: Observation) -> Finding | None:
    """Hold when AWS refuses the deletion, such as that of a code signing config that functions use."""
    said = refusal(seen)
    if not said:
        return None
    return timed(
        seen,
        FindingName.DELETION_BLOCKED,
        f"The deletion of {in_aws(seen.resource)} is refused: {said}",
        timeout=seen.timeouts.deletion,
    )


def deletion_unattended(seen: Observation) -> Finding | None:
    """Hold when no controller looks at the object."""
    because = nobody_deletes(seen)
    if not because:
        return None
    return timed(
        seen,
        FindingName.DELETION_UNATTENDED,
        f"Nobody deletes {in_aws(seen.resource)}: {because}. Bring the controller back; it will finish.",
        timeout=seen.timeouts.deletion,
    )


def deletion_unexplained(seen: Observation) -> Finding | None:
    """Hold when nothing says why the deletion does not go on; references that lead nowhere are ignored there."""
    there = f"AWS has {in_aws(seen.resource)}" if seen.live_state.present else "AWS was not asked, or gave no answer"
    return timed(
        seen,
        FindingName.DELETION_UNEXPLAINED,
        f"No condition says why the object is not deleted; {there}. The controller's log tells more.",
        timeout=seen.timeouts.deletion,
    )


# ---- alive -----------------------------------------------------------------------------------------------------------


def already_exists(seen: Observation) -> Finding | None:
    """Hold when AWS had it before ACK, or another object manages it."""
    terminal = terminal_message(seen)
    mapped = None if seen.resource.synced else _mapped(seen.resource.error_text)
    if mapped:
        return timed(
            seen,
            FindingName.ALREADY_EXISTS,
            f"That source feeds that function already, by event source mapping {mapped['uuid']}, which ACK does not "
            "manage through this object: adopt it by that UUID, or delete the other one.",
            timeout=AT_ONCE,
            evidence={"uuid": mapped["uuid"]},
        )
    if terminal is None or EXISTS not in terminal.lower():
        return None
    return timed(
        seen,
        FindingName.ALREADY_EXISTS,
        f"In AWS there is {in_aws(seen.resource)} already, and ACK does not manage it through this object. Find out "
        "whose it is (its tags, other objects of that name) before you adopt it with services.k8s.aws/adoption-policy.",
        timeout=AT_ONCE,
        evidence={"terminal": terminal},
    )


def _mapped(text: str) -> re.Match[str] | None:
    """Find the mapping that there is already; by a look at the text first, which can be a megabyte."""
    start = text.lower().find(_MAPPED)
    return _UUID.search(text, start) if start >= 0 else None


def terminal_error(seen: Observation) -> Finding | None:
    """Hold on any other Terminal condition. A Version with nothing to publish is no trouble at all, and said to be."""
    message = terminal_message(seen)
    if message is not None and _NOTHING_NEW in message:
        return advisory(
            seen,
            FindingName.TERMINAL_ERROR,
            "Nothing was published, for $LATEST has not changed since the last version, and ACK does not try again. "
            "It is harmless: delete this Version, and make another one when there is something new.",
            {"terminal": message},
        )
    return terminal_error_of(seen)


def update_in_progress(seen: Observation) -> Finding | None:
    """Hold while AWS works on an event source mapping: any other change is refused until it has ended.

    One that ACK has yet to look at is left alone, as by every other row: AWS may still be making it.
    """
    if seen.resource.synced or not seen.resource.conditions:
        return None
    if not (seen.live_state.present and seen.live_state.busy):
        return None
    return timed(
        seen,
        FindingName.UPDATE_IN_PROGRESS,
        f"AWS is at work on {in_aws(seen.resource)} ({seen.live_state.state}), and refuses other changes until then.",
        timeout=seen.timeouts.update_in_progress,
        heals=True,
    )


def conflict_backoff(seen: Observation) -> Finding | None:
    """Hold when AWS refused a change of an event source mapping as in use, and is not at it any more, or not asked."""
    if seen.resource.synced or kind_of(seen.resource.error_text) is not ErrorKind.IN_USE:
        return None
    return until(
        seen,
        FindingName.CONFLICT_BACKOFF,
        "AWS refused the last try as the event source mapping was in use; the controller waits out its back-off.",
        deadline=next_pass(seen),
        begin=since(seen),
        remedy=Remedy.REPORT,
    )


def not_synced_unexplained(seen: Observation) -> Finding | None:
    """Hold when the object is not synced and nothing says why."""
    if seen.resource.synced or not seen.resource.conditions:
        return None
    said = seen.resource.error_text or "no reason given"
    there = f" AWS says {seen.live_state.kind_of_state}." if seen.live_state.present else ""
    return timed(
        seen,
        FindingName.NOT_SYNCED_UNEXPLAINED,
        f"Not synced, and no rule says why: the controller says {said.rstrip('.')}.{there}",
        timeout=seen.timeouts.not_synced_unexplained,
    )


def harmless(found: Finding) -> Finding:
    """Leave of what is advised only what there is for these kinds: to wait, or a person."""
    return found if found.remedy is Remedy.WAIT else msgspec.structs.replace(found, remedy=Remedy.REPORT)
