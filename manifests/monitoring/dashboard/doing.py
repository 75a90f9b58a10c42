"""What ack-remediator does about it, and how it fares itself."""

from __future__ import annotations

from manifests.monitoring.dashboard.grafana import Query, Row
from manifests.monitoring.dashboard.panels import HERE, count, last, lines, rate, table

DONE = Row(
    "What is done about it",
    (
        lines(
            "What holds actions back",
            "Decisions by the first gate that a person's word does not lift, or else the first.",
            Query(count("remediator_decisions_total", "gate", "15m", 'gate!="none"'), "{{gate}}"),
            stacked=True,
        ),
        lines(
            "Decisions",
            "What each pass decided about what it found.",
            Query(count("remediator_decisions_total", "action, verdict", "15m"), "{{action}} {{verdict}}"),
            stacked=True,
        ),
        lines(
            "Actions in the last hour, by outcome",
            "Only resolved helped. A dry run is always skipped.",
            Query(
                f"sum by (action, mode, outcome) (remediator:actions:increase1h{{{HERE}}})",
                "{{action}} ({{mode}}): {{outcome}}",
            ),
            stacked=True,
        ),
        lines(
            "Resolved within a day, by whom",
            "Us, itself, a user, or deleted.",
            Query(f"sum by (by) (remediator:resolved:increase1d{{{HERE}}})", "{{by}}"),
            stacked=True,
        ),
        lines(
            "Time to resolve",
            "Of what got well within the last day, from the first evidence on: the half, and nine of ten.",
            Query(
                f"max by (quantile) (remediator:time_to_resolve_seconds:quantile1d{{{HERE}}})",
                "quantile {{quantile}}",
            ),
            unit="s",
        ),
        lines(
            "Budget left",
            "Actions that may still be done: in a run, within 24 h, at a time in the busiest namespace.",
            Query(
                f"min by (scope) ({last('remediator_budget_limit')} - {last('remediator_budget_used')})", "{{scope}}"
            ),
        ),
        lines(
            "Waiting for people",
            "Approvals that are asked for, quarantines that somebody has to look into, and what holds all of it.",
            Query(f"sum({last('remediator_approvals_pending')})", "approvals"),
            Query(f"sum({last('remediator_quarantined')})", "in quarantine"),
            Query(f"min({last('remediator_window_open')})", "windows open"),
            Query(f"max({last('remediator_paused')})", "pauses"),
            width=24,
        ),
    ),
)

ITSELF = Row(
    "ack-remediator itself",
    (
        lines(
            "Passes",
            "partial: not everything could be seen. error: it broke off.",
            Query(count("remediator_scans_total", "result", "15m"), "{{result}}"),
            stacked=True,
            width=8,
        ),
        lines(
            "How long a pass takes",
            "The slowest in ten, and the mean. No data from CronJobs: each tells of its own pass only.",
            Query(
                f"histogram_quantile(0.9, {count('remediator_scan_duration_seconds_bucket', 'le', '1h')})",
                "nine of ten",
            ),
            Query(
                f"sum({count('remediator_scan_duration_seconds_sum', 'cluster', '1h')})"
                f" / sum({count('remediator_scan_duration_seconds_count', 'cluster', '1h')})",
                "mean",
            ),
            unit="s",
            width=8,
        ),
        lines(
            "Since a pass saw something",
            "The alert fires after half an hour.",
            Query(f"time() - remediator:last_scan_timestamp_seconds:max{{{HERE}}}", "something {{cluster}}"),
            Query(f"time() - remediator:last_success_timestamp_seconds:max{{{HERE}}}", "everything {{cluster}}"),
            unit="s",
            width=8,
        ),
        lines(
            "Who leads",
            "1 for the daemon that makes the passes, 0 for one that stands by.",
            Query(f"max by (cluster, pod) (remediator_leader{{{HERE}}})", "{{cluster}} {{pod}}"),
            width=8,
        ),
        lines(
            "Policy taken in",
            "0 where the policy file was changed to something that cannot be used, and the former is kept.",
            Query(f"min by (cluster, pod) (remediator_config_last_reload_successful{{{HERE}}})", "{{cluster}} {{pod}}"),
            width=8,
        ),
        table(
            "What runs",
            "Version, and the digest of the policy in force. Two digests at once are two policies.",
            f"max by (cluster, pod, version) (remediator_build_info{{{HERE}}})"
            f" * on (cluster, pod) group_left (digest) max by (cluster, pod, digest) (remediator_config_info)"
            f" or on (cluster, pod) max by (cluster, pod, version) (remediator_build_info{{{HERE}}})",
            8,
            ("cluster", "cluster"),
            ("pod", "pod"),
            ("version", "version"),
            ("digest", "policy"),
        ),
    ),
)

REQUESTS = Row(
    "Requests",
    (
        lines(
            "AWS, by answer",
            "ok, the error's code, none where no answer came. Throttling or AccessDenied: see the alerts' page.",
            Query(rate("remediator_aws_requests_total", "code"), "{{code}}"),
            stacked=True,
            unit="reqps",
        ),
        lines(
            "AWS, by call",
            "Each try of each call.",
            Query(rate("remediator_aws_requests_total", "operation"), "{{operation}}"),
            stacked=True,
            unit="reqps",
        ),
        lines(
            "API server, by status",
            "429: its flow control holds us back. none: no whole answer came.",
            Query(rate("remediator_kubernetes_requests_total", "code"), "{{code}}"),
            stacked=True,
            unit="reqps",
        ),
        lines(
            "API server, by verb",
            "PATCH is what acts; DELETE, what cleans up.",
            Query(rate("remediator_kubernetes_requests_total", "verb"), "{{verb}}"),
            stacked=True,
            unit="reqps",
        ),
    ),
)
