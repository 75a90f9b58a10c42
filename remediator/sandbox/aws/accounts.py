"""The accounts of a cloud, each with its own functions."""

from __future__ import annotations

import threading

from remediator.sandbox.aws.functions import Functions
from remediator.sandbox.clock import SandboxClock

# Moto keeps its backends per account for the whole process, so two clouds must not share one.
_in_use: set[str] = set()
_in_use_lock = threading.Lock()


class Accounts:
    """Every account that was named so far. Not thread-safe: its owner holds a lock."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._functions: dict[str, Functions] = {}
        self._claimed: set[str] = set()
        self._open = False

    def functions(self, account: str) -> Functions:
        """Return the functions of an account. Raise RuntimeError if another cloud of this process has it."""
        if account not in self._functions:
            if self._open:
                self._claim(account)
            self._functions[account] = Functions(account, self._clock)
            if self._open:
                self._functions[account].furnish()
        return self._functions[account]

    def open(self) -> None:
        """Take every account named so far, and empty it. Raise RuntimeError if another cloud has one, and take none."""
        try:
            for account in self._functions:
                self._claim(account)
        except RuntimeError:
            self.close()
            raise
        self._open = True
        for functions in self._functions.values():
            functions.furnish()

    def close(self) -> None:
        """Give the accounts back."""
        with _in_use_lock:
            _in_use.difference_update(self._claimed)
        self._claimed.clear()
        self._open = False

    def _claim(self, account: str) -> None:
        with _in_use_lock:
            if account in _in_use:
                raise RuntimeError(f"another cloud of account {account} runs in this process")
            _in_use.add(account)
        self._claimed.add(account)
