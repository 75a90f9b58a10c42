"""Lies about server-side apply: each fact of `tests/contract/api/test_apply*.py`, reversed."""

import copy
import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from remediator.sandbox.api import (
    applying,
    fields,
    lastapplied,
    listing,
    managers,
    merge,
    messages,
    objects,
    schema,
    shapes,
    typed,
    verbs,
)
from remediator.sandbox.api.managers import APPLY, UPDATE, Manager, owners_of, with_owners
from remediator.sandbox.api.objects import Objects
from remediator.sandbox.api.status import not_found
from remediator.sandbox.api.verbs import Api
from tests.sandbox.lies.lie import Lies

Patch = pytest.MonkeyPatch

LIES = Lies()
_APPLY = "api/test_apply.py::"
_REFUSALS = "api/test_apply_refusals.py::"
_KUBECTL = "api/test_apply_kubectl.py::"


def _applying(patch: Patch, change: Callable[..., Any]) -> None:
    """Let `change` stand between the verb and what it does: it is given the true one first."""
    true = applying.applied
    patch.setattr(verbs, "applied", lambda *args, **options: change(true, *args, **options))


@LIES.told_against(_APPLY + "test_what_is_applied_is_created_and_owned")
def what_is_applied_has_to_be_there(patch: Patch) -> None:
    """Applying creates nothing."""

    def absent(true: Any, live: Any, body: Any, resource: Any, *args: Any, **options: Any) -> Any:
        if live is None:
            raise not_found(resource, body["metadata"]["name"])
        return true(live, body, resource, *args, **options)

    _applying(patch, absent)


@LIES.told_against(_APPLY + "test_what_is_applied_is_created_and_owned")
def an_apply_is_an_update(patch: Patch) -> None:
    """Who applies has an entry like who writes."""
    patch.setattr(applying, "APPLY", UPDATE)


@LIES.told_against(_APPLY + "test_what_is_applied_is_created_and_owned")
def who_applies_owns_structs(patch: Patch) -> None:
    """Who applies owns the structs around the fields, as who writes does."""
    stated = fields.stated
    patch.setattr(fields, "stated", lambda obj, shape: fields.with_structs(stated(obj, shape), shape))


@LIES.told_against(_APPLY + "test_the_same_again_changes_nothing")
def every_apply_has_a_time(patch: Patch) -> None:
    """Applying the same again moves the time of its entry."""
    patch.setattr(applying, "same", lambda left, right: False)


@LIES.told_against(_APPLY + "test_who_adds_nothing_owns_it_without_a_time")
def every_entry_has_a_time(patch: Patch) -> None:
    """Who comes to own what is there has a time for it."""
    patch.setattr(applying, "same", lambda left, right: False)


@LIES.told_against(_APPLY + "test_what_is_the_servers_changes_nothing")
def a_status_in_the_body_moves_the_time(patch: Patch) -> None:
    """A body whose status or times differ from the object's is a change."""
    patch.setattr(applying, "_same_but_for_the_servers", lambda *_: False)


@LIES.told_against(_APPLY + "test_empty_labels_are_a_change_each_time")
def empty_labels_are_none(patch: Patch) -> None:
    """Applying empty labels again changes nothing."""
    patch.setattr(applying, "_same_but_for_the_servers", lambda *_: True)


@LIES.told_against(_APPLY + "test_a_number_is_one_however_it_is_written")
def three_is_not_three(patch: Patch) -> None:
    """3.0 is no integer."""
    patch.setattr(messages, "_number", float)


@LIES.told_against(_APPLY + "test_what_is_applied_no_more_goes")
def nothing_goes(patch: Patch) -> None:
    """What is not applied any more stays."""
    patch.setattr(applying, "pruned", lambda whole, *_: whole)


@LIES.told_against(_APPLY + "test_what_others_own_too_stays")
def what_is_applied_no_more_goes_whoever_owns_it(patch: Patch) -> None:
    """What an applier leaves out goes, though others own it."""
    pruned = merge.pruned
    patch.setattr(applying, "pruned", lambda whole, last, owned, shape: pruned(whole, last, _stated_bare(whole), shape))


