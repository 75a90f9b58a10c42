"""Every rule, in the order in which docs/lint.md tells of them, and every check.

To add a rule: the rule and its check in a module, one line here in each list, examples in tests/lint, a section in
docs/lint.md.
"""

from __future__ import annotations

from remediator.lint import (
    changes,
    checksum,
    concurrency,
    environment,
    leftovers,
    limits,
    marks,
    ownership,
    package,
    protection,
    references,
    runtime,
    schema,
)
from remediator.lint.problem import Check, Rule, Severity

UNREADABLE_FILE = Rule(
    id="UnreadableFile",
    severity=Severity.ERROR,
    gist="a file cannot be read, or is no manifest",
    why="Nothing of it was judged; kubectl refuses it, too.",
    fix="Correct it, or take it off the command line. A template has to be rendered first (helm template, kustomize "
    "build); - reads the result from stdin.",
)
NOT_A_MANIFEST = Rule(
    id="NotAManifest",
    severity=Severity.NOTE,
    gist="a file in a directory is no manifest, and was passed over",
    why="Templates and values are not what is applied: what they become is.",
    fix="Judge what is rendered: `helm template . | remediator lint -`.",
)
UNRENDERED = Rule(
    id="Unrendered",
    severity=Severity.NOTE,
    gist="a value has a placeholder in it, and was not judged",
    why="What it will be is not known here: {{ … }}, ${NAME}, $(NAME) and $NAME are put in later.",
    fix="Judge what is rendered: by helm template, kustomize build, flux build or envsubst.",
)
UNUSED_IGNORE = Rule(
    id="UnusedIgnore",
    severity=Severity.WARNING,
    gist="a comment ignores a rule that finds nothing there",
    why="It would hide what comes next.",
    fix="Delete the comment, or put it on the line that the problem is told of, or the one above.",
)

RULES: tuple[Rule, ...] = (
    checksum.CHECKSUM_FORM,
    checksum.CHECKSUM_MISSING,
    checksum.CHECKSUM_UNUSED,
    changes.CODE_WITH_CONFIGURATION,
    changes.CHANGE_UNSEEN,
    changes.NAME_CHANGED,
    changes.REGION_CHANGED,
    changes.FIXED_CHANGED,
    package.PACKAGE_TYPE,
    package.PACKAGE_INCOMPLETE,
    package.ZIP_FILE,
    package.CODE_SIGNING,
    runtime.RUNTIME_UNKNOWN,
    runtime.RUNTIME_RETIRED,
    concurrency.CONCURRENCY_LIMIT,
    protection.DELETION_POLICY_MISSING,
    references.REFERENCE_UNRESOLVED,
    ownership.EITHER_OR,
    ownership.ROLE_MISSING,
    ownership.DUPLICATE_FUNCTION,
    limits.FUNCTION_NAME,
    limits.OUT_OF_RANGE,
    environment.ENVIRONMENT_TYPE,
    environment.ENVIRONMENT_NAME,
    environment.ENVIRONMENT_SIZE,
    schema.UNKNOWN_FIELD,
    schema.WRONG_TYPE,
    schema.FIELD_MISSING,
    marks.ANNOTATION_TYPE,
    marks.ACK_ANNOTATION,
    marks.REMEDIATOR_ANNOTATION,
    leftovers.FINALIZER_PRESET,
    leftovers.SERVER_FIELDS,
    leftovers.PUBLISH_SET,
    leftovers.EMPTY_STRUCTURE,
    UNREADABLE_FILE,
    NOT_A_MANIFEST,
    UNRENDERED,
    UNUSED_IGNORE,
)

# Asked of Functions.
CHECKS: tuple[Check, ...] = (
    checksum.checksum_form,
    checksum.checksum_missing,
    checksum.checksum_unused,
    changes.code_with_configuration,
    changes.change_unseen,
    changes.name_changed,
    changes.region_changed,
    changes.fixed_field_changed,
    package.package_type,
    package.package_incomplete,
    package.zip_file,
    package.code_signing,
    runtime.runtime_unknown,
    runtime.runtime_retired,
    concurrency.concurrency_limit,
    protection.deletion_policy_missing,
    ownership.either_or,
    ownership.role_missing,
    ownership.duplicate_function,
    limits.function_name,
    limits.out_of_range,
    environment.environment_type,
    environment.environment_name,
    environment.environment_size,
    schema.schema,
    leftovers.publish_set,
    leftovers.empty_structure,
)
# Asked of all of Lambda's kinds.
CHECKS_OF_ALL: tuple[Check, ...] = (
    references.reference_unresolved,
    marks.annotation_type,
    marks.ack_annotation,
    marks.remediator_annotation,
    leftovers.finalizer_preset,
    leftovers.server_fields,
)
