"""A faulty policy file is answered by line and column, and by what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from remediator.errors import PolicyError
from remediator.policy import Mode, Policy
from remediator.policy.load import _position, load_policy

HEAD = "apiVersion: ack-remediator.dev/v1alpha1\nkind: Policy\n"


def refusal(path: Path, text: str | bytes) -> str:
    """Load a file that has to be refused; give what is said, without the path."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(PolicyError) as refused:
        load_policy(path)
    assert refused.value.exit_code == 2
    assert "Nothing was done" in refused.value.hint
    return refused.value.message.replace(str(path), "policy.yaml")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "policy.yaml"


def test_no_file_means_the_defaults() -> None:
    assert load_policy(None) == Policy()


def test_a_file_is_read(path: Path) -> None:
    path.write_text(HEAD + "mode: approve\ntimeouts:\n  deletion: 1h30m # long drains\n", encoding="utf-8")
    policy = load_policy(path)
    assert policy.mode is Mode.APPROVE
    assert policy.timeouts.deletion.total_seconds() == 5400


def test_the_head_alone_means_the_defaults(path: Path) -> None:
    path.write_text(HEAD, encoding="utf-8")
    assert load_policy(path) == Policy()


def test_a_missing_file_is_an_error(path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot read the policy: No such file"):
        load_policy(path)


def test_a_directory_is_no_policy(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot read the policy: Is a directory"):
        load_policy(tmp_path)


def test_other_encodings_are_refused(path: Path) -> None:
    assert refusal(path, HEAD.encode("utf-16")) == "policy.yaml: cannot read the policy: it is not UTF-8 text"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("mod: approve", "3:1: unknown key mod; did you mean mode?"),
        ("timeouts:\n  deletoin: 5m", "4:3: unknown key timeouts.deletoin; did you mean deletion?"),
        ("aws:\n  endpoint: http://x", "4:3: unknown key aws.endpoint; did you mean endpointURL?"),
        (
            'aws: {accounts: {"12": {roleArn: arn:aws:iam::123456789012:role/read}}}',
            "3:18: aws.accounts.12: expected the 12 digits of an AWS account, in quotes; found '12'",
        ),
        (
            "aws: {accounts: {444455556666: {roleArn: arn:aws:iam::444455556666:role/read}}}",
            "3:18: aws.accounts.444455556666: expected the 12 digits of an AWS account, in quotes; found 444455556666",
        ),
        (
            'aws: {accounts: {"444455556666": {roleArn: arn:aws:iam::444455556666:role/read, externalID: abc}}}',
            "3:81: unknown key aws.accounts.444455556666.externalID; did you mean externalId?",
        ),
        (
            "breaker: {zzz: 1}",
            "3:11: unknown key breaker.zzz; expected one of coolDown, minPopulation, objects, percent",
        ),
        (
            "zzz: 1",
            "3:1: unknown key zzz; expected one of actions, apiVersion, attempts, aws, backups, breaker, budgets, "
            "clockSkew, events, evidenceMaxAge, findings, guard, kind, mode, orphans, retention, schedule, selection, "
            "sightings, timeouts, webhook, windows",
        ),
        (
            "windows:\n  freezes:\n    - {from: 2026-12-20, till: 2026-12-22, to: 2026-12-21}",
            "5:26: unknown key windows.freezes.0.till; expected one of from, reason, to",
        ),
        (
            "windows: {allow: [Mon-Fri 22:00-04:00, mon]}",
            "3:40: windows.allow.1: expected days, hours or both, such as 'Mon-Fri 22:00-04:00', 'Sat,Sun' or "
            "'09:30-17:00'; found 'mon'",
        ),
        ("mode: always", "3:1: mode: input should be 'dry-run', 'approve' or 'auto'; found 'always'"),
        (
            "actions:\n  Release:\n    mode: auto",
            "5:5: actions.Release.mode: expected dry-run or approve: this cannot be undone, so a person approves each; "
            "found 'auto'",
        ),
        (
            "actions:\n  resync: {mode: auto}",
            "4:3: unknown key actions.resync; did you mean Resync?",
        ),
        (
            "findings:\n  FunctionPendin: {mode: auto}",
            "4:3: unknown key findings.FunctionPendin; did you mean FunctionPending?",
        ),
        (
            "findings:\n  FunctionPending: {mod: auto}",
            "4:21: unknown key findings.FunctionPending.mod; did you mean mode?",
        ),
        (
            "selection:\n  include:\n    namespaces: [shop, Post]",
            r"5:24: selection.include.namespaces.1: string should match pattern '^[a-z0-9.*?\[\]!-]+$'; found 'Post'",
        ),
        (
            "selection: {exclude: {labels: 'team in shop'}}",
            "3:23: selection.exclude.labels: 'team in shop' is no label selector; write it as team=shop, team!=shop, "
            "team in (a,b), team or !team; found 'team in shop'",
        ),
        (
            "timeouts:\n  deletion: 600",
            "4:3: timeouts.deletion: expected a duration such as 90s, 15m, 2h, 7d or 1h30m, not 600; found 600",
        ),
        (
            "timeouts: {deletion: -5m}",
            "3:12: timeouts.deletion: '-5m' is no duration; write it as 90s, 15m, 2h, 7d or 1h30m; found '-5m'",
        ),
        ("breaker:\n  percent: 0", "4:3: breaker.percent: input should be greater than 0; found 0"),
        (
            "breaker: [1, 2]",
            "3:1: breaker: input should be a valid dictionary or instance of Breaker; found [1, 2]",
        ),
        (
            "orphans:\n  clusterTag: {key: cluster, value: prod, vaule: test}",
            "4:43: unknown key orphans.clusterTag.vaule; did you mean value?",
        ),
        ("backups: {s4: {}}", "3:11: unknown key backups.s4; expected one of s3"),
        ("1: one", "3:1: 1: keys should be strings; found 1"),
        ("null: one", "1:1: None: keys should be strings; found None"),
    ],
)
def test_every_fault_has_its_place(path: Path, body: str, said: str) -> None:
    assert refusal(path, f"{HEAD}{body}\n") == f"policy.yaml:{said}"


