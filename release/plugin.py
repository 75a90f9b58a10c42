"""What the archive of the kubectl plugin starts: the program, or what kubectl asks when somebody completes a line.

As `kubectl_complete-remediator` it is what kubectl asks; krew links the plugin under one name only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from pathlib import PurePath

# As the program starts its own interpreter to look names up, where it is not frozen: here it is the interpreter itself.
LOOKUP = ["-P", "-m", "remediator.cli.lookup"]
_LIBRARIES, _BEFORE = "LD_LIBRARY_PATH", "LD_LIBRARY_PATH_ORIG"


def give_back(environ: MutableMapping[str, str]) -> None:
    """Undo what PyInstaller's starter has set, for the programs that this one starts.

    A kubeconfig names some, `aws eks get-token` among them: with our libraries in the place of its own it fails, or is
    another program (PyInstaller's manual, "LD_LIBRARY_PATH / LIBPATH considerations"). We have found ours by then: the
    loader reads that variable once.
    """
    before = environ.pop(_BEFORE, None)
    environ.pop(_LIBRARIES, None)
    if before is not None:
        environ[_LIBRARIES] = before
    for name in [each for each in environ if each.startswith("_PYI_")]:
        del environ[name]


def main() -> None:
    """Do what the name asks for by which this was called."""
    give_back(os.environ)
    if sys.argv[1:4] == LOOKUP:
        from remediator.cli import lookup

        lookup.main(sys.argv[4])
    elif PurePath(sys.argv[0]).name == "kubectl_complete-remediator":
        from remediator.cli.completing import kubectl

        kubectl()
    else:
        from remediator.cli import main as remediator

        remediator()


if __name__ == "__main__":
    main()
