"""How a rollout is told, and which Functions of a file it is about."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from msgspec import Struct

from remediator.cli import documents, lint_text, waited
from remediator.cli.names import check_name
from remediator.cli.options import Output
from remediator.cli.render import console, narration
from remediator.errors import InputError, UsageError
from remediator.lint.changes import CODE_WITH_CONFIGURATION
from remediator.lint.judging import File, judge
from remediator.lint.problem import Around, Before, Key, Severity
from remediator.manifest.objects import Manifest, manifests
from remediator.manifest.source import read_source
from remediator.model.kind import FUNCTION
from remediator.model.resource import FUNCTION_GROUP
from remediator.model.times import format_time
from remediator.ports import Clock
from remediator.rollout import Object, Part, Rolled, Step
from remediator.waiting import Ending

# What the API server writes, and no manifest says.
_SERVERS = ("status",)
_SERVERS_METADATA = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid")


class Wanted(Struct, frozen=True):
    """A Function of a file, and what is to be applied of it."""

    manifest: Manifest
    body: Object

    @property
    def key(self) -> Key:
        return Key(FUNCTION_GROUP, FUNCTION, self.namespace, self.name)

    @property
    def namespace(self) -> str:
        return str(self.body["metadata"]["namespace"])

    @property
    def name(self) -> str:
        return str(self.body["metadata"]["name"])


class Found(Struct, frozen=True):
    """What a file has in it."""

    functions: tuple[Wanted, ...]
    others: tuple[Manifest, ...]


def functions_of(filename: str, namespace: str | None, usual: str) -> Found:
    """Read the Functions of a file; raise InputError where it has none, or one that cannot be applied.

    `namespace` is what was asked for, and must be what they say; `usual` is theirs where neither says any.
    """
    source = read_source(filename)
    found = manifests(source)
    functions = [each for each in found if each.is_function]
    if not functions:
        raise InputError(
            f"{source.name}: has no Function in it",
            hint="rollout is for Functions of lambda.services.k8s.aws; apply all else with kubectl.",
        )
    wanted = tuple(Wanted(each, _body(each, namespace, usual)) for each in functions)
    _refuse_doubles(wanted)
    return Found(wanted, tuple(each for each in found if not each.is_function))


def _body(manifest: Manifest, namespace: str | None, usual: str) -> Object:
    """Take a manifest as it is applied: with its namespace, and without what an export has of the object."""
    line, column = manifest.mark("metadata", "name")
    place = f"{manifest.source.name}:{line}:{column}"
    if not manifest.name:
        raise InputError(f"{place}: metadata.name is missing", hint="A rollout has to know which object it is.")
    for what, name in (("Function", manifest.name), ("namespace", manifest.namespace)):
        if name is not None:
            check_name(what, name)
    if namespace and manifest.namespace not in (None, namespace):
        raise UsageError(
            f"{place}: {manifest.name} is of namespace {manifest.namespace}, and -n says {namespace}",
            hint="Leave -n out, or correct one of them.",
        )
    if not isinstance(manifest.at("spec"), dict):
        raise InputError(f"{place}: spec is missing", hint="Is the file whole?")
    body = copy.deepcopy({key: value for key, value in manifest.value.items() if key not in _SERVERS})
    metadata: dict[str, Any] = {key: value for key, value in body["metadata"].items() if key not in _SERVERS_METADATA}
    return body | {"metadata": metadata | {"namespace": manifest.namespace or usual}}


def _refuse_doubles(wanted: Sequence[Wanted]) -> None:
    seen: set[Key] = set()
    for each in wanted:
        if each.key in seen:
            line, column = each.manifest.mark("metadata", "name")
            place = f"{each.manifest.source.name}:{line}:{column}"
            raise InputError(
                f"{place}: Function {each.namespace}/{each.name} is in the file twice", hint="Keep one of them."
            )
        seen.add(each.key)


def exit_code(results: Sequence[Rolled]) -> int:
    """End as the last one did: it is the first that was not through."""
    return waited.EXIT_CODES[results[-1].ending]


_PART = {Part.NEW: "creates it", Part.CODE: "code", Part.REST: "configuration"}
_AGAIN = "Run the same again: it goes on where it is."


class Telling:
    """Tells of rollouts: what is done and waited for on stderr, how they ended on stdout."""

    def __init__(self, clock: Clock, context: str, namespace: str) -> None:
        self._clock = clock
        self._context = context
        self._namespace = namespace  # of what says none
        self._aside = narration()

    def left_alone(self, others: Sequence[Manifest]) -> None:
        """Name what else the file has: it is not applied."""
        if others:
            named = ", ".join(f"{each.kind or 'an object'} {each.name}".rstrip() for each in others)
            self._aside.line(f"Left alone, since they are no Functions: {named}. Apply them with kubectl.")

    def errors(self, wanted: Sequence[Wanted], before: Mapping[Key, Before]) -> bool:
        """Tell what of the manifests goes wrong for sure, as lint has it; True: something does.

        That code and configuration change together is what a rollout is for.
        """
        source = wanted[0].manifest.source
        file = File(source.name, source, [each.manifest for each in wanted])
        around = Around(now=self._clock.now(), manifests=file.manifests, before=before, namespace=self._namespace)
        found = [
            each
            for each in judge([file], around).problems
            if each.severity is Severity.ERROR and each.rule is not CODE_WITH_CONFIGURATION
        ]
        for each in found:
            self._aside.hanging(f"{lint_text.place(each)}: ", lint_text.sentence(each))
        if found:
            self._aside.line("Nothing was applied. `remediator lint` says more of it.")
        return bool(found)

    def begin(self, body: Object, timeout: timedelta) -> None:
        metadata, until = body["metadata"], format_time(self._clock.now() + timeout)
        place = f"{metadata['namespace']} ({self._context})"
        self.progress(f"rolling out function/{metadata['name']} in {place}, until {until}")

    def progress(self, sentence: str) -> None:
        """Say what happens, and when."""
        self._aside.hanging(f"{self._clock.now():%H:%M:%SZ}  ", sentence)

    def interrupted(self) -> None:
        """Say what an interruption leaves behind."""
        self._aside.line(f"Interrupted: what was applied stays. {_AGAIN}")

    def plans(self, plans: Sequence[tuple[Object, Sequence[Step]]], output: Output) -> None:
        """Tell the steps that are left; nothing is done."""
        if output.for_machines:
            told = [_named(body) | {"steps": [_step(each) for each in steps]} for body, steps in plans]
            documents.write({"schemaVersion": documents.SCHEMA_VERSION, "plans": told}, output)
            return
        page = console()
        for body, steps in plans:
            head = f"function/{body['metadata']['name']}: "
            if not steps:
                page.hanging(head, "nothing to apply")
            for number, step in enumerate(steps, 1):
                fields = f": {', '.join(step.fields)}" if step.fields else ""
                page.hanging(head, f"step {number}, {_PART[step.part]}{fields}")

    def ended(self, rolled: Rolled, output: Output) -> None:
        """Tell how one ended, and what to do next where it is not through."""
        if output.for_machines:
            return
        page = console(whole=output is Output.WIDE)
        page.hanging(f"function/{rolled.name}: ", _last_word(rolled), style=waited.STYLES[rolled.ending])
        if rolled.page:
            page.line(f"Runbook: remediator findings {rolled.page}")
        if not rolled.done:
            page.line(f"More:    remediator explain function/{rolled.name} -n {rolled.namespace}")

    def end(self, results: Sequence[Rolled], wanted: Sequence[Wanted], output: Output) -> None:
        """Tell what was not begun; the whole document, for machines."""
        left = [each.name for each in wanted[len(results) :]]
        if left:
            self._aside.line(f"Not begun: {', '.join(f'function/{each}' for each in left)}.")
        if output.for_machines:
            document = {
                "schemaVersion": documents.SCHEMA_VERSION,
                "rollouts": [_document(each) for each in results],
                "notBegun": left,
            }
            documents.write(document, output)


def _last_word(rolled: Rolled) -> str:
    taken = ", then ".join("created" if each.part is Part.NEW else each.part.value for each in rolled.taken)
    if rolled.done:
        return f"rolled out ({taken or 'nothing was left to apply'}; {rolled.seconds:.0f} s); {rolled.why}"
    so_far = f"Applied so far: {taken}. " if taken else ""
    if rolled.ending is Ending.TIMED_OUT:
        return f"{rolled.why}. {so_far}{_AGAIN}"
    named = f"{rolled.finding.name}: " if rolled.finding and rolled.page == rolled.finding.name else ""
    return f"waiting does not help. {named}{rolled.why} {so_far}".rstrip()


def _document(rolled: Rolled) -> documents.Document:
    return {
        "namespace": rolled.namespace,
        "name": rolled.name,
        "result": rolled.ending.value,
        "steps": [_step(each) for each in rolled.taken],
        "message": rolled.why,
        "seconds": round(rolled.seconds, 1),
        "finding": waited.finding_document(rolled.finding),
        "runbook": rolled.page or None,
    }


def _named(body: Object) -> documents.Document:
    return {"namespace": body["metadata"]["namespace"], "name": body["metadata"]["name"]}


def _step(step: Step) -> documents.Document:
    return {"part": step.part.value, "fields": list(step.fields)}
