"""The parts of the policy file: keys, types, defaults, and what each is for. Schema and sample are made from these."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictBool,
    StrictInt,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

from remediator.model.labels import parse_labels
from remediator.model.limits import Limits, Mode, Restarts
from remediator.model.orphan import ACK_TAGS, OBJECT_TAG, ClusterTag
from remediator.model.selection import Selector
from remediator.model.timeouts import Timeouts
from remediator.model.times import parse_duration

_RESTARTS = Restarts()
_DURATIONS = ["90s", "15m", "2h", "7d", "1h30m"]


class LambdaCall(StrEnum):
    """Which call reads live state. GetFunction has a quota of its own, but its answers carry a link to the code."""

    GET_FUNCTION_CONFIGURATION = "GetFunctionConfiguration"
    GET_FUNCTION = "GetFunction"


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError(f"expected a duration such as 90s, 15m, 2h, 7d or 1h30m, not {value!r}")
    return parse_duration(value)


def write_duration(span: timedelta) -> str:
    """Write a duration as a policy has it, in one unit: `90s`, `15m`, `168h`."""
    seconds = int(span.total_seconds())
    for size, unit in ((3600, "h"), (60, "m")):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(write_duration, return_type=str),
    WithJsonSchema(
        # No look-ahead, here as elsewhere: what checks by RE2, Helm among them, has none.
        {
            "type": "string",
            "minLength": 1,
            "pattern": r"^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
            "examples": _DURATIONS,
        }
    ),
]


def between(least: str, most: str) -> AfterValidator:
    lowest, highest = parse_duration(least), parse_duration(most)

    def check(span: timedelta) -> timedelta:
        if not lowest <= span <= highest:
            raise ValueError(f"expected a duration from {least} to {most}")
        return span

    return AfterValidator(check)


def _no_auto(mode: Mode) -> Mode:
    if mode is Mode.AUTO:
        raise ValueError("expected dry-run or approve: this cannot be undone, so a person approves each")
    return mode


def _labels(text: str) -> str:
    parse_labels(text)
    return text


def _roles_are_of_their_accounts(accounts: dict[str, Any]) -> dict[str, Any]:
    for account, each in accounts.items():
        if each.role_arn.split(":")[4] != account:
            raise ValueError(f"expected a role of account {account}, not {each.role_arn}")
    return accounts


Glob = Annotated[str, Field(pattern=r"^[a-z0-9.*?\[\]!-]+$")]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")]
Count = Annotated[StrictInt, Field(ge=0)]


def said(description: str, **more: Any) -> Any:
    """Describe a key. What is said here is in the schema, and a comment in the sample."""
    return Field(description=description, **more)


class Section(BaseModel):
    """A mapping of the file: frozen, its keys in camelCase, unknown ones refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=False)


class Ceiling(Section):
    """How far one action, or the actions for one finding, may go. It lowers the mode, and never raises it."""

    mode: Annotated[Mode, said("dry-run, approve or auto.")] = Mode.AUTO


class ApprovedCeiling(Section):
    """The ceiling of an action that cannot be undone: a person approves each."""

    mode: Annotated[
        Mode,
        AfterValidator(_no_auto),
        WithJsonSchema({"type": "string", "enum": [Mode.DRY_RUN.value, Mode.APPROVE.value]}),
        said("dry-run or approve; auto is refused here."),
    ] = Mode.APPROVE


class RestartCeiling(ApprovedCeiling):
    """Whether the controller may be restarted, how often, and at what cost."""

    mode: Annotated[
        Mode,
        AfterValidator(_no_auto),
        WithJsonSchema({"type": "string", "enum": [Mode.DRY_RUN.value, Mode.APPROVE.value]}),
        said("dry-run: never; approve: when a person asks for it. auto is refused here."),
    ] = Mode.DRY_RUN
    min_interval: Annotated[
        Duration,
        between("10m", "7d"),
        said("How long its pods must have run, whoever started them last."),
    ] = _RESTARTS.interval
    max_quota_time: Annotated[
        Duration,
        between("10s", "24h"),
        said(
            "How long it may keep Lambda's quota of calls (15 a second in an account and region) busy, with looking at "
            "everything anew."
        ),
    ] = _RESTARTS.quota_time


class Actions(Section):
    """A ceiling per action."""

    resync: Annotated[
        Ceiling,
        said("Make the controller look again. The spec ends byte for byte as it was.", alias="Resync"),
    ] = Ceiling()
    release: Annotated[
        ApprovedCeiling,
        said("Let the controller drop its finalizer and keep the function in AWS, as an orphan.", alias="Release"),
    ] = ApprovedCeiling()
    clear_finalizer: Annotated[
        ApprovedCeiling,
        said("Remove ACK's finalizer from an object whose function is proven gone.", alias="ClearFinalizer"),
    ] = ApprovedCeiling()
    restart_controller: Annotated[
        RestartCeiling,
        said(
            "Restart ACK's controller where it hangs; manifests/restart-controller has the right that it takes.",
            alias="RestartController",
        ),
    ] = RestartCeiling()


