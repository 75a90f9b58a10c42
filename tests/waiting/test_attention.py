"""Whether conditions are of now: every way in which a change and a pass can follow each other."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from remediator.model.applied import changed_at
from remediator.waiting.attention import Attention, Looked, attention, passed_at
from tests.builders import NOW, Json, at, decoded, deleting, failing, function, synced
from tests.waiting.writes import ACK, USER, owned, passed, wrote

_NOTHING = timedelta(0)


def paid(*entries: Json, watched: timedelta = _NOTHING, now: datetime = NOW, **more: Any) -> Attention:
    return attention(owned(*entries, **more), now, watched)


@pytest.mark.parametrize(
    ("change", "last_pass", "looked"),
    [(60, 59, Looked.SINCE), (60, 60, Looked.SAME), (60, 61, Looked.BEFORE), (0, 0, Looked.SAME)],
)
def test_the_last_pass_is_held_against_the_last_change(change: float, last_pass: float, looked: Looked) -> None:
    assert paid(wrote(USER, change, "spec"), passed(last_pass)).looked is looked


def test_an_object_without_conditions_was_never_looked_at() -> None:
    """Whoever wrote to its status: without conditions it was no pass."""
    seen = paid(wrote(USER, 5, "spec"), passed(1), conditions=[])
    assert (seen.looked, seen.passed, seen.vouches, seen.condemns) == (Looked.NEVER, None, False, False)


def test_what_ack_writes_back_is_no_change() -> None:
    seen = paid(wrote(USER, 60, "spec"), wrote(ACK, 5, "spec"), passed(30))
    assert seen.looked is Looked.SINCE


def test_what_the_remediator_toggled_is_no_change() -> None:
    seen = paid(wrote(USER, 60, "spec"), wrote("ack-remediator", 5, "spec"), passed(30))
    assert seen.looked is Looked.SINCE


def test_an_annotation_of_somebody_else_is_no_change() -> None:
    seen = paid(wrote(USER, 60, "spec", "metadata"), wrote("kubectl-annotate", 5, "metadata"), passed(30))
    assert seen.looked is Looked.SINCE


def test_an_annotation_of_who_wrote_the_spec_may_be_a_change() -> None:
    assert paid(wrote(USER, 5, "spec", "metadata"), passed(30)).looked is Looked.BEFORE


def test_of_several_who_wrote_to_the_spec_the_last_one_counts() -> None:
    seen = paid(wrote(USER, 60, "spec"), wrote("argocd-controller", 20, "spec"), passed(30))
    assert (seen.looked, seen.changed) == (Looked.BEFORE, NOW - timedelta(seconds=20))


def test_who_wrote_what_counts_only_where_it_is_known() -> None:
    """A list leaves the fields out: then every writer may have written to the spec."""
    raw = function(metadata={"managedFields": [wrote(USER, 60, "spec"), wrote("kubectl-annotate", 5, "metadata")]})
    assert changed_at(decoded(raw)) == NOW - timedelta(seconds=5)


def test_a_write_to_another_subresource_is_neither_change_nor_pass() -> None:
    seen = paid(wrote(USER, 60, "spec"), wrote(USER, 2, "spec", subresource="scale"), passed(30))
    assert seen.looked is Looked.SINCE
    assert passed_at(owned(wrote(USER, 2, "spec", subresource="scale"), conditions=synced(at(hours=1)))) == (
        NOW - timedelta(hours=1)
    )


def test_the_pass_is_told_by_the_clock_that_tells_the_change() -> None:
    """The controller's own clock, which the heartbeat is of, can be hours off."""
    seen = paid(wrote(USER, 60, "spec"), passed(30), conditions=synced(at(hours=-5)))
    assert seen.passed == NOW - timedelta(seconds=30)


def test_a_pass_that_wrote_no_heartbeat_is_one() -> None:
    unresolved = [{"type": "ACK.ReferencesResolved", "status": "Unknown", "reason": "no such role"}]
    assert paid(wrote(USER, 60, "spec"), passed(30), conditions=unresolved).looked is Looked.SINCE


def test_without_managed_fields_the_heartbeat_and_the_creation_tell() -> None:
    assert paid(conditions=synced(at(minutes=1))).looked is Looked.SINCE
    young = paid(metadata={"creationTimestamp": at(seconds=30)}, conditions=synced(at(minutes=1)))
    assert young.looked is Looked.BEFORE


def test_where_nothing_tells_of_a_change_conditions_are_of_now() -> None:
    bare = decoded(function(metadata={"creationTimestamp": None}))
    seen = attention(bare, NOW, timedelta(seconds=7))
    assert (seen.looked, seen.changed, seen.quiet) == (Looked.SINCE, None, timedelta(seconds=7))


def test_times_in_a_strange_form_tell_nothing() -> None:
    strange = [each | {"time": "yesterday"} for each in (wrote(USER, 5, "spec"), passed(5))]
    seen = paid(*strange, conditions=synced(at(minutes=1)))
    assert (seen.looked, seen.passed) == (Looked.SINCE, NOW - timedelta(minutes=1))


def test_of_what_is_being_deleted_the_deletion_is_the_change() -> None:
    refused = deleting(
        hours=1, conditions=failing("AccessDeniedException: no"), metadata={"managedFields": [passed(5)]}
    )
    assert attention(decoded(refused), NOW, _NOTHING).looked is Looked.SINCE
    silent = deleting(hours=1, metadata={"managedFields": [wrote(USER, 9000, "spec"), passed(7200)]})
    assert attention(decoded(silent), NOW, _NOTHING).looked is Looked.BEFORE


def test_a_deletion_of_what_was_never_looked_at_is_judged_after_a_while() -> None:
    seen = attention(decoded(deleting(hours=1, conditions=[])), NOW, _NOTHING)
    assert (seen.looked, seen.condemns) == (Looked.BEFORE, True)


# -- how long until conditions count ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last_pass", "quiet", "vouches", "condemns"),
    [
        ("since", 0.0, True, False),
        ("since", 2.9, True, False),
        ("since", 3.0, True, True),
        ("same", 0.9, False, False),
        ("same", 1.0, True, False),
        ("same", 9.9, True, False),
        ("same", 10.0, True, True),
        ("before", 19.9, False, False),
        ("before", 20.0, True, False),
        ("before", 59.9, True, False),
        ("before", 60.0, True, True),
    ],
)
def test_conditions_count_after_a_while(last_pass: str, quiet: float, vouches: bool, condemns: bool) -> None:
    apart = {"since": 99, "same": 100, "before": 101}[last_pass]
    now = NOW + timedelta(seconds=quiet)
    changed = owned(wrote(USER, 0, "spec"), passed(apart - 100))
    seen = attention(changed, now, _NOTHING)
    assert seen.looked.value == last_pass
    assert (seen.vouches, seen.condemns) == (vouches, condemns)


def test_what_was_watched_for_a_while_is_quiet_whatever_the_clocks_say() -> None:
    entries = (wrote(USER, -3600, "spec"), passed(60))  # by our clock the change is still to come
    assert not paid(*entries).vouches
    assert paid(*entries, watched=timedelta(seconds=20)).vouches
