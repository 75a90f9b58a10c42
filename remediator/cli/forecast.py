"""What ACK will do with an object that is created anew, given what AWS says of its function."""

from __future__ import annotations

from collections.abc import Iterator

from remediator.kubernetes.restored import Json
from remediator.model.live import LiveState
from remediator.model.resource import ADOPT_OR_CREATE, ADOPTION_POLICY, READ_ONLY, Resource

_REGION = "services.k8s.aws/region"
_ADOPT = "adopt"


def forecast(saved: Resource, obj: Json, live: LiveState) -> Iterator[str]:
    """Yield sentences: what becomes of the function, where, and what a restore does not bring back.

    ACK without an adoption policy calls a function that it did not make `Resource already exists`, Terminal; with
    `adopt` it takes it over, writes AWS's values into the spec, and never creates; with `adopt-or-create` it does
    either, and the spec wins (runtime pkg/runtime/reconciler.go, Sync and failOnResourceUnmanaged).
    """
    annotations = obj["metadata"].get("annotations") or {}
    policy = annotations.get(ADOPTION_POLICY, "")
    if annotations.get(READ_ONLY, "").lower() == "true":
        yield f"{READ_ONLY} is set: ACK will only look at the function; it neither creates, adopts nor changes it."
    else:
        yield _fate(saved.function_name, policy, live, _code(obj))
    elsewhere = annotations.get(_REGION)
    if saved.arn and elsewhere and elsewhere != saved.arn.region:
        yield (
            f"The function was in {saved.arn.region}, but {_REGION} says {elsewhere}: that is where ACK will look for "
            "it, and create it."
        )
    if policy == _ADOPT:
        yield "This brings back the object only. Where ACK takes over a function, AWS's values go into its spec."
    else:
        yield (
            "This brings back the object only, not what changed in AWS since: ACK's next pass makes AWS match this "
            "spec, and overwrites what was changed there after the backup."
        )


def _fate(name: str, policy: str, live: LiveState, code: str) -> str:
    created, met = _if_gone(policy, code), _if_present(policy)
    if live.gone:
        doubt = "" if live.proven_gone else f" ({live.why}: it may be in another account or region)"
        return f"AWS has no function {name} in {live.region}, account {live.account}{doubt}. ACK will {created}."
    if live.present:
        return f"The function {name} exists in AWS ({live.kind_of_state}, {live.region}). ACK will {met}."
    return (
        f"Whether the function {name} exists in AWS is not known: {live.why}. "
        f"If it is gone, ACK will {created}. If it exists, ACK will {met}."
    )


def _if_gone(policy: str, code: str) -> str:
    if policy == _ADOPT:
        return (
            f"not create it, and not say so either, because of {ADOPTION_POLICY}: adopt; --adopt makes that "
            f"{ADOPT_OR_CREATE}"
        )
    return f"create the function anew from this spec{code}"


def _if_present(policy: str) -> str:
    if policy == ADOPT_OR_CREATE:
        return "take it over, and make it match this spec"
    if policy == _ADOPT:
        return "take it over, and write what AWS has into this spec"
    return (
        'say "Resource already exists" (Terminal) and leave it alone, unless it is told to adopt: --adopt adds '
        f"{ADOPTION_POLICY}: {ADOPT_OR_CREATE} (feature gate ResourceAdoption, on since lambda-controller 1.9.0)"
    )


def _code(obj: Json) -> str:
    """Name where the code comes from: neither the object nor its backup has it, unless the spec does."""
    code = obj["spec"].get("code") or {}
    if code.get("imageURI"):
        return f" (the image {code['imageURI']} must still be there)"
    if code.get("s3Key"):
        bucket = code.get("s3Bucket") or "the bucket of s3BucketRef"
        return f" (its code in S3, {bucket}/{code['s3Key']}, must still be there)"
    return ""
