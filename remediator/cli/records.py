"""The remediator's records, and which one a person means."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct

from remediator.cli.names import check_places, kind_and_name, typed
from remediator.cli.standing import phase_now, proposal_id, release_waits
from remediator.clock import SystemClock
from remediator.errors import RemediatorError, UsageError
from remediator.kubernetes import words
from remediator.kubernetes.connection import Connection
from remediator.kubernetes.home import home_namespace
from remediator.kubernetes.remediation_object import Stored
from remediator.kubernetes.transport import Transport
from remediator.model.episode import Phase
from remediator.model.plan import proposal_id as named
from remediator.ports import Clock

_PROPOSAL = re.compile(r"p-[0-9a-f]{10}")
_CHOICES_TOLD = 8


class Records(Struct, frozen=True):
    """What is recorded in the home namespace, read at `now`; `namespace` is where targets are looked for."""

    connection: Connection
    transport: Transport
    home: str
    namespace: str | None
    now: datetime
    known: tuple[Stored, ...]
    unusable: tuple[str, ...]
    clock: Clock

    @property
    def scope(self) -> str:
        return "all namespaces" if self.namespace is None else f"namespace {self.namespace}"

    @property
    def in_scope(self) -> tuple[Stored, ...]:
        """List the records of the targets in the namespace that was asked for; what was never noted has none."""
        return tuple(
            each for each in self.known if each.episode is not None and self.namespace in (None, each.ref.namespace)
        )

    def named(self, target: str, verb: str) -> tuple[Stored, ...]:
        """Find what a proposal id, a record's own name, or `[KIND/]NAME` in the namespace can mean."""
        if is_proposal(target):
            by_id = tuple(each for each in self.known if _has_proposed(each, target))
            if by_id:
                return by_id
        by_record = tuple(each for each in self.known if each.name == target)
        if by_record:
            return by_record
        wanted = kind_and_name(target, verb)
        return tuple(each for each in self.in_scope if (each.ref.kind, each.ref.name) == wanted)

    def recorded(self, target: str) -> tuple[Stored, ...]:
        """Find all records that are meant, well again or not; raise RemediatorError where there is none."""
        tried = [each for each in self.known if is_proposal(target) and _has_tried(each, target)]
        meant = tuple(tried) or self.named(target, "tell of")
        if not meant:
            raise RemediatorError(self._unknown(target), hint=_choices("", ()))
        return meant

    def proposed(self, target: str, verb: str) -> Stored:
        """Find the one record of which something is proposed; raise UsageError or RemediatorError."""
        return self._one(target, verb, lambda each: bool(proposal_id(each)), "nothing is proposed", "Proposed now")

    def quarantined(self, target: str) -> Stored:
        """Find the one record that is in quarantine, or was just released; raise UsageError or RemediatorError."""
        return self._one(
            target,
            "release",
            lambda each: self.in_quarantine(each) or release_waits(each),
            "it is not in quarantine",
            "In quarantine",
        )

    def in_quarantine(self, record: Stored) -> bool:
        return phase_now(record, self.now) is Phase.QUARANTINED

    def _one(self, target: str, verb: str, fits: Callable[[Stored], bool], unless: str, choices: str) -> Stored:
        meant = self.named(target, verb)
        hint = _choices(choices, [each for each in self.known if each.episode is not None and fits(each)])
        if not meant:
            raise RemediatorError(self._unknown(target), hint=hint)
        opened = [each for each in meant if is_open(each)]
        fitting = [each for each in opened if fits(each)]
        if len(fitting) > 1:
            raise UsageError(
                f"{target!r} can mean {len(fitting)} records", hint=_choices("Name one", fitting, names=True)
            )
        if fitting:
            return fitting[0]
        if not opened:
            raise RemediatorError(f"{meant[-1].ref} is not unwell any more", hint=hint)
        raise RemediatorError(f"{opened[0].ref}: {unless}; it stands at {phase_now(opened[0], self.now)}", hint=hint)

    def _unknown(self, target: str) -> str:
        if is_proposal(target):
            return f"there is no proposal {target} now: the situation changed, or it never was"
        return f"nothing is recorded of {target!r} in {self.scope} ({self.connection.context})"


def open_records(
    *,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
    home: str | None,
    all_namespaces: bool = False,
    clock: Clock | None = None,
) -> Records:
    """Read the kubeconfig, and all that is recorded in the home namespace."""
    check_places(namespace, home, all_namespaces=all_namespaces)
    connection = Connection(kubeconfig, context)
    timekeeper = clock or SystemClock()
    transport = Transport(connection, now=timekeeper.now)
    where = home_namespace(home)
    recorded = words.records(transport, where)
    return Records(
        connection=connection,
        transport=transport,
        home=where,
        namespace=None if all_namespaces else namespace or connection.namespace,
        now=timekeeper.now() - timedelta(seconds=transport.skew or 0),  # words are dated by the API server
        known=recorded.records,
        unusable=recorded.unusable,
        clock=timekeeper,
    )


def is_proposal(target: str) -> bool:
    """Whether it names one situation, and no other that comes after it."""
    return _PROPOSAL.fullmatch(target) is not None


def _has_proposed(record: Stored, wanted: str) -> bool:
    return is_open(record) and proposal_id(record) == wanted


def _has_tried(record: Stored, wanted: str) -> bool:
    attempts = record.episode.attempts if record.episode else ()
    return any(named(each.digest) == wanted for each in attempts)


def is_open(record: Stored) -> bool:
    """Whether it is unwell still."""
    return record.episode is not None and record.episode.resolved_at is None


def _choices(what: str, records: Sequence[Stored], *, names: bool = False) -> str:
    """List what can be named instead, as it is typed."""
    if not records:
        return "`remediator list -A` shows what is recorded."
    told = [_choice(each, named=names) for each in records]
    more = f" and {len(told) - _CHOICES_TOLD} more" if len(told) > _CHOICES_TOLD else ""
    return f"{what}: {', '.join(told[:_CHOICES_TOLD])}{more}."


def _choice(record: Stored, *, named: bool) -> str:
    where = f"{typed(record.ref)} -n {record.ref.namespace}"
    name = record.name if named else proposal_id(record)
    return f"{name} ({where})" if name else where
