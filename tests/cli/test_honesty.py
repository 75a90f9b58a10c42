"""What a command says beforehand is what is done afterwards; and who may only read is not turned away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import urllib3

from remediator.model.decision import GateName
from remediator.model.kind import LAMBDA_KINDS
from remediator.sandbox.faults import Faults, refusing
from tests import yaml_files
from tests.bed.http import Http
from tests.cli.accounts import become
from tests.cli.shop import Result, Shop

BASE = Path(__file__).parents[2] / "manifests" / "base"
HOME = "ack-remediator"
AUTO = "mode: auto\nsightings: 1\nbreaker: {percent: 100}\n"

Json = dict[str, Any]
# When the answer was taken down, and nothing else, is otherwise in the same answer a second later.
MOVING = ("since", "stuckAt", "selfHealsAt")


def manifest(name: str) -> Json:
    found: Json = yaml_files.read(BASE / name)
    return found


@pytest.fixture
def recorded(shop: Shop) -> Shop:
    """A shop in a cluster that knows Remediations, seen twice by now."""
    shop.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
    shop.api.seed(manifest("crd-remediations.yaml"))
    for name in ("exports-2", "exports-3"):
        shop.rolled_back(name, namespace="post")
    for _ in range(2):
        assert shop("run", "-A").code == 0
    return shop


def document(told: Result) -> Json:
    found: Json = json.loads(told.out)
    return found


def judged(told: Result) -> list[Json]:
    """Read what was found and proposed, and what is to come of it."""
    return [{key: value for key, value in each.items() if key not in MOVING} for each in document(told)["results"]]


def without(results: list[Json], *keys: str) -> list[Json]:
    return [{key: value for key, value in each.items() if key not in keys} for each in results]


# ---- the same input --------------------------------------------------------------------------------------------------


def test_a_dry_run_a_run_and_a_run_with_approval_see_and_propose_the_same(recorded: Shop) -> None:
    recorded.write_policy("mode: approve\nbreaker: {percent: 100}\n")
    dry = recorded("run", "-A", "--dry-run", "-o", "json")
    real = recorded("run", "-A", "-o", "json")
    wanted = [each["proposalId"] for each in judged(dry) if each["decision"] == "propose"]
    assert len(wanted) >= 3
    approved = recorded("run", "-A", "--approve", *[f"--proposal={each}" for each in wanted], "-o", "json")
    assert judged(dry) == judged(real) == judged(approved)
    assert "outcomes" not in document(dry)
    assert document(real)["outcomes"] == []
    assert [each["proposalId"] for each in document(approved)["outcomes"]] == wanted


@pytest.mark.parametrize("per_run", [5, 2])
def test_what_a_dry_run_announces_is_what_the_run_does_in_that_order(recorded: Shop, per_run: int) -> None:
    recorded.write_policy(f"{AUTO}budgets: {{perRun: {per_run}, perNamespace: 5}}\n")
    told = recorded("run", "-A", "--dry-run", columns=400)
    looked_at = recorded("run", "-A", "--dry-run", "-o", "json")
    announced = [line.split()[0] for line in told.err.splitlines() if line.startswith("  p-")]
    assert len(announced) >= 3
    assert announced == [each["proposalId"] for each in judged(looked_at) if each["decision"] == "act"]
    assert "Nothing was changed. Without --dry-run this is done" in told.err
    assert (f"at most {per_run} of it" in told.err) is (per_run < len(announced))
    done = recorded("run", "-A", "-o", "json")
    assert judged(done) == judged(looked_at)
    outcomes = document(done)["outcomes"]
    assert [each["proposalId"] for each in outcomes] == announced
    assert [each["result"] == "skipped" for each in outcomes] == [at >= per_run for at in range(len(announced))]


def test_a_dry_run_tells_that_the_run_would_be_refused(shop: Shop) -> None:
    shop.write_policy(AUTO)
    dry = shop("run", "-A", "--dry-run", columns=400)
    real = shop("run", "-A", columns=400)
    assert (dry.code, real.code) == (0, 2)
    refused = next(line for line in real.err.splitlines() if "mode: auto is refused" in line)
    assert refused.removeprefix("error: ") in dry.err
    assert not [line for line in dry.err.splitlines() if line.startswith("Plan")]


def test_explain_shows_the_same_gates_in_every_mode_but_those_of_the_mode(recorded: Shop) -> None:
    for name, namespace in (("checkout", "shop"), ("archive", "shop"), ("legacy", "shop"), ("exports-2", "post")):
        told = {}
        for mode in ("dry-run", "approve", "auto"):
            recorded.write_policy(f"mode: {mode}\nbreaker: {{percent: 100}}\n")
            told[mode] = document(recorded("explain", name, "-n", namespace, "-o", "json"))
        modes = {GateName.MODE, GateName.APPROVAL}
        gates = {mode: [each for each in said["gates"] if each["gate"] not in modes] for mode, said in told.items()}
        assert gates["dry-run"]
        assert gates["dry-run"] == gates["approve"] == gates["auto"]
        ours = [without([said], "gates", "decision", *MOVING) for said in told.values()]
        assert ours[0] == ours[1] == ours[2]


# ---- who may only read -----------------------------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Note every request: its method, and where it goes."""
    noted: list[tuple[str, str]] = []
    urlopen = urllib3.HTTPConnectionPool.urlopen

    def noting(self: Any, method: str, url: str, *args: Any, **more: Any) -> Any:
        noted.append((method, url))
        return urlopen(self, method, url, *args, **more)

    monkeypatch.setattr(urllib3.HTTPConnectionPool, "urlopen", noting)
    return noted


