"""The release workflow: nothing is published that was not tried, by no job with more rights than its part needs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from release import krew
from tests import yaml_files

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.y*ml"))
TEXT = (FOLDER / "release.yml").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")

Json = dict[str, Any]
RELEASE: Json = yaml_files.read(FOLDER / "release.yml")
JOBS: dict[str, Json] = RELEASE["jobs"]

CHECK_OUT = {"contents": "read"}
SIGN = {"id-token": "write", "attestations": "write"}
RIGHTS = {
    "tests": CHECK_OUT,
    "dist": CHECK_OUT,
    "plugin": CHECK_OUT,
    "image": {**CHECK_OUT, "packages": "write", **SIGN},
    "chart": {**CHECK_OUT, "packages": "write", **SIGN},
    "files": {"contents": "write", **SIGN},
    "sbom": SIGN,
    "index": {"id-token": "write"},
    "release": {"contents": "write"},
}


def before(name: str) -> set[str]:
    """Collect the jobs that have to succeed before one begins."""
    needs = JOBS[name].get("needs", [])
    direct = {needs} if isinstance(needs, str) else {*needs}
    return direct.union(*(before(each) for each in direct))


def held(step: Json) -> Json:
    return {**step.get("env", {}), **step.get("with", {})}


def steps() -> list[tuple[str, Json]]:
    return [(name, step) for name, job in JOBS.items() for step in job.get("steps", [])]


def test_it_runs_for_tags_of_versions_alone() -> None:
    assert RELEASE["on"] == {"push": {"tags": ["v*"]}}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_and_say_their_version(path: Path) -> None:
    uses = re.findall(r"uses: (?!\./)(.*)", path.read_text(encoding="utf-8"))
    assert uses
    for each in uses:
        assert re.fullmatch(r"[a-z-]+/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)


def test_one_action_has_one_version_in_all_workflows() -> None:
    uses = {each for path in WORKFLOWS for each in re.findall(r"uses: (?!\./)(.*)", path.read_text(encoding="utf-8"))}
    assert len({each.split("@")[0] for each in uses}) == len(uses)


def test_each_job_may_do_its_part_and_no_more() -> None:
    assert RELEASE["permissions"] == {}
    assert {name: job["permissions"] for name, job in JOBS.items()} == RIGHTS


def test_nothing_that_may_write_begins_before_all_is_tried_and_built_and_somebody_agreed() -> None:
    writing = {name for name, rights in RIGHTS.items() if "write" in rights.values()}
    assert JOBS["image"]["environment"] == "release"
    assert before("image") == {"tests", "dist", "plugin"} == set(RIGHTS) - writing
    assert all("image" in before(name) for name in writing - {"image"})


def test_all_that_every_commit_has_to_pass_is_tried_on_the_tag() -> None:
    assert JOBS["tests"]["uses"] == "./.github/workflows/ci.yml"
    assert "workflow_call" in yaml_files.read(FOLDER / "ci.yml")["on"]


def test_the_ci_that_it_calls_does_not_wait_for_it() -> None:
    """That one's group is by the name of the workflow that calls: in the same one, each would wait for the other."""
    group = RELEASE["concurrency"]["group"]
    assert RELEASE["concurrency"] == {"group": "release", "cancel-in-progress": False}
    assert not group.startswith(f"{RELEASE['name']}-") and "${{" not in group


def test_the_release_is_public_when_nothing_is_left_to_do() -> None:
    assert before("release") == set(JOBS) - {"release"}
    drafts = [step["run"] for name, step in steps() if "gh release create" in step.get("run", "")]
    assert len(drafts) == 1 and all("--draft " in each for each in drafts)
    published = [name for name, step in steps() if "--draft=false" in step.get("run", "")]
    assert published == ["release"]


def test_what_it_runs_are_targets_of_the_makefile_beside_who_signs_and_publishes() -> None:
    for _, step in steps():
        for command in re.sub(r"\\\n\s*", "", step.get("run", "")).splitlines():
            first, *words = command.split()
            assert first in {"make", "cosign", "gh"}, command
            if first != "make":
                continue
            target, *settings = [each for each in words if each != "--silent" and not each.startswith(">>")]
            recipe = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
            assert recipe, target
            for setting in settings:
                assert f"$({setting.split('=')[0]})" in recipe[1], f"{target} takes no {setting}"


