"""Which text is about what: the table of error texts, by the words of the controller, of AWS and of Kubernetes."""

from __future__ import annotations

import time

import pytest

from remediator.diagnosis.error_text import (
    TABLE,
    ErrorKind,
    field_paths,
    hint_of,
    is_busy,
    kind_of,
    may_pass,
    runtime_of,
    state_reason_code,
    unreserved_minimum,
    which_map,
    who_may_not_what,
)

ARN = "arn:aws:lambda:us-east-1:123456789012:function:checkout"
AT_THIS_TIME = "ResourceConflictException: The operation cannot be performed at this time."

TEXTS = {
    f"{AT_THIS_TIME} An update is in progress for resource: {ARN}": ErrorKind.BUSY,
    f"{AT_THIS_TIME} The function is currently in the following state: Pending": ErrorKind.BUSY,
    f"{AT_THIS_TIME} The resource {ARN} is currently in the following state: 'Pending'": ErrorKind.BUSY,
    f"{AT_THIS_TIME} The resource {ARN} is currently in the following state: 'Deleting'": ErrorKind.BUSY,
    f"{AT_THIS_TIME} The resource {ARN} is currently in the following state: 'Failed'. "
    "StateReasonCode: 'InsufficientRolePermissions'": ErrorKind.FAILED_STATE,
    f"{AT_THIS_TIME} The function is currently in the following state: Deleting": ErrorKind.BUSY,
    f"{AT_THIS_TIME} The function is currently in the following state: Failed": ErrorKind.FAILED_STATE,
    "ResourceConflictException: Conflict due to concurrent requests on this function. Please try this request again.": (
        ErrorKind.BUSY
    ),
    "function in 'Pending' state, cannot be modified or deleted": ErrorKind.PENDING,
    "function in 'Deleting' state, cannot be modified or deleted": ErrorKind.BUSY,
    "ResourceConflictException: Function already exist: checkout": ErrorKind.ALREADY_EXISTS,
    "operation error Lambda: CreateFunction, https response error StatusCode: 409, Function already exist": (
        ErrorKind.ALREADY_EXISTS
    ),
    "ResourceConflictException: The event source arn:aws:sqs:us-east-1:123456789012:orders and function checkout "
    "mapping already exists. Please update or delete the existing mapping with UUID 5f3c": ErrorKind.ALREADY_EXISTS,
    'Operation cannot be fulfilled on functions.lambda.services.k8s.aws "checkout": the object has been modified; '
    "please apply your changes to the latest version and try again": ErrorKind.KUBERNETES_CONFLICT,
    "IAM Role is not available": ErrorKind.NO_ROLE,
    'retrieving role ARN for account/team ID "444455556666" from "ack-role-account-map" configmap: '
    "role value is empty in CARM configmap": ErrorKind.NO_ROLE,
    "ResourceInUseException: The mapping is being updated.": ErrorKind.IN_USE,
    "Cannot update the event source mapping because it is in use.": ErrorKind.IN_USE,
    "Cannot delete the event source mapping because it is in use.": ErrorKind.IN_USE,
    "ResourceNotReadyException: The function is inactive.": ErrorKind.NOT_READY,
    "PreconditionFailedException: The RevisionId provided does not match": ErrorKind.PRECONDITION,
    "TooManyRequestsException: Rate Exceeded.": ErrorKind.THROTTLED,
    "api error ThrottlingException: Rate exceeded": ErrorKind.THROTTLED,
    "EC2ThrottledException: Lambda was throttled by Amazon EC2": ErrorKind.THROTTLED,
    "api error RequestLimitExceeded: Request limit exceeded.": ErrorKind.THROTTLED,
    "ServiceException: An error occurred and the request cannot be processed.": ErrorKind.SERVICE,
    "InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda.": (
        ErrorKind.ROLE_NOT_ASSUMABLE
    ),
    "InvalidParameterValueException: Source image 1.dkr.ecr/a:b does not exist. Provide a valid source image.": (
        ErrorKind.IMAGE_MISSING
    ),
    "source image does not exist": ErrorKind.IMAGE_MISSING,
    f"InvalidParameterValueException: Lambda was unable to delete {ARN}:4 because it is a replicated function.": (
        ErrorKind.REPLICATED
    ),
    "CodeStorageExceededException: Code storage limit exceeded.": ErrorKind.CODE_STORAGE,
    "api error AccessDeniedException: ": ErrorKind.DENIED,
    "AccessDeniedException: \n\tstatus code: 403, request id: 1": ErrorKind.DENIED,
    "User: arn:aws:sts::1:assumed-role/a/b is not authorized to perform: iam:PassRole on resource: c": ErrorKind.DENIED,
    "InvalidParameterValueException: Specified ReservedConcurrentExecutions for function decreases account's "
    "UnreservedConcurrentExecution below its minimum value of [100].": ErrorKind.CONCURRENCY,
    "InvalidParameterValueException: The runtime parameter of nodejs12.x is no longer supported for creating or "
    "updating AWS Lambda functions.": ErrorKind.RUNTIME,
    "InvalidParameterValueException: Value nodejs4 at 'runtime' failed to satisfy constraint": ErrorKind.RUNTIME,
    "InvalidParameterValueException: Please don't provide Handler or Runtime or Layer": ErrorKind.INVALID,
    "InvalidParameterValueException: The Destination field is required for an OnFailure configuration": (
        ErrorKind.INVALID
    ),
    "api error ValidationException: 1 validation error detected": ErrorKind.INVALID,
    "operation error Lambda: CreateFunction, 1 validation error(s) found.\n"
    "- missing required field, CreateFunctionInput.Code.\n": ErrorKind.INVALID,
    "missing required field, UpdateFunctionConfigurationInput.VpcConfig": ErrorKind.INVALID,
}


