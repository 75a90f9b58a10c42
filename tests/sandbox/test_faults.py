"""The fault layer: faithful where nothing is scripted, and precise about what goes wrong where something is."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse, IncompleteRead, RemoteDisconnected
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from kubernetes import client, config

from remediator.sandbox.apiserver import ApiServer
from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Cloud
from remediator.sandbox.faults import (
    Faults,
    answering,
    cut,
    dropped,
    hanging,
    late,
    refusing,
    refusing_as_aws,
    trickling,
)
from tests.tls import Authority
from tests.wire import Wire, answer

LENGTH, CHUNKS = "by length", "in chunks"


@contextmanager
def connected(url: str, timeout: float = 5) -> Iterator[HTTPConnection]:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        yield connection
    finally:
        connection.close()


def get(url: str, path: str = "/", timeout: float = 5) -> tuple[int, bytes]:
    with connected(url, timeout) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()


def chunked(*pieces: bytes) -> bytes:
    framed = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in pieces)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + framed + b"0\r\n\r\n"


def framed(how: str, body: str) -> bytes:
    return answer(200, body) if how == LENGTH else chunked(body.encode())


# ---- nothing scripted ------------------------------------------------------------------------------------------------


def test_a_request_arrives_as_it_was_sent() -> None:
    with Wire(answer(200, {})) as upstream, Faults(upstream.url) as faults, connected(faults.url) as connection:
        headers = {"Authorization": "Bearer a-token", "Host": "cluster.example:6443", "X-Two-Words": "a b"}
        connection.request("PATCH", "/api/v1/a%2Fb?limit=5&continue=x%3D%3D&empty=", b'{"a": 1}', headers)
        connection.getresponse().read()
    heard = upstream.heard[0]
    assert (heard.method, heard.path, heard.body) == ("PATCH", "/api/v1/a%2Fb", b'{"a": 1}')
    assert heard.query == {"limit": "5", "continue": "x==", "empty": ""}
    assert {name: heard.headers[name] for name in ("authorization", "host", "x-two-words")} == {
        "authorization": "Bearer a-token",
        "host": "cluster.example:6443",
        "x-two-words": "a b",
    }
    assert heard.headers["accept-encoding"] == "identity", "as this client asks, and not as the proxy would"


@pytest.mark.parametrize("code", [200, 201, 404, 429, 500])
def test_an_answer_comes_back_as_it_was_given(code: int) -> None:
    told = answer(code, "what was said", kind="text/plain; charset=utf-8", Date="Sat, 21 Nov 2026 10:00:00 GMT")
    with Wire(told) as upstream, Faults(upstream.url) as faults, connected(faults.url) as connection:
        connection.request("GET", "/")
        response = connection.getresponse()
        assert (response.status, response.reason, response.read()) == (code, "Told", b"what was said")
        assert response.getheader("Content-Type") == "text/plain; charset=utf-8"
        assert response.headers.get_all("Date") == ["Sat, 21 Nov 2026 10:00:00 GMT"]


def test_compressed_content_is_not_touched() -> None:
    packed = gzip.compress(b"x" * 100_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    with Wire(head + packed) as upstream, Faults(upstream.url) as faults:
        assert get(faults.url) == (200, packed)


def test_an_answer_without_length_ends_where_the_upstream_ends() -> None:
    with Wire(b"HTTP/1.0 200 OK\r\n\r\nall of it") as upstream, Faults(upstream.url) as faults:
        assert get(faults.url) == (200, b"all of it")


def test_an_upstream_that_breaks_off_is_passed_on_as_such() -> None:
    half = answer(200, "half", length=400)
    with Wire(half) as upstream, Faults(upstream.url) as faults, pytest.raises(IncompleteRead):
        get(faults.url)


def test_an_upstream_that_is_not_there_is_a_dropped_connection() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        with Faults(f"http://127.0.0.1:{reserved.getsockname()[1]}") as faults, pytest.raises(RemoteDisconnected):
            get(faults.url)


def test_a_connection_is_kept_for_the_next_request(api: ApiServer, trusted: Path) -> None:
    with Faults(api.url, ca=trusted) as faults, connected(faults.url) as connection:
        ports = set()
        for _ in range(3):
            connection.request("GET", "/api/v1/namespaces", headers={"Authorization": f"Bearer {api.token}"})
            assert b'"kind":"NamespaceList"' in connection.getresponse().read()
            ports.add(connection.sock.getsockname()[1])
        assert len(ports) == 1
        assert len(faults.requests) == 3


def test_a_head_has_no_body(api: ApiServer) -> None:
    told = b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n"
    with Wire(told) as upstream, Faults(upstream.url) as faults, connected(faults.url) as connection:
        connection.request("HEAD", "/")
        assert connection.getresponse().read() == b""


def test_a_watch_comes_line_by_line(api: ApiServer, faults: Faults) -> None:
    """The second event is made only when the first has been read: a proxy that collects would wait for ever."""
    with connected(faults.url) as connection:
        query = "watch=1&resourceVersion=0&timeoutSeconds=20"
        headers = {"Authorization": f"Bearer {api.token}"}
        connection.request("GET", f"/api/v1/namespaces/shop/configmaps?{query}", headers=headers)
        response = connection.getresponse()
        assert response.chunked
        for name in ("first", "second", "third"):
            api.seed({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}})
            assert json.loads(response.readline())["object"]["metadata"]["name"] == name


def test_an_upstream_with_a_certificate_is_asked_over_tls(authority: Authority) -> None:
    with Wire(answer(200, "secret"), tls=authority.server) as upstream:
        with Faults(upstream.url, ca=authority.ca) as faults:
            assert get(faults.url) == (200, b"secret")
        with Faults(upstream.url) as faults, pytest.raises(RemoteDisconnected):
            get(faults.url)
    assert len(upstream.heard) == 1, "nothing is said to whom nobody vouches for"


def test_a_kubeconfig_leads_through_the_proxy(api: ApiServer, faults: Faults, tmp_path: Path) -> None:
    path = faults.kubeconfig(api.kubeconfig(tmp_path / "direct", context="shop", namespace="shop"), tmp_path / "via")
    assert path.stat().st_mode & 0o777 == 0o600
    with config.new_client_from_config(str(path), context="shop") as through:
        assert "kube-system" in str(client.CoreV1Api(through).list_namespace())
    assert [each.path for each in faults.requests] == ["/api/v1/namespaces"]


# ---- which requests --------------------------------------------------------------------------------------------------


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer(SandboxClock()) as running:
        running.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        yield running


@pytest.fixture
def trusted(api: ApiServer, tmp_path: Path) -> Path:
    path = tmp_path / "ca.crt"
    path.write_bytes(api.certificate)
    return path


@pytest.fixture
def faults(api: ApiServer, trusted: Path) -> Iterator[Faults]:
    with Faults(api.url, ca=trusted) as running:
        yield running


@pytest.fixture
def plain() -> Iterator[Faults]:
    """Stand before a server that says 200 to everything."""
    with Wire(answer(200, {})) as upstream, Faults(upstream.url) as running:
        yield running


def code(faults: Faults, path: str = "/", method: str = "GET") -> int:
    with connected(faults.url) as connection:
        connection.request(method, path)
        return connection.getresponse().status


def test_a_fault_can_be_for_a_method(plain: Faults) -> None:
    plain.add(answering(500), method="PATCH")
    assert [code(plain, method=each) for each in ("GET", "PATCH", "POST")] == [200, 500, 200]


def test_a_fault_can_be_for_a_path(plain: Faults) -> None:
    plain.add(answering(500), path=r"/functions$")
    assert [code(plain, each) for each in ("/a/functions", "/a/functions/b", "/functions?x=1")] == [500, 200, 500]


def test_a_fault_can_be_for_a_query(plain: Faults) -> None:
    plain.add(answering(500), query={"watch": "1"})
    assert [code(plain, each) for each in ("/?watch=1&limit=5", "/?watch=0", "/")] == [500, 200, 200]


def test_a_fault_can_end_after_some_times_and_begin_after_some(plain: Faults) -> None:
    plain.add(answering(500), times=2, after=1)
    assert [code(plain) for _ in range(5)] == [200, 500, 500, 200, 200]


def test_the_oldest_fault_wins_until_it_is_used_up(plain: Faults) -> None:
    plain.add(answering(500), times=1)
    plain.add(answering(503))
    assert [code(plain) for _ in range(3)] == [500, 503, 503]


def test_calm_forgets_them_all(plain: Faults) -> None:
    plain.add(answering(500))
    plain.calm()
    assert code(plain) == 200


# ---- what befalls them -----------------------------------------------------------------------------------------------


def test_a_late_answer_is_a_whole_answer(plain: Faults) -> None:
    plain.add(late(0.2))
    began = time.monotonic()
    assert get(plain.url) == (200, b"{}")
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize("reached", [False, True])
def test_a_dropped_connection_before_or_after_the_write(api: ApiServer, faults: Faults, *, reached: bool) -> None:
    """The one that matters: the write happened, and its answer was lost."""
    faults.add(dropped(reached=reached), method="POST", times=1)
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made"}}
    with connected(faults.url) as connection, pytest.raises(RemoteDisconnected):
        headers = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/json"}
        connection.request("POST", "/api/v1/namespaces/shop/configmaps", json.dumps(made), headers)
        connection.getresponse()
    if reached:
        assert api.stored("v1", "ConfigMap", "shop", "made")
    else:
        with pytest.raises(LookupError):
            api.stored("v1", "ConfigMap", "shop", "made")


@pytest.mark.parametrize("reached", [False, True])
def test_a_server_that_hangs_before_or_after_the_write(*, reached: bool) -> None:
    with Wire(answer(200, {})) as upstream, Faults(upstream.url) as faults:
        faults.add(hanging(reached=reached))
        with pytest.raises(TimeoutError):
            get(faults.url, timeout=0.3)
        assert len(upstream.heard) == reached


def test_the_end_of_the_proxy_ends_a_hang() -> None:
    ended: list[Exception] = []

    def ask(url: str) -> None:
        try:
            get(url)
        except (http.client.HTTPException, OSError) as error:
            ended.append(error)

    with Faults("http://127.0.0.1:1") as faults:
        faults.add(hanging())
        asking = threading.Thread(target=ask, args=(faults.url,))
        asking.start()
        while not faults.requests:
            time.sleep(0.01)
    asking.join(2)
    assert len(ended) == 1


def test_an_answer_of_ones_own(plain: Faults) -> None:
    page = {"Content-Type": "text/html", "X-Cache": "MISS"}
    plain.add(answering(502, "<html>Bad gateway</html>", page))
    with connected(plain.url) as connection:
        connection.request("GET", "/")
        response = connection.getresponse()
        assert (response.status, response.read()) == (502, b"<html>Bad gateway</html>")
        assert (response.getheader("Content-Type"), response.getheader("X-Cache")) == ("text/html", "MISS")


def test_a_refusal_of_kubernetes(plain: Faults, tmp_path: Path) -> None:
    plain.add(refusing(429, "storage is (re)initializing", reason="TooManyRequests", retry_after="1"))
    with connected(plain.url) as connection:
        connection.request("GET", "/")
        response = connection.getresponse()
        body = json.loads(response.read())
    assert (response.status, response.getheader("Retry-After")) == (429, "1")
    assert (body["kind"], body["reason"], body["message"]) == (
        "Status",
        "TooManyRequests",
        "storage is (re)initializing",
    )


@pytest.mark.parametrize("how", [LENGTH, CHUNKS])
@pytest.mark.parametrize("after", [0, 4])
def test_half_an_answer(how: str, after: int) -> None:
    with Wire(framed(how, "0123456789")) as upstream, Faults(upstream.url) as faults:
        faults.add(cut(after))
        with connected(faults.url) as connection:
            connection.request("GET", "/")
            response = connection.getresponse()
            with pytest.raises(IncompleteRead) as raised:
                response.read()
        assert raised.value.partial == b"0123456789"[:after]
        if how == LENGTH:
            assert response.getheader("Content-Length") == "10"


def test_an_answer_that_is_shorter_than_the_cut_is_whole(plain: Faults) -> None:
    plain.add(cut(2))
    assert get(plain.url) == (200, b"{}")


def slowly(response: HTTPResponse) -> list[bytes]:
    return list(iter(lambda: response.read1(100), b""))


@pytest.mark.parametrize("how", [LENGTH, CHUNKS])
def test_an_answer_that_trickles(how: str) -> None:
    with Wire(framed(how, "0123456789")) as upstream, Faults(upstream.url) as faults:
        faults.add(trickling(0.03))
        with connected(faults.url, timeout=0.2) as connection:
            began = time.monotonic()
            connection.request("GET", "/")
            pieces = slowly(connection.getresponse())
        assert b"".join(pieces) == b"0123456789"
        assert len(pieces) > 5
        assert time.monotonic() - began >= 0.27, "longer than the time-out of a read, which never strikes"


def test_a_head_that_trickles(plain: Faults) -> None:
    plain.add(trickling(0.005, head=True))
    began = time.monotonic()
    assert get(plain.url, timeout=0.2) == (200, b"{}")
    assert time.monotonic() - began > 0.2


# ---- AWS -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud(SandboxClock()) as running:
        running.create_function("orders")
        yield running


@contextmanager
def asking(service: str, url: str) -> Iterator[Any]:
    made = boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="AKIAONCALL",
        aws_secret_access_key="secret-of-the-test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    try:
        yield made
    finally:
        made.close()


def test_a_fault_can_be_for_an_operation_of_aws(cloud: Cloud) -> None:
    with Faults(cloud.endpoint) as faults:
        said = "The security token included in the request is expired"
        faults.add(refusing_as_aws("ExpiredTokenException", said, status=403), operation="GetFunctionConfiguration")
        with asking("lambda", faults.url) as functions:
            assert functions.get_function(FunctionName="orders")["Configuration"]["FunctionName"] == "orders"
            for name in ("orders", f"arn:aws:lambda:us-east-1:{cloud.account}:function:orders"):
                with pytest.raises(ClientError) as raised:
                    functions.get_function_configuration(FunctionName=name)
                assert raised.value.response["Error"]["Code"] == "ExpiredTokenException"
        assert [each.aws[1] for each in faults.requests] == ["GetFunction", *["GetFunctionConfiguration"] * 2]


def test_sts_is_refused_in_its_own_protocol(cloud: Cloud) -> None:
    with Faults(cloud.endpoint) as faults, asking("sts", faults.url) as sts:
        faults.add(refusing_as_aws("Throttling", "Rate exceeded"), operation="GetCallerIdentity", times=1)
        with pytest.raises(ClientError, match="Rate exceeded"):
            sts.get_caller_identity()
        assert sts.get_caller_identity()["Account"] == cloud.account
