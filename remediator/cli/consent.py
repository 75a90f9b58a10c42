"""A person's consent to a change: the name of the context, typed or given."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from remediator.errors import UsageError

Ask = Callable[[str], str]


def must_be_askable(given: str | None, instead: str = "") -> None:
    """Raise UsageError where nobody can be asked and no answer was given: before anything is read.

    `instead` names what needs no answer.
    """
    if given is None and not sys.stdin.isatty():
        raise UsageError(
            "this needs a terminal to ask on, or your word that it is the right cluster",
            hint=f"Pass --confirm with the context's name{instead}.",
        )


def confirm(context: str, given: str | None, refused: str, ask: Ask | None = None) -> None:
    """Have the context's name typed, unless it was given: nobody types that of the wrong cluster by habit.

    `refused` says what was not done, in the error that another answer raises.
    """
    typed = given if given is not None else (ask or ask_at_terminal)("Type the context's name to go on")
    if typed != context:
        raise UsageError(f"that is not the context's name; {refused}", hint=f"Expected {context}.")


def confirm_orphan(function: str, given: str | None, ask: Ask | None = None) -> None:
    """Have the name of the function typed that will stay in AWS with nobody to manage it, unless it was given."""
    typed = given if given is not None else (ask or ask_at_terminal)("Type the function's name to leave it in AWS")
    if typed != function:
        raise UsageError("that is not the function's name; nothing was released", hint=f"Expected {function}.")


def ask_at_terminal(question: str) -> str:
    """Ask on the terminal; an empty answer is one."""
    return str(click.prompt(question, default="", show_default=False, err=True))
