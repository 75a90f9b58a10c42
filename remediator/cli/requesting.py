"""What `release` and `clear-finalizer` have in common: a person asks for one action on one Function, by name."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

import click

from remediator.cli.interrupt import take_sigterm_as_interrupt
from remediator.cli.session import Session
from remediator.cli.telling import telling
from remediator.cli.wiring import wire
from remediator.gates import parse_override
from remediator.model.plan import ActionName
from remediator.ports import Clock


class Flags(TypedDict):
    """What `request_options` adds."""

    kubeconfig: Path | None
    context: str | None
    namespace: str | None
    home: str | None
    policy: Path | None
    gates: tuple[str, ...]
    reason: str
    backups: Path | None
    audit_log: Path | None


def session(action: ActionName, name: str, flags: Flags, clock: Clock | None) -> tuple[Session, str]:
    """Open the session in which an action is asked for, and tell the namespace; raise UsageError for wrong flags.

    From here on SIGTERM interrupts as Ctrl-C does.
    """
    overrides = parse_override(flags["gates"], flags["reason"], "the person at the terminal")
    take_sigterm_as_interrupt()
    wired = wire(
        kubeconfig=flags["kubeconfig"],
        context=flags["context"],
        namespace=flags["namespace"],
        home=flags["home"],
        policy=flags["policy"],
        backups=flags["backups"],
        clock=clock,
        deliveries=click.get_current_context().with_resource(telling()),
        audit_log=flags["audit_log"],
    )
    where = wired.namespace or "default"
    return Session(wired, overrides=overrides, requested={(where, name): action}), where
