"""What AWS refuses, as the error text alone tells: one cause each, whatever AWS says of the function meanwhile."""

from __future__ import annotations

from datetime import timedelta

from remediator.diagnosis.build import AT_ONCE, MARGIN, last_pass, retried, timed
from remediator.diagnosis.error_text import (
    ErrorKind,
    field_paths,
    kind_of,
    runtime_of,
    unreserved_minimum,
    who_may_not_what,
)
from remediator.model.finding import Finding, FindingName
from remediator.model.masking import one_line
from remediator.model.observation import Observation

# How soon ACK looks again for an image that it found missing on an update (lambda-controller, function/hooks.go).
_IMAGE_REQUEUE = timedelta(seconds=60)
_OWN_WORDS = "source image does not exist"


def _refused(seen: Observation, kind: ErrorKind) -> bool:
    """Whether the controller was refused for this. Under Synced=True an error text is an old one."""
    return not seen.resource.synced and kind_of(seen.resource.error_text) is kind


def image_missing(seen: Observation) -> Finding | None:
    """Hold while the container image is not in its registry: a build may still be pushing it."""
    if not _refused(seen, ErrorKind.IMAGE_MISSING):
        return None
    code = seen.resource.spec.code if seen.resource.spec else None
    image = (code.image_uri if code else None) or "The image"
    own = seen.resource.error_text.startswith(_OWN_WORDS)
    return retried(
        seen,
        FindingName.IMAGE_MISSING,
        f"{image} does not exist, or Lambda cannot see it: push it, or name one that is there.",
        timeout=seen.timeouts.image_missing,
        next_at=last_pass(seen) + _IMAGE_REQUEUE + MARGIN if own else None,
        evidence={"imageURI": image if code and code.image_uri else ""},
    )


def role_not_assumable(seen: Observation) -> Finding | None:
    """Hold while Lambda cannot assume the function's role: IAM takes a while to tell everyone of a new one."""
    if not _refused(seen, ErrorKind.ROLE_NOT_ASSUMABLE):
        return None
    role = (seen.resource.spec.role if seen.resource.spec else None) or "the function's role"
    return retried(
        seen,
        FindingName.ROLE_NOT_ASSUMABLE,
        f"Lambda cannot assume {role}: it is new, or its trust policy does not name lambda.amazonaws.com.",
        timeout=seen.timeouts.role_not_assumable,
        evidence={"role": role if role.startswith("arn:") else ""},
    )


def permission_denied(seen: Observation) -> Finding | None:
    """Hold when AWS refuses what the controller asks. Waiting never cures it, and Lambda's message can be empty."""
    text = seen.resource.error_text
    if kind_of(text) is not ErrorKind.DENIED or (seen.resource.synced and not seen.resource.deleting):
        return None
    # Lambda's own message can be empty; what the controller asked for stands in the other condition, then.
    synced = seen.resource.condition("ACK.ResourceSynced")
    who = who_may_not_what(text) or who_may_not_what((synced.reason if synced else None) or "")
    principal, action = who.get("principal", "the controller's role"), who.get("action", "an action that is not named")
    return timed(
        seen,
        FindingName.PERMISSION_DENIED,
        f"AWS refuses {action} to {principal}: grant it, and the controller goes on by itself within 17 minutes.",
        timeout=AT_ONCE,
        evidence=who,
    )


def throttled(seen: Observation) -> Finding | None:
    """Hold while AWS throttles the controller: its quota is shared with every deployment of the account, and us."""
    if not _refused(seen, ErrorKind.THROTTLED):
        return None
    return retried(
        seen,
        FindingName.THROTTLED,
        "AWS throttles the controller: too many calls in this account and region. "
        "It tries again by itself; let fewer ask at a time, this tool first.",
        timeout=seen.timeouts.throttled,
    )


def concurrency_refused(seen: Observation) -> Finding | None:
    """Hold when AWS refuses the reserved concurrency. ACK sets it before anything else, so that all else waits."""
    if not _refused(seen, ErrorKind.CONCURRENCY):
        return None
    minimum = unreserved_minimum(seen.resource.error_text)
    asked = seen.resource.spec.reserved_concurrent_executions if seen.resource.spec else None
    rest = f"at least {minimum} of the account's" if minimum else "some of the account's"
    return timed(
        seen,
        FindingName.CONCURRENCY_REFUSED,
        f"AWS refuses the reserved concurrency{'' if asked is None else f' of {asked}'}: {rest} concurrent executions "
        "must stay unreserved. No other change of the function gets through until then.",
        timeout=AT_ONCE,
        evidence={"unreservedMinimum": minimum, "reservedConcurrentExecutions": "" if asked is None else str(asked)},
    )


def runtime_retired(seen: Observation) -> Finding | None:
    """Hold when Lambda does not take the runtime, or does not take it any more."""
    if not _refused(seen, ErrorKind.RUNTIME):
        return None
    runtime = runtime_of(seen.resource.error_text) or "the runtime"
    return timed(
        seen,
        FindingName.RUNTIME_RETIRED,
        f"Lambda creates and updates no function with {runtime} any more, or does not know it: "
        "set spec.runtime to a supported one.",
        timeout=AT_ONCE,
        evidence={"runtime": runtime},
    )


def invalid_request(seen: Observation) -> Finding | None:
    """Hold when the request itself is wrong, by the client's own check or AWS's: a retry alone can never help."""
    if not _refused(seen, ErrorKind.INVALID):
        return None
    text = seen.resource.error_text
    fields = ", ".join(field_paths(text))
    where = f" at {fields}" if fields else ""
    return timed(
        seen,
        FindingName.INVALID_REQUEST,
        f"AWS goes on refusing the request{where} until what it names is changed: {one_line(text)}",
        timeout=AT_ONCE,
        evidence={"fieldPath": fields},
    )
