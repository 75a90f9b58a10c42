"""Lies about the API server: each fact of `tests/contract/api`, reversed."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from remediator.sandbox.api import (
    builtin,
    declared,
    events,
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
from tests.sandbox.lies.lie import Lies

Patch = pytest.MonkeyPatch

LIES = Lies()
_WRITES = "api/test_writes.py::"
_PATCHES = "api/test_patches.py::"
_DELETION = "api/test_deletion.py::"
_LISTS = "api/test_lists.py::"
_WATCHES = "api/test_watches.py::"
_KINDS = "api/test_kinds.py::"
_ACCESS = "api/test_access.py::"
_EVENTS = "api/test_events.py::"
_OWNERS = "api/test_managed_fields.py::"


@LIES.told_against(_WRITES + "test_put_needs_the_latest_version")
def writes_keep_the_version(patch: Patch) -> None:
    """A write leaves resourceVersion as it was."""
    put = Store.put

    def kept(self: Store, shelf: str, obj: Any) -> Any:
        stored = put(self, shelf, obj)
        stored["metadata"]["resourceVersion"] = obj["metadata"].get("resourceVersion") or "7"
        return stored

    patch.setattr(Store, "put", kept)


@LIES.told_against(_WRITES + "test_a_write_that_changes_nothing_is_not_stored")
def a_write_that_changes_nothing_is_stored(patch: Patch) -> None:
    """A write that changes nothing moves resourceVersion."""
    patch.setattr(objects, "same", lambda new, old: False)


@LIES.told_against(_WRITES + "test_put_moves_generation_only_with_content")
def every_write_is_a_new_generation(patch: Patch) -> None:
    """Annotations and status bump the generation."""
    merged = Objects._merged

    def bumped(self: Objects, resource: Any, old: Any, wanted: Any) -> Any:
        return merged(self, dataclasses.replace(resource, bumps=resource.bumps and (lambda a, b: True)), old, wanted)

    patch.setattr(Objects, "_merged", bumped)


@LIES.told_against(_PATCHES + "test_a_resync_leaves_spec_as_it_was")
def no_write_is_a_new_generation(patch: Patch) -> None:
    """A change of the spec leaves the generation as it was."""
    merged = Objects._merged

    def still(self: Objects, resource: Any, old: Any, wanted: Any) -> Any:
        return merged(self, dataclasses.replace(resource, bumps=None), old, wanted)

    patch.setattr(Objects, "_merged", still)


@LIES.told_against(_WRITES + "test_create_drops_status_and_unknown_fields_and_nulls")
def unknown_fields_are_kept(patch: Patch) -> None:
    """Nothing is pruned."""
    child = schema.child_schema
    patch.setattr(schema, "child_schema", lambda shape, name: child(shape, name) or {schema.PRESERVE: True})


@LIES.told_against(_WRITES + "test_strict_field_validation")
def unknown_fields_are_never_refused(patch: Patch) -> None:
    """fieldValidation=Strict refuses nothing."""
    patch.setattr(schema, "unknown_fields", lambda obj, shape: [])


@LIES.told_against(_WRITES + "test_create_drops_status_and_unknown_fields_and_nulls")
def a_status_can_be_created(patch: Patch) -> None:
    """POST stores the status that came with it."""
    create = Objects.create

    def created(self: Objects, resource: Any, namespace: str, obj: Any, **options: Any) -> Any:
        return create(self, dataclasses.replace(resource, has_status=False), namespace, obj, **options)

    patch.setattr(Objects, "create", created)
    patch.setattr(builtin, "born", lambda obj, resource: obj)


@LIES.told_against(_WRITES + "test_create_twice_conflicts")
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


@LIES.told_against(_WRITES + "test_put_needs_the_latest_version")
def an_old_version_can_be_put(patch: Patch) -> None:
    """PUT wants no resourceVersion, and overwrites whatever came in between."""
    patch.setattr(Objects, "_expect_version", lambda self, resource, name, wanted, old: None)


@LIES.told_against(_WRITES + "test_dry_runs_compute_and_do_not_store")
def a_dry_run_is_stored(patch: Patch) -> None:
    """dryRun=All writes."""
    patch.setattr(messages, "dry_run", lambda *_: False)


@LIES.told_against(_WRITES + "test_the_two_endpoints_ignore_each_others_half")
def the_main_endpoint_takes_a_status(patch: Patch) -> None:
    """PUT of the object writes its status."""
    merged = Objects._merged

    def both(self: Objects, resource: Any, old: Any, wanted: Any) -> Any:
        return merged(self, dataclasses.replace(resource, has_status=False), old, wanted)

    patch.setattr(Objects, "_merged", both)


@LIES.told_against(_WRITES + "test_the_two_endpoints_ignore_each_others_half")
def the_status_endpoint_takes_a_spec(patch: Patch) -> None:
    """PUT of the status writes the spec."""
    patch.setattr(Objects, "_merged_status", lambda self, old, wanted: {**old, **wanted})


@LIES.told_against(_WRITES + "test_create_needs_the_namespace")
def any_namespace_will_do(patch: Patch) -> None:
    """Objects are created in namespaces that do not exist, and in those that are being terminated."""
    patch.setattr(Objects, "_expect_open", lambda self, resource, namespace, name: None)


@LIES.told_against(_WRITES + "test_nothing_is_created_in_a_terminating_namespace")
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


@LIES.told_against(_WRITES + "test_create_fills_in_what_is_the_servers")
def clients_choose_times_and_generation(patch: Patch) -> None:
    """creationTimestamp and generation are taken from the client."""
    born = metadata.born

    def chosen(obj: Any, *args: Any) -> Any:
        given = {key: obj["metadata"][key] for key in metadata.SERVER_OWNED if key in obj["metadata"]}
        return {**born(obj, *args), **given}

    patch.setattr(metadata, "born", chosen)


@LIES.told_against(_DELETION + "test_recreated_under_the_same_name_it_is_another")
def a_name_made_anew_is_the_old_object(patch: Patch) -> None:
    """An object of the same name has the same uid again."""
    born = metadata.born

    def same(obj: Any, *args: Any) -> Any:
        return {**born(obj, *args), "uid": "00000000-0000-0000-0000-000000000000"}

    patch.setattr(metadata, "born", same)


@LIES.told_against(_WRITES + "test_validation_names_every_field")
def nothing_is_validated(patch: Patch) -> None:
    """The schema's types, limits and patterns are not enforced."""
    patch.setattr(validate, "violations", lambda *_: [])


