"""`spec.code.sha256` that can never equal what Lambda reports."""

from __future__ import annotations

from remediator.diagnosis.build import AT_ONCE, advisory, timed
from remediator.model.applied import changed_at
from remediator.model.checksum import form_of
from remediator.model.finding import Finding, FindingName
from remediator.model.observation import Observation

_CONSEQUENCE = "every pass uploads the code again, and changes of the environment never get through"


def checksum_mismatch(seen: Observation) -> Finding | None:
    """Hold when `spec.code.sha256` can never match.

    ACK compares it as a string with Lambda's CodeSha256, which is base64 (lambda-controller, function/hooks.go).
    While they differ, each pass updates the code *instead of* the configuration, and a change of the environment is
    dropped from the object itself under Synced=True. Only for Zip packages; `other` only once AWS has settled, and
    once ACK has uploaded what the spec names now: before that it is news of a code that is still to come.
    """
    spec = seen.resource.spec
    stated = spec.code.sha256 if spec and spec.code else None
    if spec is None or not stated or spec.package_type != "Zip":
        return None
    variant, matching = form_of(stated)
    if not variant:
        live = seen.live
        if not live.present or live.last_update_status != "Successful" or live.code_sha256 in (None, stated):
            return None
        if not seen.resource.synced and _is_still_to_come(seen):
            return None
        variant, matching = "other", live.code_sha256
    elif matching is None and seen.live_state.present:
        matching = seen.live_state.code_sha256
    meant = "Lambda's form of it is" if variant == "hex" else "the code that runs has"
    advice = f"; {meant} {matching}" if matching else ""
    summary = f"spec.code.sha256 {_WHAT[variant]}{advice}: {_CONSEQUENCE}."
    evidence = {"variant": variant, "stated": stated, "matching": matching or "unknown"}
    if seen.resource.synced:
        return advisory(seen, FindingName.CHECKSUM_MISMATCH, summary, evidence)
    return timed(seen, FindingName.CHECKSUM_MISMATCH, summary, timeout=AT_ONCE, evidence=evidence)


def _is_still_to_come(seen: Observation) -> bool:
    """Whether AWS was last changed before the spec was, so that the code it names cannot be there yet.

    What keeps it from getting there is another finding: ACK tries it again, or cannot get through. Both times are in
    whole seconds; an upload of the second of the edit is followed by others, if it was in vain.
    """
    changed, modified = changed_at(seen.resource), seen.live.last_modified
    return changed is not None and modified is not None and modified <= changed


_WHAT = {
    "hex": "is written in hex, and can never match Lambda's base64",
    "malformed": "is not the base64 of a SHA-256, and can never match",
    "other": "is not the digest of the code that Lambda runs",
}
