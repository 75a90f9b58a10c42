"""What a page shows of a scan and of the records: the sentences that `scan`, `explain` and `history` print."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from remediator import __version__
from remediator.cli import explanation, timeline
from remediator.cli.names import typed
from remediator.cli.report import (
    WORST_FIRST,
    controller_sentence,
    foreign,
    held_off,
    leftovers,
    place,
    sentence,
    totals,
)
from remediator.cli.standing import phase_now, said
from remediator.kubernetes.home import USUAL_HOME
from remediator.model.cluster import ClusterFinding, ClusterFindingName
from remediator.model.controller import ControllerFacts
from remediator.model.episode import Phase
from remediator.model.finding import Finding
from remediator.model.limits import Mode
from remediator.model.record import Record
from remediator.model.resource import Ref
from remediator.model.scan import Judged, Scan
from remediator.page.values import ClusterItem, Command, Ended, Fact, GateRow, Item, Page, Section
from remediator.policy import Policy

# More than that nobody reads, and a browser would have to draw; the totals count them all.
MOST = 1000
MOST_ENDED = 50

_MODES = {
    Mode.DRY_RUN: "dry-run: it shows, and changes nothing",
    Mode.APPROVE: "approve: it does what a person approves",
    Mode.AUTO: "auto: it does by itself what the policy allows",
}


class Where(Struct, frozen=True):
    """Which cluster, and how much of it; `flags` are those that another command needs to look at the same."""

    context: str
    scope: str
    flags: str
    home: str = USUAL_HOME

    @property
    def at_home(self) -> str:
        """The flag that a command about records needs, with a space before it."""
        return "" if self.home == USUAL_HOME else f" --home-namespace {shlex.quote(self.home)}"


class Look(Struct, frozen=True):
    """What one pass saw, as far as a page shows it: nothing healthy is kept.

    `fleeting` says why records die with this process; empty where they are stored.
    """

    at: datetime
    totals: str
    counts: tuple[tuple[str, int], ...]
    unwell: tuple[Judged, ...]
    asides: tuple[str, ...]
    partial: tuple[str, ...]
    troubles: tuple[str, ...]
    cluster: tuple[ClusterFinding, ...]
    controller: ControllerFacts
    unknown: tuple[str, ...]
    mode: Mode
    fleeting: str = ""

    @property
    def takes_words(self) -> bool:
        """Whether an approval that is written into a record counts."""
        unguarded = any(each.name is ClusterFindingName.APPROVALS_UNGUARDED for each in self.cluster)
        return not (self.fleeting or unguarded)


def look(scan: Scan, policy: Policy, fleeting: str = "") -> Look:
    """Keep of a scan what a page needs."""
    return Look(
        at=scan.started,
        totals=totals(scan),
        counts=tuple((state.value, scan.count(state)) for state in WORST_FIRST if scan.count(state)),
        unwell=tuple(
            sorted(
                (each for each in scan.results if each.finding),
                key=lambda each: (WORST_FIRST.index(each.state), *each.seen.resource.ref[:2], each.seen.resource.kind),
            )
        ),
        asides=(*held_off(scan, policy.windows), *foreign(scan), *leftovers(scan)),
        partial=scan.partial,
        troubles=tuple(dict.fromkeys(scan.records)),
        cluster=scan.cluster,
        controller=scan.controller,
        unknown=scan.unknown,
        mode=policy.mode,
        fleeting=fleeting,
    )


def page(
    seen: Look,
    records: Sequence[Record],
    where: Where,
    now: datetime,
    *,
    warnings: Sequence[str] = (),
    live: bool = False,
) -> Page:
    """Put a look and what is recorded into the values of a page, as it is read at `now`."""
    known = {each.ref.uid: each for each in records}
    shown = seen.unwell[:MOST]
    present = {each.seen.resource.ref.uid for each in seen.unwell}
    ended = sorted(
        (_ended(each, now) for each in records if _is_over(each) and each.ref.uid not in present),
        key=lambda each: each.at,
        reverse=True,
    )
    return Page(
        place=where.context,
        scope=where.scope,
        version=__version__,
        now=now,
        looked=seen.at,
        mode=_MODES[seen.mode],
        warnings=(*warnings, *(f"not seen: {each}" for each in seen.partial), *seen.troubles),
        totals=seen.totals,
        counts=seen.counts,
        controller=controller_sentence(seen.controller),
        notes=(*(f"not known: {each}" for each in seen.unknown), *seen.asides),
        cluster=[_cluster(each) for each in seen.cluster],
        items=[_item(each, known, where, seen, now) for each in shown],
        left_out=_more(len(seen.unwell) - MOST, f"remediator scan {where.flags}"),
        ended=ended[:MOST_ENDED],
        ended_left_out=_more(len(ended) - MOST_ENDED, f"remediator list {where.flags} --all{where.at_home}"),
        unwell=len(seen.unwell),
        live=live,
    )


def nothing_yet(where: Where, now: datetime, warnings: Sequence[str]) -> Page:
    """Say why nothing is shown, where nothing was looked at."""
    return Page(
        place=where.context, scope=where.scope, version=__version__, now=now, warnings=tuple(warnings), live=True
    )


def anchor(ref: Ref) -> str:
    """Name what links lead to: the same for one resource on every page, and harmless in an attribute."""
    return f"r-{hashlib.sha256('/'.join(ref).encode('utf-8', 'replace')).hexdigest()[:12]}"


def _item(judged: Judged, known: Mapping[str, Record], where: Where, seen: Look, now: datetime) -> Item:
    finding, decision, ref = judged.finding, judged.decision, judged.seen.resource.ref
    assert finding is not None
    record = known.get(ref.uid)
    verdicts = decision.verdicts if decision else ()
    sections = [Section(heading, facts) for heading, facts in explanation.sections(finding)]
    if links := explanation.linked(judged.seen):
        sections.append(Section("References", [(name.strip(), said) for name, said in links]))
    past = timeline.past(record) if record else []
    return Item(
        anchor=anchor(ref),
        title=typed(ref),
        namespace=ref.namespace,
        name=ref.name,
        finding=finding.name.value,
        state=finding.state.value,
        said=sentence(judged, now),
        since=finding.since if finding.since < judged.seen.now else None,
        decision=decision.kind.value if decision else "not decided",
        remedy=explanation.remedy(judged) if decision else "",
        facts=list(_facts(judged, finding, record, now)),
        hints=judged.plan.notes if judged.plan else (),
        word=said(record, now) if record and record.episode else "",
        commands=list(_commands(judged, record, where, seen, now)),
        sections=sections,
        gates=[GateRow(each.ruling.value, each.gate, each.reason) for each in verdicts],
        timeline=[*past, *timeline.ahead(record, finding, now)],
    )


def _facts(judged: Judged, finding: Finding, record: Record | None, now: datetime) -> Iterator[Fact]:
    if finding.stuck_at is not None:
        yield "stuck from" if finding.stuck_at > now else "stuck since", finding.stuck_at
    if finding.self_heals_at is None:
        yield "heals by itself", "nothing says that it will"
    elif finding.self_heals_at > now:
        yield "heals by itself by", finding.self_heals_at
    else:
        yield "was to heal by", finding.self_heals_at
    account, region = place(judged)
    if account or region:
        yield "account", ", ".join(each for each in (account, region) if each)
    if finding.also:
        yield "also holds", ", ".join(finding.also)
    if judged.plan is not None:
        yield "proposal", judged.plan.proposal_id
    if record and record.episode and record.phase:  # else no run wrote it down, and nobody waits for anything
        yield "phase", phase_now(record, now).value


def _commands(judged: Judged, record: Record | None, where: Where, seen: Look, now: datetime) -> Iterator[Command]:
    """List what a person can type next. Names are quoted: they are checked by the API server alone."""
    ref = judged.seen.resource.ref
    named = f"{shlex.quote(typed(ref))} -n {shlex.quote(ref.namespace)}"
    yield Command("all that is known of it, looked up anew", f"remediator explain {named}{where.at_home}")
    if judged.plan is not None and judged.decision and judged.decision.awaits_person:
        proposal = judged.plan.proposal_id
        if not seen.takes_words:
            once = f"remediator run {where.flags} --approve --proposal {proposal}"
            yield Command("approve, and do it at once", once)
        else:
            yield Command("approve, for a day", f"remediator approve {proposal}{where.at_home}")
            yield Command("reject", f"remediator reject {proposal} --reason '…'{where.at_home}")
    for remedy, command in explanation.on_request(judged):
        yield Command(f"{remedy}, only if you ask for it", command)
    if record and record.episode and phase_now(record, now) is Phase.QUARANTINED:
        yield Command("let it be tried again", f"remediator quarantine release {named} --reason '…'{where.at_home}")
    if judged.finding:
        yield Command("what the finding means, and what to do", f"remediator findings {judged.finding.name}")


def _is_over(record: Record) -> bool:
    return record.episode is not None and record.episode.resolved_at is not None


def _ended(record: Record, now: datetime) -> Ended:
    episode = record.episode
    assert episode is not None and episode.resolved_at is not None
    told = timeline.past(record)
    last = next(each for each in reversed(told) if each.at == episode.resolved_at)
    found = max(episode.findings, key=lambda each: each.last_seen, default=None)
    return Ended(
        anchor=anchor(record.ref),
        title=typed(record.ref),
        namespace=record.ref.namespace,
        finding=found.name.value if found else "Unwell",
        said=" ".join(last.sentences),
        at=episode.resolved_at,
        timeline=told,
    )


def _cluster(each: ClusterFinding) -> ClusterItem:
    about = {"about": each.subject} if each.subject else {}
    return ClusterItem(
        name=each.name.value, state=each.state.value, said=each.summary, facts=list((about | each.evidence).items())
    )


def _more(count: int, command: str) -> str:
    return f"{count} more are not on this page: {command}" if count > 0 else ""
