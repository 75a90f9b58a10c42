"""How a bucket is kept: what S3 says, what nobody ever set, and what is not known."""

from __future__ import annotations

import pytest

from remediator.aws.bucket import Keeping, Known, keeping
from remediator.aws.clients import Patience
from remediator.errors import CloudError
from remediator.policy import Aws
from tests.aws.s3_errors import error
from tests.aws.test_backups import THERE
from tests.wire import SILENCE, Answer, Wire, answer

BRIEF = Patience(connect=1.5, read=1.5, attempts=1)
YES, NO = Known(True), Known(False)
BLOCKED = "<PublicAccessBlockConfiguration>{}</PublicAccessBlockConfiguration>".format(
    "".join(
        f"<{each}>true</{each}>"
        for each in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    )
)
VERSIONED = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
LOCK = "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>{}</ObjectLockConfiguration>"
RULE = "<Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>30</Days></DefaultRetention></Rule>"


def xml(text: str) -> bytes:
    return answer(200, text, kind="application/xml")


def kept(*answers: Answer, patience: Patience = BRIEF) -> Keeping:
    with Wire(*answers) as wire:
        found = keeping(Aws.model_validate({"endpointURL": wire.url}), THERE, patience)
    assert {each.headers["x-amz-expected-bucket-owner"] for each in wire.heard} <= {"123456789012"}
    return found


def test_what_is_kept_well() -> None:
    assert kept(xml(BLOCKED), xml(VERSIONED), xml(LOCK.format(RULE))) == Keeping(YES, YES, YES)


def test_a_part_of_it_is_not_all_of_it() -> None:
    partly = BLOCKED.replace("<BlockPublicPolicy>true", "<BlockPublicPolicy>false")
    assert kept(xml(partly), xml(VERSIONED.replace("Enabled", "Suspended")), xml(LOCK.format(""))) == Keeping(
        NO, NO, NO
    )


def test_what_nobody_ever_set_is_not_so() -> None:
    found = kept(
        error(404, "NoSuchPublicAccessBlockConfiguration"),
        xml("<VersioningConfiguration/>"),
        error(404, "ObjectLockConfigurationNotFoundError"),
    )
    assert found == Keeping(NO, NO, NO)


@pytest.mark.parametrize("answers", [[error(403, "AccessDenied")], [SILENCE], [answer(200, "<html>")]])
def test_what_s3_does_not_say_is_not_known(answers: list[Answer]) -> None:
    found = kept(*answers, patience=Patience(connect=0.3, read=0.3, answer=0.5, attempts=1))
    assert found.missing == ""
    for each in (found.blocked, found.locked):
        assert each.is_so is None
        assert each.why
        assert len(each.why.splitlines()) == 1


def test_a_bucket_that_is_not_there_is_told() -> None:
    assert "NoSuchBucket" in kept(error(404, "NoSuchBucket")).missing


def test_a_config_that_cannot_be_used_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "of-nobody")
    with pytest.raises(CloudError):
        keeping(Aws(), THERE)
