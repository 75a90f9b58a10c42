"""What the cluster says of accounts, roles and regions: namespaces, ACK's role maps, its IAMRoleSelectors."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from remediator.model.namespace import Namespace

ACCOUNT_MAP = "ack-role-account-map"
TEAM_MAP = "ack-role-team-map"


class RoleMap(Struct, frozen=True):
    """A ConfigMap of ACK's, from an account or a team to the role to assume.

    `roles` is None where there is no such ConfigMap. `unread` says in a sentence why nothing is known of it.
    """

    roles: Mapping[str, str] | None = None
    unread: str = ""


class KindSelector(Struct, frozen=True):
    """One entry of `spec.resourceTypeSelector`; what is empty matches everything."""

    group: str = ""
    version: str = ""
    kind: str = ""


class RoleSelector(Struct, frozen=True, kw_only=True):
    """An IAMRoleSelector that ACK accepts. Its parts must all match; an empty one does."""

    name: str
    arn: str
    namespaces: tuple[str, ...] = ()
    namespace_labels: Mapping[str, str] = {}
    kinds: tuple[KindSelector, ...] = ()
    labels: Mapping[str, str] = {}

    def matches(self, namespace: Namespace, api_version: str, kind: str, labels: Mapping[str, str]) -> bool:
        """Whether it is for a resource, as ACK decides it (runtime, iamroleselector/matcher.go)."""
        group, _, version = api_version.rpartition("/")
        return (
            (not self.namespaces or namespace.name in self.namespaces)
            and self.namespace_labels.items() <= namespace.labels.items()
            and (
                not self.kinds
                or any(
                    each.group in ("", group) and each.version in ("", version) and each.kind in ("", kind)
                    for each in self.kinds
                )
            )
            and self.labels.items() <= labels.items()
        )


class Identities(Struct, frozen=True, kw_only=True):
    """All of it, as it was read once in a pass. What could not be read says so in a sentence; by default nothing was.

    A namespace that is not among `namespaces` was not read; where they are `namespaces_unlisted`, we may not list them,
    and perhaps read one. `selectors` are empty where the cluster knows no such kind.
    """

    namespaces: Mapping[str, Namespace] = {}
    namespaces_unread: str = "namespaces were not read"
    namespaces_unlisted: bool = False
    accounts: RoleMap = RoleMap(unread=f"ConfigMap {ACCOUNT_MAP} was not read")
    teams: RoleMap = RoleMap(unread=f"ConfigMap {TEAM_MAP} was not read")
    selectors: tuple[RoleSelector, ...] = ()
    selectors_unread: str = "IAMRoleSelectors were not read"
