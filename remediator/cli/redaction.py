"""Masks for what is sent to others: one per secret, the same wherever it occurs, so that differences still show.

Two nets. Where a secret is kept (environment variables, code, copies of the spec in annotations) it is replaced
whatever it is. In every other text each occurrence is, in each spelling; but not in names, states and times, which
mean something else where they happen to be alike.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from remediator.cli.particulars import TELLING
from remediator.model.masking import PRESIGNED, SHORTEST_SECRET, spellings
from remediator.model.resource import LAST_APPLIED

# Annotations that a diagnosis rests on; in others can be anything, another tool's packed copy of the spec included.
_TELLING = (*TELLING, "argocd.argoproj.io/tracking-id", "meta.helm.sh/release-name")
# From here on a secret is looked for within base64 of something longer, too; what is shorter would be found by chance.
_LONG = 8
# What can be told by its name to be no text of anybody's: a variable REGION=us-east-1 must not take an ARN apart.
_PLAIN = frozenset(
    {
        *("apiVersion", "kind", "name", "namespace", "uid", "resourceVersion", "finalizers", "ownerReferences"),
        *("managedFields", "type", "status", "state", "lastUpdateStatus", "packageType", "runtime", "architectures"),
        *("creationTimestamp", "deletionTimestamp", "lastTransitionTime", "lastModified", "sha256", "codeSHA256"),
        *("revisionID", "arn", "region", "ownerAccountID", "partition", "memorySize", "timeout", "size", "mode"),
        *("applyOn", "at", "account", "presence", "vouched", "last_modified", "last_update_status", "package_type"),
        *("state_reason_code", "last_update_status_reason_code", "revision_id", "code_sha256", "health", "version"),
        *("watched_namespaces", "feature_gates", "resync", "deletion_policy", "system_namespace", "field", "call"),
        *("finding", "remedy", "decision", "gate", "ruling", "level", "action", "result", "now"),
    }
)  # fmt: skip

# Where the keys are anybody's: a label called `name` is no name.
_FREE = frozenset({"labels", "tags", "annotations", "variables", "evidence"})


class Masks:
    """What stands for each secret: `<masked-1>`, `<masked-2>` …, in the order in which they are given.

    For each of `people` stands `<person-1>` …, however short the name is; but not within a longer word.
    """

    def __init__(self, secrets: Iterable[str], people: Iterable[str] = ()) -> None:
        self._masks: dict[str, str] = {}
        for each in secrets:
            self.of(each)
        named = {name: f"<person-{number}>" for number, name in enumerate(dict.fromkeys(filter(None, people)), 1)}
        quoted = {form: whom for name, whom in named.items() for form in (name, *spellings(name))}
        spelled = {
            form: self._masks[each] for each in self._masks if len(each) >= SHORTEST_SECRET for form in _forms(each)
        }
        self._spelled = quoted | spelled
        longest_first = sorted(self._spelled, key=len, reverse=True)
        forms = (re.escape(each) if each in spelled else rf"(?<!\w){re.escape(each)}(?!\w)" for each in longest_first)
        self._found = re.compile("|".join(forms)) if longest_first else None

    def __len__(self) -> int:
        return len(self._masks)

    def of(self, value: str) -> str:
        """Return what stands for a value; nothing for nothing."""
        if not value:
            return value
        return self._masks.setdefault(value, f"<masked-{len(self._masks) + 1}>")

    def text(self, text: str) -> str:
        """Replace every secret that is known, and links that lead to the code."""
        text = PRESIGNED.sub("<masked-link>", text)
        return self._found.sub(lambda found: self._spelled[found[0]], text) if self._found else text

    def within(self, value: Any, key: str = "") -> Any:
        """Replace them in all texts of a document, but where its key says that it is no free text."""
        if isinstance(value, str):
            return PRESIGNED.sub("<masked-link>", value) if key in _PLAIN else self.text(value)
        if isinstance(value, Mapping):
            return {name: self.within(each, "" if key in _FREE else name) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.within(each, key) for each in value]
        return value

    # ---- by what it is -----------------------------------------------------------------------------------------------

    def object(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Redact a Function as the API server has it."""
        redacted: dict[str, Any] = self.within(found)
        metadata, spec = _mapping(found, "metadata"), _mapping(found, "spec")
        if metadata.get("annotations"):
            redacted["metadata"]["annotations"] = self.annotations(_mapping(metadata, "annotations"))
        for each in _mapping(redacted, "metadata").get("managedFields") or ():
            each["fieldsV1"] = _names(each.get("fieldsV1"))
        variables = _mapping(_mapping(spec, "environment"), "variables")
        if variables:
            redacted["spec"]["environment"]["variables"] = {
                name: self.of(_text(each)) for name, each in variables.items()
            }
        if _mapping(spec, "code").get("zipFile"):
            redacted["spec"]["code"]["zipFile"] = self.of(_text(spec["code"]["zipFile"]))
        return redacted

    def annotations(self, found: Mapping[str, Any]) -> dict[str, str]:
        """Keep those that a diagnosis rests on; mask the others whole, the copy of the spec from within."""
        return {key: self._annotation(key, str(value)) for key, value in found.items()}

    def live(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Redact what AWS answered."""
        pairs = [[path, self.within(text, path.rpartition(".")[2])] for path, text in found["configuration"]]
        masked = {name: self.of(value) for name, value in found["environment"].items()}
        return {**self.within(found), "configuration": pairs, "environment": masked}

    def _annotation(self, key: str, value: str) -> str:
        if key.startswith(_TELLING):
            return value
        if key != LAST_APPLIED:
            return self.of(value)
        applied = _applied(value)
        if applied is None:
            return self.of(value)
        try:
            return json.dumps(self.object(applied), separators=(",", ":"), ensure_ascii=False)
        except RecursionError:  # as deep as it can just be read
            return self.of(value)


def _names(fields: Any) -> dict[str, Any]:
    """Keep the names of the fields that a manager wrote; entries of lists are named by their values."""
    if not isinstance(fields, Mapping):
        return {}
    return {key: _names(each) for key, each in fields.items() if key.startswith("f:")}


def secrets_of(found: Mapping[str, Any], live: Mapping[str, str]) -> list[str]:
    """List what is secret in an object and in AWS's environment for it, in one order."""
    annotations = _mapping(_mapping(found, "metadata"), "annotations")
    applied = _applied(annotations.get(LAST_APPLIED)) or {}
    return [*_kept(found), *_kept(applied), *(live[name] for name in sorted(live))]


def account_masks(text: str) -> dict[str, str]:
    """Choose another account id for each that a text names, in the order of their first mention."""
    named = re.findall(
        r"arn:[\w-]+:[\w-]*:[\w-]*:(\d{12}):|account\"?: ?\"(\d{12})\"|AccountID\"?: ?\"(\d{12})\""
        r"|(?<!\d)(\d{12})\.dkr\.ecr\b",
        text,
    )
    found = dict.fromkeys(account for groups in named for account in groups if account)
    return {account: f"{number:012d}" for number, account in enumerate(found, 1)}


def without_accounts(text: str, masks: Mapping[str, str]) -> str:
    """Replace account ids, wherever they are; ARNs stay ARNs, and equal ones equal."""
    if not masks:
        return text
    return re.sub(rf"(?<!\d)({'|'.join(masks)})(?!\d)", lambda found: masks[found[1]], text)


def _applied(value: Any) -> Mapping[str, Any] | None:
    """Read what kubectl remembers of a spec; None where that is no object."""
    try:
        applied = json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        return None
    return applied if isinstance(applied, Mapping) else None


def _kept(found: Mapping[str, Any]) -> Iterator[str]:
    spec = _mapping(found, "spec")
    variables = _mapping(_mapping(spec, "environment"), "variables")
    for name in sorted(variables):
        yield _text(variables[name])
    yield _text(_mapping(spec, "code").get("zipFile"))


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _mapping(found: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = found.get(key)
    return value if isinstance(value, Mapping) else {}


def _forms(secret: str) -> Iterator[str]:
    """Spell a secret as texts may have it: quoted for JSON, for URLs, in base64, also in the midst of it."""
    yield from spellings(secret)
    for spelled in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
        yield spelled
        yield re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), spelled)
    raw = secret.encode(errors="surrogatepass")
    yield base64.b64encode(raw).decode()
    yield base64.urlsafe_b64encode(raw).decode()
    if len(raw) >= _LONG:
        for before in range(3):
            # Of the characters at both ends a part stands for what is around it.
            whole = base64.b64encode(b"\0" * before + raw)[-(-8 * before // 6) :].decode().rstrip("=")
            core = whole if (before + len(raw)) % 3 == 0 else whole[:-1]
            yield core
            yield core.replace("+", "-").replace("/", "_")
