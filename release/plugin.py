"""What the archive of the kubectl plugin starts: the program, or what kubectl asks when somebody completes a line.

As `kubectl_complete-remediator` it is what kubectl asks; krew links the plugin under one name only.
"""

from __future__ import annotations

import sys
from pathlib import PurePath

if PurePath(sys.argv[0]).name == "kubectl_complete-remediator":
    from remediator.cli.completing import kubectl as main
else:
    from remediator.cli import main

if __name__ == "__main__":
    main()
