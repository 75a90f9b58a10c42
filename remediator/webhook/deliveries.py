"""Messages on their way, beside the pass: a queue with an end to it, and one thread that sends.

Nobody waits for it but who ends the process, and that not for long. What does not arrive is logged and counted, and is
not told later.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

import structlog
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_after_attempt,
    stop_when_event_set,
    wait_random_exponential,
)
from tenacity.wait import wait_base

from remediator.model.message import Delivery, Message
from remediator.policy.webhook import WebhookSection
from remediator.webhook.sending import NotReady, NotTaken, NotYet, send

_log = structlog.get_logger(__name__)

MOST_WAITING = 100
_ATTEMPTS = 6
# In seconds. A receiver that asks for more patience than this is asked again after this.
_LONGEST_WAIT = 300.0
_BACK_OFF = wait_random_exponential(multiplier=1, max=60)


class Deliveries:
    """Sends what is posted, in that order, in a thread that begins with the first.

    `count` is told what came of each message. `lasting`: the process goes on after a pass, and so remembers by itself
    what it told. Threads may share it.
    """

    def __init__(
        self,
        count: Callable[[Delivery], None],
        *,
        lasting: bool = False,
        most: int = MOST_WAITING,
        back_off: wait_base = _BACK_OFF,
    ) -> None:
        self.lasting = lasting
        self._count = count
        self._most = most
        self._back_off = back_off
        self._waiting: deque[tuple[WebhookSection, Message]] = deque()
        self._changed = threading.Condition()
        self._given_up = threading.Event()
        self._closed = False
        self._sends = False
        self._thread: threading.Thread | None = None

    def post(self, to: WebhookSection, message: Message) -> None:
        """Let a message be sent, soon; where too many wait already, or it is closed, it is left out."""
        with self._changed:
            full = len(self._waiting) >= self._most
            if not full and not self._closed:
                self._waiting.append((to, message))
                self._changed.notify_all()
                if self._thread is None:
                    self._thread = threading.Thread(target=self._work, name="webhook", daemon=True)
                    self._thread.start()
                return
        self._tell(Delivery.DROPPED, message, f"{self._most} messages wait already" if full else "the process ends")

    def close(self, patience: float) -> int:
        """Take no more, and wait for what is on its way, so many seconds at most; return how many did not arrive."""
        until = time.monotonic() + patience
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            while (self._waiting or self._sends) and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)
            self._given_up.set()
            lost = len(self._waiting) + self._sends
            self._waiting.clear()
        for _ in range(lost):
            self._count(Delivery.DROPPED)
        return lost

    def _work(self) -> None:
        while (found := self._next()) is not None:
            came_of_it, why = self._deliver(*found)
            with self._changed:
                if self._given_up.is_set():
                    return  # counted as dropped by who closed
                self._sends = False
                self._tell(came_of_it, found[1], why)
                self._changed.notify_all()

    def _next(self) -> tuple[WebhookSection, Message] | None:
        """Wait for the next message; None where there will be none."""
        with self._changed:
            while not self._waiting:
                if self._closed:
                    return None
                self._changed.wait()
            self._sends = True
            return self._waiting.popleft()

    def _deliver(self, to: WebhookSection, message: Message) -> tuple[Delivery, str]:
        """Send until it is taken, or there is no use in it; say what came of it, and why it did not arrive."""
        retrying = Retrying(
            retry=retry_if_exception_type(NotYet),
            stop=stop_after_attempt(_ATTEMPTS) | stop_when_event_set(self._given_up),
            wait=self._wait,
            sleep=sleep_using_event(self._given_up),
            reraise=True,
        )
        try:
            retrying(self._try, to, message)
        except NotTaken as error:
            return Delivery.REFUSED, str(error)
        except (NotYet, NotReady) as error:
            return Delivery.FAILED, str(error)
        except Exception as error:  # noqa: BLE001 - the next message may arrive, and nobody would send it
            return Delivery.FAILED, f"{type(error).__name__}, which should not have happened"
        return Delivery.DELIVERED, ""

    def _try(self, to: WebhookSection, message: Message) -> None:
        if self._given_up.is_set():  # while it waited for this attempt
            raise NotTaken("the process ends")
        send(to, message)

    def _wait(self, state: RetryCallState) -> float:
        """Wait longer each time, by chance, and never less than the receiver asks for, within reason."""
        error = state.outcome.exception() if state.outcome else None
        asked = error.after if isinstance(error, NotYet) and error.after else 0.0
        return min(max(asked, self._back_off(state)), _LONGEST_WAIT)

    def _tell(self, came_of_it: Delivery, message: Message, why: str) -> None:
        self._count(came_of_it)
        if came_of_it is Delivery.DELIVERED:
            _log.info("told the webhook", message=message.id, what=message.headline)
        else:
            _log.warning("the webhook was not told", what=message.headline, why=why, message=message.id)
