"""What is shipped for the cluster: all of it is applied, and nobody gets more rights than their part needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests import yaml_files

BASE = Path(__file__).parents[1] / "manifests" / "base"
RECORDS = "ack-remediator.dev"

Json = dict[str, Any]


def objects(name: str) -> list[Json]:
    return yaml_files.read_all(BASE / name)


def granted(name: str, resource: str) -> set[str]:
    """Collect the verbs that a role gives on a resource of ours."""
    rules = [rule for each in objects(name) for rule in each.get("rules", ())]
    return {
        verb
        for rule in rules
        if {RECORDS, "*"} & set(rule["apiGroups"]) and {resource, "*"} & set(rule["resources"])
        for verb in rule["verbs"]
    }


def test_every_manifest_is_applied() -> None:
    [kustomization] = objects("kustomization.yaml")
    generated = {file for each in kustomization["configMapGenerator"] for file in each["files"]}
    there = {each.name for each in BASE.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(kustomization["resources"]) | generated == there


def test_the_remediator_cannot_write_where_people_approve() -> None:
    assert granted("role-records.yaml", "remediations") == {"get", "list", "create", "delete"}
    assert granted("role-records.yaml", "remediations/status") == {"patch"}


def test_who_approves_cannot_write_what_is_proposed() -> None:
    assert granted("clusterrole-approver.yaml", "remediations") == {"get", "list", "watch", "patch", "approve"}
    assert granted("clusterrole-approver.yaml", "remediations/status") == set()


def test_the_remediator_creates_secrets_and_reads_none() -> None:
    """In its own namespace alone, so that whoever takes it over gains no Secret by it."""
    role, binding = objects("role-backups.yaml")
    assert (role["kind"], role["metadata"]["namespace"]) == ("Role", "ack-remediator")
    assert role["rules"] == [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]}]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert [each["name"] for each in binding["subjects"]] == ["ack-remediator"]
    others = {each.name for each in BASE.glob("*role*.yaml")} - {"role-backups.yaml"}
    for each in others:
        assert all("secrets" not in rule["resources"] for made in objects(each) for rule in made.get("rules", ()))


@pytest.mark.parametrize("role", ["clusterrole-viewer.yaml", "clusterrole-read.yaml"])
def test_who_looks_writes_nothing(role: str) -> None:
    assert granted(role, "remediations") <= {"get", "list", "watch"}
    assert granted(role, "remediations/status") == set()


@pytest.mark.parametrize("name", sorted(each.name for each in BASE.glob("*role*.yaml")))
def test_no_role_grants_everything(name: str) -> None:
    for each in objects(name):
        for rule in each.get("rules", ()):
            assert "*" not in {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}


# ---- the daemon ------------------------------------------------------------------------------------------------------


def pod(name: str, *where: str) -> Json:
    """Read what is run, by the file that has it and the way to its pod's spec."""
    [found] = objects(name)
    for key in where:
        found = found[key]
    return found


def test_the_daemon_is_run_as_the_cronjob_is_but_for_what_makes_it_one() -> None:
    daemon = pod("../daemon/deployment.yaml", "spec", "template", "spec")
    job = pod("cronjob.yaml", "spec", "jobTemplate", "spec", "template", "spec")
    own = ("terminationGracePeriodSeconds", "restartPolicy", "containers")
    assert {key: each for key, each in daemon.items() if key not in own} == {
        key: each for key, each in job.items() if key not in own
    }
    [mine], [other] = daemon["containers"], job["containers"]
    apart = ("args", "env", "ports", "livenessProbe", "readinessProbe")
    assert {key: each for key, each in mine.items() if key not in apart} == {
        key: each for key, each in other.items() if key not in apart
    }


def test_the_daemon_understands_its_flags_and_has_the_time_that_it_is_told_to_take() -> None:
    from remediator.cli.daemon import command

    spec = pod("../daemon/deployment.yaml", "spec", "template", "spec")
    [container] = spec["containers"]
    name, *words = container["args"]
    flags = command.make_context("daemon", list(words)).params
    assert (name, flags["all_namespaces"], flags["metrics_address"]) == ("daemon", True, "0.0.0.0")
    assert spec["terminationGracePeriodSeconds"] >= flags["grace_period"] + 10
    assert [each["containerPort"] for each in container["ports"]] == [flags["metrics_port"]]
    probes = {each: container[each]["httpGet"] for each in ("livenessProbe", "readinessProbe")}
    assert probes == {
        "livenessProbe": {"path": "/healthz", "port": "metrics"},
        "readinessProbe": {"path": "/readyz", "port": "metrics"},
    }


def test_the_daemon_takes_the_place_of_the_cronjob() -> None:
    [overlay] = objects("../daemon/kustomization.yaml")
    removed = YAML(typ="safe").load(overlay["patches"][0]["patch"])
    [job] = objects("cronjob.yaml")
    assert overlay["resources"] == ["../base", "deployment.yaml"]
    assert removed["$patch"] == "delete"
    assert (removed["apiVersion"], removed["kind"], removed["metadata"]) == (
        job["apiVersion"],
        job["kind"],
        job["metadata"],
    )


