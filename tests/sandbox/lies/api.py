"""Lies about the API server: each fact of `tests/contract/api`, reversed."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from remediator.sandbox.api import (
    builtin,
    declared,
    fields,
    front,
    listing,
    messages,
    metadata,
    objects,
    rbac,
    rules,
    schema,
    selectors,
    users,
    validate,
    verbs,
    watching,
)
from remediator.sandbox.api import patch as patches
from remediator.sandbox.api.objects import Objects
from remediator.sandbox.api.refusals import Refusals
from remediator.sandbox.api.resources import CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from remediator.sandbox.api.status import ApiError, overloaded, unpatchable
from remediator.sandbox.api.store import Store
from tests.sandbox.lies.lie import Lie

Patch = pytest.MonkeyPatch
_WRITES = "api/test_writes.py::"
_PATCHES = "api/test_patches.py::"
_DELETION = "api/test_deletion.py::"
_LISTS = "api/test_lists.py::"
_WATCHES = "api/test_watches.py::"
_KINDS = "api/test_kinds.py::"
_ACCESS = "api/test_access.py::"
_OWNERS = "api/test_managed_fields.py::"


def writes_keep_the_version(patch: Patch) -> None:
    """A write leaves resourceVersion as it was."""
    put = Store.put

    def kept(self: Store, shelf: str, obj: Any) -> Any:
        stored = put(self, shelf, obj)
        stored["metadata"]["resourceVersion"] = obj["metadata"].get("resourceVersion") or "7"
        return stored

    patch.setattr(Store, "put", kept)


def a_write_that_changes_nothing_is_stored(patch: Patch) -> None:
    """A write that changes nothing moves resourceVersion."""
    patch.setattr(objects, "same", lambda new, old: False)


def every_write_is_a_new_generation(patch: Patch) -> None:
    """Annotations and status bump the generation."""
    merged = Objects._merged

    def bumped(self: Objects, resource: Any, old: Any, wanted: Any) -> Any:
        return merged(self, dataclasses.replace(resource, bumps=resource.bumps and (lambda a, b: True)), old, wanted)

    patch.setattr(Objects, "_merged", bumped)


def no_write_is_a_new_generation(patch: Patch) -> None:
    """A change of the spec leaves the generation as it was."""
    merged = Objects._merged

    def still(self: Objects, resource: Any, old: Any, wanted: Any) -> Any:
        return merged(self, dataclasses.replace(resource, bumps=None), old, wanted)

    patch.setattr(Objects, "_merged", still)


def unknown_fields_are_kept(patch: Patch) -> None:
    """Nothing is pruned."""
    child = schema._child
    patch.setattr(schema, "_child", lambda shape, name: child(shape, name) or {schema.PRESERVE: True})


def unknown_fields_are_never_refused(patch: Patch) -> None:
    """fieldValidation=Strict refuses nothing."""
    patch.setattr(schema, "unknown_fields", lambda obj, shape: [])


def a_status_can_be_created(patch: Patch) -> None:
    """POST stores the status that came with it."""
    create = Objects.create

    def created(self: Objects, resource: Any, namespace: str, obj: Any, **options: Any) -> Any:
        return create(self, dataclasses.replace(resource, has_status=False), namespace, obj, **options)

    patch.setattr(Objects, "create", created)
    patch.setattr(builtin, "born", lambda obj, resource: obj)


def a_name_can_be_taken_twice(patch: Patch) -> None:
    """Creating what is there replaces it."""
    patch.setattr(objects, "already_exists", lambda resource, name: _Never())
    create = Objects.create

    def created(self: Objects, resource: Any, namespace: str, obj: Any, **options: Any) -> Any:
        try:
            return create(self, resource, namespace, obj, **options)
        except _Never:
            return self.get(resource, namespace, obj["metadata"]["name"])

    patch.setattr(Objects, "create", created)


class _Never(Exception):
    """Stands for a refusal that a lie suppresses."""


def an_old_version_can_be_put(patch: Patch) -> None:
    """PUT wants no resourceVersion, and overwrites whatever came in between."""
    patch.setattr(Objects, "_expect_version", lambda self, resource, name, wanted, old: None)


def a_dry_run_is_stored(patch: Patch) -> None:
    """dryRun=All writes."""
    patch.setattr(messages, "dry_run", lambda *_: False)


def the_main_endpoint_takes_a_status(patch: Patch) -> None:
    """PUT of the object writes its status."""
    merged = Objects._merged

    def both(self: Objects, resource: Any, old: Any, wanted: Any) -> Any:
        return merged(self, dataclasses.replace(resource, has_status=False), old, wanted)

    patch.setattr(Objects, "_merged", both)


def the_status_endpoint_takes_a_spec(patch: Patch) -> None:
    """PUT of the status writes the spec."""
    patch.setattr(Objects, "_merged_status", lambda self, old, wanted: {**old, **wanted})


def any_namespace_will_do(patch: Patch) -> None:
    """Objects are created in namespaces that do not exist, and in those that are being terminated."""
    patch.setattr(Objects, "_expect_open", lambda self, resource, namespace, name: None)


def a_terminating_namespace_is_open(patch: Patch) -> None:
    """Things are created in a namespace that is being terminated."""
    expect = Objects._expect_open

    def lenient(self: Objects, resource: Any, namespace: str, name: str) -> None:
        try:
            expect(self, resource, namespace, name)
        except ApiError as refusal:
            if refusal.code != 403:
                raise

    patch.setattr(Objects, "_expect_open", lenient)


def clients_choose_times_and_generation(patch: Patch) -> None:
    """creationTimestamp and generation are taken from the client."""
    born = metadata.born

    def chosen(obj: Any, *args: Any) -> Any:
        given = {key: obj["metadata"][key] for key in metadata.SERVER_OWNED if key in obj["metadata"]}
        return {**born(obj, *args), **given}

    patch.setattr(metadata, "born", chosen)


def a_name_made_anew_is_the_old_object(patch: Patch) -> None:
    """An object of the same name has the same uid again."""
    born = metadata.born

    def same(obj: Any, *args: Any) -> Any:
        return {**born(obj, *args), "uid": "00000000-0000-0000-0000-000000000000"}

    patch.setattr(metadata, "born", same)


def nothing_is_validated(patch: Patch) -> None:
    """The schema's types, limits and patterns are not enforced."""
    patch.setattr(validate, "violations", lambda *_: [])


