"""`remediator rollout`: two applies of what would lose half of itself in one, and no word that is not true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from remediator.errors import ClusterError
from remediator.kubernetes.manifests import KubernetesObjects
from remediator.waiting import wait_for
from tests.cli.accounts import become
from tests.cli.shop import API_VERSION, SECRET, Result, Shop
from tests.contents import put_package

Json = dict[str, Any]

WAIT = "remediator.rollout.rolling.wait_for"


def flat(text: str) -> str:
    return " ".join(text.split())


def spec(shop: Shop, **more: Any) -> Json:
    return {
        "name": "checkout",
        "role": shop.cloud.role_arn,
        "runtime": "python3.13",
        "handler": "app.handler",
        "packageType": "Zip",
        "code": {**shop.cloud.code, "sha256": shop.cloud.code_sha256},
        "environment": {"variables": {"DB_PASSWORD": SECRET}},
    } | more


def written(shop: Shop, *specs: Json, metadata: Json | None = None, **more: Any) -> Path:
    """Write a manifest; a spec names its object, too."""
    objects = [
        {
            "apiVersion": API_VERSION,
            "kind": "Function",
            "metadata": {"name": each.get("name", "checkout")} | (metadata or {}),
            "spec": each,
        }
        | more
        for each in specs
    ]
    file = shop.directory / "function.yaml"
    file.write_text("\n---\n".join(json.dumps(each, indent=2) for each in objects), encoding="utf-8")
    return file


def rolled_out(shop: Shop, *words: str, **more: Any) -> Result:
    return shop("rollout", "-f", *words, **more)


@pytest.fixture
def there(attended_shop: Shop) -> Shop:
    """A shop in which checkout was rolled out."""
    attended_shop.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    made = rolled_out(attended_shop, str(written(attended_shop, spec(attended_shop))))
    assert made.code == 0, made.err
    assert flat(made.out).startswith("function/checkout: rolled out (created;")
    return attended_shop


def test_code_and_configuration_follow_each_other(there: Shop) -> None:
    code, sha256 = put_package(there.cloud, "v2")
    file = written(there, spec(there, code={**code, "sha256": sha256}, memorySize=512))
    planned = rolled_out(there, str(file), "--dry-run")
    assert planned.code == 0
    assert planned.out.splitlines() == [
        "function/checkout: step 1, code: spec.code.s3Key, spec.code.sha256",
        "function/checkout: step 2, configuration: spec.memorySize",
    ]
    assert there.cloud.configuration("checkout")["MemorySize"] == 128

    ran = rolled_out(there, str(file))
    assert ran.code == 0, ran.err
    assert "rolled out (code, then configuration;" in flat(ran.out)
    assert "applied the code (spec.code.s3Key, spec.code.sha256); the configuration follows" in flat(ran.err)
    live = there.cloud.configuration("checkout")
    assert (live["CodeSha256"], live["MemorySize"]) == (sha256, 512)
    assert there.stored("checkout")["spec"]["memorySize"] == 512

    again = rolled_out(there, str(file))
    assert "rolled out (nothing was left to apply;" in flat(again.out)


def test_what_somebody_changed_a_moment_ago_is_not_taken_back(there: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code goes beside the configuration that the object has: that of now, and not that of a moment ago."""
    code, sha256 = put_package(there.cloud, "v2")
    file = written(there, spec(there, code={**code, "sha256": sha256}, memorySize=256))
    apply, others, beside = KubernetesObjects.apply, [1024, 512], []

    def late(self: KubernetesObjects, body: Json, **more: Any) -> Json:
        if more.get("dry_run"):
            return apply(self, body, **more)
        beside.append(body["spec"]["memorySize"])
        if others:
            stored = there.stored("checkout")
            stored["spec"]["memorySize"] = others.pop(0)
            there.api.seed(stored)
        return apply(self, body, **more)

    monkeypatch.setattr(KubernetesObjects, "apply", late)
    ran = rolled_out(there, str(file))
    assert ran.code == 0, ran.err
    assert beside[0] == 128
    assert beside.index(512) < beside.index(256), "what was set last is there until the whole manifest is applied"
    assert "rolled out (code, then configuration;" in flat(ran.out)
    live = there.cloud.configuration("checkout")
    assert (live["CodeSha256"], live["MemorySize"]) == (sha256, 256)


def test_what_an_earlier_rollout_set_and_this_one_leaves_out_goes(there: Shop) -> None:
    assert rolled_out(there, str(written(there, spec(there, timeout=9)))).code == 0
    code, sha256 = put_package(there.cloud, "v3")
    ran = rolled_out(there, str(written(there, spec(there, code={**code, "sha256": sha256}))))
    assert ran.code == 0, ran.err
    assert there.cloud.configuration("checkout")["CodeSha256"] == sha256
    # ACK asks for what the spec says, and a spec without a timeout asks for none: AWS's is written back.
    assert "spec.timeout" in flat(ran.err)


