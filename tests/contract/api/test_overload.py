"""A server that has no time: 429, and when to come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.api.conftest import FUNCTIONS

if TYPE_CHECKING:
    from tests.bed.http import Http
    from tests.contract.api.conftest import Accounts


def test_one_user_is_told_to_come_back_later(accounts: Accounts, http_client: Http) -> None:
    rule = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
    busy, other = accounts.make("busy", rule), accounts.make("other", rule)
    path = f"{FUNCTIONS}/functions"
    with accounts.plane.overloaded(accounts.user("busy")):
        for method, where in (
            ("GET", path),
            ("GET", "/apis"),
            ("POST", f"/api/v1/namespaces/{accounts.namespace}/pods"),
        ):
            reply = busy(method, where)
            assert (reply.code, reply.headers["Retry-After"]) == (429, "1")
            assert reply.body == "Too many requests, please try again later.\n"
        assert other("GET", path).code == http_client("GET", path).code == 200
    accounts.until(lambda: busy("GET", path).code == 200)
