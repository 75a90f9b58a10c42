"""HTTP to the API server: the official client's configuration and connections, our time-outs, retries and errors."""

from __future__ import annotations

import ssl
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, TypeVar

import msgspec
import urllib3.exceptions
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.client.rest import RESTResponse
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_before_delay
from urllib3.util.ssl_ import create_urllib3_context

from remediator import __version__
from remediator.deadline import bound_answers
from remediator.errors import (
    Changed,
    ClusterError,
    Conflicts,
    Forbidden,
    NotFound,
    NotServed,
    Refused,
    Unauthorized,
    Unreachable,
)
from remediator.kubernetes.answers import MALFORMED, conflicts_in, message_in, names_an_object, next_in
from remediator.kubernetes.connection import Connection

_SHORTEST_WAIT = 0.1  # seconds between two tries, whatever the server asks for
_JSON_PATCH = "application/json-patch+json"
_APPLY = "application/apply-patch+yaml"  # JSON is YAML
_PIECE = 1 << 16  # bytes of an answer that are read at a time, before they are unpacked
_DATES_KEPT = 8  # answers whose Date is compared with our clock


T = TypeVar("T")


class Patience(NamedTuple):
    """How long to wait for the API server, in seconds; the official client's own default is for ever."""

    connect: float = 5.0
    read: float = 30.0  # without a byte
    answer: float = 120.0  # until the last byte: a page of 500 large objects over a slow line takes a while
    throttled: float = 60.0  # while it says 429: after a restart a large cluster does so for some time


USUAL_PATIENCE = Patience()


class Expired(ClusterError):
    """A continue token is too old (410). `next` goes on after the same object, in the list as it is by now."""

    def __init__(self, message: str, following: str = "") -> None:
        super().__init__(message)
        self.next = following


