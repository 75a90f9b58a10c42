"""managedFields: who owns which field, after what users, controllers and we do to an object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.bed.http import MERGE_PATCH
from tests.contract.api.ownership import paths

if TYPE_CHECKING:
    from tests.contract.api.conftest import Functions

Owners = dict[tuple[str, str], set[str]]

NAMED = {"f:spec", "f:spec.f:code", "f:spec.f:code.f:s3Bucket", "f:spec.f:code.f:s3Key", "f:spec.f:name"}


def owners(obj: dict[str, Any]) -> Owners:
    """Say who owns what: paths joined by dots, by manager and subresource."""
    found: Owners = {}
    for entry in obj["metadata"].get("managedFields", ()):
        assert (entry["operation"], entry["fieldsType"]) == ("Update", "FieldsV1")
        assert entry["apiVersion"] == obj["apiVersion"]
        found[entry["manager"], entry.get("subresource", "")] = paths(entry["fieldsV1"])
    return found


def create(functions: Functions, name: str, *, spec: Any = None, **metadata: Any) -> dict[str, Any]:
    body = functions.manifest(name, spec=spec, **metadata)
    reply = functions.http("POST", functions.path, body, fieldManager="user")
    assert reply.code == 201, reply.body
    made: dict[str, Any] = reply.body
    return made


def test_who_creates_owns_what_was_said(functions: Functions) -> None:
    metadata = {"labels": {"team": "shop"}, "annotations": {"a.example/b": "c"}, "finalizers": ["f.example/x"]}
    made = create(functions, "a", spec={"layers": ["x", "y"], "tags": {"k": "v"}}, **metadata)
    assert owners(made) == {
        ("user", ""): {
            *NAMED,
            *("f:spec.f:layers", "f:spec.f:tags", "f:spec.f:tags.f:k"),
            *("f:metadata.f:labels", "f:metadata.f:labels.f:team"),
            *("f:metadata.f:annotations", "f:metadata.f:annotations.f:a.example/b"),
            *("f:metadata.f:finalizers", 'f:metadata.f:finalizers.v:"f.example/x"'),
        }
    }
    (entry,) = made["metadata"]["managedFields"]
    assert entry["time"] == made["metadata"]["creationTimestamp"]
    assert entry.keys() == {"manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1"}
    assert functions.get("a").body == made


def test_the_story_of_a_resource(functions: Functions) -> None:
    """A user creates, the controller writes back and adds its finalizer, we annotate and take it away again."""
    create(functions, "a", spec={"timeout": 3})
    spec = {"timeout": 3, "packageType": "Zip", "architectures": ["x86_64"]}
    back = {"metadata": {"finalizers": ["f.example/ack"]}, "spec": spec}
    functions.merge("a", back, fieldManager="controller")
    status = {"state": "Active", "conditions": [{"type": "Ready", "status": "True"}]}
    seen = functions.merge("a/status", {"status": status}, fieldManager="controller").body
    of_controller = {
        *("f:metadata.f:finalizers", 'f:metadata.f:finalizers.v:"f.example/ack"'),
        *("f:spec.f:architectures", "f:spec.f:packageType"),
    }
    of_status = {"f:status", "f:status.f:state", "f:status.f:conditions"}
    expected = {
        ("user", ""): {*NAMED, "f:spec.f:timeout"},
        ("controller", ""): of_controller,
        ("controller", "status"): of_status,
    }
    assert owners(seen) == expected
    resync = (
        {"op": "add", "path": "/metadata/annotations", "value": {"ack-remediator.dev/resync": "id"}},
        {"op": "add", "path": "/spec/publish", "value": False},
    )
    seen = functions.patch("a", *resync, fieldManager="ack-remediator").body
    ours = {
        "f:spec.f:publish",
        *("f:metadata.f:annotations", "f:metadata.f:annotations.f:ack-remediator.dev/resync"),
    }
    assert owners(seen) == {**expected, ("ack-remediator", ""): ours}
    undo = (
        {"op": "remove", "path": "/metadata/annotations/ack-remediator.dev~1resync"},
        {"op": "remove", "path": "/spec/publish"},
    )
    seen = functions.patch("a", *undo, fieldManager="ack-remediator").body
    assert owners(seen) == expected


def test_a_changed_field_changes_hands(functions: Functions) -> None:
    create(functions, "a", spec={"timeout": 3, "handler": "h", "layers": ["x"], "tags": {"k": "v", "l": "w"}})
    edit = {"spec": {"timeout": 5, "handler": "h", "layers": ["y"], "tags": {"k": "new", "m": "x"}}}
    seen = functions.merge("a", edit, fieldManager="editor").body
    changed = {f"f:spec.{field}" for field in ("f:timeout", "f:layers", "f:tags.f:k", "f:tags.f:m")}
    kept = {*NAMED, *(f"f:spec.{field}" for field in ("f:handler", "f:tags", "f:tags.f:l"))}
    assert owners(seen) == {("user", ""): kept, ("editor", ""): changed}


def test_nobody_owns_what_was_removed(functions: Functions) -> None:
    create(functions, "a", spec={"timeout": 3, "tags": {"k": "v"}}, labels={"team": "shop"}, finalizers=["f.example/x"])
    removal = {"metadata": {"labels": None, "finalizers": None}, "spec": {"timeout": None, "tags": {"k": None}}}
    seen = functions.merge("a", removal, fieldManager="editor").body
    assert owners(seen) == {("user", ""): {*NAMED, "f:spec.f:tags"}}


def test_a_finalizer_of_another_is_not_taken_over(functions: Functions) -> None:
    create(functions, "a", finalizers=["f.example/x"])
    add = {"op": "add", "path": "/metadata/finalizers/-", "value": "g.example/y"}
    seen = functions.patch("a", add, fieldManager="other").body
    assert owners(seen)["other", ""] == {'f:metadata.f:finalizers.v:"g.example/y"'}
    assert 'f:metadata.f:finalizers.v:"f.example/x"' in owners(seen)["user", ""]


def test_what_changes_nothing_owns_nothing(functions: Functions) -> None:
    made = create(functions, "a", spec={"timeout": 3})
    same = functions.merge("a", {"spec": {"timeout": 3}}, fieldManager="other")
    assert (same.code, same.body) == (200, made)
    again = functions.http("PUT", f"{functions.path}/a", made, fieldManager="other")
    assert (again.code, again.body) == (200, made)


def test_a_put_owns_what_it_changes(functions: Functions) -> None:
    made = create(functions, "a", spec={"timeout": 3})
    edited = {**made, "spec": {**made["spec"], "timeout": 4}, "status": {"state": "Ignored"}}
    seen = functions.http("PUT", f"{functions.path}/a", edited, fieldManager="other").body
    assert owners(seen) == {("user", ""): NAMED, ("other", ""): {"f:spec.f:timeout"}}


def test_a_dry_run_shows_the_new_owner_and_stores_none(functions: Functions) -> None:
    made = create(functions, "a")
    dry = functions.merge("a", {"spec": {"publish": False}}, dryRun="All", fieldManager="other").body
    assert owners(dry)["other", ""] == {"f:spec.f:publish"}
    assert functions.get("a").body == made


def test_the_user_agent_names_who_says_no_name(functions: Functions) -> None:
    assert owners(functions.create("a")).keys() == {("unknown", "")}
    functions.http.headers["User-Agent"] = "kubectl/v1.36.3 (linux/amd64)"
    assert owners(functions.create("b")).keys() == {("kubectl", "")}


def test_a_name_that_is_too_long(functions: Functions) -> None:
    reply = functions.http("POST", functions.path, functions.manifest("a"), fieldManager="x" * 129)
    assert (reply.code, reply.fields) == (422, {("FieldValueTooLong", "fieldManager")})
    assert reply.message.endswith("may not be more than 128 bytes")


def test_owners_can_be_cleared_and_then_stay_away(functions: Functions) -> None:
    create(functions, "a", spec={"timeout": 3})
    cleared = functions.merge("a", {"metadata": {"managedFields": [{}]}}, fieldManager="other")
    assert (cleared.code, owners(cleared.body)) == (200, {})
    edited = functions.merge("a", {"spec": {"timeout": 4}}, fieldManager="other")
    assert (edited.code, owners(edited.body)) == (200, {})
    empty = create(functions, "b", spec={"timeout": 3})
    kept = functions.merge("b", {"metadata": {"managedFields": []}}, fieldManager="other")
    assert kept.body == empty


@pytest.mark.parametrize(
    ("manager", "expected"),
    [("user", {("user", ""): {*NAMED, "f:spec.f:timeout"}}), ("user-2", {("user", ""): NAMED})],
)
def test_entries_are_one_for_each_name(functions: Functions, manager: str, expected: Owners) -> None:
    create(functions, "a", spec={"timeout": 3})
    seen = functions.merge("a", {"spec": {"timeout": 4}}, fieldManager=manager).body
    assert owners(seen).items() >= expected.items()
    assert len(owners(seen)) == (1 if manager == "user" else 2)


def test_config_maps_are_owned_key_by_key(functions: Functions) -> None:
    path = f"/api/v1/namespaces/{functions.namespace}/configmaps"
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1", "b": "2"}}
    made = functions.http("POST", path, body, fieldManager="user").body
    assert owners(made) == {("user", ""): {"f:data", "f:data.f:a", "f:data.f:b"}}
    patch = {"data": {"a": "9", "b": None, "c": "3"}}
    seen = functions.http("PATCH", f"{path}/c", patch, kind=MERGE_PATCH, fieldManager="other").body
    assert owners(seen) == {("user", ""): {"f:data"}, ("other", ""): {"f:data.f:a", "f:data.f:c"}}


def test_leases_and_secrets_too(functions: Functions) -> None:
    home = f"namespaces/{functions.namespace}"
    lease = {"metadata": {"name": "l"}, "spec": {"holderIdentity": "a", "leaseDurationSeconds": 15}}
    made = functions.http("POST", f"/apis/coordination.k8s.io/v1/{home}/leases", lease, fieldManager="us").body
    assert owners(made) == {("us", ""): {"f:spec.f:holderIdentity", "f:spec.f:leaseDurationSeconds"}}
    secret = {"metadata": {"name": "s"}, "stringData": {"k": "v"}}
    made = functions.http("POST", f"/api/v1/{home}/secrets", secret, fieldManager="us").body
    assert owners(made) == {("us", ""): {"f:data", "f:data.f:k", "f:type"}}


def test_a_restart_owns_its_annotation(functions: Functions) -> None:
    path = f"/apis/apps/v1/namespaces/{functions.namespace}/deployments"
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    functions.http("POST", path, {"metadata": {"name": "d"}, "spec": spec}, fieldManager="user")
    restart = {"spec": {"template": {"metadata": {"annotations": {"restartedAt": "x"}}}}}
    kind = "application/strategic-merge-patch+json"
    seen = functions.http("PATCH", f"{path}/d", restart, kind=kind, fieldManager="us").body
    annotations = "f:spec.f:template.f:metadata.f:annotations"
    assert owners(seen)["us", ""] == {annotations, f"{annotations}.f:restartedAt"}
