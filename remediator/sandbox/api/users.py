"""Who asks: the admin, ServiceAccounts by the tokens that they were given, or nobody in particular."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from remediator.sandbox.api.resources import SERVICE_ACCOUNTS
from remediator.sandbox.api.status import unauthorized
from remediator.sandbox.api.store import Store
from remediator.sandbox.api.values import Object
from remediator.sandbox.clock import SandboxClock

MASTERS = "system:masters"
"""The group that may do everything, whatever the roles say."""

_ACCOUNT = "system:serviceaccount:"


@dataclass(frozen=True)
class User:
    """One identity, as reviews tell it."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: dict[str, list[str]] = field(default_factory=dict)

    def info(self) -> Object:
        """Return the `userInfo` of reviews, empty fields left out."""
        told = {"username": self.name, "uid": self.uid, "groups": list(self.groups), "extra": self.extra}
        return {name: value for name, value in told.items() if value}


def impersonated(name: str) -> User:
    """Return whom a request is made as: a ServiceAccount is of its groups (apiserver `filters/impersonation`)."""
    groups: tuple[str, ...] = ()
    if account := account_of(name):
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{account[0]}")
    return User(name, groups=(*groups, "system:authenticated"))


def account_of(name: str) -> tuple[str, str] | None:
    """Return namespace and name of the ServiceAccount that a user is; None for another user."""
    namespace, _, account = name.removeprefix(_ACCOUNT).partition(":")
    return (namespace, account) if name.startswith(_ACCOUNT) and namespace and account else None


ADMIN = User("sandbox-admin", "admin", (MASTERS, "system:authenticated"))
ANONYMOUS = User("system:anonymous", groups=("system:unauthenticated",))


@dataclass(frozen=True)
class Token:
    """What was given to a ServiceAccount. It dies with the account, also where a new one takes its name."""

    namespace: str
    name: str
    uid: str
    expires: datetime
    credential: str


class Users:
    """Tell users by their bearer tokens."""

    def __init__(self, store: Store, clock: SandboxClock, admin_token: str) -> None:
        self._store = store
        self._clock = clock
        self._admin_token = admin_token
        self._issued: dict[str, Token] = {}

    def of(self, authorization: str) -> User:
        """Return whose `Authorization` header that is. Raises 401 for a token that is not, or no longer, good."""
        scheme, _, secret = authorization.partition(" ")
        # A pod's client of Kubernetes' own writes it in lower case (apiserver `authentication/request/bearertoken`).
        if scheme.lower() != "bearer":
            return ANONYMOUS
        if secret == self._admin_token:
            return ADMIN
        token = self._issued.get(secret)
        if token is None or not self._holds(token):
            raise unauthorized()
        return User(
            f"system:serviceaccount:{token.namespace}:{token.name}",
            token.uid,
            ("system:serviceaccounts", f"system:serviceaccounts:{token.namespace}", "system:authenticated"),
            {"authentication.kubernetes.io/credential-id": [f"JTI={token.credential}"]},
        )

    def issue(self, account: Object, seconds: int) -> tuple[str, datetime]:
        """Return a new token for a stored ServiceAccount, and when it expires."""
        metadata = account["metadata"]
        expires = self._clock.now() + timedelta(seconds=seconds)
        token = Token(metadata["namespace"], metadata["name"], metadata["uid"], expires, str(uuid.uuid4()))
        secret = secrets.token_urlsafe(32)
        self._issued[secret] = token
        return secret, expires

    def _holds(self, token: Token) -> bool:
        account = self._store.get(SERVICE_ACCOUNTS.shelf, token.namespace, token.name)
        return account is not None and account["metadata"]["uid"] == token.uid and self._clock.now() < token.expires
