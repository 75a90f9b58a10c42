"""HTTP to the API server: the official client's configuration and connections, our time-outs, retries and errors."""

from __future__ import annotations

import os
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import urllib3.exceptions
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
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
from remediator.kubernetes import kubeconfig as files
from remediator.kubernetes.answers import MALFORMED, conflicts_in, message_in, names_an_object

_SHORTEST_WAIT = 0.1  # seconds between two tries, whatever the server asks for
_JSON_PATCH = "application/json-patch+json"
_APPLY = "application/apply-patch+yaml"  # JSON is YAML
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
    """A continue token is too old (410): the list has to begin anew."""


class _Throttled(ClusterError):
    """The API server asks for patience (503; or a proxy does, which may have passed the request on)."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class _TooMany(_Throttled, Refused):
    """The API server has not even looked at it (429, API Priority and Fairness)."""


class Connection:
    """Where the cluster is and what the kubeconfig says of it: server, context, namespace.

    `acting_as` is the user that each request is made as, where that is another than the kubeconfig's.
    """

    def __init__(self, kubeconfig: Path | None, context: str | None, acting_as: str = "") -> None:
        self.acting_as = acting_as
        self.configuration = client.Configuration()
        self.configuration.retries = urllib3.Retry(
            connect=2, read=0, redirect=0, status=0, other=0, respect_retry_after_header=False
        )
        self.context, self.namespace = self._load(kubeconfig, context)
        self.server: str = self.configuration.host

    def _load(self, kubeconfig: Path | None, context: str | None) -> tuple[str, str]:
        in_cluster = "KUBERNETES_SERVICE_HOST" in os.environ
        path = files.path_of(kubeconfig)
        if in_cluster and context is None and not files.exist(path):
            with files.told_of(path):
                config.load_incluster_config(client_configuration=self.configuration)
                return "in-cluster", _own_namespace()
        return files.load(path, context, self.configuration)


def _own_namespace() -> str:
    mounted = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
    return mounted.read_text(encoding="utf-8").strip() if mounted.exists() else "default"


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
        patient = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, _Throttled)),
            wait=_as_asked,
            stop=stop_before_delay(self._patience.throttled),
            reraise=True,
        )
        return patient(self._request, "GET", path, query or {}, None, None)

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
        headers, patience = {"Accept": "application/json"} | self._acting_as, self._patience
        if content_type:
            headers["Content-Type"] = content_type
        began, asked = time.monotonic(), self._now()
        code = "none"
        try:
            parameters = self._client.param_serialize(
                method=method,
                resource_path=path,
                query_params=list(query.items()),
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
            )
            response = self._client.call_api(*parameters, _request_timeout=(patience.connect, patience.read))
            content: bytes = response.read() or b""
            code = str(response.status)
            self._note_date(asked, response.headers)
        except ApiException as error:
            code = str(error.status or code)
            raise self._refusal(error.status, error.reason or "", error.body, dict(error.headers or {})) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            late = time.monotonic() - began >= patience.answer
            why = f"it was not complete after {patience.answer:g} s" if late else _root_cause(error)
            raise Unreachable(
                f"no answer from the API server {self._server}: {why}",
                hint="Is the cluster up, and the kubeconfig's server right? VPN, proxy, certificate?",
            ) from error
        finally:
            self._count(method, code)
        if not 200 <= response.status < 300:
            raise self._refusal(response.status, response.reason or "", content, dict(response.headers or {}))
        return content

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
                return Expired(said)
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