def _stated_bare(whole: Any) -> fields.Fields:
    kept = {"metadata": {"name": ""}, "spec": {"name": "", "code": {"s3Bucket": "", "s3Key": ""}}}
    return fields.stated(kept, None)


@LIES.told_against(_APPLY + "test_what_others_put_into_a_map_stays")
def a_map_is_one_value(patch: Patch) -> None:
    """What is applied replaces maps as a whole."""

    def shallow(live: Any, body: Any, shape: Any) -> Any:
        spec = {**live.get("spec", {}), **body.get("spec", {})}
        return {**live, **body, "metadata": {**live["metadata"], **body.get("metadata", {})}, "spec": spec}

    patch.setattr(applying, "merged", shallow)
    patch.setattr(applying, "pruned", lambda whole, *_: whole)


@LIES.told_against(_APPLY + "test_another_value_conflicts_with_who_wrote")
def nothing_conflicts(patch: Patch) -> None:
    """An apply takes whatever it wants."""
    _applying(patch, lambda true, *args, **options: true(*args, **(options | {"force": True})))


@LIES.told_against(_APPLY + "test_who_adds_nothing_owns_it_without_a_time")
def the_same_value_conflicts(patch: Patch) -> None:
    """Applying what is so already conflicts with who owns it."""

    def compared(old: Any, new: Any, shape: Any) -> Any:
        return fields.stated(new, shape), frozenset()

    patch.setattr(applying, "fields", _Fields(compared))


class _Fields:
    """The module `fields` with another `compared`."""

    def __init__(self, compared: Any) -> None:
        self.compared = compared

    def __getattr__(self, name: str) -> Any:
        return getattr(fields, name)


@LIES.told_against(_APPLY + "test_what_one_wrote_oneself_conflicts_too")
def ones_own_writes_do_not_conflict(patch: Patch) -> None:
    """Who wrote a field may apply it."""

    def forgetful(true: Any, live: Any, body: Any, resource: Any, manager: Manager, **options: Any) -> Any:
        if live is not None:
            others = {
                key: owned
                for key, owned in owners_of(live).items()
                if (key.manager, key.operation) != (manager.name, UPDATE)
            }
            live = with_owners(live, others)
        return true(live, body, resource, manager, **options)

    _applying(patch, forgetful)


@LIES.told_against(_APPLY + "test_conflicts_are_listed_level_by_level")
def conflicts_are_listed_by_path(patch: Patch) -> None:
    """Conflicts are in the order of their paths."""
    patch.setattr(fields, "ordered", sorted)


@LIES.told_against(_APPLY + "test_conflicts_with_several")
def owners_are_only_named(patch: Patch) -> None:
    """A conflict does not say which version its owner used."""
    patch.setattr(applying, "_named", lambda key: f'"{key.manager}"')


@LIES.told_against(_APPLY + "test_a_conflict_is_refused_unless_forced")
def a_dry_run_has_no_conflicts(patch: Patch) -> None:
    """`force`, whatever it says, and a dry run take fields."""
    flag = listing.flag
    patch.setattr(listing, "flag", lambda query, name: name in query if name == "force" else flag(query, name))


@LIES.told_against(_APPLY + "test_force_takes_fields_away")
def force_shares(patch: Patch) -> None:
    """What is taken by force is owned by both."""

    def shared(true: Any, live: Any, *args: Any, **options: Any) -> Any:
        result = true(live, *args, **options)
        return with_owners(result, owners_of(result) | owners_of(live)) if options["force"] else result

    _applying(patch, shared)


