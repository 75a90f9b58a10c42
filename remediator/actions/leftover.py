"""What an interrupted action left on an object, and how it is undone: by our mark, which every process can read."""

from __future__ import annotations

from remediator.actions.toggle import UNPUBLISH, annotation, under
from remediator.model.plan import Operation
from remediator.model.resource import DELETION_POLICY, POLICY_BEFORE_ANNOTATION, RESYNC_ANNOTATION, RETAIN, Resource

_ABSENT = "absent"
_WAS = "was "


def remembered(resource: Resource) -> str:
    """Write down the deletion-policy of an object before a Release sets its own, so that "none" is told from any value.

    What an earlier Release wrote down stays: it knows what was there before either.
    """
    marks = resource.annotations
    if POLICY_BEFORE_ANNOTATION in marks:
        return marks[POLICY_BEFORE_ANNOTATION]
    return f"{_WAS}{marks[DELETION_POLICY]}" if DELETION_POLICY in marks else _ABSENT


def undo_leftover(resource: Resource) -> tuple[Operation, ...]:
    """Say how to remove what a Resync or a Release left behind; empty where there is nothing.

    `publish` goes only if it is still our false, the deletion-policy only if it is still our retain: other values are
    somebody else's. A memory that nobody can read leaves the retain: what it keeps in AWS can be deleted later. Our
    marks on other kinds are somebody else's doing, and stay.
    """
    if not resource.is_function:
        return ()
    marks = resource.annotations
    ours = [key for key in (RESYNC_ANNOTATION, POLICY_BEFORE_ANNOTATION) if key in marks]
    if not ours:
        return ()
    operations: list[Operation] = [{"op": "test", "path": "/metadata/uid", "value": resource.metadata.uid}]
    operations += [{"op": "test", "path": annotation(key), "value": marks[key]} for key in ours]
    operations += [{"op": "remove", "path": annotation(key)} for key in ours]
    return (*operations, *_policy_back(resource), *(UNPUBLISH if _published(resource) else ()))


def unpublish(resource: Resource) -> tuple[Operation, ...]:
    """Say how to take back our `spec.publish` alone, while a Release goes on; empty where it is not ours any more."""
    mark = resource.annotations.get(RESYNC_ANNOTATION)
    if mark is None or not _published(resource):
        return ()
    return (*under(resource.metadata.uid, mark), *UNPUBLISH)


def _published(resource: Resource) -> bool:
    return resource.spec is not None and resource.spec.publish is False


def _policy_back(resource: Resource) -> tuple[Operation, ...]:
    memory = resource.annotations.get(POLICY_BEFORE_ANNOTATION, "")
    if resource.annotations.get(DELETION_POLICY) != RETAIN:
        return ()
    path = annotation(DELETION_POLICY)
    guard: Operation = {"op": "test", "path": path, "value": RETAIN}
    if memory == _ABSENT:
        return (guard, {"op": "remove", "path": path})
    if memory.startswith(_WAS):
        return (guard, {"op": "replace", "path": path, "value": memory.removeprefix(_WAS)})
    return ()
