"""Find or build krew, and what judges its manifests: `python -m tests.bed.krew` prints where they lie, one a line."""

from __future__ import annotations

import os
import sys

from tests.bed.gobuild import BuildFailed, Program, Unavailable
from tests.bed.toolchain import Missing, _built

_MODULE, _VERSION = "sigs.k8s.io/krew", "v0.5.0"
PROGRAMS = tuple(
    Program(
        name=name,
        module=_MODULE,
        version=_VERSION,
        package=f"{_MODULE}/cmd/{name}",
        binary=name,
        takes="about a minute on 2 cores",
    )
    for name in ("krew", "validate-krew-manifest")
)


def main() -> int:
    """Find or build both."""

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    try:
        for each in PROGRAMS:
            print(_built(each, os.environ, say).path)
    except (Missing, Unavailable, BuildFailed) as reason:
        print(f"cannot try the plugin: {reason}", file=sys.stderr)
        return reason.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