def test_several_functions_of_a_file_and_the_first_that_stops_them(there: Shop) -> None:
    there.cloud.refuse("CreateFunction", "AccessDeniedException", f"no: {SECRET}", name="second")
    file = written(there, *(spec(there, name=name) for name in ("first", "second", "third")))
    ran = rolled_out(there, str(file), "--timeout", "10m")
    assert ran.code == 3, ran.err
    assert "function/first: rolled out (created" in flat(ran.out)
    assert "function/second: waiting does not help. PermissionDenied" in flat(ran.out)
    assert "Runbook: remediator findings PermissionDenied" in ran.out
    assert "Not begun: function/third." in ran.err
    assert not there.is_there("third")

    document = json.loads(rolled_out(there, str(file), "--timeout", "10m", "-o", "json").out)
    assert [each["result"] for each in document["rollouts"]] == ["reached", "hopeless"]
    assert document["notBegun"] == ["third"]


def test_what_is_no_function_is_left_alone_and_named(there: Shop) -> None:
    file = written(there, spec(there))
    file.write_text(f"{file.read_text()}\n---\nkind: ConfigMap\napiVersion: v1\nmetadata: {{name: settings}}\n")
    ran = rolled_out(there, str(file))
    assert ran.code == 0
    assert "Left alone, since they are no Functions: ConfigMap settings. Apply them with kubectl." in flat(ran.err)


def test_an_export_of_the_object_is_a_manifest_once_its_finalizer_is_out(there: Shop) -> None:
    exported = there.stored("checkout")
    exported["spec"]["memorySize"] = 256
    file = there.directory / "exported.json"
    file.write_text(json.dumps({"kind": "List", "items": [exported]}), encoding="utf-8")
    refused = rolled_out(there, str(file), "--dry-run")
    assert refused.code == 3
    assert "FinalizerPreset" in refused.err

    del exported["metadata"]["finalizers"]
    file.write_text(json.dumps({"kind": "List", "items": [exported]}), encoding="utf-8")
    taken = rolled_out(there, str(file), "--dry-run")
    assert (taken.code, taken.out) == (0, "function/checkout: step 1, configuration: spec.memorySize\n")


