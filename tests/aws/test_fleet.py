"""A fleet over several accounts and regions, one of them behind a dead role, one throttled: a whole scan of it."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

import msgspec
import pytest

from remediator.aws.live import AwsCloud
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
SPEED = 20.0
# Seconds of that time that the first call of a client can be late, since it has to connect: it is 75 ms of ours.
LATE = 1.5
Place = tuple[str, str]


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


def gaps(calls: list[Call]) -> dict[Place, list[float]]:
    """Give, per account and region, the seconds between two calls."""
    times = defaultdict(list)
    for each in calls:
        times[each.account, each.region].append(each.at)
    return {
        place: [(later - earlier).total_seconds() for earlier, later in pairwise(each)] for place, each in times.items()
    }


@pytest.fixture(scope="module")
def scanned(fleet: Cloud, tmp_path_factory: pytest.TempPathFactory) -> tuple[Scan, list[Call]]:
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
        means = msgspec.structs.replace(world.means, cloud=AwsCloud(policy.aws, clock))
        begin = len(fleet.calls)
        return Pass(means, policy).scan(), fleet.calls_since(begin)


def findings(scan: Scan, account: str) -> list[tuple[FindingName, str]]:
    found = []
    for each in scan.results:
        arn = each.seen.resource.arn
        if arn is not None and arn.account == account:
            assert each.finding is not None
            found.append((each.finding.name, each.finding.summary))
    return found


def test_what_can_be_read_is_read_by_the_right_identity(scanned: tuple[Scan, list[Call]]) -> None:
    scan, _ = scanned
    assert scan.partial == ()
    for account in (OURS, OTHER):
        assert [name for name, _ in findings(scan, account)] == [FindingName.UPDATE_FAILED] * EACH * len(REGIONS)
    for each in scan.results:
        arn, live = each.seen.resource.arn, each.seen.live_state
        if live.present:
            assert arn is not None
            assert (live.account, live.region) == (arn.account, arn.region)
            assert f"::{arn.account}:" in (live.identity or "")


def test_a_dead_role_is_told_of_its_account_and_asked_for_once(scanned: tuple[Scan, list[Call]]) -> None:
    scan, calls = scanned
    told = findings(scan, DEAD)
    assert [name for name, _ in told] == [FindingName.UNREADABLE] * EACH
    for _, summary in told:
        assert f"may not assume arn:aws:iam::{DEAD}:role/ack-remediator-read: AssumeRole was answered" in summary
    refused = [each for each in calls if each.operation == "AssumeRole" and each.error_code]
    assert len(refused) == 1


def test_a_throttled_account_is_told_as_such(scanned: tuple[Scan, list[Call]]) -> None:
    told = findings(scanned[0], THROTTLED)
    assert [name for name, _ in told] == [FindingName.UNREADABLE] * EACH
    assert all("TooManyRequests" in summary or "AWS throttles" in summary for _, summary in told)


def test_each_account_and_region_is_asked_below_its_rate(scanned: tuple[Scan, list[Call]]) -> None:
    """Once a second, on average: how late a single call arrives is the machine's doing."""
    made = [each for each in scanned[1] if each.operation == "GetFunctionConfiguration"]
    found = gaps(made)
    readable = {(account, region) for account in (OURS, OTHER) for region in REGIONS}
    assert found.keys() == readable | {(THROTTLED, REGIONS[0])}
    for place in readable:
        assert len(found[place]) == EACH - 1
        assert sum(found[place]) > EACH - 1 - LATE
    slowed = found[THROTTLED, REGIONS[0]]
    assert len(slowed) == 4, "five calls for six functions, each of which would have had three"
    assert sum(slowed) > 2 + 4 + 8 + 16 - LATE


def test_the_throttled_one_holds_up_nobody(scanned: tuple[Scan, list[Call]]) -> None:
    made = [each for each in scanned[1] if each.operation == "GetFunctionConfiguration"]
    last = {
        throttled: max(each.at for each in made if (each.account == THROTTLED) is throttled)
        for throttled in (True, False)
    }
    assert last[False] < last[True]
