"""`remediator demo`: the main job on a sandbox, told as a story. Ends by itself, unless it is to be kept."""

from __future__ import annotations

import difflib
import importlib.util
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click

from remediator.cli import candidates
from remediator.cli.interrupt import signals_given_back, take_sigterm_as_interrupt
from remediator.cli.render import Page, console
from remediator.errors import RemediatorError, UsageError
from remediator.sandbox.scenarios import SCENARIOS, Scenario

_SPEED = 30.0
_HEALTHY = 45  # beside a dozen in trouble: with fewer, that would be an incident, and nothing were proposed


def _list(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    page = console()
    width = max(len(each.name) for each in SCENARIOS)
    for each in SCENARIOS:
        page.hanging(f"{each.name:<{width}}  ", each.title)
    ctx.exit(0)


def _find(_ctx: click.Context, _option: click.Parameter, name: str | None) -> Scenario | None:
    if name is None:
        return None
    names = {each.name: each for each in SCENARIOS}
    if name.lower() in names:
        return names[name.lower()]
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.4)
    guess = f"Did you mean {near[0]}? " if near else ""
    raise UsageError(f"there is no scenario {name!r}", hint=f"{guess}`remediator demo --list` lists them.")


@click.command("demo")
@click.option(
    "--scenario",
    metavar="NAME",
    callback=_find,
    shell_complete=candidates.scenarios,
    help="Tell one story instead of all; --list names them.",
)
@click.option("--list", is_flag=True, is_eager=True, expose_value=False, callback=_list, help="List the stories.")
@click.option("--keep", is_flag=True, help="Leave a sandbox up afterwards to play with, until Ctrl-C.")
def command(scenario: Scenario | None, keep: bool) -> int:
    """Show all of it on a sandbox: a cluster, a controller and a Lambda in this process. Touches nothing else.

    \b
    Examples:
      remediator demo
      remediator demo --list
      remediator demo --scenario gone-in-aws --keep
    """
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("flask") is None:
        raise RemediatorError("the demo needs its extra", hint="pip install 'ack-remediator[demo]'")
    from remediator.cli import kept

    page = console()
    cast, healthy = (SCENARIOS, _HEALTHY) if scenario is None else ((scenario,), 0)
    with signals_given_back():
        take_sigterm_as_interrupt()
        _tell(page, scenario, cast, healthy)
        if keep:
            kept.keep(page, cast, healthy)
    return 0


def _tell(page: Page, scenario: Scenario | None, cast: Sequence[Scenario], healthy: int) -> None:
    from remediator.cli.story import Teller
    from remediator.sandbox.scenarios.stage import Stage

    page.line(f"ack-remediator: {scenario.name if scenario else 'a demo'}, on a sandbox", style="bold")
    page.line(
        "A Kubernetes API, a small ACK controller and a Lambda run in this process, on loopback. Nothing else is "
        f"touched. The sandbox's clock runs {_SPEED:.0f} times as fast as yours, so that minutes of waiting pass in "
        "seconds; all times below are its own."
    )
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="ack-remediator-demo-") as directory,
        Stage(Path(directory), speed=_SPEED, scenarios=cast, healthy=healthy) as stage,
    ):
        teller = Teller(page, stage, Path(directory))
        if scenario is None:
            teller.tour()
        else:
            teller.one(scenario)
    took = f"That was all, in {time.monotonic() - started:.0f} seconds."
    page.line("")
    page.line(f"{took} On a cluster of yours, start with: remediator scan -A")
