"""One message on its way: read where it goes, sign it, send it, and say what came of that.

Nothing that is raised here repeats the address, or what the other end wrote: both may be secrets.
"""

from __future__ import annotations

import re
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.util import Retry

from remediator import __version__
from remediator.model.masking import mask
from remediator.model.message import Message
from remediator.policy.webhook import WebhookSection, webhook_address
from remediator.telemetry.reaching import bounded, why
from remediator.webhook.formats import body
from remediator.webhook.signature import secrets_in, signed

# In seconds: to connect, without a byte, and until the last one.
_CONNECT, _READ, _ANSWER = 5.0, 10.0, 15.0
_LARGEST_FILE = 10_000
# The receiver was busy, or in trouble: it may take the same message later.
_LATER = frozenset({408, 425, 429})
# What Slack says of an address or a message that it does not take, such as no_service; a secret looks otherwise.
_WORD = re.compile(r"(?=.{2,40}$)[a-z]+(?:_[a-z]+){0,5}")


class NotTaken(Exception):
    """The receiver says no, and would say so again."""


class NotYet(Exception):
    """It did not arrive, and may if it is sent again; `after` is how many seconds the receiver asks to wait."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


class NotReady(Exception):
    """The address or the secret cannot be read here; a file that is mounted anew may help."""


def send(to: WebhookSection, message: Message) -> None:
    """Send once. Raises NotTaken, NotYet or NotReady, each with a sentence that holds no secret.

    Files are read each time, so that what is in them can be replaced.
    """
    url = to.url if to.url is not None else _address(to.url_file or "")
    secrets = _secrets(to.secret_file) if to.secret_file is not None else ()
    content = body(message, to.format)
    headers = signed(secrets, message.id, int(time.time()), content) | {
        "Content-Type": "application/json",
        "User-Agent": f"ack-remediator/{__version__}",
    }
    proxy = _proxy(url)
    try:
        with bounded(_CONNECT, _READ, _ANSWER, proxy=proxy) as pool:
            answer = pool.request("POST", url, body=content, headers=headers, redirect=False, preload_content=False)
            with closing(answer):
                taken = 200 <= answer.status < 300
                # Of an answer without end no more than a word is read, and as it is: what is packed may be large.
                said = b"" if taken else answer.read(64, decode_content=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise NotYet(_without(why(error), url, proxy)) from None
    if not taken:
        _refused(answer, said.decode(errors="replace").strip())


def _refused(answer: urllib3.BaseHTTPResponse, said: str) -> None:
    reason = f"it answered {answer.status}{f' ({said})' if _WORD.fullmatch(said) else ''}"
    if answer.status in _LATER or answer.status >= 500:
        raise NotYet(reason, _asked_to_wait(answer.headers.get("Retry-After")))
    raise NotTaken(f"{reason}, and redirects are not followed" if answer.status < 400 else reason)


def _asked_to_wait(text: str | None) -> float | None:
    """Read Retry-After, in seconds or as a date; None where it says nothing."""
    if text is None:
        return None
    try:
        return Retry().parse_retry_after(text)
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
        return None


def _address(file: str) -> str:
    try:
        return webhook_address(_read("urlFile", file).strip())
    except ValueError as error:
        raise NotReady(f"urlFile {file}: {error}") from None


def _secrets(file: str) -> tuple[bytes, ...]:
    """Read the secrets that messages are signed with. Raises NotReady."""
    try:
        return secrets_in(_read("secretFile", file))
    except ValueError as error:
        raise NotReady(f"secretFile {file}: {error}") from None


def _read(key: str, file: str) -> str:
    try:
        with Path(file).open("rb") as opened:
            return opened.read(_LARGEST_FILE).decode("ascii")
    except OSError as error:
        raise NotReady(f"{key} {file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise NotReady(f"{key} {file} is no plain text") from None


def _proxy(url: str) -> str:
    """Name the proxy for an address, as HTTPS_PROXY and NO_PROXY say; empty for none, and on this machine."""
    parts = urlsplit(url)
    if parts.scheme == "http" or proxy_bypass(parts.netloc):
        return ""
    return getproxies().get("https", "")


def _without(text: str, *addresses: str) -> str:
    """Leave out addresses, whole or in part."""
    parts = [urlsplit(each) for each in addresses]
    pieces = [piece for each in parts for piece in (each.path, each.query, each.password or "", *each.path.split("/"))]
    return mask(text, (piece for piece in (*addresses, *pieces) if len(piece) > 3))
