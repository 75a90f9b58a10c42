"""Gate: does the object say that it is to be left alone?"""

from __future__ import annotations

from collections.abc import Mapping

from remediator.model.decision import GateName, Proposal, Ruling, Situation, Verdict
from remediator.model.times import parse_time

IGNORE = "ack-remediator.dev/ignore"
IGNORE_UNTIL = "ack-remediator.dev/ignore-until"
READ_ONLY = "services.k8s.aws/read-only"
DELETION_POLICY = "services.k8s.aws/deletion-policy"


def opt_out(proposal: Proposal, at: Situation) -> Verdict:
    """Hold for every mark that says hands off; a mark that cannot be understood counts as one."""
    reason = _mark(proposal.plan.resource.annotations, at)
    if reason:
        return Verdict(GateName.OPT_OUT, Ruling.HELD, reason)
    return Verdict(GateName.OPT_OUT, Ruling.ALLOWED, "no annotation says to leave it alone")


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
    if marks.get(DELETION_POLICY, "delete") != "delete":
        return f"{DELETION_POLICY}: {marks[DELETION_POLICY]} is set: ACK is to keep the function"
    return ""
