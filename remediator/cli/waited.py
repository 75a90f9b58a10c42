"""How waiting is told: what changes, as it does, on stderr, and the last word on stdout."""

from __future__ import annotations

from datetime import timedelta

from remediator.cli import documents
from remediator.cli.options import Output
from remediator.cli.render import STATE_STYLES, console, narration
from remediator.model.finding import Finding, State
from remediator.model.times import format_time
from remediator.ports import Clock
from remediator.waiting import Ending, Goal, Waited

EXIT_CODES = {Ending.REACHED: 0, Ending.HOPELESS: 3, Ending.TIMED_OUT: 124}
STYLES = {
    Ending.REACHED: STATE_STYLES[State.HEALTHY.value],
    Ending.HOPELESS: STATE_STYLES[State.STUCK.value],
    Ending.TIMED_OUT: STATE_STYLES[State.WAITING.value],
}


class Telling:
    """Tells of one wait. Each line is whole when it is written, for logs that nobody watches as they grow."""

    def __init__(self, clock: Clock, context: str, namespace: str, name: str) -> None:
        self._clock = clock
        self._context = context
        self._namespace = namespace
        self._name = name
        self._aside = narration()
        self._opening = ""

    def begin(self, goal: Goal, timeout: timedelta) -> None:
        """Note what is waited for, and until when: to be said where one look is not the end of it."""
        until = format_time(self._clock.now() + timeout)
        place = f"{self._namespace} ({self._context})"
        self._opening = f"waiting for function/{self._name} in {place}: {goal}, until {until}"

    def progress(self, sentence: str) -> None:
        """Say what changed, and when."""
        said, self._opening = (self._opening, sentence), ""
        for each in filter(None, said):
            self._aside.hanging(f"{self._clock.now():%H:%M:%SZ}  ", each)

    def end(self, waited: Waited, output: Output) -> None:
        """Tell the last word."""
        if waited.warning:
            self._aside.hanging("warning: ", waited.warning, style="bold yellow")
        if output.for_machines:
            documents.write(self._document(waited), output)
            return
        page = console(whole=output is Output.WIDE)
        page.hanging(f"function/{self._name}: ", self._last_word(waited), style=STYLES[waited.ending])
        if waited.page:
            page.line(f"Runbook: remediator findings {waited.page}")
        if waited.ending is not Ending.REACHED and waited.seen is not None:
            page.line(f"More:    remediator explain function/{self._name} -n {self._namespace}")

    def _last_word(self, waited: Waited) -> str:
        if waited.ending is Ending.HOPELESS:
            named = f"{waited.finding.name}: " if waited.finding and waited.page == waited.finding.name else ""
            return f"waiting does not help. {named}{waited.why}"
        return waited.why

    def _document(self, waited: Waited) -> documents.Document:
        seen = waited.seen
        resource = seen.resource if seen else None
        return {
            "schemaVersion": documents.SCHEMA_VERSION,
            "kind": "Function",
            "namespace": self._namespace,
            "name": self._name,
            "uid": resource.metadata.uid if resource else None,
            "for": str(waited.goal),
            "result": waited.ending.value,
            "message": waited.why,
            "warning": waited.warning or None,
            "seconds": round(waited.seconds, 1),
            "generation": resource.metadata.generation if resource else None,
            "heartbeat": format_time(resource.heartbeat) if resource else None,
            "kubernetes": waited.kubernetes,
            "aws": waited.aws or None,
            "runbook": waited.page or None,
            "finding": finding_document(waited.finding),
        }


def finding_document(finding: Finding | None) -> documents.Document | None:
    """Build what is wrong, in the words of `explain`'s document."""
    if finding is None:
        return None
    return {
        "finding": finding.name.value,
        "state": finding.state.value,
        "summary": finding.summary,
        "since": format_time(finding.since),
        "stuckAt": format_time(finding.stuck_at),
        "selfHealsAt": format_time(finding.self_heals_at),
        "remedy": finding.remedy.value,
        "also": [each.value for each in finding.also],
        "evidence": finding.evidence,
    }
