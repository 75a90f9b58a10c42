"""Lies about ACK's lambda-controller: each fact of `tests/contract/controller`, reversed."""

import copy
from typing import Any

import pytest

from remediator.sandbox.ack import conditions, function, lambda_client, manager, queue, reconcile, resource
from remediator.sandbox.ack.cluster import Cluster
from remediator.sandbox.ack.conditions import Conditions
from remediator.sandbox.ack.delta import delta
from remediator.sandbox.ack.errors import FunctionNotFound, LambdaError, PassFailed, RequeueAfter, TerminalState
from remediator.sandbox.ack.manager import Manager, Stopped
from remediator.sandbox.ack.queue import Queue
from remediator.sandbox.ack.reconcile import Reconciler
from tests.sandbox.lies.lie import Lies

Patch = pytest.MonkeyPatch

LIES = Lies()

_ADOPTION = "controller/test_adoption.py::"
_CHECKSUM = "controller/test_checksum.py::"
_CONDITIONS = "controller/test_conditions.py::"
_CREATION = "controller/test_creation.py::"
_DELETION = "controller/test_deletion.py::"
_IDENTITY = "controller/test_identity.py::"
_PENDING = "controller/test_pending.py::"
_READ_ONLY = "controller/test_read_only.py::"
_READS = "controller/test_reads.py::"
_REFERENCES = "controller/test_references.py::"
_RESTART = "controller/test_restart.py::"
_RETAIN = "controller/test_retain.py::"
_TERMINAL = "controller/test_terminal.py::"
_TRIGGERS = "controller/test_triggers.py::"
_UPDATES = "controller/test_updates.py::"
_WAITS = "controller/test_waits.py::"


# ---- what makes it look ----------------------------------------------------------------------------------------------


@LIES.told_against(_TRIGGERS + "test_neither_annotation_nor_label_makes_it_look")
def annotations_trigger(patch: Patch) -> None:
    """An annotation makes the controller look."""
    mark = queue._mark
    patch.setattr(queue, "_mark", lambda each: (mark(each), str(each["metadata"].get("annotations"))))


@LIES.told_against(_TRIGGERS + "test_neither_annotation_nor_label_makes_it_look")
def labels_trigger(patch: Patch) -> None:
    """A label makes the controller look."""
    mark = queue._mark
    patch.setattr(queue, "_mark", lambda each: (mark(each), str(each["metadata"].get("labels"))))


@LIES.told_against(_TRIGGERS + "test_neither_finalizer_nor_owner_nor_status_makes_it_look")
def finalizers_trigger(patch: Patch) -> None:
    """A change of finalizers makes the controller look."""
    mark = queue._mark
    patch.setattr(queue, "_mark", lambda each: (mark(each), str(each["metadata"].get("finalizers"))))


@LIES.told_against(_TRIGGERS + "test_neither_finalizer_nor_owner_nor_status_makes_it_look")
def a_status_edit_triggers(patch: Patch) -> None:
    """A change of the status makes the controller look."""
    mark = queue._mark
    patch.setattr(queue, "_mark", lambda each: (mark(each), each.get("status", {}).get("stateReason")))


@LIES.told_against(_TRIGGERS + "test_toggling_publish_makes_it_look_and_changes_nothing")
def the_generation_triggers_nothing(patch: Patch) -> None:
    """A change of the spec does not make the controller look."""
    patch.setattr(queue, "_mark", lambda each: (each["metadata"].get("uid", ""), 0))


@LIES.told_against(_TRIGGERS + "test_an_object_made_anew_under_its_old_name_is_looked_at")
def the_name_is_the_object(patch: Patch) -> None:
    """An object made anew under its old name is taken for the old one."""
    patch.setattr(queue, "_mark", lambda each: ("", each["metadata"].get("generation", 0)))
    patch.setattr(Queue, "_gone", lambda self, key, now: None)


@LIES.told_against(_TRIGGERS + "test_a_healthy_object_is_left_alone")
def it_never_rests(patch: Patch) -> None:
    """A synced object is looked at again every few seconds."""
    patch.setattr(reconcile, "RESYNC_SECONDS", 2.0)


