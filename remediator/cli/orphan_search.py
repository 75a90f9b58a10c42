"""Put the adapters behind a search for orphans, and read what records tell."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from remediator.aws.live import AwsCloud
from remediator.aws.tags import AwsTags
from remediator.cli.wiring import Wired
from remediator.errors import ClusterError, NotFound
from remediator.kubernetes import words
from remediator.kubernetes.resources import KubernetesCluster
from remediator.model.orphan import Left, left_by
from remediator.orphans import Say, Search, Wanted, search
from remediator.policy import LambdaCall


def searched(wired: Wired, regions: Sequence[str], accounts: Sequence[str], say: Say) -> tuple[Search, list[str]]:
    """Search under the policy of a wired command; also say what of the records is not known.

    Whatever the policy says, no answer with a link to a function's code is asked for.
    """
    clock, rules = wired.means.clock, wired.policy
    left, notes, unread = _left(wired)
    aws = rules.aws.model_copy(update={"call": LambdaCall.GET_FUNCTION_CONFIGURATION})
    found = search(
        KubernetesCluster(wired.transport),
        AwsTags(aws, clock, count=wired.counters.aws),
        AwsCloud(aws, clock, count=wired.counters.aws),
        Wanted(left=left, tag=rules.orphans.tag, regions=tuple(regions), accounts=tuple(accounts)),
        clock.now(),
        say,
    )
    return msgspec.structs.replace(found, partial=(*unread, *found.partial)), notes


def _left(wired: Wired) -> tuple[tuple[Left, ...], list[str], list[str]]:
    """Read what records tell; where the cluster has no place for them there is nothing to tell, and that is a note."""
    try:
        recorded = words.records(wired.transport, wired.home)
    except ClusterError as error:
        why = f"{error.message.rstrip('.')}, so what was released is not known. {error.hint}".rstrip()
        return ((), [why], []) if isinstance(error.__cause__, NotFound) else ((), [], [why])
    left = [
        each
        for stored in recorded.records
        if stored.episode is not None
        for each in left_by(stored.ref, stored.episode, stored.name)
    ]
    return tuple(left), [], list(recorded.unusable)
