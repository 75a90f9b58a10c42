"""The part of the policy file that says where news are told, beside the cluster: a chat, or a receiver of one's own."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from remediator.model.event import EventReason
from remediator.policy.sections import Section, said

_LONGEST = 2048


class Format(StrEnum):
    """What a message is written for."""

    JSON = "json"
    SLACK = "slack"
    TEAMS = "teams"


def webhook_address(text: str) -> str:
    """Check where messages are to go, and give that back.

    Raises ValueError, which never repeats it: who has the address of a chat's webhook can write into that chat.
    """
    if not text.isascii() or not text.isprintable() or " " in text or len(text) > _LONGEST:
        raise ValueError("expected one URL and nothing else, such as https://chat.example.com/hooks/ack")
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        usable = bool(host) and parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:  # a port, or an address, that is none
        usable = False
    if not usable:
        raise ValueError("expected a URL such as https://chat.example.com/hooks/ack")
    if "@" in parts.netloc or parts.fragment:
        raise ValueError("expected a URL without a password and without #")
    if parts.scheme == "http" and not _loopback(host):
        raise ValueError("expected https: what it tells names functions and errors; http is for this machine only")
    return text


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _something(reasons: tuple[EventReason, ...]) -> tuple[EventReason, ...]:
    if not reasons:
        raise ValueError(f"expected one of {', '.join(EventReason)} at least")
    return reasons


FilePath = Annotated[str, Field(min_length=1)]


class WebhookSection(Section):
    """Where news go, beside the cluster. It is off until there is an address."""

    url: Annotated[
        Annotated[str, AfterValidator(webhook_address)] | None,
        said("Where to send messages: https, or http on this machine. That of a chat is a secret: keep it in urlFile."),
    ] = None
    url_file: Annotated[
        FilePath | None, said("A file that holds the URL and nothing else, such as one of a mounted Secret.")
    ] = None
    secret_file: Annotated[
        FilePath | None,
        said("A file with the secret that messages are signed with: whsec_ and 24 to 64 bytes in base64."),
    ] = None
    format: Annotated[
        Format,
        said("json, signed, for a receiver of yours; slack for an incoming webhook; teams for a workflow's webhook."),
    ] = Format.JSON
    reasons: Annotated[
        tuple[EventReason, ...],
        AfterValidator(_something),
        said("Of what to tell: the reasons of Events."),
    ] = tuple(EventReason)
    cluster: Annotated[
        Annotated[str, Field(pattern=r"^.{1,100}$")] | None,
        said("What messages call this cluster; null: by the context of the kubeconfig, which a pod has none of."),
    ] = None

    @property
    def used(self) -> bool:
        return self.url is not None or self.url_file is not None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.url is not None and self.url_file is not None:
            raise ValueError("expected url or urlFile, not both")
        if not self.used and (self.secret_file is not None or self.format is not Format.JSON):
            raise ValueError("expected url or urlFile, the address to send to")
        if self.used and self.format is Format.JSON and self.secret_file is None:
            raise ValueError("expected secretFile: messages of format json are signed")
        return self
