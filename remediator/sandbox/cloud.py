"""AWS for the sandbox: Lambda and STS on loopback, whose states, refusals and clock a test or a demo decides."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server

from remediator.sandbox.aws.accounts import Accounts
from remediator.sandbox.aws.behaviour import Behaviour
from remediator.sandbox.aws.calls import Call, warm_up
from remediator.sandbox.aws.function_scripts import FunctionScripts
from remediator.sandbox.aws.functions import CODE_KEY, code_archive
from remediator.sandbox.aws.identities import Identities, Role
from remediator.sandbox.aws.lambda_service import CODE_URL_SECRET
from remediator.sandbox.aws.lambda_states import Phase
from remediator.sandbox.aws.layer import Layer
from remediator.sandbox.aws.refusal_scripts import RefusalScripts
from remediator.sandbox.aws.refusals import Hang
from remediator.sandbox.clock import SandboxClock

__all__ = ["ACCOUNT", "CODE_URL_SECRET", "Call", "Cloud", "Hang", "Phase"]

ACCOUNT = "123456789012"


class _QuietHandler(MotoRequestHandler):  # type: ignore[misc]
    """Serve requests without a line on stderr for each."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: `Cloud.calls` is the log."""

    def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
        """Hang up on a caller who gets no answer: nothing else could follow on this connection."""
        self.close_connection = True


class Cloud(FunctionScripts, RefusalScripts, Behaviour):
    """Moto's server with scripted Lambda states, on 127.0.0.1; a context manager.

    Regions are independent and are taken from each request's signature. So are accounts: a request is of the account
    that its access key belongs to, `account` where nothing else was said of the key.
    """

    def __init__(
        self, clock: SandboxClock, port: int = 0, region: str = "us-east-1", *, account: str = ACCOUNT
    ) -> None:
        self.region = region
        self.account = account
        self.endpoint = ""
        self._port = port
        self._layer = Layer(Accounts(clock), Identities(account, clock.now), self, clock.now)
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        own = self._layer.accounts.functions(account)
        self.code = {"s3Bucket": own.bucket, "s3Key": CODE_KEY}
        self.code_sha256 = base64.b64encode(hashlib.sha256(code_archive()).digest()).decode()
        self.role_arn = own.role_arn

    # ---- life ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Serve, with no function in it. Raise RuntimeError if another cloud of this process has the account."""
        self._layer.accounts.open()
        self._layer.open()
        warm_up()
        self._server = make_server("127.0.0.1", self._port, self._layer, threaded=True, request_handler=_QuietHandler)
        self.endpoint = f"http://127.0.0.1:{self._server.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="sandbox-cloud",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop serving, and hang up on every call that has no answer yet; a second call does nothing."""
        if self._server is None or self._thread is None:
            return
        self._layer.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = None
        self._layer.accounts.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ---- who calls -------------------------------------------------------------------------------------------------

    def identify(self, access_key: str, account: str, arn: str | None = None) -> None:
        """Let an access key belong to another account, whose functions are its own.

        `arn` is the caller's own, of a user or of an assumed role, as GetCallerIdentity and refusals give it.
        """
        with self._layer.lock:
            self._layer.accounts.functions(account)
            self._layer.identities.identify(access_key, account, arn)

    def add_role(
        self,
        name: str,
        *,
        account: str | None = None,
        trusts: Iterable[str] | None = None,
        external_id: str | None = None,
    ) -> str:
        """Let there be a role that AssumeRole gives sessions of; return its ARN.

        `trusts` are accounts, or ARNs of users and roles; the cloud's own account, where not given. The sessions end by
        the sandbox's clock, which botocore's own refreshing of credentials does not know.
        """
        owner = account or self.account
        arn = f"arn:aws:iam::{owner}:role/{name}"
        trusted = frozenset([self.account] if trusts is None else trusts)
        with self._layer.lock:
            self._layer.accounts.functions(owner)
            self._layer.identities.add_role(Role(arn, trusted, external_id))
        return arn

    # ---- what was asked --------------------------------------------------------------------------------------------

    @property
    def calls(self) -> list[Call]:
        """Every Lambda and STS request so far, in order."""
        return self.calls_since(0)

    def calls_since(self, index: int) -> list[Call]:
        """Return a copy of the calls from `index` on."""
        with self._layer.lock:
            return self._layer.calls[index:]

    def calls_of(
        self,
        operation: str,
        *,
        function: str | None = None,
        access_key: str | None = None,
        account: str | None = None,
        since: int = 0,
    ) -> list[Call]:
        """Return the calls of one operation, narrowed where told, from the index `since` on."""
        return [
            each
            for each in self.calls_since(since)
            if each.operation == operation
            and function in (None, each.function)
            and access_key in (None, each.access_key)
            and account in (None, each.account)
        ]
