"""What a person sees of the other kinds, and of who waits for whom, at a narrow and at a wide terminal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from remediator.cli.names import kind_and_name, named, typed
from remediator.errors import UsageError
from remediator.model.kind import KINDS, LAMBDA_KINDS
from remediator.model.resource import Ref
from remediator.sandbox.apiserver import ApiServer
from tests.builders import waiting as conditions_of
from tests.cli.shop import SECRET, Json, Shop

NO_ROLES = 'no matches for kind "Role" in version "iam.services.k8s.aws/v1alpha1"'
NOT_SYNCED = "the referenced resource is not synced yet. resource:Function, namespace:shop, name:checkout"


def put(api: ApiServer, kind: str, name: str = "live", reason: str = NOT_SYNCED, **spec: Any) -> Json:
    conditions = conditions_of(reason)
    return api.seed(
        {
            "apiVersion": "lambda.services.k8s.aws/v1alpha1",
            "kind": kind,
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {"functionRef": {"from": {"name": "checkout"}}, **spec},
            "status": {"conditions": conditions},
        }
    )


@pytest.fixture
def chain(empty_shop: Shop) -> Shop:
    """An Alias that waits for a Function, which waits for a Role of a kind that is not installed."""
    shop = empty_shop
    shop.controller()
    shop.function("mailer")
    shop.api.seed(
        {
            "apiVersion": "lambda.services.k8s.aws/v1alpha1",
            "kind": "Function",
            "metadata": {"name": "checkout", "namespace": "shop"},
            "spec": {
                "name": "checkout",
                "code": dict(shop.cloud.code),
                "roleRef": {"from": {"name": "app"}},
                "environment": {"variables": {"DB_PASSWORD": SECRET}},
            },
            "status": {"conditions": conditions_of(NO_ROLES)},
        }
    )
    shop.cloud.create_function("checkout")
    put(shop.api, "Alias", name="checkout", functionVersion="1")
    put(shop.api, "EventSourceMapping", "orders")
    return shop


def columns(text: str) -> list[str]:
    return next(line for line in text.splitlines() if line.startswith("NAMESPACE")).split()


def test_kinds_have_a_column_where_there_is_room(chain: Shop) -> None:
    shown = chain("scan", columns=200)
    assert columns(shown.out)[:3] == ["NAMESPACE", "KIND", "NAME"]
    rows = [line.split()[:4] for line in shown.out.splitlines() if line.startswith("shop")]
    assert rows == [
        ["shop", "Alias", "checkout", "ReferencesUnresolved"],
        ["shop", "Function", "checkout", "ReferencesUnresolved"],
        ["shop", "EventSourceMapping", "orders", "ReferencesUnresolved"],
    ]
    assert "4 resources: 3 waiting, 1 healthy." in shown.err
    assert "remediator explain " in shown.err


def test_where_there_is_none_the_sentence_tells_the_kind(chain: Shop) -> None:
    shown = chain("scan", columns=80)
    assert "KIND" not in columns(shown.out)
    assert all(len(line) <= 80 for line in shown.out.splitlines())
    for kind in ("Alias", "Function", "EventSourceMapping"):
        assert f"\n    {kind}: " in shown.out


def test_into_a_pipe_the_columns_are_whole(chain: Shop) -> None:
    assert columns(chain("scan", columns=None).out)[1] == "KIND"


@pytest.mark.parametrize("width", [80, 200])
def test_functions_alone_have_no_such_column(empty_shop: Shop, width: int) -> None:
    empty_shop.controller()
    empty_shop.rolled_back()
    shown = empty_shop("scan", columns=width)
    assert "KIND" not in columns(shown.out)
    assert "Function: " not in shown.out
    assert "1 function: 1 stuck." in shown.err


@pytest.mark.parametrize("width", [80, 200])
def test_wide_tells_them_apart_too(chain: Shop, width: int) -> None:
    shown = chain("scan", "-o", "wide", columns=width)
    assert all(kind in shown.out for kind in ("Alias", "EventSourceMapping"))
    assert "not asked" in shown.out


@pytest.mark.parametrize("width", [80, 200])
def test_explain_draws_what_waits_for_what(chain: Shop, width: int) -> None:
    shown = chain("explain", "alias/checkout", columns=width)
    assert shown.code == 0
    assert shown.out.startswith("alias/checkout in shop\n")
    lines = shown.out.splitlines()
    heading = lines.index("References")
    drawn = [line for line in lines[heading + 1 : heading + 5] if line.startswith("  ") and "Ref " in line]
    assert [line[:30].rstrip() for line in drawn] == [
        "  functionRef         Function",
        "    roleRef           Role sho",
    ]
    assert "Role shop/app: kind not installed" in shown.out
    assert all(len(line) <= width for line in lines)
    told = " ".join(shown.out.split())
    assert "which waits for Role shop/app (roleRef), and roles.iam.services.k8s.aws is not installed" in told
    assert "no action is ever taken on this kind" in told


def test_explain_of_a_stuck_one_says_that_nothing_is_done_to_it(chain: Shop) -> None:
    chain.write_policy("timeouts: {referencesUnresolved: 0s}\n")
    told = " ".join(chain("explain", "aliases/checkout").out.split())
    assert "Decision: report" in told
    assert "a person has to look at it; no action is ever taken on this kind" in told


def test_the_function_of_that_name_is_another(chain: Shop) -> None:
    shown = chain("explain", "checkout")
    assert shown.out.startswith("function/checkout in shop\n")
    assert chain("explain", "alias/mailer").code == 1
    assert "there is no Alias 'mailer' in namespace shop" in chain("explain", "alias/mailer").err


def test_the_document_carries_kind_and_tree(chain: Shop) -> None:
    told = json.loads(chain("explain", "alias/checkout", "-o", "json").out)
    assert told["kind"] == "Alias"
    (link,) = told["references"]
    assert (link["field"], link["kind"], link["name"], link["state"]) == (
        "functionRef", "Function", "checkout", "not synced"
    )  # fmt: skip
    assert link["why"] == NO_ROLES
    (beneath,) = link["references"]
    assert beneath == {
        "field": "roleRef",
        "kind": "Role",
        "namespace": "shop",
        "name": "app",
        "state": "kind not installed",
        "why": None,
        "finding": None,
        "references": [],
    }
    scanned = json.loads(chain("scan", "-o", "json").out)["results"]
    assert {each["kind"] for each in scanned} == {"Function", "Alias", "EventSourceMapping"}
    finding = {each["kind"]: each["references"][0]["finding"] for each in scanned}
    assert finding == {
        "Alias": "ReferencesUnresolved",
        "EventSourceMapping": "ReferencesUnresolved",
        "Function": None,
    }


def test_release_is_for_functions_alone(chain: Shop) -> None:
    refused = chain("release", "alias/checkout", "-n", "shop", "--orphan", "checkout")
    assert refused.code == 2


def test_a_run_leaves_them_alone(chain: Shop) -> None:
    before = chain.api.stored("lambda.services.k8s.aws/v1alpha1", "Alias", "shop", "checkout")
    assert chain("run").code in (0, 5)
    assert chain.api.stored("lambda.services.k8s.aws/v1alpha1", "Alias", "shop", "checkout") == before


def test_dumps_hold_every_kind(chain: Shop, tmp_path: Any) -> None:
    names = [("Alias", "checkout"), ("Function", "checkout"), ("EventSourceMapping", "orders")]
    stored = [chain.api.stored("lambda.services.k8s.aws/v1alpha1", kind, "shop", name) for kind, name in names]
    dump = tmp_path / "dump.json"
    dump.write_text(json.dumps({"kind": "List", "items": stored}), encoding="utf-8")
    shown = chain("diagnose", "-f", str(dump), "-o", "json")
    told = {each["kind"]: each for each in json.loads(shown.out)["results"]}
    assert set(told) == {"Alias", "Function", "EventSourceMapping"}
    assert told["Alias"]["summary"] == (
        "functionRef refers to Function shop/checkout, which is not synced. It is itself ReferencesUnresolved; look "
        "there first."
    )
    assert told["Function"]["summary"].startswith("roleRef refers to Role shop/app, and roles.iam.services.k8s.aws")
    assert "3 resources: 3 waiting." in shown.err


# ---- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [each.name for each in LAMBDA_KINDS])
def test_kinds_go_by_the_names_that_kubectl_takes(kind: str) -> None:
    known = KINDS[kind]
    for spelling in (kind, kind.lower(), known.plural, known.collection, f"{known.plural}.v1alpha1.{known.group}"):
        assert kind_and_name(f"{spelling}/live", "explain") == (kind, "live")
    assert kind_and_name(typed(Ref("shop", "live", "", kind)), "explain") == (kind, "live")


def test_without_a_kind_it_is_a_function() -> None:
    assert kind_and_name("live", "explain") == ("Function", "live")
    assert named(Ref("shop", "live", "")) == "live"
    assert named(Ref("shop", "live", "", "Alias")) == "alias/live"


@pytest.mark.parametrize("target", ["role/live", "/live", "alias/", "alias/a/b", "alias/.."])
def test_what_is_no_name_of_ours_is_refused(target: str) -> None:
    with pytest.raises(UsageError):
        kind_and_name(target, "explain")