class _Throttled(ClusterError):
    """The API server asks for patience (503; or a proxy does, which may have passed the request on)."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class _Told:
    """The HTTP status that a request is counted by: `none` where no whole answer came, empty where it is not over."""

    def __init__(self) -> None:
        self.code = "none"


class _TooMany(_Throttled, Refused):
    """The API server has not even looked at it (429, API Priority and Fairness)."""


def count_nothing(method: str, code: str) -> None:
    """Do nothing with a request and its answer."""


def _trusting_as_kubectl(settings: Mapping[str, Any]) -> ssl.SSLContext:
    """Verify chain, dates and name, and not which extensions a certificate has.

    From Python 3.13 on OpenSSL's strict checks are the default, and the authorities of EKS clusters, which name no key
    identifier, do not pass them (kubernetes-client/python#2394).
    """
    context = create_urllib3_context(cert_reqs=settings["cert_reqs"])
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not any(settings.get(each) for each in ("ca_certs", "ca_cert_data")):
        context.load_default_certs()  # urllib3 does so in a context of its own only
    return context


class Transport:
    """Requests to one API server. Shared by threads; every request has a time-out.

    `count` is told of each request its method and the HTTP status of its answer, `none` where no whole answer came.
    """

    def __init__(
        self,
        connection: Connection,
        patience: Patience = USUAL_PATIENCE,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        count: Callable[[str, str], None] = count_nothing,
    ) -> None:
        self._server = connection.server
        self._acting_as = {"Impersonate-User": connection.acting_as} if connection.acting_as else {}
        self._patience = patience
        self._now = now
        self._count = count
        self._offsets: deque[tuple[float, float]] = deque(maxlen=_DATES_KEPT)
        self._client = client.ApiClient(connection.configuration)
        manager = self._client.rest_client.pool_manager
        manager.connection_pool_kw["ssl_context"] = _trusting_as_kubectl(manager.connection_pool_kw)
        manager.pool_classes_by_scheme = dict(manager.pool_classes_by_scheme)  # urllib3's own are everybody's
        bound_answers(manager.pool_classes_by_scheme, patience.answer)
        self._client.user_agent = f"ack-remediator/{__version__}"

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> bytes:
        """Read; bear with 429 and 503 for up to a minute."""
        return self._patiently(self._request, "GET", path, query or {}, None, None)

    @contextmanager
    def streamed(self, path: str, query: Mapping[str, str | int] | None = None) -> Iterator[Iterator[bytes]]:
        """Read an answer as it comes, in pieces of any size; bear with 429 and 503 as `get` does.

        What goes wrong later is raised by the piece that does not come.
        """
        response = self._patiently(self._opened, path, query or {})
        try:
            yield self._pieces(response)
        finally:
            response.close()

    def _patiently(self, ask: Callable[..., T], *words: Any) -> T:
        patient = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, _Throttled)),
            wait=_as_asked,
            stop=stop_before_delay(self._patience.throttled),
            reraise=True,
        )
        return patient(ask, *words)

    def patch(self, path: str, patch: Sequence[Mapping[str, Any]], *, dry_run: bool = False) -> bytes:
        """Apply a JSON Patch, once: a repeated one could be another. A dry run goes all the way, but is not stored."""
        return self._write("PATCH", path, list(patch), _JSON_PATCH, dry_run=dry_run)

    def create(self, path: str, body: Mapping[str, Any], *, dry_run: bool = False) -> bytes:
        """Create an object in a collection, once; raise Changed where one of its name is there."""
        return self._write("POST", path, body, "application/json", dry_run=dry_run)

    def replace(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Replace an object, once; raise Changed where it is not at the body's resourceVersion any more."""
        return self._write("PUT", path, body, "application/json")

    def apply(
        self, path: str, body: Mapping[str, Any], *, manager: str, force: bool = False, dry_run: bool = False
    ) -> bytes:
        """Apply a configuration on the server's side, once: create the object, or set its fields and own them.

        What `manager` applied before and the body does not have any more goes. Raise Conflicts where others own what
        would change, unless `force` takes it from them.
        """
        query = {"fieldManager": manager} | ({"force": "true"} if force else {})
        return self._request("PATCH", path, query | ({"dryRun": "All"} if dry_run else {}), dict(body), _APPLY)

    def delete(self, path: str, *, uid: str, resource_version: str) -> None:
        """Delete an object, once; raise Changed where it is another one by now, or was written to."""
        only = {"preconditions": {"uid": uid, "resourceVersion": resource_version}}
        self._request("DELETE", path, {}, only, "application/json")

    def _write(self, method: str, path: str, body: Any, content_type: str, *, dry_run: bool = False) -> bytes:
        query = {"fieldManager": "ack-remediator"} | ({"dryRun": "All"} if dry_run else {})
        return self._request(method, path, query, body, content_type)

    def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Create, once."""
        return self._request("POST", path, {}, dict(body), "application/json")

    @property
    def skew(self) -> float | None:
        """Say how many seconds our clock is ahead of the server's, at the least; None before the first answer.

        `Date` has whole seconds, and an answer takes its time: each tells a range that the difference lies in. That of
        the last answers which tells most is taken, and of it what is nearest to none.
        """
        if not self._offsets:
            return None
        least, most = min(self._offsets, key=lambda each: each[1] - each[0])
        return 0.0 if least <= 0 <= most else min(least, most, key=abs)

    def _note_date(self, asked: datetime, headers: Mapping[str, str]) -> None:
        """Compare the server's clock with ours. An answer without a date, or with a strange one, says nothing."""
        told = {key.lower(): value for key, value in headers.items()}.get("date", "")
        try:
            date = parsedate_to_datetime(told)
            least, most = asked - (date + timedelta(seconds=1)), self._now() - date
        except (ValueError, TypeError, OverflowError):  # TypeError: a date without a zone
            return
        self._offsets.append((least.total_seconds(), most.total_seconds()))

    def _request(
        self, method: str, path: str, query: Mapping[str, str | int], body: Any, content_type: str | None
    ) -> bytes:
        with self._minded(method) as told:
            response = self._send(method, path, query, body, content_type)
            content: bytes = response.read() or b""
            told.code = str(response.status)
        self._check(response, content)
        return content

    def _opened(self, path: str, query: Mapping[str, str | int]) -> urllib3.HTTPResponse:
        """Ask, and leave the body of the answer where it is."""
        with self._minded("GET") as told:
            response = self._send("GET", path, query, None, None)
            if 200 <= response.status < 300:
                told.code = ""  # it is not over yet
                opened: urllib3.HTTPResponse = response.response
                return opened
            content = response.read() or b""
            told.code = str(response.status)
        self._check(response, content)
        raise AssertionError

    def _pieces(self, response: urllib3.HTTPResponse) -> Iterator[bytes]:
        with self._minded("GET") as told:
            yield from response.stream(_PIECE, decode_content=True)
            told.code = str(response.status)

    def _send(
        self, method: str, path: str, query: Mapping[str, str | int], body: Any, content_type: str | None
    ) -> RESTResponse:
        # The server compresses what is long, which is mostly names that come again and again.
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip"} | self._acting_as
        if content_type:
            headers["Content-Type"] = content_type
        asked = self._now()
        parameters = self._client.param_serialize(
            method=method,
            resource_path=path,
            query_params=list(query.items()),
            header_params=headers,
            body=body,
            auth_settings=["BearerToken"],
        )
        patience = self._patience
        response = self._client.call_api(*parameters, _request_timeout=(patience.connect, patience.read))
        self._note_date(asked, response.headers)
        return response

    @contextmanager
    def _minded(self, method: str) -> Iterator[_Told]:
        """Count a request by what came of it, and raise an error of ours where no answer came."""
        began, told = time.monotonic(), _Told()
        try:
            yield told
        except ApiException as error:
            told.code = str(error.status or told.code)
            raise self._refusal(error.status, error.reason or "", error.body, dict(error.headers or {})) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            told.code = "none"
            late = time.monotonic() - began >= self._patience.answer
            why = f"it was not complete after {self._patience.answer:g} s" if late else _root_cause(error)
            raise Unreachable(
                f"no answer from the API server {self._server}: {why}",
                hint="Is the cluster up, and the kubeconfig's server right? VPN, proxy, certificate?",
            ) from error
        finally:
            if told.code:
                self._count(method, told.code)

    def _check(self, response: RESTResponse, content: bytes) -> None:
        if not 200 <= response.status < 300:
            raise self._refusal(response.status, response.reason or "", content, dict(response.headers or {}))

    def _refusal(
        self, status: int | None, reason: str, body: bytes | str | None, headers: dict[str, str]
    ) -> ClusterError:
        said = message_in(body) or reason or f"HTTP {status}"
        match status:
            case 401:
                return Unauthorized(
                    f"the API server {self._server} does not accept our credentials: {said}",
                    hint="Log in again, or renew the token of the kubeconfig.",
                )
            case 403:
                return Forbidden(f"the API server refuses: {said}", hint="manifests/ has the roles that are needed.")
            case 404:
                return NotFound(said) if names_an_object(body) else NotServed(said)
            case 409 | 422:
                conflicts = conflicts_in(body)
                return Conflicts(said, conflicts) if conflicts else Changed(said)
            case 410:
                return Expired(said, next_in(body))
            case 429 | 503:
                after = {key.lower(): value for key, value in headers.items()}.get("retry-after", "1")
                wait = max(_SHORTEST_WAIT, float(after)) if after.isdecimal() else 1.0
                kind = _TooMany if status == 429 else _Throttled
                return kind(f"the API server asks for patience: {said}", wait)
            case 400 | 405 | 406 | 413 | 415:
                return Refused(f"the API server answered {status}: {said}")
            case _:
                return ClusterError(f"the API server answered {status}: {said}")


def decoded(content: bytes, kind: type[T]) -> T:
    """Read an answer; raise ClusterError where it is not what was asked for."""
    try:
        return msgspec.json.decode(content, type=kind)
    except MALFORMED as error:
        raise ClusterError(
            f"the API server's answer makes no sense: {error}",
            hint="Is there a proxy or a login page between us and the server of the kubeconfig?",
        ) from error


def _as_asked(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return error.retry_after if isinstance(error, _Throttled) else 1.0


def _root_cause(error: BaseException) -> str:
    """Say the innermost reason: urllib3 wraps it in sentences about pools and retries."""
    reason = getattr(error, "reason", None)
    while isinstance(reason, BaseException):
        error, reason = reason, getattr(reason, "reason", None)
    text = str(error)
    if "object at 0x" in text or text.startswith("HTTP"):  # HTTPConnectionPool(host=…, port=…): what it was
        text = text.split(": ", 1)[-1]
    return text or type(error).__name__