@LIES.told_against(_APPLY + "test_a_write_takes_from_who_applied")
def what_was_applied_is_never_taken(patch: Patch) -> None:
    """Who applied a field owns it on, though another writes it."""
    tracked = managers.tracked

    def keeping(new: Any, old: Any, *args: Any) -> Any:
        result = tracked(new, old, *args)
        applied = {key: owned for key, owned in owners_of(old or new).items() if key.operation == APPLY}
        return with_owners(result, owners_of(result) | applied)

    patch.setattr(objects, "tracked", keeping)


@LIES.told_against(_APPLY + "test_what_was_there_before_is_owned_by_nobody_in_particular")
def what_nobody_owned_is_free(patch: Patch) -> None:
    """What is there before the first apply conflicts with nothing."""
    patch.setattr(applying, "_nobody_known", lambda *_: {})


@LIES.told_against(_APPLY + "test_a_list_is_one_value")
def lists_are_sets(patch: Patch) -> None:
    """Lists are merged item by item, whatever their schema says."""
    steps = shapes.steps

    def merging(value: Any, shape: Any) -> Any:
        return steps(value, {**shape, "x-kubernetes-list-type": shape.get("x-kubernetes-list-type", "set")})

    patch.setattr(shapes, "steps", merging)
    patch.setattr(merge, "steps", merging)


@LIES.told_against(_APPLY + "test_only_ones_own_finalizers_go")
def finalizers_are_one_value(patch: Patch) -> None:
    """Applied finalizers replace all the others."""
    patch.delitem(shapes._METADATA["properties"]["finalizers"], "x-kubernetes-list-type")


@LIES.told_against(_APPLY + "test_finalizers_are_a_set")
def new_items_come_last(patch: Patch) -> None:
    """Items of a set stay where they are, and new ones come after them."""
    patch.setattr(merge, "_woven", lambda lefts, rights: [*dict.fromkeys([*lefts, *rights])])


@LIES.told_against(_APPLY + "test_owner_references_are_told_apart_by_uid")
def owner_references_are_one_value(patch: Patch) -> None:
    """Owner references are owned as a whole."""
    patch.delitem(shapes._METADATA["properties"]["ownerReferences"], "x-kubernetes-list-type")


@LIES.told_against(_APPLY + "test_a_null_is_no_way_to_remove")
def a_null_removes(patch: Patch) -> None:
    """Applying null removes a field."""
    shaped = schema.shaped
    patch.setattr(schema, "shaped", lambda obj, shape, nulls=False: shaped(obj, shape))


@LIES.told_against(_APPLY + "test_a_map_that_is_held_and_loses_its_last_key_is_refused")
def a_map_may_become_empty(patch: Patch) -> None:
    """A map that loses its last key is empty."""
    left = merge._left
    patch.setattr(merge, "_left", lambda value, *args: _emptied(left(value, *args), value))


def _emptied(left: Any, value: Any) -> Any:
    return {} if left is None and isinstance(value, dict) else left


@LIES.told_against(_APPLY + "test_empty_maps_are_owned")
def nobody_owns_an_empty_map(patch: Patch) -> None:
    """An empty map that is applied is owned by nobody."""
    stated = fields.stated

    def full(obj: Any, shape: Any) -> Any:
        return frozenset(path for path in stated(obj, shape) if _at(obj, path) != {})

    patch.setattr(fields, "stated", full)


def _at(obj: Any, path: fields.Path) -> Any:
    for step in path:
        obj = obj.get(step[2:]) if isinstance(obj, dict) else None
    return obj


@LIES.told_against(_APPLY + "test_who_applies_nothing_is_forgotten")
def a_spec_stays(patch: Patch) -> None:
    """A spec that nobody applies any more stays."""

    def spec_kept(true: Any, live: Any, *args: Any, **options: Any) -> Any:
        result = true(live, *args, **options)
        return result if live is None else {**copy.deepcopy({"spec": live["spec"]}), **result}

    _applying(patch, spec_kept)


@LIES.told_against(_APPLY + "test_a_status_is_not_applied_to_the_object")
def a_status_is_owned_by_who_applies_it_to_the_object(patch: Patch) -> None:
    """Who applies an object with a status owns the status."""
    patch.setattr(applying, "_own_half", lambda paths, resource, manager: paths)


