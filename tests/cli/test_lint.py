"""`remediator lint`: what it prints, how it ends, and what it asks cluster and AWS for."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import boto3
import jsonschema
import junitparser
import pytest

from remediator.cli.lint_sarif import uri_of
from remediator.lint.catalogue import RULES
from tests.bed.waiting import eventually
from tests.cli.conftest import Remediator
from tests.cli.shop import SECRET, Result, Shop

FORMATS = ("text", "json", "junit", "sarif")
HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
SCHEMA = Path(__file__).parents[1] / "lint" / "schema" / "sarif-schema-2.1.0.json"
CLEAN = """\
apiVersion: lambda.services.k8s.aws/v1alpha1
kind: Function
metadata: {name: checkout, namespace: shop}
spec:
  name: checkout
  packageType: Image
  code: {imageURI: a}
  role: arn:aws:iam::111122223333:role/a
"""
BAD = f"""\
apiVersion: lambda.services.k8s.aws/v1alpha1
kind: Function
metadata: {{name: checkout, namespace: shop}}
spec:
  name: checkout
  packageType: Zip
  code:
    s3Bucket: packages
    s3Key: a.zip
    sha256: {HEX}
  role: arn:aws:iam::111122223333:role/a
  runtime: python3.9
  handler: a.b
  publish: true
  environment:
    variables: {{DB_PASSWORD: {SECRET}, PORT: 8080}}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a clean and a bad manifest in it, and us in it."""
    (tmp_path / "clean.yaml").write_text(CLEAN)
    (tmp_path / "bad.yaml").write_text(BAD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ---- how it ends -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize(
    ("names", "code"),
    [(["clean.yaml"], 0), (["bad.yaml"], 3), (["."], 3), (["absent.yaml"], 2), (["bad.yaml", "absent.yaml"], 2)],
    ids=str,
)
def test_how_it_ends(here: Path, remediator: Remediator, names: list[str], code: int, output: str) -> None:
    assert remediator("lint", *names, "-o", output).code == code


def test_notes_fail_nothing(here: Path, remediator: Remediator) -> None:
    (here / "note.yaml").write_text(f"{CLEAN}  publish: true\n")
    ran = remediator("lint", "note.yaml")
    assert ran.code == 0
    assert ran.out.startswith("note.yaml:9:12: note PublishSet: ")
    assert "1 Function in 1 file: 0 errors, 0 warnings, 1 note." in ran.err


def test_stdin_is_judged(remediator: Remediator) -> None:
    ran = remediator("lint", "-", stdin=BAD.encode())
    assert ran.code == 3
    assert "<stdin>:10:13: error ChecksumForm: the checksum is in hex; in base64 it is " in ran.out


def test_nothing_to_judge_is_told(here: Path, remediator: Remediator) -> None:
    (here / "empty").mkdir()
    ran = remediator("lint", "empty")
    assert (ran.code, ran.out) == (0, "")
    assert "There was no Function of ACK's lambda-controller to judge." in ran.err


def test_without_files_it_says_so(remediator: Remediator) -> None:
    assert remediator("lint").code == 2


# ---- text ------------------------------------------------------------------------------------------------------------


def test_each_problem_is_a_line_to_click_on(here: Path, remediator: Remediator) -> None:
    ran = remediator("lint", "bad.yaml")
    assert [each.partition(": ")[2].partition(":")[0] for each in ran.out.splitlines()] == [
        "error ChecksumForm",
        "warning RuntimeRetired",
        "note PublishSet",
        "error EnvironmentNotText",
    ]
    assert all(re.match(r"bad\.yaml:\d+:\d+: ", each) for each in ran.out.splitlines())
    assert "Put the value in quotes" in ran.err
    assert SECRET not in ran.out + ran.err


@pytest.mark.parametrize(("count", "lines"), [(3, 3), (4, 1)])
def test_many_files_that_are_no_manifests_are_told_in_a_line(
    here: Path, remediator: Remediator, count: int, lines: int
) -> None:
    (here / "other").mkdir()
    for each in range(count):
        (here / "other" / f"{each}.json").write_text("{}")
    ran = remediator("lint", "other")
    assert (ran.code, len(ran.out.splitlines())) == (0, lines)
    if lines == 1:
        assert (
            "4 files are no manifests, and were passed over: other/0.json, other/1.json, other/2.json and 1 more"
            in ran.out
        )
    assert len(remediator("lint", "other", "-o", "json").document["problems"]) == count


class _Screen(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("columns", [80, 200])
def test_at_a_terminal_nothing_is_wider_than_it(here: Path, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    from remediator.cli.lint_text import tell
    from remediator.lint.judging import judge, read_files
    from remediator.lint.problem import Around
    from tests.lint.cases import NOW

    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    with redirect_stdout(_Screen()) as screen:
        tell(judge(read_files(["bad.yaml"]), Around(NOW)))
    lines = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue()).splitlines()
    assert max(len(each) for each in lines) <= columns
    (place,) = [each for each in lines if each.startswith("bad.yaml:10:13:")]
    assert ("error ChecksumForm" in place) == (columns == 200)


# ---- json, junit, sarif ----------------------------------------------------------------------------------------------


def test_the_document_has_each_problem_and_the_sums(here: Path, remediator: Remediator) -> None:
    document = remediator("lint", "bad.yaml", "clean.yaml", "-o", "json").document
    assert document["schemaVersion"] == "1"
    assert document["summary"] == {
        "files": 2, "functions": 2, "unreadable": 0, "ignored": 0, "errors": 2, "warnings": 1, "notes": 1
    }  # fmt: skip
    first = document["problems"][0]
    assert {key: first[key] for key in ("file", "line", "column", "severity", "rule", "object")} == {
        "file": "bad.yaml",
        "line": 10,
        "column": 13,
        "severity": "error",
        "rule": "ChecksumForm",
        "object": "Function shop/checkout",
    }
    assert set(document["rules"]) == {each["rule"] for each in document["problems"]}


def test_junit_has_a_suite_for_each_file_and_a_test_for_each_rule_that_fails(
    here: Path, remediator: Remediator
) -> None:
    top = ET.fromstring(remediator("lint", "bad.yaml", "clean.yaml", "absent.yaml", "-o", "junit").out)
    assert (top.tag, top.get("tests"), top.get("failures"), top.get("errors")) == ("testsuites", "6", "3", "1")
    suites = {each.get("name"): each for each in top}
    assert {name: each.get("failures") for name, each in suites.items()} == {
        "bad.yaml": "3", "clean.yaml": "0", "absent.yaml": "0"
    }  # fmt: skip
    assert [each.get("name") for each in suites["clean.yaml"]] == ["Function shop/checkout"]
    assert [(each.get("name"), each[0].tag) for each in suites["absent.yaml"]] == [("UnreadableFile", "error")]
    names = {each.get("name"): each[0].tag for each in suites["bad.yaml"]}
    assert names["Function shop/checkout: ChecksumForm"] == "failure"
    assert names["Function shop/checkout: PublishSet"] == "system-out"


def test_junit_is_read_by_a_real_reader(here: Path, remediator: Remediator) -> None:
    read = junitparser.JUnitXml.fromstring(remediator("lint", ".", "absent.yaml", "-o", "junit").out.encode())
    assert (read.tests, read.failures, read.errors) == (6, 3, 1)
    (failed,) = [each for suite in read for each in suite if each.name.endswith(": ChecksumForm")]
    assert "in base64 it is" in failed.result[0].message


def results(ran: Any) -> list[Any]:
    (run,) = ran.document["runs"]
    found: list[Any] = run["results"]
    return found


def test_sarif_has_rules_places_and_fingerprints(here: Path, remediator: Remediator) -> None:
    ran = remediator("lint", "bad.yaml", "-o", "sarif")
    (run,) = ran.document["runs"]
    assert [each["id"] for each in run["tool"]["driver"]["rules"]] == [each.id for each in RULES]
    assert run["invocations"] == [{"executionSuccessful": True, "exitCode": 3}]
    for each in run["results"]:
        assert RULES[each["ruleIndex"]].id == each["ruleId"]
    physical = run["results"][0]["locations"][0]["physicalLocation"]
    assert physical == {"artifactLocation": {"uri": "bad.yaml"}, "region": {"startLine": 10, "startColumn": 13}}
    prints = [json.dumps(each["partialFingerprints"]) for each in run["results"]]
    assert len(set(prints)) == len(prints)
    assert "snippet" not in ran.out


def test_a_fingerprint_stays_when_lines_move(here: Path, remediator: Remediator) -> None:
    before = [each["partialFingerprints"] for each in results(remediator("lint", "bad.yaml", "-o", "sarif"))]
    (here / "bad.yaml").write_text(f"# one more line\n\n{BAD}")
    assert [each["partialFingerprints"] for each in results(remediator("lint", "bad.yaml", "-o", "sarif"))] == before


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("a.yaml", "a.yaml"),
        ("./a/../b c.yaml", "b%20c.yaml"),
        ("ä:1.yaml", "%C3%A4%3A1.yaml"),
        ("a%20#?.yaml", "a%2520%23%3F.yaml"),
        ("../up.yaml", "../up.yaml"),
        ("/elsewhere/a b.yaml", "file:///elsewhere/a%20b.yaml"),
        ("\udcff.yaml", "%FF.yaml"),
    ],
)
def test_a_file_s_name_is_a_uri(name: str, uri: str) -> None:
    assert uri_of(name) == uri


def test_a_file_below_us_is_relative(here: Path) -> None:
    assert uri_of(str(here / "deep" / "a.yaml")) == "deep/a.yaml"


def hostile(here: Path) -> str:
    """Write a manifest whose every name is made to be misread."""
    name = "x\n::error file=a::b\x1b[31m<![CDATA[&\"'>##[error]y \u202e [click](http://evil) {0} \x00\ufffe \ud800"
    spec = {"name": name, name: 1, "runtime": name, "role": name, "environment": {"variables": {name: 1}}}
    value = {
        "apiVersion": "lambda.services.k8s.aws/v1alpha1",
        "kind": "Function",
        "metadata": {"name": name, "annotations": {"ack-remediator.dev/ignore": name, "services.k8s.aws/region": name}},
        "spec": spec,
    }
    file = "::error::<b>&.yaml"
    (here / file).write_text(json.dumps(value))
    return file


@pytest.mark.parametrize("output", FORMATS)
def test_hostile_names_steer_nothing(here: Path, remediator: Remediator, output: str) -> None:
    ran = remediator("lint", hostile(here), "-o", output)
    assert ran.code == 3, ran.err
    for text in (ran.out, ran.err):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ufffe\uffff]", text)
        assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    if output == "text":
        assert "##[" not in ran.out
    elif output == "junit":
        assert ET.fromstring(ran.out).find("testsuite") is not None
    else:
        assert ran.document
    if output == "sarif":
        links = [each["message"]["text"] for each in results(ran) if "click" in each["message"]["text"]]
        assert links
        assert all(r"\[click\](http" in each and "{{0}}" in each for each in links)


def test_sarif_is_valid_by_its_own_schema(here: Path, remediator: Remediator) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    validator = jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())
    for names in (["bad.yaml"], ["clean.yaml"], [".", "absent.yaml"], [hostile(here)]):
        document = remediator("lint", *names, "-o", "sarif").document
        assert [each.message for each in validator.iter_errors(document)] == []
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(document | {"version": "2.0"})


def test_sarif_names_what_its_schema_has(here: Path, remediator: Remediator) -> None:
    """Hold every object's keys to the schema, whether a validator is there or not."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    document = remediator("lint", ".", "-o", "sarif").document
    checked = list(_unknown(document, schema, schema["definitions"]))
    assert checked == []


