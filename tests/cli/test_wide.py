"""`-o wide`: the table with what is asked next on call, and nothing cut off."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from remediator.cli.render import printable
from tests.cli.shop import SECRET, Shop, Typing
from tests.cli.test_documents import HARMFUL

HEADER = [
    "NAMESPACE", "NAME", "FINDING", "STATE", "FOR", "REMEDY", "DECISION",
    "AWS", "HEARTBEAT", "HEALS-IN", "PROPOSAL", "ACCOUNT", "REGION",
]  # fmt: skip
FORMATS = ("table", "wide", "json", "yaml")


def rows(out: str) -> dict[str, dict[str, str]]:
    """Read a table by its columns: a cell that is not under its header is read wrong."""
    header, *lines = out.splitlines()
    starts = [match.start() for match in re.finditer(r"\S+", header)]
    ends = [*starts[1:], None]
    names = header.split()
    found = [line for line in lines if not line.startswith(" ")]
    cells = [[line[start:end].strip() for start, end in zip(starts, ends, strict=True)] for line in found]
    return {row[1]: dict(zip(names, row, strict=True)) for row in cells}


def beneath(out: str, name: str) -> list[str]:
    """Return what is said beneath a row, a paragraph's lines joined."""
    lines = out.splitlines()
    at = next(index for index, line in enumerate(lines) if f" {name} " in line and not line.startswith(" "))
    taken: list[str] = []
    for line in lines[at + 1 :]:
        if not line.startswith("    "):
            break
        taken.append(line.strip())
    return taken


# ---- the table -------------------------------------------------------------------------------------------------------


def test_it_has_what_is_asked_next(shop: Shop) -> None:
    result = shop("scan", "-A", "-o", "wide", columns=200)
    assert result.code == 0
    assert result.out.splitlines()[0].split() == HEADER
    told = rows(result.out)
    proposal = next(
        each["proposalId"]
        for each in json.loads(shop("scan", "-o", "json").out)["results"]
        if each["name"] == "checkout"
    )
    assert {key: told["checkout"][key] for key in HEADER[7:]} == {
        "AWS": "Active/Failed",
        "HEARTBEAT": "2h ago",
        "HEALS-IN": "-",
        "PROPOSAL": proposal,
        "ACCOUNT": "123456789012",
        "REGION": "us-east-1",
    }
    assert told["archive"]["AWS"] == "gone"
    assert re.fullmatch(r"\d+m(\d\ds)?", told["payments"]["HEALS-IN"])
    assert told["payments"]["AWS"] == "Pending/Successful"
    assert (told["exports"]["PROPOSAL"], told["exports"]["NAMESPACE"]) == ("-", "post")


def test_the_first_columns_are_those_of_the_table(shop: Shop) -> None:
    narrow, wide = rows(shop("scan", "-A").out), rows(shop("scan", "-A", "-o", "wide", columns=200).out)
    assert list(wide) == list(narrow)
    for name, row in narrow.items():
        for column in ("NAMESPACE", "FINDING", "STATE", "REMEDY", "DECISION"):
            assert wide[name][column] == row[column]


@pytest.mark.parametrize("columns", [80, 120, 200])
@pytest.mark.parametrize("command", [("scan", "-A", "--all"), ("run", "-A")], ids=" ".join)
def test_it_never_breaks_a_line_of_the_table(shop: Shop, command: tuple[str, ...], columns: int) -> None:
    result = shop(*command, "-o", "wide", columns=columns)
    for line in (*result.out.splitlines(), *result.err.splitlines()):
        assert len(line.rstrip()) <= columns, line


def test_where_it_does_not_fit_the_rest_goes_beneath(shop: Shop) -> None:
    out = shop("scan", "-A", "-o", "wide", columns=80).out
    assert out.splitlines()[0].split() == HEADER[:7]
    said = " ".join(beneath(out, "checkout"))
    assert re.search(
        r"Synced=True: .* aws Active/Failed; heartbeat 2h ago; proposal p-\w{10}; account 123456789012; "
        r"region us-east-1 gates: held by mode, approval, sightings; "
        r"later: unchanged, evidence-age, permission, rehearsal, action-lock; \d+ passed$",
        said,
    )


