"""What a person types to approve one proposal, and what is left of it afterwards.

Each function is in a namespace of its own name, so that a scan is of one.
"""

from __future__ import annotations

import json
from typing import Any

from remediator.sandbox.faults import answering, cut, dropped, hanging, trickling
from tests.cli.shop import Json
from tests.resilience.conftest import Storm

MARK = "ack-remediator.dev/resync"
LOST = {
    "hung up": dropped(reached=True),
    "a hang": hanging(reached=True),
    "a gateway that gave up": answering(504, "upstream timed out", reached=True),
    "half of it": cut(40),
    "a trickle": trickling(0.02),
    "a page": answering(200, "<html>", reached=True),
}


def proposed(storm: Storm, name: str) -> str:
    (found,) = json.loads(storm("scan", "-n", name, "-o", "json").out)["results"]
    assert isinstance(found["proposalId"], str)
    return str(found["proposalId"])


def approve(storm: Storm, name: str, proposal: str) -> tuple[int, dict[str, Any]]:
    """Approve one proposal; return the exit code and what became of it."""
    result = storm("run", "-n", name, "--approve", "--proposal", proposal, "-o", "json")
    (outcome,) = json.loads(result.out)["outcomes"]
    return result.code, outcome


def stored(storm: Storm, name: str) -> Json:
    return storm.shop.stored(name, namespace=name)


def untouched(storm: Storm, name: str) -> bool:
    now = stored(storm, name)
    return "publish" not in now["spec"] and MARK not in now["metadata"].get("annotations", {})


def is_there(storm: Storm, name: str) -> bool:
    try:
        stored(storm, name)
    except LookupError:
        return False
    return True


# What a fault must not befall that is meant for a write.
FOR_GOOD = {"dryRun": None}


def patches(storm: Storm, name: str) -> int:
    """Count what was meant to be written to it; a dry run is not."""
    return sum(
        each.method == "PATCH" and each.path.endswith(f"/{name}") and "dryRun" not in each.query
        for each in storm.kubernetes.requests
    )
