"""Writes the JSON Schemas of what people write and read (specs, cost reports) to `docs/`, from our own structs."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import msgspec

_ROOT = Path(__file__).parents[1]
#: Name of the schema: its title, and the struct that it is made of.
SCHEMAS = {
    "report": ("Redshift Autopilot cost report", "autopilot.domain.report", "Report"),
    "spec": ("Redshift Autopilot warehouse spec", "autopilot.domain.spec", "Spec"),
}


def file_of(name: str) -> Path:
    """Where the schema lies."""
    return _ROOT / "docs" / f"{name}.schema.json"


def schema(name: str) -> str:
    """The schema as its file holds it."""
    sys.path.insert(0, str(_ROOT / "layers" / "common"))
    title, module, struct = SCHEMAS[name]
    found = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **msgspec.json.schema(getattr(importlib.import_module(module), struct)),
    }
    return json.dumps(found, indent=2) + "\n"


if __name__ == "__main__":
    for one in SCHEMAS:
        file_of(one).write_text(schema(one), encoding="utf-8")
