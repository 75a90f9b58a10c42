"""The documents of `-o json` and `-o yaml`: one shape, two spellings. Their shape is part of the interface."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import click
import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter
from ruamel.yaml.resolver import implicit_resolvers

from remediator.cli.options import Output
from remediator.cli.render import UNSEEN
from remediator.cli.report import healthy_summary, place
from remediator.model.finding import State
from remediator.model.plan import Outcome
from remediator.model.times import format_time
from remediator.scan import Judged, Scan

SCHEMA_VERSION = "1"

Document = dict[str, Any]

_UNSEEN = re.compile(f"[{''.join(UNSEEN)}]")
_TEXT = "tag:yaml.org,2002:str"


def of_scan(scan: Scan, *, healthy: bool, outcomes: Sequence[Outcome] | None = None) -> Document:
    """Build the document of a scan, a diagnosis or a run."""
    document: Document = {
        "schemaVersion": SCHEMA_VERSION,
        "results": [_result(each) for each in scan.results if healthy or each.finding],
        "partial": list(scan.partial),
        "summary": {"total": len(scan.results)} | {state.value: scan.count(state) for state in State},
    }
    if outcomes is not None:
        document["outcomes"] = [_outcome(each) for each in outcomes]
    return document


def of_one(judged: Judged) -> Document:
    """Build the document of one resource: its result, with verdicts and commands."""
    decision, plan = judged.decision, judged.plan
    return {
        "schemaVersion": SCHEMA_VERSION,
        **_result(judged),
        "gates": [
            {"gate": each.gate, "ruling": each.ruling.value, "reason": each.reason}
            for each in (decision.verdicts if decision else ())
        ],
        "commands": list(plan.kubectl()) if plan else [],
    }


def write(document: Document, output: Output) -> None:
    """Print a document on stdout, as JSON or as YAML."""
    click.echo(as_yaml(document) if output is Output.YAML else as_json(document))


def as_json(document: Document) -> str:
    """Write JSON that no terminal obeys: it may carry C1 controls as they are, so they are escaped here."""
    return _escaped(msgspec.json.format(msgspec.json.encode(document)).decode())


def as_yaml(document: Document) -> str:
    """Write the same as YAML that every reader takes for the same.

    A text that looks like something else to a reader of YAML 1.1 or 1.2 (`yes`, `1:30`, a time) is quoted, one with
    line breaks or with characters that a terminal obeys is escaped, and no line is folded.
    """
    stream = io.StringIO()
    _yaml().dump(msgspec.to_builtins(document), stream)
    return _escaped(stream.getvalue()).removesuffix("\n")


def _escaped(text: str) -> str:
    """Escape what is not seen; in both spellings it stands in double quotes only."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class _Representer(SafeRepresenter):
    """Represent plain values only, each where it is: no anchors, no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, text: str) -> ScalarNode:
        lines = "\n" in text or _UNSEEN.search(text)
        node: ScalarNode = self.represent_scalar(_TEXT, text, style='"' if lines or _looks_like_more(text) else None)
        return node


_Representer.add_representer(str, _Representer.represent_text)


def _looks_like_more(text: str) -> bool:
    """Whether an unquoted text would be read as another type, by any version of YAML."""
    return any(pattern.match(text) for _, _, pattern, _ in implicit_resolvers)


def _yaml() -> YAML:
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = _Representer
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # annotated by its default, None
    yaml.width = 2**31  # folded lines cannot be searched
    return yaml


def _result(each: Judged) -> Document:
    resource, finding = each.seen.resource, each.finding
    account, region = place(each)
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "namespace": resource.metadata.namespace,
        "name": resource.metadata.name,
        "uid": resource.metadata.uid,
        "account": account,
        "region": region,
        "heartbeat": format_time(resource.heartbeat),
        "finding": finding.name.value if finding else None,
        "state": each.state.value,
        "summary": finding.summary if finding else healthy_summary(each),
        "since": format_time(finding.since) if finding else None,
        "stuckAt": format_time(finding.stuck_at) if finding else None,
        "selfHealsAt": format_time(finding.self_heals_at) if finding else None,
        "remedy": finding.remedy.value if finding else None,
        "proposalId": each.plan.proposal_id if each.plan else None,
        "decision": each.decision.kind.value if each.decision else None,
        "also": [name.value for name in finding.also] if finding else [],
        "evidence": finding.evidence if finding else {},
    }


def _outcome(each: Outcome) -> Document:
    return {
        "namespace": each.target.namespace,
        "name": each.target.name,
        "uid": each.target.uid,
        "action": each.action.value,
        "proposalId": each.proposal_id,
        "result": each.result.value,
        "detail": each.detail,
        "accepted": format_time(each.accepted),
        "backup": each.backup,
    }
