"""The one operation of the Resource Groups Tagging API that the sandbox has: which functions have a tag.

As the API Reference has it ("GetResources"): filters of several keys must all hold, of several values one; a page has
up to a hundred, and the last one an empty token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from remediator.sandbox.aws.calls import Request
from remediator.sandbox.aws.errors import Answer, AwsError, tagging_answer
from remediator.sandbox.aws.functions import Functions

_FUNCTIONS = ("lambda", "lambda:function")
_USUAL_PAGE, _LARGEST_PAGE = 50, 100


def answer(request: Request, functions: Functions) -> Answer:
    """Answer a request about the functions of an account. Raise AwsError for what is refused."""
    if request.operation != "GetResources":
        raise AwsError("UnknownOperationException", f"The sandbox has no {request.operation}.")
    asked = request.parameters
    kinds = asked.get("ResourceTypeFilters") or _FUNCTIONS
    found = functions.all(request.region) if any(each in kinds for each in _FUNCTIONS) else []
    matching = sorted(
        (each.function_arn, dict(each.tags)) for each in found if _matches(each.tags, asked.get("TagFilters") or [])
    )
    size = int(asked.get("ResourcesPerPage") or _USUAL_PAGE)
    if not 1 <= size <= _LARGEST_PAGE:
        raise AwsError("InvalidParameterException", f"ResourcesPerPage is from 1 to {_LARGEST_PAGE}")
    start = _start(asked.get("PaginationToken") or "0")
    return tagging_answer(
        {
            "PaginationToken": str(start + size) if start + size < len(matching) else "",
            "ResourceTagMappingList": [
                {"ResourceARN": arn, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
                for arn, tags in matching[start : start + size]
            ],
        }
    )


def _matches(tags: Mapping[str, str], filters: list[dict[str, Any]]) -> bool:
    """Whether all filters hold. What never had a tag is in no answer."""
    return bool(tags) and all(
        each["Key"] in tags and (not each.get("Values") or tags[each["Key"]] in each["Values"]) for each in filters
    )


def _start(token: str) -> int:
    if not token.isdigit():
        raise AwsError("PaginationTokenExpiredException", "The PaginationToken is not valid any more.")
    return int(token)
