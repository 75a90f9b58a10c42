"""The metrics, as data: what each is called, means, and may be labelled with.

A label value is one of a closed set, so that no error text, name or address of a request ever becomes a series. What is
none of the set counts under its `rest`. Namespaces are the one exception, and `remediator.telemetry.seen` caps them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import Struct
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from remediator.model.cluster import ClusterFindingName
from remediator.model.decision import DecisionKind, GateName
from remediator.model.episode import ResolvedBy
from remediator.model.finding import FindingName, State
from remediator.model.kind import FUNCTION, LAMBDA_KINDS
from remediator.model.limits import Mode
from remediator.model.message import Delivery
from remediator.model.plan import ActionName, Result
from remediator.policy import LambdaCall

# Parentheses are in no namespace's name.
CLUSTER = "(cluster)"
OTHER_NAMESPACES = "(other)"
OTHER = "other"
NO_ANSWER = "none"
NONE = "none"

# By label values, in the order of the labels.
Samples = Mapping[tuple[str, ...], float]


class Kind(StrEnum):
    """What Prometheus makes of it."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


class Label(Struct, frozen=True):
    """One label, and what it may say: one of `values`, and `rest` for all else. Without values it is open."""

    name: str
    values: tuple[str, ...] = ()
    rest: str = OTHER

    @property
    def open(self) -> bool:
        return not self.values

    def take(self, value: str) -> str:
        return value if self.open or value in self.values else self.rest


class Family(Struct, frozen=True):
    """One metric. `once`: it means something from a process that makes one pass and ends, such as a CronJob's."""

    name: str
    kind: Kind
    help: str
    labels: tuple[Label, ...] = ()
    once: bool = True

    @property
    def nothing(self) -> Samples:
        """A zero, for who keeps what was there unless it is told something."""
        return {tuple(label.rest if label.open else label.values[0] for label in self.labels): 0.0}

    def key(self, values: Iterable[str]) -> tuple[str, ...]:
        """Turn values into label values; each goes where it belongs, or under the rest."""
        return tuple(label.take(value) for label, value in zip(self.labels, values, strict=True))

    def empty(self) -> Metric:
        """Write it without samples: that there is such a metric."""
        return self.histogram([("+Inf", 0.0)], 0.0) if self.kind is Kind.HISTOGRAM else self.metric({})

    def metric(self, samples: Samples) -> Metric:
        """Write samples as the client library has them."""
        names = [label.name for label in self.labels]
        if self.kind is Kind.INFO:
            info = InfoMetricFamily(self.name.removesuffix("_info"), self.help, labels=names)
            for values in samples:
                info.add_metric(values, {})
            return info
        made: CounterMetricFamily | GaugeMetricFamily
        made = (CounterMetricFamily if self.kind is Kind.COUNTER else GaugeMetricFamily)(
            self.name, self.help, labels=names
        )
        for values, value in samples.items():
            made.add_metric(values, value)
        return made

    def histogram(self, buckets: list[tuple[str, float]], total: float) -> Metric:
        """Write a histogram: the upper bounds with how many were no more than that, and the sum of all."""
        made = HistogramMetricFamily(self.name, self.help, labels=())
        made.add_metric([], buckets, total)
        return made


def _values(*sets: Iterable[str]) -> tuple[str, ...]:
    return tuple(str(each) for one in sets for each in one)


_KINDS = _values((FUNCTION,), (each.name for each in LAMBDA_KINDS if each.name != FUNCTION))
# What is asked beside a function's own state: who we are, another account's role, what other kinds stand for.
_OTHER_CALLS = (
    *("GetCallerIdentity", "AssumeRole"),
    *("GetAlias", "GetEventSourceMapping", "GetFunctionUrlConfig", "GetLayerVersion", "GetCodeSigningConfig"),
)
_FINDINGS = _values(FindingName, ClusterFindingName)
_SCOPE = Label("scope", ("run", "day", "namespace"))

# What AWS answers an error with, as far as it tells one trouble from another.
_AWS_CODES = (
    *("ok", NO_ANSWER, "ResourceNotFoundException"),
    *("AccessDenied", "AccessDeniedException", "UnrecognizedClientException", "InvalidClientTokenId"),
    *("SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature"),
    *("ExpiredToken", "ExpiredTokenException", "RequestExpired"),
    *("TooManyRequestsException", "Throttling", "ThrottlingException", "RequestLimitExceeded"),
    *("ServiceException", "ServiceUnavailable", "InternalFailure", "InternalServerError"),
)
_HTTP_CODES = (200, 201, 202, 400, 401, 403, 404, 405, 406, 409, 410, 413, 415, 422, 429, 500, 502, 503, 504)

