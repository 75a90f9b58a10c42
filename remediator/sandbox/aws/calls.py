"""Tell which AWS operation an HTTP request is, on which function, and by whom."""

from __future__ import annotations

import functools
import io
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from botocore.loaders import Loader
from moto.core.base_backend import AccountSpecificBackend

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/[0-9]+/([^/]+)/([^/]+)/aws4_request")


@dataclass(frozen=True, slots=True)
class Call:
    """One request that reached the cloud, refused or not.

    `status` (HTTP) and `error_code` are of its answer; both are None for as long as there is none.
    """

    operation: str
    function: str | None
    access_key: str | None
    at: datetime
    region: str
    account: str = ""
    status: int | None = None
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A request to Lambda, STS or the tagging API, read as far as the sandbox needs it.

    `function` is the name as asked for: a bare name, or an ARN. `parameters` is the JSON body, or the form of an STS
    request; `query` is the query string, `token` the session token of temporary credentials.
    """

    service: str
    region: str
    access_key: str | None
    operation: str
    function: str | None
    parameters: dict[str, Any]
    query: dict[str, str]
    token: str | None = None

    @property
    def name(self) -> str | None:
        """The bare name of the function."""
        return self.function.split(":function:")[-1].split(":")[0] if self.function else None


@functools.cache
def _operations() -> tuple[tuple[str, re.Pattern[str], str], ...]:
    """Read Lambda's operations from botocore's service model, as (method, path, name)."""
    model = Loader().load_service_model("lambda", "service-2")
    found = []
    for name, operation in model["operations"].items():
        path = operation["http"]["requestUri"].split("?")[0].rstrip("/")
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
        found.append((operation["http"]["method"], re.compile(f"^{pattern}/?$"), name))
    return tuple(found)


def warm_up() -> None:
    """Read the service model now, so that the first request does not wait for it.

    And have moto ask botocore for the regions that there are: it asks once in a process, when it first needs them, and
    then with whatever AWS_PROFILE somebody has set meanwhile.
    """
    _operations()
    AccountSpecificBackend.get_session().get_available_partitions()


def read_request(environ: dict[str, Any]) -> Request | None:
    """Read a WSGI request, leaving its body to be read again; None if it is for none of the three services."""
    credential = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    if credential is None:
        return None
    access_key, region, service = credential.groups()
    if service not in ("lambda", "sts", "tagging"):
        return None
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    token = environ.get("HTTP_X_AMZ_SECURITY_TOKEN")
    query = {key: values[0] for key, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
    if service == "sts":
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        action = form.get("Action") or query.get("Action", "")
        return Request(service, region, access_key, action, None, form, query, token)
    if service == "tagging":
        target = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        return Request(service, region, access_key, target, None, _json_object(body), query, token)
    operation, path_parameters = _operation(environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""))
    parameters = _json_object(body)
    function = path_parameters.get("FunctionName") or path_parameters.get("Resource") or parameters.get("FunctionName")
    # A caller that does not check its parameters can send anything as a name.
    function = None if function is None else str(function)
    return Request(service, region, access_key, operation, function, parameters, query, token)


def _operation(method: str, path: str) -> tuple[str, dict[str, str]]:
    for candidate, pattern, name in _operations():
        if candidate == method and (match := pattern.match(path)):
            return name, match.groupdict()
    return f"{method} {path}", {}


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body) if body else {}
    except ValueError:
        # Moto answers a body that is no JSON; here it only has no parameters.
        return {}
    return parsed if isinstance(parsed, dict) else {}
