"""When ACK looks again by itself, by the record of calls: each trouble has a wait of its own.

A pass ends after its last call, so a wait is at least as long as the pause between calls has to be. It can look longer
where the machine is busy: that is why the upper bounds are wide.
"""

import itertools
from collections.abc import Callable

import pytest

from remediator.sandbox.aws.calls import Call
from remediator.sandbox.cloud import Cloud
from tests.bed.functions import READS, Function, error_text, is_ready, synced
from tests.bed.plugin import Create
from tests.bed.waiting import eventually

pytestmark = pytest.mark.usefixtures("controller")

DELETING = "function in 'Deleting' state, cannot be modified or deleted"
NO_IMAGE = "Source image 1.dkr.ecr.us-east-1.amazonaws.com/app:1 does not exist. Provide a valid source image."


def passes(function: Function, since: int, is_whole: Callable[[list[str]], bool]) -> list[list[Call]]:
    """Cut the calls since into passes; the last one may be under way."""
    cut: list[list[Call]] = [[]]
    for call in function.calls(since):
        if is_whole([earlier.operation for earlier in cut[-1]]):
            cut.append([])
        cut[-1].append(call)
    return cut


def pauses(function: Function, since: int, whole: list[str], count: int, within: float) -> list[float]:
    """Wait for so many pauses between passes that each make these calls, and answer them in seconds."""

    def seen() -> list[list[Call]]:
        return passes(function, since, lambda calls: calls == whole)

    cut = eventually(
        seen, lambda made: len(made) > count, f"{function.name} is looked at again", function.clock, within
    )
    ends = itertools.pairwise(cut)
    return [(later[0].at - earlier[-1].at).total_seconds() for earlier, later in ends][:count]


def test_errors_back_off_and_an_edit_is_past_it(settled: Create, cloud: Cloud) -> None:
    function = settled()
    function.refuse("GetFunction")
    index = len(cloud.calls)
    function.edit(description="one")
    function.gets_asked(lambda calls: len(calls) > 10, "it is tried again and again", index, 40)
    at = [call.at for call in function.looks(index)]
    gaps = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(at)]
    assert all(gap >= 0.005 * 2**n for n, gap in enumerate(gaps))
    # 5 seconds all in all, and the passes themselves.
    assert sum(gaps[:10]) < 30
    # The next is 5 s away, then 10: an edit does not wait for it, but the one after is as far as ever.
    function.gets_asked(lambda calls: len(calls) > 11, "it is tried again", index, 40)
    edited = len(cloud.calls)
    function.edit(description="two")
    function.gets_asked(lambda calls: calls, "it is tried at once", edited, 40)
    assert (function.looks(edited)[0].at - function.looks(index)[11].at).total_seconds() < 10.24
    function.stays(lambda _: len(function.asked(edited)) == 1, "the failures are not forgotten", 4)
    # A pass that ends well does forget them.
    cloud.allow()
    function.edit(description="three")
    function.becomes(is_ready, "heals")
    function.refuse("GetFunction")
    healed = len(cloud.calls)
    function.edit(description="four")
    function.gets_asked(lambda calls: len(calls) > 4, "it is tried again soon", healed, 20)
    at = [call.at for call in function.looks(healed)]
    # Some hundredths of a second; had it remembered, 150 seconds.
    assert (at[4] - at[0]).total_seconds() < 60


def test_each_trouble_has_a_wait_of_its_own(create: Create, settled: Create, cloud: Cloud) -> None:
    pending, deleting, imageless = settled(), settled(), settled()
    imageless.refuse("UpdateFunctionCode", "InvalidParameterValueException", NO_IMAGE)
    cloud.set_state(pending.name, "Pending")
    cloud.set_state(deleting.name, "Deleting")
    index = len(cloud.calls)
    imageless.edit(architectures=["arm64"])
    pending.edit(timeout=9)
    deleting.delete()
    cloud.create_takes = 1000
    creating = create()
    seen = creating.becomes(
        lambda seen: synced(seen) == "False" and seen["metadata"]["generation"] == 2, "is not synced"
    )
    assert seen["status"]["state"] == "Pending"
    assert error_text(seen) == ""
    creating.falls_silent()
    cloud.set_state(creating.name, "Active")
    looked = len(cloud.calls)

    # AWS is done with the creation; ACK has not looked.
    creating.stays(
        lambda shown: (synced(shown), shown["status"]["state"]) == ("False", "Pending"), "is as it was seen last", 5
    )
    last = creating.calls()[-1].at
    creating.becomes(is_ready, "is synced at the next look", 60)
    assert 30 <= (creating.calls(looked)[0].at - last).total_seconds() < 45

    for busy in (pending, deleting):
        waits = pauses(busy, index, READS, 2, 30)
        assert min(waits) >= 5
        assert min(waits) < 9
    seen = deleting.read()
    assert (seen["status"]["state"], error_text(seen)) == ("Deleting", DELETING)
    assert set(deleting.asked(index)) == set(READS)
    cloud.remove(deleting.name)
    cloud.set_state(pending.name, "Active")

    shown = imageless.read()
    assert (synced(shown), error_text(shown)) == ("Unknown", "source image does not exist")
    (wait,) = pauses(imageless, index, [*READS, "UpdateFunctionCode"], 1, 90)
    assert 60 <= wait < 80