def immutable_fields_change(patch: Patch) -> None:
    """A transition rule of the schema is not enforced."""
    patch.setattr(rules, "unruly", lambda *_: [])


def finalizers_hold_nothing(patch: Patch) -> None:
    """DELETE removes an object whatever finalizers it has."""
    held = Objects._held

    def free(self: Objects, resource: Any, old: Any, policy: Any) -> Any:
        return None if resource.custom else held(self, resource, old, policy)

    patch.setattr(Objects, "_held", free)


def the_last_finalizer_frees_nothing(patch: Patch) -> None:
    """An object that is being deleted stays when its last finalizer goes."""
    patch.setattr(Objects, "_is_free", lambda self, resource, obj: False)


def a_living_object_dies_without_finalizers(patch: Patch) -> None:
    """Removing the last finalizer of an object that nobody deleted deletes it."""
    update = Objects.update

    def updated(self: Objects, resource: Any, namespace: str, name: str, change: Any, **options: Any) -> Any:
        old = self.get(resource, namespace, name)
        new = update(self, resource, namespace, name, change, **options)
        if old["metadata"].get("finalizers") and not new["metadata"].get("finalizers"):
            self._store.remove(resource.shelf, new)
        return new

    patch.setattr(Objects, "update", updated)


def a_terminating_object_takes_finalizers(patch: Patch) -> None:
    """Finalizers can be added to what is being deleted."""
    patch.setattr(metadata, "update_faults", lambda new, old: iter(()))


