"""What is wrong with the cluster as a whole, as `scan`, `run` and `explain` print it: once, above all else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.shop import Shop

IMAGE = "example.invalid/aws-controllers-k8s/lambda-controller"
DOWN = "ControllerDown, stuck: "


def unattended(shop: Shop) -> Shop:
    """Let the controller be away, a deletion wait for it, and the rest be green."""
    shop.controller(available=False)
    shop.function("archive", deleted_minutes_ago=45)
    for name in ("mailer", "search"):
        shop.function(name)
    return shop


def running(shop: Shop, version: str, *args: str) -> None:
    """Let a controller of some version be there."""
    shop.controller()
    found: dict[str, Any] = shop.api.stored("apps/v1", "Deployment", "ack-system", "ack-lambda-controller")
    (container,) = found["spec"]["template"]["spec"]["containers"]
    container |= {"image": f"{IMAGE}:{version}", "args": list(args)}
    shop.api.seed(found)


def joined(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize(
    "words", [("scan",), ("run",), ("scan", "-o", "wide"), ("explain", "archive"), ("explain", "mailer")]
)
def test_it_is_the_first_that_is_read_and_fits(empty_shop: Shop, words: tuple[str, ...], columns: int) -> None:
    result = unattended(empty_shop)(*words, columns=columns)
    first, *_ = lines = result.out.splitlines()
    assert first.startswith("ControllerDown, stuck")
    for line in lines:
        assert len(line.rstrip()) <= columns or line.startswith("  kubectl patch "), line


def test_it_is_told_once_with_how_much_it_explains(empty_shop: Shop) -> None:
    out = unattended(empty_shop)("scan").out
    assert out.count("ControllerDown") == 1
    assert "This explains 1 finding; 2 more look healthy only because nobody looks." in joined(out)
    assert out.index("NAMESPACE") > out.index(DOWN)


def test_wide_tells_the_evidence(empty_shop: Shop) -> None:
    out = unattended(empty_shop)("scan", "-o", "wide", columns=200).out
    assert "about               deployment/ack-system/ack-lambda-controller\n" in out
    assert "explains            shop/archive" in out
    assert "explains" not in unattended(empty_shop)("scan", columns=200).out.replace("This explains", "")


def test_a_green_fleet_that_nobody_looks_at_is_a_finding(empty_shop: Shop) -> None:
    empty_shop.controller(available=False)
    empty_shop.function("mailer")
    result = empty_shop("scan", "--exit-code")
    assert result.out.startswith(DOWN)
    assert result.code == 3
    assert empty_shop("scan").code == 0
    assert "1 function: 1 healthy." in result.err


def test_what_is_only_advised_is_no_exit_code(empty_shop: Shop) -> None:
    running(empty_shop, "1.7.3")
    empty_shop.function("mailer")
    result = empty_shop("scan", "--exit-code")
    assert result.out.startswith("ControllerVersion, advisory: Version 1.7.3 of the controller has 4 known bugs")
    assert result.code == 0


@pytest.mark.parametrize("command", ["scan", "run"])
def test_the_document_carries_it(empty_shop: Shop, command: str) -> None:
    told = json.loads(unattended(empty_shop)(command, "-o", "json").out)
    (one,) = told["cluster"]
    assert list(one) == ["finding", "state", "summary", "subject", "affected", "evidence"]
    assert (one["finding"], one["state"], one["affected"]) == ("ControllerDown", "stuck", 1)
    assert one["subject"] == "deployment/ack-system/ack-lambda-controller"
    assert told["controller"]["health"] == "down"
    assert told["controller"]["deployment"] == "ack-system/ack-lambda-controller"
    assert told["controller"]["version"] == "1.14.1"
    assert told["summary"]["stuck"] == 1


def test_the_document_of_one_carries_it_too(empty_shop: Shop) -> None:
    told = json.loads(unattended(empty_shop)("explain", "mailer", "-o", "json").out)
    assert [each["finding"] for each in told["cluster"]] == ["ControllerDown"]


def test_where_nothing_is_wrong_with_it_nothing_is_said(shop: Shop) -> None:
    assert shop("scan", "-A").out.startswith("NAMESPACE")
    told = json.loads(shop("scan", "-A", "-o", "json").out)
    assert (told["cluster"], told["unknown"]) == ([], [])


# ---- a definition that is being deleted ------------------------------------------------------------------------------


def test_a_definition_that_goes_stops_everything(shop: Shop) -> None:
    path = ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "functions.lambda.services.k8s.aws")
    found = shop.api.stored(*path)
    found["metadata"] |= {
        "deletionTimestamp": shop.ago(minutes=1),
        "finalizers": ["customresourcecleanup.apiextensions.k8s.io"],
    }
    shop.api.seed(found)
    result = shop("scan", "-A", columns=400)
    assert result.out.startswith("CrdDeleting, stuck: functions.lambda.services.k8s.aws is being deleted since ")
    assert "crd: functions.lambda.services.k8s.aws is being deleted" in joined(result.out)
    (one,) = json.loads(shop("scan", "-A", "-o", "json").out)["cluster"]
    assert one["subject"] == "customresourcedefinition/functions.lambda.services.k8s.aws"
    assert {each["decision"] for each in json.loads(shop("scan", "-A", "-o", "json").out)["results"]} <= {
        *("wait", "report", "blocked"),
    }


# ---- a namespace that is being deleted -------------------------------------------------------------------------------


def test_a_namespace_that_goes_is_told_with_what_holds_it(empty_shop: Shop) -> None:
    remaining = "Some resources are remaining: functions.lambda.services.k8s.aws has 1 resource instances"
    empty_shop.controller()
    empty_shop.api.seed(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": "shop", "deletionTimestamp": empty_shop.ago(minutes=50)},
            "spec": {"finalizers": ["kubernetes"]},
            "status": {
                "phase": "Terminating",
                "conditions": [{"type": "NamespaceContentRemaining", "status": "True", "message": remaining}],
            },
        }
    )
    empty_shop.left()
    result = empty_shop("scan", "-o", "wide", columns=200)
    assert result.out.startswith("NamespaceTerminating, stuck: Namespace shop is being deleted with 1 ")
    assert remaining in result.out


# ---- the controller --------------------------------------------------------------------------------------------------


def test_a_controller_outside_the_cluster_is_said_to_be_one_where_something_is_wrong(empty_shop: Shop) -> None:
    empty_shop.function("mailer")
    assert "Controller" not in empty_shop("scan").err
    empty_shop.left()
    unseen = "no Deployment of the lambda-controller is seen: perhaps ACK is managed by EKS; judged by heartbeats"
    assert f"Controller unknown: the last pass was finished 2h ago ({unseen})." in joined(empty_shop("scan").err)


def test_wide_tells_how_the_controller_was_started(empty_shop: Shop) -> None:
    running(
        empty_shop,
        "1.14.1",
        *("--watch-selectors=team=shop", "--reconcile-default-resync-seconds=900", "--aws-region=eu-west-1"),
        *("--feature-gates=IAMRoleSelector=true", "--reconcile-default-max-concurrent-syncs=2"),
        *("--deletion-policy=retain", "--enable-carm=$(CARM)"),
    )
    empty_shop.left()
    out = empty_shop("explain", "archive", "-o", "wide", columns=200).out
    for line in (
        "of these only       team=shop",
        "looks again         every 15m",
        "works on            2 Functions at a time",
        "feature gates       IAMRoleSelector=true",
        "deletion policy     retain",
        "region              eu-west-1",
        "not known           --enable-carm cannot be read",
    ):
        assert f"  {line}\n" in out
    aside = empty_shop("scan", "-o", "wide", columns=200).err
    assert "not known: the controller's flags: --enable-carm cannot be read" in aside
    brief = empty_shop("scan", columns=200).err
    assert "1 thing about the cluster could not be read; -o wide says which, `remediator doctor` why." in brief
