"""Messages, policies for them, and a receiver that checks what it hears."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from remediator.model.event import Event, EventReason, EventType
from remediator.model.message import Message, Sender, message
from remediator.model.resource import Ref
from remediator.policy.webhook import Format, WebhookSection
from tests.builders import NOW
from tests.wire import Heard

SECRET = "whsec_" + base64.b64encode(b"of-the-tests-and-of-nobody-else").decode()
HOOK = "/services/T0SECRET/B0SECRET/x0SecretToken"


def event(name: str = "checkout", *, reason: EventReason = EventReason.FOUND, note: str = "it is stuck") -> Event:
    return Event(
        ref=Ref("shop", name, f"uid-{name}"),
        reason=reason,
        action="Diagnose",
        type=EventType.WARNING,
        note=note,
        about=(name,),
    )


def news(*found: Event, ident: str = "msg_1", cluster: str = "prod-eu1") -> Message:
    return message(found or [event()], id=ident, at=NOW, cluster=cluster, sender=Sender("pod@host", "1.2.3"))


def section(url: str, directory: Path, **more: Any) -> WebhookSection:
    """A webhook whose address is in a file, as it should be; signed."""
    (directory / "url").write_text(f"{url}\n", encoding="utf-8")
    (directory / "secret").write_text(f"{SECRET}\n", encoding="utf-8")
    files = {"urlFile": str(directory / "url"), "secretFile": str(directory / "secret")}
    return WebhookSection.model_validate(files | {"format": Format.JSON} | more)


def read(heard: Heard) -> Any:
    return json.loads(heard.body)