@LIES.told_against(_RESTART + "test_a_restart_looks_at_everything")
def a_restart_looks_at_nothing(patch: Patch) -> None:
    """What is there when the controller starts is taken for done."""

    def listed(self: Queue, resources: Any, now: float) -> None:
        for each in resources:
            self._seen[queue._key(each)] = queue._mark(each)

    patch.setattr(Queue, "listed", listed)


# ---- when it looks again by itself -----------------------------------------------------------------------------------


@LIES.told_against(_WAITS + "test_errors_back_off_and_an_edit_is_past_it")
def errors_do_not_back_off(patch: Patch) -> None:
    """A failed pass is tried again after 5 ms, for ever."""
    patch.setattr(Queue, "failed", lambda self, key, now: self._defer(key, now + 0.005))


@LIES.told_against(_WAITS + "test_errors_back_off_and_an_edit_is_past_it")
def errors_are_never_retried(patch: Patch) -> None:
    """A failed pass is not tried again."""
    patch.setattr(Queue, "failed", lambda self, key, now: None)


@LIES.told_against(_WAITS + "test_errors_back_off_and_an_edit_is_past_it")
def an_edit_waits_for_the_back_off(patch: Patch) -> None:
    """A changed spec does not bypass the back-off."""
    changed = Queue.changed

    def waiting(self: Queue, each: Any, now: float) -> None:
        key = queue._key(each)
        if key in self._failures:
            self._seen[key] = queue._mark(each)
        else:
            changed(self, each, now)

    patch.setattr(Queue, "changed", waiting)


@LIES.told_against(_WAITS + "test_errors_back_off_and_an_edit_is_past_it")
def an_edit_forgets_the_failures(patch: Patch) -> None:
    """A changed spec starts the back-off anew."""
    changed = Queue.changed

    def forgiving(self: Queue, each: Any, now: float) -> None:
        if self._seen.get(queue._key(each)) != queue._mark(each):
            self._failures.pop(queue._key(each), None)
        changed(self, each, now)

    patch.setattr(Queue, "changed", forgiving)


@LIES.told_against(_WAITS + "test_each_trouble_has_a_wait_of_its_own")
def pending_waits_half_a_minute(patch: Patch) -> None:
    """A change that waits for Pending is tried every 30 s."""
    patch.setattr(manager, "_PENDING_SECONDS", 30.0)


@LIES.told_against(_WAITS + "test_each_trouble_has_a_wait_of_its_own")
def pending_is_tried_at_once(patch: Patch) -> None:
    """A change that waits for Pending is tried every second."""
    patch.setattr(manager, "_PENDING_SECONDS", 1.0)


@LIES.told_against(_WAITS + "test_each_trouble_has_a_wait_of_its_own")
def deleting_is_tried_at_once(patch: Patch) -> None:
    """A function that is Deleting is looked at every second."""
    patch.setattr(manager, "_DELETING_SECONDS", 1.0)


@LIES.told_against(_WAITS + "test_each_trouble_has_a_wait_of_its_own")
def not_synced_is_looked_at_at_once(patch: Patch) -> None:
    """An object that is not synced is looked at every 5 s."""
    patch.setattr(reconcile, "_OUT_OF_SYNC_SECONDS", 5.0)


@LIES.told_against(_WAITS + "test_each_trouble_has_a_wait_of_its_own")
def a_missing_image_is_tried_at_once(patch: Patch) -> None:
    """A missing image is tried every 5 s."""
    patch.setattr(manager, "_NO_IMAGE_SECONDS", 5.0)


@LIES.told_against(_TERMINAL + "test_terminal_is_never_looked_at_again_until_the_spec_changes")
def terminal_is_retried(patch: Patch) -> None:
    """A Terminal object is looked at again by itself."""
    sync = Reconciler._sync

    def again(self: Reconciler, *args: Any) -> float | None:
        seconds = sync(self, *args)
        return 2.0 if seconds is None else seconds

    patch.setattr(Reconciler, "_sync", again)


# ---- conditions ------------------------------------------------------------------------------------------------------


@LIES.told_against(_TRIGGERS + "test_every_pass_moves_every_heartbeat")
def a_heartbeat_marks_changes_only(patch: Patch) -> None:
    """lastTransitionTime moves only when the status of a condition changes."""
    patch.setattr(Conditions, "clear", lambda self: None)
    replace = Conditions._replace

    def kept(self: Conditions, kind: str, status: str, at: Any, message: Any, reason: Any) -> None:
        old = self.find(kind)
        same = old is not None and old["status"] == status
        replace(self, kind, status, old.get("lastTransitionTime") if old and same else at, message, reason)

    patch.setattr(Conditions, "_replace", kept)


