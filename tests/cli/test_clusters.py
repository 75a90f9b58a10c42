"""`remediator scan` with several contexts: each cluster by itself, side by side, told in the order typed."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from remediator.cli import candidates, clusters, lookup, main
from remediator.cli.clusters import side_by_side
from remediator.cli.wiring import Wired
from remediator.sandbox.apiserver import ApiServer
from tests.cli.shop import CONTEXT, SECRET, Result, Shop

EU = "eu-cluster"
BOTH = ("--context", EU, "--context", CONTEXT)
AWAY = "away"


def joined(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def eu(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Open a second shop, of the same AWS account, that the same kubeconfig knows."""
    directory = tmp_path / "eu"
    directory.mkdir()
    with ApiServer(shop.clock) as api:
        other = Shop(directory, monkeypatch, api, shop.cloud, shop.clock)
        api.kubeconfig(other.kubeconfig, context=EU, namespace="shop")
        other.controller()
        other.rolled_back("invoices")
        other.function("ledger")
        monkeypatch.setenv("KUBECONFIG", f"{shop.kubeconfig}{os.pathsep}{other.kubeconfig}")
        yield other


def logs_in(shop: Shop, context: str, script: str) -> None:
    """Let a context, which has the shop's server, log in by a plugin: a script in Python."""
    config = yaml.safe_load(shop.kubeconfig.read_text(encoding="utf-8"))
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": ["-c", script],
        "interactiveMode": "Never",
    }
    config["users"].append({"name": context, "user": {"exec": plugin}})
    config["contexts"].append({"name": context, "context": {"cluster": CONTEXT, "user": context, "namespace": "shop"}})
    shop.kubeconfig.write_text(yaml.safe_dump(config), encoding="utf-8")


def away(shop: Shop, context: str = AWAY) -> None:
    """Let the kubeconfig have a context whose server is not there."""
    config = yaml.safe_load(shop.kubeconfig.read_text(encoding="utf-8"))
    config["clusters"].append({"name": context, "cluster": {"server": "https://127.0.0.1:9"}})
    config["contexts"].append({"name": context, "context": {"cluster": context, "user": f"{CONTEXT}-admin"}})
    shop.kubeconfig.write_text(yaml.safe_dump(config), encoding="utf-8")


# ---- what is told ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(EU, CONTEXT), (CONTEXT, EU)])
def test_each_has_a_section_that_its_context_heads_in_the_order_typed(
    shop: Shop, eu: Shop, order: tuple[str, str]
) -> None:
    told = shop("scan", "-A", "--context", order[0], "--context", order[1], columns=200)
    assert told.code == 0
    heads = [line for line in told.out.splitlines() if line in order]
    assert heads == [*order]
    sections = dict(zip(order, told.out.split(f"\n\n{order[1]}\n"), strict=True))
    assert "invoices" in sections[EU]
    assert "invoices" not in sections[CONTEXT]
    assert "archive" in sections[CONTEXT]
    said = [told.err.index(f"{each}, all namespaces: ") for each in order]
    assert said == sorted(said)


def test_each_is_summed_up_and_all_of_them(shop: Shop, eu: Shop) -> None:
    told = shop("scan", "-A", *BOTH, columns=200)
    assert f"{EU}, all namespaces: 2 functions: 1 stuck, 1 healthy." in told.err
    assert f"{CONTEXT}, all namespaces: 8 functions: 3 stuck, 2 waiting, 1 advisory, 2 healthy." in told.err
    assert told.err.endswith("2 of 2 clusters seen: 4 stuck, 2 waiting, 1 advisory, 3 healthy.\n")


def test_what_to_type_next_names_the_cluster(shop: Shop, eu: Shop) -> None:
    told = shop("scan", "-A", *BOTH, columns=200)
    assert f"Next: remediator explain function/invoices -n shop --context {EU}\n" in told.err
    assert f"remediator run -A --context {EU} --approve   (1 proposed)" in told.err
    assert f"Next: remediator explain function/archive -n shop --context {CONTEXT}\n" in told.err


def test_what_to_type_next_is_as_it_was_typed_for_one(shop: Shop, eu: Shop) -> None:
    assert f"-n shop --context {EU}\n" in shop("scan", "--context", EU, columns=200).err
    assert "--context" not in shop("scan", columns=200).err


