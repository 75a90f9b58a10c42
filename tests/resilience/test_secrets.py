"""Planted secrets: whatever is typed, none is in what is printed, logged, stored, or sent; a backup's content may.

They are environment values of a Function's spec, of what `kubectl apply` remembers of it, and of AWS's side, and the
link to a function's code. Conditions, AWS's errors and the API server's refusals quote them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from remediator.cli import cli
from remediator.sandbox.aws.lambda_service import CODE_URL_SECRET
from remediator.sandbox.faults import refusing, refusing_as_aws
from tests import yaml_files
from tests.bed.http import Http
from tests.cli.shop import CONTEXT, Json, LeapingClock, Result
from tests.daemon.process import started
from tests.resilience.conftest import Storm, raging
from tests.webhook.receiving import HOOK, section
from tests.wire import Wire, answer

pytestmark = pytest.mark.deep

BASE = Path(__file__).parents[2] / "manifests" / "base"
HOME = "ack-remediator"
RECORDS = "ack-remediator.dev/v1alpha1"
AGAIN = "shop-cluster-again"

SPEC, APPLIED, LIVE = "planted-in-spec-5d1c77", "planted-in-applied-77aa03", "planted-in-aws-90be21"
# Who quotes a value with such characters in it escapes them: as JSON does, or as Go's %q.
QUOTED = 'pw"planted\\with-2b66f0\nlines-e01c9a'
# What of them must not be seen anywhere.
TELLTALES = (SPEC, APPLIED, LIVE, "planted", "with-2b66f0", "lines-e01c9a", CODE_URL_SECRET, "X-Amz-Signature")

ESCAPED = json.dumps(QUOTED)[1:-1]
ECHO = f"refused: {SPEC}, {APPLIED}, {LIVE}, {ESCAPED}, {QUOTED}: no"
# What can be known only from AWS's side cannot be masked where AWS never told it.
ECHO_OF_OURS = f"refused: {SPEC}, {APPLIED}, {ESCAPED}, {QUOTED}: no"
INVALID = (
    f'Function.lambda.services.k8s.aws "checkout" is invalid: spec.environment.variables: Invalid value: "{SPEC}", '
    f'"{APPLIED}", "{ESCAPED}": no'
)


# ---- what is planted -------------------------------------------------------------------------------------------------


def plant(storm: Storm, name: str, *, live: bool = True, error: str = "", **more: Any) -> None:
    """Make a Function whose every side has a secret in it."""
    shop = storm.shop
    if live:
        variables = {"A": LIVE, "B": QUOTED}
        shop.cloud.create_function(name, Environment={"Variables": variables}, Description=f"{LIVE} and {SPEC}")
    applied = {"kind": "Function", "spec": {"environment": {"variables": {"OLD": APPLIED, "B": QUOTED}}}}
    shop.function(
        name,
        live=False,
        error=error,
        annotations={"kubectl.kubernetes.io/last-applied-configuration": json.dumps(applied)},
        environment={"variables": {"A": SPEC, "B": QUOTED}},
        description=f"{SPEC} and {LIVE if live else APPLIED}",
        **more,
    )


def furnish(storm: Storm) -> None:
    shop = storm.shop
    shop.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
    shop.api.seed(yaml_files.read(BASE / "crd-remediations.yaml"))
    quiet = shop.ago(hours=12)
    plant(storm, "checkout", heartbeat=quiet, error="", status={"lastUpdateStatus": "InProgress"})
    shop.cloud.set_update("checkout", "Failed", reason_code="InternalError", reason=ECHO)
    plant(storm, "archive", live=False, heartbeat=quiet, deleted_minutes_ago=45, error=ECHO_OF_OURS)
    plant(storm, "exports", heartbeat=shop.ago(minutes=1), error=ECHO)
    plant(storm, "silent", heartbeat=shop.ago(hours=3), error=ECHO)
    plant(storm, "payments", status={"state": "Pending"})
    shop.cloud.set_state("payments", "Failed", reason_code="InternalError", reason=ECHO)
    plant(storm, "dark", error=ECHO_OF_OURS)
    shop.cloud.refuse("GetFunctionConfiguration", "AccessDeniedException", ECHO_OF_OURS, name="dark")
    shop.cloud.refuse("GetFunction", "AccessDeniedException", ECHO_OF_OURS, name="dark")


@pytest.fixture(scope="module", params=[True, False], ids=["manned", "unmanned"])
def _planted(request: pytest.FixtureRequest, models_read_once: None, tmp_path_factory: Any) -> Iterator[Storm]:
    """A shop with a controller that seems to be there, or one whose controller is gone: what is proposed differs."""
    # Patient: a secret that AWS alone could have told cannot be masked where its answer comes too late.
    with raging(tmp_path_factory.mktemp("shop"), LeapingClock(), patient=True) as storm:
        storm.shop.controller(available=request.param)
        furnish(storm)
        policy(storm)
        name_again(Path(os.environ["KUBECONFIG"]))
        for _ in range(2):
            assert types(storm, "run", "-A").code == 0
        yield storm


def name_again(kubeconfig: Path) -> None:
    """Let the cluster have a second context, so that `scan` can be given two."""
    config = yaml_files.read(kubeconfig)
    [context] = config["contexts"]
    config["contexts"].append(context | {"name": AGAIN})
    kubeconfig.write_text(json.dumps(config), encoding="utf-8")


@pytest.fixture
def planted(_planted: Storm) -> Iterator[Storm]:
    """That shop, as it was at first."""
    before = [each for each in everything(_planted) if each["kind"] in ("Remediation", "Function")]
    yield _planted
    _planted.calm()
    kept = {(each["kind"], each["metadata"]["name"]) for each in before}
    assert kept
    for each in before:
        _planted.shop.api.seed(each)
    policy(_planted)


def policy(storm: Storm, mode: str = "approve", call: str = "GetFunction") -> None:
    """Lay the policy down: its every mode, and the call whose answers link to code."""
    storm.shop.policy.write_text(
        "apiVersion: ack-remediator.dev/v1alpha1\nkind: Policy\n"
        f"aws: {{endpointURL: '{storm.aws.url}', call: {call}}}\n"
        f"mode: {mode}\nsightings: 1\nbreaker: {{percent: 100}}\nbudgets: {{perRun: 9, perNamespace: 9}}\n",
        encoding="utf-8",
    )


# ---- where it is looked for ------------------------------------------------------------------------------------------


def types(storm: Storm, *words: str, **more: Any) -> Result:
    """Type a command, and look for secrets in what it printed, logged and sent."""
    begun = len(storm.kubernetes.requests), len(storm.aws.requests)
    told = storm.shop(words[0], *words[1:], policy=words[0] in UNDER_POLICY, columns=400, **more)
    for text in (told.out, told.err):
        assert_clean(text)
    for each in storm.kubernetes.requests[begun[0] :] + storm.aws.requests[begun[1] :]:
        assert_clean(f"{each.path} {each.query} {without_content(each.path, each.body)}")
    return told


def without_content(path: str, body: bytes) -> str:
    """Leave out what is saved of an object, that is what a Secret is for, and what is created anew from it."""
    left_out = {"secrets": ("data", "stringData"), "functions": ("spec", "metadata")}.get(path.rpartition("/")[2])
    if left_out is None or not body:
        return body.decode(errors="replace")
    return json.dumps({key: value for key, value in json.loads(body).items() if key not in left_out})


def assert_clean(text: str) -> None:
    for each in TELLTALES:
        assert each not in text, text[max(0, text.index(each) - 300) : text.index(each) + 100]


def everything(storm: Storm) -> list[Json]:
    """Read every object that a cluster keeps and that we, or somebody on our account, may have written."""
    client = Http(storm.shop.api.url, storm.shop.api.token)
    paths = {
        "Remediation": f"/apis/{RECORDS}/remediations",
        "Lease": "/apis/coordination.k8s.io/v1/leases",
        "ConfigMap": "/api/v1/configmaps",
        "Event": "/api/v1/events",
        "Function": "/apis/lambda.services.k8s.aws/v1alpha1/functions",
    }
    found: list[Json] = []
    for kind, path in paths.items():
        answer = client("GET", path)
        assert answer.code == 200, (kind, answer.body)
        found += [{"apiVersion": answer.body["apiVersion"], **each, "kind": kind} for each in answer.body["items"]]
    client.close()
    return found


def assert_nothing_stored(storm: Storm) -> None:
    ours = [each for each in everything(storm) if each["kind"] != "Function"]
    assert {"Remediation", "Event"} <= {each["kind"] for each in ours}
    for each in ours:
        assert_clean(json.dumps(each, ensure_ascii=False))
        assert_clean(json.dumps(each))


# ---- every command ---------------------------------------------------------------------------------------------------

UNDER_POLICY = (
    "restart-controller",
    "scan",
    "explain",
    "wait",
    "run",
    "release",
    "clear-finalizer",
    "restore",
    "collect",
    "diagnose",
)
OUTPUTS = tuple(("-o", each) for each in ("table", "wide", "json", "yaml"))

# What is typed of each command; {proposal} and the like stand for what is there when it is typed.
TYPED: dict[str, tuple[tuple[str, ...], ...]] = {
    "scan": (
        *(("-A", *output) for output in (*OUTPUTS, ("-o", "html"))),
        *(("-A", "--context", CONTEXT, "--context", AGAIN, *output) for output in OUTPUTS),
    ),
    "explain": tuple(
        (name, *output)
        for output in OUTPUTS
        for name in ("checkout", "archive", "exports", "silent", "payments", "dark")
    ),
    "wait": tuple(
        (name, "--for", goal, "--timeout", "3s", *output)
        for output in OUTPUTS
        for name, goal in (("checkout", "synced"), ("archive", "deleted"), ("exports", "synced"), ("dark", "settled"))
    ),
    "run": tuple(("-A", *more, *output) for output in OUTPUTS for more in ((), ("--dry-run",))),
    "release": (("archive", "--orphan", "archive"), ("checkout", "--orphan", "checkout"), ("exports",)),
    "clear-finalizer": (("archive", "--confirm", CONTEXT), ("checkout", "--confirm", CONTEXT), ("exports",)),
    "restart-controller": (("--confirm", CONTEXT), ("--confirm", CONTEXT, "--wait", "1s")),
    "restore": (("{saved}", "--dry-run"), ("{dump}", "--dry-run"), ("function/archive",), ("{torn}", "--dry-run")),
    "list": (*(("-A", *output) for output in OUTPUTS), ("-A", "--all")),
    "approve": (("{proposal}", "--ticket", "OPS-1"), ("function/checkout", "-n", "shop")),
    "reject": (("{proposal}", "--reason", "no"), ("function/checkout", "-n", "shop", "--reason", "no")),
    "history": (*(("-A", *output) for output in OUTPUTS), ("checkout",)),
    "pause": (("--for", "2h", "--reason", "drill", "-n", "nowhere"), ()),
    "resume": ((), ("--all",)),
    "quarantine list": tuple(("-A", *output) for output in OUTPUTS),
    "quarantine release": (("checkout", "--reason", "mended"),),
    "collect": tuple((name, "-o", f"{{policy}}.{name}.tar.gz", "--force") for name in ("checkout", "exports", "dark")),
    "diagnose": (
        *(("-f", file, "--live", "{answers}", *output) for output in OUTPUTS for file in ("{dump}", "{items}")),
        ("-f", "{twice}"),
        ("-f", "{torn}"),
        ("-f", "{misshapen}"),
        ("-f", "{dump}", "--live", "{twice}"),
    ),
    "rollout": (
        *(("-f", "{dump}", "--timeout", "0s", *output) for output in OUTPUTS),
        *(("-f", file, "--dry-run") for file in ("{dump}", "{items}", "{twice}", "{torn}", "{misshapen}")),
    ),
    "checksum": (
        ("{dump}",),
        *(("{dump}", flag, file) for flag in ("--check", "--patch") for file in ("{items}", "{twice}", "{torn}")),
        ("{dump}", "--patch", "{misshapen}", "--function", "nobody"),
        ("{dump}", "--patch", "{saved}"),
    ),
    # The torn one ends each with 2.
    "lint": tuple(
        ("{dump}", "{items}", "{twice}", "{misshapen}", "{torn}", *against, "-n", "shop", "-o", output)
        for output in ("text", "json", "junit", "sarif")
        for against in ((), ("--against", "cluster"), ("--against", "{items}"))
    ),
    "validate": (("{dump}",), ("{twice}",), ("{torn}",), ("{policy}",)),
    "policy schema": ((),),
    "policy sample": ((),),
    "findings": ((), ("Unreadable",)),
    "demo": (("--list",),),
    "orphans": (*(output for output in OUTPUTS), ("--region", "eu-west-1"), ("--adopt", "checkout")),
    "doctor": tuple(("-A", *output) for output in OUTPUTS),
    "completion": (("bash",), ("zsh",), ("fish",)),
    "version": ((),),
}


def commands(group: click.Command = cli, *before: str) -> Iterator[str]:
    """Name every command that there is."""
    if not isinstance(group, click.Group):
        yield " ".join(before)
        return
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield from commands(command, *before, name)


def test_every_command_is_looked_at() -> None:
    # The daemon ends only when it is told to: it has a test of its own.
    assert sorted([*TYPED, "daemon"]) == sorted(commands())


# What takes --audit-log is typed with it once more.
AUDITED = (
    *("run", "release", "clear-finalizer", "restart-controller", "restore", "rollout", "approve", "reject"),
    "quarantine release",
)


def blanks(storm: Storm, directory: Path) -> dict[str, str]:
    """Fill in what a command is about."""
    record = next(
        each for each in everything(storm) if each["kind"] == "Remediation" and "checkout" in json.dumps(each)
    )
    dumps = [each for each in everything(storm) if each["kind"] == "Function"]
    once = f'apiVersion: lambda.services.k8s.aws/v1alpha1\nkind: Function\nspec:\n  A: "{SPEC}"\n'
    answer = {"Configuration": storm.shop.cloud.configuration("checkout"), "Code": {"Location": CODE_URL_SECRET}}
    names = [each["metadata"]["name"] for each in dumps]
    refused = {"Error": {"Code": "AccessDenied", "Message": ECHO_OF_OURS}}
    misshapen = {**dumps[0], "spec": {"name": 7, "environment": {"variables": {"A": {"B": SPEC}}}}}
    contents = {
        "dump": json.dumps(dumps[0]),
        "items": json.dumps({"kind": "List", "items": [*dumps, SPEC, [SPEC], misshapen]}),
        "answers": json.dumps(dict.fromkeys(names, answer) | {"dark": refused}, default=str),
        "twice": f'{once}  A: "{LIVE}"\n',
        "torn": f'{once}  B: "{SPEC}\n C: [{SPEC}',
        "misshapen": json.dumps(misshapen),
        "saved": json.dumps({**dumps[0], "metadata": dumps[0]["metadata"] | {"name": "restored", "uid": "uid-1"}}),
    }
    named = {"proposal": f"p-{record['status']['proposal']['digest'][:10]}", "policy": str(storm.shop.policy)}
    for name, text in contents.items():
        (directory / name).write_text(text, encoding="utf-8")
        named[name] = str(directory / name)
    return named


@pytest.mark.parametrize("verbose", ["", "-vv"])
@pytest.mark.parametrize("command", TYPED)
def test_no_command_tells_a_secret(planted: Storm, tmp_path: Path, command: str, verbose: str) -> None:
    filled = blanks(planted, tmp_path)
    if command == "quarantine release":
        quarantine(planted)
    said, log = "", tmp_path / "audit.log"
    audited = ("--audit-log", str(log)) if command in AUDITED else ()
    for words in TYPED[command]:
        told = types(
            planted,
            *command.split(),
            *(each.format(**filled) for each in words),
            *audited,
            verbose=verbose,
            typed=f"{CONTEXT}\n",
        )
        assert told.code in (0, 1, 2, 3, 4, 5, 124), told.err
        assert told.out or told.err
        said += told.out
    assert log.exists() or command not in ("run", "approve", "reject", "quarantine release")
    if log.exists():
        assert_audited(planted, log)
    assert_nothing_stored(planted)
    assert any("•••" in each["message"] for each in everything(planted) if each["kind"] == "Event")
    if command in ("scan", "explain", "wait", "run", "diagnose"):
        assert "•••" in said, "nothing was quoted, so nothing was shown"


def assert_audited(storm: Storm, log: Path) -> None:
    """Look for secrets in the audit log, and in what `history` makes of it."""
    text = log.read_text("ascii")
    assert text.endswith("\n")
    assert_clean(text)
    assert_clean(json.dumps([json.loads(each) for each in text.splitlines()], ensure_ascii=False))
    for output in OUTPUTS:
        assert types(storm, "history", "-f", str(log), *output).code == 0


@pytest.mark.parametrize("mode", ["approve", "auto"])
def test_the_daemon_tells_no_secret(planted: Storm, tmp_path: Path, mode: str) -> None:
    policy(planted, mode)
    begun = len(planted.kubernetes.requests), len(planted.aws.requests)
    log = tmp_path / "audit.log"
    with started("-A", "--policy", str(planted.shop.policy), "--audit-log", str(log)) as daemon:
        daemon.told("acting" if mode == "auto" else "scanned")
        metrics = daemon.get("/metrics")[1]
        page = daemon.page()
        daemon.terminate()
        daemon.ends()
    assert "•••" in page, "nothing was quoted, so nothing was shown"
    assert_audited(planted, log)
    assert_clean("".join([metrics, page, *daemon.odd, *(json.dumps(each, ensure_ascii=False) for each in daemon.log)]))
    for each in planted.kubernetes.requests[begun[0] :] + planted.aws.requests[begun[1] :]:
        assert_clean(f"{each.path} {each.query} {without_content(each.path, each.body)}")
    assert_nothing_stored(planted)


@pytest.mark.parametrize("form", ["json", "slack", "teams"])
def test_the_webhook_is_told_no_secret(planted: Storm, tmp_path: Path, form: str) -> None:
    forget_records(planted)
    with Wire(answer(200)) as wire:
        section(f"{wire.url}{HOOK}", tmp_path)
        files = f"urlFile: {tmp_path / 'url'}, secretFile: {tmp_path / 'secret'}"
        policy(planted)
        with planted.shop.policy.open("a", encoding="utf-8") as file:
            file.write(f"webhook: {{{files}, format: {form}}}\n")
        types(planted, "run", "-A", verbose="-vv")
        types(planted, "run", "-A", "--approve", typed=f"{CONTEXT}\n" * 3, verbose="-vv")
        bodies = [heard.body.decode() for heard in wire.heard]
    assert any("•••" in each for each in bodies), "nothing was quoted, so nothing was masked"
    assert any("Acted" in each for each in bodies)
    for each in bodies:
        assert_clean(each)


def forget_records(storm: Storm) -> None:
    """Take away what was recorded, so that all is new."""
    client = Http(storm.shop.api.url, storm.shop.api.token)
    for each in everything(storm):
        if each["kind"] == "Remediation":
            where = f"/apis/{RECORDS}/namespaces/{HOME}/remediations/{each['metadata']['name']}"
            assert client("DELETE", where).code == 200
    client.close()


def quarantine(storm: Storm) -> None:
    record = next(
        each for each in everything(storm) if each["kind"] == "Remediation" and "checkout" in json.dumps(each)
    )
    record["status"]["phase"] = "Quarantined"
    storm.shop.api.seed(record)


# ---- acting ----------------------------------------------------------------------------------------------------------

FOR_GOOD = {"dryRun": None}
FUNCTIONS = "/functions/"
BAD_DAYS: dict[str, list[dict[str, Any]]] = {
    "a good day": [],
    "the dry run is refused": [{"fault": refusing(422, INVALID, reason="Invalid"), "query": {"dryRun": "All"}}],
    "the dry run is denied": [
        {"fault": refusing(403, f"admission webhook denied the request: {INVALID}"), "query": {"dryRun": "All"}}
    ],
    "the first write is refused": [{"fault": refusing(422, INVALID, reason="Invalid"), "query": FOR_GOOD}],
    "the first write is not understood": [{"fault": refusing(400, INVALID), "query": FOR_GOOD}],
    "the first write breaks": [{"fault": refusing(500, INVALID), "query": FOR_GOOD}],
    "the second write breaks": [{"fault": refusing(500, INVALID), "query": FOR_GOOD, "after": 1}],
    "the second write is refused": [{"fault": refusing(422, INVALID), "query": FOR_GOOD, "after": 1}],
}


@pytest.mark.parametrize("output", ["table", "json"])
@pytest.mark.parametrize("day", BAD_DAYS)
def test_no_act_tells_a_secret_however_it_ends(planted: Storm, tmp_path: Path, day: str, output: str) -> None:
    for each in BAD_DAYS[day]:
        planted.kubernetes.add(**each, method="PATCH", path=FUNCTIONS)
    told = types(
        planted, "run", "-A", "--approve", "--backups", str(tmp_path / "saved"), "-o", output,
        "--audit-log", str(tmp_path / "audit.log"),
        typed=f"{CONTEXT}\n" * 3, verbose="-vv",
    )  # fmt: skip
    assert "p-" in told.err or "p-" in told.out, "nothing was proposed, so nothing was done"
    assert_audited(planted, tmp_path / "audit.log")
    assert_nothing_stored(planted)
    for saved in (tmp_path / "saved").glob("*"):
        assert_clean(saved.name)
    assert_told_later(planted)


def assert_told_later(storm: Storm) -> None:
    """What was tried is told by other commands, too."""
    storm.calm()
    for words in (
        ("history", "-A"),
        ("list", "-A", "--all", "-o", "wide"),
        ("scan", "-A", "-o", "json"),
        ("run", "-A"),
    ):
        types(storm, *words)


@pytest.mark.parametrize("mode", ["approve", "auto"])
def test_no_unattended_act_tells_a_secret(planted: Storm, mode: str) -> None:
    policy(planted, mode, call="GetFunctionConfiguration")
    for output in ("table", "yaml"):
        types(planted, "run", "-A", "-o", output, verbose="-vv")
    assert_nothing_stored(planted)
    assert_told_later(planted)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_what_aws_quotes_at_the_act_is_masked_with_what_it_told_before(planted: Storm, after: int) -> None:
    """The scan knew the environment; at the act, or after it, AWS refuses to tell, and its refusal quotes it."""
    policy(planted, call="GetFunctionConfiguration")
    found = json.loads(types(planted, "scan", "-A", "-o", "json").out)["results"]
    proposals = {each["name"]: each["proposalId"] for each in found if each["decision"] == "propose"}
    name, quoted = ("checkout", ECHO) if "checkout" in proposals else ("archive", ECHO_OF_OURS)
    fault = refusing_as_aws("AccessDeniedException", quoted)
    planted.aws.add(fault, method="GET", path=f"{name}/configuration", after=1 + after)
    types(planted, "run", "-A", "--approve", "--proposal", proposals[name], "-o", "json", verbose="-vv")
    assert_nothing_stored(planted)
    assert_told_later(planted)
