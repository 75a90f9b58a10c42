"""`make chart`: write anew what chart/ has of manifests/ and of the policy's types."""

from __future__ import annotations

from manifests.chart.written import CHART, written

if __name__ == "__main__":
    files = written()
    for folder in {path.parent for path in files}:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*"):
            if old not in files and folder != CHART:
                old.unlink()
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
