"""AWS for the sandbox: Lambda and STS on loopback, whose states, refusals and clock a test or a demo decides."""

from __future__ import annotations

import base64
import hashlib
import threading
from types import TracebackType
from typing import Any, Self

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from remediator.sandbox.aws.calls import Call, warm_up
from remediator.sandbox.aws.errors import USUAL_STATUS, AwsError
from remediator.sandbox.aws.functions import CODE_KEY, Functions, code_archive
from remediator.sandbox.aws.layer import Layer
from remediator.sandbox.aws.refusals import Refusal
from remediator.sandbox.clock import SandboxClock

ACCOUNT = "123456789012"

# Moto keeps its backends per account for the whole process, so two clouds must not share one.
_in_use: set[str] = set()
_in_use_lock = threading.Lock()


class _QuietHandler(MotoRequestHandler):  # type: ignore[misc]
    """Serve requests without a line on stderr for each."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: `Cloud.calls` is the log."""


class Cloud:
    """Moto's server with scripted Lambda states, on 127.0.0.1; a context manager.

    Regions are independent and are taken from each request's signature; methods that name a function mean `region`
    unless told otherwise. Seconds are seconds of the clock. An update that was accepted shows InProgress for
    `update_takes` seconds, a new function Pending for `create_takes`, a deleted one Deleting for `delete_takes`.
    """

    def __init__(
        self, clock: SandboxClock, port: int = 0, region: str = "us-east-1", *, account: str = ACCOUNT
    ) -> None:
        self.region = region
        self.account = account
        self.endpoint = ""
        self._clock = clock
        self._port = port
        self._accounts: dict[str, Functions] = {}
        self._layer = Layer(DomainDispatcherApplication(create_backend_app), self._functions, account)
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        archive = code_archive()
        self.code = {"s3Bucket": self._functions(account).bucket, "s3Key": CODE_KEY}
        self.code_sha256 = base64.b64encode(hashlib.sha256(archive).digest()).decode()
        self.role_arn = self._functions(account).role_arn

    # ---- life ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Serve, with no function in it. Raise RuntimeError if another cloud of this process has the account."""
        with _in_use_lock:
            if self.account in _in_use:
                raise RuntimeError(f"another cloud of account {self.account} runs in this process")
            _in_use.add(self.account)
        for functions in self._accounts.values():
            functions.reset()
            functions.furnish()
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
        """Stop serving; a second call does nothing."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = None
        with _in_use_lock:
            _in_use.discard(self.account)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ---- functions -------------------------------------------------------------------------------------------------

    def create_function(self, name: str, *, region: str | None = None, **configuration: Any) -> str:
        """Create an Active function without a request; return its ARN.

        `configuration` takes CreateFunction's parameters; role, code, handler and runtime are made where not given.
        """
        bucket, key = self.code["s3Bucket"], self.code["s3Key"]
        parameters = {
            "FunctionName": name,
            "Role": self.role_arn,
            "Code": {"S3Bucket": bucket, "S3Key": key},
            "Handler": "app.handler",
            "Runtime": "python3.13",
            **configuration,
        }
        with self._layer.lock:
            return self._functions(self.account).create(region or self.region, parameters)

    def remove(self, name: str, *, region: str | None = None) -> None:
        """Delete a function behind everyone's back; no error if there is none."""
        with self._layer.lock:
            self._functions(self.account).remove(region or self.region, name)

    def configuration(self, name: str, *, region: str | None = None) -> dict[str, Any]:
        """Return what GetFunctionConfiguration answers now. Raise LookupError if there is no such function."""
        with self._layer.lock:
            return self._functions(self.account).configuration(region or self.region, name)

    def set_state(
        self,
        name: str,
        state: str,
        *,
        reason_code: str | None = None,
        reason: str | None = None,
        seconds: float | None = None,
        then: str = "Active",
        region: str | None = None,
    ) -> None:
        """Put a function in a State: for good, or for `seconds` until it becomes `then`."""
        with self._layer.lock:
            functions = self._functions(self.account)
            laid = functions.state(region or self.region, name)
            laid.state = functions.phase(state, reason_code, reason, seconds, then)
            laid.change(laid.modified)

    def set_update(
        self,
        name: str,
        status: str,
        *,
        reason_code: str | None = None,
        reason: str | None = None,
        seconds: float | None = None,
        then: str = "Successful",
        region: str | None = None,
    ) -> None:
        """Give a function a LastUpdateStatus: for good, or for `seconds` until it becomes `then`."""
        with self._layer.lock:
            functions = self._functions(self.account)
            laid = functions.state(region or self.region, name)
            laid.update = functions.phase(status, reason_code, reason, seconds, then)
            laid.change(laid.modified)

    @property
    def create_takes(self) -> float:
        """Seconds for which a function created by request is Pending."""
        return self._layer.create_takes

    @create_takes.setter
    def create_takes(self, seconds: float) -> None:
        self._layer.create_takes = seconds

    @property
    def update_takes(self) -> float:
        """Seconds for which an accepted update is InProgress."""
        return self._layer.update_takes

    @update_takes.setter
    def update_takes(self, seconds: float) -> None:
        self._layer.update_takes = seconds

    @property
    def delete_takes(self) -> float:
        """Seconds for which a deleted function is in State Deleting."""
        return self._layer.delete_takes

    @delete_takes.setter
    def delete_takes(self, seconds: float) -> None:
        self._layer.delete_takes = seconds

    # ---- who may do what -------------------------------------------------------------------------------------------

    def refuse(
        self,
        operation: str,
        code: str,
        message: str,
        *,
        status: int | None = None,
        name: str | None = None,
        times: int | None = None,
        access_key: str | None = None,
    ) -> None:
        """Refuse an operation of Lambda or STS, `times` times or until `allow`; the refusal scripted first wins.

        `status` is the HTTP status; without it, the one that AWS uses with `code`, else 400.
        """
        error = AwsError(code, message, status or USUAL_STATUS.get(code, 400))
        with self._layer.lock:
            self._layer.refusals.append(Refusal(operation, error, name, access_key, times))

    def allow(self) -> None:
        """Forget every refusal."""
        with self._layer.lock:
            self._layer.refusals.clear()

    def identify(self, access_key: str, account: str) -> None:
        """Let an access key belong to another account, whose functions are its own."""
        with self._layer.lock:
            if account not in self._accounts:
                self._functions(account).reset()
                self._functions(account).furnish()
            self._layer.accounts[access_key] = account

    # ---- what was asked --------------------------------------------------------------------------------------------

    @property
    def calls(self) -> list[Call]:
        """Every Lambda and STS request so far, in order."""
        return self.calls_since(0)

    def calls_since(self, index: int) -> list[Call]:
        """Return a copy of the calls from `index` on."""
        with self._layer.lock:
            return self._layer.calls[index:]

    def _functions(self, account: str) -> Functions:
        return self._accounts.setdefault(account, Functions(account, self._clock))