def test_a_pipe_wraps_nothing_so_all_columns_stay(shop: Shop) -> None:
    """`remediator scan -o wide | less -S`: nobody knows how wide the terminal behind it is."""
    assert shop("scan", "-o", "wide", columns=None).out.splitlines()[0].split() == HEADER


def test_who_was_not_asked_about_is_not_called_unreadable(shop: Shop) -> None:
    told = rows(shop("scan", "-A", "--all", "-o", "wide", columns=200).out)
    assert told["mailer"]["AWS"] == "not asked"
    assert told["mailer"]["HEARTBEAT"] == "2h ago"


def test_a_heartbeat_to_come_is_a_clock_that_is_wrong(empty_shop: Shop) -> None:
    empty_shop.rolled_back("ahead", heartbeat=empty_shop.ago(minutes=-30))
    empty_shop.function("young", status={"conditions": []}, annotations={"x": "y"})
    told = rows(empty_shop("scan", "--all", "-o", "wide", columns=200).out)
    assert re.fullmatch(r"(30|29)m ahead", told["ahead"]["HEARTBEAT"])
    assert told["young"]["HEARTBEAT"] == "none"


def test_the_other_findings_and_the_gates_are_named(shop: Shop) -> None:
    out = shop("scan", "-A", "-o", "wide", columns=200).out
    assert beneath(out, "legacy")[-1].startswith("gates: held by mode, approval, opt-out, sightings; later: ")
    shop.function("twofold", status={"lastUpdateStatus": "InProgress"}, code={**shop.cloud.code, "sha256": "9f" * 32})
    shop.cloud.set_update("twofold", "Failed", reason_code="InternalError", reason="An internal error occurred.")
    out = shop("scan", "-A", "-o", "wide", columns=200).out
    assert any(line.startswith("also: ") for line in beneath(out, "twofold"))


def test_the_controller_is_told_beside_it(shop: Shop) -> None:
    for command in ("scan", "run"):
        result = shop(command, "-A", "-o", "wide", columns=200)
        assert (
            "Controller alive: Deployment ack-system/ack-lambda-controller is available, version 1.14.1." in result.err
        )
        assert "Controller alive" not in shop(command, "-A", columns=200).err


def test_it_costs_no_call_more_than_the_table(shop: Shop) -> None:
    asked: dict[str, list[tuple[str, str | None]]] = {}
    for output in ("table", "wide"):
        begin = len(shop.cloud.calls)
        shop("scan", "-A", "-o", output)
        asked[output] = sorted((each.operation, each.function or "") for each in shop.cloud.calls_since(begin))
    assert asked["wide"] == asked["table"]


def test_a_dump_is_explained_beneath_its_row(shop: Shop, typed_anywhere: Typing, tmp_path: Path) -> None:
    """There is no `explain` without a cluster; but nothing to be pasted comes from a dump."""
    dump = tmp_path / "dump.json"
    dump.write_text(json.dumps([shop.stored("checkout"), shop.stored("mailer")]), encoding="utf-8")
    live = tmp_path / "live.json"
    failed = {"LastUpdateStatus": "Failed", "LastUpdateStatusReasonCode": "InternalError", "RevisionId": "r-1"}
    live.write_text(json.dumps({"checkout": {"FunctionName": "checkout", **failed}}), encoding="utf-8")
    out = typed_anywhere("diagnose", "-f", str(dump), "--live", str(live), "-o", "wide", columns=200).out
    table, first, second = out.split("\nfunction/")
    told = rows(table)
    assert (told["checkout"]["AWS"], told["checkout"]["ACCOUNT"]) == ("Active/Failed", "123456789012")
    assert first.startswith("checkout in shop\n  UpdateFailed, ")
    assert "  RevisionId          r-1\n" in first
    assert "Gates\n" in first
    assert second.startswith("mailer in shop\n  healthy  ")
    assert "kubectl" not in out


# ---- explain ---------------------------------------------------------------------------------------------------------


