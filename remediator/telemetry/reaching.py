"""HTTP to the other end of where metrics go: it gives up in time, and says why in half a sentence."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.util import make_headers

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


def bounded(connect: float, read: float, answer: float, *, proxy: str = "") -> Any:
    """Make connections that give up in time, whatever trickles in; the bounds are in seconds.

    `proxy` is the URL of one to go through, which may hold user and password; empty: go directly.
    """
    patience: Any = {"retries": False, "timeout": urllib3.Timeout(connect=connect, read=read)}
    pool: Any
    if proxy:
        pool = urllib3.ProxyManager(proxy, proxy_headers=_proxy_headers(proxy), **patience)
    else:
        pool = urllib3.PoolManager(**patience)
    pool.pool_classes_by_scheme = dict(pool.pool_classes_by_scheme)  # urllib3's own are everybody's
    bound_answers(pool.pool_classes_by_scheme, answer)
    return pool


def _proxy_headers(proxy: str) -> dict[str, str]:
    user = urlsplit(proxy)
    if user.username is None:
        return {}
    return dict(make_headers(proxy_basic_auth=f"{unquote(user.username)}:{unquote(user.password or '')}"))


def why(error: Exception) -> str:
    """Say the innermost reason, without the addresses of objects that urllib3 puts before it."""
    text = str(getattr(error, "reason", None) or error)
    return text.split(": ", 1)[-1] if "object at 0x" in text or text.startswith("HTTP") else text
