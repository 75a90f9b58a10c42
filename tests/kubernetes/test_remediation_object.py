"""The definition agrees with the values that are stored by it, and who wrote what is read from managedFields."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from remediator.kubernetes.remediation_object import Managed, Spec, new_object, status, written_at
from remediator.model import attempt as attempt_limits
from remediator.model import episode as limits
from remediator.model.attempt import Answered, Attempt
from remediator.model.decision import DecisionKind, Ruling
from remediator.model.episode import Episode, Phase, Proposed, ResolvedBy, Sighted
from remediator.model.resource import Ref
from remediator.model.times import parse_time
from remediator.model.word import Approval, Override, Rejection, Release
from tests import yaml_files
from tests.builders import NOW
from tests.spells import finding

DEFINITION = Path(__file__).parents[2] / "manifests" / "base" / "crd-remediations.yaml"

Json = dict[str, Any]


@pytest.fixture(scope="module")
def schema() -> Json:
    definition: Json = yaml_files.read(DEFINITION)
    [version] = definition["spec"]["versions"]
    properties: Json = version["schema"]["openAPIV3Schema"]["properties"]
    return properties


# ---- the definition --------------------------------------------------------------------------------------------------

TYPES: dict[Any, str] = {
    inspect.StrType: "string",
    inspect.EnumType: "string",
    inspect.DateTimeType: "string",
    inspect.IntType: "integer",
    inspect.StructType: "object",
    inspect.DictType: "object",
    inspect.VarTupleType: "array",
}


def agrees(kind: type[msgspec.Struct], schema: Json, *, shown: frozenset[str] = frozenset()) -> None:
    """Hold a schema to have the fields of a Struct, of its types, required as they are; `shown` has more."""
    fields = {each.encode_name: each for each in inspect.type_info(kind).fields}  # type: ignore[attr-defined]
    assert schema["properties"].keys() - shown == fields.keys() - {"at"} | ({"at"} & schema["properties"].keys())
    assert set(schema.get("required", ())) - shown == {name for name, each in fields.items() if each.required}
    for name, field in fields.items():
        if name not in schema["properties"]:
            continue
        held = schema["properties"][name]
        bare = field.type
        if isinstance(bare, inspect.UnionType):
            [bare] = [each for each in bare.types if not isinstance(each, inspect.NoneType)]
        assert held["type"] == TYPES[type(bare)], name
        assert (held.get("format") == "date-time") is isinstance(bare, inspect.DateTimeType), name


def test_the_definition_agrees_with_what_is_stored(schema: Json) -> None:
    held = schema["status"]
    agrees(Episode, held, shown=frozenset({"phase", "finding", "conditions"}))
    agrees(Sighted, held["properties"]["findings"]["items"])
    agrees(Proposed, held["properties"]["proposal"])
    agrees(Attempt, held["properties"]["attempts"]["items"])
    agrees(Answered, held["properties"]["attempts"]["items"]["properties"]["answer"])


def test_the_definition_agrees_with_what_people_write(schema: Json) -> None:
    held = schema["spec"]
    agrees(Spec, held)
    for name, kind in (("approval", Approval), ("rejection", Rejection), ("release", Release)):
        agrees(kind, held["properties"][name])
        assert "at" not in held["properties"][name]["properties"], "who approves does not say when"
        assert held["properties"][name]["x-kubernetes-map-type"] == "atomic"


def test_closed_sets_are_the_same(schema: Json) -> None:
    held = schema["status"]["properties"]
    assert held["phase"]["enum"] == list(Phase)
    assert held["resolvedBy"]["enum"] == list(ResolvedBy)
    assert held["decision"]["enum"] == list(DecisionKind)
    overrides = schema["spec"]["properties"]["approval"]["properties"]["override"]
    assert overrides["items"]["enum"] == list(Override)
    assert overrides["maxItems"] == len(Override)


def test_limits_are_the_same(schema: Json) -> None:
    held = schema["status"]["properties"]
    assert held["findings"]["maxItems"] == limits.FINDINGS_KEPT
    assert held["attempts"]["maxItems"] == limits.ATTEMPTS_KEPT
    assert held["verdicts"]["maxItems"] == limits.VERDICTS_KEPT
    said = held["verdicts"]["items"]["properties"]
    assert (said["reason"]["maxLength"], said["ruling"]["enum"]) == (attempt_limits.LONGEST_EVIDENCE, list(Ruling))
    found, tried = held["findings"]["items"]["properties"], held["attempts"]["items"]["properties"]
    assert found["evidence"]["maxProperties"] == limits.EVIDENCE_KEPT
    assert found["evidence"]["additionalProperties"]["maxLength"] == attempt_limits.LONGEST_EVIDENCE
    texts = [found["summary"], held["proposal"]["properties"]["summary"], tried["by"], tried["detail"], tried["backup"]]
    texts += [tried[name] for name in ("user", "awsIdentity", "request")]
    assert [each["maxLength"] for each in texts] == [attempt_limits.LONGEST_TEXT] * 8
    assert tried["resourceVersion"]["maxLength"] == attempt_limits.LONGEST_NAME
    assert tried["before"]["maxProperties"] == attempt_limits.PATHS_KEPT
    assert tried["before"]["additionalProperties"]["maxLength"] == attempt_limits.LONGEST_EVIDENCE


def test_everything_has_a_limit(schema: Json) -> None:
    """Without one the API server takes the worst case for granted, and refuses the rules as too costly."""

    def unlimited(held: Json, path: str) -> list[str]:
        here = []
        if held["type"] == "string" and "maxLength" not in held and held.get("format") != "date-time":
            here.append(path)
        if held["type"] == "array":
            here += ([] if "maxItems" in held else [path]) + unlimited(held["items"], f"{path}[]")
        for name, child in held.get("properties", {}).items():
            here += unlimited(child, f"{path}.{name}")
        return here

    assert unlimited(schema["spec"], "spec") + unlimited(schema["status"], "status") == []


def test_the_status_is_an_episode_with_what_kubectl_shows(schema: Json) -> None:
    episode = limits.sighted(None, finding(), NOW)
    written = status(episode, Phase.WATCHING, None)
    assert written.keys() <= schema["status"]["properties"].keys()
    assert msgspec.convert(written, Episode) == episode
    assert written["finding"] == "FunctionPending"
    assert "finding" not in status(limits.unseen(NOW), Phase.WATCHING, None)


@pytest.mark.parametrize(
    ("phase", "approved_at", "resolved", "approved", "since"),
    [
        (Phase.WATCHING, None, "False", "False", "2026-11-21T12:00:00Z"),
        (Phase.APPROVED, parse_time("2026-11-21T12:30:00Z"), "False", "True", "2026-11-21T12:30:00Z"),
    ],
)
def test_conditions_are_there_to_be_waited_for(
    phase: Phase, approved_at: datetime | None, resolved: str, approved: str, since: str
) -> None:
    written = status(limits.sighted(None, finding(), NOW), phase, approved_at)["conditions"]
    assert [(each["type"], each["status"]) for each in written] == [("Resolved", resolved), ("Approved", approved)]
    assert {each["reason"] for each in written} == {phase.value}
    assert written[1]["lastTransitionTime"] == since


def test_a_record_is_named_by_kind_and_uid() -> None:
    assert new_object(Ref("shop", "checkout", "0A1B"))["metadata"]["name"] == "function-0a1b"


# ---- who wrote what, and when ----------------------------------------------------------------------------------------

EARLY, LATE = "2026-11-21T10:00:00Z", "2026-11-21T11:00:00Z"


def entry(time: str | None, *fields: str, subresource: str = "", raw: Json | None = None) -> Managed:
    owned = {"f:spec": {f"f:{name}": {} for name in fields}} if raw is None else raw
    return Managed(time=time, subresource=subresource, fields=msgspec.Raw(msgspec.json.encode(owned)))


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([entry(EARLY, "approval")], EARLY),
        ([entry(EARLY, "target"), entry(LATE, "approval")], LATE),
        ([entry(LATE, "approval"), entry(EARLY, "approval")], EARLY),
        ([entry(EARLY, "approval"), entry(LATE, "approval", subresource="status")], EARLY),
        ([entry(EARLY, "approval"), entry(None, "approval")], None),
        ([entry("yesterday", "approval")], None),
        ([entry(EARLY, "rejection")], None),
        ([entry(EARLY, raw={"f:status": {"f:approval": {}}})], None),
        ([Managed(time=EARLY, fields=msgspec.Raw(b"[]"))], None),
        ([Managed(time=EARLY)], None),
        ([], None),
    ],
)
def test_the_time_of_a_word_is_the_earliest_of_those_who_own_it(entries: list[Managed], expected: str | None) -> None:
    assert written_at(entries, "approval") == parse_time(expected)
