"""Where ACK looks for what a resource stands for: which account and region, and as whom.

ACK takes all three anew at every pass (runtime, pkg/runtime/reconciler.go). Where they differ from what it recorded it
does nothing and says nothing, a deletion included. Pure.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from remediator.model.controller import ControllerFacts
from remediator.model.identities import ACCOUNT_MAP, TEAM_MAP, Identities, RoleMap
from remediator.model.namespace import Namespace
from remediator.model.resource import FUNCTION_GROUP, Resource

REGION = "services.k8s.aws/region"
NAMESPACE_REGION = "services.k8s.aws/default-region"
NAMESPACE_ACCOUNT = "services.k8s.aws/owner-account-id"
NAMESPACE_TEAM = "services.k8s.aws/team-id"

_SERVICE = FUNCTION_GROUP.split(".", 1)[0]
# Their annotations are not read (runtime, service_controller.go).
_IGNORED = ("kube-system", "kube-public", "kube-node-lease")
_NO_ROLE = "IAM Role is not available"
# The first release that compares them (runtime v0.53.0).
_CHECKS_DRIFT = "1.9.2"
_SILENT = "ACK does nothing then, without a word"
_NOTHING_READ = Identities()
_NO_FACTS = ControllerFacts()


class Placement(Struct, frozen=True, kw_only=True):
    """Account and region as ACK takes them anew at every pass, and the role that it assumes there.

    `account` and `role` are None where the controller's own account and credentials are used, `region` where only its
    flags know it and they cannot be read. `because` says what account and role follow from. `drift` says in a sentence
    how this place differs from the recorded one: ACK then does nothing, without a word. `role_missing` says which map
    lacks which key. `unsure` says what could not be read, so that the answer may be another; `suspected` is then what
    would be drift or a missing role if it were as it looks: reason enough to hold something back, none to claim it.
    """

    account: str | None = None
    region: str | None = None
    role: str | None = None
    because: str = ""
    drift: str = ""
    role_missing: str = ""
    unsure: str = ""
    suspected: str = ""

    @property
    def obstacle(self) -> str:
        """Say why ACK does nothing about the resource, or why that is to be feared; empty where neither is so."""
        return self.drift or self.role_missing or self.suspected


class _Identity(Struct, frozen=True, kw_only=True):
    """An account and a role, and what they follow from; `doubt` says what would have to be known to be sure."""

    account: str | None = None
    role: str | None = None
    because: str = ""
    missing: str = ""
    doubt: str = ""


class _Region(Struct, frozen=True):
    """The region that ACK wants a resource to be in, and where that is said."""

    name: str | None = None
    where: str = ""
    doubt: str = ""


def place(resource: Resource, known: Identities = _NOTHING_READ, controller: ControllerFacts = _NO_FACTS) -> Placement:
    """Resolve account, role and region as ACK does, from what is known.

    Only what is certain makes a drift or a missing role. How the controller was started is not certain where it has no
    Deployment that can be seen, where there are several, where one of its flags cannot be read, or where it does not
    look at the object: then another one does.
    """
    unchecked = bool(controller.older_than(_CHECKS_DRIFT))
    if not _is_the_one(controller, resource):
        controller = _NO_FACTS
    recorded = resource.status.ack_resource_metadata if resource.status else None
    arn = resource.arn
    regions = _Recorded(recorded.region if recorded else None, arn.region if arn else None)
    accounts = _Recorded(recorded.owner_account_id if recorded else None, arn.account if arn else None)
    identity = _identity(resource, accounts.there, known, controller)
    wanted = _wanted_region(resource, known, controller)
    sure: list[str] = []
    feared: list[str] = []
    for value, where, doubt, there in (
        (wanted.name, wanted.where, wanted.doubt, regions),
        # Without a role ACK does not come as far as to compare accounts.
        (None if identity.missing else identity.account, identity.because, identity.doubt, accounts),
    ):
        if value is None or not there.differs(value):
            continue
        said = f"{where} says {value or 'nothing'}, {there.told(value)}"
        if unchecked:
            feared.append(f"{said}: a controller before {_CHECKS_DRIFT} does not check that, and can look elsewhere")
        elif doubt or not there.compared(value):
            feared.append(f"{said}: {_SILENT}")
        else:
            sure.append(f"{said}: {_SILENT}")
    missing = identity.missing
    doubts = dict.fromkeys(each for each in (identity.doubt, wanted.doubt) if each)
    return Placement(
        account=identity.account,
        region=regions.there or wanted.name,
        role=identity.role,
        because=identity.because,
        drift="; ".join(sure),
        role_missing="" if identity.doubt else missing,
        unsure="; ".join(doubts),
        suspected="; ".join([*feared, *([missing] if missing and identity.doubt else [])]),
    )


class _Recorded(NamedTuple):
    """A region or an account as status has it: in a field of its own, which is what ACK compares, and in the ARN."""

    field: str | None
    arn: str | None

    @property
    def there(self) -> str | None:
        return self.field or self.arn

    def differs(self, value: str) -> bool:
        return any(each not in (None, "", value) for each in self)

    def compared(self, value: str) -> bool:
        """Whether ACK itself sees that it differs (runtime, pkg/runtime/reconciler.go)."""
        return bool(self.field) and self.field != value

    def told(self, value: str) -> str:
        return f"status says {self.field}" if self.compared(value) else f"the ARN says {self.arn}"


def _is_the_one(controller: ControllerFacts, resource: Resource) -> bool:
    """Whether these facts are those of the controller that works on a resource, as far as anyone can tell."""
    return (
        controller.deployment is not None
        and len(controller.installs) <= 1
        and not controller.unsure
        and controller.watches(resource.metadata.namespace, resource.labels)
    )


# ---- region ----------------------------------------------------------------------------------------------------------


def _wanted_region(resource: Resource, known: Identities, controller: ControllerFacts) -> _Region:
    """Say which region the object asks for. Its own annotation counts even where it is empty."""
    if REGION in resource.annotations:
        return _Region(resource.annotations[REGION], f"annotation {REGION}")
    namespace = known.namespaces.get(resource.metadata.namespace)
    if namespace is None:
        return _Region(doubt=_unread_namespace(resource, known))
    region = namespace.annotations.get(NAMESPACE_REGION)
    # Each of the two has a cache of namespaces; either is enough.
    heeded = (_reads_annotations(namespace.name, controller), _selects_roles(resource, controller))
    if region and any(heeded):
        return _Region(region, f"the namespace's {NAMESPACE_REGION}")
    if region and None in heeded:
        return _Region(region, f"the namespace's {NAMESPACE_REGION}", _unseen(f"the namespace's {NAMESPACE_REGION}"))
    return _Region(controller.region, "the controller's --aws-region")


# ---- account and role ------------------------------------------------------------------------------------------------


def _identity(resource: Resource, recorded: str | None, known: Identities, controller: ControllerFacts) -> _Identity:
    namespace = known.namespaces.get(resource.metadata.namespace)
    if namespace is None:
        return _Identity(account=recorded, because="status", doubt=_unread_namespace(resource, known))
    selects = _selects_roles(resource, controller)
    selected = None if selects is False else _by_selector(resource, namespace, known)
    if selected is None:
        return _by_namespace(resource, recorded, namespace, known, controller)
    return selected if selects else replace(selected, doubt=selected.doubt or _unseen(selected.because))


def _by_selector(resource: Resource, namespace: Namespace, known: Identities) -> _Identity | None:
    """Take the role of the one IAMRoleSelector that matches; None where none does. More than one is an error to ACK."""
    if known.selectors_unread:
        return _Identity(doubt=known.selectors_unread)
    found = [
        each
        for each in known.selectors
        if each.matches(namespace, resource.api_version, resource.kind, resource.labels)
    ]
    if not found:
        return None
    names = ", ".join(sorted(each.name for each in found))
    if len(found) > 1:
        why = f"{len(found)} IAMRoleSelectors match it ({names}), ACK takes none: it does nothing then, without a word"
        return _Identity(because=f"IAMRoleSelectors {names}", missing=why)
    return _in_role(found[0].arn, f"IAMRoleSelector {names}")


def _by_namespace(
    resource: Resource, recorded: str | None, namespace: Namespace, known: Identities, controller: ControllerFacts
) -> _Identity:
    """Take what the namespace's annotations and the role maps say, else what status does."""
    reads = _reads_annotations(namespace.name, controller)
    team, owner = namespace.annotations.get(NAMESPACE_TEAM), namespace.annotations.get(NAMESPACE_ACCOUNT)
    by_team = _gate(controller, "TeamLevelCARM")
    found = None
    if team and by_team is not False:
        found = _mapped(team, f"the namespace's {NAMESPACE_TEAM}", TEAM_MAP, known.teams, controller)
    elif owner:
        found = _mapped(owner, f"the namespace's {NAMESPACE_ACCOUNT}", ACCOUNT_MAP, known.accounts, controller)
    if found is None or reads is False:
        return _as_recorded(resource, recorded, known, controller)
    if reads or _told_of_no_role(resource, team or owner or ""):
        return found
    return replace(found, doubt=found.doubt or _unseen(found.because))


