"""`--audit-log`, and `history -f`, which reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import yaml_files
from tests.cli.shop import CONTEXT, SECRET, Shop

BASE = Path(__file__).parents[2] / "manifests" / "base"
HOME = "ack-remediator"
YES = f"{CONTEXT}\n"

Json = dict[str, Any]


@pytest.fixture
def recorded(shop: Shop) -> Shop:
    """A shop in a cluster that knows Remediations."""
    shop.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
    shop.api.seed(yaml_files.read(BASE / "crd-remediations.yaml"))
    return shop


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


def lines(log: Path) -> list[Json]:
    text = log.read_text("ascii")
    assert SECRET not in text
    return [json.loads(each) for each in text.splitlines()]


def proposal(shop: Shop, name: str) -> str:
    results = json.loads(shop("scan", "-A", "-o", "json").out)["results"]
    [found] = [each["proposalId"] for each in results if each["name"] == name]
    return str(found)


def test_a_run_tells_what_it_decides_and_writes(recorded: Shop, log: Path) -> None:
    named = proposal(recorded, "checkout")
    told = recorded("run", "-A", "--approve", "--proposal", named, "--audit-log", str(log))
    found = lines(log)
    decisions = {each["name"]: each["decision"] for each in found if each["event"] == "decision"}
    assert decisions["checkout"] == "act" and decisions["payments"] == "wait", told.err
    writes = [each for each in found if each["event"] in ("request", "answer")]
    assert {(each["name"], each["action"]) for each in writes} == {("checkout", "Resync")}
    assert [each["event"] for each in writes] == ["request", "answer"] * 2
    [outcome] = [each for each in found if each["event"] == "outcome"]
    assert outcome["onWordOf"] == "a person at the terminal"
    assert {each["cluster"] for each in found} == {CONTEXT}
    assert {each["user"] for each in found} != {""}
    assert all(each["awsIdentity"].startswith("arn:aws:sts::") for each in writes)


def test_the_record_has_who_wrote_what(recorded: Shop, log: Path) -> None:
    recorded("run", "-A", "--approve", "--proposal", proposal(recorded, "checkout"), "--audit-log", str(log))
    [attempt] = json.loads(recorded("history", "-A", "-o", "json", policy=False).out)["events"][:1]
    kept = json.loads(recorded("list", "-A", "--all", "-o", "json", policy=False).out)["records"]
    [tried] = next(each for each in kept if each["name"] == "checkout")["attempts"]
    assert attempt["event"] in ("attempted", "unwell")
    assert tried["user"] == lines(log)[0]["user"]
    assert tried["awsIdentity"].startswith("arn:aws:sts::")
    assert json.loads(tried["request"])[-1] == {"op": "add", "path": "/spec/publish", "value": False}
    assert tried["before"]["/spec/publish"] == "null"
    assert tried["answer"]["generation"] == tried["generation"] + 1


def test_where_it_cannot_be_written_nothing_is_done_and_all_is_shown(recorded: Shop, tmp_path: Path) -> None:
    before = recorded.stored("checkout")
    named = proposal(recorded, "checkout")
    told = recorded("run", "-A", "--approve", "--proposal", named, "--audit-log", str(tmp_path), columns=400)
    assert told.code == 4
    assert recorded.stored("checkout") == before
    assert "UpdateFailed" in told.out
    said = " ".join(told.err.split())
    assert f"nothing was written: the audit log {tmp_path} cannot be written: Is a directory" in said


def test_a_dry_run_tells_nothing(recorded: Shop, log: Path) -> None:
    assert recorded("run", "-A", "--dry-run", "--audit-log", str(log)).code == 0
    assert not log.exists()


def test_a_word_is_told_before_it_is_written(recorded: Shop, log: Path) -> None:
    recorded("run", "-A")
    named = proposal(recorded, "checkout")
    told = recorded("approve", named, "--ticket", "OPS-1", "--audit-log", str(log), policy=False)
    assert told.code == 0, told.err
    told = recorded("reject", named, "--reason", "no", "--audit-log", str(log), policy=False)
    assert told.code == 0, told.err
    request, answer, second, _ = lines(log)
    assert (request["event"], request["said"], request["ticket"], answer["answer"]) == (
        "request",
        "approved",
        "OPS-1",
        "taken",
    )
    assert request["onWordOf"] == request["user"] == answer["user"]
    assert (second["said"], second["reason"], second["before"]["/spec/approval"]["ticket"]) == (
        "rejected",
        "no",
        "OPS-1",
    )


def test_no_word_is_written_that_cannot_be_told(recorded: Shop, tmp_path: Path) -> None:
    recorded("run", "-A")
    named = proposal(recorded, "checkout")
    told = recorded("approve", named, "--audit-log", str(tmp_path), policy=False, columns=400)
    assert told.code == 1
    assert "cannot be written: Is a directory" in " ".join(told.err.split())
    [record] = [
        each
        for each in json.loads(recorded("list", "-A", "-o", "json", policy=False).out)["records"]
        if each["name"] == "checkout"
    ]
    assert record["approval"] is None


# ---- history -f ------------------------------------------------------------------------------------------------------


@pytest.fixture
def written(recorded: Shop, log: Path) -> Shop:
    recorded("run", "-A", "--approve", "--proposal", proposal(recorded, "checkout"), "--audit-log", str(log))
    return recorded


def history(shop: Shop, log: Path, *words: str, **more: Any) -> Any:
    return shop("history", "-f", str(log), *words, policy=False, columns=200, **more)


def test_history_reads_it_newest_first(written: Shop, log: Path) -> None:
    told = history(written, log, "checkout", "-n", "shop")
    assert told.code == 0, told.err
    rows = [line.split() for line in told.out.splitlines()[1:] if not line.startswith(" ")]
    assert " ".join(rows[0][3:]).startswith("outcome Resync ")
    assert [" ".join(row[3:]) for row in rows[-2:]] == ["decision Resync act", "decision Resync propose"]
    assert all(row[1:3] == ["shop", "checkout"] for row in rows)
    assert '"path": "/spec/publish"' in told.out and "on the word of a person at the terminal" in told.out


def test_as_a_document_it_is_what_stands_in_the_log(written: Shop, log: Path) -> None:
    document = json.loads(history(written, log, "-o", "json").out)
    assert sorted(map(json.dumps, document["lines"])) == sorted(map(json.dumps, lines(log)))
    assert document["partial"] == []
    named = next(each["proposalId"] for each in lines(log) if each["event"] == "outcome")
    some = json.loads(history(written, log, named, "-o", "json").out)["lines"]
    assert {each["proposalId"] for each in some} == {named}
    assert json.loads(history(written, log, "-n", "elsewhere", "-o", "json").out)["lines"] == []


def test_a_torn_last_line_is_told_and_the_others_are_shown(written: Shop, log: Path) -> None:
    whole = len(lines(log))
    with log.open("ab") as file:
        file.write(b'{"schemaVersion":"1","at":"2026-')
    told = history(written, log, "-o", "json")
    assert told.code == 0
    assert len(json.loads(told.out)["lines"]) == whole
    assert "its end is torn off" in " ".join(told.err.split())


@pytest.mark.parametrize(
    "junk", [b"no json\n", b"[1]\n", b'{"at":7}\n', b'{"at":"x","event":"e","namespace":"n","name":"m"}\n', b"\xff\n"]
)
def test_what_is_no_line_is_told_by_its_number(written: Shop, log: Path, junk: bytes) -> None:
    whole = len(lines(log))
    log.write_bytes(junk + b"\n" + log.read_bytes())
    told = history(written, log, "-o", "json")
    assert told.code == 5
    assert len(json.loads(told.out)["lines"]) == whole
    assert json.loads(told.out)["partial"] == [f"{log}:1: is no line of an audit log"]


def test_many_such_lines_are_counted_and_one_without_end_is_one(written: Shop, log: Path) -> None:
    log.write_bytes(b"x\n" * 5 + b"y" * 3_000_000 + b"\n")
    document = json.loads(history(written, log, "-o", "json").out)
    assert document["partial"][-1] == f"{log}: 3 more lines are none of an audit log"


def test_a_line_of_a_newer_version_is_read(written: Shop, log: Path) -> None:
    newer = {"at": "2026-11-21T12:00:00.000000Z", "event": "foresight", "namespace": "shop", "name": "a\x1b[2J", "x": 1}
    log.write_text(f"{json.dumps(newer)}\n", encoding="ascii")
    told = history(written, log, "-o", "wide")
    assert told.code == 0
    assert "foresight" in told.out and "\x1b" not in told.out


def test_only_what_is_younger(written: Shop, log: Path) -> None:
    whole = log.read_bytes()
    old = {"at": "2024-11-21T12:00:00.000000Z", "event": "decision", "namespace": "shop", "name": "checkout"}
    log.write_bytes(json.dumps(old).encode() + b"\n" + whole)
    assert len(json.loads(history(written, log, "-o", "json").out)["lines"]) == whole.count(b"\n") + 1
    assert len(json.loads(history(written, log, "--since", "1h", "-o", "json").out)["lines"]) == whole.count(b"\n")


def test_it_asks_no_cluster(written: Shop, log: Path, tmp_path: Path) -> None:
    told = history(written, log, "--context", "prod")
    assert (told.code, "-f asks no cluster: --context does not go with it" in " ".join(told.err.split())) == (2, True)
    told = history(written, tmp_path / "missing")
    assert told.code == 2
    assert "cannot read the audit log" in told.err