@LIES.told_against(_CONDITIONS + "test_an_error_is_recoverable_and_leaves_unknown_whether_it_is_synced")
def recoverable_has_a_time(patch: Patch) -> None:
    """ACK.Recoverable carries lastTransitionTime."""
    patch.setattr(
        Conditions,
        "recoverable",
        lambda self, message: self.set(conditions.RECOVERABLE, "True", message) if message is not None else None,
    )


@LIES.told_against(_CONDITIONS + "test_an_error_is_recoverable_and_leaves_unknown_whether_it_is_synced")
def an_error_is_not_synced(patch: Patch) -> None:
    """After an error ResourceSynced is False, not Unknown."""
    close = Conditions.close

    def false(self: Conditions, error: Any) -> None:
        close(self, error)
        synced = self.find(conditions.SYNCED)
        if synced and synced["status"] == "Unknown":
            synced["status"] = "False"

    patch.setattr(Conditions, "close", false)


@LIES.told_against(_CONDITIONS + "test_an_error_is_recoverable_and_leaves_unknown_whether_it_is_synced")
def errors_are_terminal(patch: Patch) -> None:
    """An error of AWS's is Terminal."""
    stopped = Manager._stopped

    def terminal(self: Manager, each: Any, error: Any) -> Stopped:
        made = stopped(self, each, error)
        if isinstance(error, LambdaError) and made.latest is not None:
            Conditions(made.latest, self._now()).terminal(error.summary)
            return Stopped(TerminalState(), made.latest)
        return made

    patch.setattr(Manager, "_stopped", terminal)


@LIES.told_against(_CONDITIONS + "test_an_error_that_is_over_leaves_no_trace")
def an_error_outlives_its_cause(patch: Patch) -> None:
    """ACK.Recoverable stays after a pass that ended well."""
    patch.setattr(Conditions, "clear", lambda self: None)


@LIES.told_against(_CONDITIONS + "test_states_decide_what_is_synced_and_updates_do_not")
def a_failed_update_is_not_synced(patch: Patch) -> None:
    """LastUpdateStatus=Failed shows as Synced=False."""
    close = Conditions.close

    def considered(self: Conditions, error: Any) -> None:
        state = self._status.get("state")
        if self._status.get("lastUpdateStatus") == "Failed":
            self._status["state"] = "Failed"
        close(self, error)
        if state is not None:
            self._status["state"] = state

    patch.setattr(Conditions, "close", considered)


@LIES.told_against(_CONDITIONS + "test_states_decide_what_is_synced_and_updates_do_not")
def inactive_is_not_synced(patch: Patch) -> None:
    """State Inactive shows as Synced=False."""
    patch.setattr(conditions, "_SYNCED_STATES", ("Active",))


@LIES.told_against(_CONDITIONS + "test_states_decide_what_is_synced_and_updates_do_not")
def failed_is_synced(patch: Patch) -> None:
    """State Failed shows as Synced=True."""
    patch.setattr(conditions, "_SYNCED_STATES", ("Active", "Inactive", "Failed"))


@LIES.told_against(_CONDITIONS + "test_the_reason_of_an_error_is_another_at_each_try")
def reasons_have_no_request_id(patch: Patch) -> None:
    """The reason of an error is the same at each try."""
    refused = lambda_client.LambdaClient._refused

    def same(self: Any, client: Any, service: str, operation: str, error: Any, exceeded: str) -> LambdaError:
        error.response["ResponseMetadata"]["RequestId"] = "0"
        return refused(self, client, service, operation, error, exceeded)

    patch.setattr(lambda_client.LambdaClient, "_refused", same)


@LIES.told_against(_UPDATES + "test_an_accepted_update_goes_on_looking_unfinished")
def it_follows_an_update(patch: Patch) -> None:
    """After an accepted update it looks again until AWS is done."""
    sync = Reconciler._sync

    def following(self: Reconciler, the_manager: Any, desired: Any) -> float | None:
        seconds = sync(self, the_manager, desired)
        current = self._cluster.get(desired["metadata"]["namespace"], desired["metadata"]["name"]) or {}
        return 0.5 if current.get("status", {}).get("lastUpdateStatus") == "InProgress" else seconds

    patch.setattr(Reconciler, "_sync", following)


