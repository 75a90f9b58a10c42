"""Look again and again, at Kubernetes each second and at AWS where it matters, until waiting ends. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from msgspec.structs import replace

from remediator.diagnosis import diagnose
from remediator.errors import CloudError, ClusterError, Forbidden, NotFound, Unauthorized
from remediator.model.applied import changed_at
from remediator.model.controller import ControllerFacts
from remediator.model.finding import FindingName, State
from remediator.model.heartbeat import heartbeats
from remediator.model.identities import Identities
from remediator.model.live import LiveState, unreadable
from remediator.model.masking import mask
from remediator.model.observation import Observation
from remediator.model.placement import place
from remediator.model.reference import Link
from remediator.model.reference_text import complaint
from remediator.model.resource import Resource
from remediator.model.times import format_duration
from remediator.observing import NOT_ASKED, Observer
from remediator.ports import Means
from remediator.waiting import sentences
from remediator.waiting.attention import attention
from remediator.waiting.goal import Ending, Goal, GoalKind, Waited
from remediator.waiting.verdict import Sight, Verdict, judge

# Told, in a sentence, whenever what is waited for changes.
Say = Callable[[str], None]

# Seconds from one look to the next: in the first minute, and after it. What AWS is asked counts against an account's
# 15 calls a second, and whoever waits wants to know within two.
_TICK, _LATER = 1.0, 1.5
_FIRST_MINUTE = 60.0
# Of a deletion twice as often: that AWS has no such function is asked by ARN and by name, a second apart.
_DELETIONS = 0.5
_SHORTEST = 0.2  # from the end of one look to the next, however long it took
# How old AWS's answer may be where Kubernetes' side is not there yet: while AWS is at work, and while it is not.
_AT_WORK, _AT_REST = 5.0, 15.0
# What both sides say is told anyway.
_SAYS_NO_MORE = frozenset({FindingName.NOT_SYNCED_UNEXPLAINED, FindingName.UNREADABLE})
# How old may be what is known of the controller, the namespace and the role maps.
_AROUND = 20.0


def wait_for(
    means: Means, observer: Observer, namespace: str, name: str, goal: Goal, *, seconds: float, say: Say
) -> Waited:
    """Wait for a Function, at most so many seconds; 0: look once.

    Raises NotFound where there is no such object to begin with (but for `deleted`: that is reached), ClusterError where
    the API server refuses us, or is not there at the first look, and CloudError where AWS refuses us for good.
    """
    return _Wait(means, observer, namespace, name, goal, seconds, say).until_it_ends()


class _Wait:
    """One wait. Holds what was last seen, and when."""

    def __init__(
        self, means: Means, observer: Observer, namespace: str, name: str, goal: Goal, seconds: float, say: Say
    ) -> None:
        self._means = means
        self._observer = observer
        self._namespace, self._name = namespace, name
        self._goal = goal
        self._say = say
        self._began = means.clock.monotonic()
        self._deadline = self._began + seconds
        self._around: tuple[ControllerFacts, Identities] = (ControllerFacts(), Identities())
        self._around_at: float | None = None
        self._uid = self._version = ""
        self._as_it_is_since = self._began
        self._live: LiveState | None = None
        self._links: tuple[Link, ...] = ()
        self._asked_at = self._began
        self._sight: Sight | None = None
        self._verdict = Verdict("")
        self._said: dict[str, str] = {}

    def until_it_ends(self) -> Waited:
        clock = self._means.clock
        self._means.episodes.load(clock.now())
        while True:
            looked = clock.monotonic()
            if waited := self._look():
                return waited
            now = clock.monotonic()
            if now >= self._deadline:
                return self._timed_out()
            tick = _TICK if now - self._began < _FIRST_MINUTE else _LATER
            if self._goal.kind is GoalKind.DELETED:
                tick *= _DELETIONS
            clock.sleep(min(max(_SHORTEST, looked + tick - now), self._deadline - now))

    # ---- one look ------------------------------------------------------------------------------------------------

    def _look(self) -> Waited | None:
        try:
            resource = self._means.cluster.get(self._namespace, self._name)
        except NotFound as error:
            return self._absent(error)
        except ClusterError as error:
            if self._sight is None or isinstance(error, (Forbidden, Unauthorized)):
                raise
            self._tell("away", f"{error.message}; waiting goes on")
            return None
        self._said.pop("away", None)
        if self._uid and resource.metadata.uid != self._uid:
            if self._goal.kind is GoalKind.DELETED:
                return self._gone("deleted; another object of that name is there by now")
            self._tell("another", f"another object of that name is there by now (uid {resource.metadata.uid})")
            self._version = ""
        self._uid = resource.metadata.uid
        return self._judged(resource)

    def _judged(self, resource: Resource) -> Waited | None:
        """Judge what is there; an end is told only by an answer of AWS that is of this very look."""
        clock = self._means.clock
        moved = resource.metadata.resource_version != self._version
        if moved:
            self._version, self._as_it_is_since = resource.metadata.resource_version, clock.monotonic()
        self._look_around(resource)
        asked = self._is_due(resource, moved=moved)
        if asked:
            self._ask(resource)
        sight = self._take_in(resource)
        verdict = judge(self._goal, sight)
        if (verdict.ending or verdict.asks_aws) and not asked:
            self._ask(resource)
            sight = self._take_in(resource)
            verdict = judge(self._goal, sight)
        self._sight, self._verdict = sight, verdict
        if verdict.ending is None:
            self._refuse_to_wait_blindly(sight.live)
            self._tell("missing", "; ".join(sentences.both_sides(verdict.why, sight, short=True)))
            self._tell_finding(sight)
            return None
        return self._ended(verdict.ending, verdict.why, page=verdict.page)

    def _look_around(self, resource: Resource) -> None:
        now = self._means.clock.monotonic()
        if self._around_at is None or now - self._around_at >= _AROUND:
            controller = self._observer.controller(heartbeats([resource]))
            self._around = controller, self._observer.identities([resource], controller)
            self._around_at = now

    def _is_due(self, resource: Resource, *, moved: bool) -> bool:
        """Whether to ask AWS whatever Kubernetes' side says: something moved, or the last answer is old.

        What no controller has looked at, or nobody has deleted, is nothing to ask about, but where AWS alone tells.
        """
        if self._goal.kind is GoalKind.SETTLED:
            return True
        if not resource.conditions or (self._goal.kind is GoalKind.DELETED and not resource.deleting):
            return False
        if moved or self._live is None:
            return True
        at_work = self._live.busy or self._live.passing
        return self._means.clock.monotonic() - self._asked_at >= (_AT_WORK if at_work else _AT_REST)

    def _ask(self, resource: Resource) -> None:
        controller, known = self._around
        self._live = self._means.cloud.probe(resource, place(resource, known, controller))
        self._links = self._means.cluster.references(resource) if complaint(resource) else ()
        self._asked_at = self._means.clock.monotonic()

    def _take_in(self, resource: Resource) -> Sight:
        """Put together what is known at this moment; a finding is remembered, so that it has a beginning."""
        controller, known = self._around
        live = self._live or unreadable(NOT_ASKED, passing=True)
        seen = _since_the_change(self._observer.seen(resource, live, controller, known, links=self._links))
        finding = diagnose(seen)
        if finding is None:
            self._means.episodes.recovered(resource, seen.now)
        else:
            self._means.episodes.sighted(resource, finding, seen.now)
        now = seen.now - timedelta(seconds=self._means.cluster.skew() or 0.0)
        monotonic = self._means.clock.monotonic()
        watched = timedelta(seconds=monotonic - self._as_it_is_since)
        until = seen.now + timedelta(seconds=max(0.0, self._deadline - monotonic))
        return Sight(seen, finding, attention(resource, now, watched), until)

    def _refuse_to_wait_blindly(self, live: LiveState) -> None:
        """Give up where AWS will not answer: of a deletion Kubernetes tells the end, of all else AWS has to.

        Raises CloudError.
        """
        if live.present or live.gone or live.passing:
            return
        if self._goal.kind is GoalKind.DELETED:
            self._tell(
                "blind", f"AWS does not answer us, so that a refused deletion may look like a slow one: {live.why}"
            )
            return
        raise CloudError(
            self._masked(f"AWS does not answer us about function/{self._name}, and nothing else can tell: {live.why}"),
            hint="`remediator doctor` tells what is missing: credentials, a role (docs/aws-accounts.md), a right.",
        )

    # ---- what is told ----------------------------------------------------------------------------------------------

    def _tell(self, about: str, sentence: str) -> None:
        """Tell a sentence, unless it is what was last told about it."""
        if self._said.get(about) != sentence:
            self._said[about] = sentence
            self._say(self._masked(sentence))

    def _tell_finding(self, sight: Sight) -> None:
        finding = sight.finding
        if finding is None or (finding.name in _SAYS_NO_MORE and finding.state is State.WAITING):
            self._said.pop("finding", None)
            return
        healing = sentences.healing(finding, sight, sight.until)
        key = f"{finding.name} {finding.state} {'after' in healing}"
        if self._said.get("finding") != key:
            self._said["finding"] = key
            self._say(
                self._masked(f"{finding.name}, {finding.state}: {sentences.sentence(finding)} {healing}".rstrip())
            )

    def _masked(self, text: str) -> str:
        return mask(text, self._sight.seen.secrets) if self._sight else text

    # ---- how it ends -----------------------------------------------------------------------------------------------

    def _absent(self, error: NotFound) -> Waited:
        """End where there is no such object: never was, or no more."""
        if self._sight is not None:
            if self._goal.kind is GoalKind.DELETED:
                return self._gone("deleted")
            return self._ended(Ending.HOPELESS, "it is gone: somebody deleted it while it was waited for")
        if self._goal.kind is GoalKind.DELETED:
            return self._ended(Ending.REACHED, "there is no such object: deleted before, or never there")
        raise error

    def _gone(self, why: str) -> Waited:
        """End a deletion, with what is known of the function in AWS."""
        assert self._sight is not None  # it was seen, or nothing could be gone
        seen = self._sight.seen
        if seen.resource.arn is None:
            return self._ended(Ending.REACHED, f"{why}; it had no function in AWS, as far as its status told")
        if self._live is None or not self._live.gone:
            self._ask(seen.resource)
        assert self._live is not None
        seen = self._observer.seen(seen.resource, self._live, *self._around)
        return self._ended(
            Ending.REACHED, f"{why}; {sentences.fate(seen)}", seen=seen, warning=sentences.orphaned(seen)
        )

    def _timed_out(self) -> Waited:
        sight = self._sight
        assert sight is not None  # a first look that sees nothing ends it
        waited = format_duration(timedelta(seconds=self._deadline - self._began))
        away = f"; {self._said['away']}" if "away" in self._said else ""
        sides = "; ".join(sentences.both_sides(self._verdict.why, sight))
        found = ""
        if (finding := sight.finding) is not None:
            found = f". {finding.name}: {sentences.sentence(finding)} {sentences.healing(finding, sight)}".rstrip()
        return self._ended(Ending.TIMED_OUT, f"not {self._goal} after {waited}: {sides}{away}{found}")

    def _ended(
        self, ending: Ending, why: str, *, seen: Observation | None = None, page: str = "", warning: str = ""
    ) -> Waited:
        sight = self._sight
        seen = seen or (sight.seen if sight else None)
        return Waited(
            goal=self._goal,
            ending=ending,
            why=self._masked(why),
            seconds=self._means.clock.monotonic() - self._began,
            kubernetes=self._masked(sentences.kubernetes_says(sight)) if sight else "no such object",
            aws=self._masked(sentences.aws_says(seen)) if seen else "",
            seen=seen,
            finding=None if ending is Ending.REACHED or sight is None else sight.finding,
            page=page,
            warning=self._masked(warning),
        )


def _since_the_change(seen: Observation) -> Observation:
    """Let what was wrong before the last change not count: what is wrong since then has its own time to pass."""
    since, changed = seen.history.since, changed_at(seen.resource)
    if since is None or changed is None or changed <= since:
        return seen
    return replace(seen, history=replace(seen.history, since=changed))