def test_it_holds_no_secret_and_hands_its_token_to_those_who_need_it() -> None:
    assert "secrets." not in TEXT and "secrets[" not in TEXT
    given = [(name, key) for name, step in steps() for key, value in held(step).items() if "github.token" in f"{value}"]
    assert given == [("image", "password"), ("chart", "password"), ("files", "GH_TOKEN"), ("release", "GH_TOKEN")]
    checkouts = [step for _, step in steps() if "checkout@" in step.get("uses", "")]
    assert checkouts and all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_nothing_that_another_run_has_cached_gets_into_a_release() -> None:
    caches = {"setup-go": "cache", "setup-qemu-action": "cache-image", "setup-buildx-action": "cache-binary"}
    for _, step in steps():
        action = step.get("uses", "").split("@")[0].partition("/")[2]
        if action in caches:
            assert step["with"][caches[action]] is False
        assert not {"cache-from", "cache-to"} & set(step.get("with", {}))


def test_no_expression_gets_into_a_shell() -> None:
    assert not [step["run"] for _, step in steps() if "${{" in step.get("run", "")]


def test_there_is_a_plugin_for_each_platform_and_each_says_what_is_in_it() -> None:
    platforms = [each["platform"] for each in JOBS["plugin"]["strategy"]["matrix"]["include"]]
    assert tuple(platforms) == krew.PLATFORMS
    assert tuple(JOBS["sbom"]["strategy"]["matrix"]["platform"]) == krew.PLATFORMS
    commands = [step["run"] for step in JOBS["plugin"]["steps"] if "run" in step]
    assert commands == ["make plugin STANDALONE=1", "make plugin-check"]


def test_the_image_is_built_with_provenance_and_a_list_of_what_is_in_it() -> None:
    [build] = [step["with"] for _, step in steps() if "build-push-action" in step.get("uses", "")]
    assert (build["provenance"], build["sbom"]) == ("mode=max", True)
    assert build["platforms"] == "linux/amd64,linux/arm64"
    assert build["context"] == ".", "else it is built from the tag as it is by then"


@pytest.mark.parametrize(("job", "signed"), [("image", "$IMAGE@$DIGEST"), ("chart", "$CHARTS/ack-remediator@$DIGEST")])
def test_what_is_pushed_is_signed_by_its_digest(job: str, signed: str) -> None:
    """By a tag, another could be signed than was pushed."""
    commands = [step["run"] for step in JOBS[job]["steps"] if "cosign" in step.get("run", "")]
    assert [each.split()[-1].strip('"') for each in commands] == [signed]
    [attested] = [step["with"] for step in JOBS[job]["steps"] if "/attest@" in step.get("uses", "")]
    assert ".outputs.digest" in attested["subject-digest"]


def test_all_files_are_signed_by_their_sums_and_their_provenance_is_kept() -> None:
    files = JOBS["files"]["steps"]
    order = [
        next(i for i, step in enumerate(files) if mark in f"{step.get('run', '')}{step.get('with', '')}")
        for mark in ("make release-files", "cosign sign-blob", "subject-checksums", "gh release create")
    ]
    assert order == sorted(order)


def test_nothing_is_published_but_what_a_job_before_has_handed_on_by_name() -> None:
    """Actions leave artifacts of their own in a run: docker's has the record of the build."""
    made = {step["with"]["name"]: name for name, step in steps() if "upload-artifact@" in step.get("uses", "")}
    assert made == {"dist": "dist", "plugin-${{ matrix.platform }}": "plugin", "chart": "chart"}
    taken = [(name, step["with"]) for name, step in steps() if "download-artifact@" in step.get("uses", "")]
    for name, given in taken:
        wanted = given.get("name", given.get("pattern")).replace("-*", "-${{ matrix.platform }}")
        assert made[wanted] in before(name)
    assert [given["name"] for name, given in taken if name == "index"] == ["dist"]


def test_no_job_runs_for_ever() -> None:
    assert all(0 < job["timeout-minutes"] <= 90 for name, job in JOBS.items() if name != "tests")
