"""The webhook of a policy: where it may go, and that no fault repeats where that is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from remediator.errors import PolicyError
from remediator.model.event import EventReason
from remediator.policy import Policy
from remediator.policy.load import load_policy
from remediator.policy.summary import summary
from remediator.policy.webhook import Format, WebhookSection, webhook_address

HEAD = {"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy"}
SLACK = "https://hooks.slack.com/services/T00/B00/x0SecretToken"


def webhook(**keys: Any) -> WebhookSection:
    return Policy.model_validate(HEAD | {"webhook": keys}).webhook


def test_it_is_off_until_there_is_an_address() -> None:
    assert not Policy().webhook.used
    assert not webhook(reasons=["Acted"]).used
    assert webhook(urlFile="/run/url", format="slack").used


def test_its_defaults() -> None:
    found = webhook(url="https://chat.example.com/ack", secretFile="/run/secret")
    assert (found.format, found.reasons, found.cluster) == (Format.JSON, tuple(EventReason), None)


@pytest.mark.parametrize(
    "url",
    [
        SLACK,
        "https://prod-12.westeurope.logic.azure.com:443/workflows/0/triggers/manual/paths/invoke?api-version=1&sig=x-y",
        "http://127.0.0.1:8080/ack",
        "http://[::1]:8080",
        "http://localhost/",
        "HTTPS://chat.example.com",
    ],
)
def test_it_goes_to_https_or_to_this_machine(url: str) -> None:
    assert webhook_address(url) == url
    assert webhook(url=url, format="slack").url == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "expected a URL"),
        ("chat.example.com/ack-5ecret", "expected a URL"),
        ("ftp://chat.example.com/5ecret", "expected a URL"),
        ("https:///5ecret", "expected a URL"),
        ("https://chat.example.com:99999/5ecret", "expected a URL"),
        ("https://chat.example.com:0/5ecret", "expected a URL"),
        ("https://[::1/5ecret", "expected a URL"),
        ("https://chat.example.com/5ecret https://b.example.com", "expected one URL"),
        ("https://chat.example.com/5ecret\nHost: x", "expected one URL"),
        ("https://chat.example.com/5ecret\u00e9", "expected one URL"),
        ("https://chat.example.com/5ecret" + "x" * 2048, "expected one URL"),
        ("https://me:5ecret@chat.example.com/", "without a password"),
        ("https://chat.example.com/#5ecret", "without #"),
        ("http://chat.example.com/5ecret", "expected https"),
        ("http://10.0.0.1/5ecret", "expected https"),
        ("http://localhost.example.com/5ecret", "expected https"),
    ],
)
def test_what_is_no_such_address_is_refused_and_not_repeated(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        webhook_address(url)
    assert "5ecret" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"webhook: {{url: '{SLACK} ', format: slack}}", "3:11: webhook.url: expected one URL and nothing else"),
        (
            f"webhook: {{url: '{SLACK}', urlFile: /run/url, format: slack}}",
            "3:1: webhook: expected url or urlFile, not",
        ),
        (f"webhook: {{url: '{SLACK}'}}", "3:1: webhook: expected secretFile: messages of format json are signed"),
        ("webhook: {format: slack}", "3:1: webhook: expected url or urlFile, the address to send to"),
        ("webhook: {secretFile: /run/x0SecretToken}", "3:1: webhook: expected url or urlFile, the address"),
        (f"webhook: {SLACK}", "3:1: webhook: "),
        (f"webhook: [{SLACK}]", "3:1: webhook: "),
        (f"webhook: {{url: ['{SLACK}']}}", "3:11: webhook.url: "),
        (f"webhook: {{uri: '{SLACK}'}}", "3:11: unknown key webhook.uri; did you mean url?"),
        (f"webhook: {{format: '{SLACK}'}}", "3:11: webhook.format: "),
        ("webhook: {reasons: []}", "3:11: webhook.reasons: "),
        ("webhook: {reasons: [stuck]}", "3:21: webhook.reasons.0: input should be 'Acted', 'Resolved', 'Found'"),
        ("webhook: {cluster: ''}", "3:11: webhook.cluster: "),
    ],
)
def test_a_fault_is_told_by_its_place_and_without_the_address(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(f"apiVersion: ack-remediator.dev/v1alpha1\nkind: Policy\n{text}\n", encoding="utf-8")
    with pytest.raises(PolicyError) as refused:
        load_policy(path)
    assert said in refused.value.message
    assert "x0SecretToken" not in str(refused.value)


def test_the_summary_says_what_is_told_and_not_where() -> None:
    policy = Policy.model_validate(
        HEAD | {"webhook": {"url": SLACK, "format": "slack", "reasons": ["Acted", "Found"], "cluster": "prod"}}
    )
    assert summary(policy).endswith(" A webhook (slack) is told what is Acted and Found.")
    assert "webhook" not in summary(Policy())
