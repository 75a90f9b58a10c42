"""What the cluster has, read with the caller's rights: by GET alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from remediator.errors import ClusterError, NotFound, NotServed
from remediator.kubernetes.transport import Transport, decoded
from remediator.lint.problem import Before, Key
from remediator.model.kind import KINDS

_WHERE = "the cluster"


class _NoKind(ClusterError):
    """The cluster does not serve a kind."""


class InCluster:
    """Objects of one cluster, each read once."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._known: dict[Key, bool | str] = {}

    def before(self, keys: Iterable[Key]) -> dict[Key, Before]:
        """Read the objects of these that are there.

        Raise ClusterError where that cannot be told of one of them, or where the cluster has no such kind: then it is
        another one than was meant, and everything would seem new.
        """
        found: dict[Key, Before] = {}
        for key in keys:
            value = self._read(key)
            if value is not None:
                found[key] = Before(value, _WHERE, live=True)
        return found

    def exists(self, key: Key) -> bool | str:
        """Whether an object is there; in words, why that is not known."""
        if key not in self._known:
            try:
                self._known[key] = self._read(key) is not None
            except _NoKind:
                self._known[key] = False
            except ClusterError as error:
                self._known[key] = error.message
        return self._known[key]

    def _read(self, key: Key) -> dict[str, Any] | None:
        """Read an object; None where it is not there."""
        collection = f"/apis/{key.group}/v1alpha1/namespaces/{quote(key.namespace or '', safe='')}"
        try:
            answer = self._transport.get(f"{collection}/{KINDS[key.kind].plural}/{quote(key.name, safe='')}")
        except NotServed as error:
            raise _NoKind(
                f"the cluster has no kind {key.kind} of {key.group}",
                hint="Is it the one that is meant? See --context; else install ACK's definitions first.",
            ) from error
        except NotFound:
            return None
        return decoded(answer, dict[str, Any])