KINDS = [each.plural for each in LAMBDA_KINDS]
FUNCTIONS = {"apiGroups": ["lambda.services.k8s.aws"], "resources": KINDS, "verbs": ["get", "list"]}
READERS = {
    "with the read role of the manifests": manifest("clusterrole-read.yaml")["rules"],
    "who may read the kinds, and nothing else": [FUNCTIONS],
}
LOOKING = {
    "scan": ("scan", "-A"),
    "wide": ("scan", "-A", "-o", "wide"),
    "explain": ("explain", "checkout"),
    "explain what is gone": ("explain", "archive", "-o", "json"),
    "run": ("run", "-A"),
    "dry run": ("run", "-A", "--dry-run"),
    "dry run for machines": ("run", "-A", "--dry-run", "-o", "yaml"),
}


@pytest.mark.parametrize("rules", READERS.values(), ids=READERS.keys())
@pytest.mark.parametrize("mode", ["dry-run", "approve"])
def test_who_may_only_read_is_told_everything_without_an_error(
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    asked: list[tuple[str, str]],
    rules: list[Json],
    mode: str,
) -> None:
    shop.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
    shop.api.seed(manifest("crd-remediations.yaml"))
    shop.write_policy(f"mode: {mode}\nbreaker: {{percent: 100}}\n")
    mine = judged(shop("scan", "-A", "-o", "json"))
    become(shop, monkeypatch, tmp_path, *rules)
    asked.clear()
    for name, words in LOOKING.items():
        told = shop(*words, columns=400)
        assert told.code == 0, f"{name}: {told.err}"
        assert "error" not in told.err.lower(), f"{name}: {told.err}"
        assert told.out, name
    theirs = judged(shop("scan", "-A", "-o", "json"))
    unseen = ("evidence",) if rules == [FUNCTIONS] else ()  # of the controller they see nothing
    assert without(theirs, *unseen) == without(mine, *unseen)
    paths = [(method, url.split("?")[0]) for method, url in asked if url.startswith(("/api/", "/apis/"))]
    assert ("GET", "/apis/lambda.services.k8s.aws/v1alpha1/functions") in paths
    reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    # `run` would tell of it beside the resources, too, is refused, and says so.
    told_of = "/apis/events.k8s.io/v1/namespaces/shop/events"
    assert {each for each in paths if each[0] != "GET"} == {("POST", reviews), ("POST", told_of)}
    admin = Http(shop.api.url, shop.api.token)
    assert admin("GET", "/api/v1/events").body["items"] == []
    admin.close()


def test_where_even_reviews_are_refused_it_is_told_and_no_error(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    theirs = become(shop, monkeypatch, tmp_path, FUNCTIONS)
    with Faults(shop.api.url, ca=shop.certificate) as faults:
        monkeypatch.setenv("KUBECONFIG", str(faults.kubeconfig(theirs, tmp_path / "through")))
        faults.add(refusing(403, "nothing is created here", reason="Forbidden"), method="POST")
        for words in LOOKING.values():
            assert shop(*words).code == 0
        gates = {each["gate"]: each for each in document(shop("explain", "checkout", "-o", "json"))["gates"]}
    assert gates["permission"]["ruling"] == "later"
    assert "could not be asked" in gates["permission"]["reason"]
