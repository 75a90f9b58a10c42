"""What the remediator may do, and when: one YAML file, or the defaults.

The defaults read everything and change nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt

from remediator.model.finding import FindingName
from remediator.model.limits import Ceilings, Limits, Mode, Restarts
from remediator.model.plan import ActionName
from remediator.model.selection import Selection
from remediator.model.timeouts import Timeouts
from remediator.model.window import Windows
from remediator.policy.backups import BackupsSection, S3Section
from remediator.policy.schedule import Schedule
from remediator.policy.sections import (
    Actions,
    Attempts,
    Aws,
    Breaker,
    Budgets,
    Ceiling,
    Duration,
    Guard,
    LambdaCall,
    OrphansSection,
    Section,
    SelectionSection,
    TimeoutsSection,
    between,
    said,
)
from remediator.policy.webhook import WebhookSection
from remediator.policy.windows import WindowsSection

__all__ = ["Aws", "Breaker", "LambdaCall", "Mode", "Policy", "S3Section", "Schedule", "TimeoutsSection"]

_LIMITS = Limits()


class Policy(Section):
    """What ack-remediator may do, and when. Every key but apiVersion and kind may be left out."""

    api_version: Annotated[Literal["ack-remediator.dev/v1alpha1"], said("The version of this file.")] = (
        "ack-remediator.dev/v1alpha1"
    )
    kind: Annotated[Literal["Policy"], said("What this file is.")] = "Policy"
    mode: Annotated[
        Mode,
        said(
            "How far it may go. dry-run shows; approve proposes, and does what a person approves with `approve`, or at "
            "once with `run --approve`; auto acts by itself, within the ceilings below, and only where records outlive "
            "it. A flag can lower it."
        ),
    ] = Mode.DRY_RUN
    actions: Annotated[Actions, said("A ceiling per action: it lowers the mode, and never raises it.")] = Actions()
    findings: Annotated[
        dict[FindingName, Ceiling],
        said("A ceiling per finding, such as ControllerSilent: {mode: approve}. The lowest of all counts."),
    ] = Field(default_factory=dict)
    selection_section: Annotated[
        SelectionSection,
        said(
            "What may be acted on; all is reported. Namespaces kube-* and ack-system are left alone unless "
            "include.namespaces names them exactly.",
            alias="selection",
        ),
    ] = SelectionSection()
    budgets: Annotated[Budgets, said("How much may be done.")] = Budgets()
    breaker: Annotated[
        Breaker,
        said("When so many are stuck at once that it is an incident: then nothing is done one by one."),
    ] = Breaker()
    windows_section: Annotated[
        WindowsSection,
        said("When something may be begun; deny beats allow. All is reported at all times.", alias="windows"),
    ] = WindowsSection()
    attempts: Annotated[Attempts, said("How often an action is tried on a resource.")] = Attempts()
    sightings: Annotated[
        Annotated[StrictInt, Field(ge=1, le=5)],
        said("How many times in a row it must be found stuck. A person who approves at the terminal has looked."),
    ] = _LIMITS.sightings
    evidence_max_age: Annotated[
        Duration,
        between("90s", "1h"),
        said("How old evidence may be at the act. ClearFinalizer takes its proofs a minute apart."),
    ] = _LIMITS.evidence_max_age
    clock_skew: Annotated[
        Duration,
        between("1s", "1m"),
        said("How far our clock may be from the API server's before nothing is done that cannot be undone."),
    ] = _LIMITS.clock_skew
    guard: Annotated[Guard, said("Clusters where nothing is done without a person, even under mode: auto.")] = Guard()
    retention: Annotated[
        Duration, between("24h", "3650d"), said("How long what was seen and done is kept after it is resolved.")
    ] = timedelta(hours=168)
    events: Annotated[
        StrictBool,
        said(
            "Whether `run` and `daemon` tell what is new in Kubernetes Events beside each resource, for "
            "`kubectl describe`."
        ),
    ] = True
    webhook: Annotated[
        WebhookSection,
        said(
            "Where `run`, `daemon`, `release` and `clear-finalizer` tell what is new, beside the cluster: a chat, or a "
            "receiver of yours."
        ),
    ] = WebhookSection()
    aws: Annotated[Aws, said("How AWS is asked.")] = Aws()
    orphans: Annotated[
        OrphansSection, said("What `remediator orphans` knows functions by that the cluster has no object for.")
    ] = OrphansSection()
    backups: Annotated[
        BackupsSection,
        said("Where the whole object is saved before Release and ClearFinalizer: no backup, no act."),
    ] = BackupsSection()
    schedule: Annotated[
        Schedule,
        said("When `remediator daemon` makes a pass; a CronJob has its own schedule."),
    ] = Schedule()
    timeouts_section: Annotated[
        TimeoutsSection,
        said(
            "How long each kind of trouble may last before it counts as stuck: 90s, 15m, 2h, 7d or 1h30m.",
            alias="timeouts",
        ),
    ] = TimeoutsSection()

    @property
    def timeouts(self) -> Timeouts:
        return Timeouts(**dict(self.timeouts_section))

    @property
    def ceilings(self) -> Ceilings:
        actions = {
            ActionName.RESYNC: self.actions.resync.mode,
            ActionName.RELEASE: self.actions.release.mode,
            ActionName.CLEAR_FINALIZER: self.actions.clear_finalizer.mode,
            ActionName.RESTART_CONTROLLER: self.actions.restart_controller.mode,
        }
        return Ceilings(self.mode, actions, {name: each.mode for name, each in self.findings.items()})

    @property
    def restarts(self) -> Restarts:
        asked = self.actions.restart_controller
        return Restarts(interval=asked.min_interval, quota_time=asked.max_quota_time)

    @property
    def limits(self) -> Limits:
        return Limits(
            per_run=self.budgets.per_run,
            per_day=self.budgets.per_day,
            per_namespace=self.budgets.per_namespace,
            breaker_percent=self.breaker.percent,
            breaker_min_population=self.breaker.min_population,
            breaker_objects=self.breaker.objects,
            breaker_cool_down=self.breaker.cool_down,
            attempts=self.attempts.max,
            cool_down=self.attempts.cool_down,
            sightings=self.sightings,
            evidence_max_age=self.evidence_max_age,
            clock_skew=self.clock_skew,
        )

    @property
    def selection(self) -> Selection:
        section = self.selection_section
        return Selection(section.include.selector, section.exclude.selector)

    @property
    def windows(self) -> Windows:
        return self.windows_section.windows

    @property
    def acts_alone(self) -> bool:
        """Whether it lets anything go without a person.

        Only episodes that outlive the process make that safe: without them nobody knows what was tried an hour ago,
        or how much was done today.
        """
        ceilings = self.ceilings
        return any(ceilings.effective(action, finding) is Mode.AUTO for action in ActionName for finding in FindingName)

    def guards(self, places: Iterable[str]) -> str:
        """Say why a cluster is guarded, given what its context and its server are called; empty where it is not.

        A term counts as a whole word: `prod` is in `prod-eu1`, and not in `product`.
        """
        for place in places:
            if place in self.guard.allow:
                continue
            for term in self.guard.terms:
                if re.search(rf"(?<![a-z0-9]){re.escape(term.lower())}(?![a-z0-9])", place.lower()):
                    return f"{place} is guarded by the word {term}"
        return ""
