"""Which resources deserve a closer look, and so a call to AWS. A healthy one costs none."""

from __future__ import annotations

from datetime import datetime, timedelta

from remediator.model.applied import overwritten
from remediator.model.in_aws import renamed
from remediator.model.resource import Resource
from remediator.model.timeouts import Timeouts

_READY = ("Active", "Inactive")
# ACK looks at a synced object every 10 h. At one whose function was adopted and is gone it fails without a word.
_RESYNCED_WITHIN = timedelta(hours=11)


def is_suspect(resource: Resource, now: datetime, timeouts: Timeouts) -> bool:
    """Tell by the object alone whether something may be wrong.

    status.state and lastUpdateStatus are snapshots that can be hours old: a reason to ask AWS, never a diagnosis.
    An object that is too young to have conditions is left alone. What was applied and overwritten is compared with AWS,
    and what was adopted and has not been looked at for longer than ACK leaves a synced object alone.
    """
    if resource.deleting:
        return resource.managed
    if renamed(resource) is not None:
        return True
    arn = resource.arn
    if arn is not None and arn.name != resource.function_name:
        return True
    if not resource.conditions:
        created = resource.created_at
        return created is None or now - created > timeouts.never_reconciled
    if not resource.is_function:
        return not resource.synced or resource.terminal
    status = resource.status
    spec_code = resource.spec.code if resource.spec else None
    return (
        not resource.synced
        or resource.terminal
        or status is None
        or status.last_update_status in ("Failed", "InProgress")
        or status.state not in _READY
        or bool(spec_code and spec_code.sha256 and spec_code.sha256 != status.code_sha256)
        or (resource.adopted and _unattended(resource, now))
        or bool(overwritten(resource))
    )


def _unattended(resource: Resource, now: datetime) -> bool:
    heartbeat = resource.heartbeat
    return heartbeat is None or now - heartbeat > _RESYNCED_WITHIN


def is_worth_a_call(resource: Resource) -> bool:
    """Whether AWS's answer can tell more of a suspect than its object does.

    Every rule for a Function may need it. Of the other kinds, what waits for a reference or was given up on is told by
    its conditions; a hundred calls for a hundred of them would hold everything else up.
    """
    return resource.is_function or resource.deleting or resource.holds("ACK.Recoverable")
