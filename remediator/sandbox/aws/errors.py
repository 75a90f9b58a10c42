"""AWS errors as they look on the wire, so that botocore and aws-sdk-go-v2 parse them alike."""

from __future__ import annotations

import json
import uuid
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


class AwsError(Exception):
    """An error answer: code, message and HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, whole."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def error_answer(service: str, error: AwsError) -> Answer:
    """Render an error in the service's protocol: REST-JSON for Lambda, query XML for STS."""
    request_id = str(uuid.uuid4())
    fault = "Service" if error.status >= 500 else "User"
    if service == "sts":
        body = (
            '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
            f"<Type>{'Receiver' if error.status >= 500 else 'Sender'}</Type><Code>{escape(error.code)}</Code>"
            f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Answer(error.status, _headers("text/xml", request_id), body.encode())
    payload = json.dumps({"Type": fault, "message": error.message}).encode()
    headers = (*_headers("application/json", request_id), ("x-amzn-ErrorType", error.code))
    return Answer(error.status, headers, payload)


def json_answer(status: int, payload: object) -> Answer:
    """Render an answer of Lambda; AWS sends no body with a 204."""
    body = b"" if status == 204 else json.dumps(payload).encode()
    return Answer(status, _headers("application/json", str(uuid.uuid4())), body)


def _headers(content_type: str, request_id: str) -> tuple[tuple[str, str], ...]:
    return (("Content-Type", content_type), ("x-amzn-RequestId", request_id))
