"""How the sandbox keeps a caller waiting, and nobody else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import boto3
import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from remediator.sandbox.cloud import Cloud
from tests.sandbox.cloud.conftest import Clients, StoppedClock, error_of


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def until(true: Callable[[], bool]) -> None:
    """Wait until something is so; fail after five seconds."""
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline, "it never became so"
        time.sleep(0.005)


def test_a_call_that_hangs_gets_no_answer_and_holds_up_no_other(
    cloud: Cloud, client: Clients, threads: ThreadPoolExecutor
) -> None:
    cloud.create_function("orders")
    cloud.create_function("bills")
    hang = cloud.hang("GetFunction", name="orders")
    waiting = threads.submit(client().get_function, FunctionName="orders")
    until(lambda: len(cloud.calls) == 1)
    assert client().get_function(FunctionName="bills")
    assert client().get_function_configuration(FunctionName="orders")
    assert client("sts").get_caller_identity()
    assert not waiting.done()
    assert [each.status for each in cloud.calls] == [None, 200, 200, 200]
    hang.release()
    assert waiting.result(timeout=5)["Configuration"]["FunctionName"] == "orders"
    assert cloud.calls[0].status == 200
    assert client().get_function(FunctionName="orders")


def test_a_call_that_hangs_sees_what_happened_meanwhile(
    cloud: Cloud, client: Clients, threads: ThreadPoolExecutor
) -> None:
    cloud.create_function("orders")
    hang = cloud.hang("GetFunction")
    waiting = threads.submit(client().get_function, FunctionName="orders")
    until(lambda: len(cloud.calls) == 1)
    cloud.set_state("orders", "Inactive")
    hang.release()
    assert waiting.result(timeout=5)["Configuration"]["State"] == "Inactive"


def test_allow_releases_what_hangs(cloud: Cloud, client: Clients, threads: ThreadPoolExecutor) -> None:
    cloud.hang("ListFunctions", times=1)
    waiting = threads.submit(client().list_functions)
    until(lambda: len(cloud.calls) == 1)
    cloud.allow()
    assert waiting.result(timeout=5)["Functions"] == []


def test_a_caller_that_does_not_wait_times_out(cloud: Cloud, client: Clients) -> None:
    cloud.hang("ListFunctions", times=1)
    impatient = client(read_timeout=0.1)
    with pytest.raises(ReadTimeoutError):
        impatient.list_functions()
    assert impatient.list_functions()["Functions"] == []


def test_a_cloud_that_stops_hangs_up(clock: StoppedClock, _session: boto3.Session, threads: ThreadPoolExecutor) -> None:
    waiting: Future[None]
    with Cloud(clock) as cloud:
        clients = Clients(cloud, _session)
        cloud.hang("ListFunctions")
        waiting = threads.submit(clients().list_functions)
        until(lambda: len(cloud.calls) == 1)
    with pytest.raises(ConnectionClosedError):
        waiting.result(timeout=5)
    clients.close()
    assert cloud.calls[0].status is None


def test_latency_is_in_real_seconds_and_of_each_call_alone(
    cloud: Cloud, client: Clients, threads: ThreadPoolExecutor
) -> None:
    lambdas = [client() for _ in range(4)]
    cloud.latency = 0.3
    begin = time.monotonic()
    for answer in [threads.submit(each.list_functions) for each in lambdas]:
        answer.result(timeout=5)
    assert 0.3 <= time.monotonic() - begin < 0.9
    cloud.latency = 0
    begin = time.monotonic()
    lambdas[0].list_functions()
    assert time.monotonic() - begin < 0.3


def test_a_refusal_is_late_too(cloud: Cloud, client: Clients) -> None:
    lambda_ = client()
    cloud.fail("ListFunctions")
    cloud.latency = 0.2
    begin = time.monotonic()
    assert error_of(lambda_.list_functions)[1] == 500
    assert time.monotonic() - begin >= 0.2
