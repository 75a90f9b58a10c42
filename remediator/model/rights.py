"""Every right that the remediator uses: the verb, on what, where, which role of the manifests has it, and what for.

As data, so that the roles that are shipped can be held to it (no verb too few, and none too many), and so that
`remediator doctor` can ask for each and say what is lost without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

from msgspec import Struct

from remediator.model.episode import RECORDS_GROUP
from remediator.model.kind import FUNCTION, KINDS, LAMBDA_GROUP, OTHER_KINDS
from remediator.model.shard import MOST

READ = "ack-remediator-read"
ACT = "ack-remediator-act"
EVENTS = "ack-remediator-events"
LOGS = "ack-remediator-logs"
RECORDS = "ack-remediator-records"
LOCKS = "ack-remediator-locks"
BACKUPS = "ack-remediator-backups"


class Where(StrEnum):
    """In which namespace a right is used: those that are looked at, our own, the controller's; or in none."""

    LOOKED_AT = "looked at"
    HOME = "home"
    CONTROLLERS = "controller's"
    EVERYWHERE = "everywhere"
    CLUSTER = "cluster"


class Use(StrEnum):
    """What a right is for, and so how bad it is not to have it."""

    LOOKING = "looking"  # nothing works without
    EXPLAINING = "explaining"  # less is known, and that is said
    REMEMBERING = "remembering"
    LOCKING = "locking"
    SHARING = "sharing"  # only where shards are wanted
    SAVING = "saving"
    TELLING = "telling"
    ACTING = "acting"
    READING_LOGS = "reading logs"  # given to nobody by the manifests


class Access(Struct, frozen=True, order=True):
    """One verb on one resource, as the API server's authorizer knows it; `name` is empty for all of its kind."""

    group: str
    resource: str
    verb: str
    name: str = ""

    def __str__(self) -> str:
        plural, _, sub = self.resource.partition("/")
        kind = ".".join(filter(None, (plural, self.group))) + (f"/{sub}" if sub else "")
        return f"{self.verb} {kind}" + (f" {self.name}" if self.name else "")


class Right(Struct, frozen=True):
    """One rule of a role, and what is `lost` without it, as half a sentence."""

    role: str
    where: Where
    use: Use
    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    lost: str
    names: tuple[str, ...] = ()

    @property
    def each(self) -> Iterator[Access]:
        """Yield what it grants, one by one."""
        for resource in self.resources:
            for verb in self.verbs:
                for name in self.names or ("",):
                    yield Access(self.group, resource, verb, name)


def _referenced() -> Iterator[Right]:
    """Yield a right for each group of what Lambda's kinds refer to, and that in turn."""
    groups: dict[str, list[str]] = {}
    for kind in KINDS.values():
        if kind.group != LAMBDA_GROUP:
            groups.setdefault(kind.group, []).append(kind.plural)
    for group, plurals in groups.items():
        lost = "of what waits for one of these, the root is not known"
        yield Right(READ, Where.LOOKED_AT, Use.EXPLAINING, group, tuple(sorted(plurals)), ("get",), lost)


