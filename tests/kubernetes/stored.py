"""Records as they are stored, and what is written into them, for the tests of episodes that outlive a process."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from remediator.kubernetes.remediation_object import object_name
from remediator.kubernetes.remediations import StoredEpisodes
from remediator.model.plan import ActionName, Outcome, Result
from remediator.sandbox.apiserver import ApiServer
from tests.builders import NOW, decoded, function

HOME = "ack-remediator"
DEFINITION = Path(__file__).parents[2] / "manifests" / "base" / "crd-remediations.yaml"
API_VERSION = "ack-remediator.dev/v1alpha1"
CHECKOUT = decoded(function())
UID = CHECKOUT.metadata.uid
NAME = object_name(UID)

Json = dict[str, Any]
Store = Callable[..., StoredEpisodes]


def later(**span: float) -> datetime:
    return NOW + timedelta(**span)


def stored(api: ApiServer, name: str = NAME) -> Json:
    return api.stored(API_VERSION, "Remediation", HOME, name)


def version(api: ApiServer) -> str:
    return str(stored(api)["metadata"]["resourceVersion"])


def outcome(result: Result = Result.STILL_STUCK, **more: Any) -> Outcome:
    return Outcome(action=ActionName.RESYNC, target=CHECKOUT.ref, result=result, detail="seen", accepted=NOW, **more)


def said(api: ApiServer, at: str | None = "2026-11-21T12:00:30Z", **word: Json) -> None:
    """Let a person say something, as the API server would keep it."""
    found = stored(api)
    found["spec"] |= word
    owned: Json = {f"f:{name}": {} for name in word}
    entry = {"manager": "kubectl-patch", "operation": "Update", "fieldsV1": {"f:spec": owned}}
    found["metadata"]["managedFields"] = [entry | ({"time": at} if at else {})]
    api.seed(found)
