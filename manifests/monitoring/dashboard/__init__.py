"""The dashboard, written in code: `page` is what it shows, `grafana` how Grafana has it written down.

Metrics and labels are those of `remediator.telemetry.families`, of `prometheusrule.yaml` (names with colons) and of
`kube-state-metrics.yaml`; `tests/test_dashboard.py` holds each query to them. After a change: make dashboard
"""
