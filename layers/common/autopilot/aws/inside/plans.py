"""The plan of an execution, a file in the Autopilot bucket: what is declared, every step, and what became of it. It holds no password."""

from __future__ import annotations

import msgspec

from autopilot.aws import files
from autopilot.domain.inside.progress import Progress

PERMISSIONS = (*files.READ, *files.WRITE)


def save(progress: Progress) -> str:
    """Write the plan over what was there; its address. Source: PutObject."""
    return files.write_text(_key(progress.execution), msgspec.json.format(msgspec.json.encode(progress), indent=1), "application/json")


def load(execution: str) -> Progress:
    """The plan of an execution, as it was written last. Source: GetObject."""
    found: Progress = files.read_json(_key(execution), Progress)
    return found


def _key(execution: str) -> str:
    return f"plans/{execution.rpartition(':')[2]}.json"