BUILD = Family(
    "remediator_build_info",
    Kind.INFO,
    "The version of ack-remediator, and of the Python that it runs on.",
    (Label("version"), Label("python")),
)
SCANS = Family(
    "remediator_scans_total",
    Kind.COUNTER,
    "Passes: success, partial where not everything could be seen, error where nothing could.",
    (Label("result", ("success", "partial", "error")),),
)
SCAN_DURATION = Family(
    "remediator_scan_duration_seconds",
    Kind.HISTOGRAM,
    "How long a pass took, from listing to deciding.",
)
LAST_SCAN = Family(
    "remediator_last_scan_timestamp_seconds",
    Kind.GAUGE,
    "When a pass last saw something, all or a part.",
)
LAST_SUCCESS = Family(
    "remediator_last_success_timestamp_seconds",
    Kind.GAUGE,
    "When a pass last saw everything.",
)
RESOURCES = Family(
    "remediator_resources",
    Kind.GAUGE,
    "Resources in scope at the last pass, by how they stand.",
    (Label("kind", _KINDS), Label("state", _values(State))),
)
FINDINGS = Family(
    "remediator_findings",
    Kind.GAUGE,
    "Findings at the last pass: each resource's root finding, and those about the cluster as a whole.",
    (Label("finding", _FINDINGS), Label("namespace", rest=CLUSTER)),
)
OLDEST_FINDING = Family(
    "remediator_oldest_finding_age_seconds",
    Kind.GAUGE,
    "For how long the resource that has it longest has been stuck or unreadable.",
    (Label("finding", _values(FindingName)),),
)
DECISIONS = Family(
    "remediator_decisions_total",
    Kind.COUNTER,
    "Decisions of all passes, and the first gate that held the action back.",
    (
        Label("action", _values(ActionName, (NONE,))),
        Label("verdict", _values(DecisionKind)),
        Label("gate", _values(GateName, (NONE,)), "need"),
    ),
    once=False,
)
ACTIONS = Family(
    "remediator_actions_total",
    Kind.COUNTER,
    "Actions and what came of them. A dry run is always skipped.",
    (Label("action", _values(ActionName)), Label("mode", _values(Mode)), Label("outcome", _values(Result))),
    once=False,
)
RESOLVED = Family(
    "remediator_resolved_total",
    Kind.COUNTER,
    "Resources that were unwell and are not any more, by their last finding and whose doing it was.",
    (Label("finding", _values(FindingName, (NONE,))), Label("by", _values(ResolvedBy))),
    once=False,
)
TIME_TO_RESOLVE = Family(
    "remediator_time_to_resolve_seconds",
    Kind.HISTOGRAM,
    "How long those resources were unwell.",
    once=False,
)
BUDGET_LIMIT = Family(
    "remediator_budget_limit",
    Kind.GAUGE,
    "Actions that the policy allows in a run, in 24 h, and at a time in one namespace.",
    (_SCOPE,),
)
BUDGET_USED = Family(
    "remediator_budget_used",
    Kind.GAUGE,
    "Actions done since the last pass began, in 24 h, and under way in the busiest namespace.",
    (_SCOPE,),
)
BREAKER_OPEN = Family(
    "remediator_breaker_open",
    Kind.GAUGE,
    "1 while so many are unwell at once, or were a moment ago, that nothing is done one by one.",
)
WINDOW_OPEN = Family(
    "remediator_window_open",
    Kind.GAUGE,
    "1 while the policy's windows let something be begun, 0 while they do not.",
)
PAUSED = Family(
    "remediator_paused",
    Kind.GAUGE,
    "Pauses that stand: people who have nothing done, everywhere or in a namespace.",
)
PAUSE_AGE = Family(
    "remediator_oldest_pause_age_seconds",
    Kind.GAUGE,
    "How long the oldest of the pauses that stand has done so; 0 where none does.",
)
QUARANTINED = Family(
    "remediator_quarantined",
    Kind.GAUGE,
    "Resources on which an action was tried as often as it may be, and did not help.",
)
APPROVALS_PENDING = Family(
    "remediator_approvals_pending",
    Kind.GAUGE,
    "Proposals that nothing but a person's approval is missing for.",
)
LEADER = Family(
    "remediator_leader",
    Kind.GAUGE,
    "1 where this daemon is the one that makes passes, 0 where it stands by.",
    once=False,
)
RELOADED = Family(
    "remediator_config_last_reload_successful",
    Kind.GAUGE,
    "0 where the policy file was changed to something that cannot be used, and the former policy is kept.",
    once=False,
)
CONFIG = Family(
    "remediator_config_info",
    Kind.INFO,
    "The policy that is in force, by the digest of its file.",
    (Label("digest"),),
    once=False,
)
AWS_REQUESTS = Family(
    "remediator_aws_requests_total",
    Kind.COUNTER,
    "Requests to AWS, each try, by its answer: ok, the error's code, none where no answer came.",
    (Label("operation", _values(LambdaCall, _OTHER_CALLS)), Label("code", _AWS_CODES)),
)
KUBERNETES_REQUESTS = Family(
    "remediator_kubernetes_requests_total",
    Kind.COUNTER,
    "Requests to the API server, each try, by the HTTP status of its answer, none where no answer came.",
    (
        Label("verb", ("GET", "POST", "PUT", "PATCH", "DELETE")),
        Label("code", (*map(str, _HTTP_CODES), NO_ANSWER)),
    ),
)

WEBHOOK_DELIVERIES = Family(
    "remediator_webhook_deliveries_total",
    Kind.COUNTER,
    "Messages to the webhook of the policy, and whether they arrived.",
    (Label("result", _values(Delivery)),),
)

# In the order in which they are shown.
FAMILIES: tuple[Family, ...] = (
    *(BUILD, SCANS, SCAN_DURATION, LAST_SCAN, LAST_SUCCESS, RESOURCES, FINDINGS, OLDEST_FINDING),
    *(DECISIONS, ACTIONS, RESOLVED, TIME_TO_RESOLVE, BUDGET_LIMIT, BUDGET_USED, BREAKER_OPEN, QUARANTINED),
    *(WINDOW_OPEN, PAUSED, PAUSE_AGE, APPROVALS_PENDING, LEADER, RELOADED, CONFIG, AWS_REQUESTS, KUBERNETES_REQUESTS),
    WEBHOOK_DELIVERIES,
)
