"""Find functions by ACK's tags: the one question to AWS that is about more than one function.

By the Resource Groups Tagging API: it has a quota of its own, which no deployment needs, looks through tags where they
are, and answers a hundred at a time. ListFunctions would answer with the environment of every function, and ListTags
would be a call for each, out of the quota that deployments share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from remediator.aws.answers import unicode_only
from remediator.aws.clients import USUAL_PATIENCE, Clients, NoEntry, NotAws, Patience, SignedIn, is_expired, said
from remediator.aws.counting import MISSHAPEN, Count, count_nothing
from remediator.aws.pace import Pace, Place
from remediator.aws.patiently import TooOften, patiently
from remediator.model.orphan import ACK_TAGS, Inventory, Tagged
from remediator.policy import Aws
from remediator.ports import Clock

_FUNCTIONS = "lambda:function"
# Its quota is 15 calls a second in each account and region (AWS General Reference, Resource Groups Tagging API).
_SECONDS_BETWEEN = 0.25
# A token that comes again and again would keep us for ever; Lambda has no account with so many functions.
_MOST_PAGES = 10_000


class AwsTags:
    """The Tags port. Only what has one of ACK's tags is kept in memory."""

    def __init__(
        self, settings: Aws, clock: Clock, patience: Patience = USUAL_PATIENCE, count: Count = count_nothing
    ) -> None:
        self._attempts = patience.attempts
        self._clients = Clients(settings, clock, patience, count, service="resourcegroupstaggingapi")
        self._pace = Pace(_SECONDS_BETWEEN, clock)

    @property
    def region(self) -> str | None:
        """The region that we are configured for."""
        return self._clients.region

    def functions(self, account: str | None, region: str) -> Inventory:
        """List what has ACK's tags in a place; what was found before something went wrong is kept, and why is said."""
        found: dict[str, Tagged] = {}
        us: SignedIn | None = None
        why = ""
        try:
            us = self._clients.sign_in(account, region)
            endpoint = us.client.meta.endpoint_url
            if not self._clients.trusts(endpoint):
                why = f"{endpoint} is not AWS's own endpoint, and the policy's aws.endpointURL is not it"
            else:
                for each in self._tagged(us, region):
                    found[each.arn] = each
        except ClientError as error:
            if us is not None and is_expired(error):
                self._clients.forget(us, region)
            why = said(error)
        except (BotoCoreError, OSError, ValueError) as error:
            why = f"{type(error).__name__}: {error}"
        except (NotAws, NoEntry, TooOften) as error:
            why = str(error)
        name = us.who.account if us else account or ""
        return Inventory(account=name, region=region, functions=tuple(found.values()), why=unicode_only(why))

    def _tagged(self, us: SignedIn, region: str) -> Iterator[Tagged]:
        """Ask for one tag after the other: asked for together, all of them would have to be there."""
        at = Place(us.who.account, region)
        for key in ACK_TAGS:
            token = ""
            for _ in range(_MOST_PAGES):
                page, token = patiently(self._pace, at, self._attempts, partial(_page, us.client, key, token))
                for each in page:
                    if each.arn.startswith(_prefix(each.arn, at)):
                        yield each
                if not token:
                    break
            else:
                raise NotAws


def _page(client: Any, key: str, token: str) -> tuple[list[Tagged], str]:
    try:
        answer = client.get_resources(
            ResourceTypeFilters=[_FUNCTIONS], TagFilters=[{"Key": key}], ResourcesPerPage=100, PaginationToken=token
        )
        page = [_read(each) for each in answer["ResourceTagMappingList"]]
        return page, answer.get("PaginationToken") or ""
    except MISSHAPEN as error:
        raise NotAws from error


def _read(each: Mapping[str, Any]) -> Tagged:
    tags = {unicode_only(tag["Key"]): unicode_only(tag["Value"]) for tag in each["Tags"]}
    return Tagged(unicode_only(each["ResourceARN"]), tags)


def _prefix(arn: str, at: Place) -> str:
    """Say how the ARN of a function of that place begins: what an answer tells of another one is not believed."""
    partition = arn.split(":")[1:2] or ["aws"]
    return f"arn:{partition[0]}:lambda:{at.region}:{at.account}:function:"
