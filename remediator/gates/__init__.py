"""Rules that can hold an action back: one module each, pure, each with its verdict in `explain`."""

from remediator.gates.approved import Approved
from remediator.gates.breaker import incident
from remediator.gates.decide import GATES, approve, decide
from remediator.gates.override import OVERRIDABLE, parse_override
from remediator.gates.proofs import SECONDS_BETWEEN_PROOFS
from remediator.model.owners import owners

__all__ = [
    "GATES",
    "OVERRIDABLE",
    "SECONDS_BETWEEN_PROOFS",
    "Approved",
    "approve",
    "decide",
    "incident",
    "owners",
    "parse_override",
]
