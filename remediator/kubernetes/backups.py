"""Backups in the cluster: written with the right to create Secrets and no other, read by people who may."""

from __future__ import annotations

import msgspec

from remediator.errors import Changed, ClusterError, Forbidden, InputError, NoPlace, NotFound, Refused, RemediatorError
from remediator.kubernetes import backup_object as objects
from remediator.kubernetes.answers import MALFORMED
from remediator.kubernetes.transport import Transport, decoded
from remediator.model.resource import Ref
from remediator.model.saved import why_not_of
from remediator.ports import Clock

_TRIES = 3
_SECONDS_BETWEEN = 1.0
_NO_ACT = "without a backup nothing is done"


class _List(msgspec.Struct, frozen=True):
    items: list[objects.Stored] | None = None


class SecretBackups:
    """The Backups port on Secrets in the home namespace.

    It takes the verb `create` alone: whoever takes over the remediator's ServiceAccount can read no Secret, its own
    backups included. What was written is therefore known by the answer to the create and by nothing else.
    """

    def __init__(self, transport: Transport, namespace: str, clock: Clock) -> None:
        self._transport = transport
        self._namespace = namespace
        self._clock = clock

    def save(self, ref: Ref, content: bytes) -> str:
        """Create the Secret; raise RemediatorError unless the API server shows that it has it.

        It is NoPlace without the right to create Secrets, and without the namespace: NotFound would say that the object
        is gone.
        """
        if why := why_not_of(ref, content):
            raise RemediatorError(f"cannot save {ref}: {why}; {_NO_ACT}")
        secret = objects.new_object(ref, content, self._clock.now())
        name = secret["metadata"]["name"]
        try:
            answer = self._created(secret)
        except (Forbidden, NotFound) as error:
            raise NoPlace(f"cannot save {ref} to a Secret in {self._namespace}: {error.message}") from error
        except ClusterError as error:
            raise ClusterError(
                f"cannot save {ref} to Secret {self._namespace}/{name}: {error.message}; {_NO_ACT}",
                hint="Try again, or name a directory that you may write with --backups.",
            ) from error
        if answer is not None and not _shows(answer, secret):
            raise ClusterError(
                f"Secret {self._namespace}/{name} was answered with something else than the backup of {ref} that we "
                f"wrote; {_NO_ACT}",
                hint="Does a webhook change Secrets, or a proxy answer in the API server's stead?",
            )
        return f"secret/{self._namespace}/{name}"

    def _created(self, secret: objects.Json) -> bytes | None:
        """Create it, again where no answer came; None where it turns out that a create without an answer was taken.

        The name follows from content and moment, so nobody else's Secret can have it.
        """
        name, lost = secret["metadata"]["name"], False
        for last in (*[False] * (_TRIES - 1), True):
            try:
                return self._transport.create(objects.collection(self._namespace), secret)
            except Changed as error:
                if lost and error.message == f'secrets "{name}" already exists':
                    return None
                raise
            except (Refused, NotFound):
                raise
            except ClusterError:
                if last:
                    raise
                lost = True
                self._clock.sleep(_SECONDS_BETWEEN)
        raise AssertionError("the last try returns or raises")


class StoredBackups:
    """What people read when they restore: takes `get`, and `list` to find the newest."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def read(self, namespace: str, name: str) -> bytes:
        """Return the object in a Secret; raise InputError where there is no such Secret, or it is no backup."""
        called = f"Secret {namespace}/{name}"
        try:
            answer = self._transport.get(objects.path(namespace, name))
        except NotFound as error:
            raise InputError(
                f"there is no {called}",
                hint=f"List them: kubectl -n {namespace} get secrets --field-selector type={objects.SECRET_TYPE}",
            ) from error
        except Forbidden as error:
            raise _unlawful(error, f"read {called}", "get") from error
        return objects.content_of(objects.read(answer, called))

    def of(self, home: str, namespace: str, name: str) -> list[objects.Stored]:
        """List the backups of an object in the home namespace, the newest first."""
        query = {"labelSelector": ",".join(f"{key}={value}" for key, value in objects.labels(namespace, name).items())}
        try:
            found = decoded(self._transport.get(objects.collection(home), query), _List).items or []
        except Forbidden as error:
            raise _unlawful(error, f"look for backups in {home}", "list") from error
        ours = [each for each in found if objects.is_of(each, namespace, name)]
        return sorted(ours, key=lambda each: each.saved_at, reverse=True)


def _shows(answer: bytes, secret: objects.Json) -> bool:
    """Whether an answer shows what we wrote, and that it was stored: only then does it have a uid."""
    try:
        stored = msgspec.json.decode(answer, type=objects.Stored)
    except MALFORMED:
        return False
    named = stored.metadata.name == secret["metadata"]["name"] and bool(stored.metadata.uid)
    return named and stored.type == secret["type"] and stored.data == secret["data"]


def _unlawful(error: Forbidden, what: str, verb: str) -> Forbidden:
    return Forbidden(
        f"cannot {what}: {error.message}",
        hint=f"Restoring takes {verb} on secrets there, which the remediator's own roles never have: ask who has it.",
    )
