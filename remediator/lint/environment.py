"""`spec.environment.variables`: names, types and size. Values are secrets: none is ever told.

Lambda's rules are those of the AWS Lambda Developer Guide ("Working with Lambda environment variables") and of its API
(botocore lambda/2015-03-31, EnvironmentVariableName).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from remediator.lint.problem import Around, Problem, Rule, Severity, problem
from remediator.manifest.objects import Manifest

_PATH = ("spec", "environment", "variables")
_MOST = 4096  # bytes of names and values together
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
_RESERVED = frozenset(
    {
        "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT", "_HANDLER", "_X_AMZN_TRACE_ID",
    }
)  # fmt: skip

ENVIRONMENT_TYPE = Rule(
    id="EnvironmentNotText",
    severity=Severity.ERROR,
    gist="the value of an environment variable is no text",
    why="The API server refuses the whole object: YAML takes 1, yes, on, true, 1.5 and an empty value for something "
    "else than a text.",
    fix='Put the value in quotes: A: "1".',
    spares=("InvalidRequest",),
)
ENVIRONMENT_NAME = Rule(
    id="EnvironmentName",
    severity=Severity.ERROR,
    gist="Lambda takes no environment variable of that name",
    why="Lambda refuses the function: a name begins with a letter, has two characters or more, all of them letters, "
    "digits or _; and some are Lambda's own.",
    fix="Rename the variable.",
    spares=("InvalidRequest",),
)
ENVIRONMENT_SIZE = Rule(
    id="EnvironmentTooLarge",
    severity=Severity.ERROR,
    gist="the environment is larger than 4 KB",
    why="Lambda refuses the function: names and values together may have 4,096 bytes.",
    fix="Keep what is large in a file of the package, in S3, or in Parameter Store.",
    spares=("InvalidRequest",),
)


def environment_type(manifest: Manifest, _around: Around) -> Iterator[Problem]:
    """Find values that YAML took for numbers, booleans or nothing."""
    for name, value in _variables(manifest).items():
        if not isinstance(value, str):
            said = f"the value of {name} is {_kind(value)}; put it in quotes"
            yield problem(ENVIRONMENT_TYPE, manifest, (*_PATH, name), said)


def environment_name(manifest: Manifest, _around: Around) -> Iterator[Problem]:
    """Find names that Lambda keeps for itself, or takes for none."""
    for name in _variables(manifest):
        if name in _RESERVED:
            said = f"{name} is Lambda's own: it cannot be set"
        elif _NAME.fullmatch(name) is None:
            said = f"{name!r} is no name of an environment variable"
        else:
            continue
        yield problem(ENVIRONMENT_NAME, manifest, (*_PATH, name), said)


def environment_size(manifest: Manifest, _around: Around) -> Iterator[Problem]:
    """Find an environment that is too large, counting no quotes or commas: it is larger rather than smaller."""
    variables = _variables(manifest).items()
    size = sum(len(f"{name}{value}".encode()) for name, value in variables if isinstance(value, str))
    if size > _MOST:
        yield problem(ENVIRONMENT_SIZE, manifest, _PATH, f"the environment has {size:,} bytes, of {_MOST:,} at most")


def _variables(manifest: Manifest) -> dict[str, Any]:
    found = manifest.at(*_PATH)
    return found if isinstance(found, dict) else {}


def _kind(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "a boolean"
    return "a number" if isinstance(value, int | float) else "no text"
