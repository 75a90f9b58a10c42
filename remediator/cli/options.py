"""Flags that several commands share, spelled as kubectl spells them."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_CLUSTER = (
    click.option(
        "--kubeconfig",
        type=click.Path(path_type=Path),
        help="The kubeconfig file; else KUBECONFIG, else ~/.kube/config.",
    ),
    click.option("--context", help="The context in the kubeconfig; else its current one."),
    click.option("-n", "--namespace", help="The namespace; else the context's."),
)
_SCOPE = (
    click.option("-A", "--all-namespaces", is_flag=True, help="Look in every namespace."),
    click.option("-l", "--selector", help="Only resources with these labels, such as team=shop."),
)
_POLICY = click.option("--policy", type=click.Path(path_type=Path), help="The policy file; else read-only defaults.")
_OUTPUT = click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)


def _apply(function: F, *decorators: Callable[[F], F]) -> F:
    return reduce(lambda decorated, decorator: decorator(decorated), reversed(decorators), function)


def cluster_options(function: F) -> F:
    """Add --kubeconfig, --context, -n and --policy."""
    return _apply(function, *_CLUSTER, _POLICY)


def scope_options(function: F) -> F:
    """Add -A and -l."""
    return _apply(function, *_SCOPE)


def policy_option(function: F) -> F:
    """Add --policy alone, for commands without a cluster."""
    return _apply(function, _POLICY)


def output_option(function: F) -> F:
    """Add -o."""
    return _apply(function, _OUTPUT)
