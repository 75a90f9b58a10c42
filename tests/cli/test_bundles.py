"""Bundles: written the same each time, read back the same, and refused where they are none."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from remediator.actions.clear_finalizer import clear_finalizer
from remediator.cli import bundles
from remediator.cli.bundles import pack, unpack
from remediator.cli.collection import Collected, collect
from remediator.diagnosis import diagnose
from remediator.errors import InputError
from remediator.gates import decide
from remediator.model.attempt import Attempt
from remediator.model.episode import Episode, Judgement
from remediator.model.finding import FindingName
from remediator.model.log import ControllerLog, LogLine
from remediator.model.namespace import Namespace
from remediator.model.observation import History, Observation
from remediator.model.plan import ActionName
from remediator.model.scan import Judged
from remediator.model.word import Approval, Override, Rejection
from tests import written_cases as cases
from tests import yaml_files
from tests.builders import DOWN, GONE, NOW, Json, active, decoded, deleting, failing, function, observe
from tests.cli.test_redaction import LIVE, OLD, SECRET, ZIP, planted, spelled
from tests.proposals import situation

LOG = ControllerLog((LogLine("2026-11-22T09:31:00Z", "error", f"{LIVE} is no stage"),))
PRESIGNED = "https://bucket.example.invalid/code?X-Amz-Signature=5ec7e7"


def collected(raw: Json, seen: Observation, **more: Any) -> Collected:
    return collect(
        Judged(seen, diagnose(seen), None), json.dumps(raw).encode(), more.pop("log", ControllerLog()), **more
    )


def files(content: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {each.name: _text(archive, each) for each in archive}


def _text(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    file = archive.extractfile(member)
    assert file is not None
    return file.read().decode()


# ---- there and back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("directory", cases.directories(), ids=lambda each: f"{each.parent.name}/{each.name}")
def test_the_diagnosis_of_a_bundle_is_that_of_the_resource(directory: Path) -> None:
    seen = cases.observation(directory, cases.case_in(directory).given)
    content, _, changed = collected(yaml_files.read(directory / "resource.yaml"), seen)
    assert diagnose(unpack("it", content).observed()) == diagnose(seen)
    assert changed == ""


def test_everything_a_diagnosis_can_rest_on_is_in_it() -> None:
    history = History(
        since=NOW, resync_without_effect=True, sightings=3, attempts={ActionName.RESYNC: (NOW,)}, own_retain=True
    )
    namespace = Namespace("shop", {"services.k8s.aws/default-region": "eu-west-1"}, {"team": "shop"}, True, "why")
    raw = function(conditions=failing("odd"))
    seen = observe(raw, active(last_modified=NOW, at=NOW), history=history, namespace=namespace)
    again = unpack("it", collected(raw, seen).content).observed()
    assert msgspec.to_builtins(again) == msgspec.to_builtins(seen)


def test_who_approved_is_left_out() -> None:
    """Gates name people in their reasons, and records keep what gates said, of people who spoke before, too."""
    raw = deleting()
    seen = observe(raw, GONE, controller=DOWN)
    plan = clear_finalizer(seen, FindingName.FINALIZER_LEFT)
    finding = diagnose(seen)
    assert finding is not None
    word = Approval(
        *("joe@example.invalid", plan.digest, "CHG-7", (Override.BUDGET,), "it is urgent"), at=NOW - timedelta(hours=1)
    )
    rejected = Rejection("ann", "another", "ann is not sure", NOW)
    history = History(approval=word, rejection=rejected, sightings=3)
    decision = decide(finding, plan, situation(history=history, acted_in_run=5, guarded_by="it is prod"))
    assert {each.gate for each in decision.verdicts if "joe@" in each.reason} == {"approval", "guard", "budget"}
    attempt = Attempt(
        id="1", action=ActionName.RESYNC, digest="d", intended=NOW,
        detail="pod-1 ended, asked by kim as lou, not by anna",
        by="pod-1", user="lou", aws_identity="arn:aws:sts::123456789012:assumed-role/ops/pat",
        approved_by="kim, ticket CHG-6, passing by budget: so",
    )  # fmt: skip
    before = Judgement("approval", "allowed", "p-1 is approved by max"), Judgement("budget", "held", "5 were done")
    overridden = Judgement("cool-down", "allowed", "overridden by max because 'so'; it said: wait")
    episode = Episode(
        unhealthy_since=NOW, first_seen=NOW, last_seen=NOW, attempts=(attempt,), verdicts=(*before, overridden)
    )
    seen = msgspec.structs.replace(seen, history=history)
    content = collect(
        Judged(seen, finding, decision), json.dumps(raw).encode(), ControllerLog(), episode=episode
    ).content
    told = files(content)
    for whom in ("joe@", "ann ", "kim", "pod-1", "max", "lou", "ops/pat"):
        assert whom not in "".join(told.values()), whom
    bundle = unpack("it", content)
    reasons = {each["gate"]: each["reason"] for each in bundle.explained["gates"]}
    assert reasons["guard"] == "it is prod; approved by <person-1>, ticket CHG-7, passing by budget: it is urgent"
    assert reasons["budget"].startswith("overridden by <person-1> because 'it is urgent'; it said: ")
    assert bundle.episode is not None
    assert bundle.episode["attempts"] == [
        {
            "id": "1",
            "action": "Resync",
            "digest": "d",
            "intended": "2026-11-21T12:00:00Z",
            "detail": "<person-3> ended, asked by <person-5> as <person-4>, not by anna",
        }
    ]
    assert bundle.episode["verdicts"] == [
        {"gate": "approval", "ruling": "allowed"},
        {"gate": "budget", "ruling": "held", "reason": "5 were done"},
        {"gate": "cool-down", "ruling": "allowed"},
    ]


def test_words_of_ours_are_nobodys_name() -> None:
    raw = function(conditions=failing("odd"))
    said = ("a person at the terminal", "nobody: the policy lets it go by itself")
    attempts = tuple(
        Attempt(id="1", action=ActionName.RESYNC, digest="d", intended=NOW, approved_by=each, detail=each)
        for each in said
    )
    episode = Episode(unhealthy_since=NOW, first_seen=NOW, last_seen=NOW, attempts=attempts)
    told = unpack("it", collected(raw, observe(raw, active()), episode=episode).content).episode
    assert told is not None
    assert [each["detail"] for each in told["attempts"]] == list(said)


def test_what_only_the_look_before_knew_is_masked_too() -> None:
    """Between the look and the reading of the whole object somebody may have changed it."""
    raw = function(conditions=failing(f"{OLD} is no stage"), spec={"environment": {"variables": {"A": OLD}}})
    changed = function(conditions=failing(f"{OLD} is no stage"), spec={"environment": {"variables": {"A": "new"}}})
    seen = observe(raw, active())
    content = collected(changed, seen, log=ControllerLog((LogLine("", "error", f"{OLD} is no stage"),))).content
    assert OLD not in gzip.decompress(content).decode()


def test_each_secret_of_the_log_has_the_mask_that_it_has_elsewhere() -> None:
    bundle = unpack("it", collected(*shady(), log=LOG).content)
    password = bundle.observed().live_state.environment["PASSWORD"]
    assert bundle.log.lines[0].text == f"{password} is no stage"
    assert bundle.explained["controllerLog"]["lines"][0]["text"] == f"{password} is no stage"


# ---- what is in it ---------------------------------------------------------------------------------------------------


def shady() -> tuple[Json, Observation]:
    raw = planted()
    live = active(
        environment={"PASSWORD": LIVE},
        state_reason=f"{LIVE} at {PRESIGNED}",
        configuration=(("description", f"uses {SECRET}"),),
    )
    namespace = Namespace("shop", {"tool.example.invalid/copy": f"packed {OLD}"}, {"owner": "shop"})
    return raw, observe(raw, live, namespace=namespace)


def test_no_secret_is_in_any_byte() -> None:
    content = collected(*shady(), log=LOG).content
    said = gzip.decompress(content).decode()
    for secret in (SECRET, OLD, LIVE, ZIP, "5ec7e7"):
        for how, text in spelled(secret).items():
            assert text not in said, (secret, how)
        assert base64.b64encode(secret.encode()).decode() not in said
        assert quote(secret, safe="") not in said


def test_differences_still_show() -> None:
    observed = unpack("it", collected(*shady()).content).observed()
    assert observed.resource.spec is not None and observed.resource.spec.environment is not None
    variables = observed.resource.spec.environment.variables or {}
    assert variables["PASSWORD"] == variables["SAME"] != observed.live_state.environment["PASSWORD"]


def test_what_the_files_are() -> None:
    content = collected(*shady(), log=LOG, kubernetes="v1.36.2").content
    told = files(content)
    assert list(told) == ["README.txt", "bundle.json", "object.yaml", "aws.yaml", "controller-log.txt"]
    assert told["README.txt"].startswith("Function shop/checkout, collected by ack-remediator ")
    assert "Look through it before you send it." in told["README.txt"]
    assert max(map(len, told["README.txt"].splitlines())) <= 120
    assert told["object.yaml"].startswith("apiVersion: lambda.services.k8s.aws/v1alpha1\nkind: Function\n")
    assert told["controller-log.txt"].endswith(" is no stage (x1)\n")
    document = json.loads(told["bundle.json"])
    assert (document["apiVersion"], document["kind"]) == ("ack-remediator.dev/v1alpha1", "Bundle")
    assert document["versions"]["kubernetes"] == "v1.36.2"
    assert document["explained"]["finding"] == diagnose(shady()[1]).name  # type: ignore[union-attr]


def test_the_same_is_the_same_bytes() -> None:
    content = collected(*shady()).content
    assert collected(*shady()).content == content
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert {(each.mode, each.mtime, each.uid, each.uname) for each in archive} == {
            (0o600, int(NOW.timestamp()), 0, "")
        }


def test_account_ids_are_masked_where_asked_for() -> None:
    raw = function(conditions=failing("arn:aws:iam::123456789012:role/x is not assumable by 210987654321"))
    seen = observe(raw, active(account="123456789012", identity="arn:aws:sts::210987654321:assumed-role/x/y"))
    plain, masked = (
        gzip.decompress(collected(raw, seen, mask_accounts=each).content).decode() for each in (False, True)
    )
    assert "123456789012" in plain and "210987654321" in plain
    assert "123456789012" not in masked and "210987654321" not in masked
    observed = unpack("it", collected(raw, seen, mask_accounts=True).content).observed()
    assert observed.resource.arn is not None
    assert observed.resource.arn.account == "000000000001"
    found = diagnose(observed)
    assert found is not None and found.name == diagnose(seen).name  # type: ignore[union-attr]


def test_masks_that_hide_what_tells_are_owned_up_to() -> None:
    """A variable's value can be a word of the very error that names the trouble."""
    error = "function in 'Pending' state, cannot be modified or deleted"
    raw = function(conditions=failing(error), spec={"environment": {"variables": {"MODE": error}}})
    seen = observe(raw, active())
    told = collected(raw, seen)
    assert told.changed.startswith("the bundle's diagnosis is ")
    assert error not in gzip.decompress(told.content).decode()


