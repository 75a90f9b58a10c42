"""Runs that are killed with SIGKILL at a request of theirs, and the runs that come after them.

Each case has a namespace, a home namespace and a proxy of its own, so that many can go on side by side in one cluster.
The process is forked from one that has imported everything already (multiprocessing's fork server).
"""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import msgspec

from remediator.actions import plan_for
from remediator.cli.options import Output
from remediator.cli.session import Session
from remediator.cli.wiring import Wired, wire
from remediator.gates import decide
from remediator.model.decision import Population, Situation
from remediator.model.plan import ActionName
from remediator.model.scan import Judged, Scan
from remediator.sandbox.faults import Fault, Faults
from remediator.sandbox.forwarding import Request
from remediator.scan import Pass
from tests.boto import shared_models
from tests.cli.shop import Json, Shop

SECONDS = 40.0  # for a hang; a run takes about one
_PRELOADED = ["tests.resilience.killing"]
# What only asks is sent as a POST, too.
_ASKS = re.compile(r"reviews$")
# Who starts a process looks after all others, too: of two threads that read one's exit code, one reads nothing (255).
_ASKING = threading.Lock()
_NAP = 0.01  # real seconds that the longest wait takes


class Hurried:
    """The Clock port of a process for which no wait is long. What others can see of it, its `now`, is everybody's.

    `late` is how much later than the others it runs.
    """

    def __init__(self, start: datetime, origin: float, late: timedelta) -> None:
        self._start = start + late
        self._origin = origin
        self._leapt = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=time.monotonic() - self._origin)

    def monotonic(self) -> float:
        return time.monotonic() + self._leapt

    def sleep(self, seconds: float, /) -> None:
        time.sleep(_NAP)
        self._leapt += seconds


@dataclass(frozen=True)
class Order:
    """What a process is to do: look, tidy up, and act on the proposal on a person's word."""

    kubeconfig: Path
    policy: Path
    namespace: str
    home: str
    action: ActionName
    proposal: str
    start: datetime
    origin: float
    late: timedelta = timedelta(0)


class _ReleaseAsked(Pass):
    """A pass in which a person asks for a Release of what is blocked."""

    def scan(self, **how: Any) -> Scan:
        scan = super().scan(**how)
        return msgspec.structs.replace(scan, results=tuple(_asked(each) for each in scan.results))


def _asked(judged: Judged) -> Judged:
    plan = plan_for(judged.finding, judged.seen, ActionName.RELEASE) if judged.finding else None
    if plan is None or judged.finding is None:
        return judged
    at = Situation(now=judged.seen.now, population=Population(1, 1))
    return msgspec.structs.replace(judged, decision=decide(judged.finding, plan, at))


def obey(order: Order) -> None:
    """Run as `remediator run --approve --proposal` does."""
    os.environ.update(AWS_ACCESS_KEY_ID="AKIAONCALL", AWS_SECRET_ACCESS_KEY="secret-of-the-test")
    silence = io.StringIO()
    with shared_models(), contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
        Session(wired(order), output=Output.JSON).approve(frozenset({order.proposal}))


def wired(order: Order) -> Wired:
    made = wire(
        kubeconfig=order.kubeconfig,
        namespace=order.namespace,
        home=order.home,
        policy=order.policy,
        clock=Hurried(order.start, order.origin, order.late),
    )
    if order.action is ActionName.RELEASE:
        made.work = _ReleaseAsked(made.means, made.policy, namespace=order.namespace)
    return made


class Reaper(Faults):
    """A proxy that numbers the requests that count, and at one of them calls for the reaper: before it is passed on,
    or after it was done and before its answer comes back.
    """

    def __init__(self, upstream: str, counts: Callable[[Request], bool], *, ca: Path | None = None) -> None:
        super().__init__(upstream, ca=ca)
        self._counts = counts
        self.counted: list[Request] = []
        self.fatal: int | None = None
        self.reached = False
        self.reap: Callable[[], None] = lambda: None
        self.reaped = 0

    def _choose(self, request: Request) -> Fault:
        if not self._counts(request):
            return super()._choose(request)
        number = len(self.counted)
        if number == self.fatal and not self.reaped:
            self.reaped += 1
            if self.reached:
                self.counted.append(request)
            return Fault(reaches=self.reached, ends=self._end)
        self.counted.append(request)
        return super()._choose(request)

    def _end(self, request: Request) -> Any:
        self.reap()
        raise ConnectionAbortedError