def test_explain_tells_all_that_is_known(shop: Shop) -> None:
    stored = shop.stored("checkout")
    out = shop("explain", "checkout", "-o", "wide", columns=200).out
    for told in (
        "The object\n  apiVersion          lambda.services.k8s.aws/v1alpha1\n",
        f"  uid                 {stored['metadata']['uid']}\n",
        "  labels              team=shop\n",
        "  status.state        Active/InProgress, as of the last pass\n",
        "Its conditions\n  ACK.ResourceSynced  True, ",
        "  LastUpdateStatus    Failed: InternalError: An internal error occurred.\n",
        "  Environment         1 set; no value is ever shown\n",
        "Spec and AWS\n",
        "  memorySize             256, on both sides\n",
        "  snapStart.applyOn      None, on both sides\n",
        "  not compared        codeSigningConfigARN, ",
        "The controller\n  health              alive: ",
        "  verified by         the controller's heartbeat moves\n",
        "Gates\n",
    ):
        assert told in out
    # Ages are counted in seconds, and one may have passed in between.
    short, long = (re.sub(r"\d+", "#", each) for each in (shop("explain", "checkout", columns=200).out, out))
    assert set(short.splitlines()) <= set(long.splitlines()) | {""}


def test_explain_says_where_spec_and_aws_differ(shop: Shop) -> None:
    stored = shop.stored("checkout")
    stored["spec"]["memorySize"] = 512
    shop.api.seed(stored)
    out = shop("explain", "checkout", "-o", "wide", columns=200).out
    assert "  memorySize          512 in the spec, 256 in AWS\n" in out


def test_explain_says_where_ack_looks(shop: Shop) -> None:
    told = "Where ACK looks\n  account             123456789012\n  region              us-east-1\n"
    out = shop("explain", "checkout", "-o", "wide", columns=200).out
    assert f"{told}  because of          status\n" in out
    assert "  drift  " not in out
    stored = shop.stored("checkout")
    stored["metadata"]["annotations"]["services.k8s.aws/region"] = "eu-west-1"
    shop.api.seed(stored)
    shop.api.refuse("get", "namespaces", code=403, reason="Forbidden", message="not yours")
    out = shop("explain", "checkout", "-o", "wide", columns=200).out
    shop.api.allow()
    assert told in out
    assert (
        "  drift               annotation services.k8s.aws/region says eu-west-1, status says us-east-1: ACK does"
        in out
    )
    assert "  unsure              namespace shop could not be read: the API server refuses: not yours\n" in out


def test_explain_tells_of_the_healthy_too(shop: Shop) -> None:
    out = shop("explain", "mailer", "-o", "wide", columns=200).out
    assert out.startswith("function/mailer in shop\n  healthy  Nothing is wrong.\n\nThe next pass would change\n")
    assert "\n\nThe object\n" in out
    assert "  State               Active\n" in out


