"""What the sandbox's controller sends to a Kubernetes API server: merge patches, under ACK's own name."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from remediator.sandbox.ack.cluster import Cluster

ORDERS = {"metadata": {"namespace": "shop", "name": "orders"}}
PATH = "/apis/lambda.services.k8s.aws/v1alpha1/namespaces/shop/functions/orders"


class Recorder(BaseHTTPRequestHandler):
    """Answer 404 to everything under `/api/v1`, an empty object to all else, and keep what was sent."""

    seen: ClassVar[list[tuple[str, str, list[str], str, str]]]

    def do_GET(self) -> None:
        self.answer(404 if self.path.startswith("/api/v1") else 200)

    def do_PATCH(self) -> None:
        target = urlsplit(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        manager = parse_qs(target.query)["fieldManager"]
        self.seen.append((self.command, target.path, manager, self.headers["Content-Type"], body))
        self.answer(200)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[tuple[Cluster, type[Recorder]]]:
    class Own(Recorder):
        seen: ClassVar = []

    server = HTTPServer(("127.0.0.1", 0), Own)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    kubeconfig = {
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
    cluster = Cluster(tmp_path / "kubeconfig", lambda: None)
    yield cluster, Own
    cluster.close()
    server.shutdown()
    thread.join()
    server.server_close()


def test_its_writes_are_merge_patches_that_carry_its_name(recorded: tuple[Cluster, type[Recorder]]) -> None:
    cluster, recorder = recorded
    cluster.patch(ORDERS, {"spec": {"timeout": 3}})
    cluster.patch_status(ORDERS, {"status": {"state": "Active"}})
    manager, kind = ["controller"], "application/merge-patch+json"
    assert recorder.seen == [
        ("PATCH", PATH, manager, kind, '{"spec": {"timeout": 3}}'),
        ("PATCH", f"{PATH}/status", manager, kind, '{"status": {"state": "Active"}}'),
    ]


def test_a_namespace_that_is_not_shown_has_no_annotations(recorded: tuple[Cluster, type[Recorder]]) -> None:
    assert recorded[0].namespace_annotations("shop") == {}
