"""The documents of `-o json` and `-o yaml`: one shape, two spellings. Their shape is part of the interface."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import click
import msgspec
import yaml

from remediator.cli import coming, log_section
from remediator.cli.options import Output
from remediator.cli.render import UNSEEN
from remediator.cli.report import healthy_summary, place
from remediator.model.cluster import ClusterFinding
from remediator.model.controller import ControllerFacts
from remediator.model.finding import State
from remediator.model.log import ControllerLog
from remediator.model.masking import mask
from remediator.model.plan import Outcome
from remediator.model.reference import Link
from remediator.model.scan import Judged, Scan
from remediator.model.times import format_time

SCHEMA_VERSION = "1"

Document = dict[str, Any]

_NO_LOG = ControllerLog(why="The controller's log was not looked for.")
_UNFOLDED = 1_000_000_000  # columns; libyaml counts in 32 bits

_UNSEEN = re.compile(f"[{''.join(UNSEEN)}\ufffe\uffff]")
# Texts that stand for themselves in YAML: they begin with a letter, and have no `: ` and no ` #` in them.
_PLAIN = re.compile(r"[A-Za-z](?:[\w./@+=,;()'-]|:(?=[\w./])| (?=[\w./(]))*", re.ASCII)
_WORDS_OF_YAML = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def of_diagnosis(scan: Scan, log: ControllerLog | None = None) -> Document:
    """Build the document of dumps: there, too, a person asks about each. A bundle has a log in it."""
    document = of_scan(scan, healthy=True)
    for told, each in zip(document["results"], scan.results, strict=True):
        told["nextPass"] = coming.document(each.seen)
        if log is not None:
            told["controllerLog"] = log_section.document(log.masked(each.seen.secrets))
    return document


def of_scan(scan: Scan, *, healthy: bool, outcomes: Sequence[Outcome] | None = None) -> Document:
    """Build the document of a scan, a diagnosis or a run."""
    document: Document = {
        "schemaVersion": SCHEMA_VERSION,
        "results": [_result(each) for each in scan.results if healthy or each.finding],
        "partial": list(scan.partial),
        "cluster": [_of_cluster(each) for each in scan.cluster],
        "controller": _controller(scan.controller),
        "unknown": list(scan.unknown),
        "summary": {"total": scan.total} | {state.value: scan.count(state) for state in State},
    }
    if not scan.shard.whole:
        document["shard"] = str(scan.shard)
    if outcomes is not None:
        document["outcomes"] = [_outcome(each) for each in outcomes]
    return document


def of_one(judged: Judged, log: ControllerLog = _NO_LOG) -> Document:
    """Build the document of one resource: its result, with what comes next, log, verdicts and commands."""
    decision, plan = judged.decision, judged.plan
    return {
        "schemaVersion": SCHEMA_VERSION,
        **_result(judged),
        "cluster": [_of_cluster(each) for each in judged.cluster],
        "nextPass": coming.document(judged.seen),
        "controllerLog": log_section.document(log),
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
    """Write the same as YAML in block style, which readers of YAML 1.1 and 1.2 take for the same; no line is folded."""
    text: str = yaml.dump(
        msgspec.to_builtins(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_UNFOLDED
    )
    return _escaped(text.rstrip("\n"))


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Write no anchors, and in quotes whatever could be taken for something else than text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def text(self, data: str) -> Any:
        plain = _PLAIN.fullmatch(data) and data.lower() not in _WORDS_OF_YAML
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=None if plain else '"')


_Dumper.add_representer(str, _Dumper.text)


def _escaped(text: str) -> str:
    """Escape what is not seen, or is no character of YAML; in both spellings it stands in double quotes only."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


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
        "references": [_link(link, each.seen.secrets) for link in each.seen.references],
    }


def _link(link: Link, secrets: frozenset[str]) -> Document:
    return {
        "field": link.field,
        "kind": link.kind,
        "namespace": link.namespace,
        "name": link.name,
        "state": link.state.value,
        "why": mask(link.why, secrets) or None,
        "finding": link.finding or None,
        "references": [_link(each, secrets) for each in link.beneath],
    }


def _of_cluster(each: ClusterFinding) -> Document:
    return {
        "finding": each.name.value,
        "state": each.state.value,
        "summary": each.summary,
        "subject": each.subject or None,
        "affected": each.affected,
        "evidence": each.evidence,
    }


def _controller(facts: ControllerFacts) -> Document:
    return {
        "health": facts.health.value,
        "why": facts.why,
        "deployment": facts.deployment,
        "version": facts.version,
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
        "orphan": each.orphan or None,
    }
