"""Who watches every write that reaches an object, and knows what must have come before it.

It goes by the world's own time and by what is stored there, never by what a remediator says of itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct

from remediator.actions import toggle
from remediator.model.decision import GateName
from remediator.model.finding import FindingName
from remediator.model.live import Presence, Vouched
from remediator.model.plan import ActionName, Operation, digest
from remediator.model.resource import (
    DELETION_POLICY,
    FUNCTION_FINALIZER,
    POLICY_BEFORE_ANNOTATION,
    RESYNC_ANNOTATION,
    RETAIN,
    Resource,
)
from remediator.model.times import parse_time
from tests.builders import Json, decoded
from tests.safety.remediators import Remediator
from tests.safety.world import World

_DAY = 24 * 3600.0
# How far a wall clock of theirs may be from the API server's for what is to be undone, and at all.
_SKEW = 5.0
FAR = 600.0
# Beside that, how much later than it was decided a write may be taken.
_LATE = 100.0
_OURS = {toggle.annotation(each) for each in (RESYNC_ANNOTATION, POLICY_BEFORE_ANNOTATION, DELETION_POLICY)}


class First(Struct, frozen=True):
    """The first write of an action that the API server took."""

    time: float
    uid: str
    name: str
    namespace: str
    action: ActionName
    digest: str


class Witness:
    """Sees every write that was taken, and fails where it was not allowed."""

    def __init__(self, world: World, tally: Counter[str]) -> None:
        self._world = world
        self._tally = tally
        self.firsts: list[First] = []
        self.apart = 0.0
        """How far two clocks of theirs have ever been apart."""

    def sees(self, by: Remediator, before: Resource, patch: Sequence[Operation]) -> None:
        action = _action(patch)
        self.apart = max(self.apart, 2 * abs(by.ahead))
        if action is None:
            self._expect_only_ours(patch)
            self._tally["later write"] += 1
            return
        attempt = self._intent(by, before, action)
        first = First(
            self._world.time,
            before.metadata.uid,
            before.metadata.name,
            before.metadata.namespace,
            action,
            attempt["digest"],
        )
        self._expect_lock(by)
        self._expect_unchanged(by, before, first)
        self._expect_word(by, first)
        self._expect_no_opt_out(before, action)
        self._expect_budget(by, first)
        self._expect_no_incident(by)
        self._expect_window(by, first)
        self._expect_no_pause(first)
        if action is ActionName.CLEAR_FINALIZER:
            self._expect_proofs(by, before, first)
        if action.destructive:
            assert first.uid in self._world.backups, "no backup was made"
            assert abs(by.ahead) <= _SKEW, "the clocks differ"
        self.firsts.append(first)
        by.now_run.done += 1
        self._tally[f"{action}"] += 1

    # -- each thing that must hold --------------------------------------------------------------------------------

    def _intent(self, by: Remediator, before: Resource, action: ActionName) -> Json:
        open_now = [each for each in self._world.shelf.attempts(before.metadata.uid) if "result" not in each]
        assert len(open_now) == 1, f"{len(open_now)} intents are written down"
        assert (open_now[0]["action"], open_now[0]["by"]) == (action, by.name), "the intent is somebody else's"
        return open_now[0]

    def _expect_lock(self, by: Remediator) -> None:
        held = self._world.lease.stored
        assert held is not None and held.record.holder_identity == by.name, "the action lock is not theirs"

    def _expect_unchanged(self, by: Remediator, before: Resource, first: First) -> None:
        live = next(live for _, uid, live in reversed(by.now_run.probes) if uid == first.uid)
        fits = {digest(before, finding, first.action, live) for finding in FindingName}
        assert first.digest in by.now_run.proposed, "it is not what was proposed"
        assert first.digest in fits, "the object or AWS's answer is not what the digest was made of"
        assert first.digest not in {each.digest for each in self.firsts}, "one approval was acted on twice"

    def _expect_word(self, by: Remediator, first: First) -> None:
        run = by.now_run
        if first.digest in run.terminal:
            self._tally["a person's word at the terminal"] += 1
            return
        assert by.policy.mode != "dry-run", "it is a dry run"
        spec = self._world.shelf.objects[f"function-{first.uid}"]["spec"]
        word = spec.get("approval")
        if word is not None and word["digest"] == first.digest and self._age(first.uid) < _DAY + FAR + _LATE:
            self._tally["a stored word"] += 1
            return
        assert spec.get("rejection", {}).get("digest") != first.digest, "a person rejected it"
        assert by.policy.mode == "auto" and first.action is ActionName.RESYNC, "nobody approved it, or too long ago"
        self._tally["nobody's word"] += 1

    def _age(self, uid: str) -> float:
        (entry,) = self._world.shelf.objects[f"function-{uid}"]["metadata"]["managedFields"]
        at = parse_time(entry["time"])
        assert at is not None
        return (self._world.now - at).total_seconds()

    def _expect_no_opt_out(self, before: Resource, action: ActionName) -> None:
        assert "ack-remediator.dev/ignore" not in before.annotations, "the object is to be left alone"
        theirs = self._world.api.annotated.get(before.metadata.namespace) or {}
        assert theirs.get("lambda.services.k8s.aws/deletion-policy") != RETAIN, "its namespace says retain"
        assert before.annotations.get(DELETION_POLICY) != RETAIN, "it says retain"

    def _expect_budget(self, by: Remediator, first: First) -> None:
        budgets, lifted = by.policy.budgets, self._lifted(by, first.uid, GateName.BUDGET)
        if lifted:
            self._tally["a budget was lifted"] += 1
            return
        assert by.now_run.done < budgets.per_run, "the run has used up its budget"
        today = [each for each in self.firsts if self._world.time - each.time < _DAY - 2 * FAR - _LATE]
        assert len(today) < budgets.per_day, "the day has used up its budget"
        # Who was killed within the last minutes may still be at it, as far as anybody can tell.
        others = [
            each
            for name, stored in self._world.shelf.objects.items()
            if stored["spec"]["target"]["namespace"] == first.namespace and name != f"function-{first.uid}"
            for each in self._world.shelf.attempts(stored["spec"]["target"]["uid"])
            if "result" not in each
        ]
        for each in others:
            at = parse_time(each["intended"])
            assert at is not None
            age = (self._world.now - at).total_seconds()
            assert age > 600 - self.apart - _LATE, f"another is under way in {first.namespace}"

    def _expect_no_incident(self, by: Remediator) -> None:
        seen, limits = by.now_run.population, by.policy.breaker
        incident = seen.total >= 5 and seen.unwell > seen.total * limits.percent / 100
        assert not incident or GateName.BREAKER in by.now_run.overrides.gates or self._any_lifts("breaker"), (
            "an incident"
        )

    def _expect_window(self, by: Remediator, first: First) -> None:
        """Expect that a window was open when it was decided: a little before, and by whatever clock they went."""
        if self._lifted(by, first.uid, GateName.WINDOW):
            self._tally["a window was lifted"] += 1
            return
        around = range(-int(_LATE) - 90, 91, 10)
        assert any(by.policy.windows.open(self._world.now + timedelta(seconds=each)) for each in around), (
            "the windows are closed"
        )
        if not by.policy.windows.open(self._world.now):
            self._tally["a window closed in between"] += 1

    def _expect_no_pause(self, first: First) -> None:
        """Expect that nobody had paused when it was decided; who pauses in the minute after that comes too late."""
        standing = self._world.pauses.standing(self._world.now + timedelta(seconds=90), first.namespace)
        before = [each for each in standing if each.since and (self._world.now - each.since).total_seconds() > _LATE]
        assert not before, "it is paused"

    def _lifted(self, by: Remediator, uid: str, gate: GateName) -> bool:
        word = self._world.shelf.objects[f"function-{uid}"]["spec"].get("approval") or {}
        return gate in by.now_run.overrides.gates or gate.value in word.get("override", ())

    def _any_lifts(self, gate: str) -> bool:
        return any(
            gate in (each["spec"].get("approval") or {}).get("override", ())
            for each in self._world.shelf.objects.values()
        )

    def _expect_proofs(self, by: Remediator, before: Resource, first: First) -> None:
        run = by.now_run
        mine = [(time, live) for time, uid, live in run.probes if uid == first.uid]
        gone = []
        for time, live in reversed(mine):
            proven = (live.presence, live.vouched) == (Presence.GONE, Vouched.PROVEN)
            if not proven or self._world.time - time > 300 + 60 + _SKEW:
                break
            gone.append(time)
        assert len(gone) >= 2, f"proven gone {len(gone)} times"
        assert gone[0] - gone[-1] >= 60, f"the proofs are {gone[0] - gone[-1]:.0f} s apart"
        deleted = parse_time(before.metadata.deletion_timestamp or "")
        assert deleted is not None, "it is not being deleted"
        overdue = self._world.now - deleted
        assert overdue >= timedelta(minutes=20) - timedelta(seconds=_SKEW), "its deletion is not overdue"
        tried = [
            each
            for each in self.firsts
            if (each.uid, each.action) == (first.uid, ActionName.RESYNC) and self._world.time - each.time >= 60 - _SKEW
        ]
        assert run.controller == "down" or tried, "a controller is there, and was never asked"
        assert run.controller != "restarting", "the controller restarts"

    @staticmethod
    def _expect_only_ours(patch: Sequence[Operation]) -> None:
        touched = {each["path"] for each in patch if each["op"] != "test"}
        assert touched <= _OURS | {"/spec/publish"}, f"touched {touched}"
        assert not any(each["op"] == "add" for each in patch)

    # -- in the end -----------------------------------------------------------------------------------------------

    def expects_order(self) -> None:
        """Expect, when all have ended and a last one has looked, that nothing is left of anybody."""
        for each in self._world.api.objects.values():
            marks = each["metadata"].get("annotations") or {}
            assert not {RESYNC_ANNOTATION, POLICY_BEFORE_ANNOTATION} & marks.keys(), "a mark is left"
            assert marks.get(DELETION_POLICY) != RETAIN, "a retain is left"
            assert "publish" not in each["spec"], "spec.publish is left"
        for stored in self._world.shelf.objects.values():
            for each in self._world.shelf.attempts(stored["spec"]["target"]["uid"]):
                assert "result" in each and "concluded" in each, "an attempt has no end"
        held = self._world.lease.stored
        if held is not None and held.record.holder_identity:  # it ends by itself
            renewed = parse_time(held.record.renew_time)
            assert renewed is not None
            assert (self._world.now - renewed).total_seconds() > 30 - FAR, "the action lock is held"
        for first in self.firsts:
            self._expect_told(first)

    def _expect_told(self, first: First) -> None:
        """Expect that a function is known by its record which AWS has, and whose object we let go."""
        made = self._world.found(first.name)
        same = made is not None and made["metadata"]["uid"] == first.uid
        if same and made is not None and FUNCTION_FINALIZER in decoded(made).finalizers:
            return
        here = self._world.aws.get(first.name) == "present" and self._world.aws_moved[first.name] < first.time
        if first.action.destructive and here and first.uid in self.let_go:
            orphans = [each.get("orphan") for each in self._world.shelf.attempts(first.uid)]
            assert any(orphans), "an orphan that nobody tells of"
            self._tally["an orphan was told"] += 1

    @property
    def let_go(self) -> set[str]:
        """Those that ACK or we let go, and nobody else deleted."""
        return self._world.let_go


def _action(patch: Sequence[Operation]) -> ActionName | None:
    """Tell a first write from one that takes something back."""
    written = {(each["op"], each["path"]) for each in patch}
    if any(op == "remove" and path.startswith("/metadata/finalizers") for op, path in written):
        return ActionName.CLEAR_FINALIZER
    if ("add", "/spec/publish") not in written:
        return None
    values = str([each.get("value") for each in patch])
    retains = ("add", toggle.annotation(DELETION_POLICY)) in written or DELETION_POLICY in values
    return ActionName.RELEASE if retains else ActionName.RESYNC
