"""Manifests as they were in another revision of a git repository, or are in other files."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

from remediator.errors import InputError, UsageError
from remediator.lint.problem import Around, Before, Key, key_of
from remediator.manifest.objects import Manifest, manifests
from remediator.manifest.source import STDIN, Source, files_of, is_manifest_name, read_source

_SECONDS = 60
_FILE_MODES = ("100644", "100755")
# What git sets for its hooks: with it, another directory's repository would not be found.
_OF_HOOKS = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"})


def of_files(name: str, around: Around) -> dict[Key, Before]:
    """Read what was before from a file or a directory; raise InputError where a file that is named cannot be read."""
    found: dict[Key, Before] = {}
    for file in files_of(name):
        source = read_source(file)
        try:
            objects = manifests(source)
        except InputError:
            if file == name:
                raise
            continue  # what is under a directory need not be a manifest
        found |= _before(objects, around, source.name)
    return found


def of_revision(revision: str, names: Sequence[str], around: Around) -> dict[Key, Before]:
    """Read the same files and directories as they were in a revision.

    A file that was not there has nothing in it; one that was no manifest has neither. Raise UsageError where there is
    no such revision, or no repository.
    """
    found: dict[Key, Before] = {}
    for name in names:
        if name == STDIN:
            raise UsageError(
                "stdin has no revision before",
                hint="Compare with files (--against DIR) or with the cluster (--against cluster).",
            )
        path = Path(name)
        directory, only = (path, None) if path.is_dir() else (path.parent, path.name)
        git = _Git(directory)
        commit = git.commit(revision)
        for blob, file in git.files(commit, only):
            found |= _before(_objects(git.content(blob), f"{revision}:{file}"), around, revision)
    return found


def _objects(content: bytes, name: str) -> list[Manifest]:
    try:
        return manifests(Source(name, content.decode("utf-8", "replace").removeprefix("\ufeff")))
    except InputError:
        return []


def _before(objects: Sequence[Manifest], around: Around, where: str) -> dict[Key, Before]:
    return {key_of(each, around): Before(each.value, where) for each in objects if each.kind and each.name}


class _Git:
    """One directory of a repository, read by commands that run nothing of the repository's own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def commit(self, revision: str) -> str:
        """Find the commit that is meant."""
        asked = f"{revision}^{{commit}}"
        found = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", asked)
        if found.returncode == 0:
            return found.stdout.decode().strip()
        inside = self._run("rev-parse", "--is-inside-work-tree")
        if inside.returncode != 0:
            said = (inside.stderr.decode(errors="replace").strip().splitlines() or ["git fails"])[0]
            raise UsageError(
                f"--against {revision!r}: there is no such file, and {self._directory} is none to ask git about: "
                f"{said.removeprefix('fatal: ')}",
                hint="Name a file or a directory that is there, or cluster; a revision only in a git repository.",
            )
        raise UsageError(
            f"there is no revision {revision!r}, nor a file of that name",
            hint="A shallow clone has few: `git fetch --depth=1 origin main`, then --against FETCH_HEAD.",
        )

    def files(self, commit: str, only: str | None) -> Iterator[tuple[str, str]]:
        """List the manifests of the directory, each with its blob; `only` one of them, where that is named."""
        listed = self._checked("ls-tree", "-r", "-z", commit, *(("--", only) if only else ()))
        for entry in listed.split(b"\0"):
            described, _, file = entry.partition(b"\t")
            mode, _, rest = described.decode().partition(" ")
            name = os.fsdecode(file)
            if mode in _FILE_MODES and (only or is_manifest_name(PurePath(name))):
                yield rest.partition(" ")[2], name

    def content(self, blob: str) -> bytes:
        return self._checked("cat-file", "blob", blob)

    def _checked(self, *words: str) -> bytes:
        ran = self._run(*words)
        if ran.returncode != 0:
            said = ran.stderr.decode(errors="replace").strip()
            raise UsageError(f"git {words[0]} failed: {said}", hint=f"Try it: git -C {self._directory} {words[0]}")
        return ran.stdout

    def _run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(  # noqa: S603 - no shell, and no word that could be an option
                ["git", "-C", str(self._directory), *words],  # noqa: S607 - whichever git the caller uses
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
                env=_environment(),
            )
        except FileNotFoundError as error:
            raise UsageError(
                "git cannot be run, and --against a revision needs it", hint="Install git, or compare with files."
            ) from error
        except subprocess.TimeoutExpired as error:
            raise UsageError(f"git did not answer within {_SECONDS} s", hint="Compare with files instead.") from error


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _OF_HOOKS}
    return {**kept, "GIT_LITERAL_PATHSPECS": "1", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
