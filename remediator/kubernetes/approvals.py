"""Whether the API server itself holds people to the rules of approving.

A Remediation's spec says who approved. That is worth something only as long as the admission policy of the manifests
is in force: so we try what it forbids, as ourselves, and believe only its own refusal.
"""

from __future__ import annotations

from remediator.errors import ClusterError, Forbidden, NotFound
from remediator.kubernetes import remediation_object as objects
from remediator.kubernetes.transport import Transport
from remediator.model.resource import Ref

# The policy's name, and what it says of an object that is born approved: in manifests/base/approvals.yaml, too.
POLICY = "ack-remediator-approvals"
REFUSAL = "nothing can be approved before it is proposed"

_HOW_TO_FIX = (
    f"Apply manifests/base/approvals.yaml (ValidatingAdmissionPolicy {POLICY} and its binding), "
    "or approve with `remediator run --approve`."
)
_PROBE = "probe-of-the-admission-policy"


def approvals_guarded(transport: Transport, namespace: str) -> tuple[bool, str]:
    """Tell whether approvals in Remediations can be believed, and in a sentence, why.

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
        return False, f"approvals are off: whether forged ones are refused cannot be tried ({error.message})"
    except NotFound as error:
        return False, f"approvals are off: there is no place for them ({error.message})"
    except ClusterError as error:
        return False, f"approvals are off: whether forged ones are refused is not known ({error.message})"
    return False, f"approvals are off: the API server takes a forged one. {_HOW_TO_FIX}"
