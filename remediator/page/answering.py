"""Answer a browser: one page at `/`, with headers that let it do nothing but show it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Any

from remediator.page.rendering import content_policy
from remediator.telemetry.listening import Application, StartResponse, heads, say

# Whatever is served besides: nothing keeps it, frames it, sniffs it, or tells where it was.
_GUARDED = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_PORT = re.compile(r":[0-9]{1,5}$")


def application(page: Callable[[], str], *, address: str) -> Application:
    """Serve what `page` returns at `/`, for GET and HEAD; `address` is where we listen.

    On loopback it answers only who asks for this very machine: a site whose name is made to mean 127.0.0.1 could
    otherwise have a browser read it (DNS rebinding).
    """
    here_only = is_loopback(address)

    def answer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if here_only and not _is_here(environ.get("HTTP_HOST", "")):
            return say(start_response, "421 Misdirected Request", "ask for localhost or 127.0.0.1", **_GUARDED)
        if environ["PATH_INFO"] != "/":
            return say(start_response, "404 Not Found", "there is only /", **_GUARDED)
        if environ["REQUEST_METHOD"] != "GET":
            return say(start_response, "405 Method Not Allowed", "use GET", Allow="GET, HEAD", **_GUARDED)
        content = page().encode("utf-8", "replace")
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Length": str(len(content)),
            "Content-Security-Policy": content_policy(inside=False),
            **_GUARDED,
        }
        start_response("200 OK", list(headers.items()))
        return [content]

    return heads(answer)


def is_loopback(address: str) -> bool:
    """Whether nobody but this machine reaches an address."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _is_here(host: str) -> bool:
    """Whether the Host that a client asked for is this machine, on whatever port: a port can be forwarded."""
    name = _PORT.sub("", host.lower())
    return name == "localhost" or is_loopback(name.removeprefix("[").removesuffix("]"))