# ---- updates ---------------------------------------------------------------------------------------------------------


@LIES.told_against(_PENDING + "test_pending_with_a_change_waiting_is_unknown_until_active")
def pending_takes_changes(patch: Patch) -> None:
    """A change is sent to AWS while the function is Pending."""
    update = Manager.update

    def regardless(self: Manager, desired: Any, latest: Any, different: Any) -> Any:
        return update(self, desired, {**latest, "status": {**latest["status"], "state": "Active"}}, different)

    patch.setattr(Manager, "update", regardless)


@LIES.told_against(_PENDING + "test_pending_without_a_change_is_not_synced_and_says_no_more")
def pending_is_always_an_error(patch: Patch) -> None:
    """Pending is Recoverable though nothing is to be changed."""
    synced = Reconciler._synced

    def strict(self: Reconciler, the_manager: Any, desired: Any) -> Any:
        latest = synced(self, the_manager, desired)
        if latest["status"].get("state") == "Pending":
            raise the_manager._stopped(latest, RequeueAfter(manager.PENDING, 5.0))
        return latest

    patch.setattr(Reconciler, "_synced", strict)


@LIES.told_against(_UPDATES + "test_a_change_during_an_update_is_refused_and_tried_again")
def a_conflict_is_waited_for_in_silence(patch: Patch) -> None:
    """A 409 is not shown: the controller waits for the update to end."""
    call = lambda_client.LambdaClient.call

    def patient(self: Any, operation: str, **parameters: Any) -> Any:
        try:
            return call(self, operation, **parameters)
        except LambdaError as error:
            if error.code == "ResourceConflictException":
                return {}
            raise

    patch.setattr(lambda_client.LambdaClient, "call", patient)


@LIES.told_against(_UPDATES + "test_of_code_and_configuration_in_one_edit_only_the_code_is_applied")
def configuration_goes_with_the_code(patch: Patch) -> None:
    """Code and configuration of one edit are both applied."""
    update = Manager.update

    def both(self: Manager, desired: Any, latest: Any, different: frozenset[str]) -> Any:
        code = frozenset(each for each in different if each.startswith("code") or each == "architectures")
        if code and different - code:
            update(self, desired, latest, different - code)
        return update(self, desired, latest, code or different)

    patch.setattr(Manager, "update", both)


@LIES.told_against(_CHECKSUM + "test_a_hex_checksum_eats_a_change_of_the_environment")
def a_hex_checksum_is_understood(patch: Patch) -> None:
    """A checksum in hex is never compared."""
    patch.setattr("remediator.sandbox.ack.delta._checksum_differs", lambda *_: False)


@LIES.told_against(_CHECKSUM + "test_without_a_package_type_no_checksum_is_compared")
def a_checksum_counts_for_every_package(patch: Patch) -> None:
    """A checksum is compared whatever packageType says."""
    patch.setattr(
        "remediator.sandbox.ack.delta._checksum_differs",
        lambda want, code, status: code.get("sha256") not in (None, status.get("codeSHA256")),
    )


@LIES.told_against(_UPDATES + "test_a_new_place_of_the_code_alone_is_not_noticed")
def a_new_place_of_the_code_is_noticed(patch: Patch) -> None:
    """Another key in S3 updates the code."""
    known: dict[str, Any] = {}

    def differs(desired: Any, latest: Any) -> frozenset[str]:
        name, place = desired["spec"].get("name"), str((desired["spec"].get("code") or {}).get("s3Key"))
        moved = known.setdefault(name, place) != place
        known[name] = place
        return delta(desired, latest) | (frozenset({"code.imageURI"}) if moved else frozenset())

    patch.setattr(reconcile, "delta", differs)


@LIES.told_against(_UPDATES + "test_drift_is_unseen_and_reverted_at_the_next_look")
def drift_is_left_alone(patch: Patch) -> None:
    """What was changed in AWS behind the controller stays."""
    patch.setattr(reconcile, "delta", lambda desired, latest: frozenset())


