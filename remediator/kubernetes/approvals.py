"""Whether the API server itself holds people to the rules of approving.

A Remediation's spec says who approved. That is worth something only as long as the admission policy of the manifests
is in force: so we try what it forbids, as ourselves, and believe only its own refusal.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from remediator.errors import ClusterError, Forbidden, NotFound
from remediator.kubernetes import remediation_object as objects
from remediator.kubernetes.transport import Transport, decoded
from remediator.model.resource import Ref
from remediator.model.times import parse_time

# The policy's name, and what it says of an object that is born approved: in manifests/base/approvals.yaml, too.
POLICY = "ack-remediator-approvals"
REFUSAL = "nothing can be approved before it is proposed"

HOW_TO_FIX = (
    f"Apply manifests/base/approvals.yaml (ValidatingAdmissionPolicy {POLICY} and its binding), "
    "or approve with `remediator run --approve`."
)
_API = "/apis/admissionregistration.k8s.io/v1"
_PARTS = (f"{_API}/validatingadmissionpolicies/{POLICY}", f"{_API}/validatingadmissionpolicybindings/{POLICY}")
_PROBE = "probe-of-the-admission-policy"


class Guard(NamedTuple):
    """Whether words in Remediations can be believed, and in a sentence, why.

    `since` is when the policy, or its binding, was last changed: words from before were held to other rules, or to
    none. None: words of any age. `forged`: the API server was seen to take a forged one.
    """

    holds: bool
    why: str
    since: datetime | None = None
    forged: bool = False


class _Part(Struct, frozen=True):
    metadata: objects.Metadata


def approvals_guard(transport: Transport, namespace: str) -> Guard:
    """Tell whether approvals can be believed, and since when they could have been."""
    refused, why = _tried(transport, namespace)
    if not refused:
        return Guard(False, why, forged=refused is False)
    try:
        changes = [time for part in _PARTS for time in _changes(decoded(transport.get(part), _Part).metadata)]
    except ClusterError as error:
        unknown = f"approvals are off: since when forged ones are refused cannot be read ({error.message})"
        return Guard(False, f"{unknown}; manifests/base/clusterrole-read.yaml has the right")
    if not changes:
        return Guard(False, "approvals are off: the API server does not tell since when forged ones are refused")
    return Guard(True, why, max(changes))


def _changes(of: objects.Metadata) -> list[datetime]:
    """List when it was made, and last written to, its status aside: the API server itself writes that."""
    noted = [each.time for each in of.managed_fields if each.subresource != "status"]
    return [time for each in (of.creation_timestamp, *noted) if (time := parse_time(each)) is not None]


def _tried(transport: Transport, namespace: str) -> tuple[bool | None, str]:
    """Tell whether the API server refuses a forged approval, and why; None where that cannot be told.

    Tries a dry-run create of an approved Remediation, which our role allows and only the policy refuses: our role has
    no patch on remediations, so a refused patch would prove nothing.
    """
    forged = objects.new_object(Ref(namespace, _PROBE, _PROBE))
    forged["spec"]["approval"] = {"approvedBy": "nobody", "digest": "0" * 64}
    try:
        transport.create(objects.collection(namespace), forged, dry_run=True)
    except Forbidden as error:
        if POLICY in error.message and REFUSAL in error.message:
            return True, f"the API server refuses forged approvals (ValidatingAdmissionPolicy {POLICY})"
        return None, f"approvals are off: whether forged ones are refused cannot be tried ({error.message})"
    except NotFound as error:
        return None, f"approvals are off: there is no place for them ({error.message})"
    except ClusterError as error:
        return None, f"approvals are off: whether forged ones are refused is not known ({error.message})"
    return False, f"approvals are off: the API server takes a forged one. {HOW_TO_FIX}"
