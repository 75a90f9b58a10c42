"""Sign in to AWS: credentials, who they are, and a client, for each account and region."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, TypeVar
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError

from remediator import __version__
from remediator.aws.counting import MISSHAPEN, Count, count_nothing, count_requests
from remediator.deadline import bound_answers
from remediator.errors import CloudError
from remediator.policy import Aws
from remediator.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

T = TypeVar("T")
Service: TypeAlias = Literal["lambda", "resourcegroupstaggingapi"]

EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")

# How long a failed sign-in is believed, in seconds: asking anew for each of a hundred suspects would take half an hour.
_REFUSAL_HOLDS = 30.0


_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn")
_COLONS = 5  # in an ARN, at the least: partition, service, region and account are between them


class Patience(NamedTuple):
    """How long to wait for AWS, in seconds, at each of so many attempts."""

    connect: float = 5.0
    read: float = 10.0  # without a byte
    answer: float = 20.0  # until the last byte
    attempts: int = 3


USUAL_PATIENCE = Patience()


class NotAws(Exception):
    """What answered is not AWS. Its words are not repeated: half of an answer of GetFunction can link to the code."""

    def __str__(self) -> str:
        return "what answered is not AWS: its answer has another shape (a proxy?)"


class NoEntry(Exception):
    """We are nobody in that account; says which role was refused, or what of the policy would help."""


# What stands in the way of a sign-in. A token file or a `credential_process` that is not there is an OSError, and what
# one of them says may be a ValueError: botocore passes those on as they are.
_REFUSALS = (ClientError, BotoCoreError, OSError, ValueError, NotAws, NoEntry)


class Identity(NamedTuple):
    """Who AWS says we are."""

    arn: str
    account: str


class SignedIn(NamedTuple):
    """A client of the service that was asked for, and whose it is."""

    who: Identity
    client: Any


@dataclass
class _Door:
    """One account and region. Who comes while another signs in waits for that, and nobody else does."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    signed_in: SignedIn | None = None
    refusal: Exception | None = None
    refused_until: float = 0.0


class Clients:
    """One client of a service per account and region, made at its first use."""

    def __init__(
        self,
        settings: Aws,
        clock: Clock,
        patience: Patience,
        count: Count = count_nothing,
        *,
        service: Service = "lambda",
    ) -> None:
        self._settings = settings
        self._service = service
        self._count = count
        self._clock = clock
        self._patience = patience
        # Calls of a service are repeated by who keeps the pace.
        self._service_config, self._sts_config = self._config(1), self._config(patience.attempts)
        self._session, self._region = own_session()
        self._over = False  # what AWS said of our session's credentials
        self._lock = threading.Lock()
        self._doors: dict[tuple[str | None, str], _Door] = {}

    @property
    def region(self) -> str | None:
        """The region that we are configured for, if any: AWS_REGION, AWS_DEFAULT_REGION, the AWS config."""
        return self._region

    def trusts(self, endpoint: str) -> bool:
        """Whether what answers there is AWS: its own endpoint, or the one that the policy names."""
        return is_aws(self._settings, endpoint)

    def sign_in(self, account: str | None, region: str) -> SignedIn:
        """Be somebody in an account; None: in our own, whichever that is.

        Raises ClientError, BotoCoreError, OSError, ValueError, NotAws or NoEntry, and for a while the same again
        without asking.
        """
        own = self._enter(None, region)
        return own if account in (None, own.who.account) else self._enter(account, region)

    def forget(self, over: SignedIn, region: str) -> None:
        """Sign in anew next time: AWS says that these credentials are over."""
        for account in (over.who.account, None):
            door = self._door(account, region)
            with door.lock:
                if door.signed_in is not over:  # another thread was here before
                    continue
                door.signed_in = None
                if account is None:
                    self._end_session()

    def _enter(self, account: str | None, region: str) -> SignedIn:
        door = self._door(account, region)
        with door.lock:
            if door.signed_in is not None:
                return door.signed_in
            if door.refusal is not None and self._clock.monotonic() < door.refused_until:
                raise door.refusal
            try:
                door.signed_in = self._own(region) if account is None else self._foreign(account, region)
            except _REFUSALS as error:
                door.refusal, door.refused_until = error, self._clock.monotonic() + _REFUSAL_HOLDS
                raise
            return door.signed_in

    def _door(self, account: str | None, region: str) -> _Door:
        with self._lock:
            return self._doors.setdefault((account, region), _Door())

    def _own(self, region: str) -> SignedIn:
        session = self._ours()
        try:
            who = _who_we_are(self._sts(session, region))
        except ClientError as error:
            if is_expired(error):
                self._end_session()
            raise
        return SignedIn(who, self._client(session, region))

    def _ours(self) -> boto3.Session:
        """Give the session of our own credentials: another one where those were over, since a session keeps them."""
        with self._lock:
            if self._over:
                self._session, self._over = boto3.Session(), False
            return self._session

    def _end_session(self) -> None:
        with self._lock:
            self._over = True

    def _foreign(self, account: str, region: str) -> SignedIn:
        """Assume the role that the policy has for an account, and make sure that it is of that account."""
        us = self._enter(None, region)
        own = us.who
        role, external_id = self._role(account, own)
        if role is None or not self._settings.assume_role:
            raise NoEntry(f"the function is in account {account}, we are in {own.account}; {_what_would_help(role)}")
        try:
            session = self._assumed(role, external_id, region)
        except ClientError as error:
            if is_expired(error):
                self.forget(us, region)
            raise NoEntry(f"{own.arn} may not assume {role}: {said(error)}") from error
        who = _who_we_are(self._sts(session, region))
        if who.account != account:
            raise NoEntry(f"{role} was to be of account {account}, and is {who.arn}")
        return SignedIn(who, self._client(session, region))

    def _role(self, account: str, own: Identity) -> tuple[str | None, str | None]:
        if account in self._settings.accounts:
            chosen = self._settings.accounts[account]
            return chosen.role_arn, chosen.external_id
        name = self._settings.role_name
        # Roles can be assumed within a partition only: aws, aws-cn, aws-us-gov.
        return (f"arn:{own.arn.split(':')[1]}:iam::{account}:role/{name}" if name else None), None

    def _assumed(self, role: str, external_id: str | None, region: str) -> boto3.Session:
        sts = self._sts(self._ours(), region)
        more: dict[str, Any] = {"ExternalId": external_id} if external_id else {}

        def refreshed() -> dict[str, str]:
            answer = sts.assume_role(RoleArn=role, RoleSessionName="ack-remediator", **more)
            try:
                given = answer["Credentials"]
                return {
                    "access_key": given["AccessKeyId"],
                    "secret_key": given["SecretAccessKey"],
                    "token": given["SessionToken"],
                    "expiry_time": given["Expiration"].isoformat(),
                }
            except MISSHAPEN as error:
                raise NotAws from error

        # Fetched now: where botocore fetches the first ones by itself, it logs a refusal with a traceback.
        credentials = RefreshableCredentials.create_from_metadata(refreshed(), refreshed, "assume-role")
        core = botocore.session.get_session()
        core.register_component("credential_provider", _Given(credentials))
        return boto3.Session(botocore_session=core)

    def _client(self, session: boto3.Session, region: str) -> Any:
        make: Callable[..., Any] = session.client  # by a name that is not written out, it has no type
        with self._lock:  # boto3 sessions are not thread-safe; clients are
            return self._bound(
                make(
                    self._service,
                    region_name=region,
                    endpoint_url=self._settings.endpoint_url,
                    config=self._service_config,
                )
            )

    def _sts(self, session: boto3.Session, region: str) -> STSClient:
        with self._lock:
            return self._bound(
                session.client(
                    "sts", region_name=region, endpoint_url=self._settings.endpoint_url, config=self._sts_config
                )
            )

    def _config(self, attempts: int) -> Config:
        return config(self._settings, self._patience, attempts)

    def _bound(self, client: T) -> T:
        return bound(client, self._patience, self._count)


