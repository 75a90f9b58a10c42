"""Rules that can hold an action back: one module each, pure, each with its verdict in `explain`."""

from remediator.gates.approved import Approved
from remediator.gates.decide import GATES, approve, decide
from remediator.gates.proofs import SECONDS_BETWEEN_PROOFS

__all__ = ["GATES", "SECONDS_BETWEEN_PROOFS", "Approved", "approve", "decide"]