@pytest.mark.parametrize(("text", "kind"), TEXTS.items(), ids=[each.name for each in TEXTS.values()])
def test_a_text_is_about_one_thing(text: str, kind: ErrorKind) -> None:
    assert kind_of(text) is kind
    assert kind_of(f"operation error Lambda: X, https response error StatusCode: 4xx, RequestID: …, {text}") is kind


def test_every_row_of_the_table_is_met_by_some_text() -> None:
    assert {row.kind for row in TABLE} == set(ErrorKind) == set(TEXTS.values())
    for row in TABLE:
        for group in row.groups:
            assert any(all(part in text.lower() for part in group) for text in TEXTS if TEXTS[text] is row.kind), group


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ResourceNotFoundException: Function not found: checkout",
        "ResourceConflictException: Something new.",
        "The runtime parameter of nodejs12.x is no longer supported",
        "Resource already exists",
        "following state: Hibernating",
    ],
)
def test_what_no_row_knows_is_about_nothing(text: str) -> None:
    assert kind_of(text) is None
    assert hint_of(text) == ""
    assert may_pass(text)


def test_fragments_are_looked_for_in_lower_case() -> None:
    assert all(part == part.lower() and part for row in TABLE for group in row.groups for part in group)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("the object has been modified", "An update is in progress"),
        ("function in 'Pending' state", "An update is in progress"),
        ("An update is in progress", "following state: 'Failed'"),
        ("a replicated function", "InvalidParameterValueException"),
        ("cannot be assumed by Lambda", "InvalidParameterValueException: ServiceException"),
        ("AccessDeniedException", "Rate exceeded"),
        ("ValidationException", "ServiceException"),
    ],
)
def test_where_two_are_quoted_the_same_one_counts_in_whatever_order(first: str, second: str) -> None:
    assert kind_of(f"{first}; {second}") is kind_of(f"{second}; {first}") is kind_of(first)


def test_busy_is_what_passes_when_aws_has_settled() -> None:
    assert {TEXTS[each] for each in TEXTS if is_busy(each)} == {ErrorKind.BUSY, ErrorKind.PENDING}


def test_what_lasts_is_told_from_what_passes() -> None:
    lasting = {TEXTS[each] for each in TEXTS if not may_pass(each)}
    assert lasting == {
        ErrorKind.FAILED_STATE,
        ErrorKind.ALREADY_EXISTS,
        ErrorKind.CODE_STORAGE,
        ErrorKind.PRECONDITION,
    }
    assert all(hint_of(each) for each in TEXTS if not may_pass(each))


