"""Pauses at the terminal: who holds which, a new one, and the end of some."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct

from remediator.cli.names import check_places
from remediator.cli.render import console, narration
from remediator.clock import SystemClock
from remediator.errors import RemediatorError
from remediator.kubernetes.connection import Connection
from remediator.kubernetes.home import home_namespace
from remediator.kubernetes.pauses import KubernetesPauses, Stored
from remediator.kubernetes.transport import Transport
from remediator.kubernetes.words import whoami
from remediator.model.pause import Pause, Pauses
from remediator.model.times import format_duration, format_time
from remediator.ports import Clock


class Desk(Struct, frozen=True):
    """Where pauses are kept, and who is there."""

    connection: Connection
    transport: Transport
    home: str
    clock: Clock
    pauses: KubernetesPauses

    @classmethod
    def open(cls, kubeconfig: Path | None, context: str | None, home: str | None, clock: Clock | None) -> Desk:
        """Read the kubeconfig; nothing is asked of the cluster yet. Raises RemediatorError."""
        check_places(None, home, all_namespaces=False)
        connection = Connection(kubeconfig, context)
        timekeeper, place = clock or SystemClock(), home_namespace(home)
        transport = Transport(connection, now=timekeeper.now)
        return cls(connection, transport, place, timekeeper, KubernetesPauses(transport, place))

    @property
    def now(self) -> datetime:
        """The API server's time, as far as its answers tell: pauses end by that."""
        return self.clock.now() - timedelta(seconds=self.transport.skew or 0.0)

    def tell(self) -> int:
        """List those that stand, the next to end last."""
        standing, page = self._standing(), console()
        for each in standing:
            page.hanging(f"{each.pause.holder or '-'}  ", self._told(each.pause))
        count = f"{len(standing)} pause{'s' if len(standing) != 1 else ''}"
        narration().line(f"{self.connection.context}, namespace {self.home}: {count}.")
        return 0

    def pause(self, span: timedelta, reason: str, namespace: str) -> int:
        """Have nothing done for so long."""
        who = whoami(self.transport)
        made = self.pauses.create(who, span, reason, namespace, self.now).pause
        where = f"in namespace {namespace}" if namespace else "everywhere"
        console().line(f"Paused {where} as {who} until {format_time(made.until)}: {reason}", style="yellow")
        aside = narration()
        aside.line(f"Lease {self.home}/{made.name} in {self.connection.context}; `remediator resume` ends it.")
        aside.line("Nothing new is begun until then; what is under way is finished.")
        others = len(self._standing()) - 1
        if others > 0:
            aside.line(f"{others} more stand; `remediator pause` lists them.")
        return 0

    def resume(self, holder: str | None, *, everybodys: bool) -> int:
        """End those of a holder, our own where none is named, or all."""
        standing = self._standing()
        who = "" if everybodys else holder or whoami(self.transport)
        chosen = [each for each in standing if everybodys or who in (each.pause.holder, each.pause.name)]
        if not chosen:
            others = ", ".join(sorted({each.pause.holder or each.pause.name for each in standing})) or "nobody"
            raise RemediatorError(
                f"there is no pause{'' if everybodys else f' of {who}'} in namespace {self.home} "
                f"({self.connection.context})",
                hint=f"Paused by: {others}. `remediator pause` lists them; --all ends everybody's.",
            )
        page = console()
        for each in chosen:
            self.pauses.delete(each)
            page.line(f"Ended: {each.pause.said}", style="green")
        if left := self._standing():
            narration().line(f"Still {'; '.join(each.pause.said for each in left)}.")
        return 0

    def _standing(self) -> Sequence[Stored]:
        """Read those that have not ended by themselves, the last to end first."""
        stored = {each.pause: each for each in self.pauses.stored()}
        return [stored[each] for each in Pauses(tuple(stored)).standing(self.now)]

    def _told(self, pause: Pause) -> str:
        where = f"in {pause.namespace}" if pause.namespace else "everywhere"
        left = f"until {format_time(pause.until)} (in {format_duration(pause.until - self.now)})" if pause.until else ""
        reason = f": {pause.reason}" if pause.reason else ""
        return f"{where} {left or 'until somebody resumes'}, Lease {pause.name}{reason}"
