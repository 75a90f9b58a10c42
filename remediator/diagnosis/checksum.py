"""`spec.code.sha256` that can never equal what Lambda reports."""

from __future__ import annotations

from remediator.diagnosis.build import AT_ONCE, advisory, timed
from remediator.model.checksum import form_of
from remediator.model.finding import Finding, FindingName
from remediator.model.observation import Observation

_CONSEQUENCE = "every pass uploads the code again, and changes of the environment never get through"


def checksum_mismatch(seen: Observation) -> Finding | None:
    """Hold when `spec.code.sha256` can never match.

    ACK compares it as a string with Lambda's CodeSha256, which is base64 (lambda-controller, function/hooks.go).
    While they differ, each pass updates the code *instead of* the configuration, and a change of the environment is
    dropped from the object itself under Synced=True. Only for Zip packages; `other` only once AWS has settled.
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


_WHAT = {
    "hex": "is written in hex, and can never match Lambda's base64",
    "malformed": "is not the base64 of a SHA-256, and can never match",
    "other": "is not the digest of the code that Lambda runs",
}
