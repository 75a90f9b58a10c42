"""The search for functions without an object: where it looks, what it leaves out, and when it says nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from remediator.errors import Forbidden
from remediator.model.live import LiveState, Presence, Vouched
from remediator.model.orphan import ACK_TAGS, ClusterTag, Inventory, Left, Owner, Tagged
from remediator.model.resource import Ref, Resource
from remediator.orphans import Search, Wanted, search
from tests.builders import ARN, NOW, function
from tests.fakes import FakeCloud, FakeCluster

TAG = ClusterTag("cluster", "prod")
ACCOUNT, REGION = "123456789012", "us-east-1"
MARKS = dict(zip(ACK_TAGS, ("shop", "", "lambda-v1.14.1", ""), strict=True)) | {"cluster": "prod"}
THERE = LiveState(presence=Presence.PRESENT, last_modified=NOW)
GONE = LiveState(presence=Presence.GONE, vouched=Vouched.PROVEN)


def arn(name: str, region: str = REGION, account: str = ACCOUNT) -> str:
    return f"arn:aws:lambda:{region}:{account}:function:{name}"


def tagged(name: str, region: str = REGION, account: str = ACCOUNT, **tags: str) -> Tagged:
    return Tagged(arn(name, region, account), {**MARKS, **tags})


def left(name: str, minutes: int = 0) -> Left:
    return Left(arn=arn(name), ref=Ref("shop", name, "u"), action="Release", at=NOW, record=f"r-{minutes}")


class FakeTags:
    """What AWS has, by account and region; what it is asked is remembered."""

    def __init__(self, *there: Tagged, region: str | None = REGION, refuses: tuple[str, ...] = ()) -> None:
        self.region = region
        self._there = there
        self._refuses = refuses
        self.asked: list[tuple[str | None, str]] = []
        self.then: Callable[[], object] = lambda: None

    def functions(self, account: str | None, region: str) -> Inventory:
        self.asked.append((account, region))
        owner = account or ACCOUNT
        found = tuple(each for each in self._there if each.arn.startswith(arn("", region, owner)))
        self.then()
        if region in self._refuses:
            return Inventory(account=owner, region=region, why="GetResources was answered AccessDenied")
        return Inventory(account=owner, region=region, functions=found)


class Cloud(FakeCloud):
    """Everything is there, unless said otherwise."""

    def probe(self, resource: Resource, *more: Any) -> LiveState:
        self._answers.setdefault(resource.function_name, [THERE])
        return super().probe(resource, *more)


def looked(cluster: FakeCluster, tags: FakeTags, cloud: FakeCloud | None = None, **wanted: Any) -> Search:
    return search(cluster, tags, cloud or Cloud(), Wanted(**{"tag": TAG, **wanted}), NOW, lambda _: None)


def names(found: Search) -> list[str]:
    return [each.place.name for each in found.orphans]


def test_what_has_an_object_is_none_and_what_has_not_is_one() -> None:
    found = looked(FakeCluster(function("checkout")), FakeTags(tagged("checkout"), tagged("old")))
    [orphan] = found.orphans
    assert (orphan.arn, orphan.owner, orphan.namespace, orphan.last_modified) == (
        arn("old"),
        Owner.TAGGED,
        "shop",
        NOW,
    )
    assert (found.partial, found.conclusive, found.looked) == ((), True, (f"{ACCOUNT} {REGION}",))
    assert found.ours == found.orphans


def test_the_same_name_elsewhere_is_an_orphan() -> None:
    cluster = FakeCluster(function("checkout"))
    found = looked(cluster, FakeTags(tagged("checkout", region="eu-west-1")), regions=("eu-west-1",))
    assert [each.place.region for each in found.orphans] == ["eu-west-1"]


def test_ours_come_first_and_of_others_nothing_is_asked() -> None:
    tags = FakeTags(tagged("b", cluster="dr"), tagged("c"), Tagged(arn("a"), {ACK_TAGS[0]: "shop"}), tagged("d"))
    cloud = Cloud()
    found = looked(FakeCluster(), tags, cloud, left=(left("d"),))
    assert [(each.place.name, each.owner) for each in found.orphans] == [
        ("d", Owner.RELEASED),
        ("c", Owner.TAGGED),
        ("b", Owner.OTHER_CLUSTER),
        ("a", Owner.UNKNOWN),
    ]
    assert sorted(name for name, _ in cloud.asked) == ["c", "d"]
    assert [each.place.name for each in found.ours] == ["d", "c"]


# ---- what was not seen -----------------------------------------------------------------------------------------------


def test_where_a_function_may_have_gone_unseen_nothing_is_said_and_nothing_asked() -> None:
    cluster, tags = FakeCluster(function("checkout")), FakeTags(tagged("old"))
    cluster.missing = ["the list of Functions broke off after 500"]
    found = looked(cluster, tags, left=(left("old"),))
    assert (found.orphans, found.conclusive, tags.asked) == ((), False, [])
    assert found.partial == ("the list of Functions broke off after 500",)


def test_nor_where_the_second_list_breaks_off() -> None:
    cluster, tags = FakeCluster(), FakeTags(tagged("old"))
    tags.then = lambda: cluster.missing.append("broke off")
    found = looked(cluster, tags)
    assert (found.orphans, found.conclusive) == ((), False)


def test_a_refused_list_is_told_with_what_would_help() -> None:
    class Refusing(FakeCluster):
        def functions(self) -> Iterator[Resource | str]:
            raise Forbidden("you may not list functions", hint="Ask for the role.")

    found = looked(Refusing(), FakeTags(tagged("old")))
    assert (found.conclusive, found.orphans) == (False, ())
    assert found.partial == ("Functions could not be listed: you may not list functions\nAsk for the role.",)


def test_a_place_that_cannot_be_read_is_told_and_hides_no_other() -> None:
    cluster = FakeCluster(function("checkout"))
    tags = FakeTags(tagged("old"), tagged("far", region="eu-west-1"), refuses=("eu-west-1",))
    found = looked(cluster, tags, regions=("eu-west-1",))
    assert names(found) == ["old"]
    assert found.conclusive
    [why] = found.partial
    assert why == f"account {ACCOUNT}, eu-west-1 could not be read: GetResources was answered AccessDenied"


def test_a_recorded_one_whose_tags_could_not_be_read_is_not_called_ours() -> None:
    found = looked(FakeCluster(), FakeTags(refuses=(REGION,)), left=(left("old"),))
    assert found.orphans == ()
    assert any(
        f"Whose {arn('old')} is now is not known: its tags could not be read (Release of" in each
        for each in found.partial
    )


def test_a_recorded_one_that_has_an_object_again_is_not_even_told_of() -> None:
    tags = FakeTags(refuses=(REGION,))
    found = looked(FakeCluster(function("checkout")), tags, left=(left("checkout"),))
    assert [each for each in found.partial if ARN in each] == []


def test_what_cannot_be_asked_for_is_doubt_and_no_orphan() -> None:
    doubt = LiveState(presence=Presence.UNREADABLE, why="throttled")
    found = looked(FakeCluster(), FakeTags(tagged("old"), tagged("new")), Cloud(old=doubt))
    assert names(found) == ["new"]
    assert found.partial == (f"Whether {arn('old')} is still there is not known: throttled",)


def test_without_any_region_that_is_told() -> None:
    found = looked(FakeCluster(), FakeTags(region=None))
    assert found.conclusive
    assert "No region is known" in found.partial[0]


# ---- what changes meanwhile ------------------------------------------------------------------------------------------


def test_what_was_made_while_aws_was_asked_is_nobodys_orphan() -> None:
    cluster, tags = FakeCluster(), FakeTags(tagged("checkout"))
    fresh = function("checkout")
    tags.then = lambda: cluster.objects.update({("shop", "checkout"): fresh})
    assert names(looked(cluster, tags)) == []


def test_nor_what_was_deleted_meanwhile() -> None:
    cluster, tags = FakeCluster(function("checkout")), FakeTags(tagged("checkout"))
    tags.then = cluster.objects.clear
    assert names(looked(cluster, tags)) == []


def test_what_is_gone_by_now_is_left_out() -> None:
    found = looked(FakeCluster(), FakeTags(tagged("old")), Cloud(old=GONE), left=(left("old"), left("older")))
    assert names(found) == ["older"], "the one that a record alone tells of is there"
    assert found.partial == ()
    assert found.settled == ((left("old"), f"{arn('old')} is gone"),)


def test_what_is_said_to_be_gone_without_proof_settles_nothing() -> None:
    unproven = LiveState(presence=Presence.GONE, vouched=Vouched.UNPROVEN, why="status records no ARN")
    found = looked(FakeCluster(), FakeTags(tagged("old")), Cloud(old=unproven), left=(left("old"),))
    assert (found.orphans, found.settled) == ((), ())


def test_a_record_is_settled_by_an_object_that_has_the_function_and_not_by_one_that_may() -> None:
    has, may = function("checkout"), function("old", status={"ackResourceMetadata": None})
    found = looked(FakeCluster(has, may), FakeTags(), left=(left("checkout"), left("old")))
    assert [why for _, why in found.settled] == [f"Function shop/checkout is for {ARN} now"]
    assert found.orphans == ()


# ---- records ---------------------------------------------------------------------------------------------------------


def test_one_that_a_record_alone_tells_of_is_found_where_its_place_was_read() -> None:
    [orphan] = looked(FakeCluster(), FakeTags(), left=(left("old"),)).orphans
    assert (orphan.owner, orphan.tags) == (Owner.RELEASED, {})


def test_the_newest_record_of_a_function_counts() -> None:
    older = Left(arn=arn("old"), ref=Ref("shop", "old", "u1"), action="Release", at=NOW, record="newer")
    newer = Left(
        arn=arn("old"), ref=Ref("shop", "old", "u0"), action="Release", at=NOW.replace(year=2025), record="old"
    )
    [orphan] = looked(FakeCluster(), FakeTags(tagged("old")), left=(older, newer)).orphans
    assert orphan.left == older


def test_a_record_of_what_is_no_function_is_passed_over() -> None:
    odd = Left(arn="arn:aws:sqs:us-east-1:1:q", ref=Ref("shop", "q", "u"), action="Release", at=NOW)
    assert looked(FakeCluster(), FakeTags(), left=(odd,)).orphans == ()


# ---- where it looks --------------------------------------------------------------------------------------------------


def test_it_looks_where_functions_are_where_records_point_and_where_we_are_once_each() -> None:
    far = function("far", status={"ackResourceMetadata": {"arn": arn("far", "eu-west-1", "444455556666")}})
    unborn = function("unborn", status={"ackResourceMetadata": None})
    unborn["metadata"]["annotations"] = {"services.k8s.aws/region": "eu-north-1"}
    tags = FakeTags()
    looked(FakeCluster(far, unborn, function("checkout")), tags, left=(left("old"),))
    assert tags.asked == [(None, "eu-north-1"), (None, REGION), ("444455556666", "eu-west-1")]


def test_regions_that_are_asked_for_are_looked_at_in_every_account_and_accounts_in_every_region() -> None:
    tags = FakeTags()
    looked(FakeCluster(function("checkout")), tags, regions=("eu-west-1",), accounts=("444455556666",))
    assert set(tags.asked) == {
        (None, REGION),
        (None, "eu-west-1"),
        ("444455556666", REGION),
        ("444455556666", "eu-west-1"),
    }
    alone = FakeTags(region=None)
    looked(FakeCluster(), alone, regions=("eu-west-1",))
    assert alone.asked == [(None, "eu-west-1")]


def test_who_has_many_is_told_that_it_takes_a_while() -> None:
    told = list[str]()
    tags = FakeTags(*(tagged(f"f-{number}") for number in range(6)))
    search(FakeCluster(), tags, Cloud(), Wanted(tag=TAG), NOW, told.append)
    assert told == ["Asking AWS about 6 functions, one a second."]
