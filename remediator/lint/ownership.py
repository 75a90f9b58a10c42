"""Whose function, role and bucket it is: claims that clash, and fields that exclude each other."""

from __future__ import annotations

import re
from collections.abc import Iterator

from remediator.lint.problem import Around, Problem, Rule, Severity, key_of, problem
from remediator.manifest.objects import Manifest
from remediator.model.placement import REGION

_ROLE = re.compile(r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+")
# What is given by its name in AWS, or by a reference to an object; role alone is needed.
_EITHER = (
    (("code", "s3Bucket"), ("code", "s3BucketRef")),
    (("codeSigningConfigARN",), ("codeSigningConfigRef",)),
    (("kmsKeyARN",), ("kmsKeyRef",)),
    (("role",), ("roleRef",)),
    (("vpcConfig", "securityGroupIDs"), ("vpcConfig", "securityGroupRefs")),
    (("vpcConfig", "subnetIDs"), ("vpcConfig", "subnetRefs")),
)

DUPLICATE_FUNCTION = Rule(
    id="DuplicateFunction",
    severity=Severity.ERROR,
    gist="two objects claim one function",
    why="The second one to come is told that the function exists and is not its own (ACK.Terminal), or, where both "
    "adopted it, they set it back and forth for ever; deleting either deletes it.",
    fix="Give each its own spec.name, or keep one of the objects.",
    spares=("AlreadyExists", "UpdateInProgress"),
)
ROLE_MISSING = Rule(
    id="RoleMissing",
    severity=Severity.ERROR,
    gist="there is neither spec.role nor spec.roleRef, or the role is no ARN",
    why="The API server takes the object, since neither is required by the schema; ACK then never gets further than "
    "its references, and Lambda takes no role but by its ARN.",
    fix="Set spec.role to the ARN of the role, or spec.roleRef to the Role object.",
    spares=("ReferencesUnresolved", "InvalidRequest"),
)
EITHER_OR = Rule(
    id="ReferenceAndValue",
    severity=Severity.ERROR,
    gist="a field is given both by value and by reference",
    why="ACK refuses to choose: the object never gets further than its references.",
    fix="Keep one of the two.",
    spares=("ReferencesUnresolved",),
)


def duplicate_function(manifest: Manifest, around: Around) -> Iterator[Problem]:
    """Find an object whose function another one before it claims; only a warning where they are in two namespaces.

    Two namespaces can mean two accounts or regions. One object in two files is no second claim: overlays are so.
    """
    name, own = manifest.at("spec", "name"), key_of(manifest, around)
    if not isinstance(name, str) or not name or not manifest.name:
        return
    for other in around.claims.get(name, ()):
        if other is manifest:
            return
        theirs = key_of(other, around)
        if theirs == own or _elsewhere(manifest, other):
            continue
        where = f"{other.source.name}:{other.mark('spec', 'name').line}"
        same = own.namespace == theirs.namespace
        said = f"Function {other.name} ({where}) claims the function {name}, too" + (
            "" if same else ": fine only if their namespaces are of two accounts or regions"
        )
        yield problem(DUPLICATE_FUNCTION, manifest, ("spec", "name"), said, None if same else Severity.WARNING)
        return


def _elsewhere(one: Manifest, other: Manifest) -> bool:
    """Whether they say themselves that they are in two regions."""
    regions = [each.at("metadata", "annotations", REGION) for each in (one, other)]
    return bool(regions[0] != regions[1])


def role_missing(manifest: Manifest, _around: Around) -> Iterator[Problem]:
    """Find a Function without a role (lambda-controller pkg/resource/function/references.go)."""
    spec = manifest.at("spec")
    if not isinstance(spec, dict):
        return
    if spec.get("role") is None and spec.get("roleRef") is None:
        yield problem(ROLE_MISSING, manifest, ("spec",), "neither spec.role nor spec.roleRef is set")
    role = spec.get("role")
    if isinstance(role, str) and not _ROLE.fullmatch(role):
        yield problem(ROLE_MISSING, manifest, ("spec", "role"), f"{role!r} is no ARN of a role")


def either_or(manifest: Manifest, _around: Around) -> Iterator[Problem]:
    """Find what ACK refuses to choose between (lambda-controller pkg/resource/function/references.go)."""
    for value, reference in _EITHER:
        if manifest.at("spec", *value) not in (None, []) and manifest.at("spec", *reference) not in (None, []):
            said = f"spec.{'.'.join(value)} and spec.{'.'.join(reference)} are both set: ACK takes only one"
            yield problem(EITHER_OR, manifest, ("spec", *reference), said)