def test_each_has_the_namespace_of_its_context(shop: Shop, eu: Shop) -> None:
    eu.api.kubeconfig(eu.kubeconfig, context=EU, namespace="post")
    told = shop("scan", *BOTH, columns=200)
    assert f"{EU}, namespace post: 0 functions: none." in told.err
    assert f"{CONTEXT}, namespace shop: 7 functions: " in told.err


def test_wide_is_wide_in_each(shop: Shop, eu: Shop) -> None:
    assert shop("scan", "-A", *BOTH, "-o", "wide", columns=300).out.count("HEARTBEAT") == 2


# ---- the document ----------------------------------------------------------------------------------------------------


def test_the_document_has_each_scan_and_their_sum(shop: Shop, eu: Shop) -> None:
    told = shop("scan", "-A", *BOTH, "-o", "json")
    found = json.loads(told.out)
    assert list(found) == ["schemaVersion", "clusters", "partial", "summary"]
    assert [each["context"] for each in found["clusters"]] == [EU, CONTEXT]
    assert found["partial"] == []
    assert found["summary"] == {"total": 10, "stuck": 4, "waiting": 2, "unknown": 0, "advisory": 1, "healthy": 3}
    for each in found["clusters"]:
        alone = json.loads(shop("scan", "-A", "--context", each["context"], "-o", "json").out)
        assert list(each) == ["context", "error", *alone]
        assert each["error"] is None
        assert each["summary"] == alone["summary"]
        assert [one["uid"] for one in each["results"]] == [one["uid"] for one in alone["results"]]


def test_yaml_is_the_same(shop: Shop, eu: Shop) -> None:
    found = yaml.safe_load(shop("scan", "-A", *BOTH, "-o", "yaml").out)
    assert [each["context"] for each in found["clusters"]] == [EU, CONTEXT]


@pytest.mark.parametrize("words", [(), ("--context", CONTEXT), ("--context", CONTEXT, "--context", CONTEXT)])
def test_of_one_it_is_what_it_was(shop: Shop, words: tuple[str, ...]) -> None:
    found = json.loads(shop("scan", "-A", *words, "-o", "json").out)
    assert list(found) == ["schemaVersion", "results", "partial", "cluster", "controller", "unknown", "summary"]


def test_the_same_context_twice_counts_once(shop: Shop, eu: Shop) -> None:
    found = json.loads(shop("scan", "-A", *BOTH, "--context", EU, "-o", "json").out)
    assert [each["context"] for each in found["clusters"]] == [EU, CONTEXT]