def test_no_word_of_the_api_server_tells_a_secret(there: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever refuses an object can quote it: an admission webhook, a policy."""

    def refuse(*_: object, dry_run: bool = False, **__: object) -> Json:
        raise ClusterError(f"denied by policy: {SECRET} is no password")

    monkeypatch.setattr(KubernetesObjects, "apply", refuse)
    ran = rolled_out(there, str(written(there, spec(there, memorySize=512))))
    assert ran.code == 1
    assert "denied by policy: ••• is no password" in flat(ran.err)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("kind: ConfigMap\napiVersion: v1\n", "has no Function in it"),
        (f"kind: Function\napiVersion: {API_VERSION}\nspec: {{}}\n", "metadata.name is missing"),
        (f"kind: Function\napiVersion: {API_VERSION}\nmetadata: {{name: a}}\n", "spec is missing"),
        (f"kind: Function\napiVersion: {API_VERSION}\nmetadata: {{name: ../a}}\nspec: {{}}\n", "cannot be the name"),
        (f"kind: Function\napiVersion: {API_VERSION}\nmetadata: 5\nspec: {{}}\n", "metadata.name is missing"),
        (
            f"kind: Function\napiVersion: {API_VERSION}\nmetadata: {{name: a, namespace: post}}\nspec: {{}}\n",
            "a is of namespace post, and -n says shop",
        ),
        (
            "---\n".join(
                [f"kind: Function\napiVersion: {API_VERSION}\nmetadata: {{name: a}}\nspec: {{name: a}}\n"] * 2
            ),
            "Function shop/a is in the file twice",
        ),
        ("{{ .Values.all }}", "It is a template: render it first"),
        ("", "has no Function in it"),
    ],
)
def test_a_file_that_cannot_be_rolled_out_is_refused(shop: Shop, content: str, said: str) -> None:
    file = shop.directory / "bad.yaml"
    file.write_text(content, encoding="utf-8")
    ran = rolled_out(shop, str(file), "-n", "shop")
    assert (ran.code, ran.out) == (2, "")
    assert said in flat(ran.err)
    assert str(file) in flat(ran.err).replace(" ", "") or "cannot be the name" in said


def test_what_lint_calls_an_error_is_not_applied(there: Shop) -> None:
    before = there.stored("checkout")
    file = written(there, spec(there, code={**there.cloud.code, "sha256": "9f" * 32}, memorySize=512))
    ran = rolled_out(there, str(file))
    assert (ran.code, ran.out) == (3, "")
    assert "ChecksumForm" in ran.err
    assert "Nothing was applied." in ran.err
    after = there.stored("checkout")
    assert (after["spec"], after["metadata"]["generation"]) == (before["spec"], before["metadata"]["generation"])


def test_each_function_is_judged_against_its_own_object(there: Shop) -> None:
    """One names its namespace, the other is in the usual one: what it was before is known of both."""
    there.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "post"}})
    elsewhere = written(there, spec(there, name="mailer"), metadata={"namespace": "post"}).read_text(encoding="utf-8")
    renamed = written(there, spec(there) | {"name": "renamed"}, metadata={"name": "checkout"})
    renamed.write_text(f"{elsewhere}\n---\n{renamed.read_text(encoding='utf-8')}", encoding="utf-8")
    ran = rolled_out(there, str(renamed))
    assert ran.code == 3
    assert "NameChanged" in ran.err


def test_what_a_tool_owns_is_left_to_it(there: Shop) -> None:
    stored = there.stored("checkout")
    stored["metadata"]["labels"] = {"argocd.argoproj.io/instance": "shop"}
    there.api.seed(stored)
    ran = rolled_out(there, str(written(there, spec(there, memorySize=512))))
    assert ran.code == 1
    assert "left as it is: it is owned by Argo CD shop" in flat(ran.err)
    assert there.stored("checkout")["spec"].get("memorySize") != 512


def test_a_read_only_object_is_left_as_it_is(there: Shop) -> None:
    stored = there.stored("checkout")
    stored["metadata"]["annotations"] = {"services.k8s.aws/read-only": "true"}
    there.api.seed(stored)
    ran = rolled_out(there, str(written(there, spec(there, memorySize=512))))
    assert ran.code == 1
    assert "services.k8s.aws/read-only is set, so ACK changes nothing" in flat(ran.err)


def test_an_object_that_is_going_is_not_rolled_out_to(shop: Shop) -> None:
    file = written(shop, spec(shop, name="archive"))
    ran = rolled_out(shop, str(file))
    assert ran.code == 1
    assert "is being deleted: nothing can be rolled out to it" in flat(ran.err)
    assert "remediator wait function/archive -n shop --for deleted" in ran.err


def test_the_time_is_over_and_it_says_how_to_go_on(there: Shop) -> None:
    there.cloud.update_takes = 3600.0
    ran = rolled_out(there, str(written(there, spec(there, memorySize=512))), "--timeout", "30s")
    assert ran.code == 124
    assert "Applied so far: configuration. Run the same again: it goes on where it is." in flat(ran.out)


def test_an_interruption_says_what_stays(there: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(WAIT, interrupted)
    ran = rolled_out(there, str(written(there, spec(there, memorySize=512))))
    assert ran.code == 130
    assert "Interrupted: what was applied stays. Run the same again: it goes on where it is." in flat(ran.err)
    assert "undo" not in ran.err
    assert there.stored("checkout")["spec"]["memorySize"] == 512


def test_values_that_ack_writes_over_are_told_as_taken_back(there: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS can have another form of what was asked for: then no number of applies makes the object say it."""

    def as_aws_has_it(*args: Any, **more: Any) -> Any:
        waited = wait_for(*args, **more)
        stored = there.stored("checkout")
        stored["spec"]["memorySize"] = 128
        there.api.seed(stored)
        return waited

    monkeypatch.setattr(WAIT, as_aws_has_it)
    ran = rolled_out(there, str(written(there, spec(there, memorySize=512))))
    assert ran.code == 3
    assert "what was applied is not so any more: spec.memorySize" in flat(ran.out)


def test_a_manager_that_is_nobody_is_refused(shop: Shop) -> None:
    for name in ("ack-remediator", "controller"):
        ran = rolled_out(shop, str(written(shop, spec(shop))), "--field-manager", name)
        assert ran.code == 2
        assert "is nobody's wish, and would not be seen" in flat(ran.err)


def test_without_rights_it_says_which_are_missing(there: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    become(
        there,
        monkeypatch,
        tmp_path,
        {"apiGroups": ["lambda.services.k8s.aws"], "resources": ["functions"], "verbs": ["get"]},
    )
    ran = rolled_out(there, str(written(there, spec(there, memorySize=512))))
    assert ran.code == 1
    assert 'cannot patch resource "functions"' in flat(ran.err)
