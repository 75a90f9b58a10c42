"""Annotations that ACK and the remediator act on, where they are misspelled, misplaced or malformed.

ACK's: runtime apis/core/v1alpha1/annotations.go, and pkg/runtime/util.go for how it reads them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from remediator.lint.near import meant, near
from remediator.lint.problem import Around, Problem, Rule, Severity, problem
from remediator.manifest.objects import Manifest
from remediator.model.placement import NAMESPACE_ACCOUNT, NAMESPACE_REGION, NAMESPACE_TEAM, REGION
from remediator.model.resource import (
    ADOPTED,
    ADOPTION_FIELDS,
    ADOPTION_POLICY,
    DELETION_POLICY,
    IGNORE,
    IGNORE_UNTIL,
    NAMESPACE_DELETION_POLICY,
    POLICY_BEFORE_ANNOTATION,
    READ_ONLY,
    RESYNC_ANNOTATION,
)
from remediator.model.times import parse_time

_PATH = ("metadata", "annotations")
_OF_OBJECTS = (REGION, DELETION_POLICY, READ_ONLY, ADOPTED, ADOPTION_POLICY, ADOPTION_FIELDS)
_OF_NAMESPACES = (
    NAMESPACE_REGION, NAMESPACE_ACCOUNT, NAMESPACE_TEAM, NAMESPACE_DELETION_POLICY, "services.k8s.aws/endpoint-url"
)  # fmt: skip
_PREFIXES = ("services.k8s.aws", "lambda.services.k8s.aws", "service.k8s.aws", "services.k8s.amazonaws.com")
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}")
_OURS, _OWN_MARKS = "ack-remediator.dev/", (RESYNC_ANNOTATION, POLICY_BEFORE_ANNOTATION)

ANNOTATION_TYPE = Rule(
    id="AnnotationNotText",
    severity=Severity.ERROR,
    gist="the value of an annotation or a label is no text",
    why="The API server refuses the whole object: YAML takes true, 1 and an empty value for something else than a "
    "text.",
    fix='Put the value in quotes: "true".',
)
ACK_ANNOTATION = Rule(
    id="AckAnnotation",
    severity=Severity.ERROR,
    gist="an annotation of ACK's is misspelled, misplaced, or has a value that it does not take",
    why="ACK passes over what it does not know, without a word: a function is then deleted that was to stay, or "
    "changed that was only to be looked at. Of a value that it does not take it says so, and gives up (ACK.Terminal).",
    fix="Write the annotation as ACK's documentation has it; what is of a namespace goes on the Namespace.",
    spares=("TerminalError", "IdentityDrift"),
)
REMEDIATOR_ANNOTATION = Rule(
    id="RemediatorAnnotation",
    severity=Severity.WARNING,
    gist="an ack-remediator.dev annotation is malformed, over, or not for manifests",
    why="What it cannot read the remediator takes for an opt-out: the object is left alone for good. Its own marks in "
    "a manifest come back with every apply, and look like an action that was broken off.",
    fix='ack-remediator.dev/ignore takes "true" or "false", ack-remediator.dev/ignore-until a time such as '
    "2026-12-24T18:00:00Z; leave out the rest.",
)


def annotation_type(manifest: Manifest, _around: Around) -> Iterator[Problem]:
    """Find annotations and labels that YAML took for no text; the value is not told, it can be anything."""
    for part in ("annotations", "labels"):
        marks = manifest.at("metadata", part)
        for key, value in marks.items() if isinstance(marks, dict) else ():
            if not isinstance(value, str):
                said = f"the value of {part[:-1]} {key} is no text; put it in quotes"
                yield problem(ANNOTATION_TYPE, manifest, ("metadata", part, key), said)


def ack_annotation(manifest: Manifest, _around: Around) -> Iterator[Problem]:
    """Find annotations that ACK passes over, or stumbles over."""
    for key, value in _texts(manifest):
        path = (*_PATH, key)
        if key in _OF_NAMESPACES:
            said = f"ACK reads {key} from the Namespace only: here it does nothing"
            yield problem(ACK_ANNOTATION, manifest, path, said, Severity.WARNING)
        elif key == ADOPTED:
            said = f"{key} is ACK's own mark: with it ACK never makes the function, should it be gone"
            yield problem(ACK_ANNOTATION, manifest, path, said, Severity.WARNING)
        elif key in _OF_OBJECTS:
            if fault := _fault(key, value):
                severity = None if key in (ADOPTION_POLICY, ADOPTION_FIELDS, REGION) else Severity.WARNING
                yield problem(ACK_ANNOTATION, manifest, path, fault, severity)
        elif known := _misspelled(key):
            said = f"ACK knows no annotation {key}; did you mean {known}?"
            yield problem(ACK_ANNOTATION, manifest, path, said)


def _misspelled(key: str) -> str | None:
    """Find the annotation that is nearly this one; the part that all of them share says nothing."""
    prefix, _, name = key.partition("/")
    found = near(name, (each.partition("/")[2] for each in _OF_OBJECTS)) if prefix in _PREFIXES else None
    return f"{_PREFIXES[0]}/{found}" if found else None


def _fault(key: str, value: str) -> str:
    """Say why ACK does not take a value; empty where it does."""
    if key == DELETION_POLICY and value not in ("delete", "retain"):
        return f"{key} is delete or retain; ACK takes {value!r} for retain"
    if key == READ_ONLY and value.lower() not in ("true", "false"):
        return f'{key} is "true" or "false"; ACK takes {value!r} for false, and writes'
    if key == ADOPTION_POLICY and value not in ("adopt", "adopt-or-create"):
        return f"{key} is adopt or adopt-or-create, not {value!r}"
    if key == ADOPTION_FIELDS and not _is_object_of_texts(value):
        return f'{key} is no JSON object of texts, such as {{"name": "checkout"}}'
    if key == REGION and not _REGION.fullmatch(value):
        return f"{key}: {value!r} is no region"
    return ""


def _is_object_of_texts(text: str) -> bool:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and all(isinstance(each, str) for each in found.values())


def remediator_annotation(manifest: Manifest, around: Around) -> Iterator[Problem]:
    """Find what the remediator would take for an opt-out, or for an action that is under way."""
    for key, value in _texts(manifest):
        path, said = (*_PATH, key), ""
        if key in _OWN_MARKS:
            said = f"{key} is the remediator's own mark of an action under way: leave it out"
        elif key == IGNORE and value not in ("true", "false"):
            said = f"{key}: {value!r} is neither true nor false, and counts as true"
        elif key == IGNORE_UNTIL:
            until = parse_time(value)
            if until is None:
                said = f"{key}: {value!r} is no RFC 3339 time, and counts as for ever"
            elif until <= around.now:
                said = f"{key}: {value} is over"
        elif key.startswith(_OURS) and key not in (IGNORE, IGNORE_UNTIL):
            said = f"there is no annotation {key}{meant(key.removeprefix(_OURS), ('ignore', 'ignore-until'))}"
        if said:
            yield problem(REMEDIATOR_ANNOTATION, manifest, path, said)


def _texts(manifest: Manifest) -> Iterator[tuple[str, str]]:
    marks = manifest.at(*_PATH)
    for key, value in marks.items() if isinstance(marks, dict) else ():
        if isinstance(value, str):
            yield key, value
