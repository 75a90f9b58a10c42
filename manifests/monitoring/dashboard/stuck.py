"""What is stuck: now, how it came, and one by one."""

from __future__ import annotations

from manifests.monitoring.dashboard.grafana import BAD, CALM, NOTABLE, Panel, Query, Row, Shape, Word
from manifests.monitoring.dashboard.panels import CHOSEN, HERE, last, lines, or_zero, stat, table

_UNWELL = 'state=~"stuck|unknown"'
_UNHEALTHY = 'state!="healthy"'
_CONTROLLER_DOWN = 'finding="ControllerDown"'

NOW = Row(
    "Now",
    (
        stat(
            "Stuck or unreadable",
            "Resources that are stuck, or that AWS cannot be asked about.",
            f"sum({last('remediator_resources', _UNWELL)})",
            (1, NOTABLE),
        ),
        stat(
            "Oldest",
            "For how long the resource that is stuck longest has been so. AckResourceStuck fires after two hours.",
            or_zero(f"max({last('remediator_oldest_finding_age_seconds')})"),
            (3600, NOTABLE),
            (7200, BAD),
            unit="s",
        ),
        stat(
            "Controller down",
            "Whether the ACK lambda-controller is down. Then nothing that it manages can heal by itself.",
            or_zero(f"max({last('remediator_findings', _CONTROLLER_DOWN)})"),
            words=(Word(0, "no", CALM), Word(1, "DOWN", BAD)),
        ),
        stat(
            "Breaker",
            "Open while so many are unwell at once that nothing is done one by one: look for the one cause.",
            f"max({last('remediator_breaker_open')})",
            words=(Word(0, "closed", CALM), Word(1, "OPEN", BAD)),
        ),
        stat(
            "In quarantine",
            "Resources on which an action was tried as often as it may be, and did not help.",
            f"sum({last('remediator_quarantined')})",
            (1, NOTABLE),
        ),
        stat(
            "Approvals waiting",
            "Proposals that only a person's word is missing for: remediator list -A",
            f"sum({last('remediator_approvals_pending')})",
            (1, NOTABLE),
        ),
        stat(
            "Since all was seen",
            "How long ago a pass last saw everything. If this is long, believe nothing else here.",
            f"time() - min(remediator:last_success_timestamp_seconds:max{{{HERE}}})",
            (900, NOTABLE),
            (1800, BAD),
            unit="s",
        ),
        stat(
            "Clusters led",
            "Daemons that lead: one for each cluster. No data where CronJobs make the passes.",
            f"sum(remediator_leader{{{HERE}}})",
            words=(Word(0, "NONE", BAD),),
        ),
        table(
            "What is stuck",
            "Findings that hold somewhere for longer than they should, and those about the cluster as a whole. "
            "remediator findings NAME shows the page of each.",
            f"remediator:findings_stuck:max{{{HERE}, {CHOSEN}}}",
            8,
            ("cluster", "cluster"),
            ("namespace", "namespace"),
            ("finding", "finding"),
            ("Value", "resources"),
        ),
        Panel(
            title="Age of the oldest, by finding",
            says="remediator explain says of each resource why it is stuck, and what would help.",
            shape=Shape.BARS,
            queries=(Query(f"max by (finding) ({last('remediator_oldest_finding_age_seconds')})", "{{finding}}"),),
            width=8,
            unit="s",
            steps=((3600, NOTABLE), (7200, BAD)),
        ),
        table(
            "What fires",
            "Alerts of ack-remediator; docs/alerts.md says of each what to do.",
            "max by (cluster, alertname, severity, finding, namespace) "
            # That there is nothing of a cluster is an alert without one.
            '(ALERTS{alertname=~"Ack.+", alertstate="firing", cluster=~"$cluster|"})',
            8,
            ("cluster", "cluster"),
            ("severity", "severity"),
            ("alertname", "alert"),
            ("finding", "finding"),
            ("namespace", "namespace"),
        ),
    ),
)

COURSE = Row(
    "How it came",
    (
        lines(
            "Stuck, by finding",
            "When it began, and whether it grows.",
            Query(
                f"sum by (finding) (remediator:findings_stuck:max{{{HERE}, {CHOSEN}}})",
                "{{finding}}",
            ),
            stacked=True,
        ),
        lines(
            "Resources, by how they stand",
            "Without the healthy ones.",
            Query(f"sum by (state) ({last('remediator_resources', _UNHEALTHY)})", "{{state}}"),
            stacked=True,
        ),
        lines(
            "Share that is unwell",
            "Above a fifth, or what the policy says, the breaker opens.",
            Query(f"remediator:resources_unwell:ratio{{{HERE}}}", "{{cluster}}"),
            unit="percentunit",
        ),
        lines(
            "Findings, by namespace",
            "All findings: waits and advice, too.",
            Query(
                f"sum by (namespace) ({last('remediator_findings', CHOSEN)})",
                "{{namespace}}",
            ),
            stacked=True,
        ),
    ),
)

# A finding's state is that of its root; what is resolved stays as a record for a week.
_RECORD_STUCK = (
    f"max by (cluster, remediation, target_kind, target_namespace, target_name) ("
    f'time() - ack_remediation_unhealthy_since_timestamp_seconds{{{HERE}, target_namespace=~"$namespace"}})'
)
_FOUND = 'max by (cluster, remediation, finding) (ack_remediation_finding_info{state=~"stuck|unknown"})'
_PHASE = 'max by (cluster, remediation, phase) (ack_remediation_phase{phase!="Resolved"} == 1)'

RECORDS = Row(
    "One by one (where kube-state-metrics reads the records)",
    (
        table(
            "Stuck resources",
            "Each by name, with where it stands. remediator explain KIND/NAME -n NAMESPACE says more.",
            f"{_RECORD_STUCK} * on (cluster, remediation) group_left (finding) {_FOUND}"
            f" * on (cluster, remediation) group_left (phase) {_PHASE}",
            16,
            ("cluster", "cluster"),
            ("target_kind", "kind"),
            ("target_namespace", "namespace"),
            ("target_name", "name"),
            ("finding", "finding"),
            ("phase", "phase"),
            ("Value", "unwell for"),
            unit="s",
        ),
        table(
            "Functions that nothing manages",
            "Left in AWS when their objects went; they run and are billed.",
            f'max by (cluster, target_namespace, orphan) (ack_remediation_attempt_info{{{HERE}, orphan!=""}})',
            8,
            ("cluster", "cluster"),
            ("target_namespace", "namespace"),
            ("orphan", "function"),
        ),
    ),
)
