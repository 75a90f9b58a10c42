"""Put together the bundle of one resource, without its secrets."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from remediator import __version__
from remediator.cli import documents, log_section
from remediator.cli.bundles import API_VERSION, KIND, Bundle, pack
from remediator.cli.redaction import Masks, account_masks, secrets_of, without_accounts
from remediator.diagnosis import diagnose
from remediator.errors import InputError
from remediator.model.decision import GateName
from remediator.model.episode import Episode
from remediator.model.finding import Finding
from remediator.model.log import ControllerLog
from remediator.model.observation import History, Observation
from remediator.model.scan import Judged
from remediator.model.times import format_time

# Gates that say whose word they go by, and how one does that somebody overrode.
_NAMING = (GateName.APPROVAL, GateName.GUARD)
_OVERRIDDEN = "overridden by "
# What stands after a name, where they gave it.
_AFTER_NAMES = (", passing by ", ", ticket ")
# What attempts say where no name is known: these are words of ours, which other texts have in them, too.
_NOT_NAMES = ("a person at the terminal", "nobody: the policy lets it go by itself")


class Collected(NamedTuple):
    """A bundle, ready to be written; `changed` says how its diagnosis differs, where the masks took words from it."""

    content: bytes
    masked: int
    changed: str


def collect(
    judged: Judged,
    raw: bytes,
    log: ControllerLog,
    *,
    episode: Episode | None = None,
    kubernetes: str = "not known",
    mask_accounts: bool = False,
) -> Collected:
    """Build the bundle of a resource as it was judged; `raw` is the whole object, `kubernetes` the server's version.

    `log` is as it was read: what was masked before could get no mask that tells secrets apart.
    """
    found, seen = json.loads(raw), judged.seen
    # What was judged and what was read after it may differ: each of both knows of secrets.
    secrets = [*secrets_of(found, seen.live_state.environment), *sorted(seen.secrets)]
    masks = Masks(secrets, _people(seen.history, episode))
    logged = msgspec.convert(masks.within(msgspec.to_builtins(log)), ControllerLog).cut()
    explained = masks.within(msgspec.to_builtins(documents.of_one(judged)))
    bundle = Bundle(
        api_version=API_VERSION,
        kind=KIND,
        collected=seen.now,
        versions={"remediator": __version__, "kubernetes": kubernetes, "python": platform.python_version()},
        object=masks.object(found),
        observation=_observation(seen, masks),
        explained=explained | {"controllerLog": log_section.document(logged)},
        log=logged,
        episode=None if episode is None else masks.within(_episode(episode)),
    )
    texts = {
        "README.txt": _readme(judged, len(masks), mask_accounts=mask_accounts),
        "bundle.json": documents.as_json(msgspec.to_builtins(bundle)),
        "object.yaml": documents.as_yaml(bundle.object),
        "aws.yaml": documents.as_yaml(bundle.observation["live_state"]),
        "controller-log.txt": "\n".join(
            [bundle.log.why, *(f"{each.at} {each.level} {each.text} (x{each.times})" for each in bundle.log.lines)]
        ).strip(),
    }
    accounts = account_masks("\n".join(texts.values())) if mask_accounts else {}
    content = pack({name: without_accounts(f"{text}\n", accounts) for name, text in texts.items()}, seen.now)
    return Collected(content, len(masks), _changed(judged.finding, bundle))


def _observation(seen: Observation, masks: Masks) -> dict[str, Any]:
    """Write what a diagnosis rests on, but the object; who approved or rejected something is nobody's business."""
    history = msgspec.structs.replace(seen.history, approval=None, rejection=None)
    told: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(seen, history=history))
    del told["resource"]
    kept = {key: told[key] for key in ("now", "history", "timeouts")}
    redacted = {key: masks.within(value) for key, value in told.items() if key not in kept}
    if seen.namespace is not None:
        redacted["namespace"]["annotations"] = masks.annotations(seen.namespace.annotations)
    return {**redacted, **kept, "live_state": masks.live(told["live_state"])}


def _people(history: History, episode: Episode | None) -> Iterator[str]:
    """List who said or did something: gates name them in their reasons, and results in their details."""
    if history.approval is not None:
        yield history.approval.approved_by
    if history.rejection is not None:
        yield history.rejection.rejected_by
    for each in episode.attempts if episode else ():
        for whom in (each.by, each.user, _name_of(each.approved_by)):
            if whom and whom not in _NOT_NAMES:
                yield whom


def _name_of(word: str) -> str:
    for after in _AFTER_NAMES:
        word = word.partition(after)[0]
    return word


def _episode(episode: Episode) -> dict[str, Any]:
    """Write what is on record, without whose word or which process it was.

    A verdict of then can name somebody whose word another one has taken the place of since: nobody can know that name.
    """
    told: dict[str, Any] = msgspec.to_builtins(episode)
    for verdict in told.get("verdicts", ()):
        if verdict["gate"] in _NAMING or verdict.get("reason", "").startswith(_OVERRIDDEN):
            verdict.pop("reason", None)
    for attempt in told.get("attempts", ()):
        for key in ("by", "user", "awsIdentity", "approvedBy", "backup"):
            attempt.pop(key, None)
    return told


def _changed(finding: Finding | None, bundle: Bundle) -> str:
    """Say how the diagnosis of the bundle differs: a variable can have a value that is also a word of an error."""
    try:
        again = diagnose(bundle.observed())
    except InputError as error:
        return error.message
    before, after = (each.name.value if each else "healthy" for each in (finding, again))
    return "" if before == after else f"the bundle's diagnosis is {after}, where the resource's is {before}"


def _readme(judged: Judged, masked: int, *, mask_accounts: bool) -> str:
    ref = judged.seen.resource.ref
    finding = judged.finding.name.value if judged.finding else "healthy"
    accounts = (
        "Account ids are replaced by 000000000001 and so on."
        if mask_accounts
        else ("Account ids and ARNs are as they are; `--mask-accounts` replaces them.")
    )
    return f"""\
{ref}, collected by ack-remediator {__version__} at {format_time(judged.seen.now)}: {finding}

Read it back, without cluster and AWS:  remediator diagnose -f THIS-FILE

bundle.json         everything below, and: the controller, the namespace, what is on record, every gate's verdict
object.yaml         the object as the API server has it
aws.yaml            what AWS answered about its function
controller-log.txt  the last entries of the controller's log that name it

Masked as <masked-N>, equal values alike ({masked} of them): the values of environment variables, in the spec, in AWS
and in what kubectl applied last; code (zipFile); whole annotations of other tools, of the object and its namespace.
Links to code are left out, and of managedFields all but the names of fields. Who approved, rejected or did something is
<person-N>.

Other texts (messages, the log, labels, tags) are searched for values of variables, for code and for those people, and
masked there, too: values from three characters on. They are not searched for what is in annotations of other tools.
Nothing is searched for in names, states, ARNs and times, and the annotations of ACK, the remediator, Argo CD's
tracking-id and Helm's release-name are as they are.
{accounts}

Look through it before you send it. Names, tags, labels, ARNs and error texts are as they are, and only you know
whether something in them is not for others.
"""