class SelectorSection(Section):
    """Resources by namespace, name and label. A part that is left empty says nothing."""

    namespaces: Annotated[tuple[Glob, ...], said("Names of namespaces, with * and ?.")] = ()
    names: Annotated[tuple[Glob, ...], said("Names of resources, with * and ?.")] = ()
    labels: Annotated[
        Annotated[str, AfterValidator(_labels)],
        said("A label selector as kubectl's -l takes it: team=shop,tier in (gold,silver),!canary."),
    ] = ""

    @property
    def selector(self) -> Selector:
        return Selector(self.namespaces, self.names, parse_labels(self.labels))


class SelectionSection(Section):
    """What may be acted on. Everything is reported, whatever is selected."""

    include: Annotated[SelectorSection, said("All parts that are given must match.")] = SelectorSection()
    exclude: Annotated[SelectorSection, said("One part that matches is enough; exclude wins.")] = SelectorSection()


_LIMITS = Limits()


class Budgets(Section):
    """How much may be done, whatever is found."""

    per_run: Annotated[Count, said("Actions in one run.")] = _LIMITS.per_run
    per_day: Annotated[Count, said("Actions in 24 h, of all runs together as far as records tell.")] = _LIMITS.per_day
    per_namespace: Annotated[Count, said("Actions under way at a time in one namespace.")] = _LIMITS.per_namespace


class Breaker(Section):
    """When so many are stuck at once that it is an incident, and nothing may be done one by one."""

    percent: Annotated[
        Annotated[StrictInt, Field(gt=0, le=100)], said("More than so many per cent stuck or unreadable.")
    ] = _LIMITS.breaker_percent
    min_population: Annotated[
        Annotated[StrictInt, Field(ge=1)], said("Percentages count from so many resources on.")
    ] = _LIMITS.breaker_min_population
    objects: Annotated[Annotated[StrictInt, Field(ge=1)], said("More than so many stuck or unreadable in all.")] = (
        _LIMITS.breaker_objects
    )
    cool_down: Annotated[Duration, said("How long nothing is done after it was last so.")] = _LIMITS.breaker_cool_down


class Attempts(Section):
    """How often an action is tried on a resource before a person has to look."""

    max: Annotated[
        Annotated[StrictInt, Field(ge=1, le=10)],
        said("Attempts in 24 h that did not help; then the resource is in quarantine for the rest of that day."),
    ] = _LIMITS.attempts
    cool_down: Annotated[
        Duration,
        between("1m", "24h"),
        said("The wait after an attempt that did not help. It doubles with each further one."),
    ] = _LIMITS.cool_down


class Guard(Section):
    """Clusters where nothing is done without a person, even under `mode: auto`."""

    terms: Annotated[
        tuple[Word, ...], said("Words in the name of a kubeconfig's context, or of its server, that mark one.")
    ] = ("prod", "production", "live")
    allow: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...],
        said("Contexts and servers, written out in full, that are not guarded in spite of such a word."),
    ] = ()


_ROLE_ARN = r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$"


def _account(value: object) -> object:
    if not (isinstance(value, str) and re.fullmatch("[0-9]{12}", value)):
        raise ValueError("expected the 12 digits of an AWS account, in quotes")
    return value


AccountId = Annotated[str, BeforeValidator(_account), WithJsonSchema({"type": "string", "pattern": "^[0-9]{12}$"})]


class AccountSection(Section):
    """How to read functions in one AWS account that is not our own."""

    role_arn: Annotated[
        Annotated[str, Field(pattern=_ROLE_ARN)],
        said("The role to assume. One of ours that can only read; not the one that ACK writes with."),
    ]
    external_id: Annotated[
        Annotated[str, Field(min_length=2, max_length=1224, pattern=r"^[A-Za-z0-9+=,.@:/_-]+$")] | None,
        said("What its trust policy asks for as sts:ExternalId."),
    ] = None