def _unknown(value: Any, schema: Any, definitions: Any) -> Any:
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if isinstance(value, list):
        for each in value:
            yield from _unknown(each, schema["items"], definitions)
    elif isinstance(value, dict):
        yield from (f"{each} is missing" for each in schema.get("required", ()) if each not in value)
        for key, inner in value.items():
            if key in schema.get("properties", {}):
                yield from _unknown(inner, schema["properties"][key], definitions)
            elif not isinstance(schema.get("additionalProperties"), dict):
                yield key
    elif "enum" in schema and value not in schema["enum"]:
        yield value


# ---- against what was before -----------------------------------------------------------------------------------------


def manifest(shop: Shop, name: str = "checkout", **spec: Any) -> str:
    """Write a manifest of a function of the shop, with something changed."""
    value = {
        "apiVersion": "lambda.services.k8s.aws/v1alpha1",
        "kind": "Function",
        "metadata": {"name": name},
        "spec": {
            "name": name,
            "packageType": "Zip",
            "role": shop.cloud.role_arn,
            "code": dict(shop.cloud.code),
            "memorySize": 256,
            "handler": "app.handler",
            "runtime": "python3.13",
            "environment": {"variables": {"DB_PASSWORD": SECRET}},
            **spec,
        },
    }
    path = shop.directory / f"{name}.yaml"
    path.write_text(json.dumps(value), encoding="utf-8")
    return str(path)


