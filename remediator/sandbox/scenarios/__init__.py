"""A shop's cluster with the trouble that users meet: a dozen stories, each of one Function, to tell apart or together.

`SCENARIOS` lists them; `stage.Stage` sets up a sandbox with any of them in it, which takes the sandbox's libraries.
"""

from remediator.sandbox.scenarios.catalogue import SCENARIOS
from remediator.sandbox.scenarios.scenario import Ending, Scenario

__all__ = ["SCENARIOS", "Ending", "Scenario"]
