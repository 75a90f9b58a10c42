"""What a `run` showed, and what it left untouched."""

from __future__ import annotations

import json
from typing import Any

from tests.cli.shop import CONTEXT, Shop

YES = f"{CONTEXT}\n"
RESYNC = "ack-remediator.dev/resync"


def proposals(shop: Shop, *words: str) -> dict[str, str]:
    """Scan, and return the ids of what could be done, by name."""
    results = json.loads(shop("scan", "-A", "-o", "json", *words).out)["results"]
    return {each["name"]: each["proposalId"] for each in results if each["proposalId"]}


def outcomes(out: str) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in json.loads(out)["outcomes"]}


def untouched(shop: Shop, name: str) -> bool:
    stored = shop.stored(name)
    return "publish" not in stored["spec"] and RESYNC not in stored["metadata"].get("annotations", {})
