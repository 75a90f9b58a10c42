"""Functions in the cluster: list, read and patch them. The other kinds of the lambda-controller: list and read them."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from urllib.parse import quote

import msgspec

from remediator.errors import ClusterError, Forbidden, NotFound, NotServed
from remediator.kubernetes import controller, controller_log, preflight, workload
from remediator.kubernetes.answers import MALFORMED
from remediator.kubernetes.definitions import read_definitions
from remediator.kubernetes.identities import read_identities, read_one
from remediator.kubernetes.listing import API, Lists, several, unknown
from remediator.kubernetes.references import References
from remediator.kubernetes.served import served
from remediator.kubernetes.transport import Transport, decoded
from remediator.model.applied import with_owners
from remediator.model.controller import ControllerFacts
from remediator.model.decision import Rehearsal
from remediator.model.definition import Definitions
from remediator.model.identities import Identities
from remediator.model.kind import FUNCTION, KINDS, OTHER_KINDS, Kind
from remediator.model.log import ControllerLog
from remediator.model.namespace import Namespace
from remediator.model.plan import Operation
from remediator.model.reference import Link
from remediator.model.resource import FUNCTION_GROUP, Ref, Resource
from remediator.model.workload import DEPLOYMENT, RESTARTED_AT, Workload

# Sends a patch, in its own way.
Around = Callable[[Ref, Sequence[Operation], Callable[[], Resource]], Resource]


def straight(_: Ref, __: Sequence[Operation], send: Callable[[], Resource]) -> Resource:
    """Send a patch, and nothing else."""
    return send()


class KubernetesCluster:
    """The Cluster port. `namespace` None means all of them; `selector` is a label selector as kubectl takes it.

    `writes` is the transport for writes, where those must not wait as long as reads may. `around` is given each patch
    of a target, and what sends it: nothing is patched but by that. `page` is how many objects are listed at a time
    (`Lists`).
    """

    def __init__(
        self,
        transport: Transport,
        namespace: str | None = None,
        selector: str | None = None,
        writes: Transport | None = None,
        around: Around = straight,
        *,
        page: int | None = None,
    ) -> None:
        self._transport = transport
        self._around = around
        self._writes = writes or transport
        self._namespace = namespace
        self._selector = selector
        self._saw_all = False
        self._references = References(transport)
        self._lists = Lists(transport, namespace, selector, page=page)

    def resources(self) -> Iterator[Resource | str]:
        """List, each object as it comes. What cannot be decoded is named, and does not end the list; nor does an answer
        that breaks off after some came. Raises ClusterError where nothing can be seen at all.
        """
        self._saw_all = False
        self._references = References(self._transport)  # each pass looks anew
        saw_all = True
        for each in self._listed():
            saw_all = saw_all and isinstance(each, Resource)
            yield each
        self._saw_all = saw_all

    def functions(self) -> Iterator[Resource | str]:
        """List Functions alone, as `resources` does."""
        yield from self._of(KINDS[FUNCTION])

    def _listed(self) -> Iterator[Resource | str]:
        """List Functions, then what else of ACK's the API server names; a kind that is not installed is none.

        A server that broke off in the middle is asked for nothing more.
        """
        broken_off = yield from self._of(KINDS[FUNCTION])
        if broken_off:
            return
        refused: list[tuple[Kind, ClusterError]] = []
        try:
            there = served(self._transport, FUNCTION_GROUP)
        except ClusterError as error:
            yield f"which other kinds {FUNCTION_GROUP} has could not be asked: {error.message}"
            return
        for kind in OTHER_KINDS:
            try:
                if kind.plural in there:
                    yield from self._of(kind)
            except NotFound:
                continue  # its definition went a moment ago
            except ClusterError as error:
                refused.append((kind, error))
        if refused:
            yield _not_listed(refused)

    def _of(self, kind: Kind) -> Generator[Resource | str, None, str]:
        broken_off = yield from self._lists.of(kind, lambda content: decode(content, kind.name))
        if broken_off:
            yield broken_off
        return broken_off

    def get(self, namespace: str, name: str, kind: str = FUNCTION) -> Resource:
        """Read one, with who wrote which of its fields.

        Raise NotFound only where the API server says that of this object; ClusterError for any other 404, and where it
        cannot be decoded.
        """
        if kind == DEPLOYMENT:
            return workload.resource_of(self._transport.get(workload.path_of(namespace, name)))
        with _spoken_of(KINDS[kind]):
            content = self._transport.get(path_of(namespace, name, kind))
        resource = decode(content, kind, alone=True)
        if isinstance(resource, str):
            raise ClusterError(resource)
        return resource

    def references(self, resource: Resource) -> tuple[Link, ...]:
        return self._references.of(resource)

    def raw(self, ref: Ref) -> bytes:
        return self._transport.get(path_of(ref.namespace, ref.name, ref.kind))

    def patch(self, ref: Ref, patch: Sequence[Operation]) -> Resource:
        if ref.kind == DEPLOYMENT:
            check_restarts(ref, patch)
        else:
            _check_may_be_written(ref)
        return self._around(ref, patch, lambda: self._patched(ref, patch))

    def _patched(self, ref: Ref, patch: Sequence[Operation]) -> Resource:
        if ref.kind == DEPLOYMENT:
            return workload.resource_of(self._writes.patch(workload.path_of(ref.namespace, ref.name), patch))
        with _spoken_of(KINDS[ref.kind]):
            content = self._writes.patch(path_of(ref.namespace, ref.name), patch)
        return with_owners(decoded(content, Resource), content, always=True)

    def controller(self, now: datetime) -> ControllerFacts:
        return controller.discover(self._transport, now)

    def saw_everything(self) -> bool:
        return self._namespace is None and self._selector is None and self._saw_all

    def workload(self, namespace: str, name: str) -> Workload:
        return workload.read_workload(self._transport, namespace, name)

    def definitions(self) -> Definitions:
        return read_definitions(self._transport)

    def permitted(self, ref: Ref) -> tuple[bool | None, str]:
        if ref.kind != DEPLOYMENT:
            _check_may_be_written(ref)
        return preflight.may_patch(self._transport, ref)

    def rehearse(self, before: Resource, patch: Sequence[Operation]) -> Rehearsal:
        if before.kind == DEPLOYMENT:
            check_restarts(before.ref, patch)
            there = workload.path_of(before.metadata.namespace, before.metadata.name)
            return preflight.rehearse(lambda: self._transport.patch(there, patch, dry_run=True), before, patch)
        _check_may_be_written(before.ref)
        path = path_of(before.metadata.namespace, before.metadata.name)
        with _spoken_of(KINDS[before.kind]):
            return preflight.rehearse(lambda: self._transport.patch(path, patch, dry_run=True), before, patch)

    def skew(self) -> float | None:
        return self._transport.skew

    def identities(self, namespaces: Iterable[str] | None, controller: ControllerFacts) -> Identities:
        return read_identities(self._transport, namespaces, controller)

    def namespace(self, name: str) -> Namespace | str:
        return read_one(self._transport, name)

    def log_lines(self, ref: Ref) -> ControllerLog:
        return controller_log.log_lines(self._transport, ref)

    def namespace_annotations(self, namespace: str) -> dict[str, str] | None:
        return preflight.annotations_of(self._transport, quote(namespace, safe=""))


def decode(content: bytes, kind: str = FUNCTION, *, alone: bool = False) -> Resource | str:
    """Read one object of a kind from JSON; say in a sentence what is wrong with one that cannot be read.

    `alone`: it is one, not one of thousands, and who wrote what is worth reading.
    """
    try:
        found = with_owners(msgspec.json.decode(content, type=Resource), content, always=alone)
    except MALFORMED as error:
        return f"{kind} {_name_of(content)} cannot be read and was left out: {error}"
    # Whoever leaves it out must not turn an Alias into the Function of that name.
    return found if found.kind == kind else msgspec.structs.replace(found, kind=kind)


@contextmanager
def _spoken_of(kind: Kind) -> Iterator[None]:
    """Let a 404 that names no object be no word of an object: nothing is gone because a path is not served."""
    try:
        yield
    except NotServed as error:
        raise unknown(kind) from error


def _not_listed(refused: Sequence[tuple[Kind, ClusterError]]) -> str:
    """Say once what could not be listed: who may not list one kind may not list the others, more often than not."""
    kinds = ", ".join(several(kind) for kind, _ in refused)
    errors = [error for _, error in refused]
    role = " manifests/base/clusterrole-read.yaml has the role." if isinstance(errors[0], Forbidden) else ""
    return f"{kinds} could not be listed: {errors[0].message.rstrip('.')}.{role}"


def _check_may_be_written(ref: Ref) -> None:
    """Refuse to write to what is no Function, whatever asks for it: what we know of deletions holds for those alone."""
    if ref.kind != FUNCTION:
        raise ClusterError(f"{ref} is never written to: there are actions for Functions only")


def check_restarts(ref: Ref, patch: Sequence[Operation]) -> None:
    """Refuse whatever would change more of a Deployment than the time of its restart, whatever asks for it."""
    restarts = "/spec/template/metadata/annotations"
    told = f"{restarts}/{RESTARTED_AT.replace('/', '~1')}"
    for each in patch:
        empty = each["op"] == "add" and each["path"] == restarts and each["value"] == {}
        if each["op"] != "test" and not empty and (each["op"], each["path"]) != ("add", told):
            raise ClusterError(f"{ref} is never written to but to restart it, and {each['path']} is more than that")


def _name_of(content: bytes) -> str:
    """Find namespace and name where the rest is broken; msgspec gives nothing of what it cannot read whole."""
    try:
        found = json.loads(content.decode(errors="replace"))["metadata"]
        namespace, name = found.get("namespace"), found.get("name")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        namespace = name = None
    named = "/".join(each if isinstance(each, str) and each else "?" for each in (namespace, name))
    return named.encode(errors="replace").decode()  # half of a surrogate pair is no text that can be printed


def path_of(namespace: str, name: str, kind: str = FUNCTION) -> str:
    """Write the path of one object of ACK's lambda-controller."""
    # Names come from the command line: "../secrets" must stay a name.
    return f"{API}/namespaces/{quote(namespace, safe='')}/{KINDS[kind].plural}/{quote(name, safe='')}"