@LIES.told_against(_APPLY + "test_only_a_status_is_applied_to_the_status")
def a_spec_is_owned_by_who_applies_it_to_the_status(patch: Patch) -> None:
    """Who applies a status with a spec owns the spec."""
    half = applying._own_half

    def whole(paths: Any, resource: Any, manager: Any) -> Any:
        return paths if manager.subresource else half(paths, resource, manager)

    patch.setattr(applying, "_own_half", whole)


# ---- refusals --------------------------------------------------------------------------------------------------------


@LIES.told_against(_REFUSALS + "test_a_manager_has_to_be_named")
def anybody_applies(patch: Patch) -> None:
    """An apply needs no fieldManager."""
    patch.setattr(
        verbs,
        "applier_of",
        lambda request, subresource: dataclasses.replace(
            managers.manager_of(request, "PatchOptions", subresource), operation=APPLY
        ),
    )


@LIES.told_against(_REFUSALS + "test_force_is_for_applying_only")
def force_goes_with_every_patch(patch: Patch) -> None:
    """`force` is ignored where nothing is applied."""
    patch.setattr(messages, "expect_no_force", lambda request: None)


@LIES.told_against(_REFUSALS + "test_a_dry_run_shows_and_stores_nothing")
def a_dry_apply_is_stored(patch: Patch) -> None:
    """dryRun=All applies."""
    patch.setattr(messages, "dry_run", lambda *_: False)


@LIES.told_against(_REFUSALS + "test_parameters_with_other_values")
def any_validation_will_do(patch: Patch) -> None:
    """fieldValidation is not looked at where something is applied."""
    patch.setattr(messages, "validation", lambda *_: "Warn")


def _reading(patch: Patch, change: Callable[[Any, Any], Any]) -> None:
    """Let what is applied be changed before it is checked."""
    true = messages.configuration

    def read(request: Any, target: Any) -> Any:
        body = messages.json_body(request.body or b"null", "")
        changed = change(body, target) if isinstance(body, dict) else body
        return true(dataclasses.replace(request, body=json.dumps(changed).encode()), target)

    patch.setattr(messages, "configuration", read)


@LIES.told_against(_REFUSALS + "test_bodies_that_are_no_object")
def an_empty_body_is_an_object(patch: Patch) -> None:
    """Applying nothing is applying an object without fields."""
    true = messages.configuration
    patch.setattr(
        messages, "configuration", lambda request, target: true(request, target) if request.body.strip() else {}
    )


@LIES.told_against(_REFUSALS + "test_bodies_of_another_kind")
def the_path_tells_the_kind(patch: Patch) -> None:
    """Which kind a body says that it is does not matter."""
    _reading(
        patch,
        lambda body, target: {**body, "kind": target.resource.kind, "apiVersion": target.resource.api_version},
    )


@LIES.told_against(_REFUSALS + "test_managed_fields_are_the_servers")
def managed_fields_are_ignored(patch: Patch) -> None:
    """managedFields in what is applied are ignored."""

    def without(body: Any, target: Any) -> Any:
        meta = {name: value for name, value in body.get("metadata", {}).items() if name != "managedFields"}
        return {**body, "metadata": meta}

    _reading(patch, without)


@LIES.told_against(_REFUSALS + "test_names_and_namespaces_are_those_of_the_path")
def the_path_tells_the_name(patch: Patch) -> None:
    """Which name and namespace a body says does not matter."""
    patch.setattr(messages, "expect_place", lambda *_, named: None)


@LIES.told_against(_REFUSALS + "test_unknown_fields_are_refused_whatever_is_asked_for")
def unknown_fields_are_dropped(patch: Patch) -> None:
    """What is applied is pruned, as what is written is."""
    patch.setattr(applying, "_expect_typed", lambda body, resource: None)