class Aws(Section):
    """How AWS is asked for live state."""

    call: Annotated[LambdaCall, said("GetFunctionConfiguration, or GetFunction, which has a quota of its own.")] = (
        LambdaCall.GET_FUNCTION_CONFIGURATION
    )
    endpoint_url: Annotated[
        Annotated[str, Field(pattern=r"^https?://")] | None,
        said(
            "An endpoint other than AWS's own. It is trusted for `gone` only when it is named here.",
            alias="endpointURL",
        ),
    ] = None
    workers: Annotated[
        Annotated[StrictInt, Field(ge=1, le=32)], said("Questions at a time, in each account and region.")
    ] = 4
    assume_role: Annotated[
        StrictBool,
        said("Whether roles are assumed to read functions of other accounts. If not, our own credentials are all."),
    ] = False
    role_name: Annotated[
        Annotated[str, Field(pattern=r"^[A-Za-z0-9+=,.@_/-]+$")] | None,
        said("The role to assume in an account that is not among these; null for none."),
    ] = "ack-remediator-read"
    accounts: Annotated[
        dict[AccountId, AccountSection],
        said('Roles by account, such as "123456789012": {roleArn: arn:aws:iam::123456789012:role/read}.'),
        AfterValidator(_roles_are_of_their_accounts),
        Field(json_schema_extra={"additionalProperties": False}),
    ] = Field(default_factory=dict)


def _tells_clusters_apart(key: str) -> str:
    if key in (*ACK_TAGS, OBJECT_TAG) or key.startswith("aws:"):
        raise ValueError(f"expected a tag that no other cluster's functions have with that value, not {key}")
    return key


class ClusterTagSection(Section):
    """The tag that this cluster's functions have, and those of no other cluster."""

    key: Annotated[
        Annotated[str, Field(pattern=r"^.{1,128}$"), AfterValidator(_tells_clusters_apart)],
        said("Its key, such as cluster, or eks:eks-capability-arn where EKS runs ACK."),
    ]
    value: Annotated[Annotated[str, Field(pattern=r"^.{1,256}$")], said("Its value, letter by letter.")]


class OrphansSection(Section):
    """What `remediator orphans` knows this cluster's functions by."""

    cluster_tag: Annotated[
        ClusterTagSection | None,
        said(
            "The tag by which ACK marks what it makes for this cluster, such as {key: cluster, value: prod}, given "
            "to it with --resource-tags; null: it gives none, and functions are known by records alone."
        ),
    ] = None

    @property
    def tag(self) -> ClusterTag | None:
        return ClusterTag(self.cluster_tag.key, self.cluster_tag.value) if self.cluster_tag else None


_TIMEOUTS = Timeouts()


class TimeoutsSection(Section):
    """How long each kind of trouble may last before it counts as stuck."""

    deletion: Annotated[Duration, said("Being deleted, with ACK's finalizer still there.")] = _TIMEOUTS.deletion
    edge_replica: Annotated[Duration, said("Being deleted, and CloudFront still has replicas of the function.")] = (
        _TIMEOUTS.edge_replica
    )
    role_unavailable: Annotated[Duration, said("The controller's map has no role for the account or team.")] = (
        _TIMEOUTS.role_unavailable
    )
    never_reconciled: Annotated[Duration, said("No controller has looked at it yet.")] = _TIMEOUTS.never_reconciled
    references_unresolved: Annotated[Duration, said("It refers to something that is not ready.")] = (
        _TIMEOUTS.references_unresolved
    )
    controller_silent: Annotated[Duration, said("Failing, and not tried again. ACK's longest back-off is 1000 s.")] = (
        _TIMEOUTS.controller_silent
    )
    function_pending: Annotated[Duration, said("AWS brings the function up: a zip package,")] = (
        _TIMEOUTS.function_pending
    )
    function_pending_image: Annotated[Duration, said("a container image,")] = _TIMEOUTS.function_pending_image
    function_pending_vpc: Annotated[Duration, said("in a VPC,")] = _TIMEOUTS.function_pending_vpc
    function_pending_snap_start: Annotated[Duration, said("with SnapStart.")] = _TIMEOUTS.function_pending_snap_start
    stale_pending: Annotated[Duration, said("Active in AWS, Pending in the cluster.")] = _TIMEOUTS.stale_pending
    update_in_progress: Annotated[Duration, said("AWS updates the function,")] = _TIMEOUTS.update_in_progress
    update_in_progress_vpc: Annotated[Duration, said("in a VPC.")] = _TIMEOUTS.update_in_progress_vpc
    image_missing: Annotated[Duration, said("The container image is not in its registry yet.")] = (
        _TIMEOUTS.image_missing
    )
    role_not_assumable: Annotated[Duration, said("Lambda cannot assume the function's role yet.")] = (
        _TIMEOUTS.role_not_assumable
    )
    throttled: Annotated[Duration, said("AWS throttles the controller.")] = _TIMEOUTS.throttled
    unclassified_error: Annotated[Duration, said("An error that no finding knows.")] = _TIMEOUTS.unclassified_error
    not_synced_unexplained: Annotated[Duration, said("Not synced, and nothing says why.")] = (
        _TIMEOUTS.not_synced_unexplained
    )
