"""What Helm prints after an install: commands that there are, for what was installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chart.presets import MONITORING, PRESETS, Helm, Preset
from tests.pages import commands
from tests.test_runbook_commands import parse

by_preset = pytest.mark.parametrize("preset", [*PRESETS, MONITORING], ids=lambda each: str(each.folder))

_KUBECTL = {"apply", "create", "get", "label", "logs", "rollout"}


def typed(notes: str) -> Iterator[list[str]]:
    """Find the commands: what is set in by four."""
    return commands("\n".join(line.strip() for line in notes.splitlines() if line.startswith("    ")))


@by_preset
def test_every_command_is_one_that_there_is(helm: Helm, preset: Preset) -> None:
    found = list(typed(helm.notes(*preset.words, namespace=preset.namespace)))
    assert {"remediator", "kubectl", "aws"} == {words[0] for words in found}
    for words in found:
        if words[0] == "remediator":
            parse(words[1:])
        if words[0] == "kubectl":
            assert words[1] in _KUBECTL, words
            assert {"-f", "clusterrolebinding", "shop", preset.namespace} & set(words), words


@by_preset
def test_the_first_is_to_look_at_the_install_as_it_runs(helm: Helm, preset: Preset) -> None:
    notes = helm.notes(*preset.words, namespace=preset.namespace)
    first = next(typed(notes))
    assert first[:2] == ["remediator", "doctor"]
    assert first[-2:] == ["--as", f"system:serviceaccount:{preset.namespace}:ack-remediator"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("access=report", "It reads, reports and records, and cannot change a Function."),
        ("access=read-only", "It can write nothing"),
        ("access=act", "It does what people approved, and nothing else."),
        ("access=act,policy.mode=auto", "It acts on Functions by itself"),
        ("access=act,policy.mode=dry-run", "has it not do so"),
        ("workload=daemon", "2 daemons"),
        ("cronjob.schedule=0 * * * *", 'a CronJob at "0 * * * *" (Etc/UTC)'),
        ("monitoring.rules=true", "monitoring.kubeStateMetrics brings what it needs"),
    ],
)
def test_it_says_what_was_installed(helm: Helm, words: str, said: str) -> None:
    assert said in helm.notes(f"--set={words}")


def test_what_is_in_order_is_not_told_of(helm: Helm) -> None:
    bare = helm.notes()
    assert "names no registry" in bare
    assert "create-pod-identity-association" in bare
    role = r"serviceAccount.annotations.eks\.amazonaws\.com/role-arn=arn:aws:iam::111122223333:role/read"
    done = helm.notes(f"--set=image.repository=r.example/ack-remediator,{role}")
    assert "names no registry" not in done
    assert "create-pod-identity-association" not in done


def test_a_home_that_is_not_the_usual_one_is_named(helm: Helm) -> None:
    assert "--home-namespace" not in helm.notes()
    elsewhere = [words for words in typed(helm.notes(namespace="ops")) if words[0] == "remediator"]
    assert all(words[words.index("--home-namespace") + 1] == "ops" for words in elsewhere)
    assert elsewhere
