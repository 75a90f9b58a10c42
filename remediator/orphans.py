"""Look for functions in AWS that this cluster has no object for. Changes nothing.

The cluster is listed before AWS, since its Functions tell where to look, and once more after it: what ACK made in the
meantime is nobody's orphan. Whoever was claimed at either time is no orphan either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from remediator.errors import ClusterError
from remediator.model.claimed import Placed, claimed
from remediator.model.controller import ControllerFacts
from remediator.model.heartbeat import heard, heartbeats
from remediator.model.identities import Identities
from remediator.model.orphan import ClusterTag, Inventory, Left, Orphan, Owner, Tagged, dated, orphan
from remediator.model.placement import place
from remediator.model.resource import AckMetadata, FunctionSpec, FunctionStatus, Metadata, Resource, function_arn
from remediator.ports import Claimants, Cloud, Tags

# None is our own account.
Place = tuple[str | None, str]
Say = Callable[[str], None]

_SHORT = 5  # questions that nobody minds to wait for
_WORST_FIRST = list(Owner)


class Wanted(Struct, frozen=True, kw_only=True):
    """What is looked for: what records tell of, the cluster's tag, and where to look beside where it has Functions."""

    left: tuple[Left, ...] = ()
    tag: ClusterTag | None = None
    regions: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()


class Search(Struct, frozen=True, kw_only=True):
    """What was found, and what was not seen.

    `conclusive`: every Function of the cluster was seen; else nothing is said of any function of AWS. `looked` names
    the accounts and regions. `settled` are records of functions that were left and are so no more, each with why.
    `placed` are the cluster's Functions, each with where ACK looks for it.
    """

    orphans: tuple[Orphan, ...] = ()
    partial: tuple[str, ...] = ()
    settled: tuple[tuple[Left, str], ...] = ()
    conclusive: bool = True
    looked: tuple[str, ...] = ()
    placed: tuple[Placed, ...] = ()
    controller: ControllerFacts = ControllerFacts()

    @property
    def ours(self) -> tuple[Orphan, ...]:
        return tuple(each for each in self.orphans if each.owner.ours)


class _Seen(Struct, frozen=True, kw_only=True):
    """The cluster's Functions at one moment; `missing` says what of them was not seen."""

    placed: tuple[Placed, ...] = ()
    missing: tuple[str, ...] = ()
    controller: ControllerFacts = ControllerFacts()


def search(cluster: Claimants, tags: Tags, cloud: Cloud, wanted: Wanted, now: datetime, say: Say) -> Search:
    """Find the orphans of a cluster; `say` is told, in sentences, what takes long.

    Where a Function may have gone unseen, no function of AWS is without an object: nothing is asked of AWS then.
    """
    before = _seen(cluster, now)
    if before.missing:
        return Search(partial=before.missing, conclusive=False)
    read = list(_read(tags, _places(before.placed, wanted, tags.region)))
    partial = [_unread(each) for each in read if each.why]
    if tags.region is None and not read:
        partial.append("No region is known: AWS_REGION and the AWS config name none, and no Function does (--region).")
    after = _seen(cluster, now)
    if after.missing:
        return Search(partial=after.missing, conclusive=False)
    claimant = claimed([*before.placed, *after.placed])
    unclaimed = [each for each in wanted.left if claimant(each.arn) is None]
    found: list[Orphan] = []
    for function, left in _candidates(read, unclaimed, partial):
        if claimant(function.arn) is None and (each := orphan(function, left, wanted.tag)) is not None:
            found.append(each)
    settled = list(_given_back(wanted.left, after.placed))
    orphans = tuple(_there(found, cloud, partial, settled, say))
    return Search(
        orphans=tuple(sorted(orphans, key=lambda each: (_WORST_FIRST.index(each.owner), each.place.name, each.arn))),
        partial=tuple(partial),
        settled=tuple(settled),
        looked=tuple(f"{each.account or '?'} {each.region}" for each in read),
        placed=after.placed,
        controller=after.controller,
    )


def _seen(cluster: Claimants, now: datetime) -> _Seen:
    try:
        listed = list(cluster.functions())
    except ClusterError as error:
        return _Seen(missing=(f"Functions could not be listed: {error}",))
    if missing := tuple(each for each in listed if isinstance(each, str)):
        return _Seen(missing=missing)
    resources = [each for each in listed if isinstance(each, Resource)]
    everywhere = cluster.saw_everything()
    controller = heard(cluster.controller(now), heartbeats(resources), now, everywhere=everywhere)
    identities = cluster.identities({each.metadata.namespace for each in resources}, controller)
    return _Seen(placed=_placed(resources, identities, controller), controller=controller)


