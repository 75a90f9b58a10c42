"""Every case under tests/cases: a resource, AWS's answer, and what has to be said about them.

A folder per finding holds its hits and its near misses; `why` in expect.yaml says what a case shows.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path

import msgspec
import pytest
from msgspec import Struct

from remediator.aws.answers import present
from remediator.diagnosis import diagnose
from remediator.diagnosis.catalogue import CATALOGUE
from remediator.kubernetes.resources import decode
from remediator.model.controller import ControllerFacts, Health
from remediator.model.finding import Finding, FindingName, Remedy
from remediator.model.live import LiveState, Presence, Vouched, unreadable
from remediator.model.observation import History, Observation
from remediator.model.placement import Placement
from remediator.model.reference import Link
from remediator.model.resource import Resource
from remediator.model.times import format_time, parse_time
from remediator.policy import Policy
from tests import yaml_files

CASES = Path(__file__).parent.parent / "cases"


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


def _directories() -> list[Path]:
    return sorted(each.parent for each in CASES.glob("*/*/expect.yaml"))


@cache
def _case(directory: Path) -> Case:
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


def _observation(directory: Path, given: Given) -> Observation:
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


def _told(found: Finding | None, expected: Expected) -> Expected:
    """Write a finding as a case does; of summary and evidence what the case asks about."""
    if found is None:
        return Expected(finding=None)
    return Expected(
        finding=found.name,
        state=found.state.value,
        remedy=found.remedy.value,
        since=format_time(found.since),
        stuck_at=format_time(found.stuck_at),
        self_heals_at=format_time(found.self_heals_at),
        also=found.also,
        on_request=found.on_request,
        summary=found.summary if expected.summary is not None else None,
        summary_contains=tuple(part for part in expected.summary_contains if part in found.summary),
        evidence={key: found.evidence.get(key, "(absent)") for key in expected.evidence},
    )


@pytest.mark.parametrize("directory", _directories(), ids=lambda each: f"{each.parent.name}/{each.name}")
def test_case(directory: Path) -> None:
    case = _case(directory)
    found = diagnose(_observation(directory, case.given))
    told = msgspec.to_builtins(_told(found, case.expect))
    assert told == msgspec.to_builtins(case.expect), found.summary if found else "healthy"


def test_every_finding_has_hits_and_near_misses() -> None:
    expected: dict[str, list[str | None]] = {}
    for directory in _directories():
        expected.setdefault(directory.parent.name, []).append(_case(directory).expect.finding)
    assert set(expected) == {each.value for each in FindingName}
    for folder, findings in expected.items():
        assert folder in findings, f"{folder} has no hit"
        assert any(each != folder for each in findings), f"{folder} has no near miss"


def test_near_misses_say_so_in_their_name() -> None:
    for directory in _directories():
        missed = _case(directory).expect.finding != directory.parent.name
        assert directory.name.startswith("near-miss-") == missed, directory


def test_every_case_says_what_it_shows() -> None:
    for directory in _directories():
        why = _case(directory).why
        assert why.endswith(".") and "\n" not in why, directory


def test_the_catalogue_lists_every_finding_once() -> None:
    assert sorted(entry.name for entry in CATALOGUE) == sorted(FindingName)
    assert all(entry.meaning and entry.advice and entry.timeout for entry in CATALOGUE)
