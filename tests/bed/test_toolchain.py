"""The toolchain tells apart what cannot be had, what does not build, and what only the user can supply."""

import os
import stat
import sys
from pathlib import Path

import pytest

from tests.bed import toolchain
from tests.bed.gobuild import BuildFailed, Unavailable
from tests.bed.toolchain import Missing

REFUSED = "reading https://proxy.test/lambda-controller/@v/v1.14.1.info: 403 Forbidden"

# Answers as go does, from what stands in files beside it, and notes what it was asked to build.
GO = """#!{python}
import json, pathlib, sys
here = pathlib.Path(__file__).parent
if sys.argv[1:3] == ["mod", "download"]:
    error = here / "error"
    if error.exists() and "aws-controllers-k8s" in sys.argv[-1]:
        print(json.dumps({{"Error": error.read_text()}}))
        sys.exit(1)
    print(json.dumps({{"Dir": str(here / "source")}}))
elif sys.argv[1:3] == ["mod", "edit"]:
    print((here / "go.mod.json").read_text())
elif sys.argv[1] == "build":
    with (here / "built").open("a") as built:
        built.write(pathlib.Path("go.mod").read_text() + "\\n")
    if (here / "broken").exists():
        sys.exit("undefined: everything")
    pathlib.Path(sys.argv[sys.argv.index("-o") + 1]).write_text("binary")
"""


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a go of our own on an otherwise empty PATH, and answer its folder."""
    folder = tmp_path / "go"
    crds = folder / "source" / "config" / "crd" / "bases"
    crds.mkdir(parents=True)
    (crds / "lambda.services.k8s.aws_functions.yaml").write_text("kind: CustomResourceDefinition\n")
    (folder / "go.mod.json").write_text(
        '{"Go": "1.26.0", "Require": [{"Path": "k8s.io/api", "Version": "v0.0.0"},'
        ' {"Path": "k8s.io/klog/v2", "Version": "v2.130.1"}],'
        ' "Replace": [{"Old": {"Path": "k8s.io/api"}, "New": {"Path": "./staging/src/k8s.io/api"}},'
        ' {"Old": {"Path": "k8s.io/metrics"}, "New": {"Path": "./staging/src/k8s.io/metrics"}}]}'
    )
    executable(folder / "go", GO.format(python=sys.executable))
    monkeypatch.setenv("PATH", str(folder))
    return folder


def executable(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def prepare(tmp_path: Path, **environ: str) -> tuple[toolchain.Toolchain, list[str]]:
    """Prepare with a cache of the test's own, and answer what was said on the way, too."""
    said = list[str]()
    return toolchain.prepare({"XDG_CACHE_HOME": str(tmp_path / "cache")} | environ, said.append), said


def test_it_builds_once_and_says_how_long_that_takes(go: Path, tmp_path: Path) -> None:
    first, said = prepare(tmp_path)
    assert any("kube-apiserver v1.36.3: building; the first time takes 10 to 15 minutes" in line for line in said)
    tools = (first.apiserver, first.kubectl, first.etcd, first.controller)
    assert all(tool and tool.path.is_file() for tool in tools)
    assert [crd.name for crd in first.crds.iterdir()] == ["lambda.services.k8s.aws_functions.yaml"]
    (go / "broken").touch()
    assert prepare(tmp_path) == (first, [])


def test_staging_modules_are_replaced_by_their_versions(go: Path, tmp_path: Path) -> None:
    prepare(tmp_path)
    _, apiserver, etcd, kubectl = (go / "built").read_text().strip().split("\n\n")
    assert "require k8s.io/kubernetes v1.36.3" in apiserver
    assert "replace k8s.io/api => k8s.io/api v0.36.3" in apiserver
    assert "replace k8s.io/metrics => k8s.io/metrics v0.36.3" in apiserver
    assert "klog" not in apiserver
    assert "replace" not in etcd
    assert kubectl == apiserver, "it comes from the very module that the API server comes from"


def test_a_refusal_of_the_proxy_is_final_unless_a_fallback_is_allowed(go: Path, tmp_path: Path) -> None:
    (go / "error").write_text(REFUSED)
    with pytest.raises(Unavailable, match="403 Forbidden"):
        prepare(tmp_path)
    fallen_back, _ = prepare(tmp_path, CONTROLLER="auto")
    assert fallen_back.controller is None
    assert "NOT the real lambda-controller" in "\n".join(fallen_back.lines())
    assert "403 Forbidden" in "\n".join(fallen_back.lines())


