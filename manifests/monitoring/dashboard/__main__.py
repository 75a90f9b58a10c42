"""`make dashboard`: write dashboard.json anew."""

from __future__ import annotations

from pathlib import Path

from manifests.monitoring.dashboard.page import written

FILE = Path(__file__).parents[1] / "dashboard.json"

if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
