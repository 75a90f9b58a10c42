"""Ask Lambda for live state, and let no doubt pass as *gone*."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from remediator.aws import other_kinds
from remediator.aws.answers import present, unicode_only
from remediator.aws.clients import (
    USUAL_PATIENCE,
    Clients,
    Identity,
    NoEntry,
    NotAws,
    Patience,
    SignedIn,
    is_expired,
    said,
)
from remediator.aws.counting import MISSHAPEN, Count, count_nothing
from remediator.aws.pace import Pace, Place
from remediator.aws.patiently import TooOften, is_passing, patiently
from remediator.model.live import LiveState, Presence, Vouched, unreadable
from remediator.model.placement import Placement, place
from remediator.model.resource import Resource
from remediator.policy import Aws, LambdaCall
from remediator.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

__all__ = ["USUAL_PATIENCE", "AwsCloud", "Patience"]

_NOT_FOUND = "ResourceNotFoundException"
# GetFunctionConfiguration shares 15 calls a second with all deployments of the account; GetFunction has its own 100.
_SECONDS_BETWEEN = {LambdaCall.GET_FUNCTION_CONFIGURATION: 1.0, LambdaCall.GET_FUNCTION: 0.2}


class AwsCloud:
    """The Cloud port: one client and one pace per account and region, for all threads.

    `count` is told of each try of a call.
    """

    def __init__(
        self, settings: Aws, clock: Clock, patience: Patience = USUAL_PATIENCE, count: Count = count_nothing
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._attempts = patience.attempts
        self._clients = Clients(settings, clock, patience, count)
        self._pace = Pace(_SECONDS_BETWEEN[settings.call], clock)
        # What is no function is asked for by calls of the shared quota, whichever the policy has for functions.
        shared = LambdaCall.GET_FUNCTION_CONFIGURATION
        self._others_pace = self._pace if settings.call is shared else Pace(_SECONDS_BETWEEN[shared], clock)

    def probe(self, resource: Resource, placement: Placement | None = None) -> LiveState:
        """Ask for one function, by the ARN that the controller recorded, else by its name where ACK would look for it.

        *Gone* needs both: NotFound by ARN and by name, each naming that function, from the account and region of the
        ARN. Without an ARN it stays unproven. Everything that is no clear answer is unreadable.
        """
        arn, there = resource.arn, placement or place(resource)
        region = (arn.region if arn else there.region) or self._clients.region
        if not region:
            why = "no region is known: status has none, and neither AWS_REGION nor the AWS config does"
            return self._doubt(why, passing=True)
        if resource.is_function and not resource.function_name:
            return self._doubt("spec.name is missing")
        account = arn.account if arn else there.account
        if account is None and there.role_missing:
            return self._doubt(f"which account it is for cannot be told: {there.role_missing}", passing=True)
        own: SignedIn | None = None
        try:
            own = self._clients.sign_in(None, region)
            own = self._clients.sign_in(account, region)
            live = self._ask(resource, region, own)
        except ClientError as error:
            over = own is not None and is_expired(error)
            if own is not None and over:
                self._clients.forget(own, region)
            return self._doubt(said(error), own, passing=over or is_passing(error))
        except (BotoCoreError, OSError, ValueError) as error:
            return self._doubt(f"{type(error).__name__}: {error}", own, passing=is_passing(error))
        except (NotAws, NoEntry, TooOften) as error:
            return self._doubt(str(error), own, passing=isinstance(error, TooOften))
        if live.present and arn is None and placement is not None and placement.unsure:
            why = f"AWS has {live.arn}, but whether that is it cannot be told: status records no ARN, and"
            return self._doubt(f"{why} {placement.unsure}", own, passing=True)
        return live

    def _ask(self, resource: Resource, region: str, us: SignedIn) -> LiveState:
        who, client = us
        endpoint = client.meta.endpoint_url
        if not self._clients.trusts(endpoint):
            return self._doubt(f"{endpoint} is not AWS's own endpoint, and the policy's aws.endpointURL is not it", us)
        if not resource.is_function:
            other = partial(self._other, client, resource, region, who)
            return patiently(self._others_pace, Place(who.account, region), self._attempts, other)
        name, arn = resource.function_name, resource.arn
        for asked in filter(None, (resource.arn_text if arn else None, name)):
            try:
                answer = patiently(
                    self._pace, Place(who.account, region), self._attempts, partial(self._call, client, asked)
                )
            except ClientError as error:
                if not _names_the_function(error, name, region, who.account):
                    raise
                continue
            found = answer.get("FunctionArn")
            if not _is_of_the_function(found, asked.rsplit(":", 1)[-1], region, who.account):
                return self._doubt(f"asked for {asked}, the answer is about {found or 'no function'}", us)
            if asked == name and arn is not None and arn.name == name:
                why = f"AWS finds the function by name, but not by its ARN {resource.arn_text}"
                return self._doubt(why, us, passing=True)
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

    def _other(self, client: LambdaClient, resource: Resource, region: str, who: Identity) -> LiveState:
        try:
            return other_kinds.ask(
                client, resource, at=self._clock.now(), identity=who.arn, account=who.account, region=region
            )
        except MISSHAPEN as error:
            raise NotAws from error

    def _call(self, client: LambdaClient, function: str) -> dict[str, Any]:
        """Return the configuration; from GetFunction with the image, and never with the link to the code beside it."""
        try:
            if self._settings.call is LambdaCall.GET_FUNCTION:
                answer = client.get_function(FunctionName=function)
                image = answer.get("Code", {}).get("ImageUri")
                return {**answer["Configuration"], "Code": {"ImageUri": image}}
            return dict(client.get_function_configuration(FunctionName=function))
        except MISSHAPEN as error:
            raise NotAws from error

    def _doubt(self, why: str, us: SignedIn | None = None, *, passing: bool = False) -> LiveState:
        who = us.who.arn if us else None
        return unreadable(unicode_only(why), at=self._clock.now(), identity=who, passing=passing)


def _names_the_function(error: ClientError, name: str, region: str, account: str) -> bool:
    """Whether a NotFound speaks of just this function; a wrong region answers the same code about another one."""
    if error.response.get("Error", {}).get("Code") != _NOT_FOUND:
        return False
    return _is_of_the_function(error.response.get("Error", {}).get("Message"), name, region, account)


def _is_of_the_function(text: object, name: str, region: str, account: str) -> bool:
    return isinstance(text, str) and text.strip().endswith(f":lambda:{region}:{account}:function:{name}")
