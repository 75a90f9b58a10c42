"""What S3 answers where it refuses."""

from __future__ import annotations

from tests.wire import Answer, Heard, answer


def error(status: int, code: str, message: str = "so it is") -> Answer:
    """Refuse as S3 does: with a body, but for HEAD."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"

    def told(heard: Heard) -> bytes:
        return answer(status, "" if heard.method == "HEAD" else body, kind="application/xml")

    return told