@LIES.told_against(_UPDATES + "test_a_function_deleted_behind_it_is_created_again_at_the_next_look")
def a_lost_function_stays_lost(patch: Patch) -> None:
    """A function that was deleted in AWS is not created again."""
    create = Reconciler._create

    def once(self: Reconciler, the_manager: Any, wanted: Any) -> Any:
        if resource.is_managed(wanted):
            raise Stopped(PassFailed("gone"), None)
        return create(self, the_manager, wanted)

    patch.setattr(Reconciler, "_create", once)


@LIES.told_against(_READS + "test_throttling_is_borne_three_times_in_a_pass")
def throttling_is_told_at_once(patch: Patch) -> None:
    """A throttled call is not tried again within the pass."""
    patch.setattr(lambda_client, "_ATTEMPTS", 1)


@LIES.told_against(_READS + "test_one_that_is_denied_is_not_asked_again_in_a_pass")
def denied_calls_are_tried_again(patch: Patch) -> None:
    """A denied call is tried again within the pass."""
    patch.setattr(lambda_client, "_retryable", lambda error: True)


@LIES.told_against(_READS + "test_a_read_that_is_denied_fails_the_pass")
def some_reads_may_fail(patch: Patch) -> None:
    """A read that is denied is as good as an empty answer."""
    call = lambda_client.LambdaClient.call

    def lenient(self: Any, operation: str, **parameters: Any) -> Any:
        try:
            return call(self, operation, **parameters)
        except LambdaError:
            if operation.startswith("GetFunction") and operation != "GetFunction":
                return {}
            raise

    patch.setattr(lambda_client.LambdaClient, "call", lenient)


@LIES.told_against(_READS + "test_a_partial_event_invoke_config_breaks_every_pass_in_silence")
def a_partial_event_config_is_understood(patch: Patch) -> None:
    """A partial FunctionEventInvokeConfig breaks nothing."""
    patch.setattr(function, "event_invoke_spec", lambda answer: {})


# ---- creation, references, terminal ----------------------------------------------------------------------------------


@LIES.told_against(_CREATION + "test_a_refused_create_is_tried_again_and_leaves_no_finalizer")
def a_refused_create_keeps_the_finalizer(patch: Patch) -> None:
    """A create that AWS refuses leaves ACK's finalizer on the object."""
    patch.setattr("remediator.sandbox.ack.reconcile.cr.without_finalizer", copy.deepcopy)


@LIES.told_against(_CREATION + "test_it_holds_the_object_and_writes_defaults_back")
def defaults_stay_away(patch: Patch) -> None:
    """AWS's defaults are not written back into the spec."""
    patch.setattr(Reconciler, "_save", _status_only(Reconciler._save))


def _status_only(save: Any) -> Any:
    def metadata_only(self: Reconciler, before: Any, after: Any) -> None:
        save(self, before, {**after, "spec": before["spec"]})

    return metadata_only


@LIES.told_against(_CREATION + "test_its_own_tags_stay_out_of_the_spec")
def its_tags_show(patch: Patch) -> None:
    """The controller's own tags are written into the spec."""
    patch_of = resource.metadata_and_spec_patch
    hidden = resource.without_system_tags

    def showing(before: Any, after: Any) -> Any:
        return resource.merge_patch({"spec": hidden(before)["spec"]}, {"spec": after["spec"]}) or patch_of(
            before, after
        )

    patch.setattr(resource, "metadata_and_spec_patch", showing)


@LIES.told_against(_REFERENCES + "test_an_unresolved_reference_is_all_that_shows")
def an_unresolved_reference_is_recoverable(patch: Patch) -> None:
    """A reference that cannot be resolved shows as ACK.Recoverable and ResourceSynced."""
    sync = Reconciler._sync

    def told(self: Reconciler, the_manager: Any, desired: Any) -> Any:
        if reason := reconcile._unresolved_reference(desired):
            latest = copy.deepcopy(desired)
            made = Conditions(latest, self._now())
            made.recoverable(reason)
            made.close(PassFailed(reason))
            self._save_status(desired, latest)
            raise PassFailed(reason)
        return sync(self, the_manager, desired)

    patch.setattr(Reconciler, "_sync", told)


@LIES.told_against(_REFERENCES + "test_an_object_with_an_unresolved_reference_deletes_at_once")
def references_are_guessed(patch: Patch) -> None:
    """An object with an unresolved reference is held by the finalizer."""
    patch.setattr(reconcile, "_unresolved_reference", lambda each: None)