def a_deletion_leaves_the_generation(patch: Patch) -> None:
    """Marking an object as deleted does not bump its generation."""
    held = Objects._held

    def same(self: Objects, resource: Any, old: Any, policy: Any) -> Any:
        marked = held(self, resource, old, policy)
        if marked is not None and "generation" in old["metadata"]:
            marked["metadata"]["generation"] = old["metadata"]["generation"]
        return marked

    patch.setattr(Objects, "_held", same)


def preconditions_are_ignored(patch: Patch) -> None:
    """DELETE does not look at its preconditions."""
    patch.setattr(Objects, "_expect_preconditions", lambda self, resource, old, preconditions: None)


def a_failed_test_goes_on(patch: Patch) -> None:
    """A `test` of a JSON patch that does not hold stops nothing."""
    patch.setattr(patches, "_test", lambda document, steps, expected: None)


def a_failed_test_is_a_conflict(patch: Patch) -> None:
    """A failed `test` answers 409."""

    def conflict() -> ApiError:
        error = unpatchable()
        error.code = 409
        return error

    patch.setattr(patches, "unpatchable", conflict)


def a_null_is_merged(patch: Patch) -> None:
    """A null in a merge patch removes nothing."""

    def merged(target: Any, change: Any) -> Any:
        if not isinstance(change, dict):
            return change
        result = dict(target) if isinstance(target, dict) else {}
        result |= {key: merged(result.get(key), value) for key, value in change.items() if value is not None}
        return result

    patch.setattr(patches, "_merged", merged)


def custom_resources_take_strategic_patches(patch: Patch) -> None:
    """Custom resources can be patched strategically."""
    patch.setattr(verbs, "_patch_kind", lambda request, resource: "application/strategic-merge-patch+json")


def labels_select_nothing(patch: Patch) -> None:
    """labelSelector is ignored."""
    patch.setattr(listing, "label_matcher", lambda selector: lambda obj: True)


def fields_select_nothing(patch: Patch) -> None:
    """fieldSelector is ignored."""
    patch.setattr(listing, "field_matcher", lambda selector, resource: lambda obj: True)


def selectors_are_never_wrong(patch: Patch) -> None:
    """A selector that cannot be parsed selects everything."""
    matcher = selectors.label_matcher

    def lenient(selector: str) -> Any:
        try:
            return matcher(selector)
        except ApiError:
            return lambda obj: True

    patch.setattr(listing, "label_matcher", lenient)


def lists_come_whole(patch: Patch) -> None:
    """limit is ignored."""
    number = listing.number
    patch.setattr(listing, "number", lambda query, name: 0 if name == "limit" else number(query, name))


def pages_show_the_present(patch: Patch) -> None:
    """A continue token goes on in what is there now."""
    items = Store.items
    patch.setattr(Store, "items", lambda self, shelf, namespace, revision=None: items(self, shelf, namespace))


def history_lasts_for_ever(patch: Patch) -> None:
    """Compaction forgets nothing: continue tokens never expire."""
    patch.setattr(Store, "compact", lambda self: None)


def a_watch_tells_no_deletion(patch: Patch) -> None:
    """A watch is silent when an object goes."""
    seen = watching._seen

    def silent(*args: Any) -> Iterator[Any]:
        return (event for event in seen(*args) if event[0] != "DELETED")

    patch.setattr(watching, "_seen", silent)


def initial_events_have_no_end(patch: Patch) -> None:
    """A list as a watch sends no bookmark after the initial events."""
    patch.setattr(watching, "_bookmark", lambda resource, revision: {"kind": resource.kind, "metadata": {}})


def everybody_may_do_everything(patch: Patch) -> None:
    """RBAC refuses nothing."""
    patch.setattr(rbac.Rbac, "decide", lambda self, user, asked: rbac.Verdict(True))


