"""One line of the doctor's report, and what the doctor has to look at."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from remediator.kubernetes.connection import Connection
from remediator.kubernetes.resources import KubernetesCluster
from remediator.kubernetes.transport import Transport
from remediator.policy import Mode, Policy
from remediator.ports import Clock, Cloud


class Level(StrEnum):
    """How it is. `note`: neither good nor bad, such as a right that is missing and not needed."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    FAILURE = "failure"


class Check(Struct, frozen=True):
    """What was looked at, how it is, in a sentence, and how to mend it.

    Those that follow each other with the same `together` can be told in one sentence: what is before it, the `brief` of
    each, or how many there are where they have none, and what is after it.
    """

    area: str
    level: Level
    said: str
    fix: str = ""
    together: tuple[str, str] | None = None
    brief: str = ""


class Patient(Struct, frozen=True):
    """An install as it is about to be used: by whom, where, and under which policy.

    `policy_file` is where the policy is from; None: those are the defaults. `namespace` is the only one that is looked
    at; None: all are. `cloud` is None where AWS cannot be used at all, and `no_cloud` says why.
    """

    connection: Connection
    transport: Transport
    cluster: KubernetesCluster
    cloud: Cloud | None
    no_cloud: str
    policy: Policy
    policy_file: Path | None
    home: str
    namespace: str | None
    clock: Clock

    @property
    def acts(self) -> bool:
        """Whether it may act at all; a person at the terminal may in any case."""
        return self.policy.mode is not Mode.DRY_RUN
