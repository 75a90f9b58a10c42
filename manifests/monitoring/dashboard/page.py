"""The page: its rows from top to bottom, in the order in which an on-call engineer asks at night."""

from __future__ import annotations

import json

from manifests.monitoring.dashboard.doing import DONE, ITSELF, REQUESTS
from manifests.monitoring.dashboard.grafana import dashboard, variable
from manifests.monitoring.dashboard.stuck import COURSE, NOW, RECORDS

ROWS = (NOW, COURSE, DONE, RECORDS, ITSELF, REQUESTS)


def written() -> str:
    """Write the file that Grafana imports."""
    made = dashboard(
        "ack-remediator",
        "ack-remediator",
        "What is stuck in AWS Lambda resources of ACK, what is done about it, and whether anybody looks.",
        ROWS,
        (
            variable("cluster", "Cluster", "remediator_last_scan_timestamp_seconds"),
            variable("namespace", "Namespace", "remediator_findings"),
        ),
    )
    return json.dumps(made, indent=2) + "\n"