def _as_recorded(resource: Resource, recorded: str | None, known: Identities, controller: ControllerFacts) -> _Identity:
    """Take the account that status records.

    ACK looks for a role unless it is the controller's own, which only it knows. That it looked, and found none, is told
    by its condition.
    """
    if recorded is None:
        return _Identity(because="nothing names another account than the controller's own")
    if controller.deployment is not None and not controller.carm:
        return _Identity(account=recorded, because="status")
    found = _mapped(recorded, "status", ACCOUNT_MAP, known.accounts, controller)
    if not _told_of_no_role(resource, recorded):
        return _Identity(account=recorded, role=found.role if found.account == recorded else None, because="status")
    if controller.deployment is not None and len(controller.watched_namespaces) == 1:
        missing = "the controller watches a single namespace, and reads no role map then"
        return _Identity(account=recorded, because="status", missing=missing)
    return _Identity(account=recorded, role=found.role, because="status", missing=found.missing, doubt=found.doubt)


def _told_of_no_role(resource: Resource, key: str) -> bool:
    """Whether the controller says that it looked for the role of an account or a team, and found none."""
    synced = resource.condition("ACK.ResourceSynced")
    return (
        synced is not None
        and synced.status == "False"
        and (synced.message or "").startswith(_NO_ROLE)
        and f'"{key}"' in (synced.reason or "")
    )


