"""The action lock: one at a time decides and writes, over all processes that share a home namespace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from msgspec import Struct

from remediator.errors import NotFound
from remediator.kubernetes.lease import Lock
from remediator.kubernetes.transport import Patience
from remediator.ports import Hold

# A write that rests on the lock must end within Terms.request, or its holder could write after it lost it. What is only
# read, or recorded, may take longer: right before the first write the lock is asked for again.
IN_TIME = Patience(connect=2.0, read=7.0, answer=7.0, throttled=0.0)


class _Locked(Struct, frozen=True):
    lock: Lock
    why: str = "it is ours"

    def keep(self) -> bool:
        return self.lock.keep()


class _NoPlace(Struct, frozen=True):
    """Where there is no home namespace nobody can have the lock."""

    why: str

    def keep(self) -> bool:
        return True


class KubernetesActionLock:
    """The ActionLock port on a Lease."""

    def __init__(self, lock: Lock) -> None:
        self._lock = lock

    @contextmanager
    def held(self, say: Callable[[str], None]) -> Iterator[Hold]:
        """Hold the Lease around a block.

        Without the home namespace there are no records either, and no other remediator that looks into them: what is
        left is that the first write of each action names the version that it is meant for. Who may not write the
        Lease, where there is a place for it, is refused: somebody else may be at work.
        """
        with ExitStack() as stack:
            try:
                hold: Hold = _Locked(stack.enter_context(self._lock.held(say=say)))
            except NotFound as error:
                hold = _NoPlace(f"nobody can have it: {error.message}")
            yield hold
