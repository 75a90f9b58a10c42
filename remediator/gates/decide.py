"""From a finding and its plan to a decision, with every gate's verdict."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from remediator.gates.action_lock import action_lock
from remediator.gates.approval import approval
from remediator.gates.approved import Approved, seal
from remediator.gates.breaker import breaker
from remediator.gates.budget import budget
from remediator.gates.clock_skew import clock_skew
from remediator.gates.controller import controller
from remediator.gates.cool_down import cool_down
from remediator.gates.crd import crd
from remediator.gates.evidence_age import evidence_age
from remediator.gates.guard import guard
from remediator.gates.identity import identity
from remediator.gates.mode import mode
from remediator.gates.opt_out import opt_out
from remediator.gates.override import overridden
from remediator.gates.owner import owner
from remediator.gates.pause import pause
from remediator.gates.permission import permission
from remediator.gates.proofs import proofs
from remediator.gates.quarantine import quarantine
from remediator.gates.rehearsal import rehearsal
from remediator.gates.selection import selection
from remediator.gates.sightings import sightings
from remediator.gates.unchanged import unchanged
from remediator.gates.window import window
from remediator.model.decision import (
    Decision,
    DecisionKind,
    Proposal,
    Ruling,
    Situation,
    Verdict,
)
from remediator.model.finding import Finding, State
from remediator.model.masking import mask
from remediator.model.plan import Plan

Gate = Callable[[Proposal, Situation], Verdict]

# In the order in which they are shown. All are always asked: a person wants every reason at once, not the first.
GATES: tuple[Gate, ...] = (
    mode,
    approval,
    guard,
    selection,
    opt_out,
    pause,
    identity,
    proofs,
    unchanged,
    evidence_age,
    sightings,
    owner,
    controller,
    crd,
    permission,
    rehearsal,
    window,
    budget,
    breaker,
    cool_down,
    quarantine,
    clock_skew,
    action_lock,
)


def decide(finding: Finding, plan: Plan | None, at: Situation) -> Decision:
    """Decide what happens with a finding: wait, report, propose, act, or blocked."""
    if plan is None:
        return Decision(DecisionKind.WAIT if finding.state is State.WAITING else DecisionKind.REPORT)
    proposal = Proposal(finding, plan)
    verdicts = _verdicts(proposal, at)
    decision = Decision(DecisionKind.ACT, verdicts, proposal)
    if not decision.held:
        return decision
    kind = DecisionKind.PROPOSE if decision.awaits_person else DecisionKind.BLOCKED
    return Decision(kind, verdicts, proposal)


def approve(decision: Decision, at: Situation) -> Approved[Plan] | None:
    """Hand out the key to the write, if every gate and every need allows it now; None otherwise.

    The gates are asked anew: a decision that was kept, copied or altered opens nothing.
    """
    if decision.proposal is None:
        return None
    verdicts = _verdicts(decision.proposal, at)
    if any(each.ruling is not Ruling.ALLOWED for each in verdicts):
        return None
    return seal(decision.proposal.plan)


def _verdicts(proposal: Proposal, at: Situation) -> tuple[Verdict, ...]:
    needs = tuple(
        Verdict(need.name, Ruling.ALLOWED if need.met else Ruling.HELD, need.why) for need in proposal.plan.needs
    )
    secrets = proposal.plan.secrets  # AWS's answers are quoted, and can echo them
    return tuple(
        msgspec.structs.replace(each, reason=mask(each.reason, secrets))
        for each in (*(overridden(gate(proposal, at), proposal, at) for gate in GATES), *needs)
    )