@LIES.told_against(_PATCHES + "test_what_is_immutable_can_be_set_and_removed_but_not_changed")
def immutable_fields_change(patch: Patch) -> None:
    """A transition rule of the schema is not enforced."""
    patch.setattr(rules, "unruly", lambda *_: [])


@LIES.told_against(_DELETION + "test_with_finalizers_it_is_marked")
def finalizers_hold_nothing(patch: Patch) -> None:
    """DELETE removes an object whatever finalizers it has."""
    held = Objects._held

    def free(self: Objects, resource: Any, old: Any, policy: Any) -> Any:
        return None if resource.custom else held(self, resource, old, policy)

    patch.setattr(Objects, "_held", free)


@LIES.told_against(_DELETION + "test_the_last_finalizer_takes_the_object_with_it")
def the_last_finalizer_frees_nothing(patch: Patch) -> None:
    """An object that is being deleted stays when its last finalizer goes."""
    patch.setattr(Objects, "_is_free", lambda self, resource, obj: False)


@LIES.told_against(_DELETION + "test_removing_the_finalizer_of_a_living_object_keeps_it")
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


@LIES.told_against(_DELETION + "test_a_terminating_object_takes_edits_but_no_finalizers")
def a_terminating_object_takes_finalizers(patch: Patch) -> None:
    """Finalizers can be added to what is being deleted."""
    patch.setattr(metadata, "update_faults", lambda new, old: iter(()))


@LIES.told_against(_DELETION + "test_with_finalizers_it_is_marked")
def a_deletion_leaves_the_generation(patch: Patch) -> None:
    """Marking an object as deleted does not bump its generation."""
    held = Objects._held

    def same(self: Objects, resource: Any, old: Any, policy: Any) -> Any:
        marked = held(self, resource, old, policy)
        if marked is not None and "generation" in old["metadata"]:
            marked["metadata"]["generation"] = old["metadata"]["generation"]
        return marked

    patch.setattr(Objects, "_held", same)