def rules(result: Result) -> list[str]:
    return [each["rule"] for each in json.loads(result.out)["problems"]]


SHA = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="


def test_against_the_cluster_what_ack_wrote_is_no_change(empty_shop: Shop) -> None:
    empty_shop.function("checkout", code={**empty_shop.cloud.code, "sha256": SHA}, status={"codeSHA256": SHA})
    file = manifest(empty_shop, code={**empty_shop.cloud.code, "sha256": SHA})
    result = empty_shop("lint", file, "--against", "cluster", "-o", "json", policy=False)
    assert (result.code, rules(result)) == (0, []), result.out


def test_against_the_cluster_an_edit_of_which_half_is_lost_is_found(empty_shop: Shop) -> None:
    empty_shop.function("checkout", status={"codeSHA256": "other"})
    file = manifest(
        empty_shop,
        code={**empty_shop.cloud.code, "sha256": SHA},
        environment={"variables": {"DB_PASSWORD": f"{SECRET}-2", "NEW_ONE": SECRET}},
    )
    result = empty_shop("lint", file, "--against", "cluster", columns=None, policy=False)
    assert result.code == 3
    assert "lost would be: environment (DB_PASSWORD, NEW_ONE)" in result.out
    assert "remediator rollout -f FILE" in " ".join(result.err.split())


