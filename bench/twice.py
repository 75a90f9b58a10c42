"""Two passes of one process over the same fleet, each kept in records, as a daemon makes them.

Prints a line of JSON for each: when it was over, in seconds since 1970, how many resources it saw, and what it could
not store.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from bench.fleet import HOME
from remediator.cli.wiring import wire


def main() -> None:
    """Look, keep what was seen, and do both again."""
    wired = wire(all_namespaces=True, home=HOME, policy=Path(os.environ["REMEDIATOR_POLICY"]))
    for _ in range(2):
        scan = wired.work.scan()
        over = time.time()
        print(json.dumps({"over": over, "seen": scan.total, "unkept": wired.work.record(scan)}), flush=True)


if __name__ == "__main__":
    main()