@LIES.told_against(_DELETION + "test_preconditions")
def preconditions_are_ignored(patch: Patch) -> None:
    """DELETE does not look at its preconditions."""
    patch.setattr(Objects, "_expect_preconditions", lambda self, resource, old, preconditions: None)


@LIES.told_against(_PATCHES + "test_an_operation_that_does_not_apply_changes_nothing")
def a_failed_test_goes_on(patch: Patch) -> None:
    """A `test` of a JSON patch that does not hold stops nothing."""
    patch.setattr(patches, "_test", lambda document, steps, expected: None)


@LIES.told_against(_PATCHES + "test_an_operation_that_does_not_apply_changes_nothing")
def a_failed_test_is_a_conflict(patch: Patch) -> None:
    """A failed `test` answers 409."""

    def conflict() -> ApiError:
        error = unpatchable()
        error.code = 409
        return error

    patch.setattr(patches, "unpatchable", conflict)


@LIES.told_against(_PATCHES + "test_merge_patch")
def a_null_is_merged(patch: Patch) -> None:
    """A null in a merge patch removes nothing."""

    def merged(target: Any, change: Any) -> Any:
        if not isinstance(change, dict):
            return change
        result = dict(target) if isinstance(target, dict) else {}
        result |= {key: merged(result.get(key), value) for key, value in change.items() if value is not None}
        return result

    patch.setattr(patches, "_merged", merged)


@LIES.told_against(_PATCHES + "test_custom_resources_know_no_other_patch")
def custom_resources_take_strategic_patches(patch: Patch) -> None:
    """Custom resources can be patched strategically."""
    patch.setattr(verbs, "_patch_kind", lambda request, resource: "application/strategic-merge-patch+json")


@LIES.told_against(_LISTS + "test_label_selectors")
def labels_select_nothing(patch: Patch) -> None:
    """labelSelector is ignored."""
    patch.setattr(listing, "label_matcher", lambda selector: lambda obj: True)


@LIES.told_against(_LISTS + "test_field_selectors")
def fields_select_nothing(patch: Patch) -> None:
    """fieldSelector is ignored."""
    patch.setattr(listing, "field_matcher", lambda selector, resource: lambda obj: True)


@LIES.told_against(_LISTS + "test_label_selectors_that_cannot_be_parsed")
def selectors_are_never_wrong(patch: Patch) -> None:
    """A selector that cannot be parsed selects everything."""
    matcher = selectors.label_matcher

    def lenient(selector: str) -> Any:
        try:
            return matcher(selector)
        except ApiError:
            return lambda obj: True

    patch.setattr(listing, "label_matcher", lenient)


@LIES.told_against(_LISTS + "test_pages_show_one_moment")
def lists_come_whole(patch: Patch) -> None:
    """limit is ignored."""
    number = listing.number
    patch.setattr(listing, "number", lambda query, name: 0 if name == "limit" else number(query, name))


@LIES.told_against(_LISTS + "test_pages_show_one_moment")
def pages_show_the_present(patch: Patch) -> None:
    """A continue token goes on in what is there now."""
    items = Store.items
    patch.setattr(Store, "items", lambda self, shelf, namespace, revision=None: items(self, shelf, namespace))


@LIES.told_against(_LISTS + "test_after_a_compaction_lists_go_on_inconsistently")
def history_lasts_for_ever(patch: Patch) -> None:
    """Compaction forgets nothing: continue tokens never expire."""
    patch.setattr(Store, "compact", lambda self: None)


@LIES.told_against(_WATCHES + "test_a_watch_tells_what_happened_since")
def a_watch_tells_no_deletion(patch: Patch) -> None:
    """A watch is silent when an object goes."""
    seen = watching._seen

    def silent(*args: Any) -> Iterator[Any]:
        return (event for event in seen(*args) if event[0] != "DELETED")

    patch.setattr(watching, "_seen", silent)


