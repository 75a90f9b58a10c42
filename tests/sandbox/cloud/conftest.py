"""A Lambda of the sandbox on a clock that stands still, asked through boto3 as product and controller ask it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError

from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Cloud

START = datetime(2026, 11, 21, 10, tzinfo=UTC)
BUSY = "The operation cannot be performed at this time. "
OTHER = "210987654321"


class StoppedClock(SandboxClock):
    """A clock that a test moves by hand, so that no test waits."""

    def __init__(self) -> None:
        super().__init__(start=START)
        self.seconds = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class Clients:
    """Make clients of the cloud, that ask once; each is closed at the end of the test."""

    def __init__(self, cloud: Cloud, session: boto3.Session) -> None:
        self._cloud = cloud
        self._session = session
        self._made: list[BaseClient] = []

    def __call__(
        self,
        service: str = "lambda",
        region: str = "us-east-1",
        access_key: str = "AKIAONCALL",
        credentials: dict[str, Any] | None = None,
        read_timeout: float = 30,
    ) -> Any:
        """Make one, with an access key of its own or with what AssumeRole gave."""
        granted = credentials or {"AccessKeyId": access_key, "SecretAccessKey": "secret", "SessionToken": None}
        made = self._session.client(
            service,  # type: ignore[call-overload]
            region_name=region,
            endpoint_url=self._cloud.endpoint,
            aws_access_key_id=granted["AccessKeyId"],
            aws_secret_access_key=granted["SecretAccessKey"],
            aws_session_token=granted["SessionToken"],
            config=Config(retries={"total_max_attempts": 1}, read_timeout=read_timeout),
        )
        self._made.append(made)
        return made

    def close(self) -> None:
        for each in self._made:
            each.close()


@pytest.fixture(scope="session")
def _session() -> boto3.Session:
    """Read botocore's models once: reading them takes longer than most tests."""
    return boto3.Session()


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def cloud(clock: StoppedClock) -> Iterator[Cloud]:
    with Cloud(clock) as running:
        yield running


@pytest.fixture
def client(cloud: Cloud, _session: boto3.Session) -> Iterator[Clients]:
    clients = Clients(cloud, _session)
    yield clients
    clients.close()


def error_of(call: Callable[..., Any], **parameters: Any) -> tuple[str, int, str]:
    """Make a call that AWS is to refuse; return code, HTTP status and message."""
    answer = refusal_of(call, **parameters)
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]


def refusal_of(call: Callable[..., Any], **parameters: Any) -> Any:
    """Make a call that AWS is to refuse; return the whole answer."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    return raised.value.response


def create(cloud: Cloud, lambda_: Any, name: str, **parameters: Any) -> Any:
    """Create a function by request."""
    code = {"S3Bucket": cloud.code["s3Bucket"], "S3Key": cloud.code["s3Key"]}
    defaults = {"Role": cloud.role_arn, "Runtime": "python3.13", "Handler": "app.handler", "Code": code}
    return lambda_.create_function(FunctionName=name, **{**defaults, **parameters})
