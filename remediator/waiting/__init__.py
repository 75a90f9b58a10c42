"""Wait until a Function is synced, settled or deleted on both sides, or until it is known that waiting does not help.

What is waited for, and what an answer means, is decided by pure functions (`verdict`, `attention`, `hopeless`); the
loop (`loop`) looks, over the ports, and writes nothing anywhere.
"""

from __future__ import annotations

from remediator.waiting.goal import Ending, Goal, GoalKind, Waited, goal_called
from remediator.waiting.loop import Say, wait_for

__all__ = ["Ending", "Goal", "GoalKind", "Say", "Waited", "goal_called", "wait_for"]
