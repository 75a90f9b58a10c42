"""Who we are to the API server: asked when it is needed, once."""

from __future__ import annotations

from remediator.errors import ClusterError
from remediator.kubernetes.transport import Transport
from remediator.kubernetes.words import whoami
from remediator.ports import Clock

# Where it could not be told, it is not asked for again for so many seconds: nobody is to wait for it at every write.
_PATIENCE = 60.0


class Ourselves:
    """Our name, and else why it is not known. Raises nothing."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock
        self._name = ""
        self._why = ""
        self._asked: float | None = None

    def name(self) -> str:
        """Return the name that the API server has for us; empty where it is not known."""
        return self.told()[0]

    def told(self) -> tuple[str, str]:
        """Return the name, and why there is none."""
        now = self._clock.monotonic()
        if not self._name and (self._asked is None or now - self._asked >= _PATIENCE):
            self._asked = now
            try:
                self._name, self._why = whoami(self._transport), ""
            except ClusterError as error:
                self._why = error.message
        return self._name, self._why