def a_right_covers_subresources(patch: Patch) -> None:
    """Who may patch functions may patch their status."""
    allows = rbac._allows
    patch.setattr(rbac, "_allows", lambda rule, asked: allows(rule, dataclasses.replace(asked, subresource="")))


def a_role_reaches_every_namespace(patch: Patch) -> None:
    """A RoleBinding counts in all namespaces."""
    bindings = rbac.Rbac._bindings

    def everywhere(self: rbac.Rbac, namespace: str) -> Iterator[Any]:
        yield from bindings(self, "")
        for key, binding in self._store.items(ROLE_BINDINGS.shelf, None):
            yield binding, f'RoleBinding "{key}"'

    patch.setattr(rbac.Rbac, "_bindings", everywhere)
    patch.setattr(
        rbac.Rbac,
        "_role",
        lambda self, reference, namespace: next(
            (each for _, each in self._store.items(ROLES.shelf, None) if each["metadata"]["name"] == reference["name"]),
            self._store.get(CLUSTER_ROLES.shelf, "", reference["name"]),
        ),
    )


def any_token_opens(patch: Patch) -> None:
    """A token that was never given is the admin's."""
    patch.setattr(users.Users, "of", lambda self, authorization: users.ADMIN)


def a_token_lasts_for_ever(patch: Patch) -> None:
    """A token outlives its time and its account."""
    patch.setattr(users.Users, "_holds", lambda self, token: True)


def names_narrow_nothing(patch: Patch) -> None:
    """resourceNames are ignored."""
    allows = rbac._allows
    patch.setattr(
        rbac,
        "_allows",
        lambda rule, asked: allows({k: v for k, v in rule.items() if k != "resourceNames"}, asked),
    )


def leases_take_any_time(patch: Patch) -> None:
    """A Lease takes a time without six fractional digits."""
    patch.setattr(declared, "bad_micro_time", lambda value: "")


def nobody_owns_a_field(patch: Patch) -> None:
    """No managedFields are kept."""
    patch.setattr(objects, "tracked", lambda new, *_: new)


def fields_never_change_hands(patch: Patch) -> None:
    """Who changes another's field does not come to own it."""
    compared = fields.compared

    def first_only(before: Any, *args: Any) -> Any:
        taken, removed = compared(before, *args)
        return (taken, removed) if not before or not before.get("spec") else (frozenset(), removed)

    patch.setattr(fields, "compared", first_only)


def secrets_keep_their_text(patch: Patch) -> None:
    """stringData is not folded into data."""
    patch.setattr(builtin, "inward", lambda obj, resource: obj)


def nobody_is_told_when_to_come_back(patch: Patch) -> None:
    """A 429 has no Retry-After."""
    send = front._Handler.send_header

    def without(self: Any, keyword: str, value: str) -> None:
        if keyword != "Retry-After":
            send(self, keyword, value)

    patch.setattr(front._Handler, "send_header", without)


def an_overload_is_everybodys(patch: Patch) -> None:
    """Who is over the limit takes the others' seats, too."""
    patch.setattr(Refusals, "expect_seat", _full)


def _full(self: Refusals, user: Any) -> None:
    if self._without_seat:
        raise overloaded()


def answers_have_no_date(patch: Patch) -> None:
    """Answers do not tell the server's time."""
    patch.setattr(front._Handler, "date_time_string", lambda self, timestamp=None: "")


def any_size_is_stored(patch: Patch) -> None:
    """An object of any size is stored."""
    patch.setattr(objects, "LARGEST", 1 << 40)


def any_size_is_read(patch: Patch) -> None:
    """A request of any size is read."""
    patch.setattr(messages, "LARGEST", 1 << 40)


def a_watch_begins_wherever_it_is_told(patch: Patch) -> None:
    """A watch from a version that is forgotten begins now."""

    def forgiving(self: Store, revision: int, shelf: str) -> list[Any]:
        return [change for change in self._changes if change.revision > revision and change.shelf == shelf]

    patch.setattr(Store, "changes_after", forgiving)