@LIES.told_against(_WATCHES + "test_a_list_as_a_watch")
def initial_events_have_no_end(patch: Patch) -> None:
    """A list as a watch sends no bookmark after the initial events."""
    patch.setattr(watching, "_bookmark", lambda resource, revision: {"kind": resource.kind, "metadata": {}})


@LIES.told_against(_ACCESS + "test_without_rights_nothing_is_said_of_what_is_there")
def everybody_may_do_everything(patch: Patch) -> None:
    """RBAC refuses nothing."""
    patch.setattr(rbac.Rbac, "decide", lambda self, user, asked: rbac.Verdict(True))


@LIES.told_against(_ACCESS + "test_a_subresource_is_a_right_of_its_own")
def a_right_covers_subresources(patch: Patch) -> None:
    """Who may patch functions may patch their status."""
    allows = rbac._allows
    patch.setattr(rbac, "_allows", lambda rule, asked: allows(rule, dataclasses.replace(asked, subresource="")))


@LIES.told_against(_ACCESS + "test_a_role_ends_at_its_namespace")
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


@LIES.told_against(_ACCESS + "test_a_wrong_token_opens_nothing")
def any_token_opens(patch: Patch) -> None:
    """A token that was never given is the admin's."""
    patch.setattr(users.Users, "of", lambda self, authorization: users.ADMIN)


@LIES.told_against(_ACCESS + "test_who_may_impersonate_an_account_is_asked_as_that_one")
def who_impersonates_keeps_the_own_rights(patch: Patch) -> None:
    """Whom a request is made as makes no difference."""
    patch.setattr(verbs.Api, "_acting", lambda self, user, name: user)


@LIES.told_against(_ACCESS + "test_a_token_is_a_bearers_in_any_case_of_the_word_and_nobodys_else")
def bearers_are_spelled_with_a_capital(patch: Patch) -> None:
    """A token counts only where `Bearer` is written so."""
    of = users.Users.of
    patch.setattr(users.Users, "of", lambda self, said: of(self, said if said.startswith("Bearer ") else ""))


@LIES.told_against(_ACCESS + "test_a_token_dies_with_its_account")
def a_token_lasts_for_ever(patch: Patch) -> None:
    """A token outlives its time and its account."""
    patch.setattr(users.Users, "_holds", lambda self, token: True)


@LIES.told_against(_ACCESS + "test_names_narrow_a_rule")
def names_narrow_nothing(patch: Patch) -> None:
    """resourceNames are ignored."""
    allows = rbac._allows
    patch.setattr(
        rbac,
        "_allows",
        lambda rule, asked: allows({k: v for k, v in rule.items() if k != "resourceNames"}, asked),
    )


@LIES.told_against(_KINDS + "test_leases")
def leases_take_any_time(patch: Patch) -> None:
    """A Lease takes a time without six fractional digits."""
    patch.setattr(declared, "bad_micro_time", lambda value: "")


@LIES.told_against(_OWNERS + "test_the_story_of_a_resource")
def nobody_owns_a_field(patch: Patch) -> None:
    """No managedFields are kept."""
    patch.setattr(objects, "tracked", lambda new, *_: new)


@LIES.told_against(_OWNERS + "test_a_changed_field_changes_hands")
def fields_never_change_hands(patch: Patch) -> None:
    """Who changes another's field does not come to own it."""
    compared = fields.compared

    def first_only(before: Any, *args: Any) -> Any:
        taken, removed = compared(before, *args)
        return (taken, removed) if not before or not before.get("spec") else (frozenset(), removed)

    patch.setattr(fields, "compared", first_only)


@LIES.told_against(_KINDS + "test_config_maps_and_secrets")
def secrets_keep_their_text(patch: Patch) -> None:
    """stringData is not folded into data."""
    patch.setattr(builtin, "inward", lambda obj, resource: obj)


@LIES.told_against("api/test_overload.py::test_one_user_is_told_to_come_back_later")
def nobody_is_told_when_to_come_back(patch: Patch) -> None:
    """A 429 has no Retry-After."""
    send = front._Handler.send_header

    def without(self: Any, keyword: str, value: str) -> None:
        if keyword != "Retry-After":
            send(self, keyword, value)

    patch.setattr(front._Handler, "send_header", without)


