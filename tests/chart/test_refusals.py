"""Values that cannot be meant are refused, with what is wrong and, where two do not go together, with what to do."""

from __future__ import annotations

import pytest

from tests.chart.presets import CHART, PRESETS, Helm, Preset


@pytest.mark.parametrize("preset", PRESETS, ids=lambda each: str(each.folder))
def test_every_preset_passes_the_strict_lint(helm: Helm, preset: Preset) -> None:
    said = helm("lint", "--strict", f"{CHART}", f"--namespace={preset.namespace}", *preset.words)
    assert "1 chart(s) linted, 0 chart(s) failed" in said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        # A typo, at each depth.
        ("worklaod=daemon", "additional properties 'worklaod' not allowed"),
        ("policy.budget.perRun=3", "additional properties 'budget' not allowed"),
        ("policy.budgets.perrun=3", "additional properties 'perrun' not allowed"),
        ("image.Tag=1", "additional properties 'Tag' not allowed"),
        ("policy.kind=Policy", "additional properties 'kind' not allowed"),
        # A word that there is not.
        ("workload=deployment", "value must be one of 'cronjob', 'daemon'"),
        ("access=write", "value must be one of 'read-only', 'report', 'act'"),
        ("policy.mode=on", "value must be one of 'dry-run', 'approve', 'auto'"),
        ("policy.findings.Stuck.mode=approve", "invalid propertyName 'Stuck'"),
        # What cannot be undone is for a person to approve.
        ("policy.actions.Release.mode=auto", "value must be one of 'dry-run', 'approve'"),
        ("policy.actions.ClearFinalizer.mode=auto", "value must be one of 'dry-run', 'approve'"),
        # No duration, no number, no time.
        ("policy.timeouts.deletion=20 minutes", "at '/policy/timeouts/deletion': '20 minutes' does not match pattern"),
        ("policy.timeouts.deletion=", "at '/policy/timeouts/deletion': minLength: got 0, want 1"),
        ("policy.sightings=0", "at '/policy/sightings': minimum: got 0, want 1"),
        ("policy.budgets.perRun=many", "at '/policy/budgets/perRun': got string, want integer"),
        ("cronjob.schedule=5 minutes", "at '/cronjob/schedule': '5 minutes' does not match pattern"),
        ("resources.requests.memory=lots", "at '/resources/requests/memory': 'anyOf' failed"),
        ("monitoring.runbooks=https://wiki.example/{a}/", "at '/monitoring/runbooks'"),
        ("image.digest=latest", "at '/image/digest': 'latest' does not match pattern"),
    ],
)
def test_a_wrong_value_is_refused_by_the_schema(helm: Helm, value: str, said: str) -> None:
    done = helm.tried("template", "ack", f"{CHART}", f"--set={value}")
    assert done.returncode != 0
    assert said in done.stderr


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("access=read-only,workload=daemon", "access: read-only goes with workload: cronjob alone"),
        ("scope=namespace,workload=daemon", "scope: namespace goes with workload: cronjob alone"),
        ("scope=namespace,access=act", "scope: namespace goes with access: report alone"),
        ("policy.mode=approve", "policy.mode: approve needs access: act"),
        ("policy.mode=auto,access=read-only", "policy.mode: auto needs access: act"),
        ("policy.events=true,access=read-only", "policy.events: true needs access: report or act"),
        ("monitoring.podMonitor=true", "monitoring.podMonitor goes with workload: daemon"),
        (r"podLabels.app\.kubernetes\.io/component=x", "podLabels: app.kubernetes.io/component is what pods are"),
    ],
)
def test_what_does_not_go_together_is_refused_with_what_does(helm: Helm, values: str, said: str) -> None:
    done = helm.tried("template", "ack", f"{CHART}", f"--set={values}")
    assert done.returncode != 0
    assert said in " ".join(done.stderr.split()), done.stderr


def test_a_kubernetes_that_is_too_old_is_refused(helm: Helm) -> None:
    done = helm.tried("template", "ack", f"{CHART}", "--kube-version=1.29.9")
    assert "requires kubeVersion: >=1.30.0-0" in done.stderr
    # As EKS says it.
    assert helm("template", "ack", f"{CHART}", "--kube-version=v1.30.2-eks-7f9249a")


def test_a_chart_that_has_this_one_in_it_may_have_values_for_all(helm: Helm) -> None:
    assert helm.objects("--set=global.team=ops") == helm.objects()