def test_hex_and_a_change_of_the_environment_are_both_found_before_they_are_applied(empty_shop: Shop) -> None:
    empty_shop.function("checkout", code={**empty_shop.cloud.code, "sha256": SHA}, status={"codeSHA256": SHA})
    file = manifest(
        empty_shop,
        code={**empty_shop.cloud.code, "sha256": HEX},
        environment={"variables": {"DB_PASSWORD": SECRET, "LEVEL": "debug"}},
    )
    result = empty_shop("lint", file, "--against", "cluster", "-o", "json", policy=False)
    assert (result.code, sorted(rules(result))) == (3, ["ChecksumForm", "CodeWithConfiguration"])


def test_what_is_told_to_be_lost_is_lost(attended_shop: Shop) -> None:
    """Apply what lint warns of: the controller takes back just the fields that were named."""
    shop = attended_shop
    shop.function("checkout")
    before = eventually(
        lambda: shop.stored("checkout"),
        lambda seen: "codeSHA256" in seen["status"],
        "the controller reads it",
        shop.clock,
        within=1200,
    )
    sha = before["status"]["codeSHA256"]
    path = manifest(shop, code={**shop.cloud.code, "sha256": SHA}, memorySize=512, description="new")
    assert sha != SHA
    told = shop("lint", path, "--against", "cluster", columns=None, policy=False)
    assert "lost would be: description, memorySize" in told.out
    edited = shop.stored("checkout")
    edited["spec"] |= json.loads(Path(path).read_text(encoding="utf-8"))["spec"]
    edited["metadata"]["generation"] += 1
    shop.api.seed(edited)
    after = eventually(
        lambda: shop.stored("checkout"),
        lambda seen: seen["spec"]["memorySize"] != 512,
        "it is taken back",
        shop.clock,
        1200,
    )
    fields = ("memorySize", "description")
    assert [after["spec"][each] for each in fields] == [before["spec"][each] for each in fields]


def test_against_the_cluster_a_function_that_is_not_there_is_new(empty_shop: Shop) -> None:
    file = manifest(empty_shop, code={**empty_shop.cloud.code, "sha256": SHA}, memorySize=512)
    assert rules(empty_shop("lint", file, "--against", "cluster", "-o", "json", policy=False)) == []


