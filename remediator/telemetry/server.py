"""The HTTP server of a daemon: `/metrics` for Prometheus, `/healthz` and `/readyz` for the kubelet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import make_wsgi_app

from remediator.telemetry.listening import LOOPBACK, Application, Listening, StartResponse, Tls, heads, say
from remediator.telemetry.metrics import Metrics

# "" where all is well, else a sentence that says what is not.
Checked = Callable[[], str]


class Server(Listening):
    """Serves on threads of its own while a block runs. Raises UsageError where it cannot begin to."""

    def __init__(
        self,
        metrics: Metrics,
        health: Checked,
        ready: Checked,
        *,
        address: str = LOOPBACK,
        port: int,
        tls: Tls | None = None,
    ) -> None:
        super().__init__(_application(metrics, health, ready), "metrics", address=address, port=port, tls=tls)


def _application(metrics: Metrics, health: Checked, ready: Checked) -> Application:
    """Route requests; what is not there is 404, and nothing here can be changed."""
    exposed = make_wsgi_app(metrics.registry)
    checks = {"/healthz": health, "/readyz": ready}

    def answer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            answered: Iterable[bytes] = exposed(environ, start_response)
            return answered
        check = checks.get(path)
        if check is None:
            return say(start_response, "404 Not Found", "there are /metrics, /healthz and /readyz")
        if environ["REQUEST_METHOD"] != "GET":
            return say(start_response, "405 Method Not Allowed", "use GET", Allow="GET, HEAD")
        wrong = check()
        return say(start_response, "503 Service Unavailable" if wrong else "200 OK", wrong or "ok")

    return heads(answer)
