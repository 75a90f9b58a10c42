"""One `run`: scan, show, ask, act, tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import chain

from remediator import unattended
from remediator.cli import documents, report, tables
from remediator.cli.consent import Ask, confirm, confirm_orphan
from remediator.cli.leaving import offer
from remediator.cli.options import Output
from remediator.cli.render import Page, narration
from remediator.cli.wiring import Wired
from remediator.errors import ClusterError, NotSeen, PolicyError, RemediatorError, UsageError
from remediator.gates import owners
from remediator.model.decision import Overrides
from remediator.model.plan import ActionName, Outcome, Plan, Result
from remediator.model.scan import Judged, Scan
from remediator.policy import Mode
from remediator.scan import Requests

_DONE, _HELD_BACK, _PARTIAL = 0, 4, 5
_SECONDS_TO_EFFECT = 61.0


class Session:
    """One run against one cluster."""

    def __init__(
        self,
        wired: Wired,
        *,
        output: Output = Output.TABLE,
        may_write: bool = True,
        ask: Ask | None = None,
        overrides: Overrides | None = None,
        requested: Requests | None = None,
    ) -> None:
        self._wired = wired
        self._ask_person = ask
        self._output = output
        self._may_write = may_write
        self._overrides = overrides or Overrides()
        self._requested = requested or {}
        self._aside: Page = narration()

    def unattended(self) -> int:
        """Make a pass that acts on what a person approved before, or what the policy lets go by itself."""
        acts = self._may_write and unattended.acts(self._wired.policy)
        scan = self._scan(tidy=acts)
        if not self._output.for_machines:
            self._show(scan, actionable=False)
        self._record(scan)
        if acts:
            self._refuse_to_forget()
        begun = self._wired.work.proceed(scan, self._aside.line) if acts else ()
        outcomes = tuple(self._told(self._counted(begun, self._wired.policy.mode)))
        self._write_document(scan, outcomes if acts else None)
        if scan.ready and not acts:
            self._announce(scan.ready)
        waiting = [each for each in scan.proposals if each not in scan.ready]
        if waiting:
            done = "" if outcomes or scan.ready else "Nothing was changed. "
            self._aside.line(f"{done}Approve with: remediator run {self._wired.scope_flags} --approve")
            self._tell_plan(waiting)
        unknown = any(each.result is Result.UNKNOWN for each in outcomes)
        return _PARTIAL if scan.partial or unknown else _DONE

    def approve(self, named: frozenset[str]) -> int:
        """Act on what a person approves: the named proposals, or, on a terminal, all that are shown."""
        scan = self._scan(tidy=True)
        if not self._output.for_machines:
            self._show(scan, actionable=True)
        self._record(scan)
        outcomes = self._act(scan, scan.proposals, named)
        if not named and _worth_another_round(scan, outcomes):
            self._aside.line("Some are still held. Looking again in a minute, for what can be done next.")
            self._wired.means.clock.sleep(_SECONDS_TO_EFFECT)
            scan = self._scan(tidy=True)
            done = {each.proposal_id for each in outcomes}
            again = [each for each in scan.proposals if each.plan and each.plan.proposal_id not in done]
            outcomes += self._act(scan, again, named, before=outcomes)
        self._write_document(scan, outcomes)
        return self._exit_code(scan, outcomes, named)

    def release(self, namespace: str, name: str, orphan: str | None) -> int:
        """Let one object go and keep its function, once a person names it; `orphan` is the name, None: ask for it."""
        scan, plan = self._asked_for(namespace, name, ActionName.RELEASE)
        if plan is None:
            return _HELD_BACK
        self._tell_place(f"1 action, and an orphan in AWS: {plan.resource.arn_text}")
        confirm_orphan(plan.resource.function_name, orphan, self._ask_person)
        return self._done(scan, plan)

    def clear_finalizer(self, namespace: str, name: str, context: str | None) -> int:
        """Remove ACK's finalizer from one object, once a person says where; `context` None: ask for it."""
        scan, plan = self._asked_for(namespace, name, ActionName.CLEAR_FINALIZER)
        if plan is None:
            return _HELD_BACK
        self._tell_place("1 action, which cannot be undone")
        confirm(self._wired.connection.context, context, "nothing was changed", self._ask_person)
        return self._done(scan, plan)

    def _asked_for(self, namespace: str, name: str, action: ActionName) -> tuple[Scan, Plan | None]:
        """Look, and tell the plan of what a person asks for; None, and why, where it is not for this object now."""
        scan = self._scan(tidy=True)
        self._record(scan)
        report.tell_partial(scan, self._aside)
        judged = self._found(scan, namespace, name)
        plan = judged.plan
        if plan is None or plan.action is not action:
            said = f"it is {judged.finding.name}: {judged.finding.summary}" if judged.finding else "nothing is wrong."
            self._aside.line(f"{action} is not for function/{name} now: {said}")
            self._aside.line(f"`remediator explain function/{name} -n {namespace}` tells more.")
            return scan, None
        self._tell_plan([judged])
        if judged not in scan.proposals:
            self._aside.line(f"{plan.proposal_id}: {self._why_not(scan, plan.proposal_id)}")
            return scan, None
        return scan, plan

    def _done(self, scan: Scan, plan: Plan) -> int:
        """Do what a person asked for and approved just now."""
        approved = frozenset({plan.digest})
        acted = self._wired.work.remediate(scan, approved, self._aside.line, overrides=self._overrides)
        outcomes = tuple(self._told(self._counted(acted, Mode.APPROVE)))
        return self._exit_code(scan, outcomes, frozenset({plan.proposal_id}))

    def _found(self, scan: Scan, namespace: str, name: str) -> Judged:
        """Find the one that a person named; whether it is there nobody knows where not everything could be listed."""
        for each in scan.results:
            if each.seen.resource.is_function and each.seen.resource.ref[:2] == (namespace, name):
                return each
        if scan.partial:
            raise NotSeen(
                f"function/{name} in namespace {namespace} was not seen: not everything could be listed "
                f"({self._wired.connection.context})",
                hint="What was not seen is named above.",
            )
        raise RemediatorError(
            f"there is no Function {name!r} in namespace {namespace} ({self._wired.connection.context})",
            hint="Name the namespace with -n.",
        )

    def _scan(self, *, tidy: bool) -> Scan:
        scan, seconds = self._looked()
        undone = self._wired.work.recover(scan, self._aside.line) if tidy else ()
        for each in undone:
            self._aside.line(each)
        if undone:
            scan, seconds = self._looked(again=True)
        standing = self._wired.means.episodes.standing(scan.started)
        self._wired.counters.scanned(scan, standing, self._wired.policy, seconds=seconds)
        return scan

    def _looked(self, *, again: bool = False) -> tuple[Scan, float]:
        """Look; also say how many seconds that took."""
        clock = self._wired.means.clock
        began = clock.monotonic()
        scan = self._wired.work.scan(rehearse=True, overrides=self._overrides, requested=self._requested, again=again)
        return scan, clock.monotonic() - began

    def _counted(self, outcomes: Iterable[Outcome], mode: Mode) -> Iterator[Outcome]:
        """Count each outcome of what was done here; what a daemon did it counts itself."""
        for each in outcomes:
            self._wired.counters.acted(each, mode)
            yield each

    def _refuse_to_forget(self) -> None:
        """Refuse to act unasked where nobody will remember it: the next run would do it again, and count from zero."""
        if refused := unattended.refusal(self._wired.policy, self._wired.means.episodes):
            raise PolicyError(
                refused,
                hint="Apply manifests/base (definition and roles), or use mode: approve, or a ceiling for the action.",
            )

    def _announce(self, ready: Sequence[Judged]) -> None:
        """Say what the same run would do without --dry-run, in its order, or that it would be refused."""
        if refused := unattended.refusal(self._wired.policy, self._wired.means.episodes):
            self._aside.line(f"Nothing was changed. Without --dry-run, {refused}")
            return
        most = self._wired.policy.budgets.per_run
        limit = f", at most {most} of it" if len(ready) > most else ""
        self._aside.line(f"Nothing was changed. Without --dry-run this is done{limit}, in this order:")
        self._tell_plan(ready)

    def _told(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """Tell each outcome when it is known: a run that is interrupted has then told what it did."""
        for each in outcomes:
            report.tell_outcome(each, self._aside)
            yield each

    def _write_document(self, scan: Scan, outcomes: Sequence[Outcome] | None) -> None:
        if self._output.for_machines:
            documents.write(documents.of_scan(scan, healthy=False, outcomes=outcomes), self._output)
            self._tell_missing(scan)

    def _show(self, scan: Scan, *, actionable: bool) -> None:
        tables.table(scan, actionable=actionable, wide=self._output is Output.WIDE)
        self._tell_missing(scan)
        others = sum(1 for each in scan.results if each.finding and not each.plan)
        if actionable and others:
            self._aside.line(f"{others} more wait, or need a person; `remediator scan` shows them.")

    def _record(self, scan: Scan) -> None:
        """Store what was seen, where the cluster has a place for it, so that the next run knows since when."""
        troubles = (*scan.records, *(self._wired.work.record(scan) if self._may_write else ()))
        for trouble in dict.fromkeys(troubles):
            self._aside.line(f"Records: {trouble}")

    def _tell_missing(self, scan: Scan) -> None:
        report.tell_partial(scan, self._aside)
        report.tell_leftovers(scan, self._aside)
        self._aside.line(f"{self._wired.connection.context}, {self._wired.scope}: {report.totals(scan)}")
        report.tell_held_off(scan, self._wired.policy.windows, self._aside)
        report.tell_controller(scan, self._aside, wide=self._output is Output.WIDE)

    def _tell_plan(self, proposals: Sequence[Judged]) -> None:
        self._aside.line("")
        self._aside.line("Plan", style="bold")
        for each in proposals:
            plan = each.plan
            assert plan is not None and each.finding is not None
            head = f"  {plan.proposal_id}  "
            self._aside.hanging(head, f"{plan.action} {plan.target.namespace}/{plan.target.name}: {plan.summary}")
            for note in _minded(each, plan):
                self._aside.hanging(" " * len(head), f"Mind: {note}")

    def _act(
        self, scan: Scan, proposals: Sequence[Judged], named: frozenset[str], before: Sequence[Outcome] = ()
    ) -> tuple[Outcome, ...]:
        plans = {each.plan.proposal_id: each.plan for each in proposals if each.plan}
        if named:
            for unknown in sorted(named - plans.keys()):
                self._aside.line(f"{unknown}: {self._why_not(scan, unknown)}")
        elif plans:
            self._tell_plan(proposals)
            self._ask(tuple(plans.values()))
        chosen = [plan for name, plan in plans.items() if not named or name in named]
        followed, left = self._delegated(chosen)
        approved = frozenset(plan.digest for plan in left)
        outcomes = self._wired.work.remediate(
            scan, approved, self._aside.line, before=before, overrides=self._overrides
        )
        return tuple(self._told(chain(self._counted(outcomes, Mode.APPROVE), followed)))

    def _delegated(self, plans: Sequence[Plan]) -> tuple[Iterator[Outcome], Sequence[Plan]]:
        """Leave to a live daemon what it can do as well, to be followed; return what is left to do here."""
        delegation = self._wired.delegation(self._aside.line) if plans else None
        if delegation is None:
            return iter(()), plans
        try:
            approved, left = delegation.approve(plans, self._overrides)
        except ClusterError as error:
            self._aside.line(f"Not left to the daemon, but done here: {error.message}.")
            return iter(()), plans
        return (delegation.follow(plan, approved[plan.digest]) for plan in plans if plan.digest in approved), left

    def _why_not(self, scan: Scan, proposal: str) -> str:
        found = next((each for each in scan.results if each.plan and each.plan.proposal_id == proposal), None)
        if found is None or found.decision is None:
            return "no such proposal now: the situation changed, or it never was; scan again"
        return "held back by " + "; ".join(f"{each.gate}: {each.reason}" for each in found.decision.held_by_fact)

    def _ask(self, plans: Sequence[Plan]) -> None:
        """Ask for the context's name: nobody types that of the wrong cluster by habit.

        Who declines is asked whether to leave one of them alone for a while.
        """
        count, most = len(plans), self._wired.policy.budgets.per_run
        limit = f"; at most {most} a run" if count > most else ""
        self._tell_place(f"{count} action{'s' if count != 1 else ''}{limit}")
        try:
            confirm(self._wired.connection.context, None, "nothing was approved", self._ask_person)
        except UsageError:
            now = self._wired.means.clock.now() - timedelta(seconds=self._wired.transport.skew or 0.0)
            offer(plans, self._wired.means.cluster, now, self._aside, self._ask_person)
            raise

    def _tell_place(self, effect: str) -> None:
        connection = self._wired.connection
        self._aside.line("")
        self._aside.line(f"Cluster  {connection.context} ({connection.server}), {self._wired.scope}")
        self._aside.line(f"Effect   {effect}")

    def _exit_code(self, scan: Scan, outcomes: Sequence[Outcome], named: frozenset[str]) -> int:
        if scan.partial or any(each.result is Result.UNKNOWN for each in outcomes):
            return _PARTIAL
        wanted = bool(named) or any(each.plan for each in scan.results)
        acted = any(each.result is not Result.SKIPPED for each in outcomes)
        return _HELD_BACK if wanted and not acted else _DONE


def _minded(each: Judged, plan: Plan) -> Iterator[str]:
    """Say what a person should know before they approve: what comes of it, whose the object is, who said no."""
    yield from plan.notes
    if owned := owners(plan.resource):
        yield f"It is owned by {', '.join(owned)}."
    rejected = each.seen.history.rejection
    if rejected is not None and rejected.covers(plan.digest):
        why = f": {rejected.reason}" if rejected.reason else ""
        yield f"{rejected.rejected_by} rejected just this{why}."


def _worth_another_round(scan: Scan, outcomes: Sequence[Outcome]) -> bool:
    """Whether a Resync was without effect on a deletion: ClearFinalizer may be next, and only this process knows."""
    deleting = {each.seen.resource.ref for each in scan.results if each.seen.resource.deleting}
    return any(
        each.action is ActionName.RESYNC
        and each.result in (Result.UNKNOWN, Result.STILL_STUCK)
        and each.target in deleting
        for each in outcomes
    )
