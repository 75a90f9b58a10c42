"""A small ACK lambda-controller for the sandbox: one worker, one kind, any Kubernetes API server."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from remediator.sandbox.ack.cluster import CLUSTER_ERRORS, Cluster
from remediator.sandbox.ack.errors import LambdaError, PassError, RequeueAfter
from remediator.sandbox.ack.lambda_client import LambdaClient
from remediator.sandbox.ack.manager import Manager
from remediator.sandbox.ack.queue import Key, Queue
from remediator.sandbox.ack.reconcile import Reconciler
from remediator.sandbox.clock import SandboxClock

_log = logging.getLogger(__name__)

ACCESS_KEY = "AKIASANDBOXCONTROLLER"

# Real seconds, whatever the clock's speed: how soon a change in the cluster is seen.
_POLL_SECONDS = 0.075
_STOP_SECONDS = 0.9


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
    """One life of the controller, from start to stop."""

    def __init__(self, kubeconfig: Path, endpoint: str, clock: SandboxClock, region: str) -> None:
        self._clock = clock
        self._endpoint = endpoint
        self._region = region
        self._halted = threading.Event()
        self._cluster = Cluster(kubeconfig, self._check)
        self._clients: dict[str, LambdaClient] = {}
        self._account = ""
        self._thread = threading.Thread(target=self._work, name="sandbox-controller", daemon=True)

    def start(self) -> None:
        self._account = self._client(self._region).account()
        self._thread.start()

    def stop(self) -> None:
        self._halted.set()
        self._thread.join(_STOP_SECONDS)

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
        queue = Queue()
        try:
            while not self._halted.is_set():
                try:
                    queue.observe(self._cluster.functions(), self._clock.monotonic())
                except CLUSTER_ERRORS as error:
                    _log.debug("listing Functions failed: %s", error)
                for key in queue.ready(self._clock.monotonic()):
                    self._pass(reconciler, queue, key)
                self._halted.wait(_POLL_SECONDS)
        except _Halt:
            _log.debug("stopped in the middle of a pass")
        finally:
            self._cluster.close()
            for client in self._clients.values():
                client.close()

    def _pass(self, reconciler: Reconciler, queue: Queue, key: Key) -> None:
        try:
            seconds = reconciler.reconcile(*key)
        except RequeueAfter as wait:
            queue.again(key, self._clock.monotonic(), wait.seconds)
        except (PassError, *CLUSTER_ERRORS) as error:
            _log.debug("%s/%s: %s", *key, error)
            queue.failed(key, self._clock.monotonic())
        except Exception:  # noqa: BLE001
            # A malformed object must not stop the others; controller-runtime recovers from panics likewise.
            _log.debug("%s/%s: the pass broke", *key, exc_info=True)
            queue.failed(key, self._clock.monotonic())
        else:
            queue.again(key, self._clock.monotonic(), seconds)
