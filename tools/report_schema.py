"""Writes the JSON Schema of `report.json` to `docs/report.schema.json`, from the report's own structs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec

_ROOT = Path(__file__).parents[1]
FILE = _ROOT / "docs" / "report.schema.json"


def schema() -> str:
    """The schema as the file holds it."""
    sys.path.insert(0, str(_ROOT / "layers" / "common"))
    from autopilot.domain.report import Report

    found = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Redshift Autopilot cost report",
        **msgspec.json.schema(Report),
    }
    return json.dumps(found, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(schema(), encoding="utf-8")
