"""Apply a Function's manifest in the order in which ACK loses nothing of it: code, wait, configuration, wait.

Nothing is remembered between two runs: what is left to do is read from the object and from AWS each time. A rollout
that was interrupted goes on where it was when it is run again.
"""

from __future__ import annotations

from remediator.rollout.objects import Applier, Objects
from remediator.rollout.rolling import Rolled, Rollout
from remediator.rollout.steps import Object, Part, Step

__all__ = ["Applier", "Object", "Objects", "Part", "Rolled", "Rollout", "Step"]
