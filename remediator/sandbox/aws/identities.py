"""Who calls: users by their access key, and the sessions that STS gives to those who may assume a role."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from remediator.sandbox.aws.calls import Request
from remediator.sandbox.aws.errors import Answer, AwsError, sts_answer
from remediator.sandbox.aws.wording import Asked, denied, expired, unrecognized


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller: account, ARN, and `user_id` as GetCallerIdentity gives it.

    `token` and `expires` are of temporary credentials only. `role` is the ARN of the role that was assumed.
    """

    account: str
    arn: str
    user_id: str
    token: str | None = None
    expires: datetime | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """A role that `trusted` may assume: accounts, and ARNs of users or of roles."""

    arn: str
    trusted: frozenset[str]
    external_id: str | None

    def trusts(self, caller: Identity, external_id: str | None) -> bool:
        """Tell whether the trust policy lets the caller in."""
        known = {caller.account, caller.arn, caller.role} & self.trusted
        return bool(known) and self.external_id in (None, external_id)


class Identities:
    """Everybody who can call. Not thread-safe: its owner holds a lock.

    An unknown access key is of a session in `account` that never ends, as people with single sign-on and controllers
    with a role of their own have them. No signature is verified: a secret is never asked for.
    """

    def __init__(self, account: str, now: Callable[[], datetime]) -> None:
        self._account = account
        self._now = now
        self._known: dict[str, Identity] = {}
        self._roles: dict[str, Role] = {}

    def identify(self, access_key: str, account: str, arn: str | None) -> None:
        """Let an access key be somebody's of an account; without an ARN, of a session of the role `sandbox`."""
        self._known[access_key] = _identity(account, arn)

    def add_role(self, role: Role) -> None:
        """Let there be a role to assume."""
        self._roles[role.arn] = role

    def of(self, access_key: str | None) -> Identity:
        """Return whose an access key is."""
        return self._known.get(access_key or "") or _identity(self._account, None)

    def check(self, request: Request) -> None:
        """Raise AwsError for a session whose token is missing or another's, or whose time is over."""
        caller = self.of(request.access_key)
        if caller.token is not None and request.token != caller.token:
            raise unrecognized(request.service)
        if caller.expires is not None and self._now() >= caller.expires:
            raise expired(request.service)

    def answer(self, request: Request, asked: Asked) -> Answer | None:
        """Answer what concerns identities; None for any other operation of STS. Raise AwsError for what is refused."""
        caller = self.of(request.access_key)
        if request.operation == "GetCallerIdentity":
            shown = {"UserId": caller.user_id, "Account": caller.account, "Arn": caller.arn}
            return sts_answer(request.operation, shown)
        if request.operation != "AssumeRole":
            return None
        role = self._roles.get(str(request.parameters.get("RoleArn")))
        if role is None or not role.trusts(caller, request.parameters.get("ExternalId")):
            # Of a role that does not exist STS says just the same, so that nobody can find out which ones do.
            raise denied(asked)
        return self._open(role, str(request.parameters.get("RoleSessionName")), _duration(request, caller))

    def _open(self, role: Role, session: str, duration: timedelta) -> Answer:
        account, name = role.arn.split(":")[4], role.arn.rsplit("/", 1)[1]
        made = Identity(
            account=account,
            arn=f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
            user_id=f"AROASANDBOX:{session}",
            token=f"sandbox-session-token-{uuid.uuid4().hex}",
            expires=self._now() + duration,
            role=role.arn,
        )
        assert made.token is not None and made.expires is not None
        access_key = f"ASIA{uuid.uuid4().hex[:16].upper()}"
        self._known[access_key] = made
        credentials = {
            "AccessKeyId": access_key,
            "SecretAccessKey": f"sandbox-secret-{uuid.uuid4().hex}",
            "SessionToken": made.token,
            "Expiration": f"{made.expires:%Y-%m-%dT%H:%M:%SZ}",
        }
        user = {"AssumedRoleId": made.user_id, "Arn": made.arn}
        return sts_answer("AssumeRole", {"Credentials": credentials, "AssumedRoleUser": user})


def _duration(request: Request, caller: Identity) -> timedelta:
    """Read how long a session is asked for: an hour where nothing is said, and at most from one role to the next."""
    seconds = int(request.parameters.get("DurationSeconds", 3600))
    if caller.role is not None and seconds > 3600:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        )
    return timedelta(seconds=seconds)


def _identity(account: str, arn: str | None) -> Identity:
    arn = arn or f"arn:aws:sts::{account}:assumed-role/sandbox/session"
    if ":assumed-role/" not in arn:
        return Identity(account, arn, "AIDASANDBOX")
    name, session = arn.split(":assumed-role/")[1].split("/")
    return Identity(account, arn, f"AROASANDBOX:{session}", role=f"arn:aws:iam::{account}:role/{name}")
