"""A policy file that changes under a process that goes on."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from remediator.daemon.policy_file import PolicyFile
from remediator.errors import CloudError, PolicyError
from remediator.policy import Mode, Policy

HEAD = "apiVersion: ack-remediator.dev/v1alpha1\nkind: Policy\n"


class Reader:
    """A file, and what became of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.told: list[tuple[bool, str]] = []
        self.taken: list[Policy] = []
        self.write("mode: approve\n")
        self.file = PolicyFile(path, lambda ok, digest: self.told.append((ok, digest)))

    def write(self, text: str) -> None:
        self.path.write_text(HEAD + text, encoding="utf-8")

    def look(self) -> bool:
        return self.file.changed(self.taken.append)


def digest(text: str) -> str:
    return hashlib.sha256((HEAD + text).encode()).hexdigest()


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path / "policy.yaml")


def test_what_is_in_force_is_told_from_the_start(reader: Reader) -> None:
    assert reader.file.policy.mode is Mode.APPROVE
    assert reader.told == [(True, digest("mode: approve\n"))]
    assert not reader.look()
    assert (len(reader.told), reader.taken) == (1, [])


def test_another_content_is_taken(reader: Reader) -> None:
    reader.write("mode: auto\n")
    assert reader.look()
    assert [each.mode for each in reader.taken] == [Mode.AUTO]
    assert reader.file.policy.mode is Mode.AUTO
    assert reader.told[1:] == [(True, digest("mode: auto\n"))]
    assert not reader.look()


def test_the_same_content_in_another_file_is_no_change(reader: Reader) -> None:
    """As a ConfigMap is mounted: a link to a directory that is replaced as a whole."""
    other = reader.path.with_name("other.yaml")
    reader.path.rename(other)
    reader.path.symlink_to(other)
    assert not reader.look()


@pytest.mark.parametrize("broken", ["mode: yolo\n", "mode: [\n", "modus: auto\n"])
def test_the_last_good_one_stays_in_force(reader: Reader, broken: str) -> None:
    reader.write(broken)
    with capture_logs() as logs:
        assert not reader.look()
        assert not reader.look()
    (log,) = logs
    assert (log["log_level"], str(reader.path) in log["why"]) == ("error", True)
    assert (reader.taken, reader.file.policy.mode) == ([], Mode.APPROVE)
    assert reader.told[1:] == [(False, digest("mode: approve\n"))], "the digest is of what is in force"


def test_a_file_that_is_gone_is_told_once_and_good_again_when_it_is_back(reader: Reader) -> None:
    reader.path.unlink()
    assert not reader.look()
    assert not reader.look()
    reader.write("mode: approve\n")
    assert not reader.look(), "it is what was in force all the while"
    assert [ok for ok, _ in reader.told] == [True, False, True]
    assert reader.taken == []


def test_who_cannot_be_mended_at_once_is_mended_later(reader: Reader) -> None:
    reader.write("mode: yolo\n")
    reader.look()
    reader.write("mode: auto\n")
    assert reader.look()
    assert [ok for ok, _ in reader.told] == [True, False, True]


def test_what_nothing_can_be_built_on_is_not_in_force(reader: Reader) -> None:
    def refuse(policy: Policy) -> None:
        raise CloudError("no such profile")

    reader.write("mode: auto\n")
    assert not reader.file.changed(refuse)
    assert reader.file.policy.mode is Mode.APPROVE
    assert reader.told[1:] == [(False, digest("mode: approve\n"))]


def test_it_has_moved_from_when_it_changes_until_it_is_read_again(reader: Reader) -> None:
    assert not reader.file.moved()
    for text in ("mode: auto\n", "mode: yolo\n"):
        reader.write(text)
        assert reader.file.moved()
        reader.look()
        assert not reader.file.moved()
    reader.path.unlink()
    assert not reader.file.moved(), "it may be back in a moment, as it was"


def test_what_nothing_can_be_built_on_now_is_tried_again_and_told_when_the_reason_changes(reader: Reader) -> None:
    troubles = ["AWS does not answer", "AWS does not answer", "no such profile"]

    def take(policy: Policy) -> None:
        if troubles:
            raise CloudError(troubles.pop(0))
        reader.taken.append(policy)

    reader.write("mode: auto\n")
    with capture_logs() as logs:
        assert [reader.file.changed(take) for _ in range(5)] == [False, False, False, True, False]
    assert [each["why"] for each in logs if "why" in each] == ["AWS does not answer", "no such profile"]
    assert [each.mode for each in reader.taken] == [Mode.AUTO]
    assert [ok for ok, _ in reader.told] == [True, False, False, True]
    assert not reader.file.moved()


def test_the_same_reason_is_told_of_another_text(reader: Reader) -> None:
    def refuse(policy: Policy) -> None:
        raise CloudError("no such profile")

    with capture_logs() as logs:
        for text in ("mode: auto\n", "mode: dry-run\n"):
            reader.write(text)
            assert not reader.file.changed(refuse)
    assert [each["why"] for each in logs] == ["no such profile"] * 2
    reader.write("mode: approve\n")
    assert not reader.look(), "what is in force is nothing new"
    assert not reader.look()
    assert [ok for ok, _ in reader.told] == [True, False, False, True]


def test_bytes_that_are_no_text_are_refused(reader: Reader) -> None:
    reader.path.write_bytes(b"\xff\xfe")
    assert not reader.look()
    assert [ok for ok, _ in reader.told] == [True, False]


def test_a_file_that_cannot_be_used_from_the_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot read the policy"):
        PolicyFile(tmp_path / "none.yaml", lambda ok, digest: None)


def test_without_a_file_the_defaults_hold_for_good() -> None:
    told: list[tuple[bool, str]] = []
    file = PolicyFile(None, lambda ok, digest: told.append((ok, digest)))
    assert file.policy == Policy()
    assert not file.changed(lambda policy: None)
    assert not file.moved()
    assert told == [(True, hashlib.sha256(b"").hexdigest())]
