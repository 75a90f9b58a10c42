"""`remediator wait`: each goal reached, and not before; hopeless ends at once; a time-out says what was seen.

What a look means, and when the loop looks, is tested in tests/waiting; here the command is typed.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.controller import Controller
from remediator.sandbox.faults import Faults, dropped
from remediator.waiting import Waited, loop
from tests.bed.api import Api
from tests.bed.functions import collection, condition
from tests.bed.waiting import eventually
from tests.cli.shop import API_VERSION, CONTEXT, SECRET, Json, Shop, Typing, open_shop

SPEED = 30.0  # of everybody's clock
FUNCTIONS = collection("shop")
CHECKOUT = f"{FUNCTIONS}/checkout"


@contextmanager
def meanwhile(shop: Shop, *acts: tuple[float, Callable[[], object]]) -> Iterator[None]:
    """Let things happen in the background, each so many seconds of the shop's clock after the one before.

    The first is so long after whoever waits has had a look: a busy machine takes its time to start a command.
    """
    looked, over = threading.Event(), threading.Event()
    look = loop._Wait._look

    def noticed(self: loop._Wait) -> Waited | None:
        try:
            return look(self)
        finally:
            looked.set()

    def act() -> None:
        looked.wait()
        for seconds, what in acts:
            if over.wait(seconds / shop.clock.speed):
                return
            what()

    thread = threading.Thread(target=act)
    thread.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop._Wait, "_look", noticed)
            yield
    finally:
        over.set()
        looked.set()
        thread.join()


class Customer:
    """Somebody with kubectl, in a shop where a controller is at work."""

    def __init__(self, shop: Shop, controller: Controller, api: Api) -> None:
        self.shop = shop
        self.cloud = shop.cloud
        self.controller = controller
        self.api = api
        shop.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})

    def create(self, **spec: Any) -> None:
        self.api.post(
            FUNCTIONS,
            {
                "apiVersion": API_VERSION,
                "kind": "Function",
                "metadata": {"name": "checkout"},
                "spec": {
                    "name": "checkout",
                    "role": self.shop.cloud.role_arn,
                    "code": dict(self.shop.cloud.code),
                    "handler": "app.handler",
                    "runtime": "python3.13",
                    "memorySize": 256,
                    **spec,
                },
            },
            fieldManager="kubectl-create",
        )

    def settled(self, **spec: Any) -> Json:
        """Create it, and wait until ACK has made it and looks at it no more."""
        self.create(**spec)
        seen = eventually(
            lambda: self.api.get(CHECKOUT),
            lambda seen: (
                condition(seen, "ACK.ResourceSynced").get("status") == "True" and seen["metadata"]["generation"] == 2
            ),
            "it is synced",
            self.shop.clock,
            600,
        )
        self.shop.clock.sleep(30)  # a pass follows what ACK wrote back
        return seen

    def edit(self, **spec: Any) -> Json:
        return self.api.merge(CHECKOUT, {"spec": spec}, fieldManager="kubectl-edit")

    def annotate(self, **annotations: str) -> None:
        self.api.merge(CHECKOUT, {"metadata": {"annotations": annotations}}, fieldManager="kubectl-create")

    def read(self) -> Json:
        return self.api.get(CHECKOUT)

    def deployment_goes_down(self) -> None:
        self.shop.controller(available=False)
        found = self.shop.api.stored("apps/v1", "Deployment", "ack-system", "ack-lambda-controller")
        found["status"]["conditions"][0]["lastTransitionTime"] = self.shop.ago(seconds=0)
        self.shop.api.seed(found)

    def delete(self) -> None:
        self.api.delete(CHECKOUT)


@pytest.fixture
def customer(
    models_read_once: None,
    machine: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Customer]:
    clock = SandboxClock(getattr(request, "param", SPEED))
    with (
        open_shop(tmp_path, monkeypatch, clock) as shop,
        Controller(shop.kubeconfig, shop.cloud.endpoint, clock) as controller,
        Api(shop.api.url, shop.certificate, shop.api.token) as api,
    ):
        shop.controller()
        yield Customer(shop, controller, api)


def waits(shop: Shop, goal: str, *words: str, **more: Any) -> Json:
    """Wait, and answer the document, with the exit code and what was told on the way."""
    told = shop("wait", "function/checkout", "-n", "shop", "--for", goal, "-o", "json", *words, **more)
    document: Json = json.loads(told.out)
    return document | {"code": told.code, "err": told.err}


# -- reached, and not before -------------------------------------------------------------------------------------------


def test_a_new_function_is_waited_for_on_both_sides(customer: Customer) -> None:
    customer.cloud.create_takes = 60
    customer.create()
    told = waits(customer.shop, "synced")
    assert (told["code"], told["result"], told["for"]) == (0, "reached", "synced")
    assert condition(customer.read(), "ACK.ResourceSynced")["status"] == "True"
    assert customer.cloud.configuration("checkout")["State"] == "Active"
    assert (told["generation"], told["kubernetes"], told["aws"], told["finding"]) == (
        2,
        "synced at generation 2",
        "AWS says Active, Successful",
        None,
    )
    assert "no controller has looked at it yet" in told["err"] or "AWS says Pending" in told["err"]


def test_an_update_is_synced_when_aws_has_ended_it(customer: Customer) -> None:
    """ACK says Synced=True as soon as AWS accepts it."""
    customer.settled()
    customer.cloud.update_takes = 90
    customer.edit(memorySize=512)
    told = waits(customer.shop, "synced")
    assert told["result"] == "reached"
    live = customer.cloud.configuration("checkout")
    assert (live["MemorySize"], live["LastUpdateStatus"]) == (512, "Successful")
    assert "AWS says Active, its last update InProgress" in told["err"]


def test_green_from_before_the_change_is_not_synced(customer: Customer) -> None:
    """The controller is slow: the object was just applied, and everything about it is green."""
    customer.settled()
    customer.controller.stop()
    customer.edit(memorySize=512)
    with meanwhile(customer.shop, (60, customer.controller.start)):
        told = waits(customer.shop, "synced")
    assert told["result"] == "reached"
    assert "ACK has not looked at it since its last change" in told["err"]
    assert customer.cloud.configuration("checkout")["MemorySize"] == 512


def test_an_annotation_by_who_wrote_the_spec_hangs_nothing(customer: Customer) -> None:
    """ACK does not look at it; until that is clear it could be a change of the spec."""
    customer.settled()
    customer.annotate(release="2026-47")
    told = waits(customer.shop, "synced")
    assert told["result"] == "reached"
    assert told["message"].startswith(
        "synced at generation 2: AWS says Active, Successful, and nothing differs; ACK has"
    )
    assert told["seconds"] < 60


def test_a_late_start_costs_one_look(customer: Customer) -> None:
    customer.settled()
    begun = len(customer.cloud.calls)
    told = customer.shop("wait", "checkout", "--for", "synced", columns=200)
    assert told.code == 0
    said = "synced at generation 2: AWS says Active, Successful, and ACK has nothing left to write"
    assert told.out == f"function/checkout: {said}\n"
    assert told.err == ""
    asked = [each.operation for each in customer.cloud.calls_since(begun)]
    assert sorted(set(asked)) == ["GetCallerIdentity", "GetFunctionConfiguration"]
    assert asked.count("GetFunctionConfiguration") == 1


def test_settled_means_that_the_next_update_meets_no_409(customer: Customer) -> None:
    customer.settled()
    customer.cloud.update_takes = 60
    customer.edit(memorySize=512)
    eventually(
        lambda: customer.cloud.configuration("checkout")["LastUpdateStatus"],
        lambda status: status == "InProgress",
        "the update is under way",
        customer.shop.clock,
        600,
    )
    told = waits(customer.shop, "settled")
    assert told["result"] == "reached"
    assert told["message"] == "settled: AWS says Active, Successful"
    assert customer.cloud.configuration("checkout")["LastUpdateStatus"] == "Successful"


def test_a_generation_is_waited_for_until_somebody_makes_it(customer: Customer) -> None:
    customer.settled()
    with meanwhile(customer.shop, (20, lambda: customer.edit(memorySize=512))):
        told = waits(customer.shop, "generation=3")
    assert (told["result"], told["for"]) == ("reached", "generation=3")
    assert told["generation"] >= 3
    assert customer.cloud.configuration("checkout")["MemorySize"] == 512


def test_a_deletion_is_waited_for_and_what_became_of_the_function_is_told(customer: Customer) -> None:
    customer.settled()
    customer.cloud.delete_takes = 60
    with meanwhile(customer.shop, (20, customer.delete)):
        told = waits(customer.shop, "deleted")
    assert (told["code"], told["message"]) == (0, "deleted; AWS has no such function any more")
    assert "nobody has deleted it yet" in told["err"]
    with pytest.raises(LookupError):
        customer.cloud.configuration("checkout")
    told = waits(customer.shop, "deleted")
    assert (told["code"], told["message"], told["uid"]) == (
        0,
        "there is no such object: deleted before, or never there",
        None,
    )


def test_a_function_that_is_kept_is_told_of(customer: Customer) -> None:
    customer.settled()
    customer.annotate(**{"services.k8s.aws/deletion-policy": "retain"})
    with meanwhile(customer.shop, (10, customer.delete)):
        told = waits(customer.shop, "deleted")
    assert (told["code"], told["message"], told["warning"]) == (
        0,
        "deleted; AWS keeps the function, as the deletion policy says",
        None,
    )


def test_a_function_that_nobody_meant_to_keep_is_warned_of(customer: Customer) -> None:
    """Somebody took the finalizer away by hand."""
    customer.settled()
    customer.controller.stop()
    customer.delete()
    let_go = {"metadata": {"finalizers": None}}
    with meanwhile(customer.shop, (10, lambda: customer.api.merge(CHECKOUT, let_go))):
        told = customer.shop("wait", "checkout", "--for", "deleted", columns=200)
    assert told.code == 0
    assert told.out == "function/checkout: deleted; AWS still has the function\n"
    arn = f"arn:aws:lambda:us-east-1:{customer.cloud.account}:function:checkout"
    assert f"warning: {arn} is still in AWS, and no object of this name manages it" in told.err


# -- hopeless ----------------------------------------------------------------------------------------------------------


def test_an_update_that_fails_ends_it_with_the_finding_and_its_runbook(customer: Customer) -> None:
    customer.settled()
    customer.cloud.update_takes = 30
    customer.cloud.next_update_fails("checkout", "EniLimitExceeded", f"no room for {SECRET}")
    customer.edit(memorySize=512, environment={"variables": {"DB_PASSWORD": SECRET}})
    told = customer.shop("wait", "checkout", "--for", "synced", columns=300)
    assert told.code == 3
    sentence, runbook, more = told.out.splitlines()
    assert sentence.startswith(
        "function/checkout: waiting does not help. UpdateFailed: AWS rolled back the last update"
    )
    assert "no room for •••" in sentence
    assert runbook == "Runbook: remediator findings UpdateFailed"
    assert more == "More:    remediator explain function/checkout -n shop"


def test_a_checksum_that_never_matches_ends_it(customer: Customer) -> None:
    customer.settled()
    customer.edit(code={"sha256": "9f" * 32})
    told = waits(customer.shop, "synced")
    assert (told["code"], told["result"], told["runbook"]) == (3, "hopeless", "ChecksumMismatch")
    assert told["finding"]["evidence"]["variant"] == "hex"
    assert told["seconds"] < 120


@pytest.mark.parametrize("customer", [5.0], indirect=True)  # a busy machine must not look like a lazy controller
def test_a_red_object_that_was_just_corrected_is_given_its_chance(customer: Customer) -> None:
    customer.create(code={**customer.cloud.code, "s3Key": "none.zip"})
    told = waits(customer.shop, "synced")
    assert (told["code"], told["runbook"]) == (3, "InvalidRequest"), told
    customer.controller.stop()
    customer.edit(code=dict(customer.cloud.code))
    with meanwhile(customer.shop, (4, customer.controller.start)):
        told = waits(customer.shop, "synced")
    assert (told["code"], told["result"]) == (0, "reached"), told


def test_a_controller_that_is_down_ends_it(customer: Customer) -> None:
    customer.settled()
    customer.controller.stop()
    customer.deployment_goes_down()
    customer.edit(memorySize=512)
    told = waits(customer.shop, "synced")
    assert (told["code"], told["runbook"]) == (3, "ControllerDown")
    assert "and nobody works on it: Deployment ack-system/ack-lambda-controller is not available" in told["message"]
    assert waits(customer.shop, "settled")["code"] == 0
    customer.delete()
    assert waits(customer.shop, "deleted")["runbook"] == "ControllerDown"


# -- time-out, and what else can happen ------------------------------------------------------------------------------


def test_a_time_out_says_what_was_seen_on_both_sides_and_until_when_it_would_heal(customer: Customer) -> None:
    customer.settled()
    customer.cloud.set_update("checkout", "InProgress")
    told = customer.shop("wait", "checkout", "--for", "synced", "--timeout", "30s", columns=300)
    assert told.code == 124
    assert told.out.startswith(
        "function/checkout: not synced after 30s: AWS says Active, its last update InProgress; Kubernetes: synced at "
        "generation 2. UpdateInProgress: AWS is applying an update. Should heal by itself by "
    )
    assert ", after the time-out at " in told.err


def test_an_api_server_that_is_away_for_a_while_is_waited_for(customer: Customer, tmp_path: Path) -> None:
    customer.settled()
    customer.cloud.set_update("checkout", "InProgress", seconds=120)
    shop = customer.shop
    with Faults(shop.api.url, ca=shop.certificate) as faults:
        detour = faults.kubeconfig(shop.kubeconfig, tmp_path / "detour")
        with meanwhile(shop, (20, lambda: faults.add(dropped())), (30, faults.calm)):
            told = waits(shop, "settled", "--kubeconfig", str(detour))
    assert (told["code"], told["result"]) == (0, "reached")
    assert told["err"].count("waiting goes on") == 1


def test_aws_that_throttles_is_waited_for_and_aws_that_refuses_is_not(customer: Customer) -> None:
    customer.settled()
    customer.cloud.refuse("GetFunctionConfiguration", "TooManyRequestsException", "Rate Exceeded.", times=2, status=429)
    told = waits(customer.shop, "settled", columns=300)
    assert told["code"] == 0
    assert told["err"].count("AWS cannot be asked: GetFunctionConfiguration was answered TooManyRequests") == 1
    customer.cloud.refuse("GetFunctionConfiguration", "AccessDeniedException", "not authorized")
    refused = customer.shop("wait", "checkout", "--for", "synced", columns=300)
    assert (refused.code, refused.out) == (1, "")
    assert (
        "error: AWS does not answer us about function/checkout, and nothing else can tell: GetFunctionConf"
        in refused.err
    )
    assert "`remediator doctor` tells what is missing" in refused.err


def test_ctrl_c_ends_it(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    customer.settled()
    customer.cloud.set_update("checkout", "InProgress")
    sleep = customer.shop.clock.sleep

    def interrupted(seconds: float) -> None:
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        sleep(seconds)

    monkeypatch.setattr(customer.shop.clock, "sleep", interrupted)
    told = customer.shop("wait", "checkout", "--for", "synced")
    assert (told.code, told.out) == (130, "")
    assert "interrupted" in told.err


def test_nothing_is_written_anywhere(customer: Customer) -> None:
    customer.settled()
    customer.cloud.set_update("checkout", "Failed", reason_code="InternalError", reason="An internal error occurred.")
    before = customer.read()
    assert waits(customer.shop, "synced")["runbook"] == "UpdateFailed"
    assert customer.read() == before
    for kind in ("events", "secrets"):
        assert customer.api.get(f"/api/v1/namespaces/shop/{kind}")["items"] == []


@pytest.mark.parametrize("columns", [80, 200, None])
def test_it_is_told_line_by_line_for_a_log(customer: Customer, columns: int | None) -> None:
    customer.settled()
    customer.cloud.set_update("checkout", "InProgress", seconds=30)
    told = customer.shop("wait", "checkout", "--for", "settled", columns=columns)
    text = told.out + told.err
    assert "\r" not in text
    assert "\x1b" not in text
    assert max(len(each) for each in text.splitlines()) <= (columns or 80)
    first, second, *_ = [each for each in told.err.splitlines() if each[2:3] == ":"]
    assert first[8:].startswith("Z  waiting for function/checkout in shop (shop-cluster): settled, until")
    assert second[8:].startswith("Z  AWS says Active, its last update InProgress")


def test_the_document_is_the_same_in_yaml(customer: Customer) -> None:
    customer.settled()
    told = customer.shop("wait", "checkout", "--for", "settled", "-o", "yaml")
    document = yaml.safe_load(told.out)
    assert document.pop("seconds") >= 0
    assert document.keys() == waits(customer.shop, "settled").keys() - {"seconds", "code", "err"}


# -- what cannot be waited for -----------------------------------------------------------------------------------------


def test_what_is_not_there_is_not_waited_for(empty_shop: Shop) -> None:
    empty_shop.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    for goal in ("synced", "settled", "generation=1"):
        told = empty_shop("wait", "checkout", "-n", "shop", "--for", goal)
        assert (told.code, told.out) == (1, "")
        assert f"error: there is no Function 'checkout' in namespace shop ({CONTEXT})" in told.err
        assert "Apply it first, or name its namespace with -n." in told.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("checkout",), "Missing option '--for'"),
        (("--for", "synced"), "Missing argument '[function/]NAME'"),
        (
            ("checkout", "--for", "ready"),
            "'ready' is nothing to wait for; say synced, settled, deleted or generation=N",
        ),
        (("checkout", "--for", "generation=x"), "'generation=x' is nothing to wait for"),
        (("checkout", "--for", "synced", "--timeout", "soon"), "--timeout: 'soon' is no duration; write it as 90s"),
        (("alias/live", "--for", "synced"), "cannot wait for alias/live: only functions, so far"),
        (("pod/web", "--for", "synced"), "cannot wait for a 'pod'"),
        (("../secrets", "--for", "synced"), "cannot wait for a '..'"),
    ],
)
def test_what_cannot_be_waited_for_is_2(typed_anywhere: Typing, words: tuple[str, ...], said: str) -> None:
    told = typed_anywhere("wait", *words, columns=200)
    assert (told.code, told.out) == (2, "")
    assert said in told.err
