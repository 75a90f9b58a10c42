"""The namespace in which the remediator keeps its records: its own, never that of a target.

In a Terminating namespace nothing can be created, and that is just where deletions get stuck.
"""

from __future__ import annotations

import os
from pathlib import Path

USUAL_HOME = "ack-remediator"

_MOUNTED = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def home_namespace(given: str | None = None, mounted: Path = _MOUNTED) -> str:
    """Return the namespace that was given, else that of the pod we run in, else the one of the manifests."""
    if given:
        return given
    own = os.environ.get("POD_NAMESPACE", "").strip()
    if not own and mounted.is_file():
        own = mounted.read_text(encoding="utf-8").strip()
    return own or USUAL_HOME
