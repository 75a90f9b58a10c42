"""Whether forged approvals are refused, and by whom: only the policy's own refusal counts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from remediator.kubernetes.approvals import POLICY, REFUSAL, approvals_guard
from remediator.kubernetes.transport import Transport
from remediator.sandbox.apiserver import ApiServer
from tests import yaml_files
from tests.kubernetes.conftest import Connect
from tests.wire import Wire, answer, status

HOME = "ack-remediator"
BASE = Path(__file__).parents[2] / "manifests" / "base"
REFUSED = (
    f'remediations.ack-remediator.dev "function-probe" is forbidden: ValidatingAdmissionPolicy {POLICY!r} '
    f"with binding {POLICY!r} denied request: {REFUSAL}"
)


def test_the_policys_own_refusal_is_what_counts(connect: Connect) -> None:
    dated = part("2026-11-21T12:00:00Z")
    with Wire(status(403, REFUSED), dated, dated) as wire:
        guard = approvals_guard(connect(wire.url), HOME)
    assert guard.holds
    assert POLICY in guard.why
    tried = wire.heard[0]
    assert tried.method == "POST"
    assert tried.path == f"/apis/ack-remediator.dev/v1alpha1/namespaces/{HOME}/remediations"
    assert tried.query["dryRun"] == "All"
    assert b'"approvedBy"' in tried.body


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (403, 'User "x" cannot create resource "remediations" in API group "ack-remediator.dev"'),
        (403, f"ValidatingAdmissionPolicy 'somebody-elses' denied request: {REFUSAL}"),
        (403, f"ValidatingAdmissionPolicy {POLICY!r} denied request: failed to evaluate"),
        (422, REFUSED),
        (409, "already exists"),
        (404, "404 page not found"),
        (500, "etcdserver: no leader"),
        (401, "Unauthorized"),
    ],
)
def test_every_other_refusal_proves_nothing(connect: Connect, code: int, said: str) -> None:
    with Wire(status(code, said)) as wire:
        guard = approvals_guard(connect(wire.url), HOME)
    assert not guard.holds
    assert guard.why.startswith("approvals are off: ")


def test_a_forged_approval_that_is_taken_turns_approvals_off(connect: Connect) -> None:
    with Wire(answer(201, {"metadata": {"name": "function-probe"}})) as wire:
        guard = approvals_guard(connect(wire.url), HOME)
    assert not guard.holds
    assert "takes a forged one" in guard.why
    assert "manifests/base/approvals.yaml" in guard.why


def test_a_server_that_does_not_answer_vouches_for_nothing(connect: Connect) -> None:
    with Wire(b"") as wire:
        guard = approvals_guard(connect(wire.url), HOME)
    assert not guard.holds
    assert "is not known" in guard.why


def part(created: str, *written: tuple[str, str]) -> bytes:
    fields = [{"time": time, "subresource": sub} for time, sub in written]
    return answer(200, {"metadata": {"name": POLICY, "creationTimestamp": created, "managedFields": fields}})


def test_words_count_from_the_last_change_of_policy_or_binding_on(connect: Connect) -> None:
    policy = part("2026-11-21T10:00:00Z", ("2026-11-21T11:00:00Z", ""), ("2026-11-21T19:00:00Z", "status"))
    binding = part("2026-11-21T12:00:00Z")
    with Wire(status(403, REFUSED), policy, binding) as wire:
        guard = approvals_guard(connect(wire.url), HOME)
    assert (guard.holds, guard.since) == (True, datetime(2026, 11, 21, 12, tzinfo=UTC))
    assert [each.path.rsplit("/", 2)[1:] for each in wire.heard[1:]] == [
        ["validatingadmissionpolicies", POLICY],
        ["validatingadmissionpolicybindings", POLICY],
    ]


def test_where_that_cannot_be_read_none_count(connect: Connect) -> None:
    with Wire(status(403, REFUSED), status(403, "not yours")) as wire:
        guard = approvals_guard(connect(wire.url), HOME)
    assert not guard.holds
    assert "since when forged ones are refused cannot be read" in guard.why
    assert "manifests/base/clusterrole-read.yaml" in guard.why


def test_where_no_date_is_told_none_count(connect: Connect) -> None:
    undated = answer(200, {"metadata": {"name": POLICY}})
    with Wire(status(403, REFUSED), undated, undated) as wire:
        guard = approvals_guard(connect(wire.url), HOME)
    assert not guard.holds
    assert "does not tell since when" in guard.why


def test_where_forged_ones_are_taken_nothing_more_is_asked(connect: Connect) -> None:
    with Wire(answer(201, {"metadata": {"name": "function-probe"}})) as wire:
        guard = approvals_guard(connect(wire.url), HOME)
    assert not guard.holds
    assert len(wire.heard) == 1


def test_the_attempt_leaves_nothing_behind(api: ApiServer, transport: Transport) -> None:
    api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
    api.seed(yaml_files.read(BASE / "crd-remediations.yaml"))
    guard = approvals_guard(transport, HOME)
    assert not guard.holds, "the sandbox has no admission policies"
    assert "takes a forged one" in guard.why
    listed = transport.get(f"/apis/ack-remediator.dev/v1alpha1/namespaces/{HOME}/remediations")
    assert b'"items":[]' in listed.replace(b" ", b"")


def test_the_manifest_says_what_we_listen_for() -> None:
    policy, binding = yaml_files.read_all(BASE / "approvals.yaml")
    assert policy["metadata"]["name"] == binding["spec"]["policyName"] == POLICY
    assert policy["spec"]["failurePolicy"] == "Fail"
    assert binding["spec"]["validationActions"] == ["Deny"]
    [on_create] = [each for each in policy["spec"]["validations"] if each.get("message") == REFUSAL]
    assert on_create["reason"] == "Forbidden"


@pytest.mark.parametrize(
    ("told", "forged"),
    [
        (answer(201, {"metadata": {"name": "probe"}}), True),
        (status(403, "not yours"), False),
        (status(404, "-"), False),
    ],
)
def test_only_where_a_forged_one_was_taken_it_is_said_to_be(connect: Connect, told: bytes, *, forged: bool) -> None:
    with Wire(told) as wire:
        guard = approvals_guard(connect(wire.url), HOME)
    assert (guard.holds, guard.forged) == (False, forged)