RIGHTS: tuple[Right, ...] = (
    Right(
        READ,
        Where.LOOKED_AT,
        Use.LOOKING,
        LAMBDA_GROUP,
        (KINDS[FUNCTION].plural,),
        ("get", "list"),
        "no Function is seen",
    ),
    Right(
        READ,
        Where.LOOKED_AT,
        Use.EXPLAINING,
        LAMBDA_GROUP,
        tuple(sorted(each.plural for each in OTHER_KINDS)),
        ("get", "list"),
        "these are not seen, and each scan says so",
    ),
    *_referenced(),
    Right(
        READ,
        Where.EVERYWHERE,
        Use.EXPLAINING,
        "apps",
        ("deployments",),
        ("list",),
        "which version the controller is, how it was started and whether it runs is told by heartbeats alone, or not",
    ),
    Right(
        READ,
        Where.CONTROLLERS,
        Use.EXPLAINING,
        "",
        ("pods",),
        ("list",),
        "why the controller's pods do not run is not told",
    ),
    Right(
        READ,
        Where.EVERYWHERE,
        Use.EXPLAINING,
        "coordination.k8s.io",
        ("leases",),
        ("list",),
        "a controller that has no Deployment is not known by its Lease",
    ),
    Right(
        READ,
        Where.CLUSTER,
        Use.EXPLAINING,
        "",
        ("namespaces",),
        ("get", "list"),
        "which account and region a namespace is for, and whether it is being deleted, is not known",
    ),
    Right(
        READ,
        Where.CLUSTER,
        Use.EXPLAINING,
        "apiextensions.k8s.io",
        ("customresourcedefinitions",),
        ("get",),
        "whether a definition is being deleted is not known",
        names=tuple(each.collection for each in (KINDS[FUNCTION], *OTHER_KINDS)),
    ),
    Right(
        READ,
        Where.CONTROLLERS,
        Use.EXPLAINING,
        "",
        ("configmaps",),
        ("get",),
        "which role ACK takes for an account or a team is not known",
        names=("ack-role-account-map", "ack-role-team-map"),
    ),
    Right(
        READ,
        Where.CLUSTER,
        Use.EXPLAINING,
        "services.k8s.aws",
        ("iamroleselectors",),
        ("list",),
        "which role an IAMRoleSelector gives is not known",
    ),
    Right(
        READ,
        Where.CLUSTER,
        Use.EXPLAINING,
        "admissionregistration.k8s.io",
        ("validatingadmissionpolicies", "validatingadmissionpolicybindings"),
        ("get",),
        "since when approvals can be believed is not known, so that none is",
        names=("ack-remediator-approvals",),
    ),
    Right(
        RECORDS,
        Where.HOME,
        Use.REMEMBERING,
        RECORDS_GROUP,
        ("remediations",),
        ("create", "delete", "get", "list"),
        "what was seen, proposed and done is not remembered, or not cleared away",
    ),
    Right(
        RECORDS,
        Where.HOME,
        Use.REMEMBERING,
        RECORDS_GROUP,
        ("remediations/status",),
        ("patch",),
        "what was seen, proposed and done is not remembered",
    ),
    Right(
        LOCKS,
        Where.HOME,
        Use.LOCKING,
        "coordination.k8s.io",
        ("leases",),
        ("get", "update"),
        "whether another is at work cannot be known: no daemon leads, and nobody acts",
        names=("ack-remediator-action", "ack-remediator-leader"),
    ),
    Right(
        LOCKS,
        Where.HOME,
        Use.SHARING,
        "coordination.k8s.io",
        ("leases",),
        ("get", "update"),
        "no daemon or Job can be a shard of several",
        names=tuple(f"ack-remediator-leader-{index}" for index in range(MOST)),
    ),
    Right(
        LOCKS,
        Where.HOME,
        Use.LOCKING,
        "coordination.k8s.io",
        ("leases",),
        ("create",),
        "the locks are not made where they are not there yet: no daemon leads, and nobody acts",
    ),
    Right(
        LOCKS,
        Where.HOME,
        Use.LOCKING,
        "coordination.k8s.io",
        ("leases",),
        ("list",),
        "whether somebody paused, or leads elsewhere, is not known: no daemon leads, and nobody acts",
    ),
    Right(
        BACKUPS,
        Where.HOME,
        Use.SAVING,
        "",
        ("secrets",),
        ("create",),
        "what is about to be let go is saved as a file, and in a pod not at all, so that it is held",
    ),
    Right(
        EVENTS,
        Where.LOOKED_AT,
        Use.TELLING,
        "events.k8s.io",
        ("events",),
        ("create", "patch"),
        "who describes a resource does not see what was found",
    ),
    Right(
        ACT,
        Where.LOOKED_AT,
        Use.ACTING,
        LAMBDA_GROUP,
        (KINDS[FUNCTION].plural,),
        ("patch",),
        "nothing can be changed, whoever approves it",
    ),
    Right(
        LOGS,
        Where.CONTROLLERS,
        Use.READING_LOGS,
        "",
        ("pods",),
        ("list",),
        "the controller's log is left out of `explain` and `collect`",
    ),
    Right(
        LOGS,
        Where.CONTROLLERS,
        Use.READING_LOGS,
        "",
        ("pods/log",),
        ("get",),
        "the controller's log is left out of `explain` and `collect`",
    ),
)


def granted(rights: Iterable[Right]) -> set[tuple[str, Access]]:
    """Say by role what rights grant."""
    return {(right.role, each) for right in rights for each in right.each}
