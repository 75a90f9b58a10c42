"""Find or build what the cluster tests run on: kube-apiserver, kubectl, etcd, and the ACK lambda-controller; and helm.

Each is built once, by module path and pinned version, into `${XDG_CACHE_HOME:-~/.cache}/ack-remediator`.
Binaries that are there already can be handed in instead:

    KUBEBUILDER_ASSETS     a folder with kube-apiserver, kubectl and etcd
    HELM                   a helm binary
    ACK_LAMBDA_CONTROLLER  a controller binary, together with
    ACK_LAMBDA_CRDS        the folder of its CRD manifests
    CONTROLLER             real (default), sandbox, or auto: the real one, or the sandbox's own, out loud,
                           where the module proxy does not serve the real one

`python -m tests.bed.toolchain` does it by hand; with `kubectl` or `helm` it finds or builds that alone, and prints its
path. It exits 0 when everything is there, 1 when something could not be built, 2 when something only the user can
supply is missing.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bed import gobuild
from tests.bed.gobuild import BuildFailed, Program, Unavailable

Say = Callable[[str], None]

SANDBOX_CRDS = Path(__file__).parents[2] / "remediator" / "sandbox" / "crds"

APISERVER = Program(
    name="kube-apiserver",
    module="k8s.io/kubernetes",
    version="v1.36.3",
    package="k8s.io/kubernetes/cmd/kube-apiserver",
    binary="kube-apiserver",
    takes="10 to 15 minutes on 2 cores",
    variables={
        "k8s.io/component-base/version.gitVersion": "v1.36.3",
        "k8s.io/component-base/version.gitMajor": "1",
        "k8s.io/component-base/version.gitMinor": "36",
    },
    staging="v0.36.3",
)
_CLIENT = "k8s.io/client-go/pkg/version"
KUBECTL = Program(
    name="kubectl",
    module=APISERVER.module,
    version=APISERVER.version,
    package="k8s.io/kubernetes/cmd/kubectl",
    binary="kubectl",
    takes="2 to 4 minutes on 2 cores",
    # It says who it is in a package of its own.
    variables={**APISERVER.variables, f"{_CLIENT}.gitVersion": APISERVER.version},
    staging=APISERVER.staging,
)
ETCD = Program(
    name="etcd",
    module="go.etcd.io/etcd/server/v3",
    version="v3.6.16",
    package="go.etcd.io/etcd/server/v3",
    binary="etcd",
    takes="about 2 minutes on 2 cores",
)
HELM = Program(
    name="helm",
    module="helm.sh/helm/v4",
    version="v4.3.1",
    package="helm.sh/helm/v4/cmd/helm",
    binary="helm",
    takes="2 to 4 minutes on 2 cores",
    variables={"helm.sh/helm/v4/internal/version.version": "v4.3.1"},
)
CONTROLLER = Program(
    name="lambda-controller",
    module="github.com/aws-controllers-k8s/lambda-controller",
    version="v1.14.1",
    package="github.com/aws-controllers-k8s/lambda-controller/cmd/controller",
    # As in ACK's image: the name of the binary is what managedFields calls it.
    binary="controller",
    takes="about 4 minutes on 2 cores",
    # It writes its version into a tag of every function.
    variables={"github.com/aws-controllers-k8s/lambda-controller/pkg/version.GitVersion": "v1.14.1"},
)


class Missing(Exception):
    """Raised when something is missing that only the user can supply."""

    exit_code = 2


@dataclass(frozen=True)
class Tool:
    """A program to run, and where it came from."""

    name: str
    version: str
    path: Path


@dataclass(frozen=True)
class Toolchain:
    """What a run stands on; without `controller` the sandbox's own plays its part, `fallback` says why.

    There is no `apiserver`, `kubectl` and `etcd` where tests run on a cluster that is there already.
    """

    apiserver: Tool | None
    kubectl: Tool | None
    etcd: Tool | None
    controller: Tool | None
    crds: Path
    fallback: str | None = None

    def lines(self) -> list[str]:
        """Tell which versions these are, one a line, and where they lie."""
        tools = (self.apiserver, self.kubectl, self.etcd, self.controller)
        told = [f"{tool.name}: {tool.version} ({tool.path})" for tool in tools if tool is not None]
        if self.controller is None:
            told.append(f"controller: the sandbox's own, NOT the real lambda-controller: {self.fallback}")
        return [*told, f"CRDs: {self.crds}"]


def prepare(environ: Mapping[str, str], say: Say, *, control_plane: bool = True) -> Toolchain:
    """Find everything, and build what is not there yet; with `control_plane=False` the controller only.

    Raises `Missing`, `BuildFailed`, or, where the real controller is asked for, `Unavailable`.
    """
    choice = environ.get("CONTROLLER") or "real"
    if choice not in ("real", "sandbox", "auto"):
        raise Missing(f"CONTROLLER={choice}: expected real, sandbox or auto")
    _need_go(environ, choice, control_plane=control_plane)
    controller, crds, fallback = _chosen_controller(environ, choice, say)
    apiserver, etcd = _control_plane(environ, say) if control_plane else (None, None)
    kubectl = find_kubectl(environ, say) if control_plane else None
    return Toolchain(apiserver, kubectl, etcd, controller, crds, fallback)


def find_kubectl(environ: Mapping[str, str], say: Say) -> Tool:
    """Find kubectl, or build it: the one that came with the API server, for it has a kustomize of its own in it.

    Raises `Missing`, `BuildFailed` or `Unavailable`.
    """
    assets = environ.get("KUBEBUILDER_ASSETS")
    if assets:
        return _asset(Path(assets), "kubectl", "version", "--client")
    if gobuild.go_command() is None and not _is_built(KUBECTL, environ):
        raise Missing("there is no go on the PATH to build kubectl with, and no KUBEBUILDER_ASSETS (a folder with it)")
    return _built(KUBECTL, environ, say)


def find_helm(environ: Mapping[str, str], say: Say) -> Tool:
    """Find the helm that was given or built, or build it.

    Not one of the PATH: what it refuses, and how it says so, is that of this version.
    Raises `Missing`, `BuildFailed` or `Unavailable`.
    """
    given = environ.get("HELM")
    if given:
        return _asset(Path(given).parent, Path(given).name, "version", "--short")
    if gobuild.go_command() is None and not _is_built(HELM, environ):
        raise Missing("there is no go on the PATH to build helm with, and no HELM (a binary)")
    return _built(HELM, environ, say)


def _need_go(environ: Mapping[str, str], choice: str, *, control_plane: bool) -> None:
    """Say all that is missing at once, where there is no go to build it with."""
    wanted = {"KUBEBUILDER_ASSETS": "a folder with kube-apiserver, kubectl and etcd"} if control_plane else {}
    if choice != "sandbox":
        wanted["ACK_LAMBDA_CONTROLLER"] = "a lambda-controller binary"
    unset = [f"{name} ({what})" for name, what in wanted.items() if not environ.get(name)]
    if unset and gobuild.go_command() is None:
        raise Missing(f"there is no go on the PATH to build with, and not set: {', '.join(unset)}")


def _chosen_controller(environ: Mapping[str, str], choice: str, say: Say) -> tuple[Tool | None, Path, str | None]:
    """Answer the controller, if it is a real one, the CRDs, and why it is none.

    Comes before the control plane: a refusal should not show only after a quarter of an hour of building.
    """
    sandbox_crds = Path(environ.get("ACK_LAMBDA_CRDS") or SANDBOX_CRDS)
    if choice == "sandbox":
        return None, sandbox_crds, "CONTROLLER=sandbox asks for it"
    try:
        return *_real_controller(environ, say), None
    except Unavailable as refused:
        if choice == "auto":
            return None, sandbox_crds, f"the module proxy does not serve it: {' '.join(str(refused).split())}"
        raise Unavailable(
            f"the module proxy does not serve the real controller:\n{refused}\n"
            "Give one with ACK_LAMBDA_CONTROLLER and ACK_LAMBDA_CRDS, or fall back to the sandbox's own with "
            "CONTROLLER=auto."
        ) from None


def _control_plane(environ: Mapping[str, str], say: Say) -> tuple[Tool, Tool]:
    assets = environ.get("KUBEBUILDER_ASSETS")
    if assets:
        return _asset(Path(assets), "kube-apiserver"), _asset(Path(assets), "etcd")
    return _built(APISERVER, environ, say), _built(ETCD, environ, say)


def _asset(folder: Path, name: str, *asked: str) -> Tool:
    path = folder / name
    if not os.access(path, os.X_OK):
        raise Missing(f"{folder}, as given, has no executable {name}")
    try:
        told = subprocess.run([path, *(asked or ["--version"])], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as failed:
        raise Missing(f"{folder}, as given, has a {name} that does not run: {failed}") from failed
    return Tool(name, told.splitlines()[0].split()[-1], path)


def _real_controller(environ: Mapping[str, str], say: Say) -> tuple[Tool, Path]:
    given = environ.get("ACK_LAMBDA_CONTROLLER")
    if not given:
        tool = _built(CONTROLLER, environ, say)
        return tool, tool.path.parent / "crds"
    path, crds = Path(given), Path(environ.get("ACK_LAMBDA_CRDS", ""))
    if not os.access(path, os.X_OK):
        raise Missing(f"ACK_LAMBDA_CONTROLLER={given} is no executable file")
    if not list(crds.glob("*functions.yaml")):
        raise Missing("ACK_LAMBDA_CONTROLLER needs ACK_LAMBDA_CRDS: the config/crd/bases of the same version")
    # The binary has no --version of its own, so say at least which one it was.
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return Tool(CONTROLLER.name, f"as given, sha256 {digest}", path), crds


def _built(program: Program, environ: Mapping[str, str], say: Say) -> Tool:
    """Answer the cached program, or build it: a folder is in the cache whole or not at all."""
    cache, home = _cache(environ), _home(program, environ)
    tool = Tool(program.name, program.version, home / program.binary)
    with _alone(cache / f"{home.name}.lock", program, say):
        if home.is_dir():
            return tool
        say(f"{program.name} {program.version}: downloading")
        source = gobuild.download(program)
        say(f"{program.name} {program.version}: building; the first time takes {program.takes}")
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=f".{home.name}-", dir=cache) as folder:
            unfinished = Path(folder) / "whole"
            unfinished.mkdir()
            gobuild.build(program, source, unfinished / program.binary)
            manifests = source / "config" / "crd" / "bases"
            if manifests.is_dir():
                _copy_manifests(manifests, unfinished / "crds")
            unfinished.rename(home)
        say(f"{program.name} {program.version}: built in {time.monotonic() - started:.0f} s")
    return tool


def _home(program: Program, environ: Mapping[str, str]) -> Path:
    return _cache(environ) / f"{program.name}-{program.version}"


def _is_built(program: Program, environ: Mapping[str, str]) -> bool:
    return _home(program, environ).is_dir()


def _copy_manifests(source: Path, target: Path) -> None:
    target.mkdir()
    # Contents only: files of go's module cache are read-only, and would keep the cache from being cleaned.
    for manifest in sorted(source.glob("*.yaml")):
        shutil.copyfile(manifest, target / manifest.name)


def _cache(environ: Mapping[str, str]) -> Path:
    base = environ.get("XDG_CACHE_HOME")
    cache = (Path(base) if base else Path.home() / ".cache") / "ack-remediator"
    cache.mkdir(parents=True, exist_ok=True)
    return cache


@contextmanager
def _alone(lock: Path, program: Program, say: Say) -> Iterator[None]:
    """Let one builder work at a time; the kernel frees the lock when its holder dies."""
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{program.name} {program.version}: another process is building it; waiting")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Find or build everything and tell what there is; with `kubectl` or `helm`, that alone, and where it lies."""
    alone = {KUBECTL.name: find_kubectl, HELM.name: find_helm}.get(" ".join(sys.argv[1:]))

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    try:
        told = [f"{alone(os.environ, say).path}"] if alone else prepare(os.environ, say).lines()
    except (Missing, Unavailable, BuildFailed) as reason:
        print(f"cannot {'render manifests' if alone else 'test on a cluster'}: {reason}", file=sys.stderr)
        return reason.exit_code
    print("\n".join(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
