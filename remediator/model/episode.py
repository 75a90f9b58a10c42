"""One unhealthy spell of one resource, from first seen to resolved, and what was tried in it.

Values and pure steps from one to the next; stored as the status of a `Remediation`. The clock of a spell belongs to
the uid: it survives a change of finding (409, checksum and conflict flip into each other) and a single clean sighting.
Nothing in it grows without bound: lists and texts have limits, which the CustomResourceDefinition repeats.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count

import msgspec
from msgspec import Struct

from remediator.model.attempt import LONGEST_EVIDENCE, Answered, Attempt, text_of
from remediator.model.attempt import begun as attempt_begun
from remediator.model.decision import DecisionKind, Verdict
from remediator.model.finding import Finding, FindingName, State
from remediator.model.plan import ActionName, Plan, Result
from remediator.model.word import SKEW, Approval, Rejection, Release

# The API group of what stores it.
RECORDS_GROUP = "ack-remediator.dev"
# Attempts, cool-down and quarantine look back this far, across spells.
MEMORY = timedelta(hours=24)
# An attempt without a result is under way for as long as one can take, and then its process was killed.
UNDER_WAY_LASTS = timedelta(minutes=10)
CLEAN_SIGHTINGS = 2
SIGHTINGS_COUNTED = 5
FINDINGS_KEPT = 8
ATTEMPTS_KEPT = 20
EVIDENCE_KEPT = 24
VERDICTS_KEPT = 40
# A sighting alone is written down no more often than this.
REFRESHED_EVERY = timedelta(minutes=10)

_EFFECT_DUE = timedelta(seconds=60)
# What a Resync leaves in metadata.generation: one for putting `publish` in, one for taking it out.
_RESYNC_BUMPS = 2


class Phase(StrEnum):
    """Where an episode stands, in one word for people and kubectl."""

    WATCHING = "Watching"
    AWAITING_APPROVAL = "AwaitingApproval"
    APPROVED = "Approved"
    ACTING = "Acting"
    VERIFYING = "Verifying"
    RESOLVED = "Resolved"
    QUARANTINED = "Quarantined"


class ResolvedBy(StrEnum):
    """Whose doing it was that nothing is wrong any more."""

    US = "us"
    ITSELF = "itself"
    USER = "user"
    DELETED = "deleted"


class Sighted(Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """One finding of a spell: since when it holds, how often and when it was last seen.

    `missed`: sightings without it since; `seen` stops at SIGHTINGS_COUNTED. A mere consequence has no state.
    """

    name: FindingName
    since: datetime
    last_seen: datetime
    seen: int = 1
    missed: int = 0
    state: State | None = None
    summary: str = ""
    self_heals_at: datetime | None = None
    evidence: dict[str, str] = {}


class Proposed(Struct, frozen=True, rename="camel"):
    """What would be done, by whose digest a person approves it."""

    action: ActionName
    digest: str
    summary: str
    at: datetime


class Judgement(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What one gate, or one need of the action, said when it was last decided."""

    gate: str
    ruling: str
    reason: str = ""


