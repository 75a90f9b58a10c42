"""A fleet over several accounts and regions, one of them behind a dead role, one throttled: a whole scan of it."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import pytest

from remediator.aws.live import AwsCloud
from remediator.aws.pace import Pace, Place
from remediator.model.finding import FindingName
from remediator.model.scan import Scan
from remediator.policy import Policy
from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Call, Cloud
from remediator.scan import Pass
from tests.aws.conftest import ACCESS_KEY
from tests.builders import Json, function
from tests.fakes import FakeCloud, FakeCluster, World

OURS, OTHER, DEAD, THROTTLED = "121212121212", "343434343434", "565656565656", "787878787878"
REGIONS = ("us-east-1", "eu-west-1")
EACH = 6
SPEED = 6.0  # the throttled one is to be the last on a machine that is busy, too
CALL = "GetFunctionConfiguration"


class Turn(NamedTuple):
    """One waiting for one's turn, in seconds of the clock: since when, and until when."""

    place: Place
    came: float
    went: float


class Scanned(NamedTuple):
    """What a scan said, what AWS was asked, and how each call waited for its turn."""

    scan: Scan
    calls: list[Call]
    turns: list[Turn]


@pytest.fixture(scope="module")
def fleet() -> Iterator[Cloud]:
    """An AWS with functions whose last update failed, in five places, and time that runs fast."""
    with Cloud(SandboxClock(speed=SPEED), account=OURS) as cloud:
        cloud.identify(ACCESS_KEY, OURS)
        for account in (OTHER, THROTTLED):
            cloud.add_role("ack-remediator-read", account=account)
        cloud.throttle("GetFunctionConfiguration", account=THROTTLED)
        yield cloud


def suspects(cloud: Cloud, account: str, region: str) -> list[Json]:
    """Make functions whose update failed, and the objects for them that still say that it is under way."""
    found = []
    for number in range(EACH):
        name = f"{account[:2]}-{region}-{number}"
        if account != DEAD:
            arn = cloud.create_function(name, account=account, region=region)
            cloud.set_update(name, "Failed", reason_code="EniLimitExceeded", account=account, region=region)
        else:
            arn = f"arn:aws:lambda:{region}:{account}:function:{name}"
        place = {"arn": arn, "ownerAccountID": account, "region": region}
        found.append(function(name, status={"ackResourceMetadata": place, "lastUpdateStatus": "InProgress"}))
    return found


def spans(turns: list[Turn]) -> dict[Place, tuple[int, float]]:
    """Count the turns of each account and region, and the seconds from the first to the last.

    By the clock that the pace is kept by: when a call arrives is also the machine's doing.
    """
    found: defaultdict[Place, list[Turn]] = defaultdict(list)
    for each in turns:
        found[each.place].append(each)
    return {
        place: (len(each), max(turn.went for turn in each) - min(turn.came for turn in each))
        for place, each in found.items()
    }


@pytest.fixture(scope="module")
def scanned(fleet: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Scanned:
    turns: list[Turn] = []
    wait = Pace.wait

    def waiting(self: Pace, at: Place) -> bool:
        came = clock.monotonic()
        let_go = wait(self, at)
        if let_go:
            turns.append(Turn(at, came, clock.monotonic()))
        return let_go

    with pytest.MonkeyPatch.context() as patch:
        for name in [each for each in os.environ if each.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-test")
        objects = [each for account in (OURS, OTHER) for region in REGIONS for each in suspects(fleet, account, region)]
        # The throttled and the dead come first in the list, and so would be in everybody's way.
        objects = [*suspects(fleet, THROTTLED, REGIONS[0]), *suspects(fleet, DEAD, REGIONS[0]), *objects]
        head = {"apiVersion": "ack-remediator.dev/v1alpha1", "kind": "Policy"}
        policy = Policy.model_validate(head | {"aws": {"endpointURL": fleet.endpoint, "assumeRole": True}})
        world = World(FakeCluster(*objects), FakeCloud())
        clock = SandboxClock(speed=SPEED)
        patch.setattr(Pace, "wait", waiting)
        means = msgspec.structs.replace(world.means, cloud=AwsCloud(policy.aws, clock))
        begin = len(fleet.calls)
        return Scanned(Pass(means, policy).scan(), fleet.calls_since(begin), turns)


def findings(scan: Scan, account: str) -> list[tuple[FindingName, str]]:
    found = []
    for each in scan.results:
        arn = each.seen.resource.arn
        if arn is not None and arn.account == account:
            assert each.finding is not None
            found.append((each.finding.name, each.finding.summary))
    return found


def test_what_can_be_read_is_read_by_the_right_identity(scanned: Scanned) -> None:
    scan = scanned.scan
    assert scan.partial == ()
    for account in (OURS, OTHER):
        assert [name for name, _ in findings(scan, account)] == [FindingName.UPDATE_FAILED] * EACH * len(REGIONS)
    for each in scan.results:
        arn, live = each.seen.resource.arn, each.seen.live_state
        if live.present:
            assert arn is not None
            assert (live.account, live.region) == (arn.account, arn.region)
            assert f"::{arn.account}:" in (live.identity or "")


def test_a_dead_role_is_told_of_its_account_and_asked_for_once(scanned: Scanned) -> None:
    scan, calls, _ = scanned
    told = findings(scan, DEAD)
    assert [name for name, _ in told] == [FindingName.UNREADABLE] * EACH
    for _, summary in told:
        assert f"may not assume arn:aws:iam::{DEAD}:role/ack-remediator-read: AssumeRole was answered" in summary
    refused = [each for each in calls if each.operation == "AssumeRole" and each.error_code]
    assert len(refused) == 1


def test_a_throttled_account_is_told_as_such(scanned: Scanned) -> None:
    told = findings(scanned[0], THROTTLED)
    assert [name for name, _ in told] == [FindingName.UNREADABLE] * EACH
    assert all("TooManyRequests" in summary or "AWS throttles" in summary for _, summary in told)


def test_each_account_and_region_is_asked_below_its_rate(scanned: Scanned) -> None:
    """Once a second; slower each time, where AWS throttles."""
    made = Counter((each.account, each.region) for each in scanned.calls if each.operation == CALL)
    found = spans(scanned.turns)
    readable = {Place(account, region) for account in (OURS, OTHER) for region in REGIONS}
    throttled = Place(THROTTLED, REGIONS[0])
    assert found.keys() == readable | {throttled}
    assert made == {place: count for place, (count, _) in found.items()}
    for place in readable:
        count, seconds = found[place]
        assert count == EACH
        assert seconds >= EACH - 1
    count, seconds = found[throttled]
    assert count == 5, "five calls for six functions, each of which would have had three"
    # At one a second it were four. On a busy machine the first four can be under way before the first is answered.
    assert seconds > 16 - 1


def test_the_throttled_one_holds_up_nobody(scanned: Scanned) -> None:
    made = [each for each in scanned[1] if each.operation == CALL]
    last = {
        throttled: max(each.at for each in made if (each.account == THROTTLED) is throttled)
        for throttled in (True, False)
    }
    assert last[False] < last[True]
