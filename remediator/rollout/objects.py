"""Apply manifests under the caller's own name, and take nothing that is another's.

Server-side apply refuses to change a field that another manager set. ACK is no such other: it only writes down what
AWS has, so its fields are taken. Whatever else stands in the way is left as it is, and named.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from remediator.errors import Changed, Conflicts, RemediatorError
from remediator.model.owners import ACK_MANAGERS
from remediator.rollout.steps import Object, Step, listed


class Objects(Protocol):
    """Functions in the cluster, whole, as the API server has them."""

    def find(self, namespace: str, name: str) -> Object | None:
        """Read one; None where there is none."""

    def apply(self, body: Object, *, manager: str, force: bool = False, dry_run: bool = False) -> Object:
        """Apply it on the server's side, once; raise Conflicts where another manager's fields are in the way."""


class Applier:
    """Applies as one field manager; `taken` are others whose fields it takes, too, because a person said so."""

    def __init__(self, objects: Objects, manager: str, taken: Collection[str] = ()) -> None:
        self._objects = objects
        self.manager = manager
        self._taken = ACK_MANAGERS | frozenset(taken)

    def rehearse(self, body: Object) -> Object:
        """Say what the object would be; nothing is stored. Raise RemediatorError where another owns its fields."""
        try:
            return self._objects.apply(body, manager=self.manager, dry_run=True)
        except Conflicts as error:
            self._refuse(body, error)
            return self._objects.apply(body, manager=self.manager, force=True, dry_run=True)

    def apply(self, step: Step) -> None:
        """Apply a step. Raise Changed where it has to be made anew, RemediatorError where another owns its fields.

        Fields of ACK are taken only from the object that the step was made for: of a later one they can be another's.
        """
        try:
            self._objects.apply(step.body, manager=self.manager)
        except Conflicts as error:
            self._refuse(step.body, error)
            if not step.state:
                raise Changed("the object was made by somebody else a moment ago") from error
            body = step.body | {"metadata": step.body["metadata"] | step.state}
            self._objects.apply(body, manager=self.manager, force=True)

    def _refuse(self, body: Object, error: Conflicts) -> None:
        """Raise, in the words of who has to be asked, unless all the fields may be taken."""
        others: dict[str, list[str]] = {}
        for manager, field in error.fields:
            if manager not in self._taken:
                others.setdefault(manager, []).append(field.removeprefix("."))
        if not others and error.fields:
            return
        owned = "; ".join(f"{manager} owns {listed(fields)}" for manager, fields in others.items()) or error.message
        metadata = body["metadata"]
        raise RemediatorError(
            f"Function {metadata['namespace']}/{metadata['name']} was left as it is: {owned}",
            hint="Change it where that manager gets it from, or let the manifest leave those fields out. Where it was "
            "an edit by hand that is over, --take-from MANAGER takes them.",
        ) from error
