"""How long each kind of trouble may last before it counts as stuck."""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct


class Timeouts(Struct, frozen=True):
    """Defaults follow what AWS documents and its SDK waiters allow, with a margin.

    `controller_silent` must be above 1000 s, ACK's longest back-off; `deletion` covers draining and VPC clean-up,
    `edge_replica` what CloudFront takes to let go of replicas, `role_not_assumable` what IAM takes to tell everyone.
    """

    deletion: timedelta = timedelta(minutes=20)
    edge_replica: timedelta = timedelta(hours=72)
    role_unavailable: timedelta = timedelta(minutes=5)
    never_reconciled: timedelta = timedelta(minutes=10)
    references_unresolved: timedelta = timedelta(minutes=15)
    controller_silent: timedelta = timedelta(minutes=20)
    function_pending: timedelta = timedelta(minutes=10)
    function_pending_image: timedelta = timedelta(minutes=15)
    function_pending_vpc: timedelta = timedelta(minutes=30)
    function_pending_snap_start: timedelta = timedelta(minutes=45)
    stale_pending: timedelta = timedelta(seconds=60)
    update_in_progress: timedelta = timedelta(minutes=10)
    update_in_progress_vpc: timedelta = timedelta(minutes=30)
    image_missing: timedelta = timedelta(minutes=15)
    role_not_assumable: timedelta = timedelta(minutes=5)
    throttled: timedelta = timedelta(minutes=15)
    unclassified_error: timedelta = timedelta(minutes=20)
    not_synced_unexplained: timedelta = timedelta(minutes=20)