def test_of_what_has_a_finding_of_its_own_no_hint_is_given() -> None:
    assert hint_of("AccessDeniedException") == ""


def test_the_map_and_the_key_that_it_lacks_are_read() -> None:
    text = 'retrieving role ARN for account/team ID "payments" from "ack-role-team-map" configmap: key not found'
    assert which_map(text) == {"map": "ack-role-team-map", "key": "payments"}
    assert which_map("IAM Role is not available") == {}


@pytest.mark.parametrize(
    ("text", "minimum"),
    [("below its minimum value of [100].", "100"), ("below its minimum value of 10", "10"), ("below its minimum", "")],
)
def test_how_much_must_stay_unreserved_is_read(text: str, minimum: str) -> None:
    assert unreserved_minimum(text) == minimum


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("state: 'Failed'. StateReasonCode: 'InsufficientRolePermissions'", "InsufficientRolePermissions"),
        ("StateReasonCode: FunctionError.InitTimeout", "FunctionError.InitTimeout"),
        ("state: 'Failed'", ""),
    ],
)
def test_the_code_that_a_409_quotes_is_read(text: str, code: str) -> None:
    assert state_reason_code(text) == code


@pytest.mark.parametrize(
    ("text", "runtime"),
    [
        ("The runtime parameter of nodejs12.x is no longer supported", "nodejs12.x"),
        ("Value python3.99 at 'runtime' failed to satisfy constraint", "python3.99"),
        ("Value 'python3.99' at 'runtime' failed to satisfy constraint", "python3.99"),
        ("The runtime is old", ""),
    ],
)
def test_the_runtime_that_was_refused_is_read(text: str, runtime: str) -> None:
    assert runtime_of(text) == runtime


def test_fields_are_named_once_and_not_without_end() -> None:
    text = "- missing required field, Input.A[0].B.\n- missing required field, Input.A[0].B.\n"
    assert field_paths(text) == ("Input.A[0].B",)
    assert field_paths("Value '1' at 'a.b' failed to satisfy constraint; Value '2' at 'c' failed to satisfy") == (
        "a.b",
        "c",
    )
    assert field_paths("".join(f"missing required field, F{each}\n" for each in range(9))) == tuple(
        f"F{each}" for each in range(5)
    )
    assert field_paths("missing required field, ...") == ()


@pytest.mark.parametrize(
    "piece",
    [
        "User: ",
        " is not authorized to perform: ",
        "' at '",
        "Value ",
        "Value '",
        "missing required field, ",
        "missing required field, a.",
        "runtime parameter of ",
        "minimum value of [",
        "StateReasonCode: '",
        'account/team ID "',
        'account/team ID "a" from "',
        "invalidparametervalue",
        "following state: ",
        "already exist",
        "\u0130",
        "x",
    ],
)
def test_a_megabyte_is_read_in_no_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    began = time.process_time()
    kind_of(text)
    hint_of(text)
    for read in (which_map, unreserved_minimum, state_reason_code, runtime_of, field_paths):
        read(text)
    assert time.process_time() - began < 10


MAY_NOT = " is not authorized to perform: lambda:GetFunction on resource: *"


@pytest.mark.parametrize(
    ("text", "who"),
    [
        (
            f"User: arn:aws:iam::1:role/a{MAY_NOT}",
            {"principal": "arn:aws:iam::1:role/a", "action": "lambda:GetFunction"},
        ),
        (f"User: b is fine. User: a{MAY_NOT}", {"principal": "a", "action": "lambda:GetFunction"}),
        (f"User: two words{MAY_NOT}", {}),
        (f"Somebody{MAY_NOT}", {}),
        ("User: arn:aws:iam::1:role/a may not", {}),
        ("operation error Lambda: GetFunction, 403", {"action": "lambda:GetFunction"}),
        (f"operation error Lambda: DeleteFunction, it{MAY_NOT}", {"action": "lambda:DeleteFunction"}),
    ],
)
def test_principal_and_action_are_read_where_both_are_told(text: str, who: dict[str, str]) -> None:
    assert who_may_not_what(text) == who
