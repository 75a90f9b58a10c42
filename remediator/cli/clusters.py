"""Several clusters, each looked at by itself, side by side: one that hangs or refuses does not hide the others."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog
from msgspec import Struct

from remediator.cli import documents, report, tables
from remediator.cli.names import check_places
from remediator.cli.options import Output
from remediator.cli.render import Page, console, narration
from remediator.cli.wiring import Wired, shared_cloud
from remediator.errors import RemediatorError, Unreachable, UsageError
from remediator.kubernetes.kubeconfig import check_contexts
from remediator.model.finding import State
from remediator.model.scan import Scan
from remediator.policy.load import load_policy
from remediator.ports import Clock

_AT_ONCE = 8  # each starts a login plugin, and asks AWS in threads of its own
_LOGIN = 60.0  # seconds: time for a person's second factor; a plugin may hang for ever, and the client lets it

T = TypeVar("T")


class Look(Struct, frozen=True):
    """What came of one cluster: a scan and what it was made with, or why it was not seen."""

    context: str
    wired: Wired | None = None
    scan: Scan | None = None
    error: RemediatorError | None = None


def check(
    kubeconfig: Path | None,
    contexts: Sequence[str],
    namespace: str | None,
    home: str | None,
    output: Output,
    *,
    all_namespaces: bool,
) -> None:
    """Refuse, before any cluster is asked, what would be refused by each of them. Raises UsageError."""
    if output is Output.HTML:
        raise UsageError("a page is of one cluster", hint="Write one for each: -o html, and one --context.")
    check_places(namespace, home, all_namespaces=all_namespaces)
    check_contexts(kubeconfig, contexts)


def scan(
    contexts: Sequence[str],
    wire: Callable[..., Wired],
    policy: Path | None,
    clock: Clock | None,
    output: Output,
    *,
    healthy: bool,
    exit_code: bool,
) -> int:
    """Scan clusters side by side, tell of each in the order of `contexts`, and return the exit code of all.

    `wire` makes a pass of what is the same for all, a context, a policy and a cloud. Raises PolicyError and CloudError.
    """
    rules = load_policy(policy)
    looks, aside = [], narration()
    with_policy = partial(wire, policy=rules, cloud=shared_cloud(rules, clock), clock=clock)
    for each in side_by_side(contexts, with_policy, healthy=healthy):
        looks.append(each)
        if not output.for_machines:
            _tell_on_paper(each, healthy=healthy, wide=output is Output.WIDE, first=len(looks) == 1)
        _tell_aside(each, aside, wide=output is Output.WIDE)
    if output.for_machines:
        documents.write(document(looks, healthy=healthy), output)
    aside.line(_totals(looks))
    return _exit_code(looks, exit_code=exit_code)


def side_by_side(contexts: Sequence[str], wire: Callable[..., Wired], *, healthy: bool = False) -> Iterator[Look]:
    """Look at each cluster in a thread, at most eight at once; yield in their order, each as soon as it is its turn.

    `healthy`: keep what is plainly well, too.
    """
    turns = threading.BoundedSemaphore(_AT_ONCE)
    begun = [_begun(partial(_look, each, wire, turns, healthy=healthy)) for each in contexts]
    return (each.result() for each in begun)


def _look(context: str, wire: Callable[..., Wired], turns: threading.BoundedSemaphore, *, healthy: bool) -> Look:
    with turns, structlog.contextvars.bound_contextvars(context=context):
        try:
            wired = _logged_in(partial(wire, context=context))
            return Look(context, wired, wired.work.scan(healthy=healthy))
        except RemediatorError as error:
            return Look(context, error=error)


def _logged_in(wire: Callable[[], Wired]) -> Wired:
    """Log in, in a thread that is left behind where that takes too long. Raises Unreachable then."""
    login = _begun(wire)
    try:
        return login.result(_LOGIN)
    except TimeoutError:
        if login.done():  # in this very moment, or it is what it raised
            return login.result()
        raise Unreachable(
            f"the kubeconfig's login gave no credentials within {_LOGIN:g} s",
            hint="Log in first, with kubectl; its plugin may ask for something.",
        ) from None


def _begun(work: Callable[[], T]) -> Future[T]:
    """Do something in a thread that keeps no process from ending: Ctrl-C does not wait for who hangs."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            future.set_exception(error)

    threading.Thread(target=copy_context().run, args=(run,), daemon=True).start()
    return future


def document(looks: Sequence[Look], *, healthy: bool) -> documents.Document:
    """Build the document of several clusters: each as that of one scan, and the sum of those that were seen."""
    told = [_document(each, healthy=healthy) for each in looks]
    counted = Counter(dict.fromkeys(("total", *(state.value for state in State)), 0))
    for each in told:
        counted.update(each["summary"])
    return {
        "schemaVersion": documents.SCHEMA_VERSION,
        "clusters": told,
        "partial": [f"{each['context']}: {missing}" for each in told for missing in each["partial"]],
        "summary": dict(counted),
    }


def _document(look: Look, *, healthy: bool) -> documents.Document:
    """Build one cluster's part; of one that was not seen, it lists nothing and says so."""
    of_one: documents.Document = {"context": look.context, "error": look.error.message if look.error else None}
    if look.scan is not None:
        return of_one | documents.of_scan(look.scan, healthy=healthy)
    return of_one | {
        "schemaVersion": documents.SCHEMA_VERSION,
        "results": [],
        "partial": [of_one["error"]],
        "cluster": [],
        "controller": None,
        "unknown": [],
        "summary": {},
    }


def _tell_on_paper(look: Look, *, healthy: bool, wide: bool, first: bool) -> None:
    """Print a cluster's section, headed by its context."""
    page = console(whole=wide)
    if not first:
        page.line("")
    page.line(look.context, style="bold")
    if look.scan is None:
        page.line("not seen", style="bold magenta")
    else:
        tables.table(look.scan, healthy=healthy, wide=wide)


def _tell_aside(look: Look, aside: Page, *, wide: bool) -> None:
    if look.scan is not None and look.wired is not None:
        report.tell_scan(look.scan, look.wired, aside, look.context, wide=wide)
    elif look.error is not None:
        aside.hanging(f"{look.context}, not seen: ", look.error.message, style="bold magenta")
        if look.error.hint:
            aside.line(look.error.hint)


def _totals(looks: Sequence[Look]) -> str:
    seen = [each.scan for each in looks if each.scan is not None]
    counts = [(sum(each.count(state) for each in seen), state.value) for state in report.WORST_FIRST]
    counted = ", ".join(f"{count} {state}" for count, state in counts if count) or "none"
    return f"{len(seen)} of {len(looks)} clusters seen: {counted}."


def _exit_code(looks: Sequence[Look], *, exit_code: bool) -> int:
    """Say how all of it ended: 1 where nothing was seen at all, 5 where something was not, 3 as for one."""
    seen = [each.scan for each in looks if each.scan is not None]
    if not seen:
        return RemediatorError.exit_code
    if len(seen) < len(looks) or any(each.partial for each in seen):
        return 5
    return 3 if exit_code and any(map(report.has_findings, seen)) else 0