class Episode(Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """What is known of one resource's spell, and of the one before as far as attempts count.

    `unhealthy_since` is the earliest that evidence tells, `first_seen` when we saw it first; `sightings` in a row,
    up to SIGHTINGS_COUNTED; `clean` ones since; `generation` at the first. `incident_at` is when so many resources were
    last unwell at once that it was an incident: this episode is one of them, and keeps it for all.
    """

    unhealthy_since: datetime
    first_seen: datetime
    last_seen: datetime
    sightings: int = 1
    clean: int = 0
    generation: int = 0
    findings: tuple[Sighted, ...] = ()
    proposal: Proposed | None = None
    decision: DecisionKind | None = None
    verdicts: tuple[Judgement, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    released_at: datetime | None = None
    incident_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: ResolvedBy | None = None

    @property
    def finding(self) -> Sighted | None:
        """The root finding at the last sighting."""
        return next((each for each in self.findings if not each.missed), None)

    @property
    def under_way(self) -> Attempt | None:
        """The attempt that has no result yet."""
        return next((each for each in self.attempts if each.result is None), None)

    def counted(self, action: ActionName, now: datetime) -> tuple[Attempt, ...]:
        """List the attempts at an action that count against it: of the last day, since it last helped or was released.

        What was skipped was no attempt. A success starts the count anew (argoproj/argo-cd#21599: a counter that
        outlives success makes the next repair wait its longest).
        """
        counted: list[Attempt] = []
        for each in self.attempts:
            if each.action is not action or each.result is Result.SKIPPED:
                continue
            if each.result is Result.RESOLVED:
                counted.clear()
            elif now - each.intended < MEMORY and (self.released_at is None or each.intended > self.released_at):
                counted.append(each)
        return tuple(counted)

    def quarantined(self, max_attempts: int, now: datetime) -> bool:
        """Whether what is proposed, or where nothing is, any action, was tried as often as it may be."""
        actions = [self.proposal.action] if self.proposal else list(ActionName)
        return any(len(self.counted(each, now)) >= max_attempts for each in actions)

    def approved(self, approval: Approval | None, now: datetime) -> bool:
        """Whether a person's word covers what is proposed; a word of an earlier spell does not."""
        if self.proposal is None or approval is None or not approval.covers(self.proposal.digest, now):
            return False
        return approval.at is not None and approval.at + SKEW >= self.first_seen

    def resync_without_effect(self, now: datetime) -> bool:
        """Whether a Resync of this spell, accepted long enough ago, changed nothing."""
        return any(
            each.action is ActionName.RESYNC
            and each.result in (Result.STILL_STUCK, Result.UNKNOWN)
            and each.accepted is not None
            and now - each.accepted >= _EFFECT_DUE
            for each in self._of_this_spell
        )

    @property
    def _of_this_spell(self) -> tuple[Attempt, ...]:
        return tuple(each for each in self.attempts if each.intended >= self.first_seen)


def phase(
    episode: Episode,
    approval: Approval | None,
    max_attempts: int,
    now: datetime,
    *,
    rejection: Rejection | None = None,
) -> Phase:
    """Say where an episode stands. What a person rejected is watched on, until something else is proposed."""
    if episode.resolved_at is not None:
        return Phase.RESOLVED
    if episode.under_way is not None:
        return Phase.ACTING if episode.under_way.accepted is None else Phase.VERIFYING
    if episode.quarantined(max_attempts, now):
        return Phase.QUARANTINED
    if episode.proposal is None or (rejection is not None and rejection.covers(episode.proposal.digest)):
        return Phase.WATCHING
    return Phase.APPROVED if episode.approved(approval, now) else Phase.AWAITING_APPROVAL


def sighted(before: Episode | None, finding: Finding, at: datetime, *, generation: int = 0) -> Episode:
    """Note that a resource is unwell. A resolved episode begins a new spell and keeps its attempts."""
    if before is None or before.resolved_at is not None:
        return Episode(
            unhealthy_since=min(finding.since, at),
            first_seen=at,
            last_seen=at,
            generation=generation,
            findings=_followed((), finding, at),
            attempts=tuple(each for each in before.attempts if at - each.intended < MEMORY) if before else (),
            released_at=before.released_at if before else None,
            incident_at=before.incident_at if before else None,
        )
    again = at == before.last_seen  # the same sighting, told twice
    return msgspec.structs.replace(
        before,
        unhealthy_since=min(before.unhealthy_since, finding.since),
        last_seen=max(at, before.last_seen),
        sightings=before.sightings if again else min(before.sightings + 1, SIGHTINGS_COUNTED),
        clean=0,
        findings=before.findings if again else _followed(before.findings, finding, at),
    )


def unseen(at: datetime) -> Episode:
    """Begin the episode of what is acted on and was never noted to be unwell."""
    return Episode(unhealthy_since=at, first_seen=at, last_seen=at, sightings=0)


def clean(before: Episode, at: datetime, *, generation: int = 0) -> Episode:
    """Note that nothing was wrong: once is luck, twice in a row is recovery."""
    if before.resolved_at is not None or at == before.last_seen:
        return before
    noted = msgspec.structs.replace(before, clean=before.clean + 1, sightings=0, last_seen=max(at, before.last_seen))
    return noted if noted.clean < CLEAN_SIGHTINGS else resolved(noted, at, _healer(noted, generation))


def resolved(before: Episode, at: datetime, by: ResolvedBy | None) -> Episode:
    """End the spell; by None: nothing was unwell, and an act alone is over.

    Its proposal goes with it: an approval must not outlive what it was for.
    """
    if before.resolved_at is not None:
        return before
    return msgspec.structs.replace(
        before, clean=0, sightings=0, proposal=None, decision=None, verdicts=(), resolved_at=at, resolved_by=by
    )


def proposed(before: Episode, plan: Plan | None, at: datetime) -> Episode:
    """Note what would be done now. The same digest keeps its time; None withdraws the proposal."""
    if plan is None or before.resolved_at is not None:
        return msgspec.structs.replace(before, proposal=None)
    if before.proposal is not None and before.proposal.digest == plan.digest:
        return before
    return msgspec.structs.replace(before, proposal=Proposed(plan.action, plan.digest, text_of(plan.summary), at))


def judged(before: Episode, verdicts: Iterable[Verdict], decision: DecisionKind | None = None) -> Episode:
    """Note what was decided, and what each gate said of the action that would help; nothing, where no action would."""
    said = () if before.resolved_at is not None else tuple(verdicts)[:VERDICTS_KEPT]
    noted = (Judgement(each.gate, each.ruling.value, text_of(each.reason, LONGEST_EVIDENCE)) for each in said)
    kind = None if before.resolved_at is not None else decision
    return msgspec.structs.replace(before, decision=kind, verdicts=tuple(noted))


def intended(
    before: Episode,
    plan: Plan,
    at: datetime,
    by: str,
    approved_by: str = "",
    backup: str = "",
    *,
    user: str = "",
    version: str = "",
) -> Episode:
    """Write down what is about to be done, before the first write; once, however often it is told.

    Only one attempt is ever under way. An older one without a result is of a process that was killed.
    """
    begun = before.under_way
    if begun is not None and (begun.digest, begun.intended) == (plan.digest, at):
        return before
    killed = "its process ended before anyone saw what came of it"
    attempts = [
        each
        if each.result is not None
        else msgspec.structs.replace(each, result=Result.UNKNOWN, detail=killed, concluded=at)
        for each in before.attempts
    ]
    taken = {each.id for each in attempts}
    ident = next(name for number in count(1) if (name := f"{plan.proposal_id}-{number}") not in taken)
    attempts.append(
        attempt_begun(plan, ident, at, by=by, approved_by=approved_by, backup=backup, user=user, version=version)
    )
    return msgspec.structs.replace(before, attempts=_bounded(attempts))


def accepted(before: Episode, attempt: str, at: datetime, answer: Answered | None = None) -> Episode:
    """Write down that the API server took the first write of an attempt, and how the object was then, if it said."""
    attempts = tuple(
        msgspec.structs.replace(each, accepted=at, answer=answer)
        if each.id == attempt and each.accepted is None
        else each
        for each in before.attempts
    )
    return msgspec.structs.replace(before, attempts=attempts)


def concluded(
    before: Episode,
    attempt: str,
    result: Result,
    detail: str,
    at: datetime,
    *,
    accepted: datetime | None = None,
    backup: str = "",
    orphan: str = "",
) -> Episode:
    """Write down what came of an attempt; one that has a result already keeps it."""
    attempts = tuple(
        msgspec.structs.replace(
            each,
            result=result,
            detail=text_of(detail),
            concluded=at,
            accepted=accepted or each.accepted,
            backup=text_of(backup or each.backup),
            orphan=text_of(orphan or each.orphan),
        )
        if each.id == attempt and each.result is None
        else each
        for each in before.attempts
    )
    return msgspec.structs.replace(before, attempts=attempts)


def incident(before: Episode, at: datetime) -> Episode:
    """Note, on behalf of all, that so many are unwell at once that it is an incident."""
    return msgspec.structs.replace(before, incident_at=at)


def released(before: Episode, release: Release | None) -> Episode:
    """Let a resource out of quarantine, as often as a person says so anew; a word without a date says nothing."""
    if release is None or release.at is None or (before.released_at is not None and release.at <= before.released_at):
        return before
    return msgspec.structs.replace(before, released_at=release.at)


def worth_writing(old: Episode | None, new: Episode) -> bool:
    """Whether the stored episode has to follow: another class of situation, or not refreshed for ten minutes."""
    return old is None or _class(old) != _class(new) or new.last_seen - old.last_seen > REFRESHED_EVERY


def _class(of: Episode) -> tuple[object, ...]:
    """Leave out what moves at every sighting: times, texts, evidence.

    The decision, too: it is another one only where finding or verdicts are, and an older definition drops it.
    """
    return (
        of.unhealthy_since,
        of.first_seen,
        of.finding and of.finding.name,
        {(each.name, each.state) for each in of.findings},
        of.proposal,
        [(each.gate, each.ruling) for each in of.verdicts],
        of.attempts,
        of.sightings,
        of.clean,
        of.released_at,
        of.incident_at,
        of.resolved_at,
        of.resolved_by,
    )


def _followed(before: tuple[Sighted, ...], finding: Finding, at: datetime) -> tuple[Sighted, ...]:
    """Carry each finding's own clock on; one that was missed twice in a row begins anew when it comes back."""
    known = {each.name: each for each in before}
    root = _counted_on(known.get(finding.name), finding.name, at)
    now = [
        msgspec.structs.replace(
            root,
            since=min(root.since, finding.since),
            state=finding.state,
            summary=text_of(finding.summary),
            self_heals_at=finding.self_heals_at,
            evidence=_evidence(finding.evidence),
        )
    ]
    others = [each for each in dict.fromkeys(finding.also) if each is not finding.name]
    now += [_counted_on(known.get(name), name, at) for name in others]
    seen = {each.name for each in now}
    missed = [
        msgspec.structs.replace(each, missed=each.missed + 1)
        for each in before
        if each.name not in seen and each.missed + 1 < CLEAN_SIGHTINGS
    ]
    return (*now, *missed)[:FINDINGS_KEPT]


def _counted_on(known: Sighted | None, name: FindingName, at: datetime) -> Sighted:
    if known is None:
        return Sighted(name=name, since=at, last_seen=at)
    return Sighted(name=name, since=known.since, last_seen=at, seen=min(known.seen + 1, SIGHTINGS_COUNTED))


def _bounded(attempts: list[Attempt]) -> tuple[Attempt, ...]:
    """Forget the oldest beyond the limit, what was skipped first: it must not push out what counts."""
    while len(attempts) > ATTEMPTS_KEPT:
        skipped = (each for each in attempts if each.result is Result.SKIPPED)
        attempts.remove(next(skipped, attempts[0]))
    return tuple(attempts)


def _evidence(evidence: dict[str, str]) -> dict[str, str]:
    kept = list(evidence.items())[:EVIDENCE_KEPT]
    return {key: text_of(value, LONGEST_EVIDENCE) for key, value in kept}


def _healer(before: Episode, generation: int) -> ResolvedBy:
    """Say whose doing a recovery was: ours where our last act was not seen to fail, a user's where the spec changed."""
    ours = [each for each in before._of_this_spell if each.accepted is not None]
    if ours and ours[-1].result is not Result.STILL_STUCK:
        return ResolvedBy.US
    bumps = _RESYNC_BUMPS * sum(each.action is ActionName.RESYNC for each in ours)
    if generation and before.generation and generation > before.generation + bumps:
        return ResolvedBy.USER
    return ResolvedBy.ITSELF