def what_is_immutable_changes(patch: Patch) -> None:
    """An immutable ConfigMap or Secret takes changes."""
    patch.setattr(builtin, "faults", lambda *_: iter(()))


def a_second_deletion_starts_anew(patch: Patch) -> None:
    """Deleting what is being deleted bumps the generation once more."""
    delete = Objects.delete

    def again(self: Objects, resource: Any, namespace: str, name: str, **options: Any) -> Any:
        old = self.get(resource, namespace, name)
        if "deletionTimestamp" in old["metadata"] and resource.custom:
            bumped = {**old["metadata"], "generation": old["metadata"]["generation"] + 1}
            self._store.put(resource.shelf, {**old, "metadata": bumped})
        return delete(self, resource, namespace, name, **options)

    patch.setattr(Objects, "delete", again)


def a_lease_goes_to_the_last(patch: Patch) -> None:
    """A Lease can be put with a version that is over."""
    patch.setattr(Objects, "_expect_version", lambda self, resource, name, wanted, old: None)


def a_lease_rises_again(patch: Patch) -> None:
    """A Lease that was deleted comes back with the next renewal."""
    patch.setattr(verbs, "_expect_uid", lambda *_: None)


def a_restart_is_no_new_generation(patch: Patch) -> None:
    """Annotating a Deployment's pod template leaves its generation as it was."""
    no_write_is_a_new_generation(patch)