@LIES.told_against(_REFUSALS + "test_of_a_map_one_unknown_field_is_named")
def every_unknown_field_is_named(patch: Patch) -> None:
    """All unknown fields of a map are named."""

    def all_of_them(body: Any, shape: Any) -> list[str]:
        return [f".{path}: field not declared in schema" for path in schema.unknown_fields(body, shape)]

    patch.setattr(typed, "troubles", all_of_them)


@LIES.told_against(_REFUSALS + "test_a_version_is_a_precondition")
def any_version_will_do(patch: Patch) -> None:
    """A version in what is applied is no precondition."""
    patch.setattr(Objects, "_expect_version", lambda self, resource, name, wanted, old: None)


def _created(patch: Patch, change: Callable[[Any, Any], None]) -> None:
    """Let `change` look at what is asked for before an apply creates it."""
    true = Api._expect_creation

    def expect(self: Api, where: Any, asked: Any, user: Any) -> None:
        change(where, asked)
        true(self, where, asked, user)

    patch.setattr(Api, "_expect_creation", expect)


@LIES.told_against(_REFUSALS + "test_no_version_keeps_an_object_from_being_created")
def nothing_is_created_with_a_version(patch: Patch) -> None:
    """What is applied with a version has to be there."""

    def expect(where: Any, asked: Any) -> None:
        if asked.get("resourceVersion"):
            raise not_found(where.resource, where.name)

    _created(patch, expect)


@LIES.told_against(_REFUSALS + "test_a_uid_is_a_precondition")
def anything_is_created_with_a_uid(patch: Patch) -> None:
    """What is applied with a uid is created with another."""
    _created(patch, lambda where, asked: asked.pop("uid", None))


@LIES.told_against(_REFUSALS + "test_creating_by_an_apply_needs_both_rights")
def who_may_patch_may_create(patch: Patch) -> None:
    """Who may patch may create by applying."""
    patch.setattr(Api, "_expect_creation", lambda self, where, asked, user: None)


# ---- kubectl ---------------------------------------------------------------------------------------------------------


@LIES.told_against(_KUBECTL + "test_kubectl_takes_over_what_it_applied")
def kubectl_is_one_of_many(patch: Patch) -> None:
    """What kubectl applied from its side conflicts with what it applies on the server's."""
    patch.setattr(lastapplied, "allowed", lambda live, resource: frozenset())


@LIES.told_against(_KUBECTL + "test_kubectl_takes_over_what_it_applied")
def the_annotation_gets_old(patch: Patch) -> None:
    """kubectl's annotation stays as it is."""
    patch.setattr(lastapplied, "renewed", lambda obj, body: obj)


@LIES.told_against(_KUBECTL + "test_the_annotation_does_not_hold_itself")
def the_annotation_holds_itself(patch: Patch) -> None:
    """kubectl's annotation has all that was applied, itself included."""
    patch.setattr(lastapplied, "_bare", lambda body: body)


@LIES.told_against(_KUBECTL + "test_others_do_not_take_over_what_kubectl_applied")
def everybody_is_kubectl(patch: Patch) -> None:
    """Whoever applies takes over what kubectl applied from its side."""

    class Everybody(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            return True

    patch.setattr(lastapplied, "KUBECTL", Everybody())


@LIES.told_against(_KUBECTL + "test_kubectl_takes_over_only_what_is_still_so")
def kubectl_takes_over_what_was_changed(patch: Patch) -> None:
    """kubectl takes over what it applied once, though others changed it."""
    allowed = lastapplied.allowed

    def all_of_it(live: Any, resource: Any) -> Any:
        return allowed(live, resource) and fields.stated(live, resource.schema)

    patch.setattr(lastapplied, "allowed", all_of_it)


@LIES.told_against(_KUBECTL + "test_an_annotation_that_cannot_be_read_allows_nothing")
def an_annotation_that_cannot_be_read_allows_everything(patch: Patch) -> None:
    """Whatever the annotation says, kubectl takes over."""
    patch.setattr(lastapplied, "allowed", lambda live, resource: fields.stated(live, resource.schema))
