"""`remediator collect [function/]NAME`: a bundle for a bug report, without secrets."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from remediator.cli import candidates
from remediator.cli.options import cluster_options
from remediator.errors import RemediatorError, UsageError

if TYPE_CHECKING:
    from remediator.cli.wiring import Wired
    from remediator.model.scan import Judged
    from remediator.ports import Clock

_TRIES = 3  # to read an object twice without somebody writing to it in between


@click.command("collect")
@click.pass_obj
@click.argument("target", metavar="[function/]NAME", shell_complete=candidates.live("functions"))
@cluster_options
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    shell_complete=candidates.file,
    help="Where to; else NAMESPACE-NAME.tar.gz here. - is stdout.",
)
@click.option("--force", is_flag=True, help="Overwrite the file.")
@click.option("--mask-accounts", is_flag=True, help="Replace account ids, also in ARNs.")
def command(
    clock: Clock | None,
    target: str,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
    home: str | None,
    policy: Path | None,
    output: str | None,
    force: bool,
    mask_accounts: bool,
) -> int:
    """Collect what is known of one resource into a file that can be attached to a bug report. Changes nothing.

    In it are the object, AWS's answer, the controller's facts and last log entries, the history, the diagnosis with
    every gate, and versions; the values of environment variables are masked, equal ones alike. Look through it before
    you send it. Who gets it reads it back with `remediator diagnose`.

    \b
    Examples:
      remediator collect function/checkout -n shop -o checkout.tar.gz
      remediator collect checkout -n shop --mask-accounts
      remediator collect checkout -n shop -o - | tar -tz
    """
    from remediator.cli.collection import collect
    from remediator.cli.names import function_name
    from remediator.cli.render import narration
    from remediator.cli.wiring import wire

    name = function_name(target, "collect")
    wired = wire(kubeconfig=kubeconfig, context=context, namespace=namespace, home=home, policy=policy, clock=clock)
    where = wired.namespace or "default"
    path = None if output == "-" else Path(output or f"{where}-{name}.tar.gz")
    if path is not None and path.exists() and not force:
        raise _exists(path)
    judged, raw = _examined(wired, where, name)
    resource = judged.seen.resource
    log = wired.means.cluster.log_lines(resource.ref)
    collected = collect(
        judged,
        raw,
        log,
        episode=wired.means.episodes.episode(resource.metadata.uid),
        kubernetes=_server_version(wired),
        mask_accounts=mask_accounts,
    )
    if path is None:
        sys.stdout.buffer.write(collected.content)
        sys.stdout.buffer.flush()
    else:
        _write(path, collected.content, force=force)
    aside = narration()
    if collected.changed:
        aside.hanging("mind: ", f"Masks hide what tells: {collected.changed}.", style="bold magenta")
    values = "1 value is" if collected.masked == 1 else f"{collected.masked} values are"
    aside.line(
        f"{path or 'stdout'}: {len(collected.content):,} bytes, {values} masked. Look through it before you send it."
    )
    return 0


def _examined(wired: Wired, namespace: str, name: str) -> tuple[Judged, bytes]:
    """Look at the resource, and read the whole object as it was then; what is written every few seconds, as it is."""
    import msgspec

    from remediator.errors import NotFound
    from remediator.model.resource import Resource

    try:
        for _ in range(_TRIES):
            judged = wired.work.examine(namespace, name)
            raw = wired.means.cluster.raw(judged.seen.resource.ref)
            now = msgspec.json.decode(raw, type=Resource).metadata.resource_version
            if now == judged.seen.resource.metadata.resource_version:
                break
    except NotFound as error:
        raise RemediatorError(
            f"there is no Function {name!r} in namespace {namespace} ({wired.connection.context}): {error.message}",
            hint="Name the namespace with -n; `remediator scan -A` lists all that are in trouble.",
        ) from error
    return judged, raw


def _server_version(wired: Wired) -> str:
    import msgspec

    from remediator.errors import ClusterError

    try:
        told = msgspec.json.decode(wired.transport.get("/version"), type=dict[str, object])
    except (ClusterError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "not known"
    return str(told.get("gitVersion", "not known"))


def _write(path: Path, content: bytes, *, force: bool) -> None:
    """Write a file for its owner alone: masked is not the same as public."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | (os.O_TRUNC if force else os.O_EXCL)
    try:
        descriptor = os.open(path, flags, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}", hint="Name another file with -o.") from error


def _exists(path: Path) -> UsageError:
    return UsageError(f"{path} is there already", hint="Name another file with -o, or pass --force to overwrite it.")
