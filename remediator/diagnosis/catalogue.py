"""Every finding, in the order in which they are asked: cause before symptom, the first that holds is the root.

Order, `remediator findings`, the tests and the runbooks are read from this table; a new finding is one function and
one entry.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from remediator.diagnosis import (
    adoption,
    checksum,
    controller,
    deletion,
    identity,
    lambda_state,
    lost_update,
    other_kinds,
    references,
    refusals,
    terminal,
    unexplained,
)
from remediator.model.finding import Finding, FindingName, Remedy
from remediator.model.kind import FUNCTION, LAMBDA_KINDS
from remediator.model.observation import Observation

Rule = Callable[[Observation], Finding | None]

# A rule that looks at Lambda's State or at a function's package says nothing of other kinds. One that goes by
# conditions, by the controller's words, by the deletion or by references holds for all of them.
FUNCTIONS = frozenset({FUNCTION})
ALL_KINDS = frozenset(each.name for each in LAMBDA_KINDS)
WITH_MAPPINGS = FUNCTIONS | {"EventSourceMapping"}


class Entry(Struct, frozen=True):
    """One row: the rule, what it means in a line, what to do, and where it applies.

    `fallback` rules hold only where nothing else does. `timeout` names the policy's setting; `at once` means none.
    `on_request`: what is never advised, because it gives something up, and done where a person asks for it by name.
    `kinds` are those that the row is for; `elsewhere` is the rule for others than Function, where it is another one.
    """

    name: FindingName
    rule: Rule | None
    meaning: str
    advice: str
    timeout: str = "at once"
    fallback: bool = False
    on_request: tuple[Remedy, ...] = ()
    kinds: frozenset[str] = FUNCTIONS
    elsewhere: Rule | None = None

    def rule_for(self, kind: str) -> Rule | None:
        """Return the rule that this row has for a kind; None where it has none."""
        if kind not in self.kinds:
            return None
        return self.rule if kind == FUNCTION or self.elsewhere is None else self.elsewhere


# Asked of every object, whether it is being deleted or not.
_NAME_CHANGED = Entry(
    FindingName.NAME_CHANGED,
    identity.name_changed,
    "spec.name is not the name of the function that the object made.",
    "Set spec.name back. Deleting the object as it is orphans the function.",
    kinds=ALL_KINDS,
    elsewhere=other_kinds.name_changed,
)
_IDENTITY_DRIFT = Entry(
    FindingName.IDENTITY_DRIFT,
    identity.identity_drift,
    "ACK would look for the function in another account or region than where it made it, and so does nothing.",
    "Set back the annotation, the namespace or the flag that is named. ClearFinalizer on request, where the object is "
    "being deleted and the function is proven gone.",
    on_request=(Remedy.CLEAR_FINALIZER,),
    kinds=ALL_KINDS,
)
_ROLE_UNAVAILABLE = Entry(
    FindingName.ROLE_UNAVAILABLE,
    identity.role_unavailable,
    "The controller has no role to assume for the account or team of this namespace.",
    "Add the role to the map that is named, or correct the namespace's annotation; the controller looks every 15 s.",
    "roleUnavailable",
    kinds=ALL_KINDS,
)
_PERMISSION_DENIED = Entry(
    FindingName.PERMISSION_DENIED,
    refusals.permission_denied,
    "AWS refuses the controller a permission.",
    "Grant the named action to the named principal; the controller retries within 17 minutes.",
    kinds=ALL_KINDS,
)

DELETING: tuple[Entry, ...] = (
    _NAME_CHANGED,
    _IDENTITY_DRIFT,
    _ROLE_UNAVAILABLE,
    Entry(
        FindingName.FINALIZER_LEFT,
        deletion.finalizer_left,
        "The object is being deleted, AWS no longer has the function, and ACK's finalizer is still there.",
        "Resync; where the controller is down or a Resync had no effect, ClearFinalizer with its proofs.",
        "deletion",
        kinds=ALL_KINDS,
        elsewhere=other_kinds.finalizer_left,
    ),
    Entry(
        FindingName.DELETION_IN_PROGRESS,
        deletion.deletion_in_progress,
        "The object is being deleted and AWS is busy with the function.",
        "Wait.",
        "deletion",
        kinds=WITH_MAPPINGS,
        elsewhere=other_kinds.deletion_in_progress,
    ),
    Entry(
        FindingName.REPLICATED_FUNCTION,
        deletion.replicated_function,
        "AWS refuses the deletion as long as CloudFront has replicas of the function.",
        "See that no distribution uses the function any more, then wait: replicas go within hours or days.",
        "edgeReplica",
    ),
    _PERMISSION_DENIED,
    Entry(
        FindingName.DELETION_BACKOFF,
        deletion.deletion_backoff,
        "AWS refused the deletion as busy, has settled, and the controller waits for its next try.",
        "Wait until the stated time; then Resync.",
        "the controller's back-off",
    ),
    Entry(
        FindingName.DELETION_BLOCKED,
        deletion.deletion_blocked,
        "AWS refuses the deletion for a reason that waiting does not remove.",
        "Remove the reason that is quoted; Release on request, where the function is to stay and the object to go.",
        "deletion",
        on_request=(Remedy.RELEASE,),
        kinds=ALL_KINDS,
        elsewhere=other_kinds.deletion_blocked,
    ),
    Entry(
        FindingName.DELETION_UNATTENDED,
        deletion.deletion_unattended,
        "The object is being deleted, the function exists, and no controller looks at it.",
        "See that the CRD is not being deleted, then bring the controller back. Do not remove the finalizer.",
        "deletion",
        kinds=ALL_KINDS,
        elsewhere=other_kinds.deletion_unattended,
    ),
    Entry(
        FindingName.DELETION_UNEXPLAINED,
        deletion.deletion_unexplained,
        "The object is being deleted, the function exists, and no condition says why it stays.",
        "Look at the controller's log (it may not read the function); Resync makes it try again; "
        "Release on request, where the function is to stay and the object to go.",
        "deletion",
        fallback=True,
        on_request=(Remedy.RELEASE,),
        kinds=ALL_KINDS,
        elsewhere=other_kinds.deletion_unexplained,
    ),
)

LIVING: tuple[Entry, ...] = (
    Entry(
        FindingName.ALREADY_EXISTS,
        terminal.already_exists,
        "A function of that name exists and ACK does not manage it through this object.",
        "Find out whose it is. To adopt it, make the object anew with ACK's adoption annotations; "
        "adopt-or-create then overwrites the function with the spec.",
        kinds=ALL_KINDS,
        elsewhere=other_kinds.already_exists,
    ),
    Entry(
        FindingName.TERMINAL_ERROR,
        terminal.terminal_error,
        "ACK has given up on the object and never retries by itself.",
        "Correct the spec as the message says: a change of the spec, or a restart, makes ACK try again.",
        kinds=ALL_KINDS,
        elsewhere=other_kinds.terminal_error,
    ),
    _NAME_CHANGED,
    _IDENTITY_DRIFT,
    Entry(
        FindingName.NEVER_RECONCILED,
        controller.never_reconciled,
        "No controller has ever written a condition on the object.",
        "See that the controller runs and watches this namespace and these labels; Resync where it does.",
        "neverReconciled",
        kinds=ALL_KINDS,
    ),
    _ROLE_UNAVAILABLE,
    Entry(
        FindingName.REFERENCES_UNRESOLVED,
        references.references_unresolved,
        "A resource that the object refers to is not ready, or its kind is not installed.",
        "Look at the referenced resource first.",
        "referencesUnresolved",
        kinds=ALL_KINDS,
    ),
    Entry(
        FindingName.CONTROLLER_SILENT,
        controller.controller_silent,
        "An unsynced object has not been retried for longer than ACK's longest back-off.",
        "See whether the controller runs; Resync where it does.",
        "controllerSilent (age of the heartbeat)",
        kinds=ALL_KINDS,
    ),
    Entry(
        FindingName.CHECKSUM_MISMATCH,
        checksum.checksum_mismatch,
        "spec.code.sha256 can never equal what Lambda reports.",
        "Set it to the base64 digest of the package that you deploy, or remove it; then apply again what was dropped.",
        "advisory; at once where not synced",
    ),
    Entry(
        FindingName.UPDATE_FAILED,
        lambda_state.update_failed,
        "AWS rolled the last update back; the object can be green all the same.",
        "Remove the cause that is quoted; where it is transient, Resync once. Apply again what the spec has lost.",
    ),
    Entry(
        FindingName.CREATE_FAILED,
        lambda_state.create_failed,
        "Lambda could not bring the function up (State Failed).",
        "Remove the cause that is quoted. Never delete it in haste: versions, aliases and policies go with it.",
    ),
    Entry(
        FindingName.FUNCTION_PENDING,
        lambda_state.function_pending,
        "Lambda is still bringing the function up.",
        "Wait until the stated time; then see the reason that Lambda gives.",
        "functionPending, functionPendingImage, functionPendingVpc, functionPendingSnapStart",
    ),
    Entry(
        FindingName.STALE_PENDING,
        lambda_state.stale_pending,
        "The controller still says Pending, Lambda says ready.",
        "Wait a minute; then Resync. Upgrade a controller older than 1.7.4.",
        "stalePending",
    ),
    Entry(
        FindingName.UPDATE_IN_PROGRESS,
        lambda_state.update_in_progress,
        "AWS is applying an update; any other change is refused with 409 meanwhile.",
        "Wait until the stated time.",
        "updateInProgress, updateInProgressVpc",
        kinds=WITH_MAPPINGS,
        elsewhere=other_kinds.update_in_progress,
    ),
    Entry(
        FindingName.CONFLICT_BACKOFF,
        lambda_state.conflict_backoff,
        "The last try met a 409, AWS has settled, and the controller waits for its next try.",
        "Wait until the stated time; then Resync.",
        "the controller's back-off",
        kinds=WITH_MAPPINGS,
        elsewhere=other_kinds.conflict_backoff,
    ),
    Entry(
        FindingName.IMAGE_MISSING,
        refusals.image_missing,
        "The container image is not in its registry, or Lambda cannot see it.",
        "Wait for the build that pushes it; after the timeout push it, or correct the tag.",
        "imageMissing",
    ),
    Entry(
        FindingName.ROLE_NOT_ASSUMABLE,
        refusals.role_not_assumable,
        "Lambda cannot assume the function's role.",
        "Wait: a new role takes minutes to be known; after the timeout correct its trust policy.",
        "roleNotAssumable",
    ),
    _PERMISSION_DENIED,
    Entry(
        FindingName.THROTTLED,
        refusals.throttled,
        "AWS throttles the controller.",
        "Wait, and let fewer ask at a time: lower this tool's rate first, then spread deployments.",
        "throttled",
        kinds=ALL_KINDS,
    ),
    Entry(
        FindingName.CONCURRENCY_REFUSED,
        refusals.concurrency_refused,
        "AWS refuses the reserved concurrency: too little of the account's would be left.",
        "Reserve less, here or elsewhere, or have the account's quota raised. No other change gets through until then.",
    ),
    Entry(
        FindingName.RUNTIME_RETIRED,
        refusals.runtime_retired,
        "Lambda does not support the runtime, or does not support it any more.",
        "Set spec.runtime to a supported one, and see that the code runs on it.",
    ),
    Entry(
        FindingName.INVALID_REQUEST,
        refusals.invalid_request,
        "The request is invalid, and a retry alone cannot help.",
        "Correct the field that is named; where the spec is right, the controller is wrong: upgrade it.",
        kinds=ALL_KINDS,
    ),
    Entry(
        FindingName.ADOPTED_GONE,
        adoption.adopted_gone,
        "The function that the object adopted is gone from AWS, and ACK does not make it again.",
        "Find out whether it was deleted on purpose: then delete the object; else restore the function.",
    ),
    Entry(
        FindingName.FUNCTION_INACTIVE,
        lambda_state.function_inactive,
        "Lambda has put an unused function to sleep, and an old controller never counts that as synced.",
        "Nothing is wrong with the function. Upgrade a controller older than 1.6.3; never invoke it to wake it.",
        "advisory",
    ),
    Entry(
        FindingName.UNCLASSIFIED_ERROR,
        unexplained.unclassified_error,
        "The controller retries an error that no rule knows.",
        "Read the quoted error; please report it, so that it gets a name.",
        "unclassifiedError",
        fallback=True,
        kinds=ALL_KINDS,
    ),
    Entry(
        FindingName.NOT_SYNCED_UNEXPLAINED,
        unexplained.not_synced_unexplained,
        "The object is not synced and nothing says why.",
        "Compare both sides as quoted; please report it, so that it gets a name.",
        "notSyncedUnexplained",
        fallback=True,
        kinds=ALL_KINDS,
        elsewhere=other_kinds.not_synced_unexplained,
    ),
    Entry(
        FindingName.LOST_UPDATE,
        lost_update.lost_update,
        "ACK took back fields that were applied, and the object can be green all the same.",
        "Apply the named fields once more, without a change of the code and after AWS has settled.",
        "advisory",
    ),
)

# Not a rule: what the walk ends in when a rule needs AWS's answer and there is none.
UNREADABLE = Entry(
    FindingName.UNREADABLE,
    None,
    "AWS could not be asked, or its answer cannot be trusted, and the diagnosis needs it.",
    "Give the remediator the access that is named. Unreadable is never taken for gone.",
    "never stuck: unknown",
)

CATALOGUE: tuple[Entry, ...] = (*DELETING, *(each for each in LIVING if each not in DELETING), UNREADABLE)
