"""`remediator demo --keep`: a sandbox to play with from another terminal, until Ctrl-C."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from remediator.cli.interrupt import ignore_impatience
from remediator.cli.render import Page
from remediator.sandbox.scenarios import Scenario
from remediator.sandbox.scenarios.stage import CONTEXT, Stage

# The story runs its clock fast, and every heartbeat in it would be minutes ahead of any other process: those go by the
# machine's clock, and would call the ages wrong. So the sandbox that is kept is not the story's, but a new one whose
# clock runs as the machine's does. That also puts back what the story has healed: there is something to approve.
_SPEED = 1.0
_A_WHILE = 3600.0


def keep(page: Page, scenarios: Sequence[Scenario], healthy: int) -> None:
    """Set a sandbox up, say how to reach it, and wait for Ctrl-C or SIGTERM; then leave nothing behind."""
    with (
        tempfile.TemporaryDirectory(prefix="ack-remediator-kept-") as directory,
        Stage(Path(directory), speed=_SPEED, scenarios=scenarios, healthy=healthy) as stage,
    ):
        try:
            _tell(page, stage, Path(directory), _example(scenarios))
            _wait()
        except KeyboardInterrupt:
            ignore_impatience()
            page.line("")
            page.line(f"Taking the sandbox down, and {directory} with it.")


def _wait() -> NoReturn:
    while True:
        time.sleep(_A_WHILE)


def _example(scenarios: Sequence[Scenario]) -> str:
    """Name the Function to try things on: the one that the tour explains, where it is there."""
    names = [each.function for each in scenarios]
    return "checkout" if "checkout" in names else names[0]


def _tell(page: Page, stage: Stage, directory: Path, name: str) -> None:
    page.heading("A sandbox to play with")
    page.line(
        "It is up until you press Ctrl-C here. It is a new one: all the trouble is back as it was before the story. "
        "Its clock runs as fast as yours, so that a minute of waiting takes a minute. In another terminal, paste:"
    )
    page.line("")
    for line in _exports(stage, directory):
        page.verbatim(f"  {line}")
    page.line("")
    page.line("and try:")
    for command, what in _to_try(name):
        page.line("")
        page.line(f"  # {what}")
        page.verbatim(f"  {command}")
    page.line("")
    page.line(f"Ctrl-C here, or `kill {os.getpid()}` elsewhere, takes it down and removes {directory}.")


def _exports(stage: Stage, directory: Path) -> Iterator[str]:
    """Write what leads a shell to the sandbox and nowhere else, ready to be pasted."""
    yield "unset AWS_PROFILE AWS_SESSION_TOKEN"
    ours = {"REMEDIATOR_POLICY": str(stage.policy), "REMEDIATOR_RUN_BACKUPS": str(directory / "backups")}
    for name, value in (stage.environment | ours).items():
        yield f"export {name}={shlex.quote(value)}"
    programs = Path(sys.executable).parent
    if shutil.which("remediator") is None and (programs / "remediator").exists():
        yield f'export PATH={shlex.quote(str(programs))}:"$PATH"'


def _to_try(name: str) -> Iterator[tuple[str, str]]:
    yield "remediator scan -A -o wide", "what is stuck, with AWS's state, heartbeats and proposals"
    yield f"remediator explain function/{name} -o wide", "all that is known of one"
    yield f"kubectl get functions.lambda.services.k8s.aws {name} -o yaml", "the object; it may well look fine"
    yield f"aws lambda get-function-configuration --function-name {name}", "what AWS itself says"
    yield (
        f"kubectl annotate functions.lambda.services.k8s.aws {name} ack-remediator.dev/ignore=true",
        "hands off: the next scan says blocked",
    )
    yield "remediator run -A --approve", f"act on what is proposed; the context to type is {CONTEXT}"
