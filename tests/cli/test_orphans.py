"""`remediator orphans`: what people see of functions without an object, and what they are never told."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ruamel.yaml import YAML

from remediator.kubernetes import remediation_object as objects
from remediator.model.attempt import Attempt
from remediator.model.episode import Episode, Phase, ResolvedBy
from remediator.model.plan import ActionName, Result
from remediator.model.resource import Ref
from tests import yaml_files
from tests.cli.shop import SECRET, Shop
from tests.cli.shop import Result as Typed

BASE = Path(__file__).parents[2] / "manifests" / "base"
HOME = "ack-remediator"
REGION = "us-east-1"
ACK = {"services.k8s.aws/namespace": "shop", "services.k8s.aws/controller-version": "lambda-v1.14.1"}
OURS = {**ACK, "cluster": "prod"}
PRIVATE = {"Variables": {"DB_PASSWORD": SECRET}}
LEFT_AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
TAG = "orphans: {clusterTag: {key: cluster, value: prod}}\n"
DELETE = "aws lambda delete-function"

Json = dict[str, Any]


@pytest.fixture
def street(empty_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop with two Functions, functions of every class without one, and a place for records."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    empty_shop.controller()
    for name in ("mailer", "search"):
        empty_shop.function(name)
    for name in ("shop", HOME):
        empty_shop.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    empty_shop.api.seed(yaml_files.read(BASE / "crd-remediations.yaml"))
    empty_shop.write_policy(TAG)
    for name, tags in {
        "tagged": OURS,
        "let-go": ACK,
        "theirs": {**ACK, "cluster": "dr"},
        "whose": ACK,
        "foreign": {"team": "shop"},
        "search2": {},
    }.items():
        empty_shop.cloud.create_function(name, Tags=tags, Environment=PRIVATE)
    record(empty_shop, "let-go")
    return empty_shop


def arn(name: str, shop: Shop, region: str = REGION) -> str:
    return f"arn:aws:lambda:{region}:{shop.cloud.account}:function:{name}"


def record(shop: Shop, name: str, *, namespace: str = "shop", backup: str = f"secret/{HOME}/backup-1") -> None:
    """Store what a Release leaves on record."""
    ref = Ref(namespace, name, f"0000-{name}")
    attempt = Attempt(
        id="p-1",
        action=ActionName.RELEASE,
        digest="d",
        intended=LEFT_AT,
        approved_by="jane",
        result=Result.RESOLVED,
        concluded=LEFT_AT,
        backup=backup,
        orphan=arn(name, shop),
    )
    episode = Episode(
        unhealthy_since=LEFT_AT,
        first_seen=LEFT_AT,
        last_seen=LEFT_AT,
        attempts=(attempt,),
        resolved_at=LEFT_AT,
        resolved_by=ResolvedBy.US,
    )
    stored = objects.new_object(ref)
    stored["metadata"]["namespace"] = HOME
    stored["status"] = msgspec.to_builtins(objects.status(episode, Phase.RESOLVED, None))
    shop.api.seed(stored)


def classes(told: Typed) -> dict[str, str]:
    return {each["function"]: each["class"] for each in json.loads(told.out)["orphans"]}


def one(told: Typed, name: str) -> Json:
    found: Json = next(each for each in json.loads(told.out)["orphans"] if each["function"] == name)
    return found


def said(told: Typed) -> str:
    return " ".join(told.err.split())


# ---- what there is ---------------------------------------------------------------------------------------------------


def test_every_class_is_told_apart_and_what_is_not_acks_is_not_mentioned(street: Shop) -> None:
    told = street("orphans", "-o", "json")
    assert told.code == 0
    assert classes(told) == {"let-go": "released", "tagged": "tagged", "theirs": "other-cluster", "whose": "unknown"}
    document = json.loads(told.out)
    assert document["summary"] == {"released": 1, "tagged": 1, "other-cluster": 1, "unknown": 1}
    assert (document["conclusive"], document["partial"]) == (True, [])
    assert document["looked"] == [f"{street.cloud.account} {REGION}"]
    assert "4 without an object (1 released, 1 tagged, 1 other-cluster, 1 unknown)" in said(told)


def test_a_released_one_tells_what_its_record_does(street: Shop) -> None:
    each = one(street("orphans", "-o", "json"), "let-go")
    assert each["record"] == {
        "name": "function-0000-let-go",
        "action": "Release",
        "target": "Function shop/let-go",
        "at": "2026-11-20T09:00:00Z",
        "approvedBy": "jane",
        "backup": f"secret/{HOME}/backup-1",
    }
    assert "Release of Function shop/let-go at 2026-11-20T09:00:00Z, approved by jane" in each["why"]
    assert any("was changed in AWS after it was left there" in mind for mind in each["minds"])
    assert each["commands"]["restore"] == f"remediator restore secret/{HOME}/backup-1 --adopt"


def test_only_ours_have_commands_and_those_can_be_pasted(street: Shop) -> None:
    told = street("orphans", "-o", "json")
    assert one(told, "theirs")["commands"] == one(told, "whose")["commands"] == {}
    delete = one(told, "tagged")["commands"]["delete"]
    assert shlex.split(delete) == [*DELETE.split(), "--region", REGION, "--function-name", arn("tagged", street)]
    assert one(told, "tagged")["commands"]["adopt"].startswith(f"remediator orphans --adopt {arn('tagged', street)} |")


def test_people_are_told_the_same(street: Shop) -> None:
    told = street("orphans", columns=200)
    header, first, *_ = told.out.splitlines()
    assert header.split() == ["FUNCTION", "CLASS", "REGION", "ACCOUNT", "NAMESPACE", "LAST-MODIFIED"]
    assert first.split()[:5] == ["let-go", "released", REGION, street.cloud.account, "shop"]
    assert told.out.count(DELETE) == told.out.count("kubectl create -f -") == 2
    assert "Of cluster dr, by its tag cluster." in told.out
    assert "It cannot be undone, and takes every version" in told.out
    wide = street("orphans", "-o", "wide", columns=200).out
    assert "tags cluster=prod, services.k8s.aws/controller-version=lambda-v1.14.1" in wide
    assert f"record function-0000-let-go; backup secret/{HOME}/backup-1" in wide


def test_a_narrow_terminal_breaks_nothing_but_what_is_to_be_copied(street: Shop) -> None:
    long = f"a-{'very-' * 12}long"[:64]
    street.cloud.create_function(long, Tags=OURS)
    lines = street("orphans", columns=80).out.splitlines()
    assert max(len(each) for each in lines if "arn:aws" not in each) <= 80
    assert any(f"--function-name {arn(long, street)}" in each for each in lines)
    assert any(f"account {street.cloud.account}" in each for each in lines)


def test_yaml_says_what_json_does(street: Shop) -> None:
    assert YAML(typ="safe").load(street("orphans", "-o", "yaml").out) == json.loads(street("orphans", "-o", "json").out)


def test_without_a_tag_in_the_policy_only_records_tell(street: Shop) -> None:
    street.write_policy()
    told = street("orphans", "-o", "json")
    assert classes(told) == {"let-go": "released", "tagged": "unknown", "theirs": "unknown", "whose": "unknown"}
    assert "orphans.clusterTag" in said(told)


def test_where_there_are_none_there_is_no_table(empty_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    empty_shop.function("mailer")
    told = empty_shop("orphans", "--exit-code")
    assert (told.code, told.out) == (0, "")
    assert "0 without an object" in said(told)
    assert "does not know remediations.ack-remediator.dev: nothing is recorded" in said(told)


def test_ours_end_with_3_where_that_is_asked_for(street: Shop) -> None:
    assert street("orphans", "--exit-code").code == 3
    for name in ("let-go", "tagged"):
        street.cloud.remove(name)
    assert street("orphans", "--exit-code").code == 0


def test_other_regions_and_accounts_are_looked_at_where_asked(street: Shop) -> None:
    street.cloud.create_function("far", region="eu-west-1", Tags=OURS)
    assert "far" not in classes(street("orphans", "-o", "json"))
    assert classes(street("orphans", "--region", "eu-west-1", "-o", "json"))["far"] == "tagged"
    told = street("orphans", "--account", "444455556666", "-o", "json")
    assert told.code == 5
    assert "444455556666, us-east-1 could not be read" in said(told)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--region", "eu-x"), "'eu-x' is no region"),
        (("--region", "x.evil.example#"), "is no region"),
        (("--account", "1234"), "'1234' is no account"),
        (("--policy", "/absent"), "/absent"),
    ],
)
def test_what_makes_no_sense_is_refused(street: Shop, words: tuple[str, ...], why: str) -> None:
    told = street("orphans", *words, policy=words[0] != "--policy")
    assert (told.code, told.out) == (2, "")
    assert why in said(told)


def test_a_record_that_tells_of_nothing_any_more_can_go(street: Shop) -> None:
    street.cloud.remove("let-go")
    record(street, "mailer")
    delete = f"kubectl -n {HOME} delete remediations.ack-remediator.dev"
    told = street("orphans", columns=200)
    assert told.code == 0
    assert f"{arn('let-go', street)} is gone. What is recorded of it (Release of Function shop/let-go" in said(told)
    assert f"Function shop/mailer is for {arn('mailer', street)} now" in said(told)
    assert f"{delete} function-0000-let-go" in said(told)
    settled = json.loads(street("orphans", "-o", "json").out)["settled"]
    assert sorted(each["command"] for each in settled) == [
        f"{delete} function-0000-{name}" for name in ("let-go", "mailer")
    ]


# ---- what is never told ----------------------------------------------------------------------------------------------


def test_no_question_is_asked_whose_answer_has_secrets_that_nobody_needs(street: Shop) -> None:
    """Nor with a policy that lets GetFunction be called: its answers link to the code."""
    street.policy.write_text(
        street.policy.read_text(encoding="utf-8").replace("aws: {", "aws: {call: GetFunction, "), encoding="utf-8"
    )
    begin = len(street.cloud.calls)
    assert street("orphans").code == 0
    asked = {each.operation for each in street.cloud.calls_since(begin)}
    assert asked == {"GetCallerIdentity", "GetResources", "GetFunctionConfiguration"}
    about = {each.function for each in street.cloud.calls_of("GetFunctionConfiguration", since=begin)}
    assert about == {"let-go", "tagged"}


def test_what_steers_a_terminal_does_not_in_a_tag(street: Shop) -> None:
    street.cloud.create_function("odd", Tags={**ACK, "cluster": "\x1b[2J\u202edr\nx"})
    told = street("orphans", "-o", "wide", columns=200)
    assert "\x1b" not in told.out
    assert "\u202e" not in told.out
    assert "Of cluster \ufffd[2J\ufffddr" in told.out


# ---- what was not seen -----------------------------------------------------------------------------------------------


def test_without_the_right_to_list_all_functions_nothing_is_said(street: Shop) -> None:
    street.api.refuse("list", "functions", code=403, reason="Forbidden", message="not yours")
    begin = len(street.cloud.calls)
    told = street("orphans")
    assert (told.code, told.out) == (5, "")
    assert "nothing can be said" in said(told)
    assert "Functions could not be listed" in said(told)
    assert street.cloud.calls_since(begin) == []
    adopt = street("orphans", "--adopt", "tagged")
    assert (adopt.code, adopt.out) == (5, "")


def test_what_cannot_be_decoded_may_be_for_any_function(street: Shop) -> None:
    broken = street.stored("mailer")
    street.api.seed(
        {
            **broken,
            "metadata": {**broken["metadata"], "name": "odd", "uid": "u-odd"},
            "status": {"conditions": [{"type": 7}]},
        }
    )
    told = street("orphans")
    assert (told.code, told.out) == (5, "")
    assert "shop/odd cannot be read" in said(told)


def test_without_the_permission_for_tags_that_is_told_and_nothing_called_ours(street: Shop) -> None:
    street.cloud.deny("GetResources")
    told = street("orphans", "-o", "json")
    assert (told.code, classes(told)) == (5, {})
    assert "not authorized to perform: tag:GetResources" in said(told)
    assert f"Whose {arn('let-go', street)} is now is not known" in said(told)


def test_one_that_cannot_be_asked_about_is_doubt(street: Shop) -> None:
    street.cloud.deny("GetFunctionConfiguration", name="tagged")
    told = street("orphans", "-o", "json")
    assert told.code == 5
    assert "tagged" not in classes(told)
    assert f"Whether {arn('tagged', street)} is still there is not known" in said(told)


def test_records_that_cannot_be_read_are_told(street: Shop) -> None:
    street.api.refuse("list", "remediations", code=403, reason="Forbidden", message="not yours")
    told = street("orphans", "-o", "json")
    assert (told.code, classes(told)["let-go"]) == (5, "unknown")
    assert "so what was released is not known" in said(told)


# ---- adoption --------------------------------------------------------------------------------------------------------


def test_the_manifest_finds_the_function_and_can_change_nothing(street: Shop) -> None:
    told = street("orphans", "--adopt", "tagged", columns=200)
    assert told.code == 0
    assert told.out.startswith(f"# {arn('tagged', street)}\n")
    assert YAML(typ="safe").load(told.out) == {
        "apiVersion": "lambda.services.k8s.aws/v1alpha1",
        "kind": "Function",
        "metadata": {
            "name": "tagged",
            "namespace": "shop",
            "annotations": {
                "services.k8s.aws/adoption-policy": "adopt",
                "services.k8s.aws/adoption-fields": '{"name": "tagged"}',
                "services.k8s.aws/deletion-policy": "retain",
                "services.k8s.aws/region": REGION,
            },
        },
        "spec": {"name": "tagged", "code": {}},
    }
    assert json.loads(street("orphans", "--adopt", arn("tagged", street), "-o", "json").out)["kind"] == "Function"


def test_a_backup_is_pointed_to_where_there_is_one(street: Shop) -> None:
    told = street("orphans", "--adopt", "let-go", columns=200)
    assert told.code == 0
    assert f"remediator restore secret/{HOME}/backup-1 --adopt" in said(told)
    assert "was changed in AWS after it was left there" in said(told)


@pytest.mark.parametrize(
    ("name", "code", "why"),
    [
        ("theirs", 1, "is not known to be this cluster's. Of cluster dr"),
        ("whose", 1, "is not known to be this cluster's. ACK made it, and no tag says"),
        ("mailer", 1, "mailer is no orphan: Function shop/mailer is for it"),
        ("foreign", 1, "no function foreign without an object was found"),
        ("nothing", 1, "no function nothing without an object was found"),
    ],
)
def test_what_is_not_ours_is_not_adopted(street: Shop, name: str, code: int, why: str) -> None:
    told = street("orphans", "--adopt", name)
    assert (told.code, told.out) == (code, "")
    assert why in said(told)


def test_a_name_in_two_regions_has_to_be_an_arn(street: Shop) -> None:
    street.cloud.create_function("tagged", region="eu-west-1", Tags=OURS)
    told = street("orphans", "--region", "eu-west-1", "--adopt", "tagged", columns=200)
    assert (told.code, told.out) == (2, "")
    assert arn("tagged", street, "eu-west-1") in said(told)
    chosen = street("orphans", "--region", "eu-west-1", "--adopt", arn("tagged", street, "eu-west-1"))
    assert YAML(typ="safe").load(chosen.out)["metadata"]["annotations"]["services.k8s.aws/region"] == "eu-west-1"


def test_no_object_that_is_there_is_written_over(street: Shop) -> None:
    street.cloud.create_function("Mailer", Tags=OURS)
    told = street("orphans", "--adopt", "Mailer")
    assert (told.code, told.out) == (1, "")
    assert "there is a Function shop/mailer already, and it is for another function" in said(told)


def mark(shop: Shop, **more: Any) -> None:
    """Let the namespace of the shop be another one."""
    shop.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}, **more})


def test_nothing_is_written_for_a_namespace_that_is_going_or_gone(street: Shop) -> None:
    mark(street, status={"phase": "Terminating"})
    assert "namespace shop is being deleted" in said(street("orphans", "--adopt", "tagged"))
    street.cloud.create_function("lost", Tags={**OURS, "services.k8s.aws/namespace": "closed"})
    told = street("orphans", "--adopt", "lost")
    assert (told.code, told.out) == (1, "")
    assert "there is no namespace closed any more" in said(told)
    street.cloud.create_function("nowhere", Tags={"eks:controller-version": "1", "cluster": "prod"})
    assert "no tag of ACK says which namespace" in said(street("orphans", "--adopt", "nowhere"))
    street.cloud.create_function("odd", Tags={**OURS, "services.k8s.aws/namespace": "../secrets"})
    assert "cannot be the name of a namespace" in said(street("orphans", "--adopt", "odd"))


def test_a_namespace_that_may_not_be_read_is_doubt(street: Shop) -> None:
    street.api.refuse("get", "namespaces", code=403, reason="Forbidden", message="not yours")
    street.api.refuse("list", "namespaces", code=403, reason="Forbidden", message="not yours")
    told = street("orphans", "--adopt", "tagged", columns=200)
    assert told.code == 0
    assert "Whether there is a namespace shop could not be asked" in said(told)
    assert "Which account ACK takes for namespace shop is not certain" in said(told)


def test_ack_has_to_look_in_the_account_of_the_function(street: Shop) -> None:
    mark(street, metadata={"name": "shop", "annotations": {"services.k8s.aws/owner-account-id": "444455556666"}})
    role = {"444455556666": "arn:aws:iam::444455556666:role/ack"}
    street.api.seed(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "ack-role-account-map", "namespace": "ack-system"},
            "data": role,
        }
    )
    told = street("orphans", "--adopt", "tagged", columns=200)
    assert (told.code, told.out) == (1, "")
    assert "ACK would not look for" in said(told)
    assert "444455556666" in said(told)


def test_where_nothing_tells_the_account_a_person_is_told_to_see_to_it(street: Shop) -> None:
    street.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "post"}})
    street.cloud.create_function("mail", Tags={**OURS, "services.k8s.aws/namespace": "post"})
    told = street("orphans", "--adopt", "mail", columns=200)
    assert told.code == 0
    assert f"ACK has to work in account {street.cloud.account} for namespace post" in said(told)


def test_an_old_controller_adopts_nothing(street: Shop) -> None:
    deployment = street.api.stored("apps/v1", "Deployment", "ack-system", "ack-lambda-controller")
    containers = deployment["spec"]["template"]["spec"]["containers"]
    containers[0]["image"] = containers[0]["image"].replace("1.14.1", "1.7.4")
    street.api.seed(deployment)
    told = street("orphans", "--adopt", "tagged")
    assert (told.code, told.out) == (1, "")
    assert "the lambda-controller here is 1.7.4" in said(told)


def test_it_writes_nothing_anywhere(street: Shop) -> None:
    before = [street.stored(name)["metadata"]["resourceVersion"] for name in ("mailer", "search")]
    begin = len(street.cloud.calls)
    for words in ((), ("--adopt", "tagged")):
        street("orphans", *words)
    assert all(each.operation.startswith("Get") for each in street.cloud.calls_since(begin))
    assert [street.stored(name)["metadata"]["resourceVersion"] for name in ("mailer", "search")] == before
