"""Names by which others know us: each is said once, and no two of them are alike."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import remediator
from remediator.backups import FileBackups
from remediator.episodes import MemoryEpisodes
from remediator.kubernetes.remediation_object import object_name
from remediator.model.plan import ActionName
from remediator.model.resource import Ref
from tests.builders import NOW, active, at, failing, function, observe
from tests.fakes import FakeCluster

PACKAGE = Path(remediator.__file__).parent
# Ours: annotations, labels, leases, policies, the groups of our kinds.
OURS = "ack-remediator"


def constants() -> dict[str, set[str]]:
    """Map each name of ours to the constants that have it as their value."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in sorted(PACKAGE.rglob("*.py")):
        if "sandbox" in path.parts:
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                value = node.value.value
                if isinstance(value, str) and value.startswith(OURS):
                    found[value].add(f"{path.relative_to(PACKAGE)}:{ast.unparse(node.targets[0])}")
    return found


def test_each_name_of_ours_is_one_constant() -> None:
    """Two opt-outs with one annotation could not be chosen one without the other."""
    found = constants()
    assert {f"{OURS}.dev/resync", f"{OURS}.dev/ignore", f"{OURS}-leader", f"{OURS}-action"} <= found.keys()
    assert {value: names for value, names in found.items() if len(names) > 1} == {}


def test_what_looks_alike_when_it_is_joined_is_kept_apart(tmp_path: Path) -> None:
    """Namespace and name of one can be those of another, cut elsewhere: team-a/b and team/a-b."""
    alike = [Ref("team-a", "b", "uid-1"), Ref("team", "a-b", "uid-2"), Ref("team", "a", "b-uid-3")]
    backups = FileBackups(tmp_path)
    saved = {ref: Path(backups.save(ref, f'{{"uid": "{ref.uid}"}}'.encode())) for ref in alike}
    assert len(set(saved.values())) == len(alike)
    for ref, path in saved.items():
        assert ref.uid in path.read_text(encoding="utf-8")
    assert len({object_name(ref.uid) for ref in alike}) == len(alike)


def test_what_is_under_way_in_one_namespace_is_not_in_another_that_begins_alike() -> None:
    from remediator.actions import plan_for
    from remediator.diagnosis import diagnose

    raw = function("b", namespace="team-a", conditions=failing("conflict", at(hours=1)))
    seen = observe(raw, active())
    found = diagnose(seen)
    assert found is not None
    plan = plan_for(found, seen)
    assert plan is not None and plan.action is ActionName.RESYNC
    episodes = MemoryEpisodes()
    episodes.sighted(FakeCluster(raw).get("team-a", "b"), found, NOW)
    episodes.intend(plan, NOW)
    assert episodes.standing(NOW).under_way == {"team-a": 1}
