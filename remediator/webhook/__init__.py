"""News for a receiver outside the cluster: the same that Events tell, signed, and as well as may be."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime

from remediator import __version__
from remediator.model.event import Event, EventReason
from remediator.model.message import Sender, message
from remediator.policy.webhook import WebhookSection
from remediator.webhook.deliveries import Deliveries

__all__ = ["Deliveries", "Webhook"]


class Webhook:
    """What one policy wants to be told where.

    `cluster` is what the cluster is called where the policy says nothing; `by` is this process. `forgets` says why
    nobody will remember what was told; then only what was done is, or each run would tell anew what still holds.
    """

    def __init__(
        self,
        to: WebhookSection,
        deliveries: Deliveries,
        *,
        cluster: str,
        by: str,
        now: Callable[[], datetime],
        forgets: Callable[[], str],
    ) -> None:
        self._to = to
        self._deliveries = deliveries
        self._cluster = to.cluster or cluster
        self._sender = Sender(by, __version__)
        self._now = now
        self._forgets = forgets

    def tell(self, found: Sequence[Event]) -> None:
        """Let one message be sent of all that is new and asked for; what still holds is not said again."""
        wanted = set(self._to.reasons)
        if not self._deliveries.lasting and self._forgets():
            wanted &= {EventReason.ACTED}
        news = [each for each in found if each.reason in wanted and not each.again]
        if news:
            ident = f"msg_{uuid.uuid4().hex}"
            self._deliveries.post(
                self._to, message(news, id=ident, at=self._now(), cluster=self._cluster, sender=self._sender)
            )
