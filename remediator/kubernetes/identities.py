"""Read what says which account, role and region a resource is for. What cannot be read is told, and ends nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import quote

from msgspec import Struct

from remediator.errors import ClusterError, Forbidden, NotFound
from remediator.kubernetes.namespaces import list_namespaces, read_namespace
from remediator.kubernetes.pages import listed
from remediator.kubernetes.transport import Transport, decoded
from remediator.model.controller import ControllerFacts
from remediator.model.identities import ACCOUNT_MAP, TEAM_MAP, Identities, KindSelector, RoleMap, RoleSelector
from remediator.model.namespace import Namespace
from remediator.model.placement import NAMESPACE_TEAM

_SELECTORS = "/apis/services.k8s.aws/v1alpha1/iamroleselectors"


class _ConfigMap(Struct, frozen=True):
    data: dict[str, str] | None = None


class _Labels(Struct, frozen=True, rename="camel"):
    match_labels: dict[str, str] | None = None


class _NamespaceSelector(Struct, frozen=True, rename="camel"):
    names: tuple[str, ...] | None = None
    label_selector: _Labels | None = None


class _SelectorSpec(Struct, frozen=True, rename="camel"):
    arn: str = ""
    namespace_selector: _NamespaceSelector = _NamespaceSelector()
    resource_type_selector: tuple[KindSelector, ...] | None = None
    resource_label_selector: _Labels | None = None


class _Named(Struct, frozen=True):
    name: str


class _Selector(Struct, frozen=True):
    metadata: _Named
    spec: _SelectorSpec = _SelectorSpec()

    def told(self) -> RoleSelector | None:
        """Say what it selects; None where ACK leaves it out as invalid (runtime, iamroleselector/matcher.go)."""
        names = self.spec.namespace_selector.names or ()
        kinds = self.spec.resource_type_selector or ()
        labels = (_labels(self.spec.namespace_selector.label_selector), _labels(self.spec.resource_label_selector))
        twice = any(each in names[:index] for index, each in enumerate(names)) or any(
            each in kinds[:index] for index, each in enumerate(kinds)
        )
        empty = "" in names or KindSelector() in kinds or any("" in each for each in labels)
        if twice or empty or not self.spec.arn.startswith("arn:") or self.spec.arn.count(":") < 5:
            return None
        return RoleSelector(
            name=self.metadata.name,
            arn=self.spec.arn,
            namespaces=names,
            namespace_labels=labels[0],
            kinds=kinds,
            labels=labels[1],
        )


def read_identities(transport: Transport, names: Iterable[str] | None, controller: ControllerFacts) -> Identities:
    """Read these namespaces, ACK's role maps, and its IAMRoleSelectors, as far as they can matter to the controller.

    Where its flags cannot be seen, all of it can. `names` None: all namespaces, where they may be listed; where they
    may not, each has to be read on its own as soon as it is known (`read_one`), and the answer says so.
    """
    unseen, nothing, unlisted = controller.deployment is None, Identities(), False
    if names is None:
        namespaces, unread, unlisted = _all_namespaces(transport)
    else:
        namespaces, unread = _namespaces(transport, sorted(set(names)))
    accounts, teams = nothing.accounts, nothing.teams
    selectors, selectors_unread = nothing.selectors, nothing.selectors_unread
    if controller.carm or unseen:
        accounts = _role_map(transport, controller.system_namespace, ACCOUNT_MAP)
        by_team = any(NAMESPACE_TEAM in each.annotations for each in namespaces.values())
        if by_team and controller.feature_gates.get("TeamLevelCARM", unseen):
            teams = _role_map(transport, controller.system_namespace, TEAM_MAP)
    if controller.feature_gates.get("IAMRoleSelector", unseen):
        selectors, selectors_unread = _selectors(transport)
    return Identities(
        namespaces=namespaces,
        namespaces_unread=unread,
        namespaces_unlisted=unlisted,
        accounts=accounts,
        teams=teams,
        selectors=selectors,
        selectors_unread=selectors_unread,
    )


def read_one(transport: Transport, name: str) -> Namespace | str:
    """Read one namespace, or say in a sentence why that is not possible."""
    try:
        return read_namespace(transport, f"/api/v1/namespaces/{quote(name, safe='')}")
    except ClusterError as error:
        return f"namespace {name} could not be read: {error.message}"


def _all_namespaces(transport: Transport) -> tuple[dict[str, Namespace], str, bool]:
    """List them; say why they could not be, and whether that is so because a list is not allowed."""
    try:
        return list_namespaces(transport), "", False
    except Forbidden:
        return {}, "", True
    except ClusterError as error:
        return {}, f"namespaces could not be listed: {error.message}", False


def _namespaces(transport: Transport, names: Sequence[str]) -> tuple[dict[str, Namespace], str]:
    """Read them in one list, or one at a time where a list is not allowed; say why the first that is missing is."""
    if len(names) > 1:
        found, unread, unlisted = _all_namespaces(transport)
        if not unlisted:  # who may not list all of them may still get each
            return found, unread
    read = {name: read_one(transport, name) for name in names}
    unread = next((each for each in read.values() if isinstance(each, str)), "")
    return {name: each for name, each in read.items() if isinstance(each, Namespace)}, unread


def _role_map(transport: Transport, namespace: str, name: str) -> RoleMap:
    path = f"/api/v1/namespaces/{quote(namespace, safe='')}/configmaps/{name}"
    try:
        return RoleMap(decoded(transport.get(path), _ConfigMap).data or {})
    except NotFound:
        return RoleMap()
    except ClusterError as error:
        return RoleMap(unread=f"ConfigMap {namespace}/{name} could not be read: {error.message}")


def _selectors(transport: Transport) -> tuple[tuple[RoleSelector, ...], str]:
    """List them; a cluster that knows no such kind has none."""
    try:
        found = [decoded(bytes(each), _Selector).told() for each in listed(transport, _SELECTORS)]
    except NotFound:
        return (), ""
    except ClusterError as error:
        return (), f"IAMRoleSelectors could not be listed: {error.message}"
    return tuple(each for each in found if each is not None), ""


def _labels(selector: _Labels | None) -> dict[str, str]:
    return (selector.match_labels if selector else None) or {}