def _mapped(key: str, where: str, name: str, roles: RoleMap, controller: ControllerFacts) -> _Identity:
    """Look a role up. With the gate ServiceLevelCARM one for this service alone comes first."""
    account = key if name == ACCOUNT_MAP else None
    config_map = f"ConfigMap {controller.system_namespace}/{name}"
    if roles.unread:
        return _Identity(account=account, because=where, doubt=roles.unread)
    if roles.roles is None:
        return _Identity(account=account, because=where, missing=f"there is no {config_map} with a role for {key}")
    by_service = _gate(controller, "ServiceLevelCARM") is not False and roles.roles.get(f"{_SERVICE}.{key}")
    role = by_service or roles.roles.get(key)
    if role:
        found = _in_role(role, where)
        return found if found.account == key else replace(found, because=f"the role in {config_map} for {key}")
    lacks = "an empty role" if key in roles.roles else "no role"
    return _Identity(account=account, because=where, missing=f"{config_map} has {lacks} for {key}")


def _in_role(role: str, because: str) -> _Identity:
    """The account is the role's, whatever it was looked up by."""
    parts = role.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn":
        return _Identity(because=because, missing=f"the role that {because} leads to is no ARN ({role}): {_SILENT}")
    return _Identity(account=parts[4], role=role, because=because)


# ---- how the controller was started ----------------------------------------------------------------------------------


def _gate(controller: ControllerFacts, name: str) -> bool | None:
    """Whether a feature gate is on; None where the controller's flags cannot be seen."""
    return controller.feature_gates.get(name, False) if controller.deployment is not None else None


def _reads_annotations(namespace: str, controller: ControllerFacts) -> bool | None:
    """Whether accounts, teams and regions on a namespace count: not where just one namespace is watched."""
    if namespace in _IGNORED:
        return False
    if controller.deployment is None:
        return None
    return controller.carm and len(controller.watched_namespaces) != 1


def _selects_roles(resource: Resource, controller: ControllerFacts) -> bool | None:
    """Whether IAMRoleSelectors count. Where flags cannot be seen, the trace of one on the object tells that they do.

    ACK writes it over ReferencesResolved where that is there (runtime, pkg/condition/condition.go).
    """
    by_flag = _gate(controller, "IAMRoleSelector")
    if by_flag is not None:
        return by_flag
    traces = (resource.condition("ACK.IAMRoleSelected"), resource.condition("ACK.ReferencesResolved"))
    return True if any(each and (each.message or "").startswith("roleARN: ") for each in traces) else None


def _unseen(what: str) -> str:
    return f"whether the controller heeds {what} cannot be seen: it hangs on its flags"


def _unread_namespace(resource: Resource, known: Identities) -> str:
    return known.namespaces_unread or f"namespace {resource.metadata.namespace} was not read"
