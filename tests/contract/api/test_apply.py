"""Server-side apply: what is set, kept and removed, and who owns it then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.api.ownership import by_name, entries

if TYPE_CHECKING:
    from tests.contract.api.conftest import Functions

BARE = {"spec.name", "spec.code.s3Bucket", "spec.code.s3Key"}
USING = "using lambda.services.k8s.aws/v1alpha1"


def apply(functions: Functions, name: str = "a", *, by: str = "m", spec: Any = None, **metadata: Any) -> dict[str, Any]:
    """Apply, and be sure that it is taken."""
    reply = functions.apply(name, functions.manifest(name, spec=spec, **metadata), by=by)
    assert reply.code in (200, 201), reply.body
    taken: dict[str, Any] = reply.body
    return taken


def conflicts(
    functions: Functions, *, by: str = "m", spec: Any = None, metadata: Any = None, **query: str
) -> list[tuple[str, str]]:
    """Apply to `a`, be sure that it is refused for its owners, and return them and their fields."""
    before = functions.get("a").body
    reply = functions.apply("a", functions.manifest("a", spec=spec, **(metadata or {})), by=by, **query)
    assert (reply.code, reply.body["reason"]) == (409, "Conflict")
    assert reply.body["details"].keys() == {"causes"}
    assert {cause["reason"] for cause in reply.body["details"]["causes"]} == {"FieldManagerConflict"}
    assert functions.get("a").body == before
    found = [(cause["message"], cause["field"]) for cause in reply.body["details"]["causes"]]
    prefix = "Apply failed with 1 conflict: " if len(found) == 1 else f"Apply failed with {len(found)} conflicts: "
    assert reply.message.startswith(prefix)
    said = reply.message.removeprefix(prefix)
    if len(found) == 1:
        assert said == ": ".join(found[0])
    else:
        assert set(said.splitlines()) == {
            line for who, field in found for line in (f"{who.replace('conflict', 'conflicts', 1)}:", f"- {field}")
        }
    return found


def test_what_is_applied_is_created_and_owned(functions: Functions) -> None:
    metadata = {"labels": {"team": "shop"}, "annotations": {"a.example/b": "c"}, "finalizers": ["f.example/x"]}
    spec = {"layers": ["x", "y"], "tags": {"k": "v"}, "timeout": 3}
    body = functions.manifest("a", spec=spec, **metadata, creationTimestamp=None)
    reply = functions.apply("a", body, by="m")
    assert (reply.code, reply.body["metadata"]["generation"], reply.body["spec"]) == (201, 1, body["spec"])
    in_metadata = {"labels.team", "annotations.a.example/b", 'finalizers.v:"f.example/x"'}
    in_spec = {"spec.layers", "spec.tags.k", "spec.timeout"}
    assert entries(reply.body) == {"m Apply": {*BARE, *in_spec, *(f"metadata.{field}" for field in in_metadata)}}
    (entry,) = reply.body["metadata"]["managedFields"]
    assert entry.keys() == {"manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1"}
    assert entry["time"] == reply.body["metadata"]["creationTimestamp"]
    assert functions.get("a").body == reply.body


def test_the_same_again_changes_nothing(functions: Functions) -> None:
    body = functions.manifest("a", spec={"tags": {"k": "v"}, "timeout": 3}, finalizers=["f.example/x"])
    made = functions.apply("a", body, by="m").body
    functions.plane.clock.sleep(1.1)
    assert functions.apply("a", body, by="m").body == made
    assert functions.apply("a", body, by="m", force="true").body == made
    assert functions.get("a").body == made


def test_what_is_the_servers_changes_nothing(functions: Functions) -> None:
    made = apply(functions)
    functions.plane.clock.sleep(1.1)
    body = {**functions.manifest("a", creationTimestamp=None, generation=7), "status": {"state": "Active"}}
    assert functions.apply("a", body, by="m").body == made
    assert functions.get("a").body == made


@pytest.mark.parametrize("labels", [{}, None])
def test_empty_labels_are_a_change_each_time(functions: Functions, labels: Any) -> None:
    made = apply(functions, labels=labels)
    functions.plane.clock.sleep(1.1)
    seen = apply(functions, labels=labels)
    assert by_name(seen)["m Apply"]["time"] > by_name(made)["m Apply"]["time"]
    assert seen["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]
    assert entries(seen) == entries(made) == {"m Apply": {*BARE, "metadata.labels"}}


def test_a_number_is_one_however_it_is_written(functions: Functions) -> None:
    made = apply(functions, spec={"timeout": 3})
    assert apply(functions, spec={"timeout": 3.0}) == made


def test_a_change_is_a_new_generation_and_a_new_time(functions: Functions) -> None:
    made = apply(functions, spec={"timeout": 3})
    functions.plane.clock.sleep(1.1)
    labelled = apply(functions, spec={"timeout": 3}, labels={"a": "b"})
    assert labelled["metadata"]["generation"] == 1
    assert by_name(labelled)["m Apply"]["time"] > by_name(made)["m Apply"]["time"]
    changed = apply(functions, spec={"timeout": 4}, labels={"a": "b"})
    assert (changed["metadata"]["generation"], changed["spec"]["timeout"]) == (2, 4)


def test_what_is_applied_no_more_goes(functions: Functions) -> None:
    spec = {"tags": {"k": "v", "l": "w"}, "timeout": 3, "layers": ["x"], "environment": {"variables": {"A": "1"}}}
    made = apply(functions, spec=spec, labels={"a": "b"}, annotations={"c": "d"}, finalizers=["f.example/x"])
    seen = apply(functions, spec={"tags": {"k": "v"}})
    assert seen["spec"] == {"name": "a", "code": made["spec"]["code"], "tags": {"k": "v"}}
    assert not seen["metadata"].keys() & {"labels", "annotations", "finalizers"}
    assert entries(seen) == {"m Apply": {*BARE, "spec.tags.k"}}
    assert "tags" not in apply(functions)["spec"]


def test_what_others_own_too_stays(functions: Functions) -> None:
    functions.create("a", spec={"layers": ["x"]}, finalizers=["f.example/x"])
    apply(functions, by="n", spec={"timeout": 3, "tags": {"k": "v"}}, labels={"a": "b"})
    both = {"layers": ["x"], "timeout": 3, "tags": {"k": "v"}}
    seen = apply(functions, spec=both, labels={"a": "b"}, finalizers=["f.example/x"])
    assert entries(seen)["n Apply"] == {*BARE, "spec.timeout", "spec.tags.k", "metadata.labels.a"}
    dropped = apply(functions)
    assert (dropped["spec"], dropped["metadata"]["labels"]) == (seen["spec"], {"a": "b"})
    assert dropped["metadata"]["finalizers"] == ["f.example/x"]
    assert entries(dropped) == {**entries(seen), "m Apply": BARE}
    assert apply(functions, by="n")["spec"] == {"name": "a", "code": seen["spec"]["code"], "layers": ["x"]}


def test_what_others_put_into_a_map_stays(functions: Functions) -> None:
    spec = {"tags": {"a": "1"}, "environment": {"variables": {"A": "1"}}}
    apply(functions, spec=spec, labels={"a": "1"})
    others = {"tags": {"z": "9"}, "environment": {"variables": {"Z": "9"}}}
    functions.merge("a", {"metadata": {"labels": {"z": "9"}}, "spec": others}, fieldManager="other")
    seen = apply(functions, spec=spec, labels={"a": "2"})
    assert (seen["spec"]["tags"], seen["metadata"]["labels"]) == ({"a": "1", "z": "9"}, {"a": "2", "z": "9"})
    seen = apply(functions)
    assert (seen["spec"]["tags"], seen["spec"]["environment"]) == ({"z": "9"}, {"variables": {"Z": "9"}})
    assert seen["metadata"]["labels"] == {"z": "9"}
    added = {"spec.tags.z", "spec.environment.variables.Z", "metadata.labels.z"}
    assert entries(seen) == {"m Apply": BARE, "other Update": added}


def test_who_adds_nothing_owns_it_without_a_time(functions: Functions) -> None:
    """The object's version moves with its owners; a time is that of a change."""
    made = functions.create("a", spec={"timeout": 3})
    seen = apply(functions, spec={"timeout": 3})
    assert (entries(seen)["m Apply"], "time" in by_name(seen)["m Apply"]) == ({*BARE, "spec.timeout"}, False)
    assert entries(seen)["unknown Update"] == entries(made)["unknown Update"]
    assert seen["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]
    assert (seen["spec"], seen["metadata"]["generation"]) == (made["spec"], 1)
    assert "time" not in by_name(apply(functions))["m Apply"]
    assert "time" in by_name(apply(functions, spec={"handler": "h"}))["m Apply"]


def test_entries_are_in_order(functions: Functions) -> None:
    functions.create("a")
    functions.merge("a", {"spec": {"timeout": 3}}, fieldManager="b")
    apply(functions, by="z", spec={"handler": "h"})
    apply(functions, by="y", spec={"description": "d"})
    seen = apply(functions, by="x")
    assert list(by_name(seen)) in (
        ["x Apply", "y Apply", "z Apply", "b Update", "unknown Update"],
        ["x Apply", "z Apply", "y Apply", "b Update", "unknown Update"],  # a second later
        ["x Apply", "y Apply", "z Apply", "unknown Update", "b Update"],
        ["x Apply", "z Apply", "y Apply", "unknown Update", "b Update"],
    )


# ---- conflicts -------------------------------------------------------------------------------------------------------


def test_another_value_conflicts_with_who_applied(functions: Functions) -> None:
    apply(functions, spec={"timeout": 3})
    assert conflicts(functions, by="n", spec={"timeout": 4}) == [('conflict with "m"', ".spec.timeout")]


def test_another_value_conflicts_with_who_wrote(functions: Functions) -> None:
    functions.create("a", spec={"timeout": 3})
    assert conflicts(functions, spec={"timeout": 4}) == [(f'conflict with "unknown" {USING}', ".spec.timeout")]


def test_what_one_wrote_oneself_conflicts_too(functions: Functions) -> None:
    apply(functions, by="m", spec={"timeout": 3})
    seen = functions.merge("a", {"spec": {"timeout": 5}}, fieldManager="m").body
    assert entries(seen) == {"m Apply": BARE, "m Update": {"spec.timeout"}}
    assert conflicts(functions, spec={"timeout": 4}) == [(f'conflict with "m" {USING}', ".spec.timeout")]
    reply = functions.apply("a", functions.manifest("a", spec={"timeout": 4}), by="m", force="true")
    assert entries(reply.body) == {"m Apply": {*BARE, "spec.timeout"}}


def test_conflicts_are_listed_level_by_level(functions: Functions) -> None:
    functions.create("a", spec={"timeout": 3, "handler": "h", "tags": {"b": "1", "a": "1"}}, labels={"x.y/z": "1"})
    spec = {"timeout": 4, "handler": "i", "tags": {"b": "2", "a": "2"}, "code": {"s3Bucket": "c", "s3Key": "l"}}
    found = conflicts(functions, spec=spec, metadata={"labels": {"x.y/z": "2"}})
    fields = ("handler", "timeout", "code.s3Bucket", "code.s3Key", "tags.a", "tags.b")
    assert [field for _, field in found] == [".metadata.labels.x.y/z", *(f".spec.{field}" for field in fields)]


def test_conflicts_with_several(functions: Functions) -> None:
    apply(functions, spec={"layers": ["x"]})
    functions.merge("a", {"spec": {"timeout": 3, "publish": True}}, fieldManager="ctl")
    spec = {"layers": ["y"], "timeout": 4, "publish": False}
    body = functions.manifest("a", spec=spec)
    assert sorted(conflicts(functions, by="n", spec=spec)) == [
        (f'conflict with "ctl" {USING}', ".spec.publish"),
        (f'conflict with "ctl" {USING}', ".spec.timeout"),
        ('conflict with "m"', ".spec.layers"),
    ]
    assert functions.apply("a", body, by="n").message == (
        f'Apply failed with 3 conflicts: conflicts with "ctl" {USING}:\n- .spec.publish\n- .spec.timeout\n'
        'conflicts with "m":\n- .spec.layers'
    )


@pytest.mark.parametrize("query", [{}, {"force": "false"}, {"force": "0"}, {"dryRun": "All"}])
def test_a_conflict_is_refused_unless_forced(functions: Functions, query: dict[str, str]) -> None:
    functions.create("a", spec={"timeout": 3})
    assert conflicts(functions, spec={"timeout": 4}, **query)


@pytest.mark.parametrize("force", ["true", "1", "True", ""])
def test_force_takes_fields_away(functions: Functions, force: str) -> None:
    functions.create("a", spec={"timeout": 3, "handler": "h"})
    apply(functions, by="n", spec={"layers": ["x"]})
    body = functions.manifest("a", spec={"timeout": 4, "layers": ["y"]})
    seen = functions.apply("a", body, by="m", force=force).body
    assert (seen["spec"]["timeout"], seen["spec"]["layers"], seen["spec"]["handler"]) == (4, ["y"], "h")
    assert entries(seen) == {
        "n Apply": BARE,
        "m Apply": {*BARE, "spec.timeout", "spec.layers"},
        "unknown Update": {*BARE, "spec", "spec.code", "spec.handler"},
    }


def test_a_write_takes_from_who_applied(functions: Functions) -> None:
    apply(functions, spec={"timeout": 3, "tags": {"k": "v"}})
    seen = functions.merge("a", {"spec": {"timeout": 5, "tags": {"k": None}}}, fieldManager="ctl").body
    assert entries(seen) == {"m Apply": BARE, "ctl Update": {"spec.timeout"}}
    assert conflicts(functions, spec={"timeout": 3}) == [(f'conflict with "ctl" {USING}', ".spec.timeout")]
    assert apply(functions, spec={"timeout": 5, "tags": {"k": "v"}})["spec"]["tags"] == {"k": "v"}


def test_what_was_there_before_is_owned_by_nobody_in_particular(functions: Functions) -> None:
    functions.create("a", spec={"timeout": 3})
    functions.merge("a/status", {"status": {"state": "Active"}})
    functions.merge("a", {"metadata": {"managedFields": [{}]}})
    assert conflicts(functions, spec={"timeout": 4}) == [
        (f'conflict with "before-first-apply" {USING}', ".spec.timeout")
    ]
    seen = apply(functions, spec={"handler": "h"})
    assert entries(seen) == {
        "m Apply": {*BARE, "spec.handler"},
        "before-first-apply Update": {*BARE, "spec", "spec.code", "spec.timeout"},
    }
    assert "time" in by_name(seen)["before-first-apply Update"]


# ---- lists -----------------------------------------------------------------------------------------------------------


def test_a_list_is_one_value(functions: Functions) -> None:
    apply(functions, spec={"layers": ["x", "y"]})
    assert apply(functions, spec={"layers": ["y"]})["spec"]["layers"] == ["y"]
    assert apply(functions, spec={"layers": []})["spec"]["layers"] == []
    assert conflicts(functions, by="n", spec={"layers": ["z"]}) == [('conflict with "m"', ".spec.layers")]


@pytest.mark.parametrize(
    ("there", "applied", "expected"),
    [
        ("ab", "ca", "cab"),
        ("cab", "acd", "abcd"),
        ("abcd", "db", "acdb"),
        ("abc", "", "abc"),
        ("abcd", "xcyb", "axcdyb"),
    ],
)
def test_finalizers_are_a_set(functions: Functions, there: str, applied: str, expected: str) -> None:
    functions.create("a", finalizers=[f"f.example/{letter}" for letter in there])
    seen = apply(functions, finalizers=[f"f.example/{letter}" for letter in applied])
    order = "".join(item[-1] for item in seen["metadata"]["finalizers"])
    assert (order, len(entries(seen)["m Apply"])) == (expected, len(BARE) + len(applied))


def test_only_ones_own_finalizers_go(functions: Functions) -> None:
    functions.create("a", finalizers=["f.example/a"])
    apply(functions, finalizers=["f.example/a", "f.example/b", "f.example/c"])
    assert apply(functions, finalizers=["f.example/c"])["metadata"]["finalizers"] == ["f.example/a", "f.example/c"]


def test_owner_references_are_told_apart_by_uid(functions: Functions) -> None:
    def owner(name: str, uid: str) -> dict[str, str]:
        return {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": uid}

    seen = apply(functions, ownerReferences=[owner("x", "1"), owner("y", "2")])
    assert entries(seen)["m Apply"] == {*BARE, *(f'metadata.ownerReferences.k:{{"uid":"{uid}"}}' for uid in "12")}
    assert conflicts(functions, by="n", metadata={"ownerReferences": [owner("z", "1")]}) == [
        ('conflict with "m"', '.metadata.ownerReferences[uid="1"]')
    ]
    apply(functions, by="n", ownerReferences=[owner("z", "3")])
    assert [each["uid"] for each in apply(functions)["metadata"]["ownerReferences"]] == ["3"]


# ---- nulls and empty maps --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", [{"timeout": None}, {"layers": None}, {"tags": None}, {"tags": {"k": None}}])
def test_a_null_is_no_way_to_remove(functions: Functions, spec: dict[str, Any]) -> None:
    for _ in range(2):
        reply = functions.apply("a", functions.manifest("a", spec=spec), by="m")
        assert reply.code == 422
        assert {reason for reason, _ in reply.fields} == {"FieldValueTypeInvalid", "FieldValueInvalid"}
        apply(functions, spec={"timeout": 3, "layers": ["x"], "tags": {"k": "v"}})


def test_a_map_that_is_held_and_loses_its_last_key_is_refused(functions: Functions) -> None:
    """It is null then, and not empty: whoever applies it can neither keep it as `{}` nor leave it out."""
    functions.create("a", spec={"tags": {"k": "v"}})
    body = functions.manifest("a", spec={"tags": {"k": "w"}})
    assert functions.apply("a", body, by="m", force="true").code == 200
    emptied: list[dict[str, Any]] = [{}, {"tags": {}}]
    for spec in emptied:
        reply = functions.apply("a", functions.manifest("a", spec=spec), by="m")
        assert (reply.code, ("FieldValueTypeInvalid", "spec.tags") in reply.fields) == (422, True)
        assert 'spec.tags in body must be of type object: "null"' in reply.message
    assert apply(functions, spec={"tags": {"l": "x"}})["spec"]["tags"] == {"l": "x"}


def test_labels_that_are_held_and_lose_their_last_key_go(functions: Functions) -> None:
    functions.create("a", labels={"k": "v"})
    functions.apply("a", functions.manifest("a", labels={"k": "w"}), by="m", force="true")
    seen = apply(functions)
    assert "labels" not in seen["metadata"]
    assert entries(seen)["unknown Update"] == {"metadata.labels", "spec", "spec.code", *BARE}


def test_empty_maps_are_owned(functions: Functions) -> None:
    seen = apply(functions, spec={"tags": {}, "environment": {}}, labels={}, annotations={"a": None})
    assert (seen["spec"]["tags"], seen["spec"]["environment"], seen["metadata"]["annotations"]) == ({}, {}, {"a": ""})
    assert "labels" not in seen["metadata"]
    owned = {"spec.tags", "spec.environment", "metadata.labels", "metadata.annotations.a"}
    assert entries(seen) == {"m Apply": {*BARE, *owned}}
    assert not apply(functions)["spec"].keys() & {"tags", "environment"}


def test_who_applies_nothing_is_forgotten(functions: Functions) -> None:
    made = apply(functions)
    nothing = {key: value for key, value in made.items() if key in ("apiVersion", "kind")} | {"metadata": {"name": "a"}}
    seen = functions.apply("a", nothing, by="n").body
    assert (entries(seen), seen["spec"]) == ({"m Apply": BARE}, made["spec"])
    seen = functions.apply("a", nothing, by="m").body
    assert not seen.keys() & {"spec"} and "managedFields" not in seen["metadata"]
    assert seen["metadata"]["generation"] == 2


# ---- status ----------------------------------------------------------------------------------------------------------


def test_a_status_is_not_applied_to_the_object(functions: Functions) -> None:
    body = {**functions.manifest("a"), "status": {"state": "Active"}}
    made = functions.apply("a", body, by="m").body
    assert ("status" in made, entries(made)) == (False, {"m Apply": BARE})
    functions.merge("a/status", {"status": {"state": "Failed"}}, fieldManager="ctl")
    seen = functions.apply("a", body, by="m")
    assert (seen.code, seen.body["status"]) == (200, {"state": "Failed"})
    assert entries(seen.body)["m Apply"] == BARE


def test_only_a_status_is_applied_to_the_status(functions: Functions) -> None:
    apply(functions, spec={"timeout": 3})
    other = functions.manifest("a", spec={"timeout": 4}, labels={"a": "b"})
    body = {**other, "status": {"state": "Active"}}
    seen = functions.apply("a/status", body, by="m")
    assert (seen.code, seen.body["status"], seen.body["spec"]["timeout"]) == (200, {"state": "Active"}, 3)
    assert entries(seen.body) == {"m Apply": {*BARE, "spec.timeout"}, "m Apply status": {"status.state"}}
    body["status"] = {"state": "Failed"}
    refused = functions.apply("a/status", body, by="n")
    assert refused.message == 'Apply failed with 1 conflict: conflict with "m" with subresource "status": .status.state'
    functions.merge("a/status", {"status": {"state": "Pending"}}, fieldManager="ctl")
    refused = functions.apply("a/status", body, by="n")
    assert refused.message.endswith(f'conflict with "ctl" with subresource "status" {USING}: .status.state')
    assert functions.apply("zz/status", functions.manifest("zz"), by="n").code == 404
