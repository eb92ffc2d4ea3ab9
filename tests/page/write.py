"""Writes the sample report to a folder, for people: `python -m tests.page.write build`."""

from __future__ import annotations

import sys
from pathlib import Path

from report_page import render_html, to_csv
from tests.page.samples import usual


def write(folder: Path) -> list[Path]:
    """The page and the sheet of the sample report, as files."""
    folder.mkdir(parents=True, exist_ok=True)
    report = usual()
    page, sheet = folder / "report.html", folder / "report.csv"
    page.write_text(render_html(report), encoding="utf-8")
    sheet.write_text(to_csv(report), encoding="utf-8", newline="")
    return [page, sheet]


if __name__ == "__main__":
    print("\n".join(str(path) for path in write(Path(sys.argv[1]))))
