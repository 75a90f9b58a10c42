"""Put the adapters behind the ports, as the flags say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from msgspec import Struct

from remediator.audit_file import AuditFile
from remediator.aws.at_first_use import CloudAtFirstUse
from remediator.backups import BothBackups, FallbackBackups, FileBackups
from remediator.cli.delegation import Delegation
from remediator.cli.led import LedLock
from remediator.cli.names import check_name, check_places
from remediator.clock import SystemClock
from remediator.episodes import all_told
from remediator.kubernetes.action_lock import IN_TIME, KubernetesActionLock
from remediator.kubernetes.approvals import approvals_guard
from remediator.kubernetes.backups import SecretBackups
from remediator.kubernetes.connection import Connection
from remediator.kubernetes.events import KubernetesEvents
from remediator.kubernetes.home import home_namespace
from remediator.kubernetes.leader import live_leaders
from remediator.kubernetes.leading import LEADER_LEASES, LeaderLock, leader_lease
from remediator.kubernetes.lease import ACTION_LEASE, Lock, own_identity
from remediator.kubernetes.lease_object import KubernetesLease, KubernetesLeases
from remediator.kubernetes.ourselves import Ourselves
from remediator.kubernetes.pauses import KubernetesPauses
from remediator.kubernetes.remediations import StoredEpisodes
from remediator.kubernetes.resources import KubernetesCluster, straight
from remediator.kubernetes.transport import Patience, Transport
from remediator.model.shard import WHOLE, Shard
from remediator.news import News, NoNews, pass_on_nothing
from remediator.observing import Observer
from remediator.policy import Policy
from remediator.policy.load import load_policy
from remediator.ports import Backups, Clock, Cloud, Counters, Means, NotAudited
from remediator.scan import Pass
from remediator.telemetry.uncounted import Uncounted
from remediator.trail import Trail, Who
from remediator.webhook import Deliveries, Webhook

# Of who asks again in a moment: an answer that takes so long is no answer, and is not worth waiting for.
_ASKED_AGAIN = Patience(connect=2.0, read=5.0, answer=5.0, throttled=2.0)


class Wired(Struct):
    """A pass that is ready to run, and what it runs against."""

    work: Pass
    observer: Observer
    connection: Connection
    policy: Policy
    namespace: str | None
    means: Means
    transport: Transport
    home: str
    counters: Counters
    trail: Trail | None = None
    shard: Shard = WHOLE

    def delegation(self, say: Callable[[str], None]) -> Delegation | None:
        """Find the daemon that leads, or those of shards, so that a person can leave the acting to them."""
        clock = self.means.clock
        now = clock.now() - timedelta(seconds=self.transport.skew or 0.0)
        leaders = live_leaders(self.transport, self.home, now)
        return Delegation(self.transport, self.home, leaders, clock, say, self.trail) if leaders.by else None

    @property
    def scope_flags(self) -> str:
        """The flags that another command needs to look at the same."""
        return "-A" if self.namespace is None else f"-n {self.namespace}"

    @property
    def scope(self) -> str:
        where = "all namespaces" if self.namespace is None else f"namespace {self.namespace}"
        return where if self.shard.whole else f"{where}, {self.shard.said}"


def wire(
    *,
    kubeconfig: Path | None = None,
    context: str | None = None,
    namespace: str | None = None,
    all_namespaces: bool = False,
    selector: str | None = None,
    policy: Path | Policy | None = None,
    backups: Path | None = None,
    home: str | None = None,
    clock: Clock | None = None,
    counters: Counters | None = None,
    deliveries: Deliveries | None = None,
    asks_again: bool = False,
    asks_aws: bool = False,
    audit_log: Path | None = None,
    cloud: Cloud | None = None,
    shard: Shard = WHOLE,
    leads: Callable[[], bool] | None = None,
) -> Wired:
    """Read policy and kubeconfig, and build the pass. Nothing is asked of cluster or AWS yet.

    `policy` is the file, or what was read from it.

    With a directory for `backups` they are files in it; without, they are Secrets in the home namespace, and files of
    the user's where those cannot be had. Where the policy names a bucket, they are in that, and the files come on top.
    `counters` are told of every request, and of what ended; None: nobody is. `deliveries` takes messages for the
    policy's webhook; None: none are sent.
    `asks_again`: each question is soon asked anew, so that none is waited for as long as it may take elsewhere.
    `asks_aws`: AWS will be asked, so that what is wrong with our own login there is told now, and not in the middle.
    `audit_log` is where it is told what is decided and written; None: nowhere.
    `cloud` asks AWS, where several clusters share one, and with it a pace and a login; None: one of its own.
    `shard` is what it looks after. `leads` is asked before anything is begun; None: nobody has to lead.
    """
    check_places(namespace, home, all_namespaces=all_namespaces)
    rules = policy if isinstance(policy, Policy) else load_policy(policy)
    connection = Connection(kubeconfig, context)
    scope = None if all_namespaces else namespace or connection.namespace
    timekeeper = clock or SystemClock()
    place = home_namespace(home)
    who = own_identity()
    counting = counters or Uncounted()
    opened = partial(Transport, connection, now=timekeeper.now, count=counting.kubernetes)
    transport = opened(patience=_ASKED_AGAIN) if asks_again else opened()
    prompt = opened(patience=IN_TIME)
    hook = None
    if deliveries is not None and rules.webhook.used:
        hook = Webhook(
            rules.webhook,
            deliveries,
            cluster=connection.context,
            by=who,
            now=timekeeper.now,
            forgets=lambda: means.episodes.fleeting,
        )
    news = News(
        KubernetesEvents(prompt, timekeeper, who).publish if rules.events else None,
        pass_on=hook.tell if hook else pass_on_nothing,
    )
    tells = rules.events or hook is not None
    ourselves = Ourselves(prompt, timekeeper)
    told = Who(who, ourselves.told, connection.context, connection.server)
    trail = Trail(AuditFile(audit_log), told, timekeeper) if audit_log else None
    noticing = [*([news.noticed] if tells else ()), *([trail.noticed] if trail else ())]
    lock = KubernetesActionLock(Lock(KubernetesLease(prompt, place, ACTION_LEASE), timekeeper, who))
    means = Means(
        cluster=KubernetesCluster(
            transport, scope, selector, writes=prompt, around=trail.around if trail else straight
        ),
        cloud=cloud or _cloud(rules, timekeeper, counting, asks_again=asks_again, at_once=asks_aws),
        episodes=StoredEpisodes(
            transport,
            place,
            by=who,
            user=ourselves.name,
            guard=lambda: approvals_guard(transport, place),
            max_attempts=rules.attempts.max,
            retention=rules.retention,
            resolved=counting.resolved,
            noticed=all_told(noticing),
            mine=shard.owns,
        ),
        backups=_backups(rules, backups, SecretBackups(prompt, place, timekeeper), timekeeper, counting),
        clock=timekeeper,
        lock=lock if leads is None else LedLock(lock, leads),
        events=news if tells else NoNews(),
        pauses=KubernetesPauses(prompt, place),
        audit=trail or NotAudited(),
    )
    return Wired(
        observer=Observer(means, rules),
        work=Pass(means, rules, places=(connection.context, connection.server), namespace=scope, shard=shard),
        connection=connection,
        policy=rules,
        namespace=scope,
        means=means,
        transport=transport,
        home=place,
        counters=counting,
        trail=trail,
        shard=shard,
    )


def shared_cloud(rules: Policy, clock: Clock | None) -> Cloud:
    """Make what asks AWS for several clusters: their functions can be in one account, and share its quota."""
    return _cloud(rules, clock or SystemClock(), Uncounted(), asks_again=False, at_once=False)


def _cloud(rules: Policy, clock: Clock, counters: Counters, *, asks_again: bool, at_once: bool) -> Cloud:
    """Make what asks AWS, `at_once` or when somebody has something to ask; where all is well, nobody has."""

    def make() -> Cloud:
        from remediator.aws.live import AwsCloud, Patience

        asked = partial(AwsCloud, rules.aws, clock, count=counters.aws)
        return asked(patience=Patience(connect=3.0, read=5.0, answer=5.0, attempts=1)) if asks_again else asked()

    return make() if at_once else CloudAtFirstUse(make)


def _backups(rules: Policy, directory: Path | None, secrets: Backups, clock: Clock, counters: Counters) -> Backups:
    """Choose where backups go. What a flag asks for comes beside the policy's bucket, and never in place of it."""
    files = FileBackups(directory)
    if rules.backups.s3 is None:
        return FallbackBackups(secrets, files) if directory is None else files
    from remediator.aws.backups import S3Backups

    bucket = S3Backups(rules.aws, rules.backups.s3, clock, counters.aws)
    return bucket if directory is None else BothBackups(bucket, files)


def leader_lock(
    *,
    kubeconfig: Path | None,
    context: str | None,
    home: str | None,
    clock: Clock | None,
    counters: Counters | None,
    shard: Shard = WHOLE,
    passing: bool = False,
) -> LeaderLock:
    """Make the lock that tells who leads in a shard; `passing`: for one run. Nothing is asked of the cluster yet."""
    if home is not None:
        check_name("namespace", home)
    timekeeper, counting = clock or SystemClock(), counters or Uncounted()
    connection = Connection(kubeconfig, context)
    prompt = Transport(connection, patience=IN_TIME, now=timekeeper.now, count=counting.kubernetes)
    place, name = home_namespace(home), shard.signed(own_identity(), passing=passing)
    own = Lock(KubernetesLease(prompt, place, leader_lease(shard)), timekeeper, name)
    return LeaderLock(own, KubernetesLeases(prompt, place, LEADER_LEASES), shard, timekeeper)