LIES = [
    Lie(nobody_is_told_when_to_come_back, "api/test_overload.py::test_one_user_is_told_to_come_back_later"),
    Lie(an_overload_is_everybodys, "api/test_overload.py::test_one_user_is_told_to_come_back_later"),
    Lie(answers_have_no_date, "api/test_namespaces.py::test_every_answer_is_dated"),
    Lie(any_size_is_stored, "api/test_extremes.py::test_more_than_etcd_takes"),
    Lie(any_size_is_read, "api/test_extremes.py::test_more_than_the_server_reads"),
    Lie(a_watch_begins_wherever_it_is_told, "api/test_watches.py::test_a_watch_that_begins_too_early_says_so"),
    Lie(what_is_immutable_changes, "api/test_namespaces.py::test_immutable_is_for_good"),
    Lie(
        a_second_deletion_starts_anew,
        "api/test_namespaces.py::test_a_second_deletion_changes_nothing_and_edits_still_count",
    ),
    Lie(a_lease_goes_to_the_last, "api/test_namespaces.py::test_a_lease_is_won_by_one"),
    Lie(a_lease_rises_again, "api/test_leases.py::test_one_that_is_gone_is_not_written_back"),
    Lie(a_restart_is_no_new_generation, _KINDS + "test_a_deployment_is_restarted_by_a_strategic_patch"),
    Lie(history_lasts_for_ever, _LISTS + "test_after_a_compaction_lists_go_on_inconsistently"),
    Lie(writes_keep_the_version, _WRITES + "test_put_needs_the_latest_version"),
    Lie(a_write_that_changes_nothing_is_stored, _WRITES + "test_a_write_that_changes_nothing_is_not_stored"),
    Lie(every_write_is_a_new_generation, _WRITES + "test_put_moves_generation_only_with_content"),
    Lie(no_write_is_a_new_generation, _PATCHES + "test_a_resync_leaves_spec_as_it_was"),
    Lie(unknown_fields_are_kept, _WRITES + "test_create_drops_status_and_unknown_fields_and_nulls"),
    Lie(unknown_fields_are_never_refused, _WRITES + "test_strict_field_validation"),
    Lie(a_status_can_be_created, _WRITES + "test_create_drops_status_and_unknown_fields_and_nulls"),
    Lie(a_name_can_be_taken_twice, _WRITES + "test_create_twice_conflicts"),
    Lie(an_old_version_can_be_put, _WRITES + "test_put_needs_the_latest_version"),
    Lie(a_dry_run_is_stored, _WRITES + "test_dry_runs_compute_and_do_not_store"),
    Lie(the_main_endpoint_takes_a_status, _WRITES + "test_the_two_endpoints_ignore_each_others_half"),
    Lie(the_status_endpoint_takes_a_spec, _WRITES + "test_the_two_endpoints_ignore_each_others_half"),
    Lie(any_namespace_will_do, _WRITES + "test_create_needs_the_namespace"),
    Lie(a_terminating_namespace_is_open, _WRITES + "test_nothing_is_created_in_a_terminating_namespace"),
    Lie(clients_choose_times_and_generation, _WRITES + "test_create_fills_in_what_is_the_servers"),
    Lie(a_name_made_anew_is_the_old_object, _DELETION + "test_recreated_under_the_same_name_it_is_another"),
    Lie(nothing_is_validated, _WRITES + "test_validation_names_every_field"),
    Lie(immutable_fields_change, _PATCHES + "test_what_is_immutable_can_be_set_and_removed_but_not_changed"),
    Lie(finalizers_hold_nothing, _DELETION + "test_with_finalizers_it_is_marked"),
    Lie(the_last_finalizer_frees_nothing, _DELETION + "test_the_last_finalizer_takes_the_object_with_it"),
    Lie(a_living_object_dies_without_finalizers, _DELETION + "test_removing_the_finalizer_of_a_living_object_keeps_it"),
    Lie(a_terminating_object_takes_finalizers, _DELETION + "test_a_terminating_object_takes_edits_but_no_finalizers"),
    Lie(a_deletion_leaves_the_generation, _DELETION + "test_with_finalizers_it_is_marked"),
    Lie(preconditions_are_ignored, _DELETION + "test_preconditions"),
    Lie(a_failed_test_goes_on, _PATCHES + "test_an_operation_that_does_not_apply_changes_nothing"),
    Lie(a_failed_test_is_a_conflict, _PATCHES + "test_an_operation_that_does_not_apply_changes_nothing"),
    Lie(a_null_is_merged, _PATCHES + "test_merge_patch"),
    Lie(custom_resources_take_strategic_patches, _PATCHES + "test_custom_resources_know_no_other_patch"),
    Lie(labels_select_nothing, _LISTS + "test_label_selectors"),
    Lie(fields_select_nothing, _LISTS + "test_field_selectors"),
    Lie(selectors_are_never_wrong, _LISTS + "test_label_selectors_that_cannot_be_parsed"),
    Lie(lists_come_whole, _LISTS + "test_pages_show_one_moment"),
    Lie(pages_show_the_present, _LISTS + "test_pages_show_one_moment"),
    Lie(a_watch_tells_no_deletion, _WATCHES + "test_a_watch_tells_what_happened_since"),
    Lie(initial_events_have_no_end, _WATCHES + "test_a_list_as_a_watch"),
    Lie(everybody_may_do_everything, _ACCESS + "test_without_rights_nothing_is_said_of_what_is_there"),
    Lie(a_right_covers_subresources, _ACCESS + "test_a_subresource_is_a_right_of_its_own"),
    Lie(a_role_reaches_every_namespace, _ACCESS + "test_a_role_ends_at_its_namespace"),
    Lie(names_narrow_nothing, _ACCESS + "test_names_narrow_a_rule"),
    Lie(any_token_opens, _ACCESS + "test_a_wrong_token_opens_nothing"),
    Lie(a_token_lasts_for_ever, _ACCESS + "test_a_token_dies_with_its_account"),
    Lie(leases_take_any_time, _KINDS + "test_leases"),
    Lie(secrets_keep_their_text, _KINDS + "test_config_maps_and_secrets"),
    Lie(nobody_owns_a_field, _OWNERS + "test_the_story_of_a_resource"),
    Lie(fields_never_change_hands, _OWNERS + "test_a_changed_field_changes_hands"),
]
