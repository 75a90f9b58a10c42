"""Count what AWS is asked: every try of every call, and what was answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.parsers import ResponseParserError

# Told of each try the operation and its answer: `ok`, the error's code, or `none` where none came.
Count = Callable[[str, str], None]

# What botocore raises where an answer has another shape than its model says, from deep within its parsers.
MISSHAPEN = (KeyError, TypeError, AttributeError, RecursionError, ResponseParserError)


def count_nothing(operation: str, code: str) -> None:
    """Do nothing with a request and its answer."""


def count_requests(client: Any, count: Count) -> None:
    """Let each try of a client's calls be counted. What fails before a request is made is none."""

    def tried(operation: Any, response: tuple[Any, dict[str, Any]] | None, **_: Any) -> None:
        """Botocore asks after each try whether there is to be another one."""
        if response is None:
            count(operation.name, "none")
            return
        http, parsed = response
        count(operation.name, "ok" if http.status_code < 300 else str(parsed.get("Error", {}).get("Code", "other")))

    def broke(exception: BaseException, event_name: str, **_: Any) -> None:
        """An answer that cannot be read is one, all the same; nobody is asked after it."""
        if isinstance(exception, MISSHAPEN):
            count(event_name.rpartition(".")[2], "other")

    # First of all: a handler of botocore's may raise, and those behind it are not called then.
    client.meta.events.register_first("needs-retry", tried)
    client.meta.events.register_first("after-call-error", broke)
