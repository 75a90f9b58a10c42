"""Which of several daemons makes the passes: the one that holds the leader Lease."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

import structlog

from remediator.errors import ClusterError

_log = structlog.get_logger(__name__)

_UNASKED = "nobody was asked yet"


class Lease(Protocol):
    """What leadership is held by; `kubernetes.lease.Lock` is one."""

    def valid(self) -> bool: ...

    def campaign(self) -> bool: ...

    def release(self) -> None: ...


class Leadership:
    """Whether we lead. `changed` is told each time that turns out to be otherwise."""

    def __init__(self, lease: Lease, changed: Callable[[bool], None]) -> None:
        self._lease = lease
        self._changed = changed
        self._known: bool | None = None
        self._campaigning = threading.Lock()  # one that is under way must not take again what we let go of
        self._resigned = False
        self._trouble = _UNASKED

    @property
    def undecided(self) -> str:
        """Say why nobody knows yet whether we lead; empty once that was known."""
        return self._trouble if self._known is None else ""

    @property
    def leads(self) -> bool:
        """Tell by our own clocks, so that silence of the API server lets it become no."""
        return self._lease.valid()

    def campaign(self) -> None:
        """Take the Lease where it is free, and keep it where it is ours; to be called every few seconds."""
        with self._campaigning:
            if not self._resigned:
                self._ask()
                self._note(self.leads)

    def resign(self) -> None:
        """Let go of it for good, so that a standby takes over at once."""
        with self._campaigning:
            self._resigned = True
            self._lease.release()
            self._note(False)

    def _ask(self) -> None:
        try:
            self._lease.campaign()
        except ClusterError as error:
            if error.message != self._trouble:
                _log.warning("the leader Lease could not be asked for", why=error.message, hint=error.hint)
            self._trouble = error.message
        else:
            self._trouble = ""

    def _note(self, leads: bool) -> None:
        if leads == self._known or (self._trouble and not leads and self._known is None):
            return
        was, self._known = self._known, leads
        self._changed(leads)  # before it is logged: who reads the log, and then the page, finds what they read
        if leads:
            _log.info("leading")
        else:
            _log.info("standing by: another daemon leads" if was is None else "not leading any more")
