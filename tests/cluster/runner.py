"""The remediator as it runs in a cluster: as its ServiceAccount, with a home, by a policy file."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from remediator.cli.wiring import Wired, wire
from remediator.clock import SystemClock
from remediator.kubernetes import words
from remediator.kubernetes.remediation_object import collection
from remediator.model.plan import ActionName, Outcome, Plan
from remediator.model.scan import Scan
from remediator.model.word import Approval
from remediator.ports import Clock
from remediator.sandbox.cloud import Cloud
from tests.bed.functions import Function
from tests.cluster.records import Json, Person, Records

# Nothing is to be waited for that is not what a story is about.
_POLICY: Json = {
    "apiVersion": "ack-remediator.dev/v1alpha1",
    "kind": "Policy",
    "mode": "approve",
    "sightings": 1,
    "breaker": {"percent": 100},
    "timeouts": {"deletion": "0s"},
}
# What two proofs wait for, and a look for orphans.
_LONG = 30.0


class Elsewhere(SystemClock):
    """The clock of another machine: wrong by so much, and in no mood to wait.

    Long waits pass at once, by the clock that nobody else sees: ours and the API server's still agree about the time.
    """

    def __init__(self, ahead: timedelta = timedelta(0)) -> None:
        self._ahead = ahead
        self._slept = 0.0

    def now(self) -> datetime:
        return super().now() + self._ahead

    def monotonic(self) -> float:
        return super().monotonic() + self._slept

    def sleep(self, seconds: float, /) -> None:
        if seconds < _LONG:
            super().sleep(seconds)
        else:
            self._slept += seconds


class Runner:
    """One remediator. What it does to a Function is read from the API server, by others' eyes."""

    def __init__(self, home: Records, cloud: Cloud, namespace: str, folder: Path) -> None:
        self.home = home
        self.namespace = namespace
        self._cloud = cloud
        self._folder = folder
        self._numbers = count(1)

    def policy(self, **policy: Any) -> Path:
        """Write a policy file; keywords are its keys."""
        path = self._folder / f"policy-{next(self._numbers)}.yaml"
        whole = _POLICY | {"aws": {"endpointURL": self._cloud.endpoint}} | policy
        path.write_text(json.dumps(whole), encoding="utf-8")
        return path

    def wire(self, kubeconfig: Path | None = None, clock: Clock | None = None, **policy: Any) -> Wired:
        """Start a process of it, as it were: nothing is known to it but what is stored."""
        return wire(
            kubeconfig=kubeconfig or self.home.kubeconfig,
            namespace=self.namespace,
            home=self.home.home,
            policy=self.policy(**policy),
            clock=clock,
        )

    def run(self, wired: Wired | None = None, say: Callable[[str], None] = lambda _: None) -> list[Outcome]:
        """Make one pass, as `remediator run` does under `mode: approve`."""
        work = (wired or self.wire()).work
        scan = work.scan(rehearse=True)
        if work.recover(scan, say):
            scan = work.scan(rehearse=True)
        assert (scan.partial, scan.records, work.record(scan)) == ((), (), ())
        return list(work.proceed(scan, say))

    def record(self, function: Function) -> Json:
        """Read what is recorded of a Function; it must be there."""
        return next(each for each in self.records() if each["spec"]["target"]["name"] == function.name)

    def records(self) -> list[Json]:
        """Read all that is recorded."""
        items: list[Json] = self.home.admin.get(collection(self.home.home))["items"]
        return items

    def attempts(self, function: Function) -> list[Json]:
        """Read what was tried on a Function."""
        attempts: list[Json] = self.record(function)["status"].get("attempts", [])
        return attempts

    def digest(self, function: Function) -> str:
        """Read by which digest an action on it is proposed."""
        digest: str = self.record(function)["status"]["proposal"]["digest"]
        return digest

    def approve(self, person: Person, *functions: Function) -> None:
        """Let a person approve what is proposed for these."""
        transport = self.home.transport_of(person)
        by = words.whoami(transport)
        seen = {each.ref.name: each for each in words.records(transport, self.home.home).records}
        for each in functions:
            record = seen[each.name]
            assert words.proposed_digest(record), f"nothing is proposed for {each.name}"
            words.say(transport, self.home.home, record, Approval(by, words.proposed_digest(record)))


def requested(wired: Wired, function: Function) -> Plan:
    """Plan what a person asks for by name: to let a Function go and keep it in AWS."""
    return _asked_for(wired, function)[1]


def release(wired: Wired, function: Function) -> Outcome:
    """Release a Function on the word of a person at the terminal."""
    scan, plan = _asked_for(wired, function)
    (outcome,) = wired.work.remediate(scan, frozenset({plan.digest}))
    return outcome


def _asked_for(wired: Wired, function: Function) -> tuple[Scan, Plan]:
    """Scan, and let a person ask for it, as `remediator release` does."""
    asked = {(function.namespace, function.name): ActionName.RELEASE}
    scan = wired.work.scan(requested=asked)
    each = next(each for each in scan.results if each.seen.resource.metadata.name == function.name)
    assert each.plan is not None, f"no Release is for it: {each.finding}"
    return scan, each.plan