def test_explain_tells_what_ack_and_we_act_upon_and_no_other_annotation(shop: Shop) -> None:
    stored = shop.stored("legacy")
    applied = json.dumps({"spec": {"environment": {"variables": {"DB_PASSWORD": SECRET}}}})
    stored["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = applied
    stored["metadata"]["annotations"]["services.k8s.aws/region"] = "eu-west-1"
    shop.api.seed(stored)
    out = shop("explain", "legacy", "-o", "wide", columns=200).out
    assert "  annotation          ack-remediator.dev/ignore=true\n" in out
    assert "  annotation          services.k8s.aws/region=eu-west-1\n" in out
    assert "last-applied" not in out


@pytest.mark.parametrize("name", ["archive", "checkout", "exports", "mailer"])
def test_explain_fits_the_terminal_but_for_what_is_to_be_copied(shop: Shop, name: str) -> None:
    where = "post" if name == "exports" else "shop"
    out = shop("explain", name, "-n", where, "-o", "wide").out
    for line in out.splitlines():
        assert len(line.rstrip()) <= 80 or line.startswith("  kubectl patch "), line


def test_no_secret_is_told_however_wide(shop: Shop) -> None:
    """It stands in a condition, a label, an annotation and a compared field; the runner of these tests looks for it."""
    stored = shop.stored("checkout")
    stored["metadata"]["labels"]["stage"] = SECRET
    stored["metadata"]["annotations"]["services.k8s.aws/note"] = SECRET
    stored["spec"]["description"] = f"uses {SECRET}"
    stored["status"]["conditions"].append({"type": "ACK.Advisory", "status": "True", "message": f"not {SECRET}"})
    shop.api.seed(stored)
    out = shop("explain", "checkout", "-o", "wide", columns=200).out
    assert "stage=•••" in out
    assert "services.k8s.aws/note=•••" in out
    assert "True: not •••" in out


# ---- other people's texts --------------------------------------------------------------------------------------------

NASTY = "\x1b]0;owned\x07\x1b[2J[bold red]all is well[/] \x9b31m \u202etxet\u2028next \x00end"


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize("words", [("scan", "--all"), ("explain", "evil"), ("run",)], ids=" ".join)
def test_what_others_wrote_steers_no_terminal(
    empty_shop: Shop, words: tuple[str, ...], output: str, columns: int
) -> None:
    made = empty_shop.function("evil", error=NASTY, heartbeat=empty_shop.ago(minutes=1), labels={"x": NASTY})
    made["status"]["conditions"].append({"type": NASTY, "status": NASTY, "reason": NASTY, "message": NASTY})
    made["status"]["ackResourceMetadata"]["region"] = NASTY
    empty_shop.api.seed(made)
    result = empty_shop(*words, "-o", output, columns=columns)
    assert result.code == 0
    assert "[bold red]all is well[/]" in result.out, "markup is text"
    assert not set(result.out + result.err) & HARMFUL


@pytest.mark.parametrize("output", ["table", "wide"])
def test_a_name_in_a_dump_makes_no_row_of_its_own(typed_anywhere: Typing, tmp_path: Path, output: str) -> None:
    dump = tmp_path / "dump.json"
    forged = "a\nshop       payments  -        healthy\t[red]"
    function = {"kind": "Function", "metadata": {"name": forged, "namespace": "b\nc"}, "spec": {"name": "a"}}
    dump.write_text(json.dumps(function), encoding="utf-8")
    result = typed_anywhere("diagnose", "-f", str(dump), "-o", output, columns=200)
    table = result.out.split("\n\n")[0]
    assert len([line for line in table.splitlines() if not line.startswith(" ")]) == 2
    assert not any(line.startswith("shop ") for line in result.out.splitlines())
    assert "a\N{REPLACEMENT CHARACTER}shop" in result.out


def test_columns_are_aligned_under_characters_of_double_width(typed_anywhere: Typing, tmp_path: Path) -> None:
    from rich.cells import cell_len

    dump = tmp_path / "dump.json"
    functions = [
        {"kind": "Function", "metadata": {"name": name, "namespace": "shop"}, "spec": {"name": "a"}}
        for name in ("支払い", "payments")
    ]
    dump.write_text(json.dumps(functions), encoding="utf-8")
    out = typed_anywhere("diagnose", "-f", str(dump), columns=200).out
    rows = [line for line in out.splitlines() if line.startswith("shop ")]
    assert len(rows) == 2
    assert len({cell_len(line[: line.index(" NeverReconciled")]) for line in rows}) == 1


def test_a_very_long_message_fills_no_screen(empty_shop: Shop) -> None:
    long = "lorem ipsum " * 20_000
    empty_shop.function("talker", error=long, heartbeat=empty_shop.ago(minutes=1))
    for words in (("scan",), ("explain", "talker"), ("run",)):
        table = empty_shop(*words).out
        assert len(table) < 12_000
        assert re.search(r"… \(2(39|38),\d{3} characters more; -o json has them\)", " ".join(table.split()))
    for output in ("wide", "json", "yaml"):
        assert empty_shop("scan", "-o", output).out.count("lorem") >= 20_000


def test_what_is_printable_stays_as_it_is() -> None:
    assert printable("••• is no stage\n\tÄ 支 🦑") == "••• is no stage\n\tÄ 支 🦑"
