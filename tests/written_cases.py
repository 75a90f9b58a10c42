"""The cases under tests/cases as values: a resource, AWS's answer, the circumstances, and what is said of them."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from remediator.aws.answers import present
from remediator.kubernetes.resources import decode
from remediator.model.controller import ControllerFacts, Health
from remediator.model.finding import FindingName, Remedy
from remediator.model.live import LiveState, Presence, Vouched, unreadable
from remediator.model.observation import History, Observation
from remediator.model.placement import Placement
from remediator.model.reference import Link
from remediator.model.resource import Resource
from remediator.model.times import parse_time
from remediator.policy import Policy
from tests import yaml_files

CASES = Path(__file__).parent / "cases"


class Controller(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What is known of the controller."""

    health: Health
    why: str
    version: str | None = None
    watched_namespaces: tuple[str, ...] = ()
    watch_selector: str = ""


class Where(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Where ACK would look for the function: a `Placement`."""

    account: str | None = None
    region: str | None = None
    role: str | None = None
    because: str = ""
    drift: str = ""
    role_missing: str = ""
    unsure: str = ""


class Given(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The circumstances. `since` is as a person gave it; `identity` is who asked AWS; `references` were followed."""

    now: str
    since: str | None = None
    first_seen: str | None = None
    resync_without_effect: bool = False
    proven: bool = False
    identity: str | None = None
    controller: Controller | None = None
    placement: Where | None = None
    policy: dict[str, str] = {}
    references: tuple[Link, ...] = ()


class Expected(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The whole answer: what is not named here has to be absent.

    But for its wording, which `summary` pins, and for the evidence, of which a case names what it is about.
    """

    finding: FindingName | None
    state: str | None = None
    remedy: str | None = None
    since: str | None = None
    stuck_at: str | None = None
    self_heals_at: str | None = None
    also: tuple[FindingName, ...] = ()
    on_request: tuple[Remedy, ...] = ()
    summary: str | None = None
    summary_contains: tuple[str, ...] = ()
    evidence: dict[str, str] = {}


class Case(Struct, frozen=True, forbid_unknown_fields=True):
    """One expect.yaml."""

    why: str
    given: Given
    expect: Expected


def directories() -> list[Path]:
    """List where the cases are."""
    return sorted(each.parent for each in CASES.glob("*/*/expect.yaml"))


@cache
def case_in(directory: Path) -> Case:
    """Read one case."""
    return msgspec.convert(yaml_files.read(directory / "expect.yaml"), Case)


def _time(text: str | None) -> datetime | None:
    parsed = parse_time(text)
    assert text is None or parsed is not None
    return parsed


def _live(directory: Path, given: Given) -> LiveState:
    path = directory / "live.yaml"
    if not path.exists():
        return unreadable("AWS was not asked", identity=given.identity)
    answer = yaml_files.read(path)
    error = answer.get("Error")
    if error is None:
        return present(answer)
    if error["Code"] == "ResourceNotFoundException":
        vouched = Vouched.PROVEN if given.proven else Vouched.UNPROVEN
        return LiveState(presence=Presence.GONE, vouched=vouched)
    return unreadable(f"{error['Code']}: {error['Message']}", identity=given.identity)


def observation(directory: Path, given: Given) -> Observation:
    """Put together what a case gives."""
    now = _time(given.now)
    assert now is not None
    facts = given.controller
    controller = (
        ControllerFacts(
            facts.health, facts.why, facts.version, facts.watched_namespaces, watch_selector=facts.watch_selector
        )
        if facts
        else ControllerFacts()
    )
    policy = {"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy", "timeouts": given.policy}
    # As an adapter reads it: what was overwritten is told by the object's own JSON.
    written = yaml_files.read(directory / "resource.yaml")
    resource = decode(msgspec.json.encode(written), written["kind"])
    assert isinstance(resource, Resource), resource
    return Observation(
        resource=resource,
        live_state=_live(directory, given),
        now=now,
        controller=controller,
        history=History(
            since=_time(given.first_seen), given=_time(given.since), resync_without_effect=given.resync_without_effect
        ),
        timeouts=Policy.model_validate(policy).timeouts,
        placement=Placement(**msgspec.structs.asdict(given.placement)) if given.placement else None,
        references=given.references,
    )
