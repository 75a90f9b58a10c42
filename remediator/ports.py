"""What the core asks of the world. Adapters implement these; tests and the sandbox can, too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from remediator.model.attempt import Answered, Attempt
from remediator.model.audit import Moment
from remediator.model.controller import ControllerFacts
from remediator.model.decision import DecisionKind, Rehearsal, Standing, Verdict
from remediator.model.definition import Definitions
from remediator.model.episode import Episode, ResolvedBy
from remediator.model.finding import Finding
from remediator.model.identities import Identities
from remediator.model.kind import FUNCTION
from remediator.model.limits import Mode
from remediator.model.live import LiveState
from remediator.model.log import ControllerLog
from remediator.model.message import Delivery
from remediator.model.namespace import Namespace
from remediator.model.observation import History
from remediator.model.orphan import Inventory
from remediator.model.pause import Pauses
from remediator.model.placement import Placement
from remediator.model.plan import Operation, Outcome, Plan
from remediator.model.record import Record
from remediator.model.reference import Link
from remediator.model.resource import Ref, Resource
from remediator.model.scan import Judged, Scan
from remediator.model.word import Approval, Rejection
from remediator.model.workload import Workload
from remediator.policy import Policy


class Clock(Protocol):
    """Time. `monotonic` is in seconds and never jumps; `sleep` takes seconds."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...


class Cluster(Protocol):
    """The Kubernetes side. Errors are those of `remediator.errors`."""

    def resources(self) -> Iterator[Resource | str]:
        """Yield every resource in scope; a string says, in a sentence, what could not be seen."""

    def get(self, namespace: str, name: str, kind: str = FUNCTION) -> Resource:
        """Read one resource; raise NotFound where there is none."""

    def references(self, resource: Resource) -> tuple[Link, ...]:
        """Follow what a resource refers to, as far as it is not ready; raises nothing: doubt is a state of a link."""

    def raw(self, ref: Ref) -> bytes:
        """Read one whole object as JSON, for a backup."""

    def patch(self, ref: Ref, patch: Sequence[Operation]) -> Resource:
        """Apply a JSON Patch to a Function, or to a controller's Deployment what restarts it.

        Raise Changed where a precondition failed, NotFound where the object is gone.
        """

    def controller(self, now: datetime) -> ControllerFacts:
        """Find out how the controller is and was started, by all but heartbeats; those are `model.heartbeat`'s."""

    def saw_everything(self) -> bool:
        """Whether what was listed last is every object there is, so that silence of all of them means something."""

    def workload(self, namespace: str, name: str) -> Workload:
        """Read the Deployment of a controller, and its pods; raise NotFound where there is none."""

    def definitions(self) -> Definitions:
        """Find the definitions of ACK's kinds that are being deleted; never raises: it says what is not known."""

    def permitted(self, ref: Ref) -> tuple[bool | None, str]:
        """Ask whether we may patch an object, and why not; None where that cannot be asked."""

    def rehearse(self, before: Resource, patch: Sequence[Operation]) -> Rehearsal:
        """Try a JSON Patch as a server-side dry run; raise Changed or NotFound as `patch` does."""

    def skew(self) -> float | None:
        """Say how many seconds our clock is ahead of the API server's, by its last answers; None: it did not tell."""

    def identities(self, namespaces: Iterable[str] | None, controller: ControllerFacts) -> Identities:
        """Read what says which account, role and region these namespaces are for; never raises ClusterError.

        None: all namespaces that there are.
        """

    def namespace(self, name: str) -> Namespace | str:
        """Read one namespace; a string says, in a sentence, why that is not possible."""

    def log_lines(self, ref: Ref) -> ControllerLog:
        """Read the controller's last log entries about an object, unmasked; raises nothing, says why there are none."""

    def namespace_annotations(self, namespace: str) -> dict[str, str] | None:
        """Read a namespace's annotations; None where they cannot be read."""


class Cloud(Protocol):
    """The AWS side."""

    def probe(self, resource: Resource, placement: Placement | None = None) -> LiveState:
        """Ask for live state; never raises for what one resource's answer is: doubt is `unreadable`.

        Where status records no ARN, the placement says where to ask; None: nobody looked, and status alone does.
        """


class Claimants(Protocol):
    """Of the Kubernetes side, what tells which functions this cluster has objects for."""

    def functions(self) -> Iterator[Resource | str]:
        """Yield every Function; a string says what could not be seen. Raises ClusterError where nothing can be."""

    def controller(self, now: datetime) -> ControllerFacts: ...

    def saw_everything(self) -> bool: ...

    def identities(self, namespaces: Iterable[str] | None, controller: ControllerFacts) -> Identities: ...


class Tags(Protocol):
    """Of the AWS side, what tells whose functions are."""

    @property
    def region(self) -> str | None:
        """The region that we are configured for; None: for none."""

    def functions(self, account: str | None, region: str) -> Inventory:
        """List what has ACK's tags in a place; None is our own account. Never raises: doubt is said in it."""


