"""Build a Go program by module path and version, outside any clone.

A synthetic module that requires just the one version is enough: go resolves the rest from that module's own
go.mod, and checks every download against the checksum database as the environment has it set up.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# What go prints when a proxy answers that it will not, or cannot, serve a module version.
_REFUSED_BY_PROXY = re.compile(r"reading https?://\S+: (403|404|410)\b")


class BuildFailed(Exception):
    """Raised when go fails; carries go's own words."""

    exit_code = 1


class Unavailable(Exception):
    """Raised when the module proxy itself says that the module version cannot be had."""

    exit_code = 1


@dataclass(frozen=True)
class Program:
    """A main package, pinned.

    `staging` is the version of the modules that the program's own go.mod requires as `v0.0.0` and replaces by
    folders beside it. A replace counts only in the main module: whoever builds from outside must repeat it.
    """

    name: str
    module: str
    version: str
    package: str
    binary: str
    takes: str
    variables: Mapping[str, str] = field(default_factory=dict)
    staging: str | None = None


def go_command() -> str | None:
    """Find go on the PATH."""
    return shutil.which("go")


def download(program: Program) -> Path:
    """Fetch the module and answer the folder of its source, in go's own module cache."""
    with tempfile.TemporaryDirectory() as empty:
        done = _go(["mod", "download", "-json", f"{program.module}@{program.version}"], Path(empty))
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise BuildFailed(f"go mod download {program.module}@{program.version}: {_words(done)}") from None
    error = answer.get("Error")
    if error is None and done.returncode == 0:
        return Path(answer["Dir"])
    if error is not None and _REFUSED_BY_PROXY.search(error):
        raise Unavailable(error)
    raise BuildFailed(f"go mod download {program.module}@{program.version}: {error or _words(done)}")


def build(program: Program, source: Path, binary: Path) -> None:
    """Compile the program into `binary`; `source` is what `download` answered."""
    with tempfile.TemporaryDirectory(prefix=f"{program.name}-") as folder:
        workspace = Path(folder)
        (workspace / "go.mod").write_text(_go_mod(program, _described(source)), encoding="utf-8")
        flags = " ".join(["-s -w", *(f"-X {name}={value}" for name, value in program.variables.items())])
        done = _go(["build", "-trimpath", "-ldflags", flags, "-o", str(binary), program.package], workspace)
    if done.returncode != 0:
        raise BuildFailed(f"go build {program.package}@{program.version}: {_words(done)}")


def _go_mod(program: Program, described: Mapping[str, Any]) -> str:
    lines = [
        "module ack-remediator.test/build",
        f"go {described['Go']}",
        f"require {program.module} {program.version}",
    ]
    if program.staging is not None:
        local = {replaced["Old"]["Path"] for replaced in described.get("Replace") or []}
        unversioned = {required["Path"] for required in described["Require"] if required["Version"] == "v0.0.0"}
        lines += [f"replace {path} => {path} {program.staging}" for path in sorted(local | unversioned)]
    return "\n".join(lines) + "\n"


def _described(source: Path) -> dict[str, Any]:
    done = _go(["mod", "edit", "-json", str(source / "go.mod")], source)
    if done.returncode != 0:
        raise BuildFailed(f"go mod edit -json {source / 'go.mod'}: {_words(done)}")
    described: dict[str, Any] = json.loads(done.stdout)
    return described


def _go(arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    command = go_command()
    if command is None:
        raise BuildFailed("there is no go on the PATH")
    # No workspace and no flags of the user's: the build must come out the same wherever it is started.
    environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOWORK": "off"}
    return subprocess.run(
        [command, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def _words(done: subprocess.CompletedProcess[str]) -> str:
    """Keep the end of what go said, without the progress of downloads."""
    lines = [line for line in done.stderr.splitlines() if not line.startswith(("go: downloading", "go: added"))]
    return f"exit status {done.returncode}\n" + "\n".join(lines[-40:])
