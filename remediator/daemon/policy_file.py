"""The policy file of a process that outlives its changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import structlog

from remediator.errors import PolicyError, RemediatorError
from remediator.policy import Policy
from remediator.policy.load import parse_policy, read_policy

_log = structlog.get_logger(__name__)


class PolicyFile:
    """A policy file, read again when its content changes. What cannot be used is told, and the last good one kept.

    By content, and not by date: a ConfigMap is mounted through links that change with all the others in it.
    """

    def __init__(self, path: Path | None, reloaded: Callable[[bool, str], None]) -> None:
        """Read it for the first time; raise PolicyError where it cannot be used. Without a path, the defaults hold.

        `reloaded` is told whether what is there can be used, and the digest (SHA-256) of what is in force.
        """
        self._path = path
        self._reloaded = reloaded
        self._text = read_policy(path) if path else ""
        self._seen: str | None = self._text
        self._untaken = False  # what was seen can be used, but nothing could be built on it
        self._trouble = ""
        self.policy = parse_policy(path, self._text) if path else Policy()
        reloaded(True, _digest(self._text))

    def changed(self, take: Callable[[Policy], None]) -> bool:
        """Read it again, and let `take` have what is new; whether there was something new, and it was taken.

        Where `take` raises RemediatorError, the new one cannot be used now. It is tried again each time: what it lacks
        may be there by then.
        """
        if self._path is None:
            return False
        try:
            text = read_policy(self._path)
        except PolicyError as error:
            self._seen = None
            self._refused(error.message)
            return False
        if text != self._seen:
            self._trouble = ""  # of another text, which is told anew
        elif not self._untaken:
            return False
        self._seen, self._untaken = text, False
        try:
            policy = parse_policy(self._path, text)
            if text != self._text:
                self._untaken = True
                take(policy)
                self._untaken = False
        except RemediatorError as error:
            self._refused(error.message)
            return False
        taken, self._text, self.policy = text != self._text, text, policy
        self._reloaded(True, _digest(text))
        _log.info("the policy is in force", policy=str(self._path), digest=_digest(text), mode=policy.mode.value)
        return taken

    def moved(self) -> bool:
        """Whether its content is another than was seen last, so that what is in force may not be what is wanted."""
        if self._path is None:
            return False
        try:
            return read_policy(self._path) != self._seen
        except PolicyError:
            return False

    def _refused(self, why: str) -> None:
        if why == self._trouble:
            return
        self._trouble = why
        self._reloaded(False, _digest(self._text))
        _log.error("the policy cannot be used: the last good one stays in force", why=why, digest=_digest(self._text))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