class Episodes(Protocol):
    """What was seen and done before, per uid.

    A pass begins with `load`, notes what it saw, and ends with `save`; a pass that only reads leaves `save` out.
    Neither raises for the sake of one record or of an API server that is down: they say so in sentences.
    """

    @property
    def fleeting(self) -> str:
        """Say in a sentence why what is noted dies with this process; empty where it is stored."""

    def anew(self) -> None:
        """Begin another pass of a process that makes many: ask again what a short-lived one asks but once."""

    def load(self, now: datetime) -> tuple[str, ...]:
        """Read what is stored, once a pass; say what could not be read."""

    def save(self, now: datetime) -> tuple[str, ...]:
        """Write what is worth it, and drop what is past its retention; say what could not be written."""

    def episode(self, uid: str) -> Episode | None: ...

    def history(self, uid: str, now: datetime) -> History: ...

    def unfinished(self, now: datetime) -> tuple[tuple[Ref, Attempt], ...]:
        """List the attempts without a result that nobody can still be at, given that the action lock is ours."""

    def unresolved(self) -> tuple[Ref, ...]:
        """List the targets that were unwell when last seen: some may be gone by now."""

    def records(self) -> tuple[Record, ...]:
        """List what is known of every resource that is unwell, or was; asks nobody."""

    def approvals_guarded(self) -> tuple[bool | None, str]:
        """Say whether the API server holds approvals to their rules, and why; None where that is not known.

        True where there is no place for approvals: nobody's word is read there.
        """

    def standing(self, now: datetime) -> Standing:
        """Sum up what was done to all resources together."""

    def incident(self, at: datetime) -> None:
        """Note that so many are unwell at once that it is an incident."""

    def approval(self, uid: str) -> Approval | None:
        """Return a person's word for a proposal, as far as the API server vouches for it."""

    def rejection(self, uid: str) -> Rejection | None: ...

    def sighted(self, resource: Resource, finding: Finding, at: datetime) -> None: ...

    def recovered(self, resource: Resource, at: datetime) -> None:
        """Note that nothing is wrong with a resource; nothing happens for one that was never unwell."""

    def ended(self, ref: Ref, at: datetime, by: ResolvedBy | None) -> None:
        """End a spell at once, as where the resource is gone; None: nothing was unwell, and an act alone is over."""

    def proposed(self, resource: Resource, plan: Plan | None, at: datetime) -> None:
        """Note what would be done to a resource, for a person to approve; None where nothing is."""

    def judged(self, resource: Resource, verdicts: Sequence[Verdict], decision: DecisionKind | None = None) -> None:
        """Note what was decided, and what each gate says of what would help a resource; empty where no action would."""

    def intend(self, plan: Plan, at: datetime, approved_by: str = "", backup: str = "") -> Attempt:
        """Write down what is about to be done, before the first write; raise ClusterError where it may be lost.

        `approved_by` is whose word it is done on, `backup` where the object is saved.
        """

    def accepted(self, uid: str, at: datetime, answer: Answered | None = None) -> None:
        """Write down that the API server took the first write of what is under way; never raises ClusterError.

        `answer` is how the object was right after it; None where that is not known.
        """

    def conclude(self, uid: str, outcome: Outcome, at: datetime) -> None:
        """Write down what came of what is under way; never raises ClusterError: `save` tries again."""


class Hold(Protocol):
    """The action lock, while a block has it."""

    @property
    def why(self) -> str:
        """Say in a sentence what keeps others from acting now."""

    def keep(self) -> bool:
        """Tell whether a write may begin now; to be asked right before each. Raises nothing."""


class ActionLock(Protocol):
    """One at a time decides and writes: daemon, CronJob and person alike."""

    def held(self, say: Callable[[str], None]) -> AbstractContextManager[Hold]:
        """Hold it around a block; raise Busy where another keeps it, ClusterError where it cannot be asked for.

        `say` is told, in a sentence, what we wait for.
        """


class PauseBook(Protocol):
    """Where people write that nothing is to be done for a while."""

    def read(self) -> Pauses:
        """Read what stands there, or why that is not known. Raises nothing."""


class Backups(Protocol):
    """Where an object is saved before something that cannot be undone."""

    def save(self, ref: Ref, content: bytes) -> str:
        """Save, and say where; raise where that fails: no backup, no act."""


class Counters(Protocol):
    """Where is counted what happens. It raises nothing: a pass never fails because nobody can count it."""

    def kubernetes(self, verb: str, code: str) -> None:
        """Count a request to the API server, by its method and the HTTP status of its answer; `none`: no answer."""

    def aws(self, operation: str, code: str) -> None:
        """Count a request to AWS, by its answer: `ok`, the error's code, or `none` where none came."""

    def scanned(self, scan: Scan, standing: Standing, policy: Policy, *, seconds: float) -> None:
        """Take in a pass that saw something, and how many seconds it took; `standing` is from before it acted."""

    def failed(self) -> None:
        """Count a pass that raised."""

    def acted(self, outcome: Outcome, mode: Mode) -> None:
        """Count what came of an action, and under which mode it was begun."""

    def resolved(self, episode: Episode) -> None:
        """Count a spell that ended."""

    def told(self, came_of_it: Delivery) -> None:
        """Count a message to the webhook."""


class Events(Protocol):
    """Where people are told of a resource, beside it. It raises nothing: a pass never fails because they are not."""

    def anew(self) -> None:
        """Begin another pass: what was noticed and not written is not to be."""

    def write(self) -> None:
        """Tell what is new since the last time, as far as that is possible."""


class Audit(Protocol):
    """Where is written down, for whoever asks later, what was decided and written, by whom and on whose word.

    What is written to targets it learns of by itself. Where it cannot take a line, nothing is written to a target.
    """

    def decided(self, judged: Iterable[Judged], moment: Moment = Moment.SCAN) -> str:
        """Write down what was decided, as far as that is new; say in a sentence why it could not be. Raises nothing."""


class NotAudited:
    """The Audit port where nobody asked for one."""

    def decided(self, judged: Iterable[Judged], moment: Moment = Moment.SCAN) -> str:
        """Write nothing."""
        return ""


class Means(Struct, frozen=True):
    """The ports, together."""

    cluster: Cluster
    cloud: Cloud
    episodes: Episodes
    backups: Backups
    clock: Clock
    lock: ActionLock
    events: Events
    pauses: PauseBook
    audit: Audit = NotAudited()
