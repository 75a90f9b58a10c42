"""The examples for pipelines: what they type is there, in an order that works, and they lint clean themselves."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import yaml_files
from tests.cli.conftest import Remediator
from tests.pages import fences, spans
from tests.test_runbook_commands import parse

PIPELINES = Path(__file__).parents[2] / "docs" / "pipelines"
README = PIPELINES / "README.md"
ARGO = PIPELINES / "argo-cd"
# Each deploys what it checked before, and nothing it did not.
ORDER = ["lint", "checksum", "rollout"]


def scripts_of_github() -> Iterator[str]:
    for job in yaml_files.read(PIPELINES / "github-actions.yaml")["jobs"].values():
        yield from (step["run"] for step in job["steps"] if "run" in step)


def scripts_of_gitlab() -> Iterator[str]:
    jobs = yaml_files.read(PIPELINES / "gitlab-ci.yaml")
    for stage in jobs["stages"]:
        for job in jobs.values():
            if isinstance(job, dict) and job.get("stage") == stage:
                yield from job["script"]


def typed(scripts: Iterator[str]) -> list[list[str]]:
    """List the commands of ours, without what a shell does with their output."""
    found = []
    for line in (line.strip() for script in scripts for line in script.splitlines()):
        if line.startswith("remediator "):
            words = shlex.split(line)[1:]
            found.append(words[: words.index(">")] if ">" in words else words)
    return found


@pytest.mark.parametrize("scripts", [scripts_of_github, scripts_of_gitlab])
def test_what_is_typed_is_there_and_in_the_order_that_works(scripts: Any) -> None:
    words = typed(scripts())
    assert [each[0] for each in words] == ORDER
    for each in words:
        parse(each)


@pytest.mark.parametrize("scripts", [scripts_of_github, scripts_of_gitlab])
def test_the_package_that_is_uploaded_is_the_one_whose_checksum_is_written(scripts: Any) -> None:
    script = "\n".join(scripts())
    upload, write, patch = (script.index(each) for each in ("aws s3 cp function.zip", "s3Key", "checksum function.zip"))
    assert upload < write < patch < script.index("remediator rollout")


def test_two_runs_never_deploy_the_same_function_at_once() -> None:
    github = yaml_files.read(PIPELINES / "github-actions.yaml")["jobs"]["deploy"]
    assert github["concurrency"] == {"group": "deploy-checkout", "cancel-in-progress": False}
    assert yaml_files.read(PIPELINES / "gitlab-ci.yaml")["deploy"]["resource_group"] == "checkout"


def hooks() -> dict[str, Any]:
    found = yaml_files.read_all(ARGO / "hooks.yaml")
    return {each["metadata"]["annotations"]["argocd.argoproj.io/hook"]: each for each in found}


def test_argo_cd_lints_before_a_sync_and_waits_after_it() -> None:
    args = {hook: job["spec"]["template"]["spec"]["containers"][0]["args"] for hook, job in hooks().items()}
    assert [args["PreSync"][0], args["PostSync"][0]] == ["lint", "wait"]
    for each in args.values():
        parse(each)
    assert "cluster" in args["PreSync"]


def test_the_job_outlives_the_wait_in_it() -> None:
    spec = hooks()["PostSync"]["spec"]
    args = spec["template"]["spec"]["containers"][0]["args"]
    assert args[args.index("--timeout") + 1] == "25m"
    assert spec["activeDeadlineSeconds"] > 25 * 60


def test_what_is_linted_is_kept_as_the_secret_that_it_is() -> None:
    kustomization = yaml_files.read(ARGO / "kustomization.yaml")
    assert "configMapGenerator" not in kustomization
    (secret,) = kustomization["secretGenerator"]
    volumes = hooks()["PreSync"]["spec"]["template"]["spec"]["volumes"]
    assert volumes == [{"name": "manifests", "secret": {"secretName": secret["name"]}}]
    assert secret["files"] == ["function.yaml"]


def test_the_hooks_may_look_and_nothing_else() -> None:
    roles = [each for each in yaml_files.read_all(ARGO / "access.yaml") if each["kind"] == "Role"]
    assert [rule["verbs"] for role in roles for rule in role["rules"]] == [["get", "list"]]


def test_the_example_of_a_function_lints_clean(remediator: Remediator) -> None:
    ran = remediator("lint", ARGO / "function.yaml")
    assert ran.code == 0, ran.out


def test_the_page_names_commands_that_there_are() -> None:
    text = README.read_text(encoding="utf-8")
    lines = [*spans(text), *(line for block in fences(text, "sh") for line in block.splitlines())]
    ours = [shlex.split(each)[1:] for each in lines if each.startswith("remediator ")]
    assert {each[0] for each in ours} >= {"lint", "checksum", "rollout", "wait", "orphans"}
    for each in ours:
        parse(each)
