"""A person's word against a gate that only counts. Those that prove, or that somebody else set, it cannot lift."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import msgspec

from remediator.errors import UsageError
from remediator.model.decision import GateName, Overrides, Proposal, Ruling, Situation, Verdict

OVERRIDABLE = (GateName.WINDOW, GateName.BUDGET, GateName.BREAKER, GateName.COOL_DOWN, GateName.SIGHTINGS)


def parse_override(gates: Iterable[str], reason: str, by: str) -> Overrides:
    """Read what a person gave as `--override GATE --reason TEXT`; raise UsageError for what cannot be overridden."""
    names = list(gates)
    can = [str(each) for each in OVERRIDABLE]
    for name in names:
        if name in can:
            continue
        near = difflib.get_close_matches(name, can, n=1)
        known = name in list(GateName)
        what = f"the gate {name} cannot be overridden" if known else f"there is no gate {name!r}"
        guess = f"Did you mean {near[0]}? " if near and not known else ""
        raise UsageError(what, hint=f"{guess}These can be overridden: {', '.join(can)}.")
    if names and not reason.strip():
        raise UsageError("--override needs a --reason", hint="Say why; it is kept with what is done.")
    if reason.strip() and not names:
        raise UsageError("--reason goes with --override", hint=f"These can be overridden: {', '.join(can)}.")
    return Overrides(frozenset(GateName(name) for name in names), by, reason.strip())


def overridden(verdict: Verdict, proposal: Proposal, at: Situation) -> Verdict:
    """Let an action through a gate that holds it, where a person said so; the gate's own words stay visible.

    The person is the one at the terminal, or who wrote the stored approval of just this.
    """
    if verdict.ruling is not Ruling.HELD or verdict.gate not in OVERRIDABLE:
        return verdict
    for each in (at.overrides, _stored(proposal, at)):
        if verdict.gate in each.gates:
            said = f"overridden by {each.by} because {each.reason!r}; it said: {verdict.reason}"
            return msgspec.structs.replace(verdict, ruling=Ruling.ALLOWED, reason=said, asks=False)
    return verdict


def _stored(proposal: Proposal, at: Situation) -> Overrides:
    """Read the override in an approval that counts now. One without a reason overrides nothing."""
    stored = at.history.approval
    if stored is None or not stored.reason.strip() or not stored.covers(proposal.plan.digest, at.now):
        return Overrides()
    told = {str(gate) for gate in stored.override}
    gates = frozenset(gate for gate in OVERRIDABLE if str(gate) in told)
    return Overrides(gates, stored.approved_by, stored.reason)