def test_all_faults_are_told_at_once(path: Path) -> None:
    said = refusal(path, HEAD + "sightings: -1\nbreaker:\n  percent: 101\nkinds: 1\n").splitlines()
    assert [line.split(" ", 1)[0] for line in said] == ["policy.yaml:3:1:", "policy.yaml:5:3:", "policy.yaml:6:1:"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1:1: the file is no mapping; expected apiVersion, kind, mode, …"),
        ("- mode: approve\n", "1:1: the file is no mapping; expected apiVersion, kind, mode, …"),
        ("kind: Policy\n", "1:1: apiVersion is missing; expected apiVersion: ack-remediator.dev/v1alpha1"),
        ("apiVersion: ack-remediator.dev/v1alpha1\n", "1:1: kind is missing; expected kind: Policy"),
        (
            "apiVersion: v2\nkind: Policy\n",
            "1:1: apiVersion: input should be 'ack-remediator.dev/v1alpha1'; found 'v2'",
        ),
        ("apiVersion: ack-remediator.dev/v1alpha1\nkind: Pod\n", "2:1: kind: input should be 'Policy'; found 'Pod'"),
        (
            HEAD + "mode: dry-run\nmode: approve\n",
            '4:1: found duplicate key "mode"; expected a YAML mapping',
        ),
        (HEAD + "---\na: 1\n", "3:1: but found another document; expected a YAML mapping"),
    ],
)
def test_the_file_as_a_whole(path: Path, text: str, said: str) -> None:
    assert refusal(path, text) == f"policy.yaml:{said}"


@pytest.mark.parametrize(
    ("body", "place"),
    [("mode: [approve", "4:1"), ("mode: 'approve", "4:1"), ("\tmode: approve", "3:1"), ("mode: \x01", "1:1")],
)
def test_broken_yaml_has_its_place(path: Path, body: str, place: str) -> None:
    said = refusal(path, f"{HEAD}{body}\n")
    assert said.startswith(f"policy.yaml:{place}: ")
    assert said.endswith("; expected a YAML mapping")


def test_faults_are_told_in_the_order_of_the_file(path: Path) -> None:
    said = refusal(path, HEAD + "zzz: 1\nsightings: 9\nmode: no\nbudgets: {a: 1}\n").splitlines()
    assert [line.split(":")[1] for line in said] == ["3", "4", "5", "6"]


def test_a_place_that_is_not_in_the_file_is_that_of_what_is_above(path: Path) -> None:
    document = YAML(typ="rt").load("windows:\n  - night\n  - noon\n")
    assert _position(document, ("windows", 1)) == (3, 5)
    assert _position(document, ("windows", "x")) == (1, 1)


def test_an_impossible_date_is_a_fault_like_any_other(path: Path) -> None:
    assert refusal(path, HEAD + "mode: 2026-02-30\n").startswith("policy.yaml:1:1: day is out of range")


def test_a_fault_that_came_in_by_a_merge_key_has_the_place_of_what_is_above(path: Path) -> None:
    said = refusal(path, HEAD + "aws: &base {workers: 99}\nbreaker:\n  <<: *base\n")
    assert "policy.yaml:4:1: unknown key breaker.workers" in said


def test_a_merged_key_beside_others_has_the_place_of_what_is_above(path: Path) -> None:
    said = refusal(path, HEAD + "aws: &base {workers: 99}\nbreaker:\n  percent: 30\n  <<: *base\n")
    assert "policy.yaml:4:1: unknown key breaker.workers" in said


def test_a_duration_of_aeons_is_refused(path: Path) -> None:
    assert "3:12: timeouts.deletion" in refusal(path, HEAD + "timeouts: {deletion: 9999d}\n")


def test_a_file_that_is_nested_too_deeply_is_refused(path: Path) -> None:
    assert "expected a YAML mapping" in refusal(path, HEAD + "mode: " + "[" * 400 + "]" * 400)
