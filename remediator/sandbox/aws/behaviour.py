"""What can be set on a cloud at any time."""

from __future__ import annotations


class Behaviour:
    """How long Lambda takes, and what it has.

    An accepted update shows InProgress for `update_takes` seconds of the sandbox's clock, a function created by request
    Pending for `create_takes`, a deleted one Deleting for `delete_takes`. `latency` is in real seconds, because what it
    is to be held against, a client's time-out, is: every answer comes that much later, without holding up another.
    `concurrency_limit` is each account's, in each region. `endpoint_region` makes the endpoint a regional one, at which
    a signature for another region counts for nothing; None serves every region.
    """

    create_takes: float = 0.0
    update_takes: float = 0.0
    delete_takes: float = 0.0
    latency: float = 0.0
    concurrency_limit: int = 1000
    endpoint_region: str | None = None
