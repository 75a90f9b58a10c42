"""The custom resource as ACK's code sees it: finalizer, annotations, identity, and the patches that it sends."""

from __future__ import annotations

import copy
import json
from typing import Any

GROUP = "lambda.services.k8s.aws"
VERSION = "v1alpha1"
PLURAL = "functions"
FINALIZER = "finalizers.lambda.services.k8s.aws/Function"

ADOPTED = "services.k8s.aws/adopted"
ADOPTION_POLICY = "services.k8s.aws/adoption-policy"
ADOPTION_FIELDS = "services.k8s.aws/adoption-fields"
ADOPT, ADOPT_OR_CREATE = "adopt", "adopt-or-create"
DELETION_POLICY = "services.k8s.aws/deletion-policy"
NAMESPACE_DELETION_POLICY = "lambda.services.k8s.aws/deletion-policy"
READ_ONLY = "services.k8s.aws/read-only"
REGION = "services.k8s.aws/region"
NAMESPACE_REGION = "services.k8s.aws/default-region"
NAMESPACE_ACCOUNT = "services.k8s.aws/owner-account-id"

# Where the roles of other accounts are to be found, by account.
SYSTEM_NAMESPACE = "ack-system"
ACCOUNT_MAP = "ack-role-account-map"

# The controller tags what it makes and hides those tags from the spec (runtime pkg/config/config.go, --resource-tags).
VERSION_TAG = "services.k8s.aws/controller-version"
NAMESPACE_TAG = "services.k8s.aws/namespace"

Resource = dict[str, Any]


def annotations_of(resource: Resource) -> dict[str, str]:
    """Return the annotations, none included."""
    return resource["metadata"].get("annotations") or {}


def is_managed(resource: Resource) -> bool:
    """Tell whether ACK holds its finalizer on the resource, which is all that "managed" means."""
    return FINALIZER in (resource["metadata"].get("finalizers") or [])


def is_being_deleted(resource: Resource) -> bool:
    """Tell whether the resource has a deletionTimestamp."""
    return bool(resource["metadata"].get("deletionTimestamp"))


def is_read_only(resource: Resource) -> bool:
    """Tell whether ACK may only read the function."""
    return annotations_of(resource).get(READ_ONLY, "").lower() == "true"


def is_adopted(resource: Resource) -> bool:
    """Tell whether the function was there before ACK took it over; ACK will not create it anew."""
    return annotations_of(resource).get(ADOPTED, "").lower() == "true"


def adoption(resource: Resource) -> str:
    """Return how the resource takes over a function now: not at all once it has, or where it made one."""
    policy = annotations_of(resource).get(ADOPTION_POLICY, "")
    return "" if is_managed(resource) or is_adopted(resource) else policy


def to_adopt(resource: Resource) -> Resource:
    """Return the resource under the name that its adoption fields give (PopulateResourceFromAnnotation)."""
    populated = copy.deepcopy(resource)
    populated["spec"]["name"] = json.loads(annotations_of(resource)[ADOPTION_FIELDS])["name"]
    return populated


def as_adopted(resource: Resource) -> Resource:
    """Return the resource as managed, and as one that was not made by it."""
    managed = with_finalizer(resource)
    managed["metadata"]["annotations"] = {**annotations_of(resource), ADOPTED: "true"}
    return managed


def with_finalizer(resource: Resource) -> Resource:
    """Return the resource as managed."""
    managed = copy.deepcopy(resource)
    managed["metadata"]["finalizers"] = [*(resource["metadata"].get("finalizers") or []), FINALIZER]
    return managed


def without_finalizer(resource: Resource) -> Resource:
    """Return the resource as unmanaged; finalizers of others stay."""
    unmanaged = copy.deepcopy(resource)
    finalizers = resource["metadata"].get("finalizers") or []
    unmanaged["metadata"]["finalizers"] = [one for one in finalizers if one != FINALIZER]
    return unmanaged


def system_tags(resource: Resource) -> dict[str, str]:
    """Return the tags that the controller adds to every function: its version, and the resource's namespace."""
    return {VERSION_TAG: "lambda-v1.14.1", NAMESPACE_TAG: resource["metadata"]["namespace"]}


def with_system_tags(resource: Resource) -> Resource:
    """Return the resource with the controller's tags in its spec, as it is compared and created with."""
    tagged = copy.deepcopy(resource)
    tagged["spec"]["tags"] = {**system_tags(resource), **(resource["spec"].get("tags") or {})}
    return tagged


def without_system_tags(resource: Resource) -> Resource:
    """Return the resource as it may be written to the cluster: without tags that are the controller's or AWS's."""
    cleaned = copy.deepcopy(resource)
    tags = cleaned["spec"].pop("tags", None) or {}
    own = {key: value for key, value in tags.items() if key not in system_tags(resource) and not key.startswith("aws:")}
    if own:
        cleaned["spec"]["tags"] = own
    return cleaned


def metadata_and_spec_patch(before: Resource, after: Resource) -> dict[str, Any]:
    """Build the JSON merge patch of metadata and spec that leads from one to the other; empty if nothing differs.

    Only what differs is in it, so that a field edited by a user in between survives unless AWS disagrees with it.
    A list, finalizers too, is sent whole and without a resourceVersion.
    """
    patch: dict[str, Any] = {}
    old, new = without_system_tags(before), without_system_tags(after)
    for part, keys in (("metadata", ("finalizers", "annotations")), ("spec", None)):
        was = {key: old[part][key] for key in keys or old[part] if key in old[part]}
        now = {key: new[part][key] for key in keys or new[part] if key in new[part]}
        if difference := merge_patch(was, now):
            patch[part] = difference
    return patch


def status_patch(before: Resource, after: Resource) -> dict[str, Any]:
    """Build the JSON merge patch of the status; empty if nothing differs."""
    difference = merge_patch(before.get("status") or {}, after.get("status") or {})
    return {"status": difference} if difference else {}


def merge_patch(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Build the JSON merge patch (RFC 7386) between two objects; an empty list is as good as an absent one to Go."""
    patch: dict[str, Any] = {}
    for key in {**before, **after}:
        was, now = before.get(key), after.get(key)
        if was == now or (was in (None, []) and now in (None, [])):
            continue
        if isinstance(was, dict) and isinstance(now, dict):
            if inner := merge_patch(was, now):
                patch[key] = inner
        else:
            patch[key] = None if now == [] else now
    return patch
