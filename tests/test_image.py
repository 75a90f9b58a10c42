"""How the image is put together. That it works is tried by tests/image, which takes minutes: make image-check."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests import yaml_files

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
VERSION: str = PROJECT["project"]["version"]
NEEDED = ("bash", "dirname", "env", "git", "sed")


def instructions(name: str, text: str = DOCKERFILE) -> list[str]:
    """Collect what follows an instruction, wherever it stands; a line that ends in a backslash goes on in the next."""
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [line.removeprefix(name).strip() for line in lines if line.startswith(f"{name} ")]


def containers() -> list[tuple[Path, dict[str, Any], dict[str, Any]]]:
    """Find every container of ours that the manifests start, with its pod."""
    found = []
    for path in sorted((ROOT / "manifests").rglob("*.yaml")):
        for each in yaml_files.read_all(path):
            spec = (each or {}).get("spec") if isinstance(each, dict) else None
            if not isinstance(spec, dict) or each.get("kind") not in ("CronJob", "Deployment"):
                continue
            pod = spec.get("jobTemplate", {"spec": spec})["spec"].get("template", {}).get("spec", {})
            ours = [one for one in pod.get("containers", ()) if str(one.get("image", "")).startswith("ack-remediator")]
            found += [(path, pod, one) for one in ours]
    return found


# ---- what it is ------------------------------------------------------------------------------------------------------


def test_its_labels_say_what_pyproject_says() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', "".join(instructions("LABEL"))))
    project = PROJECT["project"]
    assert labels == {
        "title": project["name"],
        "description": project["description"],
        "version": VERSION,
        "licenses": project["license"],
    }


def test_the_manifests_run_this_version() -> None:
    assert len(containers()) >= 2
    (release,) = yaml_files.read(ROOT / "manifests" / "release" / "kustomization.yaml")["images"]
    assert {one["image"] for _, _, one in containers()} == {release["name"]}
    assert release == {"name": "ack-remediator", "newTag": VERSION}


def test_it_runs_as_the_user_that_the_manifests_ask_for_by_number() -> None:
    last = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    assert instructions("USER", last) == ["65532:65532"]
    asked = {pod.get("securityContext", {}).get("runAsUser", 65532) for _, pod, _ in containers()}
    assert asked == {65532}


def test_it_starts_the_program_itself_with_no_shell_before_it() -> None:
    (entrypoint,) = instructions("ENTRYPOINT")
    (program,) = json.loads(entrypoint)
    assert program in PROJECT["project"]["scripts"]


# ---- what goes into it -----------------------------------------------------------------------------------------------


def test_everything_that_is_fetched_is_pinned_by_hash() -> None:
    commands = [part for line in instructions("RUN") for part in line.split("&&") if re.search(r"\bpip\b", part)]
    fetching = [each for each in commands if " install " in each and "--no-index" not in each]
    assert len(fetching) == 2
    for each in fetching:
        assert "--require-hashes" in each and "--only-binary :all:" in each
    (wheel,) = (each for each in commands if " wheel " in each)
    assert "--no-build-isolation" in wheel, "else pip fetches what builds it, and whatever version there is"


@pytest.mark.parametrize("lock", ["", "-build", "-plugin", "-sbom"])
def test_a_lock_pins_one_version_of_each_and_has_its_hashes(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / f"requirements{lock}.lock").read_text(encoding="utf-8").strip())
    assert all(re.match(r"[a-z0-9-]+==\S+ ", each) and "--hash=sha256:" in each for each in entries)


def test_the_wheel_is_built_by_what_builds_it_elsewhere() -> None:
    assert PROJECT["dependency-groups"]["build"] == PROJECT["build-system"]["requires"]
    assert re.search(r"^hatchling==", (ROOT / "requirements-build.lock").read_text(encoding="utf-8"), re.MULTILINE)


def test_nothing_gets_to_the_build_but_what_it_copies() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    first, *patterns = [line for line in lines if line and not line.startswith("#")]
    let_in = {each.removeprefix("!") for each in patterns if each.startswith("!")}
    copied = {word for line in instructions("COPY") if "--from=" not in line for word in line.split()[:-1]}
    assert first == "*"
    assert let_in == {each.removeprefix("./") for each in copied}
    # A pattern that takes back comes after what lets in: the last one that matches decides.
    assert [each for each in patterns if not each.startswith("!")] == patterns[-2:] == ["**/__pycache__", "**/*.pyc"]
    assert all((ROOT / each).exists() for each in let_in)


# ---- make image ------------------------------------------------------------------------------------------------------


class Machine:
    """One with the programs that it is given, and a checkout of its own."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.checkout, self._told = folder / "bin", folder / "checkout", folder / "told"
        self.bin.mkdir()
        (self.checkout / ".ci").mkdir(parents=True)
        for name in NEEDED:
            (self.bin / name).symlink_to(where(name))
        shutil.copy(ROOT / ".ci" / "image", self.checkout / ".ci" / "image")
        (self.checkout / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n', encoding="utf-8")

    def has(self, name: str, body: str = "") -> None:
        """Put a program there that notes what it is told."""
        program = self.bin / name
        program.write_text(f'#!{where("bash")}\n{body}\necho "{name} $*" >>"{self._told}"\n', encoding="utf-8")
        program.chmod(0o755)

    def git(self, *words: str) -> str:
        who = ["-c", "user.name=someone", "-c", "user.email=someone@example.test"]
        ran = subprocess.run(["git", *who, *words], cwd=self.checkout, check=True, capture_output=True, text=True)
        return ran.stdout.strip()

    def __call__(self, **environment: str) -> tuple[int, list[str], str]:
        """Run the script; answer how it ends, what was told to whom, and what it says."""
        env = {"PATH": str(self.bin), "GIT_CEILING_DIRECTORIES": str(self.checkout.parent)} | environment
        ran = subprocess.run([self.checkout / ".ci/image"], env=env, capture_output=True, text=True, check=False)
        told = self._told.read_text(encoding="utf-8").splitlines() if self._told.exists() else []
        return ran.returncode, [each for each in told if each != "docker info"], ran.stderr


def where(name: str) -> str:
    found = shutil.which(name)
    assert found is not None
    return found


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_docker_builds_where_its_engine_answers(machine: Machine) -> None:
    machine.has("docker")
    machine.has("buildah")
    assert machine()[:2] == (0, ["docker build --tag ack-remediator:1.2.3 ."])


def test_buildah_builds_where_there_is_but_a_docker_client(machine: Machine) -> None:
    machine.has("docker", "exit 1")
    machine.has("buildah")
    assert machine()[:2] == (0, ["buildah build --timestamp 0 --tag ack-remediator:1.2.3 ."])


def test_where_there_is_neither_it_says_what_would_help(machine: Machine) -> None:
    code, told, said = machine()
    assert (code, told, len(said.splitlines())) == (1, [], 1)
    assert "docker info" in said and "apt-get install buildah" in said


def test_name_and_tag_are_for_the_caller_to_choose(machine: Machine) -> None:
    machine.has("docker")
    assert machine(IMAGE="registry.test/team/remediator", TAG="blue")[1] == [
        "docker build --tag registry.test/team/remediator:blue ."
    ]


def test_where_it_comes_from_is_said_only_where_that_is_true(machine: Machine) -> None:
    machine.has("docker")
    machine.git("init", "--quiet")
    machine.git("add", ".")
    machine.git("commit", "--quiet", "--message", "all")
    revision = machine.git("rev-parse", "HEAD")
    known = {"source": "https://git.test/it", "revision": revision}
    labels = " ".join(f"--label org.opencontainers.image.{name}={value}" for name, value in known.items())
    assert machine(SOURCE="https://git.test/it")[1] == [f"docker build {labels} --tag ack-remediator:1.2.3 ."]
    (machine.checkout / "pyproject.toml").write_text('[project]\nversion = "1.2.4"\n', encoding="utf-8")
    assert machine()[1][1:] == ["docker build --tag ack-remediator:1.2.4 ."]


# ---- make test-kind --------------------------------------------------------------------------------------------------


def test_a_kind_cluster_without_an_engine_is_an_error_of_one_sentence(tmp_path: Path) -> None:
    for name in (*NEEDED, "echo", "sort", "xargs"):
        (tmp_path / name).symlink_to(where(name))
    ran = subprocess.run([ROOT / ".ci/kind"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, len(ran.stderr.splitlines())) == (1, "", 1)
    assert "needs a Docker engine" in ran.stderr and "make test-cluster" in ran.stderr


def test_kind_runs_no_version_that_it_has_no_image_for(tmp_path: Path) -> None:
    for name in (*NEEDED, "echo", "sort", "xargs"):
        (tmp_path / name).symlink_to(where(name))
    env = {"PATH": str(tmp_path), "KUBERNETES": "1.29"}
    ran = subprocess.run([ROOT / ".ci/kind"], env=env, capture_output=True, text=True, check=False)
    assert (ran.returncode, "there are: 1.30 " in ran.stderr) == (1, True)