# ---- schedules -------------------------------------------------------------------------------------------------------

TOP = Path(__file__).parents[1]
CRON = re.compile(r"(?<![\w*/])((?:(?:\*|\d+)[\d*/,-]* ){4}(?:\*|\d+)[\d*/,-]*)(?![\w*/])")
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
NUMBERS = {"": 1, "two": 2, "five": 5, "ten": 10, "fifteen": 15, "thirty": 30}
CLAIM = re.compile(rf"\bevery(?: ({'|'.join(filter(None, NUMBERS))}|\d+))? (minute|hour|day)s?\b")
MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60}


def field(text: str, least: int, most: int) -> set[int]:
    """Expand one field of a cron expression, as crontab(5) has it."""
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        begin = least if first == "*" else int(first)
        end = most if first == "*" or (step and not last) else int(last or first)
        assert least <= begin <= end <= most, text
        found |= set(range(begin, end + 1, int(step or 1)))
    return found


def minutes_between(expression: str) -> set[int]:
    """Say how many minutes are between one time and the next, over days of which each is alike."""
    minute, hour, *rest = (field(text, *span) for text, span in zip(expression.split(), RANGES, strict=True))
    assert [len(each) for each in rest] == [31, 12, 7], "not every day is alike: say in a test what is claimed of it"
    times = sorted(60 * each + other for each in hour for other in minute)
    return {
        (later - earlier) % (24 * 60) or 24 * 60 for earlier, later in zip(times, [*times[1:], times[0]], strict=True)
    }


def claimed(text: str) -> int:
    """Read how often something is said to be done, in minutes."""
    found = CLAIM.search(" ".join(text.split()).lower())
    assert found, f"nothing is claimed of a schedule in {text!r}"
    count = found[1] or ""
    return (int(count) if count.isdecimal() else NUMBERS[count]) * MINUTES[found[2]]


def schedules() -> Iterator[tuple[str, str, str]]:
    """Yield every cron expression that is shipped or documented, where it is, and what is written around it."""
    files = [
        *TOP.glob("*.md"),
        *(path for name in ("manifests", "docs", "runbooks") for path in (TOP / name).rglob("*.*")),
    ]
    for path in sorted(files):
        if path.suffix not in (".md", ".yaml", ".yml"):
            continue
        text = path.read_text(encoding="utf-8")
        for found in CRON.finditer(text):
            around = text if path.suffix != ".md" else text[max(0, found.start() - 400) : found.end() + 400]
            yield f"{path.relative_to(TOP)}", found[1], around.replace("#", " ")


@pytest.mark.parametrize(
    ("expression", "gaps"),
    [
        ("*/5 * * * *", {5}),
        ("* */1 * * *", {1}),  # which is easily taken for once an hour
        ("* 0 * * *", {1, 24 * 60 - 59}),  # which is easily taken for every day at midnight
        ("0 0 * * *", {24 * 60}),
        ("*/7 * * * *", {7, 4}),
        ("10-20/5,40 * * * *", {5, 20, 30}),
    ],
)
def test_a_cron_expression_is_read_as_cron_reads_it(expression: str, gaps: set[int]) -> None:
    assert minutes_between(expression) == gaps


def test_every_schedule_is_what_is_said_of_it() -> None:
    found = list(schedules())
    assert "manifests/base/cronjob.yaml" in {where for where, _, _ in found}
    for where, expression, around in found:
        assert minutes_between(expression) == {claimed(around)}, f"{where}: {expression}"


# ---- what is run -----------------------------------------------------------------------------------------------------

WRITES = {"create", "update", "patch", "delete", "deletecollection"}


def test_an_image_is_one_that_stays_the_same() -> None:
    [job] = objects("cronjob.yaml")
    [container] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    tag = container["image"].rpartition(":")[2]
    assert re.fullmatch(r"\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?", tag), container["image"]
    assert container.get("imagePullPolicy", "IfNotPresent") != "Always"


def test_no_two_jobs_run_side_by_side_and_none_for_ever() -> None:
    [job] = objects("cronjob.yaml")
    assert job["spec"]["concurrencyPolicy"] == "Forbid"
    assert 0 < job["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"] <= 600
    assert job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_to_read_and_to_act_are_two_roles_and_the_base_binds_the_one_that_reads() -> None:
    [read], [act] = objects("clusterrole-read.yaml"), objects("clusterrole-act.yaml")
    assert not {verb for rule in read["rules"] for verb in rule["verbs"]} & WRITES
    assert {verb for rule in act["rules"] for verb in rule["verbs"]} == {"patch"}
    bindings = [
        each for path in BASE.glob("*.yaml") for each in objects(path.name) if each["kind"] == "ClusterRoleBinding"
    ]
    assert {each["roleRef"]["name"] for each in bindings} == {read["metadata"]["name"], "ack-remediator-events"}


def test_what_tells_of_resources_can_do_nothing_else() -> None:
    """It is bound to the remediator everywhere, since Events live beside what they are about."""
    role, binding = objects("clusterrole-events.yaml")
    assert role["rules"] == [{"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]}]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert [each["name"] for each in binding["subjects"]] == ["ack-remediator"]