@LIES.told_against(_TERMINAL + "test_an_existing_function_is_terminal")
def what_exists_is_adopted(patch: Patch) -> None:
    """An existing function of that name is taken over."""
    patch.setattr("remediator.sandbox.ack.reconcile.cr.is_managed", lambda each: True)


@LIES.told_against(_ADOPTION + "test_adopt_takes_a_function_over_as_it_is")
def adopting_makes_it_match(patch: Patch) -> None:
    """With `adopt`, too, the function is made to match the object."""
    adoption = resource.adoption
    patch.setattr(resource, "adoption", lambda each: adoption(each) and resource.ADOPT_OR_CREATE)


@LIES.told_against(_ADOPTION + "test_adopt_or_create_makes_the_function_match_the_object")
def what_is_adopted_stays_as_it_is(patch: Patch) -> None:
    """With `adopt-or-create`, too, what AWS has goes into the object."""
    adoption = resource.adoption
    patch.setattr(resource, "adoption", lambda each: adoption(each) and resource.ADOPT)


@LIES.told_against(_ADOPTION + "test_adopt_creates_nothing_and_says_nothing")
def what_is_to_be_adopted_is_created(patch: Patch) -> None:
    """Where there is no function to adopt it is created."""
    patch.setattr(resource, "adoption", lambda each: "")


# ---- deletion --------------------------------------------------------------------------------------------------------


@LIES.told_against(_DELETION + "test_deleting_takes_two_looks")
def a_deletion_ends_at_once(patch: Patch) -> None:
    """The finalizer goes right after DeleteFunction was accepted."""
    patch.setattr(manager, "_DELETING_SECONDS", 0.0)
    delete = Reconciler._delete

    def quick(self: Reconciler, the_manager: Any, desired: Any, place: Any) -> Any:
        try:
            return delete(self, the_manager, desired, place)
        except RequeueAfter:
            self._save(desired, resource.without_finalizer(desired))
            return None

    patch.setattr(Reconciler, "_delete", quick)


@LIES.told_against(_DELETION + "test_a_refused_deletion_says_so_under_conditions_of_before")
def a_refused_deletion_lets_go(patch: Patch) -> None:
    """A deletion that AWS refuses drops the finalizer."""
    delete = Reconciler._delete

    def careless(self: Reconciler, the_manager: Any, desired: Any, place: Any) -> Any:
        try:
            return delete(self, the_manager, desired, place)
        except LambdaError:
            self._save(desired, resource.without_finalizer(desired))
            return None

    patch.setattr(Reconciler, "_delete", careless)


@LIES.told_against(_DELETION + "test_a_refused_deletion_says_so_under_conditions_of_before")
def a_deletion_moves_the_heartbeat(patch: Patch) -> None:
    """Conditions are reset while an object is being deleted."""
    delete = Manager.delete

    def beating(self: Manager, each: Any) -> None:
        try:
            delete(self, each)
        except Stopped as stopped:
            assert stopped.latest is not None
            made = Conditions(stopped.latest, self._now())
            made.clear()
            made.recoverable(stopped.error.summary)
            made.close(stopped.error)
            raise

    patch.setattr(Manager, "delete", beating)


@LIES.told_against(_DELETION + "test_a_deletion_that_may_not_read_writes_nothing")
def a_deletion_says_what_it_may_not_read(patch: Patch) -> None:
    """A read that fails while deleting is written into the conditions."""
    delete = Reconciler._delete

    def loud(self: Reconciler, the_manager: Any, desired: Any, place: Any) -> Any:
        try:
            return delete(self, the_manager, desired, place)
        except LambdaError as error:
            latest = copy.deepcopy(desired)
            Conditions(latest, self._now()).recoverable(error.summary)
            self._save_status(desired, latest)
            raise

    patch.setattr(Reconciler, "_delete", loud)


@LIES.told_against(_DELETION + "test_a_function_that_is_gone_lets_its_object_go_at_the_next_look")
def not_found_while_deleting_is_an_error(patch: Patch) -> None:
    """A function that is gone does not free its object."""
    read = Manager.read

    def strict(self: Manager, each: Any) -> Any:
        try:
            return read(self, each)
        except Stopped as stopped:
            if isinstance(stopped.error, FunctionNotFound) and resource.is_being_deleted(each):
                raise Stopped(PassFailed("not found"), stopped.latest) from stopped
            raise

    patch.setattr(Manager, "read", strict)