def test_against_the_cluster_references_are_looked_up(empty_shop: Shop) -> None:
    file = manifest(empty_shop, code={**empty_shop.cloud.code, "sha256": SHA}, kmsKeyRef={"from": {"name": "absent"}})
    result = empty_shop("lint", file, "--against", "cluster", columns=None, policy=False)
    assert "there is no Key shop/absent, neither in the files nor in the cluster" in result.out


def test_only_get_is_asked_of_the_cluster(empty_shop: Shop) -> None:
    empty_shop.function("checkout")
    file = manifest(empty_shop, kmsKeyRef={"from": {"name": "absent"}})
    before = empty_shop.stored("checkout")
    empty_shop("lint", file, "--against", "cluster", policy=False)
    assert empty_shop.stored("checkout") == before


def test_against_a_cluster_that_is_not_there_it_ends_with_1_or_2(here: Path, typed_anywhere: Any) -> None:
    result = typed_anywhere("lint", str(here / "clean.yaml"), "--against", "cluster")
    assert (result.code, result.out) == (2, "")
    assert "kubeconfig" in result.err


def test_against_other_files(here: Path, remediator: Remediator) -> None:
    (here / "old").mkdir()
    (here / "old" / "a.yaml").write_text(CLEAN.replace("imageURI: a", "imageURI: b"))
    (here / "clean.yaml").write_text(f"{CLEAN}  timeout: 9\n")
    ran = remediator("lint", "clean.yaml", "--against", "old")
    assert "clean.yaml:7:20: error CodeWithConfiguration: code (code.imageURI) and configuration change" in ran.out


def test_against_what_there_is_not_says_what_there_could_be(here: Path, remediator: Remediator) -> None:
    ran = remediator("lint", "clean.yaml", "--against", "absent")
    assert (ran.code, ran.out) == (2, "")
    assert "--against" in ran.err


# ---- the account -----------------------------------------------------------------------------------------------------


@pytest.fixture
def paying_shop(empty_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose region the caller knows."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return empty_shop


def test_the_account_s_limit_is_asked_for_only_when_told(paying_shop: Shop) -> None:
    code = {**paying_shop.cloud.code, "sha256": SHA}
    file = manifest(paying_shop, code=code, reservedConcurrentExecutions=950)
    assert rules(paying_shop("lint", file, "-o", "json")) == []
    result = paying_shop("lint", file, "--account", columns=None)
    assert result.code == 3
    assert f"account {paying_shop.cloud.account} in us-east-1 has 1,000 concurrent executions" in result.out


def test_what_a_function_has_reserved_already_is_not_counted_twice(paying_shop: Shop) -> None:
    paying_shop.function("checkout")
    client: Any = boto3.client(
        "lambda",
        region_name="us-east-1",
        endpoint_url=paying_shop.cloud.endpoint,
        aws_access_key_id="AKIAONCALL",
        aws_secret_access_key="secret-of-the-test",
    )
    client.put_function_concurrency(FunctionName="checkout", ReservedConcurrentExecutions=900)
    code = {**paying_shop.cloud.code, "sha256": SHA}
    file = manifest(paying_shop, code=code, reservedConcurrentExecutions=900)
    assert rules(paying_shop("lint", file, "--account", "-o", "json")) == []


def test_an_account_that_may_not_be_asked_is_a_note(paying_shop: Shop) -> None:
    paying_shop.cloud.refuse("GetAccountSettings", "AccessDeniedException", "not allowed")
    code = {**paying_shop.cloud.code, "sha256": SHA}
    file = manifest(paying_shop, code=code, reservedConcurrentExecutions=950)
    result = paying_shop("lint", file, "--account", columns=None)
    assert result.code == 0
    assert "note ConcurrencyLimit: how much the account has left is not known: GetAccountSettings" in result.out


def test_without_a_region_that_is_a_note(empty_shop: Shop) -> None:
    code = {**empty_shop.cloud.code, "sha256": SHA}
    file = manifest(empty_shop, code=code, reservedConcurrentExecutions=950)
    result = empty_shop("lint", file, "--account", columns=None)
    assert result.code == 0
    assert "no region is known" in result.out
