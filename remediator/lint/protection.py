"""What looks like production, and goes with its object."""

from __future__ import annotations

import re
from collections.abc import Iterator

from remediator.lint.problem import Around, Problem, Rule, Severity, key_of, problem
from remediator.manifest.objects import Manifest
from remediator.model.resource import DELETION_POLICY, NAMESPACE_DELETION_POLICY, RETAIN

_PRODUCTION = re.compile(
    r"(?:^|[-_./:])(?<!non[-_.])(?<!not[-_.])(?<!pre[-_.])(?:prod|prd|production|live)(?:$|[-_./:])", re.IGNORECASE
)
# Keys that say where something runs; of any other, `live` or `prod` can mean anything.
_STAGE = re.compile(r"(?:^|[-_./])(?:env|environment|stage|tier|stack)$", re.IGNORECASE)

DELETION_POLICY_MISSING = Rule(
    id="DeletionPolicyMissing",
    severity=Severity.WARNING,
    gist="it looks like production, and the function goes with its object",
    why="Whoever deletes the object, its namespace, its Argo CD application or ACK's CRD deletes the function, with "
    "its versions, aliases and URL.",
    fix="Set the annotation services.k8s.aws/deletion-policy: retain, or on the namespace "
    "lambda.services.k8s.aws/deletion-policy: retain. If it is to go with its object, say so: delete.",
    spares=("NamespaceTerminating", "CrdDeleting"),
)


def deletion_policy_missing(manifest: Manifest, around: Around) -> Iterator[Problem]:
    """Find what nobody decided about. The controller's own default cannot be seen from here."""
    marks = manifest.at("metadata", "annotations")
    if isinstance(marks, dict) and (DELETION_POLICY in marks or str(marks.get("services.k8s.aws/read-only")) == "true"):
        return
    if _kept_by_namespace(manifest, around):
        return
    sign = _sign(manifest, around)
    if sign:
        said = f"{sign} looks like production, and {DELETION_POLICY} is not set"
        yield problem(DELETION_POLICY_MISSING, manifest, ("metadata", "annotations"), said)


def _kept_by_namespace(manifest: Manifest, around: Around) -> bool:
    namespace = key_of(manifest, around).namespace
    return any(
        each.name == namespace and each.at("metadata", "annotations", NAMESPACE_DELETION_POLICY) == RETAIN
        for each in around.objects.get(("", "Namespace"), ())
    )


def _sign(manifest: Manifest, around: Around) -> str:
    """Say what looks like production; empty where nothing does."""
    namespace = key_of(manifest, around).namespace
    if namespace and _PRODUCTION.search(namespace):
        return f"the namespace {namespace}"
    for what, path in (
        ("the label", ("metadata", "labels")),
        ("the annotation", ("metadata", "annotations")),
        ("the tag", ("spec", "tags")),
    ):
        marks = manifest.at(*path)
        for key, value in marks.items() if isinstance(marks, dict) else ():
            if _STAGE.search(key) and isinstance(value, str) and _PRODUCTION.search(value):
                return f"{what} {key}: {value}"
    return ""