def writes(request: Request) -> bool:
    """Whether it would change something in the cluster."""
    asks = "dryRun" in request.query or _ASKS.search(request.path)
    return request.method != "GET" and not asks


def looks(request: Request) -> bool:
    return request.aws[0] == "lambda"


def label(request: Request) -> str:
    """Name a request by what it does to what."""
    if request.aws[0]:
        return request.aws[1]
    *_, last = re.sub(r"/[^/]*[0-9][^/]*", "", request.path.split("/namespaces/", 1)[1]).split("/", 1)
    return f"{request.method} {last}"


@dataclass
class Case:
    """One function, the processes that work on it, and what they asked for."""

    name: str
    order: Order
    kubernetes: Reaper
    aws: Reaper
    shop: Shop
    uid: str
    killed: bool = False
    runs: list[list[str]] = field(default_factory=list)

    def run(self, late: timedelta = timedelta(0)) -> bool:
        """Run, and return whether it came to its end."""
        before = len(self.kubernetes.counted), len(self.aws.counted)
        order = replace(self.order, late=late)
        process = _spawn(order)

        def reap() -> None:
            process.kill()
            wait([process.sentinel])  # its exit code is for the thread that joins it

        self.kubernetes.reap = self.aws.reap = reap
        with _ASKING:
            process.start()
        ended = wait([process.sentinel], SECONDS)
        if not ended:
            process.kill()
        with _ASKING:
            process.join()
        try:
            if not ended:
                raise TimeoutError(f"{self.name}: a run did not end within {SECONDS:g} s")
            assert process.exitcode in (0, -9), f"{self.name}: a run ended with {process.exitcode}"
            return process.exitcode == 0
        finally:
            process.close()
            since = self.kubernetes.counted[before[0] :]
            self.runs.append([label(each) for each in since])

    # -- what is left ---------------------------------------------------------------------------------------------

    @property
    def object(self) -> Json | None:
        try:
            return self.shop.stored(self.name, namespace=self.name)
        except LookupError:
            return None

    @property
    def attempts(self) -> list[Json]:
        try:
            stored = self.shop.api.stored(
                "ack-remediator.dev/v1alpha1", "Remediation", self.order.home, f"function-{self.uid}"
            )
        except LookupError:
            return []
        found: list[Json] = stored.get("status", {}).get("attempts", [])
        return found

    @property
    def holder(self) -> str:
        """Who holds the action lock."""
        try:
            lease = self.shop.api.stored("coordination.k8s.io/v1", "Lease", self.order.home, "ack-remediator-action")
        except LookupError:
            return ""
        return str(lease["spec"].get("holderIdentity") or "")

    @property
    def in_aws(self) -> bool:
        try:
            self.shop.cloud.configuration(self.name)
        except LookupError:
            return False
        return True

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:us-east-1:{self.shop.cloud.account}:function:{self.name}"

    @property
    def first_steps(self) -> list[Json]:
        """The writes that have an effect: each begins what an approval is for."""
        bodies = [
            json.loads(each.body)
            for each in self.kubernetes.counted
            if each.method == "PATCH" and each.path.endswith(f"/functions/{self.name}")
        ]
        return [
            body
            for body in bodies
            if any(
                (each["op"], each["path"]) == ("add", "/spec/publish")
                or (each["op"] == "remove" and each["path"].startswith("/metadata/finalizers/"))
                for each in body
            )
        ]


def _spawn(order: Order) -> BaseProcess:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context.Process(target=obey, args=(order,))
