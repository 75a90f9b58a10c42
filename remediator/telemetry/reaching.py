"""HTTP to the other end of where metrics go: it gives up in time, and says why in half a sentence."""

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
    try:
        with bounded(_CONNECT, _READ, _ANSWER) as pool:
            answer = pool.request("GET", url, redirect=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise NotServed(why(error)) from error
    if answer.status != 200:
        raise NotServed(f"it answered {answer.status}")
    return str(answer.data.decode(errors="replace"))


def bounded(connect: float, read: float, answer: float) -> Any:
    """Make connections that give up in time, whatever trickles in; the bounds are in seconds."""
    pool: Any = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=connect, read=read))
    pool.pool_classes_by_scheme = dict(pool.pool_classes_by_scheme)  # urllib3's own are everybody's
    bound_answers(pool.pool_classes_by_scheme, answer)
    return pool


def why(error: Exception) -> str:
    """Say the innermost reason, without the addresses of objects that urllib3 puts before it."""
    text = str(getattr(error, "reason", None) or error)
    return text.split(": ", 1)[-1] if "object at 0x" in text or text.startswith("HTTP") else text
