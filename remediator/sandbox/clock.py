"""The sandbox's clock: real time, or real time run fast."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class SandboxClock:
    """Tell sandbox time: `start` plus the real time since construction, times `speed`.

    Everything in a sandbox shares one instance, so that a server's `Date`, a controller's heartbeat and
    Lambda's timed transitions agree with each other however fast the clock runs.
    """

    def __init__(self, speed: float = 1.0, start: datetime | None = None) -> None:
        """Start the clock at `start` (aware; now, if absent).

        Raises `ValueError` for a speed of 0 or less.
        """
        if speed <= 0:
            raise ValueError(f"the sandbox clock cannot run at speed {speed}: it must be greater than 0")
        if start is not None and start.tzinfo is None:
            raise ValueError(f"the sandbox clock's start {start.isoformat()} has no time zone")
        self.speed = speed
        self._start = datetime.now(UTC) if start is None else start.astimezone(UTC)
        self._origin = time.monotonic()

    def now(self) -> datetime:
        """Return the sandbox's wall time, aware, in UTC."""
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Return the sandbox seconds since the clock was made. Never goes back."""
        return (time.monotonic() - self._origin) * self.speed

    def sleep(self, seconds: float) -> None:
        """Wait for that many sandbox seconds, which takes `seconds / speed` real ones."""
        time.sleep(max(0.0, seconds) / self.speed)
