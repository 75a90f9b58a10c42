"""Put the adapters behind the ports, as the flags say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from msgspec import Struct

from remediator.audit_file import AuditFile
from remediator.aws.backups import S3Backups
from remediator.aws.live import AwsCloud
from remediator.aws.live import Patience as AwsPatience
from remediator.backups import BothBackups, FallbackBackups, FileBackups
from remediator.cli.delegation import Delegation
from remediator.cli.names import check_name, check_places
from remediator.clock import SystemClock
from remediator.episodes import all_told
from remediator.kubernetes.action_lock import IN_TIME, KubernetesActionLock
from remediator.kubernetes.approvals import approvals_guard
from remediator.kubernetes.backups import SecretBackups
from remediator.kubernetes.connection import Connection
from remediator.kubernetes.events import KubernetesEvents
from remediator.kubernetes.home import home_namespace
from remediator.kubernetes.leader import live_leader
from remediator.kubernetes.lease import ACTION_LEASE, LEADER_LEASE, Lock, own_identity
from remediator.kubernetes.lease_object import KubernetesLease
from remediator.kubernetes.ourselves import Ourselves
from remediator.kubernetes.pauses import KubernetesPauses
from remediator.kubernetes.remediations import StoredEpisodes
from remediator.kubernetes.resources import KubernetesCluster, straight
from remediator.kubernetes.transport import Patience, Transport
from remediator.news import News, NoNews, pass_on_nothing
from remediator.observing import Observer
from remediator.policy import Policy
from remediator.policy.load import load_policy
from remediator.ports import Backups, Clock, Counters, Means, NotAudited
from remediator.scan import Pass
from remediator.telemetry.uncounted import Uncounted
from remediator.trail import Trail, Who
from remediator.webhook import Deliveries, Webhook

# Of who asks again in a moment: an answer that takes so long is no answer, and is not worth waiting for.
_ASKED_AGAIN = Patience(connect=2.0, read=5.0, answer=5.0, throttled=2.0)
_AWS_ASKED_AGAIN = AwsPatience(connect=3.0, read=5.0, answer=5.0, attempts=1)


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

    def delegation(self, say: Callable[[str], None]) -> Delegation | None:
        """Find the daemon that leads, if one does, so that a person can leave the acting to it."""
        clock = self.means.clock
        now = clock.now() - timedelta(seconds=self.transport.skew or 0.0)
        leader = live_leader(self.transport, self.home, now)
        return Delegation(self.transport, self.home, leader, clock, say, self.trail) if leader else None

    @property
    def scope_flags(self) -> str:
        """The flags that another command needs to look at the same."""
        return "-A" if self.namespace is None else f"-n {self.namespace}"

    @property
    def scope(self) -> str:
        return "all namespaces" if self.namespace is None else f"namespace {self.namespace}"


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
    audit_log: Path | None = None,
) -> Wired:
    """Read policy and kubeconfig, and build the pass. Nothing is asked of cluster or AWS yet.

    `policy` is the file, or what was read from it.

    With a directory for `backups` they are files in it; without, they are Secrets in the home namespace, and files of
    the user's where those cannot be had. Where the policy names a bucket, they are in that, and the files come on top.
    `counters` are told of every request, and of what ended; None: nobody is. `deliveries` takes messages for the
    policy's webhook; None: none are sent.
    `asks_again`: each question is soon asked anew, so that none is waited for as long as it may take elsewhere.
    `audit_log` is where it is told what is decided and written; None: nowhere.
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
    asked = partial(AwsCloud, rules.aws, timekeeper, count=counting.aws)
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
    means = Means(
        cluster=KubernetesCluster(
            transport, scope, selector, writes=prompt, around=trail.around if trail else straight
        ),
        cloud=asked(patience=_AWS_ASKED_AGAIN) if asks_again else asked(),
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
        ),
        backups=_backups(rules, backups, SecretBackups(prompt, place, timekeeper), timekeeper, counting),
        clock=timekeeper,
        lock=KubernetesActionLock(Lock(KubernetesLease(prompt, place, ACTION_LEASE), timekeeper, who)),
        events=news if tells else NoNews(),
        pauses=KubernetesPauses(prompt, place),
        audit=trail or NotAudited(),
    )
    return Wired(
        observer=Observer(means, rules),
        work=Pass(means, rules, places=(connection.context, connection.server), namespace=scope),
        connection=connection,
        policy=rules,
        namespace=scope,
        means=means,
        transport=transport,
        home=place,
        counters=counting,
        trail=trail,
    )


def _backups(rules: Policy, directory: Path | None, secrets: Backups, clock: Clock, counters: Counters) -> Backups:
    """Choose where backups go. What a flag asks for comes beside the policy's bucket, and never in place of it."""
    files = FileBackups(directory)
    if rules.backups.s3 is None:
        return FallbackBackups(secrets, files) if directory is None else files
    bucket = S3Backups(rules.aws, rules.backups.s3, clock, counters.aws)
    return bucket if directory is None else BothBackups(bucket, files)


def leader_lock(
    *, kubeconfig: Path | None, context: str | None, home: str | None, clock: Clock, counters: Counters
) -> Lock:
    """Make the lock that tells which daemon leads. Nothing is asked of the cluster yet."""
    if home is not None:
        check_name("namespace", home)
    prompt = Transport(Connection(kubeconfig, context), patience=IN_TIME, now=clock.now, count=counters.kubernetes)
    return Lock(KubernetesLease(prompt, home_namespace(home), LEADER_LEASE), clock, own_identity())