# ---- what is none ----------------------------------------------------------------------------------------------------


def packed(document: Any) -> bytes:
    return pack({"bundle.json": document if isinstance(document, str) else json.dumps(document)}, NOW)


WHOLE = {
    "apiVersion": bundles.API_VERSION, "kind": "Bundle", "collected": "2026-11-21T12:00:00Z", "versions": {},
    "object": {}, "observation": {}, "explained": {},
}  # fmt: skip


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x1f\x8b", "is no bundle that can be unpacked"),
        (b"\x1f\x8b" + b"x" * 100, "is no bundle that can be unpacked"),
        (gzip.compress(b"no archive"), "is no bundle that can be unpacked"),
        (gzip.compress(b""), "is no bundle that can be unpacked"),
        (pack({"other.json": "{}"}, NOW), "is no bundle that can be unpacked"),
        (gzip.compress(b"x" * 4000)[:-12], "is no bundle that can be unpacked"),
        (packed("{"), "its bundle.json makes no sense"),
        (packed("\ud800".encode("utf-8", "surrogatepass").decode("latin-1")), "its bundle.json makes no sense"),
        (packed("[" * 100_000), "its bundle.json makes no sense"),
        (packed({}), "its bundle.json makes no sense"),
        (packed(WHOLE | {"apiVersion": "ack-remediator.dev/v2"}), "is a Bundle of ack-remediator.dev/v2, and no"),
        (packed(WHOLE | {"kind": "Policy"}), "is a Policy of"),
    ],
    # Named: gzip writes the time into its bytes, and every worker has to call a test the same.
    ids=[
        *("magic-alone", "magic-and-noise", "no-archive", "nothing", "other-file", "broken-off"),
        *("half-a-document", "no-unicode", "nested-without-end", "empty-document", "another-version", "another-kind"),
    ],
)
def test_what_is_no_bundle_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        unpack("it.tar.gz", content)


def test_a_bundle_without_an_observation_is_refused() -> None:
    with pytest.raises(InputError, match="observation makes no sense"):
        unpack("it", packed(WHOLE)).observed()


def test_what_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "_LARGEST", 1000)
    with pytest.raises(InputError, match="larger than any bundle"):
        unpack("it", gzip.compress(b"\0" * 100_000))


def test_a_directory_of_that_name_is_no_bundle() -> None:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        member = tarfile.TarInfo("bundle.json")
        member.type = tarfile.DIRTYPE
        archive.addfile(member)
    with pytest.raises(InputError, match="makes no sense"):
        unpack("it", gzip.compress(written.getvalue()))


def test_the_object_is_the_one_that_was_seen() -> None:
    raw = function()
    assert decoded(unpack("it", collected(raw, observe(raw, active())).content).object) == decoded(raw)
