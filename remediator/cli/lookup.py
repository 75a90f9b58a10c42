"""Look up names for completion: in a process of its own, which nobody waits for when it takes too long.

What it finds goes to standard output at once, a word, a tab and what it is; what goes wrong is told to nobody.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
import yaml
from msgspec import Struct

from remediator.cli.names import check_name, kind_called, typed
from remediator.cli.records import Records, is_open, open_records
from remediator.cli.standing import proposal_id
from remediator.errors import Forbidden, NotFound
from remediator.kubernetes.connection import Connection
from remediator.kubernetes.pages import pages
from remediator.kubernetes.transport import Transport, decoded
from remediator.model.kind import FUNCTION, KINDS, LAMBDA_KINDS

Found = Iterator[tuple[str, str]]


class Asked(Struct, frozen=True):
    """What is looked up, the word that is begun, and the flags that were typed before it."""

    what: str
    incomplete: str = ""
    flags: Mapping[str, str] = {}

    @property
    def kubeconfig(self) -> Path | None:
        named = self.flags.get("kubeconfig")
        return Path(named).expanduser() if named else None


class _Metadata(Struct, frozen=True, rename="camel"):
    name: str = ""
    deletion_timestamp: str = ""


class _Named(Struct, frozen=True):
    metadata: _Metadata = _Metadata()


def _contexts(asked: Asked) -> Found:
    """Read the files alone: a kubeconfig without a current context, which no command can use, is one to choose from."""
    named = str(asked.kubeconfig or os.environ.get("KUBECONFIG") or Path.home() / ".kube/config")
    for file in (Path(each) for each in named.split(os.pathsep) if each):
        content = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else None
        for each in (content or {}).get("contexts") or ():
            yield each["name"], (each.get("context") or {}).get("cluster") or ""


def _namespaces(asked: Asked) -> Found:
    transport, _ = _opened(asked)
    for each in _listed(transport, "/api/v1/namespaces"):
        yield each.name, ""


def _resources(asked: Asked) -> Found:
    """Find what is of one of ACK's kinds, Functions first."""
    begun, slash, _ = asked.incomplete.rpartition("/")
    ordered = sorted((each.name for each in LAMBDA_KINDS), key=lambda each: each != FUNCTION)
    for kind in ordered:
        meant = kind_called(begun) == kind if slash else kind.lower().startswith(asked.incomplete.lower())
        if meant or (kind == FUNCTION and not slash):
            yield from _objects(asked, kind)


def _functions(asked: Asked) -> Found:
    return _objects(asked, FUNCTION)


def _deleted(asked: Asked) -> Found:
    """Find Functions that are being deleted: no other can be let go."""
    return _objects(asked, FUNCTION, deleted=True)


def _objects(asked: Asked, kind: str, *, deleted: bool = False) -> Found:
    transport, namespace = _opened(asked)
    try:
        for each in _listed(
            transport, f"/apis/{KINDS[kind].group}/v1alpha1/namespaces/{namespace}/{KINDS[kind].plural}"
        ):
            if not deleted or each.deletion_timestamp:
                gist = f"being deleted since {each.deletion_timestamp}" if each.deletion_timestamp else ""
                yield from ((word, gist) for word in _typed(asked, kind, each.name))
    except (NotFound, Forbidden):
        return  # the next kind may be there to see


def _typed(asked: Asked, kind: str, name: str) -> Iterator[str]:
    """Write a name as it can go on from what is typed: with its kind; of a Function also without."""
    begun, slash, _ = asked.incomplete.rpartition("/")
    yield f"{begun if slash else kind.lower()}/{name}"
    if kind == FUNCTION and asked.incomplete and not slash:
        yield name


def _proposals(asked: Asked) -> Found:
    for each in _records(asked).known:
        if is_open(each) and (proposed := proposal_id(each)):
            assert each.episode is not None and each.episode.proposal is not None
            named = asked.flags.get("namespace")
            if named in (None, each.ref.namespace):
                yield proposed, f"{each.episode.proposal.action} {typed(each.ref)} -n {each.ref.namespace}"


def _recorded(asked: Asked) -> Found:
    for each in _records(asked).in_scope:
        yield from ((word, "") for word in _typed(asked, each.ref.kind, each.ref.name))


def _quarantined(asked: Asked) -> Found:
    records = _records(asked)
    for each in records.in_scope:
        if records.in_quarantine(each):
            yield from ((word, "") for word in _typed(asked, each.ref.kind, each.ref.name))


def _records(asked: Asked) -> Records:
    return open_records(
        kubeconfig=asked.kubeconfig,
        context=asked.flags.get("context"),
        namespace=asked.flags.get("namespace"),
        home=asked.flags.get("home"),
        all_namespaces="all_namespaces" in asked.flags,
    )


def _opened(asked: Asked) -> tuple[Transport, str]:
    """Open the cluster that the line names; return also the namespace that it means."""
    connection = Connection(asked.kubeconfig, asked.flags.get("context"))
    namespace = asked.flags.get("namespace") or connection.namespace
    check_name("namespace", namespace)
    return Transport(connection), namespace


def _listed(transport: Transport, path: str) -> Iterator[_Metadata]:
    for each in pages(transport, path):
        yield decoded(each, _Named).metadata


LOOKUPS: Mapping[str, Callable[[Asked], Found]] = {
    "contexts": _contexts,
    "namespaces": _namespaces,
    "resources": _resources,
    "functions": _functions,
    "deleted": _deleted,
    "proposals": _proposals,
    "recorded": _recorded,
    "quarantined": _quarantined,
}


def main(question: str) -> None:
    """Answer one question; what is found before something goes wrong, or the time is over, counts."""
    asked = msgspec.json.decode(question, type=Asked)
    for word, gist in LOOKUPS[asked.what](asked):
        sys.stdout.buffer.write(f"{word}\t{gist}\n".encode())
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1])
