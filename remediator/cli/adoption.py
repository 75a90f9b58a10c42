"""Write the object by which ACK takes over a function of ours, such that nothing comes to harm.

With `adopt` ACK reads the function and writes what it finds into the object's spec; nothing in AWS is changed but tags
of its own. With `adopt-or-create` the spec is what counts from the next pass on: what it leaves out is taken away from
the function, its environment too, which is nobody's to print (runtime, pkg/runtime/reconciler.go, Sync). A spec that is
whole has the backup alone, and `remediator restore --adopt` shows what it would change before it does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

import click

from remediator.cli import documents
from remediator.cli.names import check_name, typed
from remediator.cli.options import Output
from remediator.cli.orphan_report import commands
from remediator.cli.render import in_one_line, narration
from remediator.cli.wiring import Wired
from remediator.errors import ClusterError, NotFound, NotSeen, RemediatorError, UsageError
from remediator.kubernetes.namespaces import read_namespace
from remediator.kubernetes.restored import Json
from remediator.model.orphan import Orphan
from remediator.model.placement import NAMESPACE_ACCOUNT, REGION, Placement, place
from remediator.model.resource import (
    ADOPTION_FIELDS,
    ADOPTION_POLICY,
    DELETION_POLICY,
    FUNCTION_GROUP,
    RETAIN,
    FunctionSpec,
    Metadata,
    Resource,
)
from remediator.orphans import Search

_ADOPT = "adopt"
# The first release that heeds these annotations by itself (runtime v0.51.0, pkg/featuregate/features.go).
_ADOPTS_SINCE = "1.9.0"
_CHOICES_TOLD = 8


class Adoption:
    """One manifest, or why there is none."""

    def __init__(self, wired: Wired, search: Search) -> None:
        self._wired = wired
        self._search = search
        self._aside = narration()

    def show(self, word: str, output: Output) -> int:
        """Print it for a function by its name or ARN; raise RemediatorError where it could do harm, or nothing."""
        each = self._meant(word)
        self._refuse_what_is_not_ours(each)
        obj = manifest(each)
        minds = list(self._checked(each, obj))
        if output is not Output.JSON:
            for line in _head(each):
                click.echo(f"# {in_one_line(line)}")
        documents.write(obj, Output.JSON if output is Output.JSON else Output.YAML)
        for mind in (*each.minds, *minds):
            self._aside.hanging("Mind      ", mind)
        if restore := commands(each).get("restore"):
            self._aside.line("With its spec as it was saved, and after showing what that changes in AWS:")
            self._aside.verbatim(f"  {restore}")
        return 0

    def _meant(self, word: str) -> Orphan:
        search = self._search
        if not search.conclusive:
            raise NotSeen(
                f"whether {word} has no object is not known: {'; '.join(search.partial)}",
                hint="Every Function of every namespace has to be seen for that: ask somebody who may list them.",
            )
        found = [each for each in search.orphans if word in (each.arn, each.place.name)]
        if len(found) > 1:
            arns = ", ".join(each.arn for each in found[:_CHOICES_TOLD])
            raise UsageError(f"{word!r} can mean {len(found)} functions", hint=f"Name one by its ARN: {arns}.")
        if found:
            return found[0]
        for resource, _ in search.placed:
            if word in (resource.arn_text, resource.function_name):
                raise RemediatorError(
                    f"{word} is no orphan: {resource.ref} is for it",
                    hint=f"remediator explain {typed(resource.ref)} -n {resource.ref.namespace} tells how that one is.",
                )
        if search.partial:
            raise NotSeen(f"{word} was not found, and not everything was seen: {'; '.join(search.partial)}")
        raise RemediatorError(
            f"no function {word} without an object was found",
            hint="`remediator orphans` lists them; --region and --account look elsewhere.",
        )

    def _refuse_what_is_not_ours(self, each: Orphan) -> None:
        if not each.owner.ours:
            raise RemediatorError(
                f"{each.arn} is not known to be this cluster's. {each.why}",
                hint="Two owners of one function overwrite each other for ever: ask whose it is.",
            )

    def _checked(self, each: Orphan, obj: Json) -> Iterator[str]:
        """Yield what could not be made sure of; raise RemediatorError for what speaks against it."""
        namespace, name = obj["metadata"]["namespace"], obj["metadata"]["name"]
        if not namespace:
            raise RemediatorError(f"{each.arn}: no tag of ACK says which namespace it is of", hint="Write it by hand.")
        check_name("namespace", namespace)
        check_name("Function", name)
        self._refuse_what_is_taken(each, namespace, name)
        yield from self._namespace(namespace)
        if self._search.controller.older_than(_ADOPTS_SINCE):
            raise RemediatorError(
                f"the lambda-controller here is {self._search.controller.version}, and adopts nothing before "
                f'{_ADOPTS_SINCE}: it would say "Resource already exists"',
                hint="Upgrade it first.",
            )
        yield from self._account(each, namespace, name)

    def _refuse_what_is_taken(self, each: Orphan, namespace: str, name: str) -> None:
        for resource, _ in self._search.placed:
            if resource.ref[:2] == (namespace, name):
                raise RemediatorError(
                    f"there is a {resource.ref} already, and it is for another function than {each.arn}",
                    hint="Write the object under another metadata.name; spec.name stays.",
                )

    def _namespace(self, namespace: str) -> Iterator[str]:
        try:
            found = read_namespace(self._wired.transport, f"/api/v1/namespaces/{quote(namespace, safe='')}")
        except NotFound as error:
            raise RemediatorError(
                f"there is no namespace {namespace} any more", hint=f"kubectl create namespace {namespace}, and again."
            ) from error
        except ClusterError as error:
            yield f"Whether there is a namespace {namespace} could not be asked: {error.message}"
            return
        if found.terminating:
            raise RemediatorError(
                f"namespace {namespace} is being deleted: nothing can be created in it",
                hint="Wait until it is gone and create it anew, or take another one.",
            )

    def _account(self, each: Orphan, namespace: str, name: str) -> Iterator[str]:
        """Make sure that ACK looks in the function's account: in another one it finds another function, or none."""
        wanted = self._placement(each, namespace, name)
        others = {
            resource.arn.account: resource.ref
            for resource, _ in self._search.placed
            if resource.arn and resource.metadata.namespace == namespace
        }
        there = wanted.account or next(iter(others), None)
        because = wanted.because if wanted.account else f"{others[there]} is there" if there else ""
        if wanted.obstacle or there not in (None, each.place.account):
            raise RemediatorError(
                f"ACK would not look for {each.arn} in its account: "
                + (wanted.obstacle or f"for namespace {namespace} it works in {there} ({because})"),
                hint=f"Annotate the namespace for that account ({NAMESPACE_ACCOUNT}), or take another one.",
            )
        if wanted.unsure:
            yield f"Which account ACK takes for namespace {namespace} is not certain: {wanted.unsure}."
        elif there is None:
            yield f"ACK has to work in account {each.place.account} for namespace {namespace}: no Function there tells."

    def _placement(self, each: Orphan, namespace: str, name: str) -> Placement:
        known = self._wired.means.cluster.identities({namespace}, self._search.controller)
        planned = Resource(
            metadata=Metadata(name=name, namespace=namespace, annotations={REGION: each.place.region}),
            spec=FunctionSpec(name=each.place.name),
        )
        return place(planned, known, self._search.controller)


def manifest(each: Orphan) -> Json:
    """Write the object: what finds the function, and nothing that could change it.

    The region is said, so that ACK's default is not taken; and that the function stays if the object goes, until
    somebody has seen that all is well.
    """
    name = each.place.name
    return {
        "apiVersion": f"{FUNCTION_GROUP}/v1alpha1",
        "kind": "Function",
        "metadata": {
            "name": each.object_name,
            "namespace": each.namespace,
            "annotations": {
                ADOPTION_POLICY: _ADOPT,
                ADOPTION_FIELDS: json.dumps({"name": name}),
                DELETION_POLICY: RETAIN,
                REGION: each.place.region,
            },
        },
        "spec": {"name": name, "code": {}},
    }


def _head(each: Orphan) -> Iterator[str]:
    yield each.arn
    yield "Create it with kubectl create: apply would write over an object of that name."
    yield "ACK fills in the spec from what AWS has and changes nothing there; if this object goes, the function stays."
    yield f"When it is synced and right, take the annotation {DELETION_POLICY} away."