@pytest.mark.parametrize("choice", ["real", "auto"])
def test_a_proxy_out_of_reach_is_no_refusal(go: Path, tmp_path: Path, choice: str) -> None:
    (go / "error").write_text("Get https://proxy.test/@v/v1.14.1.info: dial tcp: connection refused")
    with pytest.raises(BuildFailed, match="connection refused"):
        prepare(tmp_path, CONTROLLER=choice)


def test_a_failed_build_shows_the_words_of_go_and_leaves_nothing(go: Path, tmp_path: Path) -> None:
    (go / "broken").touch()
    with pytest.raises(BuildFailed, match="undefined: everything"):
        prepare(tmp_path, CONTROLLER="auto")
    assert [entry.suffix for entry in (tmp_path / "cache" / "ack-remediator").iterdir()] == [".lock"]


def test_without_go_it_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Missing, match=r"no go on the PATH .*KUBEBUILDER_ASSETS .*ACK_LAMBDA_CONTROLLER"):
        prepare(tmp_path)


def test_binaries_that_are_there_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable(tmp_path / "kube-apiserver", "#!/bin/sh\necho Kubernetes v1.33.0\n")
    executable(tmp_path / "etcd", "#!/bin/sh\necho etcd Version: 3.5.21\n")
    executable(tmp_path / "kubectl", '#!/bin/sh\n[ "$*" = "version --client" ] && echo Client Version: v1.33.1\n')
    executable(tmp_path / "controller", "")
    monkeypatch.setenv("PATH", os.devnull)
    assets = {"KUBEBUILDER_ASSETS": str(tmp_path)}
    with pytest.raises(Missing, match="ACK_LAMBDA_CONTROLLER"):
        prepare(tmp_path, **assets)
    controller = {"ACK_LAMBDA_CONTROLLER": str(tmp_path / "controller")}
    with pytest.raises(Missing, match="needs ACK_LAMBDA_CRDS"):
        prepare(tmp_path, **assets, **controller)
    found, said = prepare(tmp_path, **assets, **controller, ACK_LAMBDA_CRDS=str(toolchain.SANDBOX_CRDS))
    assert said == []
    assert found.apiserver is not None and found.kubectl is not None and found.etcd is not None
    assert (found.apiserver.version, found.kubectl.version, found.etcd.version) == ("v1.33.0", "v1.33.1", "3.5.21")


def test_a_helm_that_is_there_is_taken(tmp_path: Path) -> None:
    executable(tmp_path / "helm", '#!/bin/sh\n[ "$*" = "version --short" ] && echo v4.0.0\n')
    found = toolchain.find_helm({"HELM": str(tmp_path / "helm")}, print)
    assert (found.path, found.version) == (tmp_path / "helm", "v4.0.0")
    with pytest.raises(Missing, match="no executable other"):
        toolchain.find_helm({"HELM": str(tmp_path / "other")}, print)


@pytest.mark.parametrize("name", ["kubectl", "helm"])
def test_one_alone_is_found_or_built_without_the_rest(
    name: str, go: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.delenv("HELM", raising=False)
    monkeypatch.setattr(sys, "argv", ["toolchain", name])
    assert toolchain.main() == 0
    built = Path(capsys.readouterr().out.strip())
    assert (built.name, built.read_text()) == (name, "binary")
    assert (go / "built").read_text().count("module ") == 1
    monkeypatch.setenv("PATH", os.devnull)
    assert toolchain.main() == 0, "without go, too, once it is there"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    assert toolchain.main() == Missing.exit_code
    assert f"no go on the PATH to build {name} with" in capsys.readouterr().err


def test_for_a_cluster_that_is_there_already_no_control_plane_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    found = toolchain.prepare({"CONTROLLER": "sandbox"}, pytest.fail, control_plane=False)
    assert (found.apiserver, found.etcd, found.controller) == (None, None, None)
    assert found.lines()[-1] == f"CRDs: {toolchain.SANDBOX_CRDS}"


def test_an_unknown_choice_of_controller_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="expected real, sandbox or auto"):
        prepare(tmp_path, CONTROLLER="fake")
