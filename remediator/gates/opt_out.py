"""Gate: does the object, or its namespace, say that it is to be left alone?"""

from __future__ import annotations

from collections.abc import Mapping

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict
from remediator.model.plan import ActionName
from remediator.model.resource import DELETION_POLICY, IGNORE, IGNORE_UNTIL, NAMESPACE_DELETION_POLICY, READ_ONLY
from remediator.model.times import parse_time

_CLEAR = "no annotation says to leave it alone"


def opt_out(proposal: Proposal, at: Situation) -> Verdict:
    """Hold for every mark that says hands off; a mark that cannot be understood counts as one.

    The retain that our own Release wrote is no mark: without this exception it would block its own second step. Where
    the namespace's annotations cannot be read, a Resync may go on, since it deletes nothing that ACK would keep; what
    cannot be undone may not. Of a controller only its Deployment's own marks count: it is no function to be kept.
    """
    marks, action = proposal.plan.resource.annotations, proposal.plan.action
    own_retain = at.history.own_retain and action is ActionName.RELEASE
    reason = _mark(marks, at) or ("" if own_retain else _retained(DELETION_POLICY, marks))
    if reason:
        return Verdict(GateName.OPT_OUT, Ruling.HELD, reason)
    if DELETION_POLICY in marks or action is ActionName.RESTART_CONTROLLER:
        return Verdict(GateName.OPT_OUT, Ruling.ALLOWED, _CLEAR)
    if at.namespace_annotations is None:
        return _namespace_unknown(action, at)
    reason = _retained(NAMESPACE_DELETION_POLICY, at.namespace_annotations)
    if reason:
        return Verdict(GateName.OPT_OUT, Ruling.HELD, f"on the namespace, {reason}")
    return Verdict(GateName.OPT_OUT, Ruling.ALLOWED, f"{_CLEAR}, nor does its namespace's")


def _namespace_unknown(action: ActionName, at: Situation) -> Verdict:
    if at.evidence is None:
        reason = f"{_CLEAR}; its namespace's are read right before the act"
        return Verdict(GateName.OPT_OUT, Ruling.LATER, reason)
    if action.destructive:
        reason = f"whether the namespace says {NAMESPACE_DELETION_POLICY} cannot be read"
        return Verdict(GateName.OPT_OUT, Ruling.HELD, reason)
    reason = f"{_CLEAR}; its namespace's cannot be read, but a {action} deletes nothing that ACK is to keep"
    return Verdict(GateName.OPT_OUT, Ruling.ALLOWED, reason)


def _mark(marks: Mapping[str, str], at: Situation) -> str:
    ignore = marks.get(IGNORE)
    if ignore == "true":
        return f"{IGNORE} is set"
    if ignore not in (None, "false"):
        return f"{IGNORE}: {ignore!r} is neither true nor false, so it counts as true"
    if IGNORE_UNTIL in marks:
        until = parse_time(marks[IGNORE_UNTIL])
        if until is None:
            return f"{IGNORE_UNTIL}: {marks[IGNORE_UNTIL]!r} is no RFC 3339 time, so it counts as for ever"
        if at.now < until:
            return f"ignored until {marks[IGNORE_UNTIL]}"
    if marks.get(READ_ONLY, "false").lower() != "false":
        return f"{READ_ONLY} is set: ACK itself only looks at it"
    return ""


def _retained(key: str, marks: Mapping[str, str]) -> str:
    """ACK takes anything but `delete` for retain."""
    if marks.get(key, "delete") == "delete":
        return ""
    return f"{key}: {marks[key]} is set: ACK is to keep the function"
