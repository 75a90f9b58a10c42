"""docs/webhook.md does what it says: its policies load, its patch fits, and its receiver takes our messages alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonpatch
import pytest
import urllib3
from msgspec import structs

from remediator.model.event import EventReason
from remediator.model.message import About, Delivery, Item, Message, Sender
from remediator.policy import Policy
from remediator.policy.webhook import WebhookSection
from remediator.webhook.formats import body
from remediator.webhook.sending import NotTaken, send
from remediator.webhook.signature import secrets_in, signed
from tests import yaml_files
from tests.pages import fences
from tests.webhook.receiving import SECRET, event, news, section

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "webhook.md").read_text(encoding="utf-8")
[CODE] = fences(PAGE, "python")


def first(text: str) -> Any:
    [document] = yaml_files.parsed(text)
    return document


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run the receiver that the page shows; give its address."""
    (tmp_path / "secret").write_text(f"{SECRET}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {"__name__": "receiver"}
    exec(compile(CODE, "docs/webhook.md", "exec"), found)
    handler: type[BaseHTTPRequestHandler] = found["Receiver"]
    monkeypatch.setattr(handler, "log_message", lambda *_: None)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_the_receiver_takes_what_we_send_once(
    receiver: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = section(receiver, tmp_path)
    message = news(event(note="UpdateFailed: no"), event("cart", reason=EventReason.ACTED, note="Resync: resolved"))
    for _ in range(2):
        send(to, message)
    send(to, structs.replace(message, id="msg_2", items=message.items[:1]))
    shown = "Found checkout UpdateFailed: no\nActed cart Resync: resolved\nFound checkout UpdateFailed: no\n"
    assert capsys.readouterr().out == shown


def test_the_receiver_takes_nobody_elses(receiver: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to = section(receiver, tmp_path)
    (tmp_path / "secret").write_text("whsec_" + "A" * 43 + "=", encoding="utf-8")
    with pytest.raises(NotTaken, match="401"):
        send(to, news())
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("late", "headers", "more", "status"),
    [
        (0, {}, b"", 204),
        (299, {}, b"", 204),
        (301, {}, b"", 401),
        (-301, {}, b"", 401),
        (0, {}, b" ", 401),
        (0, {"webhook-id": "msg_2"}, b"", 401),
        (0, {"webhook-timestamp": "1"}, b"", 401),
        (0, {"webhook-signature": ""}, b"", 401),
        (0, {"webhook-signature": "v1,\u00e9 v1,x v2,y"}, b"", 401),
    ],
)
def test_the_receiver_looks_at_signature_and_moment(
    receiver: str, late: int, headers: dict[str, str], more: bytes, status: int
) -> None:
    to = WebhookSection.model_validate({"url": receiver, "secretFile": "secret"})
    content = body(news(), to.format)
    whole = signed(secrets_in(SECRET), "msg_1", int(time.time()) - late, content) | headers
    answer = urllib3.request("POST", receiver, body=content + more, headers=whole)
    assert answer.status == status


def test_its_policies_load() -> None:
    policies = [each for each in fences(PAGE, "yaml") if "kind: Policy" in each]
    formats = [Policy.model_validate(first(each)).webhook.format.value for each in policies]
    assert formats == ["json", "slack"]


def test_its_patch_fits_the_deployment() -> None:
    [shown] = [first(each) for each in fences(PAGE, "yaml") if "kind: Kustomization" in each]
    [patch] = shown["patches"]
    deployment = yaml_files.read(ROOT / "manifests" / "daemon" / "deployment.yaml")
    assert (deployment["kind"], deployment["metadata"]["name"]) == (patch["target"]["kind"], patch["target"]["name"])
    spec = jsonpatch.apply_patch(deployment, first(patch["patch"]))["spec"]["template"]["spec"]
    [mount] = [each for each in spec["containers"][0]["volumeMounts"] if each["name"] == "webhook"]
    assert [each["name"] for each in spec["volumes"]] == ["policy", "webhook"]
    assert f"urlFile: {mount['mountPath']}/url" in PAGE


@pytest.mark.parametrize("struct", [Message, Item, About, Sender])
def test_every_field_is_on_the_page(struct: type) -> None:
    schema = PAGE.partition("## A receiver of yours")[2].partition("A note is")[0]
    for each in struct.__struct_encode_fields__:  # type: ignore[attr-defined]
        assert f"`{each}`" in schema


def test_every_key_and_every_outcome_is_on_the_page() -> None:
    keys = PAGE.partition("| key |")[2].partition("## ")[0]
    for field in WebhookSection.model_fields.values():
        assert f"`{field.alias}`" in keys
    for outcome in Delivery:
        assert f"`{outcome.value}`" in PAGE
