"""Read what people attach to a support case, and diagnose it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from remediator.actions import plan_for
from remediator.aws.answers import present
from remediator.cli.bundles import GZIP, Bundle, unpack
from remediator.diagnosis import diagnose
from remediator.diagnosis.references import with_findings
from remediator.errors import InputError
from remediator.gates import decide
from remediator.kubernetes.resources import decode
from remediator.model.controller import ControllerFacts
from remediator.model.decision import Standing
from remediator.model.finding import FindingName
from remediator.model.kind import LAMBDA_KINDS
from remediator.model.live import LiveState, Presence, unreadable
from remediator.model.log import ControllerLog
from remediator.model.observation import History, Observation
from remediator.model.placement import place
from remediator.model.reference_text import links_by_text
from remediator.model.resource import FUNCTION_GROUP, Resource
from remediator.model.scan import Judged, Scan
from remediator.model.timeouts import Timeouts
from remediator.policy import Policy
from remediator.situation import about, situation

_WHOLE = "Is it whole? `kubectl get functions NAME -o yaml` prints what is needed."
_KINDS = [each.name for each in LAMBDA_KINDS]
_GONE = "ResourceNotFoundException"
_NO_CONTROLLER = ControllerFacts(why="a dump does not tell how the controller is")


class Diagnosed(NamedTuple):
    """What dumps tell; `log` is there where they are a bundle."""

    scan: Scan
    log: ControllerLog | None = None


def diagnose_dumps(
    filename: str,
    live: str | None,
    since: datetime | None,
    at: datetime | None,
    policy: Policy,
    *,
    timeouts: Timeouts | None = None,
) -> Diagnosed:
    """Diagnose every Function of a file, or of a bundle; name everything else under `partial`.

    What is given besides beats what a bundle has of it. `timeouts` are those of a policy that was named.
    """
    content = _bytes(filename)
    if content.startswith(GZIP):
        return _of_bundle(unpack(filename, content), live, since, at, policy, timeouts)
    return Diagnosed(_of_dumps(filename, content, live, since, at or datetime.now(UTC), policy))


def _of_bundle(
    bundle: Bundle,
    live: str | None,
    since: datetime | None,
    at: datetime | None,
    policy: Policy,
    timeouts: Timeouts | None,
) -> Diagnosed:
    seen = bundle.observed()
    given = _answers(live, [seen.resource]).get(seen.resource.function_name)
    seen = msgspec.structs.replace(
        seen,
        now=at or seen.now,
        live_state=given or seen.live_state,
        timeouts=timeouts or seen.timeouts,
        history=msgspec.structs.replace(seen.history, given=since or seen.history.given),
    )
    return Diagnosed(Scan((_judged(seen, policy),), (), (), seen.controller, seen.now), bundle.log)


def _of_dumps(
    filename: str, content: bytes, live: str | None, since: datetime | None, now: datetime, policy: Policy
) -> Scan:
    """Diagnose every resource of ACK's lambda-controller in a file; name everything else under `partial`.

    What others of the file refer to comes before them, so that they can say what is wrong with it.
    """
    resources: list[Resource] = []
    partial: list[str] = []
    for each in _objects(filename, _documents(filename, _decoded(filename, content))):
        resource = _resource(each)
        if isinstance(resource, Resource):
            resources.append(resource)
        else:
            partial.append(resource)
    answers = _answers(live, resources)
    results = []
    found: dict[tuple[str, str, str], FindingName] = {}
    for resource in sorted(resources, key=lambda each: _KINDS.index(each.kind)):
        seen = Observation(
            resource=resource,
            live_state=answers.get(resource.function_name, _no_answer(resource)),
            now=now,
            controller=_NO_CONTROLLER,
            history=History(given=since),
            timeouts=policy.timeouts,
            placement=place(resource),
            references=with_findings(links_by_text(resource), found),
        )
        judged = _judged(seen, policy)
        if judged.finding is not None:
            found[resource.kind, resource.metadata.namespace, resource.metadata.name] = judged.finding.name
        results.append(judged)
    return Scan(tuple(results), tuple(partial), (), _NO_CONTROLLER, now)


def _judged(seen: Observation, policy: Policy) -> Judged:
    finding = diagnose(seen)
    around = about(situation(policy, seen.now, None), seen, Standing())
    return Judged(seen, finding, decide(finding, plan_for(finding, seen), around) if finding else None)


def _no_answer(resource: Resource) -> LiveState:
    return unreadable("no answer of AWS was given with --live" if resource.is_function else "AWS was not asked")


def _bytes(filename: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if filename == "-" else Path(filename).read_bytes()
    except OSError as error:
        raise InputError(
            f"{filename}: cannot be read: {error.strerror}", hint="Name a file, or - for stdin."
        ) from error


def _decoded(filename: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{filename}: is not UTF-8 text (byte {error.start})", hint="Save it as UTF-8 and try again."
        ) from error


def _documents(filename: str, text: str) -> list[Any]:
    """Parse JSON (also several documents one after the other) where it looks like it, else YAML."""
    fault: json.JSONDecodeError | None = None
    try:
        if text.lstrip()[:1] in ("{", "["):
            try:
                return list(_json_stream(text))
            except json.JSONDecodeError as error:
                fault = error  # YAML's flow style begins like JSON
        return list(YAML_OF_TEXTS.load_all(text))
    except RecursionError as error:
        raise InputError(f"{filename}: is nested too deeply to be a Kubernetes object") from error
    except (YAMLError, ValueError) as error:
        raise InputError(_fault(filename, fault or error), hint=_WHOLE) from error


def _fault(filename: str, error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{filename}:{error.lineno}:{error.colno}: {error.msg}; expected JSON or YAML"
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        return f"{filename}{place}: {_problem(error)}; expected YAML or JSON"
    return f"{filename}: {(str(error).splitlines() or ['no YAML'])[0]}; expected YAML or JSON"


def _problem(error: MarkedYAMLError) -> str:
    """Say what is wrong, without the values that a duplicate key has: they can be of an environment."""
    return (error.problem or error.context or "no YAML").split(" with value ")[0]


def _json_stream(text: str) -> Iterator[Any]:
    decoder, position = json.JSONDecoder(), 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        value, position = decoder.raw_decode(text, position)
        yield value


class _TextConstructor(SafeConstructor):
    """Read times as the texts that they are in Kubernetes: an impossible one is then no fault of the file."""


_TextConstructor.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)

YAML_OF_TEXTS = YAML(typ="safe", pure=True)
YAML_OF_TEXTS.Constructor = _TextConstructor


def _objects(filename: str, documents: list[Any]) -> list[Any]:
    """Take Lists and arrays apart; an empty document is nothing."""
    found: list[Any] = []
    for document in documents:
        if document is None:
            continue
        if isinstance(document, list):
            found += document
        elif isinstance(document, Mapping) and str(document.get("kind", "")).endswith("List"):
            items = document.get("items") or []
            if not isinstance(items, list):
                raise InputError(f"{filename}: the items of its {document['kind']} are no list", hint=_WHOLE)
            found += items
        else:
            found.append(document)
    if not found:
        raise InputError(
            f"{filename}: has no object in it", hint="`kubectl get functions -o yaml` prints what is needed."
        )
    return found


def _resource(value: Any) -> Resource | str:
    if not isinstance(value, Mapping):
        return f"a {type(value).__name__} is no Kubernetes object and was left out"
    kind, version = value.get("kind", "Function"), str(value.get("apiVersion", f"{FUNCTION_GROUP}/v1alpha1"))
    metadata = value.get("metadata")
    name = metadata.get("name", "?") if isinstance(metadata, Mapping) else "?"
    if kind not in _KINDS or not version.startswith(f"{FUNCTION_GROUP}/"):
        return f"{kind} {name} ({version}) is no resource of ACK's lambda-controller and was left out"
    try:
        return decode(json.dumps(value, default=str).encode(), kind)
    except (TypeError, ValueError, RecursionError) as error:
        return f"{kind} {name} cannot be read and was left out: {error}"


def _answers(filename: str | None, resources: list[Resource]) -> dict[str, LiveState]:
    """Map each function's name to what AWS is said to have answered."""
    if filename is None:
        return {}
    documents = _documents(filename, _decoded(filename, _bytes(filename)))
    answer = documents[0] if len(documents) == 1 else None
    if not isinstance(answer, Mapping):
        raise InputError(
            f"{filename}: is not one mapping",
            hint="Give what `aws lambda get-function` printed, or a mapping of function name to such an answer.",
        )
    if not _is_answer(answer):
        return {str(name): _live(each) for name, each in answer.items()}
    live = _live(answer)
    configuration = answer.get("Configuration", answer)
    named = configuration.get("FunctionName") if isinstance(configuration, Mapping) else None
    names = {each.function_name for each in resources if each.is_function}
    if named is None and len(names) > 1:
        raise InputError(
            f"{filename}: does not say which of {len(names)} functions it is about",
            hint="Give a mapping of function name to answer.",
        )
    return {str(named): live} if named is not None else dict.fromkeys(names, live)


def _is_answer(value: Mapping[str, Any]) -> bool:
    """Tell one answer from a mapping of them, by the keys that every answer has."""
    return any(key in value for key in ("Configuration", "FunctionName", "FunctionArn", "Error"))


def _live(answer: Any) -> LiveState:
    if not isinstance(answer, Mapping):
        return unreadable("the answer given with --live is no mapping")
    error = answer.get("Error")
    if error is None:
        return present(answer)
    code = error.get("Code") if isinstance(error, Mapping) else error
    if code == _GONE:
        return LiveState(presence=Presence.GONE, why="unproven: a dump says so, nobody checked account and region")
    message = error.get("Message", "") if isinstance(error, Mapping) else ""
    return unreadable(f"the answer given with --live is {code or 'an error'}{': ' if message else ''}{message}")
