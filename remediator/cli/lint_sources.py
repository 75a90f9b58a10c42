"""What `remediator lint` looks at beside the manifests: what was before, the cluster, the account."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from remediator.clock import SystemClock
from remediator.errors import UsageError
from remediator.lint.judging import File
from remediator.lint.limits import can_be_name
from remediator.lint.problem import Around, Before, Key, key_of
from remediator.manifest.objects import Manifest
from remediator.manifest.source import STDIN
from remediator.model.concurrency import Concurrency
from remediator.ports import Clock

_CLUSTER = "cluster"


def around(
    read: Sequence[File],
    names: Sequence[str],
    against: str | None,
    *,
    account: bool,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
    policy: Path | None,
    clock: Clock | None,
) -> Around:
    """Gather what the flags ask for; without any, nothing but the files and the clock is looked at."""
    from remediator.cli.names import check_places

    check_places(namespace, None, all_namespaces=False)
    timekeeper = clock or SystemClock()
    manifests = tuple(each for file in read for each in file.manifests)
    known = Around(timekeeper.now(), manifests, namespace=namespace)
    if against == _CLUSTER:
        known = _in_cluster(known, kubeconfig, context, timekeeper)
    elif against is not None:
        known = msgspec.structs.replace(known, before=_before(against, names, known))
    if account:
        known = msgspec.structs.replace(known, account=_account(manifests, policy, timekeeper))
    return known


def _before(against: str, names: Sequence[str], known: Around) -> dict[Key, Before]:
    from remediator.lint.revision import of_files, of_revision

    if against == STDIN and STDIN in names:
        raise UsageError("stdin cannot be both what is judged and what it is compared with", hint="Name a file.")
    if against == STDIN or Path(against).exists():
        return of_files(against, known)
    return of_revision(against, names, known)


def _in_cluster(known: Around, kubeconfig: Path | None, context: str | None, clock: Clock) -> Around:
    from remediator.kubernetes.connection import Connection
    from remediator.kubernetes.transport import Transport
    from remediator.lint.in_cluster import InCluster

    connection = Connection(kubeconfig, context)
    cluster = InCluster(Transport(connection, now=clock.now))
    placed = msgspec.structs.replace(known, namespace=known.namespace or connection.namespace)
    ours = [each for each in known.manifests if each.is_function and each.name]
    before = cluster.before(dict.fromkeys(key_of(each, placed) for each in ours))
    return msgspec.structs.replace(placed, before=before, exists=cluster.exists)


def _account(manifests: Sequence[Manifest], policy: Path | None, clock: Clock) -> Concurrency | None:
    """Ask AWS, where any function reserves something."""
    from remediator.aws.concurrency import concurrency
    from remediator.policy.load import load_policy

    settings = load_policy(policy).aws
    reserving = [each for each in manifests if each.is_function and each.at("spec", "reservedConcurrentExecutions")]
    names = [each.at("spec", "name") for each in reserving]
    known = [each for each in names if isinstance(each, str) and can_be_name(each)]
    return concurrency(settings, clock, known) if reserving else None
