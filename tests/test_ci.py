"""What CI fetches before it begins: promtool, so that no alert goes untried in silence."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "promtool"
NEEDED = ("bash", "cat", "mkdir", "mktemp", "mv", "rm", "tail", "timeout")


class Machine:
    """One without promtool, where apt-get and dpkg do as they are told."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.cache = folder / "bin", folder / "cache"
        self.bin.mkdir()
        for name in NEEDED:
            found = shutil.which(name)
            assert found is not None
            (self.bin / name).symlink_to(found)
        self.has(
            "dpkg", f'mkdir -p "$3/usr/bin"; cat "$2" >"$3/usr/bin/promtool"; {shutil.which("chmod")} +x "$3"/usr/bin/*'
        )

    def has(self, name: str, body: str) -> None:
        program = self.bin / name
        program.write_text(f"#!{shutil.which('bash')}\n{body}\n", encoding="utf-8")
        program.chmod(0o755)

    def __call__(self) -> tuple[str, str]:
        env = {"PATH": str(self.bin), "XDG_CACHE_HOME": str(self.cache)}
        ran = subprocess.run([SCRIPT], env=env, capture_output=True, text=True, check=True)
        return ran.stdout.strip(), ran.stderr


DOWNLOADS = f"echo '#!{shutil.which('bash')}' >prometheus_2_amd64.deb"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_what_is_installed_is_used(machine: Machine) -> None:
    machine.has("promtool", "exit 0")
    assert machine() == ("", "")


def test_debians_package_serves_and_is_kept(machine: Machine) -> None:
    machine.has("apt-get", DOWNLOADS)
    folder, said = machine()
    assert said == ""
    assert Path(folder).is_relative_to(machine.cache)
    assert subprocess.run([Path(folder, "promtool")], check=False).returncode == 0
    machine.has("apt-get", "exit 100")
    assert machine() == (folder, "")


def test_lists_that_are_not_there_are_fetched(machine: Machine) -> None:
    machine.has("apt-get", f'case "$*" in *Lists*update) ;; *Lists*download*) {DOWNLOADS} ;; *) exit 100 ;; esac')
    folder, said = machine()
    assert (Path(folder, "promtool").is_file(), said) == (True, "")


@pytest.mark.parametrize(
    "apt",
    ["echo 'no network' >&2; exit 100", "echo exit 1 >prometheus_2_amd64.deb"],
    ids=["no network", "it cannot run"],
)
def test_where_it_cannot_be_had_that_is_said_and_fails_nothing(machine: Machine, apt: str) -> None:
    machine.has("apt-get", apt)
    folder, said = machine()
    assert folder == ""
    assert "NOT tried" in said and "skipped" in said


def test_where_there_is_no_apt_that_is_said_and_fails_nothing(machine: Machine) -> None:
    folder, said = machine()
    assert (folder, "skipped" in said) == ("", True)
