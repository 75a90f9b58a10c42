"""What a test changes about the rules that are shipped: how long something has to last, and nothing else."""

from __future__ import annotations

from typing import Any

from tests import yaml_files
from tests.bed.prometheus import MONITORING, hasty

Json = dict[str, Any]


def shipped() -> list[Json]:
    files = sorted(MONITORING.glob("prometheusrule*.yaml"))
    return [group for each in files for group in yaml_files.read(each)["spec"]["groups"]]


def test_only_how_long_it_has_to_last_is_cut() -> None:
    groups = shipped()
    cut = hasty(groups)
    assert groups == shipped(), "what was given is left alone"
    lasts = {}
    for group, hastier in zip(groups, cut, strict=True):
        for rule, hasty_rule in zip(group["rules"], hastier["rules"], strict=True):
            lasts[rule.pop("for", None)] = hasty_rule.pop("for", None)
    assert cut == groups
    assert (lasts[None], lasts["10m"], lasts["4h"]) == (None, "2000ms", "48000ms")
