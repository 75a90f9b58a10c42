"""`remediator restore`: shows what and what becomes of it, asks, and creates; nothing that exists is touched."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from remediator.errors import Unreachable
from remediator.kubernetes.connection import Connection
from remediator.kubernetes.transport import Transport
from remediator.sandbox.apiserver import ApiServer
from tests.cli.shop import CONTEXT, FINALIZER, SECRET, Result, Shop, Typing

YES = f"{CONTEXT}\n"
HOME = "ack-remediator"
POLICY, FIELDS = "services.k8s.aws/adoption-policy", "services.k8s.aws/adoption-fields"

Json = dict[str, Any]


def said(result: Result) -> str:
    return " ".join(result.err.split())


def remove(shop: Shop, name: str) -> None:
    """Take an object away, whatever holds it: as ClearFinalizer and a deletion leave the cluster."""
    transport = Transport(Connection(shop.kubeconfig, None))
    path = f"/apis/lambda.services.k8s.aws/v1alpha1/namespaces/shop/functions/{name}"
    there = shop.stored(name)
    there["metadata"]["finalizers"] = []
    there["metadata"].pop("deletionTimestamp", None)
    seen = shop.api.seed(there)["metadata"]
    transport.delete(path, uid=seen["uid"], resource_version=seen["resourceVersion"])


def exists(shop: Shop, name: str) -> bool:
    try:
        shop.stored(name)
    except LookupError:
        return False
    return True


Backup = Callable[..., tuple[Json, str]]


@pytest.fixture
def backup(empty_shop: Shop, tmp_path: Path) -> Backup:
    """Save a Function to a file, and remove it; returns the object as it was, and the file."""

    def make(name: str = "checkout", *, live: bool = False, **more: Any) -> tuple[Json, str]:
        before = empty_shop.function(name, live=live, deleted_minutes_ago=45, **more)
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(before), encoding="utf-8")
        remove(empty_shop, name)
        return before, str(path)

    return make


def in_secret(api: ApiServer, obj: Json, name: str = "backup-function-1", at: str = "2026-11-21T12:00:00Z") -> None:
    metadata = obj["metadata"]
    target = f"{metadata['namespace']}/{metadata['name']}/{metadata['uid']}"
    api.seed(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "namespace": HOME,
                "creationTimestamp": at,
                "labels": {
                    "ack-remediator.dev/target-namespace": metadata["namespace"],
                    "ack-remediator.dev/target-name": metadata["name"],
                },
                "annotations": {"ack-remediator.dev/target": f"function/{target}"},
            },
            "type": "ack-remediator.dev/backup",
            "data": {"object.json.gz": base64.b64encode(gzip.compress(json.dumps(obj).encode())).decode()},
        }
    )


# ---- what is created -------------------------------------------------------------------------------------------------


def test_it_is_created_as_it_was_and_belongs_to_nobody_yet(empty_shop: Shop, backup: Backup) -> None:
    before, file = backup(description="zwölf Hühner", labels={"team": "shop"})
    result = empty_shop("restore", file, typed=YES, columns=200)
    assert result.code == 0, result.err
    now = empty_shop.stored("checkout")
    assert now["spec"] == before["spec"]
    assert now["metadata"]["labels"] == {"team": "shop"}
    assert now["metadata"]["uid"] != before["metadata"]["uid"]
    assert {"finalizers", "deletionTimestamp", "ownerReferences"}.isdisjoint(now["metadata"])
    assert "status" not in now
    assert f"Created Function shop/checkout (uid {now['metadata']['uid']})" in said(result)
    assert "remediator explain function/checkout -n shop" in said(result)


def test_what_is_created_is_shown_and_secrets_are_not(empty_shop: Shop, backup: Backup) -> None:
    _, file = backup(
        description=f"uses {SECRET}",
        environment={"variables": {"DB_PASSWORD": SECRET, "PIN": "17", "EMPTY": ""}},
        annotations={"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"q": f'"{SECRET}"'})},
    )
    result = empty_shop("restore", file, typed="no\n", columns=200)
    lines = result.out.splitlines()
    assert "+ spec.memorySize: 256" in lines
    assert '+ spec.description: "uses •••"' in lines
    for name in ("DB_PASSWORD", "PIN", "EMPTY"):
        assert f"+ spec.environment.variables.{name}: •••" in lines
    assert '+ metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"]: (not shown)' in lines
    assert "17" not in result.out
    assert f"Left out finalizers {FINALIZER}: each controller sets its own again" in said(result)


def test_a_second_restore_finds_what_the_first_one_made(empty_shop: Shop, backup: Backup) -> None:
    _, file = backup()
    assert empty_shop("restore", file, typed=YES).code == 0
    now = empty_shop.stored("checkout")
    result = empty_shop("restore", file, typed=YES)
    assert (result.code, result.out) == (2, "")
    assert "there is a Function shop/checkout already; nothing is restored" in said(result)
    assert empty_shop.stored("checkout") == now


def test_what_is_there_is_compared_and_left_alone(empty_shop: Shop, tmp_path: Path) -> None:
    before = empty_shop.function("checkout", deleted_minutes_ago=45)
    file = tmp_path / "checkout.json"
    file.write_text(json.dumps(before), encoding="utf-8")
    other = "another-horse-battery"
    changed = empty_shop.function(
        "checkout", live=False, deleted_minutes_ago=1, memorySize=512, environment={"variables": {"DB_PASSWORD": other}}
    )
    result = empty_shop("restore", str(file), typed=YES, columns=200)
    assert result.code == 2
    assert "there is a Function shop/checkout already, and it is being deleted; nothing is restored" in said(result)
    assert result.out.splitlines() == [
        "- spec.environment.variables.DB_PASSWORD: •••",
        "+ spec.environment.variables.DB_PASSWORD: •••",
        "- spec.memorySize: 512",
        "+ spec.memorySize: 256",
    ]
    assert other not in result.err
    assert empty_shop.stored("checkout") == changed


# ---- what becomes of it ----------------------------------------------------------------------------------------------


def test_a_function_that_is_gone_will_be_created_anew(empty_shop: Shop, backup: Backup) -> None:
    _, file = backup(code={"s3Bucket": "artifacts", "s3Key": "checkout.zip"})
    told = said(empty_shop("restore", file, "--dry-run", columns=200))
    assert f"AWS has no function checkout in us-east-1, account {empty_shop.cloud.account}. ACK will create" in told
    assert (
        "create the function anew from this spec (its code in S3, artifacts/checkout.zip, must still be there)" in told
    )
    assert "ACK's next pass makes AWS match this spec, and overwrites what was changed there" in told


def test_a_function_that_exists_takes_an_adoption(empty_shop: Shop, backup: Backup) -> None:
    _, file = backup(live=True)
    told = said(empty_shop("restore", file, "--dry-run", columns=200))
    assert "The function checkout exists in AWS (Active/Successful, us-east-1)" in told
    assert 'ACK will say "Resource already exists" (Terminal) and leave it alone, unless it is told to adopt' in told
    result = empty_shop("restore", file, "--adopt", typed=YES, columns=200)
    assert "ACK will take it over, and make it match this spec." in said(result)
    annotations = empty_shop.stored("checkout")["metadata"]["annotations"]
    assert annotations == {POLICY: "adopt-or-create", FIELDS: '{"name": "checkout"}'}


def test_what_cannot_be_read_is_not_foretold(empty_shop: Shop, backup: Backup) -> None:
    _, file = backup()
    empty_shop.cloud.refuse("GetFunctionConfiguration", "AccessDeniedException", f"no policy allows {SECRET}")
    told = said(empty_shop("restore", file, "--dry-run", columns=200))
    assert "Whether the function checkout exists in AWS is not known: GetFunctionConfiguration was answered" in told
    assert "If it is gone, ACK will create the function anew" in told
    assert 'If it exists, ACK will say "Resource already exists"' in told


def test_gone_without_an_arn_is_told_with_its_doubt(empty_shop: Shop, backup: Backup) -> None:
    _, file = backup(status={"ackResourceMetadata": {"region": "us-east-1"}})
    told = said(empty_shop("restore", file, "--dry-run", columns=200))
    assert "(status records no ARN of it, so this is no proof: it may be in another account or region)" in told


@pytest.mark.parametrize(
    ("annotations", "told"),
    [
        ({POLICY: "adopt"}, f"ACK will not create it, and not say so either, because of {POLICY}: adopt"),
        ({"services.k8s.aws/read-only": "true"}, "ACK will only look at the function"),
        (
            {"services.k8s.aws/region": "eu-west-1"},
            "The function was in us-east-1, but services.k8s.aws/region says eu",
        ),
        ({"services.k8s.aws/adopted": "true"}, "Left out services.k8s.aws/adopted: it speaks of the old object"),
    ],
)
def test_annotations_that_decide_what_ack_does_are_told(
    empty_shop: Shop, backup: Backup, annotations: dict[str, str], told: str
) -> None:
    _, file = backup(annotations=annotations)
    assert told in said(empty_shop("restore", file, "--dry-run", columns=200))


# ---- consent ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["\n", "y\n", "yes\n", f"{CONTEXT}x\n"])
def test_another_word_than_the_contexts_name_ends_it(empty_shop: Shop, backup: Backup, typed: str) -> None:
    _, file = backup()
    result = empty_shop("restore", file, typed=typed)
    assert result.code == 2
    assert "that is not the context's name; nothing was restored" in said(result)
    assert not exists(empty_shop, "checkout")


def test_without_a_terminal_the_context_is_named(empty_shop: Shop, backup: Backup) -> None:
    _, file = backup()
    assert empty_shop("restore", file, "--confirm", "another").code == 2
    assert not exists(empty_shop, "checkout")
    assert empty_shop("restore", file, "--confirm", CONTEXT).code == 0
    assert exists(empty_shop, "checkout")


def test_a_pipe_is_no_consent(typed_anywhere: Typing) -> None:
    result = typed_anywhere("restore", "any.json", pipe=YES)
    assert (result.code, result.out) == (2, "")
    assert "--confirm" in result.err


def test_a_dry_run_creates_nothing_and_asks_nothing(empty_shop: Shop, backup: Backup) -> None:
    _, file = backup()
    result = empty_shop("restore", file, "--dry-run", columns=200)
    assert result.code == 0
    assert "The API server takes it as it is. Nothing was created (--dry-run)." in said(result)
    assert not exists(empty_shop, "checkout")


def test_a_dry_run_without_the_right_to_create_says_so(empty_shop: Shop, backup: Backup) -> None:
    _, file = backup()
    empty_shop.api.refuse("create", "functions", code=403, reason="Forbidden", message=f"not you, {SECRET}")
    result = empty_shop("restore", file, "--dry-run", columns=200)
    assert result.code == 0
    assert "Whether the API server takes it could not be tried" in said(result)
    assert empty_shop("restore", file, typed=YES).code == 1


# ---- where the backup is ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backup_of", ["secret/backup-function-1", f"secret/{HOME}/backup-function-1"])
def test_a_backup_in_a_secret(empty_shop: Shop, backup: Backup, backup_of: str) -> None:
    before, _ = backup()
    in_secret(empty_shop.api, before)
    assert empty_shop("restore", backup_of, typed=YES).code == 0
    assert empty_shop.stored("checkout")["spec"] == before["spec"]


@pytest.mark.parametrize("flags", [(), ("-n", "shop")])
def test_the_newest_backup_of_a_function(empty_shop: Shop, backup: Backup, flags: tuple[str, ...]) -> None:
    before, _ = backup()
    in_secret(empty_shop.api, before, "backup-old", "2026-11-20T12:00:00Z")
    newer = before | {"spec": before["spec"] | {"memorySize": 512}}
    in_secret(empty_shop.api, newer, "backup-new", "2026-11-21T12:00:00Z")
    result = empty_shop("restore", "function/checkout", *flags, typed=YES, columns=200)
    assert result.code == 0
    assert f"Backup secret/{HOME}/backup-new, saved 2026-11-21T12:00:00Z: the newest of 2" in said(result)
    assert empty_shop.stored("checkout")["spec"]["memorySize"] == 512


def test_a_function_without_backups(empty_shop: Shop) -> None:
    result = empty_shop("restore", "function/checkout", "-n", "post", typed=YES)
    assert result.code == 2
    assert f"there is no backup of Function post/checkout in namespace {HOME}" in said(result)


def test_it_goes_where_it_was(empty_shop: Shop, backup: Backup) -> None:
    _, file = backup()
    result = empty_shop("restore", file, "-n", "post", typed=YES)
    assert result.code == 2
    assert "this is a backup of Function shop/checkout, not of one in post" in said(result)


@pytest.mark.parametrize("name", ["../../../etc/passwd", "secret/../x", "function/../x", "secret/A"])
def test_names_that_cannot_be(empty_shop: Shop, name: str) -> None:
    assert empty_shop("restore", name, typed=YES).code == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"kind: Function\nspec: {{password: {SECRET}}}".encode(), "YAML becomes JSON by: kubectl create"),
        (gzip.compress(SECRET.encode() * 99, mtime=0)[:-4], "is cut off"),
        (b'{"kind": "Secret", "apiVersion": "v1"}', "is no Function of ACK, but Secret of v1"),
    ],
    ids=["yaml", "cut-off", "another-kind"],
)
def test_what_is_no_backup_is_refused(empty_shop: Shop, tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "notes"
    file.write_bytes(content)
    result = empty_shop("restore", str(file), typed=YES, columns=200)
    assert (result.code, result.out) == (2, "")
    assert message in said(result)


def test_a_compressed_file_is_read_too(empty_shop: Shop, backup: Backup) -> None:
    """As `kubectl get secret -o jsonpath=… | base64 -d` leaves one."""
    _, file = backup()
    Path(file).write_bytes(gzip.compress(Path(file).read_bytes()))
    assert empty_shop("restore", file, "--dry-run").code == 0


# ---- when it does not go well ----------------------------------------------------------------------------------------


def test_what_the_api_server_refuses_is_told_without_what_it_quotes(empty_shop: Shop, backup: Backup) -> None:
    quoted = SECRET + '"\\<&>\n'
    _, file = backup(environment={"variables": {"DB_PASSWORD": quoted}})
    in_go = json.dumps(quoted)[1:-1].replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    message = f'Function is invalid: spec.environment: Invalid value: "{in_go}": wrong'
    empty_shop.api.refuse("create", "functions", code=422, reason="Invalid", message=message)
    result = empty_shop("restore", file, typed=YES, columns=200, verbose="-vv")
    assert result.code == 1
    assert 'spec.environment: Invalid value: "•••": wrong; nothing was created' in said(result)


def test_a_spec_that_would_not_be_kept_whole_is_not_created(empty_shop: Shop, backup: Backup, tmp_path: Path) -> None:
    before, file = backup()
    before["spec"]["ofTomorrow"] = {"password": SECRET}
    Path(file).write_text(json.dumps(before), encoding="utf-8")
    result = empty_shop("restore", file, typed=YES, columns=200)
    assert result.code == 1
    assert "would not keep all of the spec of Function shop/checkout: spec.ofTomorrow.password; nothing" in said(result)
    assert not exists(empty_shop, "checkout")


def test_without_its_namespace_there_is_no_place(empty_shop: Shop, backup: Backup) -> None:
    before, file = backup()
    before["metadata"]["namespace"] = "razed"
    Path(file).write_text(json.dumps(before), encoding="utf-8")
    result = empty_shop("restore", file, typed=YES, columns=200)
    assert result.code == 1
    assert "there is no place for Function razed/checkout" in said(result)
    assert "Create the namespace first" in said(result)


def test_a_create_without_an_answer_is_unknown(
    empty_shop: Shop, backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = Transport.create

    def cut(self: Transport, path: str, body: Json, *, dry_run: bool = False) -> bytes:
        answer = create(self, path, body, dry_run=dry_run)
        if not dry_run:
            raise Unreachable(f"no answer: connection reset, {SECRET}")
        return answer

    _, file = backup()
    monkeypatch.setattr(Transport, "create", cut)
    result = empty_shop("restore", file, typed=YES, columns=200)
    assert result.code == 5
    assert "whether Function shop/checkout was created is not known: no answer: connection reset, •••" in said(result)
    assert exists(empty_shop, "checkout")


# ---- there and back --------------------------------------------------------------------------------------------------


def test_what_a_run_saved_can_be_restored(empty_shop: Shop, machine: Path) -> None:
    """The Secret that ClearFinalizer leaves is all that it takes."""
    shop = empty_shop
    shop.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
    shop.controller(available=False)
    before = shop.left("checkout")
    acted = shop("run", "--approve", typed=YES, columns=200)
    assert acted.code == 0, acted.err
    assert not exists(shop, "checkout")
    assert not (machine / "state").exists()
    [reference] = [word for word in acted.err.split() if word.startswith(f"secret/{HOME}/backup-function-")]
    assert shop("restore", reference, typed=YES).code == 0
    assert shop.stored("checkout")["spec"] == before["spec"]


def test_without_a_right_to_secrets_a_run_saves_a_file_and_says_so(empty_shop: Shop, machine: Path) -> None:
    shop = empty_shop
    shop.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
    shop.api.refuse("create", "secrets", code=403, reason="Forbidden", message="secrets is forbidden: not you")
    shop.controller(available=False)
    shop.left("checkout")
    acted = shop("run", "--approve", typed=YES, columns=None)
    assert acted.code == 0
    assert "the backup is a file on this machine" in acted.err
    assert "secrets is forbidden: not you" in acted.err
    [file] = (machine / "state/ack-remediator/backups").iterdir()
    assert str(file) in acted.err
    assert shop("restore", str(file), typed=YES).code == 0
