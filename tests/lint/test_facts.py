"""What the rules know of Lambda and ACK, against what botocore, the CRD and the product itself say."""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.model import ServiceModel

from remediator.cli.findings import groups
from remediator.lint.catalogue import RULES
from remediator.lint.environment import _NAME as VARIABLE
from remediator.lint.limits import ENTRIES, LENGTHS, NUMBERS, WORDS
from remediator.lint.ownership import _ROLE as ROLE
from remediator.lint.runtimes import AS_OF, RUNTIMES
from remediator.lint.schema import function_schema


@cache
def model() -> ServiceModel:
    return botocore.session.get_session().get_service_model("lambda")


def bounds(shape: str) -> tuple[Any, Any]:
    metadata = model().shape_for(shape).metadata
    return metadata.get("min"), metadata.get("max")


def words(shape: str) -> set[str]:
    found: Any = model().shape_for(shape)
    return set(found.enum)


def test_every_runtime_of_lambda_s_api_is_known_and_no_other() -> None:
    assert words("Runtime") == set(RUNTIMES)


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_runtime_is_deprecated_before_it_is_blocked(name: str) -> None:
    dates = [each for each in RUNTIMES[name] if each is not None]
    assert len(dates) in (0, 3)
    assert dates == sorted(dates)
    assert AS_OF.year >= 2026


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        (("memorySize",), "MemorySize"),
        (("timeout",), "Timeout"),
        (("ephemeralStorage", "size"), "EphemeralStorageSize"),
    ],
)
def test_the_bounds_are_those_of_lambda_s_api(path: tuple[str, ...], shape: str) -> None:
    found = NUMBERS[path]
    assert (found.least, found.most) == bounds(shape)
    assert found.least < found.usual < found.most


def test_lengths_and_words_are_those_of_lambda_s_api() -> None:
    assert {("description",): bounds("Description")[1], ("handler",): bounds("Handler")[1]} == LENGTHS
    assert set(WORDS["snapStart", "applyOn"]) == words("SnapStartApplyOn")
    assert set(WORDS["tracingConfig", "mode"]) == words("TracingMode")
    assert ENTRIES["vpcConfig", "subnetIDs"] == bounds("SubnetIds")[1]
    assert ENTRIES["vpcConfig", "securityGroupIDs"] == bounds("SecurityGroupIds")[1]
    assert ENTRIES["fileSystemConfigs",] == bounds("FileSystemConfigList")[1]


def test_names_are_those_of_lambda_s_api() -> None:
    assert model().shape_for("RoleArn").metadata["pattern"] == ROLE.pattern
    variable = model().shape_for("EnvironmentVariableName").metadata["pattern"]
    assert variable.replace("([a-zA-Z0-9_])+", "[a-zA-Z0-9_]+") == VARIABLE.pattern


def test_what_is_bounded_is_in_the_schema() -> None:
    for path in (*NUMBERS, *ENTRIES, *LENGTHS, *WORDS):
        inner = function_schema()
        for part in path:
            inner = inner["properties"][part]
        assert inner["type"] in ("integer", "array", "string")


def test_what_a_rule_spares_is_a_finding() -> None:
    spared = {each for rule in RULES for each in rule.spares}
    assert spared <= {name for group in groups() for name, _ in group.entries}
    assert len(spared) > 15


def test_no_rule_is_told_in_fragments() -> None:
    for rule in RULES:
        assert rule.why.endswith("."), rule.id
        assert rule.fix.endswith("."), rule.id
        assert not rule.gist.endswith("."), rule.id
        assert rule.id.isalnum()
        assert rule.id[0].isupper()
