"""What CI fetches before it begins: Prometheus' programs, so that no alert goes untried in silence."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "prometheus"
NEEDED = ("bash", "cat", "mkdir", "mktemp", "mv", "rm", "tail", "timeout")
# By the package that has them.
PROGRAMS = {
    "prometheus": ("prometheus", "promtool"),
    "prometheus-pushgateway": ("prometheus-pushgateway",),
    "prometheus-alertmanager": ("amtool",),
}
ALL = {program for programs in PROGRAMS.values() for program in programs}


class Machine:
    """One without any of them, where apt-get and dpkg do as they are told."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.cache = folder / "bin", folder / "cache"
        self.bin.mkdir()
        for name in NEEDED:
            (self.bin / name).symlink_to(where(name))
        unpacked = "".join(
            f'{package}_*) for name in {" ".join(programs)}; do cat "$2" >"$3/usr/bin/$name"; done ;; '
            for package, programs in PROGRAMS.items()
        )
        self.has("dpkg", f'mkdir -p "$3/usr/bin"; case $2 in {unpacked}esac; {where("chmod")} +x "$3"/usr/bin/*')

    def has(self, name: str, body: str) -> None:
        program = self.bin / name
        program.write_text(f"#!{where('bash')}\n{body}\n", encoding="utf-8")
        program.chmod(0o755)

    def __call__(self) -> tuple[set[str], str]:
        """Run the script; answer which programs in the folder it prints can run, and what it says."""
        env = {"PATH": str(self.bin), "XDG_CACHE_HOME": str(self.cache)}
        ran = subprocess.run([SCRIPT], env=env, capture_output=True, text=True, check=True)
        folder = Path(ran.stdout.strip())
        assert folder.is_relative_to(self.cache)
        there = {each.name for each in folder.iterdir()} if folder.is_dir() else set()
        assert all(subprocess.run([folder / name], check=False).returncode == 0 for name in there)
        return there, ran.stderr


def where(name: str) -> str:
    found = shutil.which(name)
    assert found is not None
    return found


def downloads(program: str = "exit 0") -> str:
    """Let apt-get put a package down whose programs do this; the package is the last word of the command."""
    body = f"#!{where('bash')}\\n{program}\\n"
    return f"""for package in "$@"; do :; done; printf '{body}' >"${{package}}_2_amd64.deb\""""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_what_is_installed_is_used(machine: Machine) -> None:
    for program in ALL:
        machine.has(program, "exit 0")
    assert machine() == (set(), "")


def test_what_is_missing_beside_what_is_installed_is_fetched(machine: Machine) -> None:
    for program in PROGRAMS["prometheus"]:
        machine.has(program, "exit 0")
    machine.has("apt-get", downloads())
    assert machine() == (ALL - {*PROGRAMS["prometheus"]}, "")


def test_debians_packages_serve_and_are_kept(machine: Machine) -> None:
    machine.has("apt-get", downloads())
    assert machine() == (ALL, "")
    machine.has("apt-get", "exit 100")
    assert machine() == (ALL, "")


def test_lists_that_are_not_there_are_fetched(machine: Machine) -> None:
    machine.has("apt-get", f'case "$*" in *Lists*update) ;; *Lists*download*) {downloads()} ;; *) exit 100 ;; esac')
    assert machine() == (ALL, "")


@pytest.mark.parametrize(
    "apt", ["echo 'no network' >&2; exit 100", downloads("exit 1")], ids=["no network", "they cannot run"]
)
def test_where_they_cannot_be_had_that_is_said_and_fails_nothing(machine: Machine, apt: str) -> None:
    machine.has("apt-get", apt)
    there, said = machine()
    assert there == set()
    assert "skipped" in said
    assert [said.count(f"  {program}: ") for program in ALL] == [1] * len(ALL)
    assert said.count("NOT tried") == len(ALL)


def test_where_one_cannot_be_had_the_others_serve_and_only_that_one_is_named(machine: Machine) -> None:
    machine.has("apt-get", f'case "$*" in *pushgateway) exit 100 ;; *) {downloads()} ;; esac')
    there, said = machine()
    assert there == ALL - {"prometheus-pushgateway"}
    assert [line.split(":")[0].strip() for line in said.splitlines() if "NOT tried" in line] == [
        "prometheus-pushgateway"
    ]


def test_where_there_is_no_apt_that_is_said_and_fails_nothing(machine: Machine) -> None:
    there, said = machine()
    assert (there, said.count("NOT tried")) == (set(), len(ALL))
