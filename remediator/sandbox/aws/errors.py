"""AWS answers as they look on the wire, so that botocore and aws-sdk-go-v2 parse them alike."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

# What Lambda answers with, where the caller does not say.
USUAL_STATUS = {
    "AccessDeniedException": 403,
    "ExpiredTokenException": 403,
    "InvalidSignatureException": 403,
    "UnrecognizedClientException": 403,
    "PreconditionFailedException": 412,
    "ResourceConflictException": 409,
    "ResourceNotFoundException": 404,
    "ServiceException": 500,
    "TooManyRequestsException": 429,
}
_JSON = "application/x-amz-json-1.1"
_STS = "https://sts.amazonaws.com/doc/2011-06-15/"


class AwsError(Exception):
    """An error answer: code, message, HTTP status; what Lambda adds as header, and as field of the body."""

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        fields: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.headers = headers
        self.fields = dict(fields or {})


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, whole; `error_code` is AWS's, None for a success."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    error_code: str | None = None


def error_answer(service: str, error: AwsError) -> Answer:
    """Render an error in the service's protocol: REST-JSON for Lambda, query XML for STS, JSON 1.1 for tagging."""
    request_id = str(uuid.uuid4())
    fault = "Service" if error.status >= 500 else "User"
    if service == "sts":
        body = (
            f'<ErrorResponse xmlns="{_STS}"><Error>'
            f"<Type>{'Receiver' if error.status >= 500 else 'Sender'}</Type><Code>{escape(error.code)}</Code>"
            f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        headers = (*_headers("text/xml", request_id), *error.headers)
        return Answer(error.status, headers, body.encode(), error.code)
    if service == "tagging":
        payload = json.dumps({"__type": error.code, "Message": error.message}).encode()
        return Answer(error.status, (*_headers(_JSON, request_id), *error.headers), payload, error.code)
    payload = json.dumps({"Type": fault, "message": error.message, **error.fields}).encode()
    headers = (*_headers("application/json", request_id), ("x-amzn-ErrorType", error.code), *error.headers)
    return Answer(error.status, headers, payload, error.code)


def json_answer(status: int, payload: object) -> Answer:
    """Render an answer of Lambda; AWS sends no body with a 204."""
    body = b"" if status == 204 else json.dumps(payload).encode()
    return Answer(status, _headers("application/json", str(uuid.uuid4())), body)


def tagging_answer(payload: object) -> Answer:
    """Render an answer of the Resource Groups Tagging API."""
    return Answer(200, _headers(_JSON, str(uuid.uuid4())), json.dumps(payload).encode())


def sts_answer(operation: str, result: Mapping[str, str | Mapping[str, str]]) -> Answer:
    """Render an answer of STS, of fields and of structures of fields."""
    request_id = str(uuid.uuid4())
    inner = "".join(
        f"<{name}>{escape(value) if isinstance(value, str) else _elements(value)}</{name}>"
        for name, value in result.items()
    )
    body = (
        f'<{operation}Response xmlns="{_STS}"><{operation}Result>{inner}</{operation}Result>'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    )
    return Answer(200, _headers("text/xml", request_id), body.encode())


def _elements(fields: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())


def _headers(content_type: str, request_id: str) -> tuple[tuple[str, str], ...]:
    return (("Content-Type", content_type), ("x-amzn-RequestId", request_id))
