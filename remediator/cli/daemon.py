"""`remediator daemon`: one pass after the other, until it is told to end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from remediator.cli import INTERRUPTED
from remediator.cli.interrupt import end_on_signals, signals_given_back
from remediator.cli.options import audit_option, cluster_options, scope_options, shard_option
from remediator.errors import UsageError

if TYPE_CHECKING:
    from remediator.daemon import Ground
    from remediator.kubernetes.leading import LeaderLock
    from remediator.model.shard import Shard
    from remediator.policy import Policy
    from remediator.ports import Clock
    from remediator.telemetry.listening import Tls

# Of the time that there is: the rest is for what a last request takes, and for letting go of the Lease.
_SHARE_FOR_THE_PASS = 0.8
_SHARE_FOR_THE_WEBHOOK = 0.1

# Beside that of the metrics.
PAGE_PORT = 9465

_FILE = click.Path(path_type=Path)


@click.command("daemon")
@click.pass_context
@cluster_options
@scope_options
@shard_option
@audit_option
@click.option(
    "--metrics-address", default="127.0.0.1", show_default=True, help="Where to serve /metrics, /healthz and /readyz."
)
@click.option(
    "--metrics-port", type=click.IntRange(0, 65535), default=9464, show_default=True, help="The port; 0: any free one."
)
@click.option("--metrics-cert", type=_FILE, help="Serve in TLS with this certificate and its chain (PEM).")
@click.option("--metrics-key", type=_FILE, help="The certificate's key (PEM).")
@click.option("--metrics-client-ca", type=_FILE, help="Answer only clients with a certificate signed by one of these.")
@click.option(
    "--page-address", default="127.0.0.1", show_default=True, help="Where to serve a page of what is stuck, at /."
)
@click.option(
    "--page-port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help=f"The page's port; 0: any free one; else {PAGE_PORT}, where that is free.",
)
@click.option("--no-page", is_flag=True, help="Serve no page.")
@click.option(
    "--grace-period",
    type=click.FloatRange(1, 3600),
    default=25.0,
    show_default=True,
    help="Seconds from SIGTERM to the end; less than the pod's terminationGracePeriodSeconds.",
)
def command(
    ctx: click.Context,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
    home: str | None,
    policy: Path | None,
    all_namespaces: bool,
    selector: str | None,
    shard: Shard | None,
    audit_log: Path | None,
    metrics_address: str,
    metrics_port: int,
    metrics_cert: Path | None,
    metrics_key: Path | None,
    metrics_client_ca: Path | None,
    page_address: str,
    page_port: int | None,
    no_page: bool,
    grace_period: float,
) -> int:
    """Make passes under the policy, as `run` does, by the `schedule` in it, and whenever a deadline passes.

    Start as many as you like: one leads, the others stand by. The policy file is read again when its content changes.
    With --shard one leads in each shard, as long as none of another N does.

    SIGTERM ends it: nothing new is begun, and what is begun is seen through within the grace period, or is left in the
    records for the next. A second one ends it at once.

    \b
    Examples:
      remediator daemon -A --policy policy.yaml
      remediator daemon -n shop --policy policy.yaml --metrics-port 0
      remediator daemon -A --policy policy.yaml --page-port 8080
      remediator daemon -A --policy policy.yaml --shard 0/4
    """
    import structlog

    from remediator.cli.board import Board
    from remediator.cli.showing import Where
    from remediator.cli.wiring import leader_lock, wire
    from remediator.clock import SystemClock
    from remediator.daemon import Daemon, Ground, PolicyFile
    from remediator.model.shard import WHOLE
    from remediator.telemetry.logs import configure
    from remediator.telemetry.metrics import Metrics
    from remediator.telemetry.server import Server
    from remediator.webhook import Deliveries

    tls = _tls(metrics_cert, metrics_key, metrics_client_ca)
    configure(max(1, ctx.find_root().params["verbose"]), machine=not sys.stderr.isatty())
    clock: Clock = ctx.obj or SystemClock()
    metrics = Metrics(now=clock.now)
    share = shard or WHOLE
    board = Board(metrics, clock.now, share)
    deliveries = Deliveries(metrics.told, lasting=True)
    where: dict[str, Any] = {"kubeconfig": kubeconfig, "context": context, "home": home}
    scope: dict[str, Any] = {"namespace": namespace, "all_namespaces": all_namespaces, "selector": selector}

    def build(rules: Policy, pass_clock: Clock) -> Ground:
        wired = wire(
            **where,
            **scope,
            policy=rules,
            clock=pass_clock,
            counters=metrics,
            deliveries=deliveries,
            audit_log=audit_log,
            shard=share,
            asks_aws=True,
        )
        board.over(wired.means.episodes, Where(wired.connection.context, wired.scope, wired.scope_flags, wired.home))
        return Ground(wired.means, (wired.connection.context, wired.connection.server), wired.namespace, share)

    lock: LeaderLock = leader_lock(**where, clock=clock, counters=metrics, shard=share)
    file = PolicyFile(policy, metrics.reloaded)
    daemon = Daemon(file, build, lock, board, clock, grace_period * _SHARE_FOR_THE_PASS)
    board.follow(daemon)
    server = Server(metrics, daemon.alive, daemon.ready, address=metrics_address, port=metrics_port, tls=tls)
    with signals_given_back(), ExitStack() as stack:
        end_on_signals(daemon.end, grace_period)  # whoever sees it serve may end it at once
        stack.enter_context(server)
        structlog.get_logger(__name__).info("serving", address=metrics_address, port=server.port, tls=tls is not None)
        if not no_page:
            _serve_page(stack, board.html, page_address, page_port)
        try:
            return INTERRUPTED if daemon.serve() else 0
        finally:
            if lost := deliveries.close(min(5.0, grace_period * _SHARE_FOR_THE_WEBHOOK)):
                structlog.get_logger(__name__).warning("the webhook did not take all in time", messages=lost)


def _serve_page(stack: ExitStack, html: Callable[[], str], address: str, port: int | None) -> None:
    """Serve the page as long as the stack is open.

    Raises UsageError where it cannot be served on a port that was asked for; where none was, another process on the
    usual one is no reason to make no passes.
    """
    import structlog

    from remediator.page.answering import application
    from remediator.telemetry.listening import Listening

    log = structlog.get_logger(__name__)
    usual = PAGE_PORT if port is None else port
    listening = Listening(application(html, address=address), "the page", address=address, port=usual)
    try:
        stack.enter_context(listening)
    except UsageError as error:
        if port is not None:
            raise
        log.warning("the page is not served", why=error.message, hint="Pass --page-port, or --no-page.")
    else:
        log.info("serving the page", address=address, port=listening.port)


def _tls(certificate: Path | None, key: Path | None, clients: Path | None) -> Tls | None:
    """Put together what the server needs for TLS; None where nothing of it was asked for."""
    from remediator.telemetry.listening import Tls

    if certificate is None and key is None and clients is None:
        return None
    if certificate is None or key is None:
        raise UsageError(
            "TLS for metrics needs a certificate and its key", hint="Pass --metrics-cert and --metrics-key together."
        )
    return Tls(certificate, key, clients)
