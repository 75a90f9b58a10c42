"""What is wrong with the controller, for all resources at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from remediator.diagnosis.controller_versions import bugs_of, newest_fix, parse_version
from remediator.diagnosis.error_text import is_busy
from remediator.diagnosis.naming import counted, naming
from remediator.model.cluster import ClusterFinding, ClusterFindingName
from remediator.model.cluster_facts import ClusterFacts
from remediator.model.controller import ControllerFacts, Health, Install
from remediator.model.finding import FindingName, State
from remediator.model.times import format_time

# What a controller that does not work shows as, on the resources.
_SILENCE = frozenset({FindingName.NEVER_RECONCILED, FindingName.CONTROLLER_SILENT, FindingName.DELETION_UNATTENDED})
# Once is chance; several at a time, or one again and again, is a pattern.
_REPEATED = 2
_MARGIN = timedelta(seconds=60)


def controller_down(facts: ClusterFacts) -> Iterator[ClusterFinding]:
    """Hold where no controller works, or none on some of the namespaces. Not while it restarts: that passes."""
    controller = facts.controller
    if controller.restarting:
        return
    if controller.health is Health.DOWN:
        yield _down(facts, facts.spaces, controller.why, controller.deployment, controller.version)
        return
    alive = [each for each in controller.installs if each.health is Health.ALIVE]
    for away in controller.installs if alive else ():
        left = _left_by(away, alive, facts.spaces)
        if left and away.health is Health.DOWN and not _attended(facts, left, away):
            yield _down(facts, left, away.why, away.deployment, away.version)


def _left_by(away: Install, alive: Sequence[Install], spaces: Collection[str]) -> frozenset[str]:
    """Name the namespaces that nobody else watches."""
    return frozenset(name for name in spaces if away.watches(name) and not any(each.watches(name) for each in alive))


def _attended(facts: ClusterFacts, spaces: Collection[str], away: Install) -> bool:
    """Whether somebody finished a pass there since, such as a controller outside the cluster."""
    latest = _last_pass(facts, spaces)
    return away.since is not None and latest is not None and latest > away.since + _MARGIN


def _last_pass(facts: ClusterFacts, spaces: Collection[str]) -> datetime | None:
    """Find the last one over Functions: another controller may be at work on other kinds."""
    beats = facts.heartbeats.in_namespace
    return max((beats[name] for name in spaces if name in beats), default=None)


def _down(
    facts: ClusterFacts, spaces: Collection[str], why: str, deployment: str | None, version: str | None
) -> ClusterFinding:
    results = [each for each in facts.results if each.seen.resource.metadata.namespace in spaces]
    silent = [each for each in results if each.finding and _SILENCE & {each.finding.name, *each.finding.also}]
    green = sum(each.state is State.HEALTHY for each in results)
    green += sum(count for well, count in facts.well.items() if well.namespace in spaces)
    explains = f"This explains {counted(len(silent), 'finding')}" if silent else "Nothing shows it yet"
    rest = f"; {green} more {'look' if green != 1 else 'looks'} healthy only because nobody looks" if green else ""
    return ClusterFinding(
        name=ClusterFindingName.CONTROLLER_DOWN,
        state=State.STUCK,
        summary=f"No ACK controller is at work: {why}. {explains}{rest}.",
        subject=f"deployment/{deployment}" if deployment else "",
        affected=len(silent),
        evidence=_said(
            version=version or "",
            lastPass=format_time(_last_pass(facts, spaces)) or "none",
            explains=naming(silent),
        ),
    )


def controller_version(facts: ClusterFacts) -> Iterator[ClusterFinding]:
    """Hold where a bug is known in the version that runs, and another version has its fix.

    A bug without one is told beside those: nobody could do anything about it by itself. Nothing is claimed of
    versions that are no released ones.
    """
    for text, subject in _versions(facts.controller).items():
        version = parse_version(text)
        bugs = bugs_of(version) if version else ()
        target = newest_fix(bugs)
        if not target:
            continue
        fixable = [each for each in bugs if each.fixed is not None]
        yield ClusterFinding(
            name=ClusterFindingName.CONTROLLER_VERSION,
            state=State.ADVISORY,
            summary=f"Version {text} of the controller has {counted(len(fixable), 'known bug')} that "
            f"{target} {'has' if len(fixable) == 1 else 'has all'} fixed, such as: {fixable[-1].symptom}.",
            subject=subject,
            evidence={
                each.reference: f"{each.symptom}; "
                + (f"fixed in {each.fixed}" if each.fixed else f"in every version up to {each.last}, at least")
                for each in bugs
            },
        )


def _versions(controller: ControllerFacts) -> dict[str, str]:
    """Collect the versions that work, with the first Deployment of each."""
    working = [each for each in controller.installs if each.health is Health.ALIVE] or controller.installs
    found: dict[str, str] = {}
    for each in working:
        found.setdefault(each.version or "", f"deployment/{each.deployment}")
    if not controller.installs and controller.version:
        found[controller.version] = ""
    return found


def controller_concurrency(facts: ClusterFacts) -> Iterator[ClusterFinding]:
    """Hold where several workers are at Functions at a time, and AWS refuses again and again as busy."""
    workers = facts.controller.concurrency
    busy = [each for each in facts.results if each.finding and is_busy(each.seen.resource.error_text)]
    again = any(each.seen.history.sightings >= _REPEATED for each in busy)
    if workers <= 1 or not busy or (len(busy) < _REPEATED and not again):
        return
    deployment = facts.controller.deployment
    yield ClusterFinding(
        name=ClusterFindingName.CONTROLLER_CONCURRENCY,
        state=State.ADVISORY,
        summary=f"The controller works on {workers} Functions at a time, and AWS refused "
        f"{counted(len(busy), 'resource')} as busy: one at a time meets fewer conflicts.",
        subject=f"deployment/{deployment}" if deployment else "",
        affected=len(busy),
        evidence=_said(workers=str(workers), busy=naming(busy)),
    )


def _said(**evidence: str) -> dict[str, str]:
    return {key: value for key, value in evidence.items() if value}
