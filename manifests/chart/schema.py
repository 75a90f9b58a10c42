"""The schema of the chart's values: what is not in it is refused, so that a typo does not go unheard.

The keys of `policy` are those of the policy file, by the schema that editors have of it. Values of Kubernetes' own (a
container's environment, volumes, affinity) are the API server's to judge, beyond the first level.
"""

from __future__ import annotations

from typing import Any

from remediator.policy.schema import policy_schema

Schema = dict[str, Any]

# The head of a policy file is the chart's to write.
_HEAD = {"apiVersion", "kind"}
_CRON = r"^(\S+\s+){4}\S+$|^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$"
_QUANTITY = r"^[0-9]+(\.[0-9]+)?([EPTGMk]i?|m)?$"


def _map(about: str, **properties: Schema) -> Schema:
    return {"type": "object", "description": about, "additionalProperties": False, "properties": properties}


def _text(about: str = "", pattern: str = "", **more: Any) -> Schema:
    return {"type": "string", "description": about} | ({"pattern": pattern} if pattern else {}) | more


def _choice(about: str, *values: str) -> Schema:
    return {"description": about, "enum": list(values)}


def _flag(about: str) -> Schema:
    return {"type": "boolean", "description": about}


def _count(about: str, least: int, most: int) -> Schema:
    return {"type": "integer", "description": about, "minimum": least, "maximum": most}


def _words(about: str) -> Schema:
    return {"type": "object", "description": about, "additionalProperties": {"type": "string"}}


def _list(about: str, of: Schema) -> Schema:
    return {"type": "array", "description": about, "items": of}


_ANY: Schema = {"type": "object"}
_NAMED: Schema = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "minLength": 1}}}
_AMOUNT: Schema = {
    "anyOf": [{"type": "string", "pattern": _QUANTITY}, {"type": "number", "exclusiveMinimum": 0}],
}
_AMOUNTS = _map("By resource.", **{"cpu": _AMOUNT, "memory": _AMOUNT, "ephemeral-storage": _AMOUNT})
_TOLERATION = _map(
    "As in a pod.",
    key=_text(),
    operator=_text(),
    value=_text(),
    effect=_text(),
    tolerationSeconds={"type": "integer"},
)


def values_schema() -> Schema:
    """Build the schema (draft 2020-12), in the order of values.yaml."""
    policy = policy_schema()
    kept = {key: each for key, each in policy["properties"].items() if key not in _HEAD}
    properties: Schema = {
        "workload": _choice("What runs.", "cronjob", "daemon"),
        "access": _choice("What it may write.", "read-only", "report", "act"),
        "scope": _choice("Where it looks.", "cluster", "namespace"),
        "policy": {
            "type": "object",
            "description": "The policy file: what it may do, and when.",
            "additionalProperties": False,
            "properties": kept,
        },
        "image": _map(
            "What is run.",
            repository=_text("With the registry.", minLength=1),
            tag=_text("The chart's appVersion, unless it is given.", r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$|^$"),
            digest=_text("Goes before the tag.", "^sha256:[0-9a-f]{64}$|^$"),
            pullPolicy={"description": "As in a pod.", "enum": ["", "Always", "IfNotPresent", "Never"]},
            pullSecrets=_list("Names of Secrets.", {"type": "string", "minLength": 1}),
        ),
        "serviceAccount": _map("As whom it runs.", annotations=_words("For IRSA: eks.amazonaws.com/role-arn.")),
        "crd": _flag("Whether the definition of Remediation is part of the release."),
        "cronjob": _map(
            "Where workload is cronjob.",
            schedule=_text("When a pass begins.", _CRON),
            timeZone=_text("Whose clock the schedule means.", minLength=1),
            activeDeadlineSeconds=_count("How long a pass may take.", 60, 86400),
            suspend=_flag("Whether no passes are made for now."),
        ),
        "daemon": _map(
            "Where workload is daemon.",
            replicas=_count("One leads, the others stand by.", 1, 9),
            gracePeriodSeconds=_count("How long what is begun may take at the end.", 10, 600),
        ),
        "args": _list("Flags beside those that the chart gives.", {"type": "string", "minLength": 1}),
        "env": _list("As in a container.", _NAMED),
        "volumes": _list("As in a pod.", _NAMED),
        "volumeMounts": _list("As in a container.", _NAMED),
        "resources": _map("As in a container.", requests=_AMOUNTS, limits=_AMOUNTS),
        "podAnnotations": _words("Of each pod."),
        "podLabels": _words("Of each pod, beside those that it is selected by."),
        "priorityClassName": _text("As in a pod."),
        "nodeSelector": _words("As in a pod."),
        "tolerations": _list("As in a pod.", _TOLERATION),
        "affinity": _map("As in a pod.", nodeAffinity=_ANY, podAffinity=_ANY, podAntiAffinity=_ANY),
        "networkPolicy": _map(
            "Who reaches its pods, and whom they reach.",
            enabled=_flag("Whether there is one."),
            egress=_list("Rules more, as in a NetworkPolicy.", _ANY),
        ),
        "monitoring": _map(
            "What Prometheus, Grafana and kube-state-metrics read.",
            namespace=_text("Where those run.", "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"),
            kubeStateMetrics=_flag("What kube-state-metrics makes of records, and its right to read them."),
            dashboard=_flag("A dashboard for Grafana."),
            podMonitor=_flag("Has a Prometheus of the operator scrape the daemons."),
            rules=_flag("Alerts, for a Prometheus of the operator."),
            labels=_words("Of the PodMonitor and the PrometheusRule."),
            runbooks=_text("Where links in alerts lead to.", r"^https?://[^\s\"'{}\\]+/$"),
        ),
        # Helm's own: values of the chart that has this one in it.
        "global": _ANY,
    }
    return {
        "$schema": policy["$schema"],
        "title": "Values of the chart ack-remediator",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "$defs": policy["$defs"],
    }