@LIES.told_against("api/test_overload.py::test_one_user_is_told_to_come_back_later")
def an_overload_is_everybodys(patch: Patch) -> None:
    """Who is over the limit takes the others' seats, too."""
    patch.setattr(Refusals, "expect_seat", _full)


def _full(self: Refusals, user: Any) -> None:
    if self._without_seat:
        raise overloaded()


@LIES.told_against("api/test_namespaces.py::test_every_answer_is_dated")
def answers_have_no_date(patch: Patch) -> None:
    """Answers do not tell the server's time."""
    patch.setattr(front._Handler, "date_time_string", lambda self, timestamp=None: "")


@LIES.told_against("api/test_extremes.py::test_more_than_etcd_takes")
def any_size_is_stored(patch: Patch) -> None:
    """An object of any size is stored."""
    patch.setattr(objects, "LARGEST", 1 << 40)


@LIES.told_against("api/test_extremes.py::test_more_than_the_server_reads")
def any_size_is_read(patch: Patch) -> None:
    """A request of any size is read."""
    patch.setattr(messages, "LARGEST", 1 << 40)


@LIES.told_against("api/test_watches.py::test_a_watch_that_begins_too_early_says_so")
def a_watch_begins_wherever_it_is_told(patch: Patch) -> None:
    """A watch from a version that is forgotten begins now."""

    def forgiving(self: Store, revision: int, shelf: str) -> list[Any]:
        return [change for change in self._changes if change.revision > revision and change.shelf == shelf]

    patch.setattr(Store, "changes_after", forgiving)


@LIES.told_against("api/test_namespaces.py::test_immutable_is_for_good")
def what_is_immutable_changes(patch: Patch) -> None:
    """An immutable ConfigMap or Secret takes changes."""
    patch.setattr(builtin, "faults", lambda *_: iter(()))


@LIES.told_against("api/test_namespaces.py::test_a_second_deletion_changes_nothing_and_edits_still_count")
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


@LIES.told_against("api/test_namespaces.py::test_a_lease_is_won_by_one")
def a_lease_goes_to_the_last(patch: Patch) -> None:
    """A Lease can be put with a version that is over."""
    patch.setattr(Objects, "_expect_version", lambda self, resource, name, wanted, old: None)


@LIES.told_against("api/test_leases.py::test_one_that_is_gone_is_not_written_back")
def a_lease_rises_again(patch: Patch) -> None:
    """A Lease that was deleted comes back with the next renewal."""
    patch.setattr(verbs, "_expect_uid", lambda *_: None)


@LIES.told_against(_KINDS + "test_a_deployment_is_restarted_by_a_strategic_patch")
def a_restart_is_no_new_generation(patch: Patch) -> None:
    """Annotating a Deployment's pod template leaves its generation as it was."""
    no_write_is_a_new_generation(patch)


@LIES.told_against(_EVENTS + "test_nothing_else_of_it_may_change")
def events_are_rewritten(patch: Patch) -> None:
    """An Event's note, and all else of it, can be changed."""
    patch.setattr(events, "_IMMUTABLE", ())


@LIES.told_against(_EVENTS + "test_texts_are_measured_in_bytes")
def notes_are_as_long_as_you_like(patch: Patch) -> None:
    """An Event takes a note of any length."""
    patch.setattr(events, "NOTE_LENGTH", 1 << 20)


@LIES.told_against(_EVENTS + "test_a_series_has_two_at_least_and_says_when")
def one_is_a_series(patch: Patch) -> None:
    """A series begins with one."""
    patch.setattr(events, "FEWEST_IN_SERIES", 1)


@LIES.told_against(_EVENTS + "test_what_it_must_not_be")
def events_are_about_nothing(patch: Patch) -> None:
    """An Event in any namespace may be about nothing."""
    incomplete = events._incomplete

    def content(event: Any) -> Iterator[Any]:
        return (each for each in incomplete(event) if each.field != "involvedObject.namespace")

    patch.setattr(events, "_incomplete", content)
