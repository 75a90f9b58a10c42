"""Ask Lambda for live state, and let no doubt pass as *gone*."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from remediator import __version__
from remediator.aws.answers import present, unicode_only
from remediator.aws.counting import Count, count_nothing, count_requests
from remediator.deadline import bound_answers
from remediator.errors import CloudError
from remediator.model.live import LiveState, Presence, Vouched, unreadable
from remediator.model.resource import Resource
from remediator.policy import Aws, LambdaCall
from remediator.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sts import STSClient

T = TypeVar("T")

_NOT_FOUND = "ResourceNotFoundException"
# GetFunctionConfiguration shares 15 calls a second with all deployments of the account; GetFunction has its own 100.
_SECONDS_BETWEEN = {LambdaCall.GET_FUNCTION_CONFIGURATION: 1.0, LambdaCall.GET_FUNCTION: 0.2}
# What botocore raises where an answer has another shape than its model says, from deep within its parsers.
_MISSHAPEN = (KeyError, TypeError, AttributeError, RecursionError, ResponseParserError)
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn")


# How long a failed sign-in is believed, in seconds: asking anew for each of a hundred suspects would take half an hour.
_REFUSAL_HOLDS = 30.0


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


class Identity(NamedTuple):
    """Who AWS says we are."""

    arn: str
    account: str


class AwsCloud:
    """The Cloud port: one client per region, one pace for all threads. `count` is told of each try of a call."""

    def __init__(
        self, settings: Aws, clock: Clock, patience: Patience = USUAL_PATIENCE, count: Count = count_nothing
    ) -> None:
        self._settings = settings
        self._count = count
        self._clock = clock
        self._patience = patience
        self._config = Config(
            connect_timeout=patience.connect,
            read_timeout=patience.read,
            retries={"mode": "standard", "total_max_attempts": patience.attempts},
            max_pool_connections=settings.workers,
            user_agent_extra=f"ack-remediator/{__version__}",
        )
        try:
            self._session = boto3.Session()
        except BotoCoreError as error:
            raise CloudError(f"AWS cannot be used: {error}", hint="See AWS_PROFILE and the AWS config file.") from error
        self._lock = threading.Lock()
        self._clients: dict[str, LambdaClient] = {}
        self._identities: dict[str, Identity] = {}
        self._refusals: dict[str, tuple[float, ClientError | BotoCoreError | NotAws]] = {}
        self._pace = _Pace(_SECONDS_BETWEEN[settings.call], clock)

    def probe(self, resource: Resource) -> LiveState:
        """Ask for one function, by the ARN that the controller recorded, else by its name.

        *Gone* needs both: NotFound by ARN and by name, each naming that function, from the account and region of the
        ARN. Without an ARN it stays unproven. Everything that is no clear answer is unreadable.
        """
        place = resource.status.ack_resource_metadata if resource.status else None
        arn = resource.arn
        annotated = resource.annotations.get("services.k8s.aws/region")
        region = (arn.region if arn else None) or (place.region if place else None) or annotated
        # boto3 by itself reads AWS_DEFAULT_REGION only; EKS and the other SDKs set AWS_REGION.
        region = region or os.environ.get("AWS_REGION") or self._session.region_name
        if not region:
            return self._doubt("no region is known: status has none, and neither AWS_REGION nor the AWS config does")
        if not resource.function_name:
            return self._doubt("spec.name is missing")
        who = None
        try:
            who = self._identity(region)
            if arn is not None and arn.account != who.account:
                return self._doubt(f"the function is in account {arn.account}, we are in {who.account}", who)
            return self._ask(resource, region, who)
        except ClientError as error:
            return self._doubt(_said(error), who)
        except (BotoCoreError, ValueError) as error:
            return self._doubt(f"{type(error).__name__}: {error}", who)
        except NotAws as error:
            return self._doubt(str(error), who)

    def _ask(self, resource: Resource, region: str, who: Identity) -> LiveState:
        client = self._client(region)
        endpoint = client.meta.endpoint_url
        if not self._trusted(endpoint):
            return self._doubt(f"{endpoint} is not AWS's own endpoint, and the policy's aws.endpointURL is not it", who)
        name, arn = resource.function_name, resource.arn
        for asked in filter(None, (resource.arn_text if arn else None, name)):
            self._pace.wait(region)
            try:
                answer = self._call(client, asked)
            except ClientError as error:
                if not _names_the_function(error, name, region, who.account):
                    raise
                continue
            found = answer.get("FunctionArn")
            if not _is_of_the_function(found, asked.rsplit(":", 1)[-1], region, who.account):
                return self._doubt(f"asked for {asked}, the answer is about {found or 'no function'}", who)
            if asked == name and arn is not None and arn.name == name:
                return self._doubt(f"AWS finds the function by name, but not by its ARN {resource.arn_text}", who)
            return present(answer, at=self._clock.now(), identity=who.arn, account=who.account, region=region)
        proven = arn is not None and arn.name == name
        return LiveState(
            presence=Presence.GONE,
            vouched=Vouched.PROVEN if proven else Vouched.UNPROVEN,
            why="" if proven else "status records no ARN of it, so this is no proof",
            at=self._clock.now(),
            identity=who.arn,
            account=who.account,
            region=region,
            arn=resource.arn_text,
        )

    def _call(self, client: LambdaClient, function: str) -> dict[str, Any]:
        try:
            if self._settings.call is LambdaCall.GET_FUNCTION:
                return dict(client.get_function(FunctionName=function)["Configuration"])
            return dict(client.get_function_configuration(FunctionName=function))
        except _MISSHAPEN as error:
            raise NotAws from error

    def _doubt(self, why: str, who: Identity | None = None) -> LiveState:
        return unreadable(unicode_only(why), at=self._clock.now(), identity=who.arn if who else None)

    def _trusted(self, endpoint: str) -> bool:
        if self._settings.endpoint_url is not None:
            return endpoint.rstrip("/") == self._settings.endpoint_url.rstrip("/")
        parts = urlsplit(endpoint)
        return parts.scheme == "https" and (parts.hostname or "").endswith(_AWS_DOMAINS)

    def _client(self, region: str) -> LambdaClient:
        with self._lock:  # boto3 sessions are not thread-safe; clients are
            if region not in self._clients:
                client = self._session.client(
                    "lambda", region_name=region, endpoint_url=self._settings.endpoint_url, config=self._config
                )
                self._clients[region] = self._bound(client)
            return self._clients[region]

    def _identity(self, region: str) -> Identity:
        with self._lock:
            if region in self._identities:
                return self._identities[region]
            until, refusal = self._refusals.get(region, (0.0, None))
            if refusal is not None and self._clock.monotonic() < until:
                raise refusal
            try:
                sts = self._session.client(
                    "sts", region_name=region, endpoint_url=self._settings.endpoint_url, config=self._config
                )
                self._identities[region] = _who_we_are(self._bound(sts))
            except (ClientError, BotoCoreError, NotAws) as error:
                self._refusals[region] = (self._clock.monotonic() + _REFUSAL_HOLDS, error)
                raise
            return self._identities[region]

    def _bound(self, client: T) -> T:
        """Let its answers end in time, and be counted.

        Botocore has no option for the time, nor a public way to its connections.
        """
        session = client._endpoint.http_session  # type: ignore[attr-defined]
        bound_answers(session._pool_classes_by_scheme, self._patience.answer)
        count_requests(client, self._count)
        return client


def _who_we_are(sts: STSClient) -> Identity:
    try:
        answer = sts.get_caller_identity()
        return Identity(answer["Arn"], answer["Account"])
    except _MISSHAPEN as error:
        raise NotAws from error


class _Pace:
    """At most one call per span and region, over all threads: the quota is shared with people's deployments."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}

    def wait(self, region: str) -> None:
        with self._lock:
            now = self._clock.monotonic()
            turn = max(now, self._next.get(region, now))
            self._next[region] = turn + self._seconds
        if turn > now:
            self._clock.sleep(turn - now)


def _names_the_function(error: ClientError, name: str, region: str, account: str) -> bool:
    """Whether a NotFound speaks of just this function; a wrong region answers the same code about another one."""
    if error.response.get("Error", {}).get("Code") != _NOT_FOUND:
        return False
    return _is_of_the_function(error.response.get("Error", {}).get("Message"), name, region, account)


def _is_of_the_function(text: object, name: str, region: str, account: str) -> bool:
    return isinstance(text, str) and text.strip().endswith(f":lambda:{region}:{account}:function:{name}")


def _said(error: ClientError) -> str:
    told = error.response.get("Error", {})
    service = error.operation_name
    code, message = told.get("Code", "an error"), told.get("Message") or "no message"
    advice = " (log in to AWS again, or renew its credentials)" if code in _EXPIRED else ""
    return f"{service} was answered {code}: {message}{advice}"