@LIES.told_against(_DELETION + "test_a_new_name_while_deleting_orphans_the_function")
def a_deletion_goes_by_arn(patch: Patch) -> None:
    """While deleting the function is asked for by its ARN, whatever spec.name says now."""
    delete = Reconciler._delete

    def by_arn(self: Reconciler, the_manager: Any, desired: Any, place: Any) -> Any:
        name = desired["status"]["ackResourceMetadata"]["arn"].split(":")[-1]
        return delete(self, the_manager, {**desired, "spec": {**desired["spec"], "name": name}}, place)

    patch.setattr(Reconciler, "_delete", by_arn)


@LIES.told_against(_DELETION + "test_finalizers_of_others_stay_and_are_none_of_its_business")
def finalizers_of_others_go_too(patch: Patch) -> None:
    """Letting go removes every finalizer."""

    def bare(each: Any) -> Any:
        freed = copy.deepcopy(each)
        freed["metadata"]["finalizers"] = []
        return freed

    patch.setattr("remediator.sandbox.ack.reconcile.cr.without_finalizer", bare)


@LIES.told_against(_RETAIN + "test_retain_takes_effect_at_the_next_look_and_leaves_the_function")
def retain_is_ignored(patch: Patch) -> None:
    """deletion-policy=retain deletes the function all the same."""
    patch.setattr(resource, "DELETION_POLICY", "no-such-annotation")
    patch.setattr(resource, "NAMESPACE_DELETION_POLICY", "no-such-annotation")


@LIES.told_against(_RETAIN + "test_a_namespace_can_retain")
def a_namespace_cannot_retain(patch: Patch) -> None:
    """The deletion policy of a namespace is not looked at."""
    patch.setattr(resource, "NAMESPACE_DELETION_POLICY", "no-such-annotation")


@LIES.told_against(_READ_ONLY + "test_a_read_only_object_goes_and_its_function_stays")
def read_only_is_deleted(patch: Patch) -> None:
    """A read-only object takes its function with it."""
    delete = Reconciler._delete

    def regardless(self: Reconciler, the_manager: Any, desired: Any, place: Any) -> Any:
        metadata = {**desired["metadata"], "annotations": {}}
        return delete(self, the_manager, {**desired, "metadata": metadata}, place)

    patch.setattr(Reconciler, "_delete", regardless)


@LIES.told_against(_READ_ONLY + "test_read_only_is_read_and_never_written")
def read_only_is_written(patch: Patch) -> None:
    """A read-only object is created and updated like any other."""
    patch.setattr(resource, "is_read_only", lambda each: False)


# ---- identity --------------------------------------------------------------------------------------------------------


@LIES.told_against(_IDENTITY + "test_in_another_region_not_even_a_deletion_is_looked_at_retain_or_not")
def a_region_may_change(patch: Patch) -> None:
    """A changed region annotation is followed."""
    patch.setattr(Reconciler, "_check_identity", lambda self, desired, place: None)


@LIES.told_against(_IDENTITY + "test_a_changed_region_is_refused_in_silence")
def a_changed_region_is_told(patch: Patch) -> None:
    """A changed region shows in the conditions."""
    check = Reconciler._check_identity

    def loud(self: Reconciler, desired: Any, place: Any) -> None:
        try:
            check(self, desired, place)
        except PassFailed as error:
            latest = copy.deepcopy(desired)
            Conditions(latest, self._now()).recoverable(error.text)
            self._save_status(desired, latest)
            raise

    patch.setattr(Reconciler, "_check_identity", loud)


@LIES.told_against(_IDENTITY + "test_a_namespace_chooses_it_for_all_in_it")
def a_namespace_chooses_no_region(patch: Patch) -> None:
    """default-region of a namespace is not looked at."""
    patch.setattr(resource, "NAMESPACE_REGION", "no-such-annotation")


@LIES.told_against(_IDENTITY + "test_an_account_without_a_role_is_told_over_conditions_of_before")
def any_account_will_do(patch: Patch) -> None:
    """An account without a role is asked all the same."""
    patch.setattr(Cluster, "account_map", lambda self: {"210987654321": "arn:aws:iam::210987654321:role/any"})