def _placed(resources: Sequence[Resource], known: Identities, controller: ControllerFacts) -> tuple[Placed, ...]:
    return tuple((each, place(each, known, controller)) for each in resources)


def _places(placed: Iterable[Placed], wanted: Wanted, own_region: str | None) -> list[Place]:
    """List where to look: where the cluster has Functions or left some, where we are, and what was asked for.

    A region that is asked for is looked at in every account, and an account in every region.
    """
    known: dict[Place, None] = {}
    for resource, placement in placed:
        arn = resource.arn
        if region := arn.region if arn else placement.region:
            known[(arn.account if arn else placement.account, region)] = None
    for each in wanted.left:
        if arn := function_arn(each.arn):
            known[(arn.account, arn.region)] = None
    if own_region:
        known[(None, own_region)] = None
    accounts = dict.fromkeys((*wanted.accounts, *(account for account, _ in known)))
    regions = dict.fromkeys((*wanted.regions, *(region for _, region in known)))
    for region in wanted.regions:
        known.update({(account, region): None for account in accounts or (None,)})
    for account in wanted.accounts:
        known.update({(account, region): None for region in regions})
    return list(known)


def _read(tags: Tags, places: Iterable[Place]) -> Iterator[Inventory]:
    """Read each place once, whoever is meant by our own account."""
    read: set[Place] = set()
    # Our own account first: what it is called is known then.
    for account, region in sorted(places, key=lambda each: (each[0] is not None, each[0] or "", each[1])):
        if (account, region) in read:
            continue
        found = tags.functions(account, region)
        read |= {(account, region), (found.account, region)}
        yield found


def _unread(each: Inventory) -> str:
    where = f"account {each.account}, {each.region}" if each.account else each.region
    return f"{where} could not be {'read to the end' if each.functions else 'read'}: {each.why}"


def _candidates(
    read: Sequence[Inventory], left: Iterable[Left], partial: list[str]
) -> Iterator[tuple[Tagged, Left | None]]:
    """Yield each function once, with what a record tells of it; the newest record counts.

    One that a record alone tells of has none of ACK's tags, where its place was read; else its tags are not known, and
    neither is who has it now.
    """
    recorded = {each.arn: each for each in sorted(left, key=lambda each: each.at)}
    complete = {(each.account, each.region) for each in read if not each.why}
    told: set[str] = set()
    for each in (function for there in read for function in there.functions):
        if each.arn not in told:
            told.add(each.arn)
            yield each, recorded.get(each.arn)
    for text, record in recorded.items():
        arn = function_arn(text)
        if arn is None or text in told:
            continue
        if (arn.account, arn.region) in complete:
            yield Tagged(text), record
        else:
            partial.append(f"Whose {text} is now is not known: its tags could not be read ({record}).")


def _given_back(left: Iterable[Left], placed: Iterable[Placed]) -> Iterator[tuple[Left, str]]:
    """Yield what was left and has an object again: one that recorded it, not merely one that may be for it."""
    by_arn = {resource.arn_text: resource.ref for resource, _ in placed if resource.is_function}
    for each in left:
        if (ref := by_arn.get(each.arn)) is not None:
            yield each, f"{ref} is for {each.arn} now"


def _there(
    found: Sequence[Orphan], cloud: Cloud, partial: list[str], settled: list[tuple[Left, str]], say: Say
) -> Iterator[Orphan]:
    """Leave out what is not there any more: the index of tags knows a deleted function for a while.

    Only of ours it is asked: of what is not, nothing is advised that hangs on it.
    """
    ours = sum(each.owner.ours for each in found)
    if ours > _SHORT:
        say(f"Asking AWS about {ours} functions, one a second.")
    for each in found:
        if not each.owner.ours:
            yield each
            continue
        live = cloud.probe(_resource(each))
        if live.present:
            yield dated(each, live)
        elif live.gone:
            settled += [(each.left, f"{each.arn} is gone")] if each.left and live.proven_gone else []
        else:
            partial.append(f"Whether {each.arn} is still there is not known: {live.why}")


def _resource(each: Orphan) -> Resource:
    """Write what is to be asked for as an object that recorded it would look."""
    metadata = AckMetadata(arn=each.arn, owner_account_id=each.place.account, region=each.place.region)
    return Resource(
        metadata=Metadata(name=each.object_name, namespace=each.namespace or "default"),
        spec=FunctionSpec(name=each.place.name),
        status=FunctionStatus(ack_resource_metadata=metadata),
    )
