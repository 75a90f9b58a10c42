"""Ask the other end of where metrics go: is a Pushgateway ready, what does a daemon serve."""

from __future__ import annotations

from typing import Any

import urllib3

from remediator.deadline import bound_answers

# In seconds: to connect, without a byte, and until the last one.
_CONNECT, _READ, _ANSWER = 3.0, 3.0, 10.0


class NotServed(Exception):
    """Nothing useful was answered; says why."""


def fetch(url: str) -> str:
    """Read a page of text; raise NotServed where that is not possible in time."""
    pool: Any = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=_CONNECT, read=_READ))
    pool.pool_classes_by_scheme = dict(pool.pool_classes_by_scheme)  # urllib3's own are everybody's
    bound_answers(pool.pool_classes_by_scheme, _ANSWER)
    try:
        with pool:
            answer = pool.request("GET", url, redirect=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise NotServed(why(error)) from error
    if answer.status != 200:
        raise NotServed(f"it answered {answer.status}")
    return str(answer.data.decode(errors="replace"))


def why(error: Exception) -> str:
    """Say the innermost reason, without the addresses of objects that urllib3 puts before it."""
    text = str(getattr(error, "reason", None) or error)
    return text.split(": ", 1)[-1] if "object at 0x" in text or text.startswith("HTTP") else text