def is_aws(settings: Aws, endpoint: str) -> bool:
    """Whether what answers there is AWS: its own endpoint, or the one that the policy names."""
    if settings.endpoint_url is not None:
        return endpoint.rstrip("/") == settings.endpoint_url.rstrip("/")
    parts = urlsplit(endpoint)
    return parts.scheme == "https" and (parts.hostname or "").endswith(_AWS_DOMAINS)


def own_session() -> tuple[boto3.Session, str | None]:
    """Find our own credentials, and the region that we are configured for; raise CloudError where that is broken."""
    try:
        session = boto3.Session()
        # boto3 by itself reads AWS_DEFAULT_REGION only; EKS and the other SDKs set AWS_REGION.
        return session, os.environ.get("AWS_REGION") or session.region_name
    except BotoCoreError as error:
        raise CloudError(f"AWS cannot be used: {error}", hint="See AWS_PROFILE and the AWS config file.") from error


def config(settings: Aws, patience: Patience, attempts: int, **more: Any) -> Config:
    """Say how a client is to be patient, and whose it is."""
    return Config(
        connect_timeout=patience.connect,
        read_timeout=patience.read,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=settings.workers,
        user_agent_extra=f"ack-remediator/{__version__}",
        **more,
    )


def bound(client: T, patience: Patience, count: Count = count_nothing) -> T:
    """Let a client's answers end in time, and be counted.

    Botocore has no option for the time, nor a public way to its connections.
    """
    session = client._endpoint.http_session  # type: ignore[attr-defined]
    bound_answers(session._pool_classes_by_scheme, patience.answer)
    count_requests(client, count)
    return client


class _Given:
    """What botocore asks for credentials, where they are known."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def load_credentials(self) -> Credentials:
        return self._credentials


def is_expired(error: ClientError) -> bool:
    return error.response.get("Error", {}).get("Code") in EXPIRED


def said(error: ClientError) -> str:
    """Say which call AWS refused, and how; and what helps against credentials that are over."""
    told = error.response.get("Error", {})
    service = error.operation_name
    code, message = told.get("Code", "an error"), told.get("Message") or "no message"
    advice = " (log in to AWS again, or renew its credentials)" if code in EXPIRED else ""
    return f"{service} was answered {code}: {message}{advice}"


def _who_we_are(sts: STSClient) -> Identity:
    try:
        answer = sts.get_caller_identity()
        arn, account = answer["Arn"], answer["Account"]
    except MISSHAPEN as error:
        raise NotAws from error
    if not arn.startswith("arn:") or arn.count(":") < _COLONS:
        raise NotAws
    return Identity(arn, account)


def _what_would_help(role: str | None) -> str:
    if role is None:
        return "the policy's aws.accounts has no role for it, and aws.roleName is null"
    return f"with aws.assumeRole: true in the policy, {role} would be assumed"
