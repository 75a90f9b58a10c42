"""Bad days on order: a proxy that stands before an API, and does to its requests what a test scripts.

    with Faults(api.url, ca=certificate) as faults:
        faults.add(dropped(reached=True), method="PATCH", times=1)  # the write happened, its answer was lost
        client_of(faults.url)...

What no fault is scripted for passes as it came, and comes back as it was answered.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from ruamel.yaml import YAML

from remediator.sandbox.api.status import failure
from remediator.sandbox.aws.errors import Answer, AwsError, error_answer
from remediator.sandbox.forwarding import Fault, Forwarder, Request, Silence

__all__ = [
    "Fault",
    "Faults",
    "answering",
    "cut",
    "dropped",
    "hanging",
    "late",
    "refusing",
    "refusing_as_aws",
    "trickling",
]


def late(seconds: float) -> Fault:
    """Let the request wait before it goes on its way."""
    return Fault(wait=seconds)


def dropped(*, reached: bool = False) -> Fault:
    """Hang up without an answer; `reached`: only after the upstream has done what was asked."""
    return Fault(reaches=reached, ends=Silence.HANGS_UP)


def hanging(*, reached: bool = False) -> Fault:
    """Never answer, until the client hangs up; `reached`: after the upstream has done what was asked."""
    return Fault(reaches=reached, ends=Silence.HANGS)


def answering(
    status: int, body: str | bytes = "", headers: Mapping[str, str] | None = None, *, reached: bool = False
) -> Fault:
    """Give an answer of one's own: any status, any body. The content type is text unless `headers` say otherwise."""
    content = body.encode() if isinstance(body, str) else body
    told = Answer(status, tuple(({"Content-Type": "text/plain"} | dict(headers or {})).items()), content)
    return Fault(reaches=reached, ends=lambda _: told)


def refusing(
    code: int, message: str, *, reason: str = "", retry_after: str | None = None, reached: bool = False
) -> Fault:
    """Refuse as kube-apiserver does, with a `Status`; `retry_after` is the header's text."""
    headers = {"Content-Type": "application/json"}
    if retry_after is not None:
        headers["Retry-After"] = retry_after
    return answering(code, json.dumps(failure(code, reason, message).body), headers, reached=reached)


def refusing_as_aws(code: str, message: str, *, status: int = 400) -> Fault:
    """Refuse as AWS does, in the protocol of the service that was asked."""
    error = AwsError(code, message, status)
    return Fault(reaches=False, ends=lambda request: error_answer(request.aws[0], error))


def cut(after: int) -> Fault:
    """Hang up after so many bytes of the body; its announced length, or its missing last chunk, tells of more."""
    return Fault(cut=after)


def trickling(seconds: float, *, head: bool = False) -> Fault:
    """Let a byte of the body pass every so many seconds; `head`: of the status line and the headers, too."""
    return Fault(every=seconds, slow_head=head)


@dataclass(slots=True)
class _Rule:
    """A fault, and which requests it befalls; `after` and `times` count down."""

    fault: Fault
    method: str | None
    path: re.Pattern[str]
    query: Mapping[str, str | None]
    operation: str | None
    times: int | None
    after: int

    def befalls(self, request: Request) -> bool:
        """Tell whether it does, and count."""
        if (
            self.times == 0
            or self.method not in (None, request.method)
            or not self.path.search(request.path)
            or any(request.query.get(name) != value for name, value in self.query.items())
            or self.operation not in (None, request.aws[1])
        ):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Faults:
    """An HTTP proxy on 127.0.0.1 before one API, http or https; a context manager.

    The client's side is plain http: bearer tokens and AWS signatures pass as they are, client certificates do not.
    A client that leaves a watch is noticed when the upstream next sends something.
    """

    def __init__(self, upstream: str, *, ca: Path | None = None) -> None:
        """Stand before `upstream`, such as `https://127.0.0.1:6443`; `ca` is a PEM file to trust, else the system's."""
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []
        self._requests: list[Request] = []
        self._forwarder = Forwarder(urlsplit(upstream), ca, self._choose)
        self.url = f"http://127.0.0.1:{self._forwarder.server_address[1]}"
        self._thread = threading.Thread(target=self._forwarder.serve_forever, args=(0.02,), daemon=True)

    def add(
        self,
        fault: Fault,
        *,
        method: str | None = None,
        path: str = "",
        query: Mapping[str, str | None] | None = None,
        operation: str | None = None,
        times: int | None = None,
        after: int = 0,
    ) -> None:
        """Let a fault befall requests from now on, the first `after` spared, `times` of them; the oldest rule wins.

        `path` is a regular expression to find in the path, `query` what the query must have (None: must not have),
        `operation` an AWS operation such as `GetCallerIdentity`.
        """
        with self._lock:
            self._rules.append(_Rule(fault, method, re.compile(path), dict(query or {}), operation, times, after))

    def calm(self) -> None:
        """Forget every fault."""
        with self._lock:
            self._rules.clear()

    @property
    def requests(self) -> list[Request]:
        """Every request so far, in the order of their arrival, befallen by a fault or not."""
        with self._lock:
            return self._requests[:]

    def kubeconfig(self, original: Path, path: Path) -> Path:
        """Write a copy of a kubeconfig, with the proxy in the place of every server, to `path`, and return that."""
        config = YAML(typ="safe").load(original.read_text(encoding="utf-8"))
        for each in config["clusters"]:
            each["cluster"] = {"server": self.url}
        path.touch(mode=0o600)
        YAML().dump(config, path)
        return path

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._forwarder.shutdown()
        self._thread.join()
        self._forwarder.hang_up()
        self._forwarder.server_close()

    def _choose(self, request: Request) -> Fault:
        with self._lock:
            self._requests.append(request)
            return next((rule.fault for rule in self._rules if rule.befalls(request)), Fault())
