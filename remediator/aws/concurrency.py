"""Ask AWS how much concurrency an account has, and has left."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from remediator.aws.clients import USUAL_PATIENCE, Clients, NoEntry, NotAws, said
from remediator.aws.pace import Pace, Place
from remediator.aws.patiently import TooOften, patiently
from remediator.errors import CloudError
from remediator.model.concurrency import Concurrency
from remediator.policy import Aws
from remediator.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import AccountLimitTypeDef

_SECONDS_BETWEEN = 0.2  # calls; each of these two has a share of the quota of 15 a second


def concurrency(settings: Aws, clock: Clock, functions: Iterable[str]) -> Concurrency:
    """Read the account's limit, and what these functions have reserved of it, as the caller and in their region."""
    try:
        clients = Clients(settings, clock, USUAL_PATIENCE)
        region = clients.region
        if not region:
            return Concurrency(why="no region is known: neither AWS_REGION nor the AWS config says one")
        who, client = clients.sign_in(None, region)
        at = Place(who.account, region)
        ask = partial(patiently, Pace(_SECONDS_BETWEEN, clock), at, USUAL_PATIENCE.attempts)
        limits = ask(partial(_limits, client))
        reserved = {name: ask(partial(_reserved, client, name)) for name in functions}
        return Concurrency(
            where=f"account {at.account} in {region}",
            limit=limits["ConcurrentExecutions"],
            unreserved=limits["UnreservedConcurrentExecutions"],
            reserved={name: amount for name, amount in reserved.items() if amount},
        )
    except ClientError as error:
        return Concurrency(why=said(error))
    except CloudError as error:
        return Concurrency(why=error.message)
    except (BotoCoreError, OSError, ValueError, NotAws, NoEntry, TooOften) as error:
        return Concurrency(why=str(error) or type(error).__name__)
    except (KeyError, TypeError):
        return Concurrency(why=str(NotAws()))


def _limits(client: LambdaClient) -> AccountLimitTypeDef:
    return client.get_account_settings()["AccountLimit"]


def _reserved(client: LambdaClient, name: str) -> int:
    try:
        return int(client.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions", 0))
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
            return 0
        raise
