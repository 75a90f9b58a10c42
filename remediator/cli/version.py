"""`remediator version`."""

from __future__ import annotations

import platform

import click

from remediator import __version__


@click.command("version")
def command() -> None:
    """Print the version."""
    click.echo(f"ack-remediator {__version__} (Python {platform.python_version()})")