def test_the_variable_has_several_too(shop: Shop, eu: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMEDIATOR_SCAN_CONTEXT", f"{EU} {CONTEXT}")
    assert "2 of 2 clusters seen: " in shop("scan", "-A").err


# ---- what cannot be seen ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [True, False])
def test_one_that_is_away_is_told_and_hides_no_other(shop: Shop, first: bool) -> None:
    away(shop)
    order = (AWAY, CONTEXT) if first else (CONTEXT, AWAY)
    told = shop("scan", "-A", "--context", order[0], "--context", order[1], "--exit-code", columns=200)
    assert told.code == 5
    assert f"{AWAY}, not seen: no answer from the API server https://127.0.0.1:9: " in told.err
    assert "Is the cluster up" in told.err
    assert f"{AWAY}\nnot seen\n" in told.out
    assert "archive" in told.out
    assert "1 of 2 clusters seen: 3 stuck, " in told.err


def test_in_the_document_it_has_a_reason_and_no_results(shop: Shop) -> None:
    away(shop)
    told = shop("scan", "-A", "--context", AWAY, "--context", CONTEXT, "-o", "json")
    assert told.code == 5
    found = json.loads(told.out)
    unseen, seen = found["clusters"]
    assert list(unseen) == list(seen)
    assert unseen["error"].startswith("no answer from the API server https://127.0.0.1:9")
    assert (unseen["results"], unseen["partial"], unseen["summary"]) == ([], [unseen["error"]], {})
    assert found["partial"] == [f"{AWAY}: {unseen['error']}"]
    assert found["summary"] == seen["summary"]


def test_where_none_is_seen_it_is_an_error(shop: Shop) -> None:
    away(shop)
    away(shop, "gone")
    told = shop("scan", "-A", "--context", AWAY, "--context", "gone", columns=200)
    assert told.code == 1
    assert "0 of 2 clusters seen: none." in told.err
    assert json.loads(shop("scan", "--context", AWAY, "--context", "gone", "-o", "json").out)["summary"]["total"] == 0


def test_what_one_could_not_list_is_partial(shop: Shop, eu: Shop) -> None:
    broken = eu.stored("ledger")
    broken["spec"] = {"name": ["not", "a", "name"]}
    eu.api.seed(broken)
    told = shop("scan", "-A", *BOTH, "--exit-code", "-o", "json")
    assert told.code == 5
    assert [each.split(": ")[0] for each in json.loads(told.out)["partial"]] == [EU]


@pytest.mark.parametrize(("words", "code"), [(("--exit-code",), 3), ((), 0), (("--exit-code", "-n", "nowhere"), 0)])
def test_findings_of_any_are_an_exit_code_on_request(shop: Shop, eu: Shop, words: tuple[str, ...], code: int) -> None:
    assert shop("scan", *BOTH, *words).code == code


# ---- what is refused before anybody is asked -------------------------------------------------------------------------


def refused(shop: Shop, tmp_path: Path, *words: str) -> Result:
    """Type what cannot be; make sure that nobody logged in."""
    mark = tmp_path / "logged-in"
    logs_in(shop, "plugged", f"import pathlib; pathlib.Path({str(mark)!r}).touch()")
    told = shop("scan", "--context", "plugged", "--context", CONTEXT, *words)
    assert (told.code, told.out) == (2, "")
    assert not mark.exists()
    return told


def test_a_context_that_there_is_not_is_named(shop: Shop, tmp_path: Path) -> None:
    told = refused(shop, tmp_path, "--context", "nowhere")
    assert f"no context 'nowhere' in the kubeconfig\nIt has: {CONTEXT}, plugged." in told.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "html"), "a page is of one cluster"),
        (("-n", "shop", "-A"), "-n and -A exclude each other"),
        (("--policy", "/absent/policy.yaml"), "cannot read the policy"),
        (("--kubeconfig", "/absent/kubeconfig"), "there is no kubeconfig at /absent/kubeconfig"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_what_none_would_take_is_refused(shop: Shop, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    assert said in joined(refused(shop, tmp_path, *words).err)


@pytest.mark.parametrize(
    "words",
    [("run", "-A"), ("list", "-A"), ("explain", "archive"), ("doctor", "-A"), ("pause",), ("orphans",)],
    ids=" ".join,
)
def test_a_command_of_one_cluster_refuses_two(shop: Shop, eu: Shop, words: tuple[str, ...]) -> None:
    told = shop(words[0], *words[1:], *BOTH, policy=False)
    assert (told.code, told.out) == (2, "")
    assert f"--context is one cluster's here, and 2 were named: {EU}, {CONTEXT}" in joined(told.err)
    assert "Type it once for each of them. `remediator scan` alone takes several." in joined(told.err)


def test_a_command_of_one_cluster_takes_the_same_twice(shop: Shop) -> None:
    assert shop("run", "-A", "--context", CONTEXT, "--context", CONTEXT).code == 0


def test_a_variable_of_one_cluster_is_one_name_with_its_spaces(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.api.kubeconfig(shop.kubeconfig, context="our cluster", namespace="shop")
    monkeypatch.setenv("REMEDIATOR_RUN_CONTEXT", "our cluster")
    assert "our cluster, all namespaces: " in shop("run", "-A").err


# ---- side by side ----------------------------------------------------------------------------------------------------


Wire = Callable[..., Wired]


def wiring(scan: Callable[..., Any]) -> Wire:
    """Make passes that do as told."""
    return cast("Wire", lambda **_: SimpleNamespace(work=SimpleNamespace(scan=scan)))


def test_they_are_looked_at_at_the_same_time_and_not_all_of_many() -> None:
    barrier, lock, now, most = threading.Barrier(8, timeout=20), threading.Lock(), 0, 0

    def scan(*, healthy: bool) -> str:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        barrier.wait()
        with lock:
            now -= 1
        return "seen"

    names = [f"c{each}" for each in range(16)]
    looks = list(side_by_side(names, wiring(scan)))
    assert [each.context for each in looks] == names
    assert all(each.error is None for each in looks)
    assert most == 8


def test_a_login_that_hangs_holds_no_other(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = tmp_path / "pid"
    script = f"import os, pathlib, time; pathlib.Path({str(pid)!r}).write_text(str(os.getpid())); time.sleep(50)"
    logs_in(shop, "hanging", script)
    monkeypatch.setattr(clusters, "_LOGIN", 2.0)
    begun = time.monotonic()
    try:
        told = shop("scan", "-A", "--context", "hanging", "--context", CONTEXT, columns=200)
    finally:
        os.kill(int(pid.read_text(encoding="utf-8")), signal.SIGKILL)
    assert time.monotonic() - begun < 30
    assert told.code == 5
    assert "hanging, not seen: the kubeconfig's login gave no credentials within 2 s" in told.err
    assert "Log in first, with kubectl" in told.err
    assert "archive" in told.out


@pytest.mark.parametrize("error", [ZeroDivisionError, TimeoutError])
def test_what_nobody_expects_of_one_is_not_swallowed(error: type[Exception]) -> None:
    """A TimeoutError that a login raises is not its hanging."""

    def wire(**_: Any) -> Wired:
        raise error

    with pytest.raises(error):
        list(side_by_side(["a"], wire))


def test_each_logs_in_by_its_own_plugin(shop: Shop) -> None:
    status = {"token": shop.api.token}
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    logs_in(shop, "good", f"print({json.dumps(answer)!r})")
    answer["status"] = {"token": "stranger"}
    logs_in(shop, "bad", f"print({json.dumps(answer)!r})")
    told = shop("scan", "-A", "--context", "bad", "--context", "good", columns=200)
    assert told.code == 5
    assert "bad, not seen: the API server" in told.err
    assert "does not accept our credentials" in told.err
    assert "good, all namespaces: 8 functions: " in told.err


def test_a_log_says_which_cluster_it_is_about(shop: Shop) -> None:
    logs_in(shop, "locked", "raise SystemExit('the token is over')")
    told = shop("scan", "-A", "--context", "locked", "--context", CONTEXT, columns=200)
    [line] = [each for each in told.err.splitlines() if "the token is over" in each]
    assert "context=locked" in line
    assert f"context={CONTEXT}" not in told.err


def test_aws_is_asked_by_one_for_all(shop: Shop, eu: Shop) -> None:
    """Two paces in one account would be twice what its quota has room for."""
    begin = len(shop.cloud.calls)
    shop("scan", "-A", *BOTH)
    asked = [each.operation for each in shop.cloud.calls_since(begin)]
    assert asked.count("GetCallerIdentity") == 1
    assert asked.count("GetFunctionConfiguration") >= 7


@pytest.mark.parametrize("output", ["table", "json"])
def test_environment_values_are_shown_nowhere(shop: Shop, eu: Shop, output: str) -> None:
    told = shop("scan", "-A", "--all", *BOTH, "-o", output, verbose="-vv")
    assert "••• is no stage" in told.out
    assert SECRET not in told.out + told.err


# ---- completion ------------------------------------------------------------------------------------------------------


def test_a_context_is_offered_once(
    shop: Shop, eu: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def found(what: str, flags: dict[str, str], incomplete: str) -> list[tuple[str, str]]:
        return list(lookup.LOOKUPS[what](lookup.Asked(what, incomplete, flags)))

    def offered(line: str) -> list[str]:
        monkeypatch.setenv("_REMEDIATOR_LINE", f"remediator scan {line}")
        main([])
        return [each.split("\t")[1] for each in capsys.readouterr().out.splitlines()]

    eu.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "europe"}})
    monkeypatch.setattr(candidates, "_looked_up", found)
    monkeypatch.setenv("_REMEDIATOR_COMPLETE", "zsh")
    assert offered("--context ") == [CONTEXT, EU]
    assert offered(f"--context {CONTEXT} --context ") == [EU]
    assert offered(f"--context {CONTEXT} -n eur") == []
    assert offered(f"--context {CONTEXT} --context {EU} -n eur") == ["europe"]
