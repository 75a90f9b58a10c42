"""Whether ACK would look for a function where it made it.

ACK takes region and account anew from annotations at every pass, and where they differ from what it recorded, it does
nothing and says nothing, a deletion included (runtime, reconciler.go). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from remediator.model.resource import Resource

_REGION = "services.k8s.aws/region"
_NAMESPACE_REGION = "services.k8s.aws/default-region"
_NAMESPACE_ACCOUNT = "services.k8s.aws/owner-account-id"
_NONE: Mapping[str, str] = {}


def drift(resource: Resource, namespace: Mapping[str, str] = _NONE) -> str:
    """Say which place differs from the recorded one; empty where none does that can be seen.

    `namespace`: the annotations of its namespace. The controller's own flags and role maps cannot be seen.
    """
    recorded = resource.status.ack_resource_metadata if resource.status else None
    arn = resource.arn
    regions = {each for each in (recorded and recorded.region, arn and arn.region) if each}
    accounts = {each for each in (recorded and recorded.owner_account_id, arn and arn.account) if each}
    asked = (
        (f"annotation {_REGION}", resource.annotations.get(_REGION), regions),
        (f"the namespace's {_NAMESPACE_REGION}", _unless(_REGION, resource, namespace, _NAMESPACE_REGION), regions),
        (f"the namespace's {_NAMESPACE_ACCOUNT}", namespace.get(_NAMESPACE_ACCOUNT), accounts),
    )
    for where, value, known in asked:
        if value and known - {value}:
            return (
                f"{where} says {value}, status says {', '.join(sorted(known))}: ACK does nothing then, without a word"
            )
    return ""


def _unless(key: str, resource: Resource, namespace: Mapping[str, str], fallback: str) -> str | None:
    """Read what a namespace says where the object says nothing."""
    return None if resource.annotations.get(key) else namespace.get(fallback)
