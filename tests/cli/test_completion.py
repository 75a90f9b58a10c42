"""What is offered where the cursor is: by us, to real shells, and to kubectl."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
import yaml

from remediator.cli import candidates, cli, completing, lookup, main
from remediator.cli.completion import SCRIPTS
from remediator.model.finding import FindingName
from tests import yaml_files
from tests.cli import test_words as words
from tests.cli.shop import CONTEXT, Shop
from tests.cli.terminal import terminal

ROOT = Path(__file__).parents[2]
PLENTY = "30"  # seconds: other tests may be at work

Offered = Callable[[str], list[str]]


@pytest.fixture
def programs(tmp_path: Path, machine: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory on PATH with our programs, as an installation makes them; return it."""
    directory = tmp_path / "bin"
    directory.mkdir()
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    for name, entry in scripts.items():
        module, _, function = entry.partition(":")
        file = directory / name
        file.write_text(f"#!{sys.executable}\nimport sys\nfrom {module} import {function}\nsys.exit({function}())\n")
        file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv(candidates.SECONDS, PLENTY)
    return directory


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let names be looked up in this process: quicker than in one of their own."""

    def found(what: str, flags: dict[str, str], incomplete: str) -> list[tuple[str, str]]:
        return list(lookup.LOOKUPS[what](lookup.Asked(what, incomplete, flags)))

    monkeypatch.setattr(candidates, "_looked_up", found)


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Offered:
    """Complete a line as zsh asks for it; return the words."""

    def complete(line: str, shell: str = "zsh", breaks: str = "") -> list[str]:
        monkeypatch.setenv("_REMEDIATOR_COMPLETE", shell)
        monkeypatch.setenv("_REMEDIATOR_LINE", line)
        monkeypatch.setenv("_REMEDIATOR_BREAKS", breaks)
        main([])
        out, err = capsys.readouterr()
        assert err == ""
        fields = [each.split("\t") for each in out.splitlines()]
        return [word if kind == "plain" else f"<{kind}>" for kind, word, _ in fields]

    return complete


# ---- what needs no cluster -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("remediator sc", ["scan"]),
        ("remediator quarantine ", ["list", "release"]),
        ("remediator scan --exit", ["--exit-code"]),
        ("remediator scan -o ", ["table", "wide", "json", "yaml", "html"]),
        ("remediator run -o ", ["table", "wide", "json", "yaml"]),
        ("remediator scan --output=j", ["--output=json"]),
        ("remediator findings checksum", ["ChecksumMismatch"]),
        ("remediator wait x --for ", ["synced", "settled", "deleted", "generation="]),
        ("remediator wait x --for se", ["settled"]),
        ("remediator findings FunctionP", ["FunctionPending"]),
        ("remediator run --approve --override b", ["budget", "breaker"]),
        ("remediator demo --scenario gone", ["gone-in-aws"]),
        ("remediator demo --list --sc", ["--scenario"]),
        ("remediator completion ", ["bash", "zsh", "fish"]),
        ("remediator run --policy ", ["<file>"]),
        ("remediator restore ", ["<file>"]),
        ("remediator diagnose -f ", ["<file>"]),
        ("remediator clear-finalizer x --confirm ", []),
        ("remediator release x --orphan ", []),
        ("remediator scan --bogus --ex", ["--exit-code"]),
        ("remediator explain 'open", []),
        ("/opt/venv/bin/remediator vers", ["version"]),
    ],
)
def test_what_fits_is_offered(machine: Path, offered: Offered, line: str, expected: list[str]) -> None:
    assert offered(line) == expected


def test_every_command_and_every_finding_is_offered(offered: Offered) -> None:
    assert offered("remediator ") == cli.list_commands(click.Context(cli))
    assert {each.value for each in FindingName} <= {*offered("remediator findings ")}


def test_commands_are_offered_without_a_look_into_their_modules() -> None:
    script = "import sys; from remediator.cli import main; main(); print([*sys.modules], file=sys.stderr)"
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "_REMEDIATOR_COMPLETE": "zsh", "_REMEDIATOR_LINE": "remediator "},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "plain\tscan\t" in ran.stdout
    assert "'remediator.cli.completing'" in ran.stderr
    assert "'remediator.cli.scan'" not in ran.stderr
    assert "'msgspec'" not in ran.stderr


# ---- names of a cluster ----------------------------------------------------------------------------------------------


@pytest.fixture
def crowded(shop: Shop) -> Shop:
    """The shop, and an alias in it."""
    shop.api.seed(
        {
            "apiVersion": "lambda.services.k8s.aws/v1alpha1",
            "kind": "Alias",
            "metadata": {"name": "live", "namespace": "shop"},
            "spec": {"name": "live", "functionName": "mailer"},
        }
    )
    return shop


NAMES = {
    "remediator explain function/ma": ["function/mailer"],
    "remediator explain functions.lambda.services.k8s.aws/ma": ["functions.lambda.services.k8s.aws/mailer"],
    "remediator explain ma": ["mailer"],
    "remediator explain a": ["archive", "alias/live"],
    "remediator explain aliases/": ["aliases/live"],
    "remediator explain pod/": [],
    "remediator explain function/ex": [],
    "remediator explain -n post function/": ["function/exports"],
    "remediator explain --namespace=post ": ["function/exports"],
    "remediator collect al": [],
    "remediator clear-finalizer ": ["function/archive", "function/legacy"],
    "remediator release leg": ["legacy"],
    "remediator wait mai": ["mailer"],
    "remediator scan -n po": ["post"],
    "remediator scan --home-namespace kube-s": ["kube-system"],
    "remediator scan --context ": [CONTEXT],
    "remediator scan --kubeconfig /absent -n ": [],
    "remediator scan --context other -n ": [],
    "remediator explain -n 'no such/name' ": [],
    "remediator approve ": [],
}


@pytest.mark.usefixtures("here")
def test_names_are_those_of_the_cluster_that_the_line_names(crowded: Shop, offered: Offered) -> None:
    assert {line: offered(line) for line in NAMES} == NAMES


@pytest.mark.usefixtures("here")
def test_functions_come_before_what_else_there_is(crowded: Shop, offered: Offered) -> None:
    functions = ("archive", "checkout", "legacy", "mailer", "payments", "receipts", "search")
    assert offered("remediator explain ") == [*(f"function/{each}" for each in functions), "alias/live"]


@pytest.mark.usefixtures("here")
def test_what_is_recorded_is_offered_where_a_word_on_it_counts(shop: Shop, offered: Offered) -> None:
    shop.api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": words.HOME}})
    shop.api.seed(yaml_files.read(words.BASE / "crd-remediations.yaml"))
    assert shop("run", "-A").code == 0
    archive, checkout = words.proposal(shop, "archive"), words.proposal(shop)
    for line in ("approve ", "reject p-", "run -A --approve --proposal "):
        assert {*offered(f"remediator {line}")} == {archive, checkout}
    assert offered("remediator approve -n post ") == []
    assert offered("remediator history chec") == ["checkout"]
    assert "function/exports" not in offered("remediator history ")
    assert "function/exports" in offered("remediator history -A ")
    assert offered("remediator quarantine release ") == []
    words.quarantine(shop)
    assert offered("remediator quarantine release ") == ["function/checkout"]
    words.change(shop, "archive", phase="Resolved", resolvedAt=shop.ago(minutes=1))
    assert offered("remediator approve ") == [checkout]


def test_a_context_is_offered_where_none_is_current(
    programs: Path, tmp_path: Path, offered: Offered, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = "arn:aws:eks:eu-west-1:123456789012:cluster/shop"
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump({"contexts": [{"name": named}, {"name": "test\x1b[2J"}]}), encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'absent'}{os.pathsep}{file}")
    assert offered("remediator scan --context ") == [named], "and nothing that would move the cursor"
    monkeypatch.delenv("KUBECONFIG")
    assert offered("remediator scan --context ") == []
    assert offered(f"remediator scan --kubeconfig {file} --context arn") == [named]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("typed", "breaks", "expected"),
    [
        ("--context arn:aws:e", "=:", "eks:eu:cluster/shop"),
        ("--context arn:aws:e", "", "arn:aws:eks:eu:cluster/shop"),
        ("--context=a", "=:", "arn:aws:eks:eu:cluster/shop"),
        ("--context=arn:aws:e", "=:", "eks:eu:cluster/shop"),
        ("--context=arn:aws:e", ":", "eks:eu:cluster/shop"),
        ("--context=a", "", "--context=arn:aws:eks:eu:cluster/shop"),
        ("--context o", "=:", "'our cluster'"),
    ],
)
def test_bash_is_given_what_follows_the_last_of_its_breaks(
    machine: Path,
    tmp_path: Path,
    offered: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    breaks: str,
    expected: str,
) -> None:
    file = tmp_path / "config"
    names = ("arn:aws:eks:eu:cluster/shop", "our cluster")
    file.write_text(yaml.safe_dump({"contexts": [{"name": each} for each in names]}), encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", str(file))
    assert offered(f"remediator scan {typed}", "bash", breaks) == [expected]


# ---- in a process of its own -----------------------------------------------------------------------------------------


def test_a_lookup_leaves_nothing_behind(shop: Shop, programs: Path, offered: Offered, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*")), shop.kubeconfig.read_bytes()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(scratch))
        patch.setattr("tempfile.tempdir", None)
        assert offered("remediator explain function/m") == ["function/mailer"]
    assert list(scratch.iterdir()) == []
    scratch.rmdir()
    assert (sorted(tmp_path.rglob("*")), shop.kubeconfig.read_bytes()) == before


@pytest.fixture
def login(tmp_path: Path) -> Iterator[Path]:
    """A kubeconfig whose login asks for a password on the terminal, and waits; return it."""
    plugin, marks = tmp_path / "login", tmp_path / "marks"
    marks.mkdir()
    plugin.write_text(
        "#!/bin/sh\n"
        f"echo $$ >'{marks}/pid'\n"
        f"mktemp >/dev/null\n"
        "echo 'Password: ' >&2\n"
        "(echo 'Password: ' >/dev/tty) 2>/dev/null\n"
        "exec sleep 600\n",
        encoding="utf-8",
    )
    plugin.chmod(0o755)
    exec_plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": str(plugin),
        "interactiveMode": "IfAvailable",
    }
    file = tmp_path / "login.yaml"
    file.write_text(
        yaml.safe_dump(
            {
                "clusters": [{"name": "away", "cluster": {"server": "https://127.0.0.1:9"}}],
                "users": [{"name": "me", "user": {"exec": exec_plugin}}],
                "contexts": [{"name": "away", "context": {"cluster": "away", "user": "me"}}],
                "current-context": "away",
            }
        ),
        encoding="utf-8",
    )
    yield file
    assert _is_gone(int((marks / "pid").read_text())), "the login plugin was ended, too"


def _is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    # Killed, and nobody has asked for its end yet: not every container has an init that does.
    return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"


def test_nobody_waits_for_a_login_and_nobody_sees_it(
    programs: Path, login: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(candidates.SECONDS, "3")
    monkeypatch.setenv("KUBECONFIG", str(login))
    (tmp_path / "scratch").mkdir()
    environment = {**os.environ, "PS1": "ready> ", "TERM": "dumb", "TMPDIR": str(tmp_path / "scratch")}
    with terminal(["bash", "--norc", "--noprofile", "-i"], environment) as typing:
        typing.wait_for("ready> ")
        typing.type('source <(remediator completion bash); bind "set bell-style none"; clear; echo loa""ded\n')
        typing.wait_for("loaded\n")
        typing.type("echo remediator; remediator explain -n \t")
        typing.type("shop; echo en''ded\n")
        typing.wait_for("ended\n")
        assert "Password" not in typing.screen
        assert "-n shop; echo en''ded" in typing.screen
    assert list((tmp_path / "scratch").iterdir()) == []


def test_the_time_that_a_lookup_may_take_is_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(candidates.SECONDS, raising=False)
    assert candidates._seconds() == 2.0
    monkeypatch.setenv(candidates.SECONDS, "soon")
    assert candidates._seconds() == 2.0
    monkeypatch.setenv(candidates.SECONDS, "4.5")
    assert candidates._seconds() == 4.5


# ---- real shells -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_script_is_one_that_its_shell_reads(programs: Path, shell: str) -> None:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"there is no {shell} on this machine")
    script = subprocess.run(["remediator", "completion", shell], capture_output=True, check=True).stdout
    assert script.decode() == SCRIPTS[shell]
    subprocess.run([found, "-n"], input=script, check=True)


def test_bash_completes_at_the_prompt(shop: Shop, programs: Path) -> None:
    environment = {**os.environ, "PS1": "ready> ", "TERM": "dumb"}
    with terminal(["bash", "--norc", "--noprofile", "-i"], environment) as typing:
        typing.wait_for("ready> ")
        typing.type('source <(remediator completion bash); remediator() { echo "typed:" "$@"; }\n')
        typing.wait_for("ready> ", 2)
        for line, expected in (
            ("vers\t", "typed: version"),
            ("explain function/mai\t", "typed: explain function/mailer"),
            ("scan --namespace=po\t", "typed: scan --namespace=post"),
            (f"scan --policy {shop.policy.parent}/polic\t", f"typed: scan --policy {shop.policy}"),
        ):
            typing.type(f"remediator {line}\n")
            typing.wait_for(f"{expected}\n")


def test_zsh_completes_at_the_prompt(shop: Shop, programs: Path) -> None:
    if shutil.which("zsh") is None:
        pytest.skip("there is no zsh on this machine")
    environment = {**os.environ, "PS1": "ready> ", "TERM": "dumb"}
    with terminal(["zsh", "-f", "-i"], environment) as typing:
        typing.wait_for("ready> ")
        typing.type("autoload -U compinit; compinit -D -u; unsetopt prompt_sp\n")
        typing.type('source <(remediator completion zsh); function remediator() { echo "typed:" "$@" }\n')
        typing.type("echo s''et\n")
        typing.wait_for("set\n")
        for line, expected in (
            ("vers\t", "typed: version"),
            ("explain function/mai\t", "typed: explain function/mailer"),
            ("scan --namespace=po\t", "typed: scan --namespace=post"),
            ("findings checks\t", "typed: findings ChecksumMismatch"),
        ):
            typing.type(f"remediator {line}\n")
            typing.wait_for(f"{expected}\n")


def test_fish_completes_what_is_typed(shop: Shop, programs: Path) -> None:
    if shutil.which("fish") is None:
        pytest.skip("there is no fish on this machine")

    def offers(line: str) -> list[str]:
        script = f"remediator completion fish | source; complete --do-complete '{line}'"
        ran = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, check=True)
        assert ran.stderr == ""
        return ran.stdout.splitlines()

    assert offers("remediator vers") == ["version\tPrint the version."]
    assert offers("remediator explain function/mai") == ["function/mailer"]
    assert offers("remediator scan --namespace=po") == ["--namespace=post"]
    [legacy] = offers("remediator clear-finalizer leg")
    assert legacy.startswith("legacy\tbeing deleted since 20")
    assert any(each.endswith("policy.yaml") for each in offers(f"remediator validate {shop.directory}/pol"))


# ---- kubectl ---------------------------------------------------------------------------------------------------------


ASKED = (
    (["explain", "function/m"], ["function/mailer", ":4"]),
    (["explain", "--namespace=post", ""], ["function/exports", ":4"]),
    (["scan", "--namespace=po"], ["post", ":4"]),
    (["explain", "--", "ma"], ["mailer", ":4"]),
    (["vers"], ["version\tPrint the version.", ":4"]),
    (["restore", ""], [":0"]),
    (["scan", "--kubeconfig", "/absent", "-n", ""], [":4"]),
)


@pytest.mark.usefixtures("here")
def test_kubectl_is_answered_as_it_asks(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for typed, expected in ASKED:
        monkeypatch.setattr(sys, "argv", ["kubectl_complete-remediator", *typed])
        completing.kubectl()
        out, err = capsys.readouterr()
        assert (out.splitlines(), err) == (expected, ""), typed


def test_a_real_kubectl_completes_and_runs_its_plugin(shop: Shop, programs: Path) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("there is no kubectl on this machine")

    def run(*typed: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([kubectl, *typed], capture_output=True, text=True, check=False)

    completed = run("__complete", "remediator", "explain", "function/m")
    assert completed.stdout.splitlines() == ["function/mailer", ":4"], completed.stderr
    assert "ShellCompDirectiveNoFileComp" in completed.stderr
    assert "scan\tShow what is stuck" in run("__complete", "remediator", "").stdout
    wrong = run("remediator", "scan", "--bogus")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("Usage: kubectl remediator scan [OPTIONS]\n")


@pytest.mark.parametrize(
    ("program", "said"), [("kubectl-remediator", "kubectl remediator"), ("remediator", "remediator")]
)
def test_usage_is_told_as_it_was_typed(programs: Path, program: str, said: str) -> None:
    ran = subprocess.run([program, "scan", "--help"], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith(f"Usage: {said} scan [OPTIONS]\n")
