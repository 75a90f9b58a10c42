"""A small ACK lambda-controller for the sandbox: one worker, one kind, any Kubernetes API server."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from remediator.sandbox.ack.cluster import CLUSTER_ERRORS, Cluster
from remediator.sandbox.ack.errors import LambdaError, PassError, RequeueAfter
from remediator.sandbox.ack.informer import Informer
from remediator.sandbox.ack.lambda_client import LambdaClient
from remediator.sandbox.ack.manager import Manager
from remediator.sandbox.ack.queue import Key, Queue
from remediator.sandbox.ack.reconcile import Reconciler
from remediator.sandbox.ack.resource import Resource
from remediator.sandbox.clock import SandboxClock

_log = logging.getLogger(__name__)

ACCESS_KEY = "AKIASANDBOXCONTROLLER"

_STOP_SECONDS = 0.9  # real ones, whatever the clock's speed


class _Halt(BaseException):
    """End a pass in its middle, as a killed process would."""


class Controller:
    """Reconcile every Function behind a kubeconfig with the Lambda at `endpoint`; a context manager, restartable.

    Timers are seconds of the clock. AWS calls carry the access key `access_key`, so that they can be told apart and
    refused apart. Each start reconciles everything once.
    """

    access_key = ACCESS_KEY

    def __init__(self, kubeconfig: Path, endpoint: str, clock: SandboxClock, *, region: str = "us-east-1") -> None:
        self._kubeconfig = kubeconfig
        self._endpoint = endpoint
        self._clock = clock
        self._region = region
        self._run: _Run | None = None

    def start(self) -> None:
        """Start the worker. Raise LambdaError if STS does not tell the account: the real one exits then."""
        if self._run is None:
            self._run = _Run(self._kubeconfig, self._endpoint, self._clock, self._region)
            try:
                self._run.start()
            except LambdaError:
                self._run = None
                raise

    def stop(self) -> None:
        """Stop within a second. A pass under way writes nothing more, to either side."""
        if self._run is not None:
            self._run.stop()
            self._run = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Run:
    """One life of the controller, from start to stop: an informer fills the queue, a worker empties it."""

    def __init__(self, kubeconfig: Path, endpoint: str, clock: SandboxClock, region: str) -> None:
        self._clock = clock
        self._endpoint = endpoint
        self._region = region
        self._halted = threading.Event()
        self._cluster = Cluster(kubeconfig, self._check)
        self._clients: dict[str, LambdaClient] = {}
        self._account = ""
        self._queue = Queue()
        self._changed = threading.Condition()
        informer = Informer(self._cluster, self, self._halted)
        self._threads = [
            threading.Thread(target=self._until_halted, args=(work,), name=f"sandbox-controller-{name}", daemon=True)
            for name, work in (("informer", informer.run), ("worker", self._work))
        ]

    def start(self) -> None:
        self._account = self._client(self._region).account()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._halted.set()
        self._cluster.hang_up()
        with self._changed:
            self._changed.notify_all()
        deadline = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._cluster.close()
        for client in self._clients.values():
            client.close()

    # ---- what the informer tells ---------------------------------------------------------------------------------

    def listed(self, resources: Iterable[Resource]) -> None:
        with self._changed:
            self._queue.listed(resources, self._clock.monotonic())
            self._changed.notify_all()

    def changed(self, resource: Resource) -> None:
        with self._changed:
            self._queue.changed(resource, self._clock.monotonic())
            self._changed.notify_all()

    def deleted(self, resource: Resource) -> None:
        with self._changed:
            self._queue.deleted(resource, self._clock.monotonic())
            self._changed.notify_all()

    # ---- what the worker does ------------------------------------------------------------------------------------

    def _until_halted(self, work: Callable[[], None]) -> None:
        try:
            work()
        except _Halt:
            _log.debug("stopped in the middle")
        except Exception:
            # A stream that is cut from another thread can fail in any way.
            if not self._halted.is_set():
                raise
            _log.debug("stopped in the middle", exc_info=True)

    def _check(self) -> None:
        if self._halted.is_set():
            raise _Halt

    def _sleep(self, seconds: float) -> None:
        if self._halted.wait(seconds / self._clock.speed):
            raise _Halt

    def _client(self, region: str) -> LambdaClient:
        if region not in self._clients:
            self._clients[region] = LambdaClient(self._endpoint, region, ACCESS_KEY, self._check, self._sleep)
        return self._clients[region]

    def _manager(self, region: str) -> Manager:
        return Manager(self._client(region), self._account, region, self._clock.now)

    def _work(self) -> None:
        reconciler = Reconciler(self._cluster, self._manager, self._account, self._region, self._clock.now)
        while True:
            self._pass(reconciler, self._next())

    def _next(self) -> Key:
        """Wait until a Function is due."""
        with self._changed:
            while True:
                self._check()
                now = self._clock.monotonic()
                if (key := self._queue.take(now)) is not None:
                    return key
                due = self._queue.next_due()
                self._changed.wait(None if due is None else (due - now) / self._clock.speed)

    def _pass(self, reconciler: Reconciler, key: Key) -> None:
        seconds: float | None = None
        failed = False
        try:
            seconds = reconciler.reconcile(*key)
        except RequeueAfter as wait:
            seconds = wait.seconds
        except (PassError, *CLUSTER_ERRORS) as error:
            _log.debug("%s/%s: %s", *key, error)
            failed = True
        except Exception:  # noqa: BLE001
            # One malformed object must not stop the others; controller-runtime recovers from panics likewise.
            _log.debug("%s/%s: the pass broke", *key, exc_info=True)
            failed = True
        with self._changed:
            if failed:
                self._queue.failed(key, self._clock.monotonic())
            else:
                self._queue.again(key, self._clock.monotonic(), seconds)
