"""`remediator run` tells of what is new beside each resource, and nothing that goes wrong there changes the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from remediator.sandbox.faults import Faults, refusing
from tests import yaml_files
from tests.bed.http import Http
from tests.cli.shop import CONTEXT, SECRET, Json, Shop

BASE = Path(__file__).parents[2] / "manifests" / "base"
TOLD = "/apis/events.k8s.io/v1/namespaces/shop/events"

Read = Callable[[], list[Json]]


@pytest.fixture
def events(shop: Shop) -> Iterator[Read]:
    """Read what `kubectl get events -A` lists, on a cluster that keeps records."""
    shop.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ack-remediator"}})
    shop.api.seed(yaml_files.read(BASE / "crd-remediations.yaml"))
    client = Http(shop.api.url, shop.api.token)

    def read() -> list[Json]:
        items: list[Json] = client("GET", "/api/v1/events").body["items"]
        return items

    yield read
    client.close()


def of(found: list[Json], name: str) -> dict[str, str]:
    """Pick what is told of one Function, by reason."""
    return {each["reason"]: each["message"] for each in found if each["involvedObject"]["name"] == name}


def test_what_is_found_and_proposed_is_told_once_by_however_many_runs(shop: Shop, events: Read) -> None:
    assert shop("run", "-A").code == 0
    first = events()
    told = of(first, "checkout")
    assert told["Found"].startswith("UpdateFailed: ")
    assert "Resync p-" in told["Proposed"]
    assert "waits for a person" in told["Proposed"]
    assert {each["metadata"]["namespace"] for each in first} == {"shop"}
    assert SECRET not in str(first)
    again = shop("run", "-A")
    assert (again.code, "Events" in again.err) == (0, False)
    assert events() == first


def test_without_records_what_is_told_again_is_counted(shop: Shop, events: Read) -> None:
    shop.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "elsewhere"}})
    for _ in range(3):
        shop("run", "-A", "--home-namespace", "nowhere")
    found = events()
    assert found
    assert {each["series"]["count"] for each in found} == {3}


@pytest.mark.parametrize("words", [("scan", "-A"), ("explain", "checkout"), ("run", "-A", "--dry-run")])
def test_who_only_looks_tells_nobody(shop: Shop, events: Read, words: tuple[str, ...]) -> None:
    assert shop(*words).code == 0
    assert events() == []


def test_the_policy_can_forbid_it(shop: Shop, events: Read) -> None:
    shop.write_policy("events: false\nbreaker: {percent: 100}\n")
    assert shop("run", "-A").code == 0
    assert events() == []


def test_what_a_person_had_done_is_told_with_what_came_of_it(shop: Shop, events: Read) -> None:
    told = shop("run", "-n", "shop", "-l", "team=shop", "--approve", typed=f"{CONTEXT}\n{CONTEXT}\n")
    acted = {each["involvedObject"]["name"] for each in events() if each["reason"] == "Acted"}
    assert acted, told.err
    kinds = {(each["message"].split(": ")[1], each["type"]) for each in events() if each["reason"] == "Acted"}
    assert kinds <= {("resolved", "Normal"), ("still-stuck", "Warning"), ("unknown", "Warning")}


def test_a_dry_run_under_auto_tells_of_no_act(shop: Shop, events: Read) -> None:
    shop.write_policy("mode: auto\nbreaker: {percent: 100}\nsightings: 1\n")
    shop("run", "-A", "--dry-run")
    assert events() == []


@pytest.mark.parametrize("code", [403, 429, 500, 503])
def test_an_event_that_is_not_taken_changes_neither_the_run_nor_its_exit_code(
    shop: Shop, events: Read, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int
) -> None:
    with Faults(shop.api.url, ca=shop.certificate) as faults:
        through = faults.kubeconfig(shop.kubeconfig, tmp_path / "through")
        faults.add(refusing(code, "no Events today"), method="POST", path=TOLD)
        result = shop("run", "-A", "--kubeconfig", str(through))
    assert (result.code, events()) == (0, [])
    assert result.err.count("not all that is new was told in Events") == 1
    assert "no Events today" in result.err
    plain = shop("run", "-A", "-o", "json", "--kubeconfig", str(shop.kubeconfig))
    assert plain.code == 0
    assert Counter(each["reason"] for each in events()) == Counter(), "it is on record, and so no news any more"


def test_a_function_whose_namespace_is_ending_is_told_of_nowhere_and_the_others_are(shop: Shop, events: Read) -> None:
    shop.api.seed(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": "ending", "deletionTimestamp": shop.ago(minutes=5)},
            "status": {"phase": "Terminating"},
        }
    )
    shop.function("left", namespace="ending", live=False, heartbeat=shop.ago(hours=12), deleted_minutes_ago=45)
    result = shop("run", "-A", columns=400)
    assert result.code == 0
    assert result.err.count("not all that is new was told in Events") == 1
    assert "because it is being terminated" in result.err
    assert {each["metadata"]["namespace"] for each in events()} == {"shop"}


def test_it_speaks_of_any_kind(shop: Shop, events: Read) -> None:
    arguments: dict[str, Any] = {
        "apiVersion": "lambda.services.k8s.aws/v1alpha1",
        "kind": "Alias",
        "metadata": {"name": "live", "namespace": "shop", "creationTimestamp": shop.ago(days=1)},
        "spec": {"name": "live", "functionName": "checkout", "functionVersion": "1"},
    }
    shop.api.seed(arguments)
    shop("run", "-A")
    kinds = {each["involvedObject"]["kind"] for each in events()}
    assert kinds == {"Function", "Alias"}
